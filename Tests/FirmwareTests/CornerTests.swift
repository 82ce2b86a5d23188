// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import DeterministicMath
import Quantities
import TestSupport
import Testing

@testable import Firmware

/// Every corner of what the firmware can be given, in a build that traps where arithmetic overflows.
@Suite struct CornerTests {
  static let moments: [Int64] = [.min, .min + 1, -1, 0, 1, 300_000_000, .max - 1, .max]
  static let values: [Int32] = [.min, .min + 1, -50_000, -1, 0, 1, 2_000_000, .max - 1, .max]

  /// Ticks at both ends of the clock, in every order: a stop, a calendar's time and a memory among them.
  @Test(arguments: moments) func ticksAtAnyMoment(first: Int64) throws {
    for second in Self.moments {
      let bench = try MemoryBench(saving: SaveRule(interval: 1, change: 0, spacing: 1))
      bench.board.dithers = true
      bench.firmware.setWallClock(
        try #require(CalendarTime(secondsSince2000: 1)), at: .microseconds(second))
      for moment in [first, second, first, second, second, first] {
        for later in Int64(0)..<4 {
          let (sum, overflow) = moment.addingReportingOverflow(later * 100_000)
          let report = bench.firmware.tick(at: .microseconds(overflow ? .max : sum))
          #expect(0...1_000_000 ~= report.estimate.stateOfCharge.partsPerMillion)
        }
      }
      for seconds in [Int32.min, 0, 10, .max] { _ = bench.firmware.prognosis(over: seconds) }
      bench.firmware.stop()
      for _ in 0..<40 where !bench.firmware.isStopped {
        _ = bench.firmware.tick(at: .microseconds(first))
      }
    }
  }

  /// How long and how much a rule of saving may say.
  @Test func rulesOfSaving() throws {
    for interval in Self.moments {
      for spacing in Self.moments {
        for number in Self.values {
          let bench = try MemoryBench(
            saving: SaveRule(
              interval: interval, change: number, spacing: spacing, unseen: number))
          bench.board.dithers = true
          for _ in 0..<3 { bench.tick(after: 1_000_000) }
          #expect(bench.firmware.saturations == 0)
        }
      }
    }
  }

  /// A kept state that is resumed under any rule of saving.
  @Test func resumedUnderAnyRule() throws {
    let first = try MemoryBench(saving: SaveRule(interval: 1, change: 0, spacing: 1))
    first.board.dithers = true
    _ = first.bringUp()
    first.run(seconds: 120)
    #expect(first.memory.writes > 0)
    for spacing in Self.moments {
      for unseen in Self.values {
        let next = try MemoryBench(
          saving: SaveRule(interval: spacing, change: unseen, spacing: spacing, unseen: unseen))
        next.board.dithers = true
        next.memory.bytes = first.memory.bytes
        // The newest state may have been under way.
        let outcome = next.bringUp().restoration
        #expect(outcome == .restored || outcome == .restoredOlder, "\(spacing), \(unseen)")
      }
    }
  }

  @Test func plausibilityOfAnything() {
    for lower in Self.values {
      for upper in Self.values {
        for rated in Self.moments {
          var check = PlausibilityCheck(
            lowerCutoff: .microvolts(lower), upperCutoff: .microvolts(upper),
            rated: .nanocoulombs(rated), currentRange: .microamperes(upper))
          for value in Self.values {
            for other in Self.values {
              var measurement = Measurement(
                current: .microamperes(other), voltage: .microvolts(value),
                temperature: .millidegreesCelsius(other))
              _ = check.check(&measurement)
            }
          }
        }
      }
    }
  }

  @Test func rampsAreWithinTheirEnds() {
    for none in Self.values {
      for all in Self.values {
        let ramp = Ramp(none: none, all: all)
        for value in Self.values { #expect(0...1_024 ~= ramp.share(at: value)) }
      }
    }
    for lower in Self.values {
      for upper in Self.values {
        _ = DeratingTable(lowerCutoff: .microvolts(lower), upperCutoff: .microvolts(upper))
      }
    }
  }

  @Test func meansAndDeepDischarges() {
    for first in Self.values {
      for second in Self.values {
        var mean = MeanCurrent()
        var deep = DeepDischarge(rated: .milliampereHours(1_500))
        for (a, b) in zip(Self.moments, Self.moments.reversed()) {
          mean.note(.microamperes(first), at: .microseconds(a))
          mean.note(.microamperes(second), at: .microseconds(b))
          for elapsed in [a, b] {
            for _ in 0..<3 {
              deep.watch(
                .microvolts(first), current: .microamperes(second), elapsed: elapsed, isLow: true)
            }
          }
        }
        let (low, high) = (Int64(min(first, second)), Int64(max(first, second)))
        #expect(low...high ~= mean.microamperes ?? low)
      }
    }
  }

  /// Currents at any magnitude, limit and pause, in the sum that lets an overload last for a while.
  @Test(arguments: values) func protectionAtAnyValue(limit: Int32) {
    let table = ProtectionTable(
      lowerCutoff: .millivolts(2_000), upperCutoff: .millivolts(4_200),
      chargeLimit: .microamperes(limit), dischargeLimit: .microamperes(limit))
    for voltage in Self.values {
      for current in Self.values {
        for temperature in Self.values {
          var monitor = ProtectionMonitor()
          for moment in [0, 1_000_000, Int64(1) << 61, -(1 << 61), 1 << 61] {
            _ = monitor.check(
              .init(
                measurement: Measurement(
                  current: .microamperes(current), voltage: .microvolts(voltage),
                  temperature: .millidegreesCelsius(temperature)),
                deepVoltage: nil, isPlausible: true, isLost: false, allowed: [.charge, .discharge],
                feedback: nil, modelDisagrees: false, doesNotRise: false),
              against: table, at: .microseconds(moment))
          }
        }
      }
    }
  }

  @Test func historiesStop() {
    var history = FaultHistory()
    for moment in Self.moments {
      for _ in 0..<3 { history.run(microseconds: moment) }
    }
    #expect(history.operatingSeconds > 0)
  }

  @Test func calendarsReckon() throws {
    for first in Self.moments {
      for second in Self.moments {
        var calendar = Calendar(.none)
        calendar.set(
          try #require(CalendarTime(secondsSince2000: 0)), at: .microseconds(first))
        let time = calendar.time(at: .microseconds(second))
        if second < first { #expect(time == nil) }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import DeterministicMath
import Quantities
import Testing

@testable import ChipDrivers

/// Every corner of what the drivers' arithmetic can be given, in a build that traps where it overflows.
@Suite struct CornerTests {
  static let words: [Int64] = [.min, .min + 1, -1, 0, 1, 1_000_000, .max - 1, .max]
  static let halves: [Int32] = [
    .min, .min + 1, -1_000_000, -1, 0, 1, 99, 100, 101, 1_000_000, .max,
  ]

  /// Moments at both ends of the clock, in every order.
  @Test func momentsAreCompared() {
    for a in Self.words {
      for b in Self.words {
        let since = MonotonicTime.microseconds(a).microseconds(since: .microseconds(b))
        let exact = Int128(a) - Int128(b)
        #expect(Int128(since) == min(max(exact, Int128(Int64.min)), Int128(Int64.max)))
        #expect((since < 0) == (a < b))
        let near = (
          MonotonicTime.microseconds(a).withinReach, MonotonicTime.microseconds(b).withinReach
        )
        #expect(near.0.microseconds - near.1.microseconds <= 1 << 62)
      }
    }
  }

  @Test func theHostIntegrates() {
    for gap in Self.words {
      for first in Self.halves {
        for second in Self.halves {
          for (a, b) in [(Int64.min, Int64.max), (0, gap), (gap, .max), (0, 1_000_000_000)] {
            for rule in [HostIntegrator.Rule.trapezoid, .zeroOrderHold] {
              var integrator = HostIntegrator(rule: rule, maximumGap: gap)
              _ = integrator.add(.microamperes(first), at: .microseconds(a))
              let reading = integrator.add(.microamperes(second), at: .microseconds(b))
              if case .counted(let charge) = reading {
                #expect(charge.nanocoulombs.magnitude <= 2_147_483_648_000_000)
              }
            }
          }
        }
      }
    }
  }

  @Test func countersCount() {
    for numerator in [-(1 << 61), -1, 0, 1, 1_000_000, 1 << 61] as [Int64] {
      for denominator in [Int64(1), 2, 65_535, 1 << 32] {
        for largest in Self.halves {
          var counted = CountedCharge(
            numerator: numerator, denominator: denominator, largest: .microamperes(largest))
          for (counts, moment) in zip(Self.words, Self.words.reversed()) {
            _ = counted.advance(by: counts, at: .microseconds(moment))
            _ = counted.advance(by: counts, at: .microseconds(0))
          }
        }
      }
    }
  }

  /// What the INA228 counts, at the ends of shunt, current and counter.
  @Test func theINA228Counts() throws {
    for microohms in Self.halves {
      for largest in Self.halves {
        let shunt = Shunt(
          resistance: .microohms(microohms), maximumCurrent: .microamperes(largest),
          polarity: largest % 2 == 0 ? .chargePositive : .dischargePositive)
        guard let configuration = Self.made({ () throws(ShuntProblem) in try .init(shunt: shunt) })
        else { continue }
        var counter = ChargeCounter(configuration: configuration)
        for word in [UInt64(0), 1, 0x7F_FFFF_FFFF, 0x80_0000_0000, 0xFF_FFFF_FFFF, .max] {
          for moment in Self.words {
            _ = counter.advance(to: word, at: .microseconds(moment))
            _ = counter.advance(to: 0, at: .microseconds(0))
          }
        }
        Self.all24 { word in _ = try? INA228.current(word: word, configuration: configuration) }
      }
    }
  }

  private static func made(
    _ make: () throws(ShuntProblem) -> INA228.Configuration
  ) -> INA228.Configuration? {
    do throws(ShuntProblem) { return try make() } catch { return nil }
  }

  private static func all24(_ body: (UInt32) -> Void) {
    for word in [UInt32(0), 0x10, 0x7F_FFF0, 0x80_0000, 0x80_0010, 0xFF_FFF0, .max] { body(word) }
  }

  /// Every word at the shunts and currents that a configuration lets through.
  @Test func shuntsAtTheirEnds() {
    for microohms in Self.halves {
      for largest in Self.halves {
        for polarity in [Shunt.Polarity.chargePositive, .dischargePositive] {
          let shunt = Shunt(
            resistance: .microohms(microohms), maximumCurrent: .microamperes(largest),
            polarity: polarity)
          for word in [UInt16(0), 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF] {
            do {
              _ = try INA226.current(word: word, configuration: .init(shunt: shunt))
            } catch {}
            do {
              _ = try INA219.current(word: word, configuration: .init(shunt: shunt))
            } catch {}
          }
        }
      }
    }
  }

  @Test func thermistorsAtTheirEnds() throws {
    for nominal in [Int32(100), 1_000_000] {
      for beta in [Int32(1_000), 6_000] {
        for pullUp in [Int32(100), 1_000_000] {
          let thermistor = try #require(
            Thermistor(nominalOhms: nominal, betaKelvin: beta, pullUpOhms: pullUp))
          for over in Self.halves {
            for reference in Self.halves {
              do throws(ChipError) {
                let found = try thermistor.temperature(
                  thermistor: .microvolts(over), reference: .microvolts(reference))
                #expect(-40_000...125_000 ~= found.millidegreesCelsius)
              } catch {
                #expect(error == .thermistorOpen || error == .thermistorShorted)
              }
            }
          }
        }
      }
    }
    for values in [Self.halves, Self.halves.reversed()] {
      for (a, b) in zip(values, Self.halves) {
        _ = Thermistor(nominalOhms: a, betaKelvin: b, pullUpOhms: a)
      }
    }
  }

  /// The clock's correction at every interval and charge.
  @Test(arguments: [UInt64(91), 92]) func clocksAreCorrected(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<400 {
      var correction = ClockCorrection(
        partsPerMillion: Int32(truncatingIfNeeded: random.next()))
      for _ in 0..<60 {
        // 2147 A for 5 s, either way: what a step of the window can have counted.
        let charge = Charge.nanocoulombs(Int64(random.uniform(-1.1e13, 1.1e13)))
        let currents: [Int32] = [.min, -1, 0, 1, .max]
        let current = currents[Int(random.uniform(0, 5))]
        let elapsed = [Int64.min, -1, 0, 1, 5_000_000, 5_000_001, .max][Int(random.uniform(0, 7))]
        correction.observe(
          counted: charge, current: .microamperes(current), elapsed: elapsed,
          largest: .microamperes(.max))
        _ = correction.corrected(charge)
        #expect(-15_000...15_000 ~= correction.partsPerMillion)
      }
    }
  }
}

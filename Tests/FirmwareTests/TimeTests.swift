// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Firmware
import Quantities
import Testing

/// Ticks come when they come.
@Suite struct TimeTests {
  /// Steps of 1 ms to 60 s, evenly over the decades, with a gap of hours, a clock that stands still
  /// and one that steps back.
  private func step(_ random: inout SeededRandom) -> Int64 {
    switch random.next() % 50 {
    case 0: return 5 * 3_600_000_000
    case 1: return 0
    case 2: return -2_000_000
    default:
      let exponent = random.uniform(3, 7.78)
      return Int64(DeterministicMath.exp(exponent * 2.302_585_092_994_046))
    }
  }

  @Test(arguments: SensorSet.allCases, [UInt64(31), 32, 33])
  func irregularTicksKeepEveryPromise(set: SensorSet, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let bench = try Bench(set)
    bench.board.dithers = true
    var hasMeasured = false
    for tick in 0..<1_500 {
      bench.board.microamperes = Int32(random.uniform(-3, 3)) * 200_000
      bench.board.microvolts = 3_100_000 + Int32(random.uniform(-9, 9)) * 12_500
      if random.chance(0.01) { bench.board.silent = random.chance(0.5) ? [0x40] : [0x48] }
      if random.chance(0.2) { bench.board.silent = [] }
      let report = bench.tick(after: step(&random))
      let seen = report.measurement
      if seen.current != nil { hasMeasured = true }
      let at: Comment = "\(set), seed \(seed), tick \(tick)"
      let estimate = report.estimate
      #expect(estimate.lowestStateOfCharge <= estimate.stateOfCharge, at)
      #expect(estimate.stateOfCharge <= estimate.highestStateOfCharge, at)
      #expect(estimate.lowestCapacity <= estimate.fullChargeCapacity, at)
      #expect(estimate.fullChargeCapacity <= estimate.highestCapacity, at)
      #expect(report.allowsCharge == bench.chargeSwitch.isOn, at)
      #expect(report.allowsDischarge == bench.dischargeSwitch.isOn, at)
      #expect(hasMeasured || !report.allowsCharge, at)
      #expect(!report.protections.contains(.sensorLost) || !report.allowsCharge, at)
    }
    bench.board.silent = []
    for _ in 0..<30 { bench.tick() }
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn, "\(set), seed \(seed)")
  }

  /// A protection reacts in time whatever the ticks: at the first tick after its delay.
  @Test(arguments: [UInt64(41), 42, 43, 44])
  func delaysCountTimeNotTicks(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<40 {
      let bench = try Bench()
      _ = bench.bringUp()
      bench.board.microvolts = 4_300_000
      bench.tick(after: 1_000)
      let since = bench.now
      while bench.now - since < 500_000 {
        #expect(bench.chargeSwitch.isOn, "seed \(seed): not before its delay")
        let wait = Int64(random.uniform(1_000, 300_000))
        let report = bench.tick(after: wait)
        #expect(report.protections.contains(.overVoltage) == (bench.now - since >= 500_000))
      }
      #expect(!bench.chargeSwitch.isOn, "seed \(seed)")
    }
  }

  @Test func afterAGapOfHoursTheLoadIsTakenToBeOffAndTheIntervalSaysSo() throws {
    let bench = try Bench(.ina226TMP117, deviation: 10_000)
    _ = bench.bringUp()
    bench.board.microamperes = -1_500_000
    let before = bench.tick().estimate
    bench.board.microamperes = 0
    let report = bench.tick(after: 6 * 3_600_000_000)
    #expect(report.estimate.conditions.contains(.gapCoasted))
    #expect(
      report.estimate.highestStateOfCharge.partsPerMillion
        - report.estimate.lowestStateOfCharge.partsPerMillion
        > before.highestStateOfCharge.partsPerMillion - before.lowestStateOfCharge.partsPerMillion)
    #expect(!bench.tick().estimate.conditions.contains(.gapCoasted))
  }

  /// The INA228 counts through a gap, so nothing has to be assumed.
  @Test func theCounterBridgesAGapOfHours() throws {
    let bench = try Bench(.ina228TMP117, stateOfCharge: 900_000, deviation: 10_000)
    _ = bench.bringUp()
    bench.board.microamperes = -100_000
    bench.tick()
    let start = bench.firmware.ledger
    let report = bench.tick(after: 4 * 3_600_000_000)
    #expect(!report.estimate.conditions.contains(.gapCoasted))
    let moved = bench.firmware.ledger.nanocoulombs - start.nanocoulombs
    #expect(abs(Double(moved) / -1e8 - 14_400) < 1, "0.1 A for four hours: \(moved) nC")
  }

  @Test func aClockThatStandsStillChangesNoEstimate() throws {
    let bench = try Bench()
    _ = bench.bringUp()
    bench.board.microamperes = -1_500_000
    let before = bench.tick().estimate
    for _ in 0..<100 {
      let report = bench.tick(after: 0)
      #expect(report.estimate.stateOfCharge == before.stateOfCharge)
      #expect(report.allowsDischarge)
    }
  }

  /// A clock that steps back is told; the protections go on by the new time.
  @Test(arguments: [Int64(1), 3_600, 1_000_000])
  func aClockThatStepsBackDisarmsNothing(seconds: Int64) throws {
    let bench = try Bench()
    _ = bench.bringUp(after: 1_000_000)
    bench.now = 2_000_000_000_000
    bench.board.microvolts = 4_300_000
    bench.tick()
    let report = bench.tick(after: -seconds * 1_000_000)
    #expect(report.estimate.conditions.contains(.timeRanBackwards))
    var ticks = 0
    while bench.chargeSwitch.isOn, ticks < 20 {
      bench.tick()
      ticks += 1
    }
    #expect(ticks <= 5, "half a second of the new time")
    // And back out: release by the new time too.
    bench.board.microvolts = 3_600_000
    bench.tick()
    bench.tick(after: -seconds * 1_000_000)
    ticks = 0
    while !bench.chargeSwitch.isOn, ticks < 30 {
      bench.tick()
      ticks += 1
    }
    #expect(ticks <= 10)
  }

  /// A chip that was just reset when the clock stepped back is configured all the same.
  @Test func aClockThatStepsBackDuringBringUpDelaysNothing() throws {
    let bench = try Bench()
    bench.now = 2_000_000_000_000
    bench.tick()
    bench.tick(after: -3_600_000_000)
    _ = bench.bringUp()
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Quantities
import Testing

/// One protection that watches a value: how to show it a value, and what it must do.
struct WatchedValue: Sendable, CustomTestStringConvertible {
  var protection: Protection
  /// In the unit of the rule.
  var threshold: Int32
  var release: Int32
  /// One step of the converter away from the cause. Unit: that of the rule.
  var step: Int32
  var stops: Direction
  /// Ticks of 0.1 s from the first sight of the cause to the trip.
  var delayTicks: Int
  var releaseTicks: Int
  var latches = false
  /// Ticks that the load is given after the trip.
  var graceTicks = 0
  var testDescription: String { "\(protection)" }

  /// A table in which only this protection can be reached, so that what it does is seen alone.
  var table: ProtectionTable {
    var table = ProtectionTable.sample
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let other = Protection(rawValue: raw), other != protection else { continue }
      let isLower = [
        .underVoltage, .underTemperatureCharge, .underTemperatureDischarge, .deepDischarge,
      ].contains(other)
      table[other].threshold = isLower ? .min : .max
    }
    return table
  }

  func show(_ value: Int32, on board: TestBoard) {
    switch protection {
    case .overVoltage, .underVoltage: board.microvolts = value
    case .overCurrentCharge: board.microamperes = value
    case .overCurrentDischarge: board.microamperes = -value
    default: board.millidegrees = value
    }
  }

  /// Every threshold lies on a step of the INA228 or the TMP117, so that "exactly at" can be shown:
  /// 25 µV·125 per 16 steps of the voltage, 25 µA, 7.8125 m°C.
  static let all: [WatchedValue] = [
    WatchedValue(
      protection: .overVoltage, threshold: 4_250_000, release: 4_100_000, step: -3_125,
      stops: .charge, delayTicks: 5, releaseTicks: 10, latches: true),
    WatchedValue(
      protection: .underVoltage, threshold: 2_000_000, release: 2_200_000, step: 3_125,
      stops: .discharge, delayTicks: 20, releaseTicks: 10),
    WatchedValue(
      protection: .overCurrentCharge, threshold: 3_000_000, release: 3_000_000, step: -25,
      stops: .charge, delayTicks: 2, releaseTicks: 300, latches: true),
    WatchedValue(
      protection: .overCurrentDischarge, threshold: 6_000_000, release: 6_000_000, step: -25,
      stops: .discharge, delayTicks: 2, releaseTicks: 300, latches: true),
    WatchedValue(
      protection: .overTemperatureCharge, threshold: 45_000, release: 40_000, step: -125,
      stops: .charge, delayTicks: 50, releaseTicks: 50, graceTicks: 10),
    WatchedValue(
      protection: .overTemperatureDischarge, threshold: 60_000, release: 55_000, step: -125,
      stops: .discharge, delayTicks: 50, releaseTicks: 50, graceTicks: 10),
    WatchedValue(
      protection: .underTemperatureCharge, threshold: -10_000, release: -5_000, step: 125,
      stops: .charge, delayTicks: 50, releaseTicks: 50, graceTicks: 10),
    WatchedValue(
      protection: .underTemperatureDischarge, threshold: -30_000, release: -25_000, step: 125,
      stops: .discharge, delayTicks: 50, releaseTicks: 50, graceTicks: 10),
  ]
}

@Suite struct ProtectionTests {
  private func isTripped(_ report: Report, _ watched: WatchedValue) -> Bool {
    report.protections.contains(watched.protection)
  }

  private func bench(_ watched: WatchedValue) throws -> Bench {
    let bench = try Bench(table: watched.table)
    bench.board.dithers =
      watched.protection != .overVoltage && watched.protection != .underVoltage
    let report = bench.bringUp()
    #expect(report.protections == [] && report.allowsCharge && report.allowsDischarge)
    return bench
  }

  /// Shows a value for some ticks; the number of ticks after which the protection first held.
  private func ticksToTrip(_ bench: Bench, _ watched: WatchedValue, within limit: Int) -> Int? {
    for tick in 0..<limit {
      let report = bench.tick()
      #expect(report.tripped.isEmpty || report.tripped == ProtectionSet(watched.protection))
      if isTripped(report, watched) { return tick }
    }
    return nil
  }

  @Test func theTableIsTheStatedOne() {
    for watched in WatchedValue.all {
      let rule = ProtectionTable.sample[watched.protection]
      #expect(rule.threshold == watched.threshold, "\(watched.protection)")
      #expect(rule.release == watched.release, "\(watched.protection)")
      #expect(rule.stops == watched.stops, "\(watched.protection)")
      #expect(rule.delay == Int64(watched.delayTicks) * 100_000, "\(watched.protection)")
      #expect(rule.releaseDelay == Int64(watched.releaseTicks) * 100_000, "\(watched.protection)")
      let latch = LatchPolicy.untilRestart(afterTrips: 3, within: 3_600_000_000)
      #expect((rule.latch == latch) == watched.latches, "\(watched.protection)")
      #expect(rule.grace == Int64(watched.graceTicks) * 100_000, "\(watched.protection)")
    }
    for sensor in [Protection.sensorImplausible, .sensorLost] {
      let rule = ProtectionTable.sample[sensor]
      #expect(rule.stops == [.charge, .discharge])
      #expect(rule.delay == 5_000_000 && rule.releaseDelay == 1_000_000)
      #expect(rule.latch == .never)
    }
    #expect(Protection(rawValue: UInt8(Protection.count)) == nil)
    #expect(Protection(rawValue: UInt8(Protection.count - 1)) != nil)
  }

  /// A step short of the threshold is allowed for good; at the threshold it trips when its delay
  /// has passed, not a tick before, and stops its own direction only.
  @Test(arguments: WatchedValue.all)
  func tripsAtTheThresholdAfterTheDelay(watched: WatchedValue) throws {
    let bench = try bench(watched)
    watched.show(watched.threshold + watched.step, on: bench.board)
    #expect(ticksToTrip(bench, watched, within: 3 * watched.delayTicks + 5) == nil)
    watched.show(watched.threshold, on: bench.board)
    #expect(ticksToTrip(bench, watched, within: 200) == watched.delayTicks)
    for _ in 0..<watched.graceTicks {
      #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
      bench.tick()
    }
    #expect(bench.chargeSwitch.isOn == !watched.stops.contains(.charge))
    #expect(bench.dischargeSwitch.isOn == !watched.stops.contains(.discharge))
    let report = bench.tick()
    #expect(report.tripped == [], "it begins once")
    #expect(report.allowsCharge == bench.chargeSwitch.isOn)
    #expect(report.allowsDischarge == bench.dischargeSwitch.isOn)
  }

  /// A cause that goes away a tick before its delay has passed starts anew.
  @Test(arguments: WatchedValue.all)
  func anInterruptedCauseStartsAnew(watched: WatchedValue) throws {
    let bench = try bench(watched)
    for _ in 0..<3 {
      watched.show(watched.threshold, on: bench.board)
      #expect(ticksToTrip(bench, watched, within: watched.delayTicks) == nil)
      watched.show(watched.threshold + watched.step, on: bench.board)
      #expect(ticksToTrip(bench, watched, within: 1) == nil)
    }
    watched.show(watched.threshold, on: bench.board)
    #expect(ticksToTrip(bench, watched, within: 200) == watched.delayTicks)
  }

  /// Between threshold and release it stays; at the release value it ends after its own delay, and
  /// an interruption starts that delay anew.
  @Test(arguments: WatchedValue.all)
  func releasesWithHysteresisAndDelay(watched: WatchedValue) throws {
    let bench = try bench(watched)
    watched.show(watched.threshold, on: bench.board)
    #expect(ticksToTrip(bench, watched, within: 200) != nil)
    if watched.release != watched.threshold {
      watched.show(watched.release - watched.step, on: bench.board)
      for _ in 0..<2 * watched.releaseTicks + 5 { #expect(isTripped(bench.tick(), watched)) }
    }
    watched.show(watched.release, on: bench.board)
    for _ in 0..<watched.releaseTicks { #expect(isTripped(bench.tick(), watched)) }
    watched.show(watched.threshold - watched.step, on: bench.board)
    #expect(isTripped(bench.tick(), watched), "the cause is back in the last moment")
    watched.show(watched.release, on: bench.board)
    for _ in 0..<watched.releaseTicks { #expect(isTripped(bench.tick(), watched)) }
    let report = bench.tick()
    #expect(!isTripped(report, watched))
    #expect(report.released == ProtectionSet(watched.protection))
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
    #expect(bench.tick().released == [])
  }

  /// The third trip of a latching protection stays until it is cleared; others never stay.
  @Test(arguments: WatchedValue.all)
  func latchesAfterItsTrips(watched: WatchedValue) throws {
    let bench = try bench(watched)
    let harmless = watched.release + 10 * watched.step
    for trip in 1...4 {
      if watched.latches, trip == 4 { break }
      watched.show(watched.threshold, on: bench.board)
      #expect(ticksToTrip(bench, watched, within: 200) != nil, "trip \(trip)")
      watched.show(harmless, on: bench.board)
      var report = bench.tick()
      for _ in 0..<watched.releaseTicks + 3 { report = bench.tick() }
      #expect(isTripped(report, watched) == (watched.latches && trip == 3), "trip \(trip)")
    }
    guard watched.latches else { return }
    var report = bench.tick()
    for _ in 0..<2 * watched.releaseTicks { report = bench.tick() }
    #expect(isTripped(report, watched), "only a clear ends it")
    bench.firmware.clear(watched.protection)
    #expect(!isTripped(bench.tick(), watched))
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
    // Cleared while the cause is there, it goes on without a gap; its trips count from zero.
    watched.show(watched.threshold, on: bench.board)
    #expect(ticksToTrip(bench, watched, within: 200) == watched.delayTicks)
    bench.firmware.clear(watched.protection)
    for _ in 0..<5 { #expect(isTripped(bench.tick(), watched)) }
    #expect(bench.chargeSwitch.isOn == !watched.stops.contains(.charge))
    watched.show(harmless, on: bench.board)
    for _ in 0..<watched.releaseTicks + 3 { report = bench.tick() }
    #expect(!isTripped(report, watched), "no trip since the clear, so it does not latch")
  }

  /// A value that was not read neither raises nor ends a protection, and does not stop its clock.
  @Test(arguments: WatchedValue.all)
  func missingReadingsNeitherRaiseNorClear(watched: WatchedValue) throws {
    var table = watched.table
    table[.sensorLost].threshold = 0
    table[.sensorLost].delay = .max  // this test is not about it
    let bench = try Bench(table: table)
    bench.board.dithers =
      watched.protection != .overVoltage && watched.protection != .underVoltage
    _ = bench.bringUp()
    // Harmless, then unseen for long: nothing.
    bench.board.silent = [0x40, 0x48]
    watched.show(watched.threshold, on: bench.board)
    #expect(ticksToTrip(bench, watched, within: watched.delayTicks + 50) == nil)
    bench.board.silent = []
    // Both chips came down and need three ticks; the delay counts from the first sight.
    #expect(ticksToTrip(bench, watched, within: 100) == watched.delayTicks + 2)
    // Gone, but unseen for long: it stays, and the release delay counts from the first sight.
    bench.board.silent = [0x40, 0x48]
    watched.show(watched.release + 10 * watched.step, on: bench.board)
    for _ in 0..<watched.releaseTicks + 50 { #expect(isTripped(bench.tick(), watched)) }
    bench.board.silent = []
    for _ in 0..<watched.releaseTicks + 2 { #expect(isTripped(bench.tick(), watched)) }
    #expect(!isTripped(bench.tick(), watched))
    // Seen once, then missing for less than the link needs to give up: time went on meanwhile.
    watched.show(watched.threshold, on: bench.board)
    bench.tick()
    bench.board.silent = [0x40, 0x48]
    bench.tick()
    bench.board.silent = []
    #expect(ticksToTrip(bench, watched, within: 100) == max(watched.delayTicks - 2, 0))
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Quantities
import TestSupport
import Testing

/// Severity, grace, lasting currents, deep discharge, switches that disagree, allowed currents.
@Suite struct ProtectionLevelTests {
  private func bench(table: ProtectionTable = .sample) throws -> Bench {
    let bench = try Bench(table: table)
    bench.board.dithers = true
    _ = bench.bringUp()
    return bench
  }

  /// Ticks of 0.1 s until something holds, at most so many.
  private func ticks(
    _ bench: Bench, atMost limit: Int, until condition: (Report) -> Bool
  ) -> Int? {
    for tick in 1...limit where condition(bench.tick()) { return tick }
    return nil
  }

  @Test func noticeWarningAndTripByTheirLimits() throws {
    let bench = try bench()
    let stages: [(volts: Int32, notice: Bool, warning: Bool)] = [
      (4_190_625, false, false), (4_206_250, true, false), (4_221_875, true, true),
      (4_246_875, true, true), (4_190_625, false, false),
    ]
    for stage in stages {
      bench.board.microvolts = stage.volts
      var report = bench.tick()
      for _ in 0..<6 { report = bench.tick() }
      #expect(report.notices.contains(.overVoltage) == stage.notice, "\(stage.volts) µV")
      #expect(report.warnings.contains(.overVoltage) == stage.warning, "\(stage.volts) µV")
      #expect(report.protections == [] && report.allowsCharge)
    }
  }

  /// A cause that goes away in the time given to the load still opens the switch.
  @Test func whatIsDueIsNotCancelled() throws {
    let bench = try bench()
    bench.board.millidegrees = 46_000
    #expect(ticks(bench, atMost: 100) { $0.protections.contains(.overTemperatureCharge) } != nil)
    #expect(bench.chargeSwitch.isOn)
    var table = ProtectionTable.sample
    table[.overTemperatureCharge].releaseDelay = 0
    let other = try self.bench(table: table)
    other.board.millidegrees = 46_000
    #expect(ticks(other, atMost: 100) { $0.protections.contains(.overTemperatureCharge) } != nil)
    other.board.millidegrees = 25_000
    let opened = ticks(other, atMost: 20) { !$0.allowsCharge }
    #expect(opened == 10)
    #expect(ticks(other, atMost: 3) { $0.allowsCharge } != nil, "and it closes again")
  }

  /// Of two protections the one that leaves least time decides.
  @Test func theShortestGraceWins() throws {
    let bench = try bench()
    bench.board.millidegrees = 46_000
    #expect(ticks(bench, atMost: 100) { $0.protections.contains(.overTemperatureCharge) } != nil)
    bench.board.microvolts = 4_260_000
    // Over-voltage trips after half a second and gives no time; the temperature would give 0.4 s more.
    let opened = ticks(bench, atMost: 20) { !$0.allowsCharge }
    #expect(opened == 6)
  }

  /// Sensors that come back may show a limit that was crossed while they were away: a switch that is off
  /// does not close onto it for the time that it takes to trip.
  @Test func whatIsOffDoesNotCloseOntoACause() throws {
    let bench = try bench()
    bench.board.silent = [0x40, 0x48]
    #expect(ticks(bench, atMost: 100) { $0.protections.contains(.sensorLost) } != nil)
    bench.board.millidegrees = 46_000
    for _ in 0..<50 { bench.tick() }
    bench.board.silent = []
    #expect(ticks(bench, atMost: 100) { $0.allowsDischarge } != nil, "too warm for charge only")
    #expect(ticks(bench, atMost: 300) { $0.allowsCharge } == nil)
    #expect(bench.tick().protections == ProtectionSet(.overTemperatureCharge))
    bench.board.millidegrees = 25_000
    #expect(ticks(bench, atMost: 100) { $0.allowsCharge } != nil)
  }

  /// The limit itself may last ten seconds, less for longer, three quarters of it for good.
  @Test(
    arguments: [(5_990_000, 100), (5_250_000, 215), (4_600_000, 1_731), (4_490_000, nil)]
      as [(Int32, Int?)])
  func lastingCurrents(microamperes: Int32, expected: Int?) throws {
    let bench = try bench()
    bench.board.microamperes = -microamperes
    let found = ticks(bench, atMost: 3_000) { !$0.allowsDischarge }
    guard let expected else {
      #expect(found == nil)
      return
    }
    // The excess is (I² − I₀²)·t against 10 s at the limit; 2 % for the arithmetic's steps.
    let trip = try #require(found)
    #expect(abs(Double(trip) - Double(expected)) <= 0.02 * Double(expected) + 2)
    #expect(bench.tick().protections.contains(.sustainedCurrentDischarge))
  }

  // MARK: Deep discharge

  /// The voltage of a cell that is discharged ever deeper, a hundredth of a volt a tick.
  private func fall(_ board: TestBoard, to microvolts: Int32, tick: () -> Void) {
    while board.microvolts > microvolts {
      board.microvolts = max(board.microvolts - 12_500, microvolts)
      tick()
    }
  }

  @Test func aCellDischargedToNothingIsBroughtBack() throws {
    let bench = try MemoryBench()
    bench.board.dithers = true
    bench.bringUp()
    bench.board.microvolts = 2_300_000
    fall(bench.board, to: 0) { bench.tick() }
    var report = bench.tick()
    for _ in 0..<700 { report = bench.tick() }
    #expect(report.protections.contains(.deepDischarge))
    #expect(report.implausibility == [], "the voltage is believed")
    #expect(report.allowsCharge && !report.allowsDischarge)
    #expect(report.limits.charge == ProtectionTable.sample.trickle)
    // A charger that does not keep to the trickle is stopped.
    bench.board.microamperes = 500_000
    for _ in 0..<4 { report = bench.tick() }
    #expect(!report.allowsCharge)
    bench.board.microamperes = 70_000
    for _ in 0..<310 { report = bench.tick() }
    #expect(report.allowsCharge)
    // It outlives a restart, and ends only when it is cleared.
    bench.run(seconds: 400)
    bench.restart()
    for _ in 0..<40 { report = bench.tick() }
    #expect(report.protections.contains(.deepDischarge))
    bench.board.microamperes = 0
    bench.board.microvolts = 2_500_000
    for _ in 0..<100 { report = bench.tick() }
    #expect(report.protections.contains(.deepDischarge) && !report.allowsDischarge)
    bench.firmware.clear(.deepDischarge)
    report = bench.tick()
    #expect(!report.protections.contains(.deepDischarge))
  }

  /// A wire that breaks shows no voltage on the way down: nothing is charged by it.
  @Test func aBrokenWireIsNoDeepDischarge() throws {
    let bench = try bench()
    bench.board.microvolts = 0
    var report = bench.tick()
    for _ in 0..<700 { report = bench.tick() }
    #expect(!report.protections.contains(.deepDischarge))
    #expect(report.protections.contains(.sensorImplausible))
    #expect(!report.allowsCharge && !report.allowsDischarge)
    // The operator knows better.
    bench.firmware.clear(.deepDischarge)
    for _ in 0..<700 { report = bench.tick() }
    #expect(report.protections.contains(.deepDischarge))
    #expect(report.allowsCharge && !report.allowsDischarge)
  }

  /// Charge that does not lift the voltage goes elsewhere: 5 % of 1.5 Ah at 70 mA is 64 minutes.
  @Test func aVoltageThatDoesNotRiseStopsTheTrickle() throws {
    let bench = try bench()
    bench.board.microvolts = 2_300_000
    fall(bench.board, to: 500_000) { bench.tick() }
    bench.board.microamperes = 70_000
    var report = bench.tick()
    var seconds = 0
    while report.allowsCharge, seconds < 6_000 {
      report = bench.tick(after: 1_000_000)
      seconds += 1
    }
    #expect(abs(seconds - 3_857) < 60)
    #expect(!report.allowsCharge)
  }

  // MARK: Switches

  @Test(arguments: [1_000_000, -1_000_000] as [Int32])
  func currentThroughASwitchThatIsOff(microamperes: Int32) throws {
    let bench = try MemoryBench(table: .switching)
    bench.board.dithers = true
    bench.bringUp()
    bench.board.microvolts = microamperes > 0 ? 4_260_000 : 1_950_000
    bench.run(seconds: 4)
    bench.board.microamperes = microamperes
    var report = bench.tick()
    for _ in 0..<12 { report = bench.tick() }
    #expect(report.protections.contains(.switchDisagrees))
    #expect(!report.allowsCharge && !report.allowsDischarge)
    bench.board.microamperes = 0
    bench.board.microvolts = 3_200_000
    bench.run(seconds: 400)
    bench.restart()
    for _ in 0..<50 { report = bench.tick() }
    #expect(report.protections.contains(.switchDisagrees), "it outlives a restart")
    #expect(!report.allowsCharge && !report.allowsDischarge)
    bench.firmware.clear(.switchDisagrees)
    report = bench.tick()
    #expect(report.allowsCharge && report.allowsDischarge)
  }

  @Test func feedbackThatDisagrees() throws {
    let bench = try bench()
    bench.firmware.setFeedback(charge: true, discharge: true)
    #expect(ticks(bench, atMost: 30) { $0.protections != [] } == nil)
    bench.firmware.setFeedback(charge: true, discharge: false)
    let found = ticks(bench, atMost: 30) { $0.protections.contains(.switchDisagrees) }
    #expect(found == 11)
  }

  @Test func aLateTickIsNoted() throws {
    let bench = try bench()
    let late = bench.tick(after: 31_000_000)
    #expect(late.tripped.contains(.tickLate))
    #expect(late.allowsCharge && late.allowsDischarge)
    #expect(!bench.tick().protections.contains(.tickLate))
    #expect(bench.firmware.history.trips[Int(Protection.tickLate.rawValue)] == 1)
  }

  // MARK: Allowed currents

  @Test func ramps() {
    let rising = Ramp(none: -10_000, all: 5_000)
    let falling = Ramp(none: 45_000, all: 40_000)
    let shares: [(Ramp, Int32, Int64)] = [
      (rising, -20_000, 0), (rising, -10_000, 0), (rising, -2_500, 512), (rising, 5_000, 1_024),
      (rising, .max, 1_024), (falling, 50_000, 0), (falling, 42_500, 512), (falling, .min, 1_024),
      (Ramp(none: 3, all: 3), 3, 0), (Ramp(none: .min, all: .max), .max, 1_024),
    ]
    for (ramp, value, share) in shares { #expect(ramp.share(at: value) == share, "\(value)") }
  }

  /// Warmth, cold, a voltage near an end and an uncertain estimate each reduce what may flow.
  @Test func allowedCurrentsAreReduced() throws {
    let bench = try bench()
    for _ in 0..<50 { bench.tick() }
    let usual = bench.tick().limits
    #expect(usual.charge == .milliamperes(2_250) && usual.discharge == .milliamperes(4_500))
    bench.board.millidegrees = 42_500
    #expect(abs(bench.tick().limits.charge.microamperes - 1_125_000) < 5_000)
    bench.board.millidegrees = -20_000
    let cold = bench.tick().limits
    #expect(cold.charge == .milliamperes(0))
    #expect(abs(cold.discharge.microamperes - 2_250_000) < 10_000)
    bench.board.millidegrees = 25_000
    bench.board.microvolts = 2_100_000
    #expect(abs(bench.tick().limits.discharge.microamperes - 2_250_000) < 10_000)
    bench.board.microvolts = 4_195_000
    #expect(bench.tick().limits.charge < .milliamperes(1_200))
    let unsure = try Bench(stateOfCharge: 900_000, deviation: 200_000)
    unsure.board.dithers = true
    #expect(unsure.bringUp().limits.charge < .milliamperes(500))
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Firmware
import Simulation
import Testing

/// The switches really cut the cell: a load that knows no limits is stopped in time.
@Suite struct SwitchTests {
  /// A stop that must come: what the load does, and where the truth goes too far.
  struct Abuse: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var start: Double
    var c: Double
    var protection: Protection
    /// Whether a true moment is beyond the threshold by more than the board's errors.
    var isBeyond: @Sendable (Moment) -> Bool
    /// The rule's delay. Unit: s.
    var delay: Double
  }

  /// The board's voltage path is off by 2 mV (one deviation): 10 mV is more than any of these seeds'.
  static let abuses: [Abuse] = [
    Abuse(
      testDescription: "over-voltage", start: 0.95, c: 1, protection: .overVoltage,
      isBeyond: { $0.volts > 4.06 }, delay: 0.5),
    Abuse(
      testDescription: "under-voltage", start: 0.05, c: -1, protection: .underVoltage,
      isBeyond: { $0.volts < 1.99 }, delay: 2),
    Abuse(
      testDescription: "over-current charging", start: 0.3, c: 2.1,
      protection: .overCurrentCharge, isBeyond: { $0.amperes > 3.05 }, delay: 0.2),
    Abuse(
      testDescription: "over-current discharging", start: 0.7, c: -4.2,
      protection: .overCurrentDischarge, isBeyond: { $0.amperes < -6.1 }, delay: 0.2),
  ]

  /// The stated reaction: the delay, or the tick's period if that is longer, and one period more for
  /// the tick that sees the cause first.
  @Test(arguments: abuses, [0.1, 1.0])
  func aLoadWithoutLimitsIsStopped(abuse: Abuse, period: Double) throws {
    for chips in ChipSet.allCases {
      var setup = RigSetup.quick(seed: 5)
      setup.chips = chips
      setup.period = period
      setup.mismatch = 0
      setup.startStateOfCharge = abuse.start
      setup.schedule = LoadSchedule(
        steps: [.current(c: abuse.c, untilVolts: abuse.c > 0 ? 100 : -100, seconds: 1e9)])
      var rig = try Rig(setup)
      var since: Double?
      var stopped: Double?
      for _ in 0..<Int(900 / period) where stopped == nil {
        let moment = rig.step()
        if abuse.isBeyond(moment), since == nil { since = moment.seconds }
        if moment.report.protections.contains(abuse.protection) { stopped = moment.seconds }
      }
      let ended = try #require(stopped, "\(chips): the abuse is strong enough")
      // Not later than a tick after the delay was over; earlier is the board's error.
      if let since {
        #expect(ended - since <= max(abuse.delay, period) + period + 1e-9, "\(chips)")
      }
      for _ in 0..<Int(20 / period) {
        let moment = rig.step()
        #expect(moment.amperes == 0, "\(chips): the truth has stopped")
        #expect(moment.report.allowsCharge == (abuse.c < 0), "\(chips)")
        #expect(moment.report.allowsDischarge == (abuse.c > 0), "\(chips)")
      }
    }
  }

  /// An over-current is tried again after half a minute, and no more after the third trip.
  @Test func aRepeatedOverCurrentIsLatched() throws {
    var setup = RigSetup.quick(seed: 6)
    setup.startStateOfCharge = 0.3
    setup.schedule = LoadSchedule(steps: [.current(c: 2.2, untilVolts: 100, seconds: 1e9)])
    let run = try Run(setup, ticks: 600)
    let trips = run.moments.filter { $0.report.tripped.contains(.overCurrentCharge) }
    #expect(trips.count == 3)
    #expect(run.moments.filter { $0.report.released.contains(.overCurrentCharge) }.count == 2)
    #expect(run.moments.suffix(400).allSatisfy { $0.amperes == 0 })
  }

  /// In the heat the drive's braking is cut off and its driving goes on; in the frost too.
  @Test(arguments: [(50.0, Protection.overTemperatureCharge), (-15, .underTemperatureCharge)])
  func onlyChargingIsCutOffOutsideItsTemperatures(
    ambient: Double, protection: Protection
  ) throws {
    var setup = RigSetup.quick(seed: 7)
    setup.ambientCelsius = ambient
    setup.schedule = LoadSchedule(steps: [.drive(meanC: 0.3, untilVolts: 0, seconds: 1e9)])
    let run = try Run(setup, ticks: 120)
    // Three ticks of bring-up and five seconds of delay.
    let later = run.moments.dropFirst(10)
    #expect(later.allSatisfy { $0.report.protections == ProtectionSet(protection) })
    #expect(later.allSatisfy { $0.amperes <= 0 })
    #expect(later.contains { $0.amperes < 0 })
    setup.ambientCelsius = 25
    let mild = try Run(setup, ticks: 120)
    #expect(mild.moments.contains { $0.amperes > 0 }, "the drive does brake")
  }

  /// Nothing flows before the first complete measurement.
  @Test(arguments: ChipSet.allCases)
  func nothingFlowsBeforeTheFirstMeasurement(chips: ChipSet) throws {
    var setup = RigSetup.quick(seed: 8)
    setup.chips = chips
    setup.schedule = LoadSchedule(steps: [.current(c: -0.5, untilVolts: 0, seconds: 1e9)])
    let run = try Run(setup, ticks: 20)
    let first = try #require(run.moments.firstIndex { $0.report.allowsDischarge })
    #expect(run.moments[...first].allSatisfy { $0.amperes == 0 })
    #expect(run.moments[(first + 1)...].allSatisfy { $0.amperes < 0 })
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities

/// Watches the measurements against the table; says what must be stopped.
///
/// Time counts, not samples: a cause that is still there when its delay has passed trips at the
/// first tick that sees it, so the reaction is the delay or the tick's period, whichever is longer.
/// A value that was not read neither raises nor ends the protections that need it; `sensorLost`
/// looks after that.
struct ProtectionMonitor: Sendable {
  private var states: InlineArray<10, RuleState>
  private(set) var active: ProtectionSet = []

  private struct RuleState: Sendable {
    var causeSince: Int64?
    var goneSince: Int64?
    var trips: UInt8 = 0
  }

  init() { states = InlineArray(repeating: RuleState()) }

  /// Whether a rule's cause is there; nil where the value was not read.
  private struct Cause {
    var trips: Bool
    var releases: Bool

    static func above(_ value: Int32, _ rule: ProtectionRule) -> Cause {
      Cause(trips: value >= rule.threshold, releases: value <= rule.release)
    }

    static func below(_ value: Int32, _ rule: ProtectionRule) -> Cause {
      Cause(trips: value <= rule.threshold, releases: value >= rule.release)
    }
  }

  /// Takes in one tick's measurement and gives what is to be stopped.
  ///
  /// - Parameters:
  ///   - plausible: whether all that was read can be; nil if something that can be was not read.
  ///   - lost: whether a sensor gave no answer.
  mutating func check(
    _ measurement: Measurement, plausible: Bool?, lost: Bool,
    against table: borrowing ProtectionTable, at time: MonotonicTime
  ) -> Direction {
    if let voltage = measurement.voltage {
      watch(.overVoltage, .above(voltage.microvolts, table[.overVoltage]), table, time)
      watch(.underVoltage, .below(voltage.microvolts, table[.underVoltage]), table, time)
    }
    if let current = measurement.current {
      let inward = max(current.microamperes, 0)
      let outward = current.microamperes < 0 ? Int32(clamping: current.microamperes.magnitude) : 0
      watch(.overCurrentCharge, .above(inward, table[.overCurrentCharge]), table, time)
      watch(.overCurrentDischarge, .above(outward, table[.overCurrentDischarge]), table, time)
    }
    if let temperature = measurement.temperature?.millidegreesCelsius {
      watch(.overTemperatureCharge, .above(temperature, table[.overTemperatureCharge]), table, time)
      watch(
        .overTemperatureDischarge, .above(temperature, table[.overTemperatureDischarge]), table,
        time)
      watch(
        .underTemperatureCharge, .below(temperature, table[.underTemperatureCharge]), table, time)
      watch(
        .underTemperatureDischarge, .below(temperature, table[.underTemperatureDischarge]), table,
        time)
    }
    if let plausible {
      watch(.sensorImplausible, Cause(trips: !plausible, releases: plausible), table, time)
    }
    watch(.sensorLost, Cause(trips: lost, releases: !lost), table, time)
    return stopped(by: table)
  }

  /// What the active protections stop together.
  private func stopped(by table: borrowing ProtectionTable) -> Direction {
    var stops: Direction = []
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let protection = Protection(rawValue: raw), active.contains(protection) else {
        continue
      }
      stops.formUnion(table[protection].stops)
    }
    return stops
  }

  /// Follows one rule through cause, delay, trip, release.
  private mutating func watch(
    _ protection: Protection, _ cause: Cause, _ table: borrowing ProtectionTable,
    _ time: MonotonicTime
  ) {
    let index = Int(protection.rawValue)
    let rule = table[protection]
    // Where the clock stepped back, a delay begins anew rather than wait for the old time.
    let now = time.microseconds
    if active.contains(protection) {
      guard cause.releases, !isLatched(states[index], rule) else {
        states[index].goneSince = nil
        return
      }
      let since = min(states[index].goneSince ?? now, now)
      states[index].goneSince = since
      if now - since >= rule.releaseDelay {
        active.remove(ProtectionSet(protection))
        states[index].goneSince = nil
        states[index].causeSince = nil
      }
      return
    }
    guard cause.trips else {
      states[index].causeSince = nil
      return
    }
    let since = min(states[index].causeSince ?? now, now)
    states[index].causeSince = since
    if now - since >= rule.delay {
      active.insert(ProtectionSet(protection))
      states[index].trips = states[index].trips == .max ? .max : states[index].trips + 1
    }
  }

  private func isLatched(_ state: RuleState, _ rule: ProtectionRule) -> Bool {
    switch rule.latch {
    case .never: false
    case .afterTrips(let trips): state.trips >= trips
    }
  }

  /// Ends a latched protection and forgets its trips; it trips again if its cause is still there.
  mutating func clear(_ protection: Protection) {
    states[Int(protection.rawValue)] = RuleState()
    active.remove(ProtectionSet(protection))
  }
}

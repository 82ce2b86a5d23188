// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Quantities

/// What every tick of every run must keep, and what all runs together must.
public enum Invariant: String, CaseIterable, Sendable {
  /// No value comes from a read that failed, and what is read is what the chip was shown.
  case failedRead
  /// A safety limit that is crossed in truth for longer than the stated reaction opens the switch.
  case reaction
  /// The interval on state of charge holds the truth, or is not far from it for long.
  case interval
  /// The interval on state of charge holds the truth as often as it states; see `SwarmCoverage`.
  case coverage
  /// The ledger is the charge that flowed through the shunt.
  case ledger
  /// A result that was clamped is reported.
  case saturation
  /// What is known after a restart is what was known before, or the report says otherwise.
  case restart
  /// The switches are as reported, and off while nothing is known; an estimate lies in its interval.
  case switches
}

/// A broken invariant.
public struct SwarmViolation: Equatable, Sendable {
  /// Which.
  public var invariant: Invariant
  /// When. Unit: ticks of the run.
  public var tick: Int
  /// What was seen.
  public var detail: String
}

/// How long each protection took from a limit's crossing in truth to the open switch.
public struct ReactionTimes: Sendable {
  /// By the protection's raw value, from the first tick beyond the limit. Unit: s.
  public var seconds: [[Double]] = Array(repeating: [], count: 8)

  /// Makes none.
  public init() {}

  /// Adds what another one has seen.
  public mutating func add(_ other: ReactionTimes) {
    for i in 0..<8 { seconds[i] += other.seconds[i] }
  }
}

/// One tick from inside and from outside.
struct SwarmObservation {
  var tick: Int
  /// Since the last tick. Unit: s.
  var elapsed: Double
  /// At the chips' pins: the truth with the board's errors. Unit: A, V, °C.
  var amperes: Double
  var volts: Double
  /// What the monitor has converted last.
  var converted: (amperes: Double, volts: Double)
  var celsius: Double
  var stateOfCharge: Double
  var report: Report
  var ledger: Charge
  var saturations: UInt32
  var hasReachedMonitor: Bool
  var hasReachedThermometer: Bool
  var wasSilent: Bool
  /// The monitor converts what it sees, and it is the right one.
  var isWrongChip: Bool
  var isStuck: Bool
  var chargeIsOn: Bool
  var dischargeIsOn: Bool
}

/// Checks the invariants of one run.
struct SwarmChecker {
  private let table: ProtectionTable
  private let period: Double
  private(set) var violation: SwarmViolation?
  private(set) var covered = 0
  private(set) var scored = 0
  private(set) var reactions = ReactionTimes()

  /// Since the start of this life of the firmware. Unit: s.
  private var lived = 0.0
  private var crossed = [Double](repeating: -1, count: 8)
  private var crossedTicks = [Int](repeating: 0, count: 8)
  private var wasOn = [Bool](repeating: false, count: 8)
  private var allowance = 0.0
  private var astray = 0.0
  /// Time since something happened that no firmware can see through. Unit: s.
  private var sinceBlinded = 1e9
  private var ledgerStart: (fw: Int64, coulombs: Double)?
  private var coulombs = 0.0
  private var ledgerTolerance = 0.0
  private var lastAmperes = 0.0

  init(_ table: ProtectionTable, period: Double) {
    self.table = table
    self.period = period
  }

  /// The firmware starts anew.
  mutating func begin(isOtherCell: Bool) {
    lived = 0
    ledgerStart = nil
    astray = 0
    allowance = 0
    for i in 0..<8 { crossed[i] = -1 }
    if isOtherCell { sinceBlinded = 0 }
  }

  mutating func report(_ invariant: Invariant, _ tick: Int, _ detail: String) {
    guard violation == nil else { return }
    violation = SwarmViolation(invariant: invariant, tick: tick, detail: detail)
  }

  mutating func check(_ seen: SwarmObservation) {
    lived += seen.elapsed
    sinceBlinded = seen.isStuck ? 0 : sinceBlinded + seen.elapsed
    checkReads(seen)
    checkSwitches(seen)
    checkReactions(seen)
    checkInterval(seen)
    checkLedger(seen)
    if seen.saturations > 0, !seen.report.estimate.conditions.contains(.saturated) {
      report(.saturation, seen.tick, "\(seen.saturations) clamped results, none reported")
    }
    lastAmperes = seen.amperes
  }

  private mutating func checkReads(_ seen: SwarmObservation) {
    let measured = seen.report.measurement
    // An old answer can hide what happened to the chip since; nobody can tell.
    if !seen.hasReachedMonitor || (seen.isWrongChip && !seen.wasSilent),
      measured.current != nil || measured.voltage != nil || measured.charge != nil
    {
      report(.failedRead, seen.tick, "a value from a monitor that was not read")
    }
    if !seen.hasReachedThermometer, measured.temperature != nil {
      report(.failedRead, seen.tick, "a value from a thermometer that was not read")
    }
    guard !seen.wasSilent, !seen.isStuck else { return }
    if let volts = measured.voltage.map({ Double($0.microvolts) * 1e-6 }),
      (volts - seen.converted.volts).magnitude > 0.008
    {
      report(.failedRead, seen.tick, "\(volts) V where the pin had \(seen.converted.volts) V")
    }
    if let amperes = measured.current.map({ Double($0.microamperes) * 1e-6 }),
      (amperes - seen.converted.amperes).magnitude
        > 0.02 + 0.006 * seen.converted.amperes.magnitude
    {
      report(.failedRead, seen.tick, "\(amperes) A where the shunt had \(seen.converted.amperes) A")
    }
  }

  private mutating func checkSwitches(_ seen: SwarmObservation) {
    let told = seen.report
    if told.allowsCharge != seen.chargeIsOn || told.allowsDischarge != seen.dischargeIsOn {
      report(.switches, seen.tick, "a switch is not as reported")
    }
    if seen.chargeIsOn || seen.dischargeIsOn,
      !told.restoration.isSettled || told.protections.contains(.sensorLost)
    {
      report(.switches, seen.tick, "a switch is on while nothing is known")
    }
    let estimate = told.estimate
    if estimate.stateOfCharge < estimate.lowestStateOfCharge
      || estimate.highestStateOfCharge < estimate.stateOfCharge
    {
      report(.switches, seen.tick, "an estimate outside its interval")
    }
  }

  // MARK: Reactions

  private mutating func checkReactions(_ seen: SwarmObservation) {
    // A reading that nobody can tell is wrong may end a cause; its delay then begins anew.
    let volts = 0.015
    let gain = 1.01
    let limits: InlineArray<8, Bool> = [
      seen.volts >= micro(.overVoltage) + volts, seen.volts <= micro(.underVoltage) - volts,
      seen.amperes >= micro(.overCurrentCharge) * gain + 0.02,
      seen.amperes <= -micro(.overCurrentDischarge) * gain - 0.02,
      seen.celsius >= milli(.overTemperatureCharge) + 0.5,
      seen.celsius >= milli(.overTemperatureDischarge) + 0.5,
      seen.celsius <= milli(.underTemperatureCharge) - 0.5,
      seen.celsius <= milli(.underTemperatureDischarge) - 0.5,
    ]
    for i in 0..<8 { follow(i, isBeyond: limits[i], seen) }
  }

  private func micro(_ protection: Protection) -> Double {
    Double(table[protection].threshold) * 1e-6
  }

  private func milli(_ protection: Protection) -> Double {
    Double(table[protection].threshold) * 1e-3
  }

  private mutating func follow(_ i: Int, isBeyond: Bool, _ seen: SwarmObservation) {
    guard let protection = Protection(rawValue: UInt8(i)) else { return }
    let rule = table[protection]
    let isOn = rule.stops == .charge ? seen.chargeIsOn : seen.dischargeIsOn
    guard isBeyond, !seen.isStuck else {
      crossed[i] = -1
      return
    }
    if crossed[i] < 0 {
      // The limit was crossed some time in the step that ended now.
      crossed[i] = 0
      crossedTicks[i] = 0
      wasOn[i] = isOn
      allowance = 0
    } else {
      crossed[i] += seen.elapsed
      crossedTicks[i] += 1
    }
    if wasOn[i], !isOn {
      reactions.seconds[i].append(crossed[i])
      wasOn[i] = false
    }
    if seen.wasSilent { allowance += Double(rule.delay) * 1e-6 + 2 * period }
    // Nothing can react before the tick that comes late.
    if seen.elapsed > 1.5 * period { allowance += seen.elapsed }
    // What is not read is stopped by the loss of the sensor after five seconds.
    let stated = Double(rule.delay + rule.grace + table[.sensorLost].delay) * 1e-6 + 4 * period
    if isOn, crossed[i] > stated + allowance, crossedTicks[i] > 4 {
      report(
        .reaction, seen.tick,
        "\(protection) is beyond its limit for \(crossed[i]) s, stated are \(stated) s")
    }
  }

  // MARK: Estimates

  private mutating func checkInterval(_ seen: SwarmObservation) {
    let settle = 3_600.0
    guard lived > settle, sinceBlinded > settle, seen.report.restoration.isSettled else {
      astray = 0
      return
    }
    let truth = min(max(seen.stateOfCharge, 0), 1)
    let estimate = seen.report.estimate
    let low = Double(estimate.lowestStateOfCharge.partsPerMillion) * 1e-6
    let high = Double(estimate.highestStateOfCharge.partsPerMillion) * 1e-6
    scored += 1
    if low <= truth, truth <= high { covered += 1 }
    let outside = max(low - truth, truth - high, 0)
    astray = outside > 0.08 ? astray + seen.elapsed : 0
    if astray > 3_600 {
      report(
        .interval, seen.tick,
        "\(low)…\(high) for an hour where the truth is \(truth)")
    }
  }

  private mutating func checkLedger(_ seen: SwarmObservation) {
    let charge = seen.amperes * seen.elapsed
    coulombs += charge
    guard seen.report.restoration.isSettled, seen.hasReachedMonitor || ledgerStart != nil else {
      return
    }
    guard let start = ledgerStart else {
      ledgerStart = (seen.ledger.nanocoulombs, coulombs)
      // The first steps of a monitor that comes up are not counted.
      ledgerTolerance = (seen.amperes.magnitude + 0.1) * seen.elapsed * 4
      return
    }
    ledgerTolerance += 0.02 * charge.magnitude + 0.01 * seen.elapsed
    let isMissing = seen.report.measurement.current == nil
    let change = (seen.amperes - lastAmperes).magnitude * seen.elapsed
    if isMissing || seen.isStuck {
      let most = max(
        seen.amperes.magnitude, lastAmperes.magnitude, seen.converted.amperes.magnitude)
      ledgerTolerance += (2 * most + 0.1) * seen.elapsed * 3
    }
    if seen.report.measurement.charge == nil { ledgerTolerance += change + charge.magnitude }
    // Bits that flip in a count are believed up to the largest current.
    if seen.wasSilent { ledgerTolerance += 30 * seen.elapsed }
    let counted = Double(seen.ledger.nanocoulombs - start.fw) * 1e-9
    let flowed = coulombs - start.coulombs
    if (counted - flowed).magnitude > ledgerTolerance + 1 {
      report(
        .ledger, seen.tick,
        "\(counted) C counted, \(flowed) C flowed, \(ledgerTolerance) C may be lost")
    }
  }
}

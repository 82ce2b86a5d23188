// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// A condition that must not last: the firmware stops charging, discharging or both.
public enum Protection: UInt8, Equatable, Sendable {
  /// The terminal voltage is too high.
  case overVoltage = 0
  /// The terminal voltage is too low.
  case underVoltage
  /// The charging current is too high.
  case overCurrentCharge
  /// The discharging current is too high.
  case overCurrentDischarge
  /// Too warm to charge.
  case overTemperatureCharge
  /// Too warm to discharge.
  case overTemperatureDischarge
  /// Too cold to charge.
  case underTemperatureCharge
  /// Too cold to discharge.
  case underTemperatureDischarge
  /// A sensor answers, but with what the cell cannot do.
  case sensorImplausible
  /// A sensor does not answer.
  case sensorLost
  /// The terminal voltage is so low that the cell must be brought back slowly.
  case deepDischarge
  /// The charging current was above its lasting limit for too long.
  case sustainedCurrentCharge
  /// The discharging current was above its lasting limit for too long.
  case sustainedCurrentDischarge
  /// A switch is off and current flows through it, or its feedback says that it is not as it was told.
  case switchDisagrees
  /// A tick came far too late, so that protection was blind for that time.
  case tickLate
  /// The cell's voltage keeps contradicting the estimate.
  case modelDisagrees
  /// The load's voltage did not come up through its resistor in time: a short circuit, or a broken path.
  case prechargeFailed

  /// How many there are.
  public static let count = 17
}

/// How much a value that is out of its range matters.
public enum Severity: UInt8, Comparable, Sendable {
  /// Beyond the operating limit: the cell wears faster.
  case notice = 1
  /// Beyond the recommended limit: somebody should look.
  case warning
  /// Beyond the safety limit: a switch opens.
  case safety

  /// Orders by weight.
  public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }
}

/// Several protections at once.
public struct ProtectionSet: OptionSet, Equatable, Sendable {
  /// One bit a protection, by its raw value.
  public let rawValue: UInt32
  /// Makes a set from its bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// The set of one protection.
  public init(_ protection: Protection) { rawValue = 1 << UInt32(protection.rawValue) }
  /// Whether `protection` is in the set.
  public func contains(_ protection: Protection) -> Bool { contains(ProtectionSet(protection)) }
}

/// Which ways of using the cell a protection stops.
public struct Direction: OptionSet, Equatable, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// Makes a set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Putting charge in.
  public static let charge = Direction(rawValue: 1)
  /// Taking charge out.
  public static let discharge = Direction(rawValue: 2)
}

/// When a protection stays after its cause has gone.
public enum LatchPolicy: Equatable, Sendable {
  /// Never: it ends when the cause has been gone for the release delay.
  case never
  /// After so many trips within a time (µs, from the first of them); then only `clear` or a restart ends
  /// it.
  case untilRestart(afterTrips: UInt8, within: Int64)
  /// With the first trip; then only `clear` ends it, even over a restart if there is a memory.
  case persisted
}

/// When one protection trips and when it ends.
public struct ProtectionRule: Equatable, Sendable {
  /// The safety limit: trips at this value or beyond it. Unit: µV, µA (a magnitude) or m°C; unused for
  /// sensors.
  public var threshold: Int32
  /// The recommended limit: a warning at this value or beyond it; nil for none.
  public var recommended: Int32?
  /// The operating limit: a notice at this value or beyond it; nil for none.
  public var operating: Int32?
  /// Can end when the value is back at this one; the gap to `threshold` is the hysteresis.
  public var release: Int32
  /// How long the cause must last before it trips. Unit: µs.
  public var delay: Int64
  /// How long the load is given to stop by itself after the trip. Unit: µs; at most an hour.
  ///
  /// Of several protections the one that leaves least time decides; a switch that is due to open opens
  /// even if the cause goes away meanwhile.
  public var grace: Int64
  /// How long the cause must be gone before it ends. Unit: µs.
  public var releaseDelay: Int64
  /// When it stays.
  public var latch: LatchPolicy
  /// What it stops.
  public var stops: Direction

  /// Makes a rule.
  public init(
    threshold: Int32 = 0, recommended: Int32? = nil, operating: Int32? = nil, release: Int32 = 0,
    delay: Int64, grace: Int64 = 0, releaseDelay: Int64, latch: LatchPolicy = .never,
    stops: Direction
  ) {
    self.threshold = threshold
    self.recommended = recommended
    self.operating = operating
    self.grace = grace
    self.release = release
    self.delay = delay
    self.releaseDelay = releaseDelay
    self.latch = latch
    self.stops = stops
  }
}

/// The rules of all protections, as data.
public struct ProtectionTable: Sendable {
  private var rules: InlineArray<17, ProtectionRule>
  /// The most that a deeply discharged cell is charged with until it is back in its window.
  public var trickle: Current
  /// What the allowed currents are reduced by.
  public var derating: DeratingTable

  /// The rule of one protection.
  public subscript(protection: Protection) -> ProtectionRule {
    @_addressableSelf get { rules[Int(protection.rawValue)] }
    // Not `set`: its coroutine would put a frame on the heap.
    _modify { yield &rules[Int(protection.rawValue)] }
  }

  /// A table for a cell, by its window and its largest currents.
  ///
  /// Delays and hysteresis follow the conventions of open battery-management firmware (foxBMS 2,
  /// Libre Solar); temperature limits are those that makers of commercial sodium-ion cells state:
  /// −10…45 °C for charge and −30…60 °C for discharge.
  ///
  /// A short circuit is not in it: what software sees every 100 ms a fuse or a front end must have
  /// stopped within a millisecond.
  ///
  /// - Parameters:
  ///   - lowerCutoff: discharging stops at this voltage and resumes 0.2 V above it.
  ///   - upperCutoff: charging stops 50 mV above this voltage and resumes 0.1 V below it.
  ///   - chargeLimit: the largest charging current; three quarters of it may last.
  ///   - dischargeLimit: the largest discharging current, as a magnitude; three quarters may last.
  public init(
    lowerCutoff: Voltage, upperCutoff: Voltage, chargeLimit: Current, dischargeLimit: Current
  ) {
    let second: Int64 = 1_000_000
    rules = InlineArray(
      repeating: ProtectionRule(
        delay: 5 * second, releaseDelay: second, stops: [.charge, .discharge]))
    // C/20, where the limit is 2C as on most cells: what a charger of either can do.
    trickle = .microamperes(max(chargeLimit.microamperes / 40, 1))
    derating = DeratingTable(lowerCutoff: lowerCutoff, upperCutoff: upperCutoff)
    setVoltages(lowerCutoff.withinReach, upperCutoff.withinReach)
    setCurrents(chargeLimit, dischargeLimit)
    setTemperatures()
    self[.switchDisagrees] = ProtectionRule(
      threshold: max(dischargeLimit.microamperes / 50, 1), delay: second, releaseDelay: second,
      latch: .persisted, stops: [.charge, .discharge])
    self[.tickLate] = ProtectionRule(delay: 30 * second, releaseDelay: 0, stops: [])
    self[.modelDisagrees] = ProtectionRule(delay: 60 * second, releaseDelay: 60 * second, stops: [])
    // Three tries with a pause between them, as foxBMS's; then somebody should look at the load.
    self[.prechargeFailed] = ProtectionRule(
      delay: 0, releaseDelay: 3 * second / 10,
      latch: .untilRestart(afterTrips: 3, within: 3_600 * second), stops: .discharge)
  }

  private mutating func setVoltages(_ lower: Voltage, _ upper: Voltage) {
    let second: Int64 = 1_000_000
    self[.overVoltage] = ProtectionRule(
      threshold: upper.microvolts + 50_000, recommended: upper.microvolts + 20_000,
      operating: upper.microvolts + 5_000, release: upper.microvolts - 100_000,
      delay: second / 2, releaseDelay: second,
      latch: .untilRestart(afterTrips: 3, within: 3_600 * second), stops: .charge)
    self[.underVoltage] = ProtectionRule(
      threshold: lower.microvolts, recommended: lower.microvolts + 50_000,
      operating: lower.microvolts + 100_000, release: lower.microvolts + 200_000,
      delay: 2 * second, releaseDelay: second, stops: .discharge)
    self[.deepDischarge] = ProtectionRule(
      threshold: lower.microvolts / 2, release: lower.microvolts + 200_000, delay: 60 * second,
      releaseDelay: second, latch: .persisted, stops: .discharge)
  }

  private mutating func setCurrents(_ charge: Current, _ discharge: Current) {
    let second: Int64 = 1_000_000
    let latch = LatchPolicy.untilRestart(afterTrips: 3, within: 3_600 * second)
    self[.overCurrentCharge] = ProtectionRule(
      threshold: charge.microamperes, release: charge.microamperes, delay: second / 5,
      releaseDelay: 30 * second, latch: latch, stops: .charge)
    self[.overCurrentDischarge] = ProtectionRule(
      threshold: discharge.microamperes, release: discharge.microamperes, delay: second / 5,
      releaseDelay: 30 * second, latch: latch, stops: .discharge)
    self[.sustainedCurrentCharge] = ProtectionRule(
      threshold: charge.microamperes / 4 * 3, release: charge.microamperes / 4 * 3,
      delay: 10 * second, releaseDelay: 30 * second, latch: latch, stops: .charge)
    self[.sustainedCurrentDischarge] = ProtectionRule(
      threshold: discharge.microamperes / 4 * 3, release: discharge.microamperes / 4 * 3,
      delay: 10 * second, releaseDelay: 30 * second, latch: latch, stops: .discharge)
  }

  private mutating func setTemperatures() {
    let second: Int64 = 1_000_000
    func rule(
      _ safety: Int32, _ recommended: Int32, _ operating: Int32, stops: Direction
    ) -> ProtectionRule {
      // The release is the operating limit: 5 K of hysteresis, on either side.
      ProtectionRule(
        threshold: safety, recommended: recommended, operating: operating, release: operating,
        delay: 5 * second, grace: second, releaseDelay: 5 * second, stops: stops)
    }
    self[.overTemperatureCharge] = rule(45_000, 43_000, 40_000, stops: .charge)
    self[.overTemperatureDischarge] = rule(60_000, 58_000, 55_000, stops: .discharge)
    self[.underTemperatureCharge] = rule(-10_000, -8_000, -5_000, stops: .charge)
    self[.underTemperatureDischarge] = rule(-30_000, -28_000, -25_000, stops: .discharge)
  }
}

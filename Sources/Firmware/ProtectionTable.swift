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

  /// How many there are.
  public static let count = 10
}

/// Several protections at once.
public struct ProtectionSet: OptionSet, Equatable, Sendable {
  /// One bit a protection, by its raw value.
  public let rawValue: UInt16
  /// Makes a set from its bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// The set of one protection.
  public init(_ protection: Protection) { rawValue = 1 << UInt16(protection.rawValue) }
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
  /// After this many trips since the start; then only `clear` ends it.
  case afterTrips(UInt8)
}

/// When one protection trips and when it ends.
public struct ProtectionRule: Equatable, Sendable {
  /// Trips at this value or beyond it. Unit: µV, µA (a magnitude) or m°C; unused for sensors.
  public var threshold: Int32
  /// Can end when the value is back at this one; the gap to `threshold` is the hysteresis.
  public var release: Int32
  /// How long the cause must last before it trips. Unit: µs.
  public var delay: Int64
  /// How long the cause must be gone before it ends. Unit: µs.
  public var releaseDelay: Int64
  /// When it stays.
  public var latch: LatchPolicy
  /// What it stops.
  public var stops: Direction

  /// Makes a rule.
  public init(
    threshold: Int32 = 0, release: Int32 = 0, delay: Int64, releaseDelay: Int64,
    latch: LatchPolicy = .never, stops: Direction
  ) {
    self.threshold = threshold
    self.release = release
    self.delay = delay
    self.releaseDelay = releaseDelay
    self.latch = latch
    self.stops = stops
  }
}

/// The rules of all protections, as data.
public struct ProtectionTable: Sendable {
  private var rules: InlineArray<10, ProtectionRule>

  /// The rule of one protection.
  public subscript(protection: Protection) -> ProtectionRule {
    get { rules[Int(protection.rawValue)] }
    // Not `set`: its coroutine would put a frame on the heap.
    _modify { yield &rules[Int(protection.rawValue)] }
  }

  /// A table for a cell, by its window and its largest currents.
  ///
  /// Delays and hysteresis follow the conventions of open battery-management firmware (foxBMS 2,
  /// Libre Solar); temperature limits are those that makers of commercial sodium-ion cells state:
  /// −10…45 °C for charge and −30…60 °C for discharge.
  ///
  /// - Parameters:
  ///   - lowerCutoff: discharging stops at this voltage and resumes 0.2 V above it.
  ///   - upperCutoff: charging stops 50 mV above this voltage and resumes 0.1 V below it.
  ///   - chargeLimit: the largest charging current.
  ///   - dischargeLimit: the largest discharging current, as a magnitude.
  public init(
    lowerCutoff: Voltage, upperCutoff: Voltage, chargeLimit: Current, dischargeLimit: Current
  ) {
    let second: Int64 = 1_000_000
    rules = InlineArray(
      repeating: ProtectionRule(
        delay: 5 * second, releaseDelay: second, stops: [.charge, .discharge]))
    self[.overVoltage] = ProtectionRule(
      threshold: upperCutoff.microvolts + 50_000, release: upperCutoff.microvolts - 100_000,
      delay: second / 2, releaseDelay: second, latch: .afterTrips(3), stops: .charge)
    self[.underVoltage] = ProtectionRule(
      threshold: lowerCutoff.microvolts, release: lowerCutoff.microvolts + 200_000,
      delay: 2 * second, releaseDelay: second, stops: .discharge)
    self[.overCurrentCharge] = ProtectionRule(
      threshold: chargeLimit.microamperes, release: chargeLimit.microamperes,
      delay: second / 5, releaseDelay: 30 * second, latch: .afterTrips(3), stops: .charge)
    self[.overCurrentDischarge] = ProtectionRule(
      threshold: dischargeLimit.microamperes, release: dischargeLimit.microamperes,
      delay: second / 5, releaseDelay: 30 * second, latch: .afterTrips(3), stops: .discharge)
    self[.overTemperatureCharge] = ProtectionRule(
      threshold: 45_000, release: 40_000, delay: 5 * second, releaseDelay: 5 * second,
      stops: .charge)
    self[.overTemperatureDischarge] = ProtectionRule(
      threshold: 60_000, release: 55_000, delay: 5 * second, releaseDelay: 5 * second,
      stops: .discharge)
    self[.underTemperatureCharge] = ProtectionRule(
      threshold: -10_000, release: -5_000, delay: 5 * second, releaseDelay: 5 * second,
      stops: .charge)
    self[.underTemperatureDischarge] = ProtectionRule(
      threshold: -30_000, release: -25_000, delay: 5 * second, releaseDelay: 5 * second,
      stops: .discharge)
  }
}

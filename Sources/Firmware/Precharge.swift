// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import ChipDrivers
import Quantities

/// The chip that reads the voltage of the load, behind the discharge switch.
public enum LoadVoltmeter: Sendable {
  /// An INA228.
  case ina228(INA228)
  /// An INA226.
  case ina226(INA226)
  /// An INA219.
  case ina219(INA219)
}

/// How a load is brought to the cells' voltage before the discharge switch closes.
///
/// Capacitors at the load are a short circuit for the moment in which they are empty: a switch that
/// closes onto them welds or burns. A path through a resistor fills them first.
public struct PrechargeRule: Sendable {
  /// What reads the load's voltage.
  public var voltmeter: LoadVoltmeter
  /// How far below the cells' the load's voltage may be when the switch closes. Unit: ppm of theirs.
  public var margin: Int32
  /// How long that may take; after it the path opens, and `Protection.prechargeFailed` trips. Unit: µs.
  public var limit: Int64

  /// Makes a rule; 5 % and 2 s are foxBMS's.
  public init(voltmeter: LoadVoltmeter, margin: Int32 = 50_000, limit: Int64 = 2_000_000) {
    self.voltmeter = voltmeter
    self.margin = margin
    self.limit = limit
  }
}

/// A switch and the path through a resistor beside it, as one output.
public struct PrechargedSwitch<
  Main: DigitalOutput & ~Copyable, Path: DigitalOutput & ~Copyable
>: DigitalOutput, ~Copyable {
  private var main: Main
  private var path: Path

  /// Puts two outputs together.
  public init(main: consuming Main, path: consuming Path) {
    self.main = main
    self.path = path
  }

  /// Drives the switch.
  public mutating func set(_ active: Bool) { main.set(active) }
  /// Drives the path beside it.
  public mutating func setPrecharge(_ active: Bool) { path.set(active) }
}

/// Closes the discharge switch in an order: first the path, then the switch when the load has come up.
struct Precharge: Sendable {
  /// Where the order stands.
  enum Phase: Equatable, Sendable {
    case open
    case filling(since: MonotonicTime)
    case closed
  }

  private(set) var phase = Phase.open
  /// Whether the time ran out at the last step.
  private(set) var hasFailed = false

  /// Whether the path is on, through which the cells are discharged while the switch is off.
  var isFilling: Bool { phase != .open && phase != .closed }

  /// Does the next step.
  ///
  /// Of a load whose voltage is not read nothing is assumed: the time runs out.
  /// - Parameters:
  ///   - isWanted: whether protection lets the switch be on.
  ///   - load: one cell's share of the load's voltage; nil if it was not read.
  ///   - cell: the cell's voltage; nil if it was not read.
  /// - Returns: whether the switch is on.
  mutating func step(
    isWanted: Bool, load: Voltage?, cell: Voltage?, by rule: borrowing PrechargeRule,
    at time: MonotonicTime
  ) -> Bool {
    hasFailed = false
    guard isWanted else {
      phase = .open
      return false
    }
    switch phase {
    case .closed: return true
    case .open: phase = .filling(since: time)
    case .filling(let begun):
      // Where the clock stepped back, the time begins anew.
      let since = min(begun, time)
      phase = .filling(since: since)
      if let load, let cell, Self.isUp(load, cell, rule.margin) {
        phase = .closed
        return true
      }
      if time.microseconds(since: since) >= rule.limit {
        phase = .open
        hasFailed = true
      }
    }
    return false
  }

  private static func isUp(_ load: Voltage, _ cell: Voltage, _ margin: Int32) -> Bool {
    let missing = Int64(cell.microvolts) - Int64(load.microvolts)
    return missing * 1_000_000 <= Int64(cell.microvolts) * Int64(margin)
  }

  /// Everything is off.
  mutating func open() {
    phase = .open
    hasFailed = false
  }
}

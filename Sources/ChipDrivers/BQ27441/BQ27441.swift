// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments BQ27441-G1 and BQ27427: gauges that count charge and look up a lithium cell.
///
/// Their state of charge is that of a lithium model, and they end at 2.5 V: it is shown beside ours
/// and never used. Everything configured is lost with the supply, which is the cell: then ITPOR is set,
/// reading throws `.configurationLost`, and the configuration begins again.
///
/// The driver never waits. `configure(on:)` does one step and is called again, at least 2 ms later,
/// until it returns true; the chip takes up to 2 s to enter and to leave its configuration mode. The
/// chip wants its bus free for 66 µs between transfers, and standard commands at most twice a second.
/// It stretches the clock: on a Raspberry Pi before the 5 an answer can be wrong without an error.
public struct BQ27441: Equatable, Sendable {
  /// The variant of the chip.
  public enum Model: Equatable, Sendable {
    /// BQ27441-G1, with a shunt of 10 mΩ beside it.
    case bq27441
    /// BQ27427, with the shunt inside. It leaves the factory with a negative gain, so that its
    /// current and its state of charge run backwards; the driver turns the sign.
    case bq27427
  }

  /// What the chip is told of the cell.
  public struct Configuration: Equatable, Sendable {
    /// Unit: mAh.
    public let designCapacity: Int16
    /// Unit: mWh.
    public let designEnergy: Int16
    /// Where the chip takes the cell for empty. Unit: mV.
    public let terminateVoltage: Int16

    /// Checks the chip's limits.
    ///
    /// - Parameters:
    ///   - designCapacity: 1…8000 mAh.
    ///   - designEnergy: 1…32767 mWh.
    ///   - terminateVoltage: 2500…3700 mV: the chip cannot be told of a sodium cell's 2.0 V.
    /// - Returns: nil if a value is outside its range.
    public init?(designCapacity: Int16, designEnergy: Int16, terminateVoltage: Int16 = 2_500) {
      guard 1...8_000 ~= designCapacity, designEnergy >= 1, 2_500...3_700 ~= terminateVoltage
      else { return nil }
      self.designCapacity = designCapacity
      self.designEnergy = designEnergy
      self.terminateVoltage = terminateVoltage
    }
  }

  /// What the gauge shows.
  public struct Reading: Equatable, Sendable {
    /// Of the cell.
    public let cellVoltage: Voltage
    /// Over the last second; positive charges the cell.
    public let averageCurrent: Current
    /// Of the cell or the chip, as configured.
    public let temperature: Temperature
    /// By the lithium model.
    public let stateOfCharge: StateOfCharge
    /// By the lithium model.
    public let remainingCapacity: Charge
  }

  /// Where the chip answers: 0x55, fixed.
  public static let address = I2CAddress(0x55)

  /// The variant.
  public let model: Model
  /// What it is told of the cell.
  public let configuration: Configuration

  var stage = Stage.enter

  /// The next step of `configure(on:)`.
  enum Stage: Equatable, Sendable {
    case enter
    case awaitMode
    case changeState
    case verifyState
    case changeCalibration
    case verifyCalibration
    case awaitEnd
    case done
  }

  /// Makes a driver; nothing is sent.
  public init(model: Model, configuration: Configuration) {
    self.model = model
    self.configuration = configuration
  }

  /// Whether the chip was not reset since it was configured; false after a brown-out.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard stage == .done else { return false }
    return try word(Command.flags, on: &bus) & Flag.powerOnReset == 0
  }

  /// Reads all that is shown.
  ///
  /// The flags are read last: they then vouch for all that was read before.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset; `.rawValueOutOfRange` for what
  ///   the chip cannot show; `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Reading {
    guard stage == .done else { throw .notConfigured }
    let temperature = try word(Command.temperature, on: &bus)
    let voltage = try word(Command.voltage, on: &bus)
    let capacity = try word(Command.remainingCapacity, on: &bus)
    let current = try word(Command.averageCurrent, on: &bus)
    let charge = try word(Command.stateOfCharge, on: &bus)
    let flags = try word(Command.flags, on: &bus)
    let lost = flags & (Flag.powerOnReset | Flag.configUpdate)
    guard lost == 0 else {
      throw .configurationLost(register: Command.flags, expected: 0, found: lost)
    }
    return Reading(
      cellVoltage: try BQ27441.voltage(word: voltage),
      averageCurrent: BQ27441.current(word: current),
      temperature: try BQ27441.temperature(word: temperature),
      stateOfCharge: try BQ27441.stateOfCharge(word: charge),
      remainingCapacity: .milliampereHours(Int64(capacity)))
  }

  /// A little-endian word.
  func word<Bus: I2CBus & ~Copyable>(
    _ command: UInt8, on bus: inout Bus
  ) throws(ChipError) -> UInt16 {
    try bus.read16(command, at: BQ27441.address).byteSwapped
  }

  /// Writes a subcommand, little-endian.
  func control<Bus: I2CBus & ~Copyable>(
    _ subcommand: UInt16, on bus: inout Bus
  ) throws(ChipError) {
    try bus.write16(subcommand.byteSwapped, to: Command.control, at: BQ27441.address)
  }
}

/// Words to quantities, all exact.
extension BQ27441 {
  /// mV; the chip shows at most 6 V.
  public static func voltage(word: UInt16) throws(ChipError) -> Voltage {
    guard word <= 6_000 else {
      throw .rawValueOutOfRange(register: Command.voltage, found: UInt32(word))
    }
    return .millivolts(Int32(word))
  }

  /// mA, signed.
  public static func current(word: UInt16) -> Current {
    .milliamperes(Int32(Int16(bitPattern: word)))
  }

  /// 0.1 K; −100…200 °C is more than the chip survives.
  public static func temperature(word: UInt16) throws(ChipError) -> Temperature {
    guard 1_732...4_731 ~= word else {
      throw .rawValueOutOfRange(register: Command.temperature, found: UInt32(word))
    }
    return .millidegreesCelsius(Int32(word) * 100 - 273_150)
  }

  /// Percent.
  public static func stateOfCharge(word: UInt16) throws(ChipError) -> StateOfCharge {
    guard word <= 100 else {
      throw .rawValueOutOfRange(register: Command.stateOfCharge, found: UInt32(word))
    }
    return .partsPerMillion(Int32(word) * 10_000)
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments BQ34Z100-G1: a gauge for packs that counts charge and looks up a lithium cell.
///
/// It has tables for chemistries of lithium, lead and nickel and none for sodium: its state of charge is
/// shown beside ours and never used. What it is told of the pack stays in its flash, which wears: the
/// driver writes only what differs. The shunt is the 10 mΩ that the factory's calibration is for.
///
/// The driver never waits. `configure(on:at:)` does one step and is called again, at least 2 ms later,
/// until it returns true. The chip stretches the clock: on a Raspberry Pi before the 5 an answer can be
/// wrong without an error.
public struct BQ34Z100: Equatable, Sendable {
  /// What the chip is told of the pack.
  public struct Configuration: Equatable, Sendable {
    /// Unit: mAh.
    public let designCapacity: Int16
    /// Unit: mWh.
    public let designEnergy: Int16
    /// Cells in series.
    public let seriesCells: UInt8
    /// Where the chip takes a cell for empty. Unit: mV.
    public let terminateVoltage: Int16
    /// The pack's voltage at which the converter, behind its divider, sees 1 V. Unit: mV.
    public let voltageDivider: UInt16

    /// Checks the chip's limits.
    ///
    /// - Parameters:
    ///   - designCapacity: 1…32767 mAh.
    ///   - designEnergy: 1…32767 mWh.
    ///   - seriesCells: 1…100.
    ///   - terminateVoltage: 1000…3700 mV a cell (assumed: no source gives its limits).
    ///   - voltageDivider: 1000…65535 mV.
    /// - Returns: nil if a value is outside its range.
    public init?(
      designCapacity: Int16, designEnergy: Int16, seriesCells: UInt8, terminateVoltage: Int16,
      voltageDivider: UInt16
    ) {
      guard designCapacity >= 1, designEnergy >= 1, 1...100 ~= seriesCells,
        1_000...3_700 ~= terminateVoltage, voltageDivider >= 1_000
      else { return nil }
      self.designCapacity = designCapacity
      self.designEnergy = designEnergy
      self.seriesCells = seriesCells
      self.terminateVoltage = terminateVoltage
      self.voltageDivider = voltageDivider
    }
  }

  /// What the gauge shows.
  public struct Reading: Equatable, Sendable {
    /// Of all cells in series.
    public let voltage: Voltage
    /// Positive charges the cells.
    public let current: Current
    /// Of the pack or the chip, as configured.
    public let temperature: Temperature
    /// By the chip's own model.
    public let stateOfCharge: StateOfCharge
    /// By the chip's own model.
    public let remainingCapacity: Charge
  }

  /// Where the chip answers: 0x55, fixed.
  public static let address = I2CAddress(0x55)

  /// What it is told of the pack.
  public let configuration: Configuration

  var stage = Stage.enter
  /// When the flash was last written; nil if that is long over.
  var programmedAt: MonotonicTime?

  /// Makes a driver; nothing is sent.
  public init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// Whether the chip shows what it was told.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard stage == .done else { return false }
    return try word(Command.designCapacity, on: &bus)
      == UInt16(bitPattern: configuration.designCapacity)
  }

  /// Reads all that is shown.
  ///
  /// Design Capacity is read last: it tells that this is the chip that was configured.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` for another Design Capacity, as after the chip was
  ///   changed for another; `.rawValueOutOfRange` for what the chip cannot show; `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Reading {
    guard stage == .done else { throw .notConfigured }
    let temperature = try word(Command.temperature, on: &bus)
    let voltage = try word(Command.voltage, on: &bus)
    let current = try word(Command.current, on: &bus)
    let remaining = try word(Command.remainingCapacity, on: &bus)
    let charge = try bus.read8(Command.stateOfCharge, at: BQ34Z100.address)
    let expected = UInt16(bitPattern: configuration.designCapacity)
    let found = try word(Command.designCapacity, on: &bus)
    guard found == expected else {
      throw .configurationLost(register: Command.designCapacity, expected: expected, found: found)
    }
    return Reading(
      voltage: .millivolts(Int32(voltage)), current: BQ34Z100.current(word: current),
      temperature: try BQ34Z100.temperature(word: temperature),
      stateOfCharge: try BQ34Z100.stateOfCharge(byte: charge),
      remainingCapacity: .milliampereHours(Int64(remaining)))
  }

  /// A little-endian word.
  func word<Bus: I2CBus & ~Copyable>(
    _ command: UInt8, on bus: inout Bus
  ) throws(ChipError) -> UInt16 {
    try bus.read16(command, at: BQ34Z100.address).byteSwapped
  }

  /// Writes a subcommand, little-endian.
  func control<Bus: I2CBus & ~Copyable>(
    _ subcommand: UInt16, on bus: inout Bus
  ) throws(ChipError) {
    try bus.write16(subcommand.byteSwapped, to: Command.control, at: BQ34Z100.address)
  }
}

/// Words to quantities, all exact.
extension BQ34Z100 {
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
  public static func stateOfCharge(byte: UInt8) throws(ChipError) -> StateOfCharge {
    guard byte <= 100 else {
      throw .rawValueOutOfRange(register: Command.stateOfCharge, found: UInt32(byte))
    }
    return .partsPerMillion(Int32(byte) * 10_000)
  }
}

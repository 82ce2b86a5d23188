// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Maxim MAX17055: a gauge that counts charge and corrects it by a lithium cell's model.
///
/// Its model, ModelGauge m5 EZ, knows no sodium cell, so its state of charge is shown beside ours and
/// never used. It works from 2.3 V on, and a lower cell, which is its supply, resets it: then reading
/// throws `.configurationLost`, and the configuration begins again.
///
/// The driver never waits. `configure(on:)` does one step and is called again, at least 10 ms later,
/// until it returns true; after a power-on that takes up to 2 s.
public struct MAX17055: Equatable, Sendable {
  /// What the gauge shows.
  public struct Reading: Equatable, Sendable {
    /// Of the cell.
    public let cellVoltage: Voltage
    /// Through the shunt; positive charges the cell.
    public let current: Current
    /// Of the chip or its thermistor.
    public let temperature: Temperature
    /// By the lithium model; can be above 100 %.
    public let stateOfCharge: StateOfCharge
    /// By the lithium model.
    public let remainingCapacity: Charge
  }

  /// Where the chip answers: 0x36, fixed.
  public static let address = I2CAddress(0x36)

  /// What the chip is told of cell and shunt.
  public let configuration: Configuration

  var stage = Stage.begin

  /// The next step of `configure(on:)`.
  enum Stage: Equatable, Sendable {
    case begin
    case awaitRefresh
    case done
  }

  /// Makes a driver; nothing is sent.
  public init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// Whether the chip was not reset since it was configured; false after a brown-out.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard stage == .done else { return false }
    return try word(Register.status, on: &bus) & MAX17055.powerOnReset == 0
  }

  /// Reads all that is shown.
  ///
  /// The status is read last: it then vouches for all that was read before it.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset; `.overflow` if the current is
  ///   beyond ±51.2 mV over the shunt; `.rawValueOutOfRange` for a voltage at which the chip does not
  ///   run, or a temperature it does not survive; `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Reading {
    guard stage == .done else { throw .notConfigured }
    let capacity = try word(Register.reportedCapacity, on: &bus)
    let charge = try word(Register.reportedStateOfCharge, on: &bus)
    let temperature = try word(Register.temperature, on: &bus)
    let voltage = try word(Register.cellVoltage, on: &bus)
    let current = try word(Register.current, on: &bus)
    let status = try word(Register.status, on: &bus)
    guard status & MAX17055.powerOnReset == 0 else {
      throw .configurationLost(
        register: Register.status, expected: 0, found: status & MAX17055.powerOnReset)
    }
    return Reading(
      cellVoltage: try MAX17055.cellVoltage(word: voltage),
      current: try MAX17055.current(word: current, configuration: configuration),
      temperature: try MAX17055.temperature(word: temperature),
      stateOfCharge: MAX17055.stateOfCharge(word: charge),
      remainingCapacity: MAX17055.capacity(word: capacity, configuration: configuration))
  }

  /// A little-endian word.
  func word<Bus: I2CBus & ~Copyable>(
    _ register: UInt8, on bus: inout Bus
  ) throws(ChipError) -> UInt16 {
    try bus.read16(register, at: MAX17055.address).byteSwapped
  }

  /// Writes a word, little-endian.
  func write<Bus: I2CBus & ~Copyable>(
    _ word: UInt16, to register: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    try bus.write16(word.byteSwapped, to: register, at: MAX17055.address)
  }
}

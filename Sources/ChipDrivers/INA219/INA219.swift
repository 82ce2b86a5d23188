// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments INA219: 12-bit voltage and current over a shunt, as on many UPS boards.
///
/// The bus voltage has steps of 4 mV, too coarse for a state of charge from voltage. The chip has no
/// identity register: it is told from others by its configuration after a reset. Integrate the
/// current with `HostIntegrator`. Bring-up takes two calls in different ticks, because the driver
/// never waits: `reset(on:)`, then at least 1 ms later `configure(on:)`.
public struct INA219: Equatable, Sendable {
  /// One reading of both inputs.
  public struct Measurement: Equatable, Sendable {
    /// At the pin IN−.
    public let busVoltage: Voltage
    /// Through the shunt; positive charges the cell.
    public let current: Current
  }

  /// Where the chip answers.
  public let address: I2CAddress
  /// What it measures.
  public let configuration: Configuration

  private var isConfigured = false
  /// CNVR was seen and no measurement came of it yet.
  private var sawConversion = false

  /// Makes a driver; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - address: 0x40…0x4F by the pins A0 and A1.
  ///   - configuration: what to measure.
  public init(address: I2CAddress, configuration: Configuration) {
    self.address = address
    self.configuration = configuration
  }

  /// Resets the chip. Wait at least 1 ms before `configure(on:)`.
  public mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    try bus.write16(ConfigurationBits.reset, to: Register.configuration, at: address)
  }

  /// Checks that the reset is done and configures the chip; every register is read back.
  ///
  /// A failure leaves the driver unconfigured; begin again with `reset(on:)`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    try expect(ConfigurationBits.atReset, in: Register.configuration, on: &bus)
    try expect(INA219.calibrationAtReset, in: Register.calibration, on: &bus)
    // The configuration comes last: it starts the conversion whose end is waited for. A brown-out
    // between the two writes leaves CAL at zero, so that is looked at once more.
    try bus.writeAndVerify16(INA219.unityCalibration, to: Register.calibration, at: address)
    try bus.writeAndVerify16(configuration.word, to: Register.configuration, at: address)
    let calibration = try bus.read16(Register.calibration, at: address)
    guard calibration == INA219.unityCalibration else {
      throw .configurationNotHeld(
        register: Register.calibration, wrote: INA219.unityCalibration, read: calibration)
    }
    sawConversion = false
    isConfigured = true
  }

  /// Whether the chip still holds its configuration; false after a brown-out.
  public mutating func isConfigured<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    let word = try bus.read16(Register.configuration, at: address)
    guard word == configuration.word else { return false }
    return try bus.read16(Register.calibration, at: address) == INA219.unityCalibration
  }

  /// Reads voltage and current.
  ///
  /// The power register is read because only that clears the ready flag, and the configuration last:
  /// it then vouches for all that was read before it, even if the chip was reset in between.
  ///
  /// - Throws: `.conversionNotReady` if no result finished since the last call, `.configurationLost`
  ///   after a brown-out, `.overflow` at the end of a range, `.rawValueOutOfRange`, `.bus`.
  public mutating func readMeasurement<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Measurement {
    guard isConfigured else { throw .notConfigured }
    let shuntWord = try bus.read16(Register.shuntVoltage, at: address)
    let busWord = try bus.read16(Register.busVoltage, at: address)
    // What is kept here was cleared in the chip if the next answer is lost.
    let isReady = sawConversion || busWord & BusBits.conversionReady != 0
    sawConversion = isReady
    _ = try bus.read16(Register.power, at: address)
    let held = try bus.read16(Register.configuration, at: address)
    guard held == configuration.word else {
      sawConversion = false
      throw .configurationLost(
        register: Register.configuration, expected: configuration.word, found: held)
    }
    guard isReady else { throw .conversionNotReady }
    let current = try INA219.current(word: shuntWord, configuration: configuration)
    let busVoltage = try INA219.busVoltage(word: busWord)
    sawConversion = false
    return Measurement(busVoltage: busVoltage, current: current)
  }

  private func expect<Bus: I2CBus & ~Copyable>(
    _ value: UInt16, in register: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    let found = try bus.read16(register, at: address)
    guard found == value else { throw .resetIncomplete(register: register, found: found) }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments INA226: 16-bit voltage and current over a shunt.
///
/// It counts no charge: integrate the current with `HostIntegrator`, never by the number of
/// conversions, whose length is ±10 %. Bring-up takes two calls in different ticks, because the
/// driver never waits: `reset(on:)`, then at least 1 ms later `configure(on:)`.
public struct INA226: Equatable, Sendable {
  /// One reading of both inputs.
  public struct Measurement: Equatable, Sendable {
    /// At the VBUS pin.
    public let busVoltage: Voltage
    /// Through the shunt; positive charges the cell.
    public let current: Current
  }

  /// Where the chip answers.
  public let address: I2CAddress
  /// What it measures.
  public let configuration: Configuration

  private var isConfigured = false
  /// A conversion finished, as told by a read of Mask/Enable that was not part of a measurement.
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

  /// Checks the identity and resets the chip. Wait at least 1 ms before `configure(on:)`.
  public mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try checkIdentity(on: &bus)
    isConfigured = false
    try bus.write16(ConfigurationBits.reset, to: Register.configuration, at: address)
  }

  /// Checks that the reset is done and configures the chip; every register is read back.
  ///
  /// A failure leaves the driver unconfigured; begin again with `reset(on:)`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    try checkIdentity(on: &bus)
    try expect(ConfigurationBits.atReset, in: Register.configuration, on: &bus)
    try expect(INA226.calibrationAtReset, in: Register.calibration, on: &bus)
    // The marker comes first: a brown-out after it erases it, and one before it can erase nothing
    // that is not written afterwards.
    try bus.writeAndVerify16(
      MaskBits.marker, to: Register.maskAndEnable, at: address, mask: MaskBits.controls)
    try bus.writeAndVerify16(INA226.unityCalibration, to: Register.calibration, at: address)
    try bus.writeAndVerify16(configuration.word, to: Register.configuration, at: address)
    sawConversion = false
    isConfigured = true
  }

  /// Whether the chip still holds its configuration; false after a brown-out.
  ///
  /// `readMeasurement` notices a reset by itself; this checks every register, for a periodic test.
  public mutating func isConfigured<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    let mask = try bus.read16(Register.maskAndEnable, at: address)
    if mask & MaskBits.conversionReady != 0 { sawConversion = true }
    guard mask & MaskBits.controls == MaskBits.marker else { return false }
    let word = try bus.read16(Register.configuration, at: address)
    guard word == configuration.word else { return false }
    let calibration = try bus.read16(Register.calibration, at: address)
    return calibration == INA226.unityCalibration
  }

  /// Reads voltage and current.
  ///
  /// Mask/Enable is read last: its marker then vouches for all that was read before it, even if the
  /// chip was reset in between.
  ///
  /// - Throws: `.conversionNotReady` if no result finished since the last call, `.configurationLost`
  ///   after a brown-out, `.overflow` if the current is beyond the range, `.bus`.
  public mutating func readMeasurement<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Measurement {
    guard isConfigured else { throw .notConfigured }
    let shuntWord = try bus.read16(Register.shuntVoltage, at: address)
    let busWord = try bus.read16(Register.busVoltage, at: address)
    let mask = try bus.read16(Register.maskAndEnable, at: address)
    let controls = mask & MaskBits.controls
    guard controls == MaskBits.marker else {
      throw .configurationLost(
        register: Register.maskAndEnable, expected: MaskBits.marker, found: controls)
    }
    guard sawConversion || mask & MaskBits.conversionReady != 0 else { throw .conversionNotReady }
    sawConversion = true
    let current = try INA226.current(word: shuntWord, configuration: configuration)
    // With CAL at unity nothing can overflow, so the flag means a corrupted word.
    guard mask & MaskBits.mathOverflow == 0 else {
      throw .rawValueOutOfRange(register: Register.maskAndEnable, found: UInt32(mask))
    }
    let busVoltage = try INA226.busVoltage(word: busWord)
    sawConversion = false
    return Measurement(busVoltage: busVoltage, current: current)
  }

  private func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let manufacturer = try bus.read16(Register.manufacturerIdentity, at: address)
    guard manufacturer == INA226.manufacturerIdentity else {
      throw .unexpectedIdentity(expected: INA226.manufacturerIdentity, found: manufacturer)
    }
    let die = try bus.read16(Register.dieIdentity, at: address)
    guard die & INA226.dieIdentityMask == INA226.dieIdentity else {
      throw .unexpectedIdentity(expected: INA226.dieIdentity, found: die)
    }
  }

  private func expect<Bus: I2CBus & ~Copyable>(
    _ value: UInt16, in register: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    let found = try bus.read16(register, at: address)
    guard found == value else { throw .resetIncomplete(register: register, found: found) }
  }
}

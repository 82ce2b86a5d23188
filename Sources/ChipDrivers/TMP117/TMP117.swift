// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments TMP117: temperature to ±0.1 °C from −20 to 50 °C.
///
/// Bring-up takes two calls in different ticks, because the driver never waits: `reset(on:)`, then
/// at least 2 ms later `configure(on:)`. A result is the average of eight conversions (AVG = 8).
public struct TMP117: Equatable, Sendable {
  /// The time from one result to the next with eight averages (datasheet table 7-7).
  public enum Cycle: UInt16, Equatable, Sendable {
    /// 125 ms: no pause between the results.
    case milliseconds125 = 0
    /// 250 ms.
    case milliseconds250 = 2
    /// 500 ms.
    case milliseconds500 = 3
    /// 1 s, the reset value.
    case seconds1 = 4
  }

  /// Where the chip answers.
  public let address: I2CAddress
  /// The time from one result to the next.
  public let cycle: Cycle

  private var isConfigured = false
  /// Data_Ready was seen but its temperature is not read yet; reading the flag clears it in the
  /// chip, and a failed read of the temperature must not lose it.
  private var sawConversion = false

  /// Makes a driver; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - address: 0x48…0x4B by the pin ADD0.
  ///   - cycle: the time from one result to the next.
  public init(address: I2CAddress, cycle: Cycle = .milliseconds500) {
    self.address = address
    self.cycle = cycle
  }

  /// Checks the identity and resets the chip. Wait at least 2 ms before `configure(on:)`.
  public mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try checkIdentity(on: &bus)
    isConfigured = false
    try bus.write16(ConfigurationBits.reset, to: Register.configuration, at: address)
  }

  /// Checks that the reset is done and configures the chip, reading the register back.
  ///
  /// The values after a reset come from the chip's EEPROM and may be the user's, so only the busy
  /// and reset flags are judged. The offset from the EEPROM is left as it is: it is a calibration.
  /// A failure leaves the driver unconfigured; begin again with `reset(on:)`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    try checkIdentity(on: &bus)
    let found = try bus.read16(Register.configuration, at: address)
    guard found & (ConfigurationBits.memoryBusy | ConfigurationBits.reset) == 0 else {
      throw .resetIncomplete(register: Register.configuration, found: found)
    }
    try bus.writeAndVerify16(
      configurationWord, to: Register.configuration, at: address, mask: ConfigurationBits.controls)
    sawConversion = false
    isConfigured = true
  }

  /// Whether the chip still holds its configuration; false after a brown-out.
  public mutating func isConfigured<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    let word = try bus.read16(Register.configuration, at: address)
    if word & ConfigurationBits.dataReady != 0 { sawConversion = true }
    return word & ConfigurationBits.controls == configurationWord
  }

  /// Reads the temperature.
  ///
  /// - Throws: `.conversionNotReady` if no result finished since the last reading,
  ///   `.configurationLost` after a brown-out, `.rawValueOutOfRange`, `.bus`.
  public mutating func readTemperature<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Temperature {
    guard isConfigured else { throw .notConfigured }
    let word = try bus.read16(Register.configuration, at: address)
    let controls = word & ConfigurationBits.controls
    guard controls == configurationWord else {
      sawConversion = false
      throw .configurationLost(
        register: Register.configuration, expected: configurationWord, found: controls)
    }
    if word & ConfigurationBits.dataReady != 0 { sawConversion = true }
    guard sawConversion else { throw .conversionNotReady }
    let raw = try bus.read16(Register.temperature, at: address)
    let temperature = try TMP117.temperature(word: raw)
    sawConversion = false
    return temperature
  }

  private var configurationWord: UInt16 {
    cycle.rawValue << 7 | ConfigurationBits.average8 | ConfigurationBits.marker
  }

  private func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let found = try bus.read16(Register.deviceIdentity, at: address)
    guard found & TMP117.deviceIdentityMask == TMP117.deviceIdentity else {
      throw .unexpectedIdentity(expected: TMP117.deviceIdentity, found: found)
    }
  }
}

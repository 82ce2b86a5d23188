// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments TMP102: temperature in steps of 0.0625 °C, to ±2 °C from −25 to 85 °C.
///
/// The chip has no identity, no ready flag and no reset of its own (the general call would reset other
/// chips too). It measures again and again; a reading may repeat the last result. The driver uses the
/// 13-bit format, because a reset goes back to 12 bits and every word tells its format: a brown-out
/// shows without an extra transfer.
public struct TMP102: Equatable, Sendable {
  /// The conversion rate (datasheet table 8).
  public enum Rate: UInt16, Equatable, Sendable {
    /// One conversion in 4 s.
    case every4Seconds
    /// One a second.
    case perSecond1
    /// 4 a second, the reset value.
    case perSecond4
    /// 8 a second.
    case perSecond8
  }

  /// Where the chip answers.
  public let address: I2CAddress
  /// How often the chip measures.
  public let rate: Rate

  /// When the chip was configured; nil before.
  private var configuredAt: MonotonicTime?

  /// Makes a driver; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - address: 0x48…0x4B by the pin ADD0.
  ///   - rate: how often the chip measures.
  public init(address: I2CAddress, rate: Rate = .perSecond4) {
    self.address = address
    self.rate = rate
  }

  /// Checks the bits that never change, and configures the chip, reading the register back.
  ///
  /// A failure leaves the driver unconfigured.
  public mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    configuredAt = nil
    let found = try bus.read16(Register.configuration, at: address)
    let constant = found & ConfigurationBits.constants
    guard constant == ConfigurationBits.resolution else {
      throw .unexpectedIdentity(expected: ConfigurationBits.resolution, found: constant)
    }
    try bus.writeAndVerify16(
      word, to: Register.configuration, at: address, mask: ConfigurationBits.controls)
    configuredAt = time
  }

  /// Whether the chip still holds its configuration; false after a brown-out.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard configuredAt != nil else { return false }
    let held = try bus.read16(Register.configuration, at: address)
    return held & ConfigurationBits.controls == word
  }

  /// Reads the last finished temperature.
  ///
  /// - Throws: `.notConfigured`, `.conversionNotReady` until a conversion of after `configure` must
  ///   be done, `.configurationLost` after a brown-out, `.rawValueOutOfRange`, `.bus`.
  public func readTemperature<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Temperature {
    guard let configuredAt else { throw .notConfigured }
    guard time.microseconds(since: configuredAt) >= TMP102.settlingMicroseconds else {
      throw .conversionNotReady
    }
    return try TMP102.temperature(word: bus.read16(Register.temperature, at: address))
  }

  /// The temperature of a 13-bit word: 62.5 m°C per step, rounded to nearest, ties away from zero.
  ///
  /// - Throws: `.configurationLost` if the word is of the 12-bit format, as after a reset;
  ///   `.rawValueOutOfRange` if bits are set that never are, or outside −55…150 °C.
  public static func temperature(word: UInt16) throws(ChipError) -> Temperature {
    let format = word & TemperatureBits.extended
    guard format != 0 else {
      throw .configurationLost(
        register: Register.temperature, expected: TemperatureBits.extended, found: format)
    }
    let code = Int16(bitPattern: word) >> 3
    guard word & TemperatureBits.unused == 0, code >= -55 * 16, code <= 150 * 16 else {
      throw .rawValueOutOfRange(register: Register.temperature, found: UInt32(word))
    }
    return .millidegreesCelsius(Int32(roundedQuotient(Int64(code) * 125, 2)))
  }

  private var word: UInt16 {
    ConfigurationBits.resolution | rate.rawValue << 6 | ConfigurationBits.extended
  }

  /// The rest of a cycle under the old rate, at most 4 s, or one of the new, and a conversion of 35 ms;
  /// the clock may be as slow as a conversion is long, 35 ms instead of 26. Unit: µs.
  private static let settlingMicroseconds: Int64 = 5_500_000
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Maxim MAX17048: a gauge that guesses the state of charge from the cell's voltage alone.
///
/// Its model is that of a lithium cell, so on a sodium cell its state of charge is wrong: it is shown
/// beside ours and never used. The cell is its supply: below 2.5 V it is out of its range, and below
/// its reset voltage it starts anew when the voltage is back. The default of 3.0 V would do so in each
/// deep discharge, so the driver sets the lowest, 2.28 V. Bring-up takes two calls in different ticks,
/// because the driver never waits: `reset(on:)`, then at least 1 s later, for the first estimate,
/// `configure(on:)`.
public struct MAX17048: Equatable, Sendable {
  /// What the gauge shows.
  public struct Reading: Equatable, Sendable {
    /// Of the cell; ±7.5 mV, in steps of 1.25 mV.
    public let cellVoltage: Voltage
    /// By the lithium model; can be above 100 %.
    public let stateOfCharge: StateOfCharge
    /// How fast that changes; positive while charging. Unit: ppm per hour.
    public let ratePartsPerMillionPerHour: Int32
  }

  /// Where the chip answers: 0x36, fixed.
  public static let address = I2CAddress(0x36)

  private var isConfigured = false

  /// Makes a driver; nothing is sent.
  public init() {}

  /// Checks the identity and resets the chip. Wait at least 1 s before `configure(on:)`.
  ///
  /// The chip resets at once and may refuse the last byte, so a missing acknowledge of it is no
  /// failure: `configure(on:)` sees whether the reset took place.
  public mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try checkIdentity(on: &bus)
    isConfigured = false
    do {
      try bus.write16(MAX17048.powerOnReset, to: Register.command, at: MAX17048.address)
    } catch .bus(.noAcknowledge) {
      return
    } catch {
      throw error
    }
  }

  /// Checks that the chip was reset, sets the reset voltage, and takes the reset's mark away.
  ///
  /// A failure leaves the driver unconfigured; begin again with `reset(on:)`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    try checkIdentity(on: &bus)
    let address = MAX17048.address
    let status = try bus.read16(Register.status, at: address)
    guard status & MAX17048.resetIndicator != 0 else {
      throw .resetIncomplete(register: Register.status, found: status)
    }
    let configuration = try bus.read16(Register.configuration, at: address)
    guard configuration & ~MAX17048.alert == MAX17048.configurationAtReset else {
      throw .resetIncomplete(register: Register.configuration, found: configuration)
    }
    // The mark is taken away first: a reset after it brings it back, and one before it can undo
    // nothing that is not written afterwards.
    try bus.writeAndVerify16(
      0, to: Register.status, at: address, mask: MAX17048.resetIndicator)
    try bus.writeAndVerify16(
      MAX17048.resetVoltageWord, to: Register.resetVoltage, at: address,
      mask: MAX17048.resetVoltageMask)
    isConfigured = true
  }

  /// Whether the chip was not reset since it was configured, and still holds what was set.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    let status = try bus.read16(Register.status, at: MAX17048.address)
    guard status & MAX17048.resetIndicator == 0 else { return false }
    let held = try bus.read16(Register.resetVoltage, at: MAX17048.address)
    return held & MAX17048.resetVoltageMask == MAX17048.resetVoltageWord
  }

  /// Reads voltage, state of charge and rate.
  ///
  /// The status is read last: it then vouches for all that was read before it.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset, such as by a deep discharge;
  ///   `.rawValueOutOfRange` for a voltage that no cell has had while the chip worked; `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Reading {
    guard isConfigured else { throw .notConfigured }
    let address = MAX17048.address
    let voltage = try bus.read16(Register.cellVoltage, at: address)
    let charge = try bus.read16(Register.stateOfCharge, at: address)
    let rate = try bus.read16(Register.rate, at: address)
    let status = try bus.read16(Register.status, at: address)
    guard status & MAX17048.resetIndicator == 0 else {
      throw .configurationLost(
        register: Register.status, expected: 0, found: status & MAX17048.statusFlags)
    }
    return Reading(
      cellVoltage: try MAX17048.cellVoltage(word: voltage),
      stateOfCharge: MAX17048.stateOfCharge(word: charge),
      ratePartsPerMillionPerHour: MAX17048.rate(word: rate))
  }

  /// The voltage of a word: 78.125 µV per step, rounded to nearest, ties away from zero.
  ///
  /// - Throws: `.rawValueOutOfRange` below 2.2 V, at which the chip does not run, and above 5.1 V,
  ///   beyond its range: either was corrupted on the wire, or stood there before the first
  ///   measurement.
  public static func cellVoltage(word: UInt16) throws(ChipError) -> Voltage {
    // 2.2 V and 5.1 V are 28160 and 65280 steps.
    guard 28_160...65_280 ~= word else {
      throw .rawValueOutOfRange(register: Register.cellVoltage, found: UInt32(word))
    }
    // 78.125 = 625 / 8.
    return .microvolts(Int32(roundedQuotient(Int64(word) * 625, 8)))
  }

  /// The state of charge of a word: 1/256 % per step, rounded to nearest, ties away from zero.
  public static func stateOfCharge(word: UInt16) -> StateOfCharge {
    // 10,000 ppm / 256 = 625 / 16.
    .partsPerMillion(Int32(roundedQuotient(Int64(word) * 625, 16)))
  }

  /// The rate of a word: signed, 0.208 % per hour and step, exact in ppm per hour.
  public static func rate(word: UInt16) -> Int32 { Int32(Int16(bitPattern: word)) * 2_080 }

  private func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let found = try bus.read16(Register.version, at: MAX17048.address)
    guard found & MAX17048.versionMask == MAX17048.version else {
      throw .unexpectedIdentity(expected: MAX17048.version, found: found)
    }
  }
}

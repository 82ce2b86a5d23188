// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Analog Devices LTC2943 and LTC2944: coulomb counters for packs, with voltage, current and die
/// temperature.
///
/// The supply is the pack, from 3.6 V on, so they are for two cells and more in series. The count ends
/// at either end of its 16 bits, without wrapping; the driver sets it to the middle and back there in
/// time. That takes three transfers, in which nothing is counted.
///
/// The chip has no identity and no reset: `configure(on:at:)` writes it whole, and its control register,
/// which differs from its reset value, tells with each reading whether it was reset.
public struct LTC2943: Equatable, Sendable {
  /// The variant of the chip.
  public enum Model: Equatable, Sendable {
    /// LTC2943, up to 20 V.
    case ltc2943
    /// LTC2944, up to 60 V.
    case ltc2944
  }

  /// One reading of all inputs.
  public struct Measurement: Equatable, Sendable {
    /// Of the pack.
    public let voltage: Voltage
    /// Through the shunt; positive charges the pack.
    public let current: Current
    /// Of the chip.
    public let dieTemperature: Temperature
    /// Since the last measurement, or since `configure`.
    public let charge: ChargeReading
  }

  /// Where the chip answers: 0x64, fixed.
  public static let address = I2CAddress(0x64)

  /// The variant.
  public let model: Model
  /// What it measures over.
  public let configuration: Configuration

  private var isConfigured = false
  private var lastCount = LTC2943.middle
  private var counted: CountedCharge

  /// Makes a driver; nothing is sent.
  public init(model: Model, configuration: Configuration) {
    self.model = model
    self.configuration = configuration
    counted = CountedCharge(
      numerator: configuration.shunt.oriented(
        LTC2943.unitNanocoulombMicroohms << Int64(2 * configuration.prescalerCode)),
      denominator: Int64(configuration.shunt.resistance.microohms),
      largest: .microamperes(
        Int32(clamping: 60_000_000_000 / Int64(configuration.shunt.resistance.microohms))))
  }

  /// Configures the chip and starts to count from the middle at `time`; every register is read back.
  ///
  /// A failure leaves the driver unconfigured.
  public mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    isConfigured = false
    try setToMiddle(on: &bus)
    let count = try bus.read16(Register.count, at: LTC2943.address)
    // The counter may have moved on already, by a few steps.
    guard LTC2943.middle - 64...LTC2943.middle + 64 ~= count else {
      throw .configurationNotHeld(register: Register.count, wrote: LTC2943.middle, read: count)
    }
    let control = try bus.read8(Register.control, at: LTC2943.address)
    guard control == configuration.control else {
      throw .configurationNotHeld(
        register: Register.control, wrote: UInt16(configuration.control), read: UInt16(control))
    }
    // Reading the status clears it: what the supply did before is no news.
    _ = try bus.read8(Register.status, at: LTC2943.address)
    lastCount = count
    counted.restart(at: time)
    isConfigured = true
  }

  /// Whether the chip still holds its configuration; false after a reset.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    return try bus.read8(Register.control, at: LTC2943.address) == configuration.control
  }

  /// Reads all inputs, in one transfer, and the charge since the last measurement.
  ///
  /// After a dip of the supply, or at an end of its range, the count is too small: then the charge is
  /// `.overflow`. A reading that fails after the chip gave it may hide such a dip, for the status is
  /// cleared by being read; the count itself loses nothing.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset; `.conversionNotReady` before the
  ///   first conversions; `.overflow` if the current is beyond the converter; `.bus`.
  public mutating func readMeasurement<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Measurement {
    guard isConfigured else { throw .notConfigured }
    var bytes = InlineArray<22, UInt8>(repeating: 0)
    try bus.readBytes(of: Register.status, at: LTC2943.address, into: &bytes)
    guard bytes[1] == configuration.control else {
      throw .configurationLost(
        register: Register.control, expected: UInt16(configuration.control),
        found: UInt16(bytes[1]))
    }
    func word(_ register: UInt8) -> UInt16 {
      UInt16(bytes[Int(register)]) << 8 | UInt16(bytes[Int(register) + 1])
    }
    let voltage = word(Register.voltage)
    let temperature = word(Register.temperature)
    // At either the chip would not run: they stand there until they are converted.
    guard voltage != 0, temperature != 0 else { throw .conversionNotReady }
    let current = try LTC2943.current(
      word: word(Register.current), model: model, configuration: configuration)
    let charge = charge(to: word(Register.count), status: bytes[0], at: time)
    recentre(on: &bus)
    return Measurement(
      voltage: LTC2943.voltage(word: voltage, model: model), current: current,
      dieTemperature: LTC2943.temperature(word: temperature), charge: charge)
  }

  private mutating func charge(
    to count: UInt16, status: UInt8, at time: MonotonicTime
  ) -> ChargeReading {
    let counts = Int64(count) - Int64(lastCount)
    lastCount = count
    let reading = counted.advance(by: counts, at: time)
    let isCut =
      status & (Status.countEnded | Status.undervoltage) != 0 || count == 0 || count == .max
    return isCut ? .overflow : reading
  }

  /// Sets a count that has gone far back to the middle. A failure is tried again with the next reading;
  /// one that stops the counter half-way shows there as a lost configuration.
  private mutating func recentre<Bus: I2CBus & ~Copyable>(on bus: inout Bus) {
    guard !(0x2000...0xE000 ~= lastCount) else { return }
    do throws(ChipError) {
      try setToMiddle(on: &bus)
      lastCount = LTC2943.middle
    } catch {
      return
    }
  }

  /// The count can be written only while the chip does not count.
  private func setToMiddle<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let address = LTC2943.address
    try bus.write8(configuration.control | Control.shutdown, to: Register.control, at: address)
    try bus.write16(LTC2943.middle, to: Register.count, at: address)
    try bus.write8(configuration.control, to: Register.control, at: address)
  }
}

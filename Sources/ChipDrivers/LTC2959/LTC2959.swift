// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Analog Devices LTC2959: a coulomb counter with voltage, current and die temperature, whose supply is
/// a battery of 1.8 V and more.
///
/// That makes it the one counter here that a single sodium-ion cell can supply in its whole window. By
/// default it does not count below 20 µV over the shunt, 2 mA over 10 mΩ, which is more than a resting
/// board draws; the driver takes that dead band away.
///
/// The chip has no identity and no reset: `configure(on:at:)` writes it whole, and its control
/// registers, which differ from their reset values, tell with each reading whether it was reset.
public struct LTC2959: Equatable, Sendable {
  /// One reading of all inputs.
  public struct Measurement: Equatable, Sendable {
    /// Of the battery, at the supply pin.
    public let voltage: Voltage
    /// Through the shunt; positive charges the battery.
    public let current: Current
    /// Of the chip.
    public let dieTemperature: Temperature
    /// Since the last measurement, or since `configure`.
    public let charge: ChargeReading
  }

  /// What the chip measures over; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// The current-sensing resistor.
    public let shunt: Shunt

    /// Checks that the largest current stays within ±97.5 mV over the shunt.
    ///
    /// - Throws: `ShuntProblem`.
    public init(shunt: Shunt) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: 97_500_000_000)
      self.shunt = shunt
    }
  }

  /// Where the chip answers: 0x63, fixed.
  public static let address = I2CAddress(0x63)

  /// What it measures over.
  public let configuration: Configuration

  private var isConfigured = false
  private var lastCount: UInt32 = 0
  private var counted: CountedCharge

  /// Makes a driver; nothing is sent.
  public init(configuration: Configuration) {
    self.configuration = configuration
    let microohms = Int64(configuration.shunt.resistance.microohms)
    counted = CountedCharge(
      numerator: configuration.shunt.oriented(LTC2959.unitNanocoulombMicroohms),
      denominator: microohms,
      largest: .microamperes(Int32(clamping: 97_500_000_000 / microohms)))
  }

  /// Configures the chip and starts to count at `time`; every register is read back.
  ///
  /// A failure leaves the driver unconfigured.
  public mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    isConfigured = false
    try bus.writeAndVerify8(
      LTC2959.converting, to: Register.converter, at: LTC2959.address)
    try bus.writeAndVerify8(LTC2959.counting, to: Register.counter, at: LTC2959.address)
    // Reading the status clears it: what the supply did before is no news.
    var bytes = InlineArray<7, UInt8>(repeating: 0)
    try bus.readBytes(of: Register.status, at: LTC2959.address, into: &bytes)
    lastCount = LTC2959.count(bytes[3], bytes[4], bytes[5], bytes[6])
    counted.restart(at: time)
    isConfigured = true
  }

  /// Whether the chip still holds its configuration; false after a reset.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    return try bus.read16(Register.converter, at: LTC2959.address) == LTC2959.marker
  }

  /// Reads all inputs, in one transfer, and the charge since the last measurement.
  ///
  /// After a dip of the supply the count is too small: then the charge is `.overflow`. A reading that
  /// fails after the chip gave it may hide such a dip, for the status is cleared by being read; the
  /// count itself loses nothing.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset; `.conversionNotReady` before the
  ///   first conversions; `.overflow` if the current is beyond the converter; `.bus`.
  public mutating func readMeasurement<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Measurement {
    guard isConfigured else { throw .notConfigured }
    var bytes = InlineArray<37, UInt8>(repeating: 0)
    try bus.readBytes(of: Register.status, at: LTC2959.address, into: &bytes)
    let held = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
    guard held == LTC2959.marker else {
      throw .configurationLost(
        register: Register.converter, expected: LTC2959.marker, found: held)
    }
    func word(_ register: UInt8) -> UInt16 {
      UInt16(bytes[Int(register)]) << 8 | UInt16(bytes[Int(register) + 1])
    }
    let voltage = word(Register.voltage)
    let temperature = word(Register.temperature)
    // At either the chip would not run: they stand there until they are converted.
    guard voltage != 0, temperature != 0 else { throw .conversionNotReady }
    let current = try LTC2959.current(word: word(Register.current), configuration: configuration)
    let count = LTC2959.count(bytes[3], bytes[4], bytes[5], bytes[6])
    // The difference modulo 2^32: right across the wrap in either direction.
    let counts = Int64(Int32(bitPattern: count &- lastCount))
    lastCount = count
    let charge = counted.advance(by: counts, at: time)
    let isCut = bytes[0] & (Status.countEnded | Status.undervoltage) != 0
    return Measurement(
      voltage: LTC2959.voltage(word: voltage), current: current,
      dieTemperature: LTC2959.temperature(word: temperature), charge: isCut ? .overflow : charge)
  }

  private static func count(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> UInt32 {
    UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }
}

/// Register words to quantities: exact rationals, rounded once, to nearest, ties away from zero.
extension LTC2959 {
  /// The battery's voltage of a word: 62.6 V over 65536 steps.
  public static func voltage(word: UInt16) -> Voltage {
    .microvolts(Int32(roundedQuotient(Int64(word) * 62_600_000, 65_536)))
  }

  /// The current of a word: signed, 97.5 mV over the shunt in 32768 steps.
  ///
  /// - Throws: `.overflow` at either full scale.
  public static func current(
    word: UInt16, configuration: Configuration
  ) throws(ChipError) -> Current {
    let code = Int16(bitPattern: word)
    let shunt = configuration.shunt
    let steps = shunt.oriented(Int64(code))
    guard code > Int16.min, code < Int16.max else {
      throw .overflow(register: Register.current, positive: steps > 0)
    }
    // 97.5 mV / 1 µΩ = 97.5 kA; the numerator is below 2^52.
    return .microamperes(
      Int32(
        clamping: roundedQuotient(
          steps * 97_500_000_000, 32_768 * Int64(shunt.resistance.microohms))))
  }

  /// The die's temperature of a word: 825 K over 65536 steps.
  public static func temperature(word: UInt16) -> Temperature {
    .millidegreesCelsius(Int32(roundedQuotient(Int64(word) * 825_000, 65_536)) - 273_150)
  }
}

/// Register addresses and fields; LTC2959 datasheet, pages 10 and 11.
extension LTC2959 {
  enum Register {
    static let status: UInt8 = 0x00
    /// ADC Control.
    static let converter: UInt8 = 0x01
    /// Coulomb Counter Control.
    static let counter: UInt8 = 0x02
    static let voltage: UInt8 = 0x0F
    static let current: UInt8 = 0x19
    static let temperature: UInt8 = 0x23
  }

  /// Status (00h); cleared by being read.
  enum Status {
    static let countEnded: UInt8 = 1 << 5
    static let undervoltage: UInt8 = 1 << 0
  }

  /// ADC Control (01h): voltage, current and temperature without end; the GPIO stays an input, as after
  /// a reset.
  static let converting: UInt8 = 6 << 5 | 3 << 3
  /// Coulomb Counter Control (02h): no dead band; bit 4 must be set. After a reset it is 50h.
  static let counting: UInt8 = 1 << 4
  /// Both.
  static let marker = UInt16(converting) << 8 | UInt16(counting)

  /// A count is 0.533 µAh · (50 mΩ / R): with R in µΩ that is this over R, in nC.
  static let unitNanocoulombMicroohms: Int64 = 95_940_000_000
}

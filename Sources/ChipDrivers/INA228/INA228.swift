// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments INA228: 20-bit voltage, current and charge over a shunt.
///
/// Bring-up takes two calls in different ticks, because the driver never waits: `reset(on:)`, then
/// at least 1 ms later `configure(on:at:)`. The temperature compensation of the shunt is not used:
/// it would act on CURRENT and CHARGE but not on VSHUNT, from which the current is taken.
public struct INA228: Equatable, Sendable {
  /// One reading of all inputs.
  public struct Measurement: Equatable, Sendable {
    /// At the VBUS pin.
    public let busVoltage: Voltage
    /// Through the shunt, averaged over the last result; positive charges the cell.
    public let current: Current
    /// Of the chip; ±1 °C.
    public let dieTemperature: Temperature
    /// Since the last measurement, or since `configure`, corrected for the chip's clock.
    public let charge: ChargeReading
  }

  /// Where the chip answers.
  public let address: I2CAddress
  /// What it measures.
  public let configuration: Configuration
  /// What is known about the chip's clock.
  public private(set) var clockCorrection: ClockCorrection

  private var isConfigured = false
  private var counter: ChargeCounter
  /// A conversion finished, as told by a read of DIAG_ALRT that was not part of a measurement.
  private var sawConversion = false
  /// The current left the range since the last charge was handed out.
  private var sawOverflow = false

  /// Makes a driver; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - address: 0x40…0x4F by the pins A0 and A1.
  ///   - configuration: what to measure.
  ///   - clockCorrection: what an earlier run learned about this chip's clock.
  public init(
    address: I2CAddress, configuration: Configuration,
    clockCorrection: ClockCorrection = ClockCorrection()
  ) {
    self.address = address
    self.configuration = configuration
    self.clockCorrection = clockCorrection
    counter = ChargeCounter(configuration: configuration)
  }

  /// Checks the identity and resets the chip. Wait at least 1 ms before `configure(on:at:)`
  /// (300 µs by the datasheet).
  public mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try checkIdentity(on: &bus)
    isConfigured = false
    try bus.write16(ConfigurationBits.reset, to: Register.configuration, at: address)
  }

  /// Checks that the reset is done and the chip is sound, configures it, and starts to count charge
  /// from zero at `time`.
  ///
  /// Every register is read back. A failure leaves the driver unconfigured; begin again with
  /// `reset(on:)`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    isConfigured = false
    try checkIdentity(on: &bus)
    try expect(ConfigurationBits.atReset, in: Register.configuration, on: &bus)
    try expect(ConverterBits.atReset, in: Register.converterConfiguration, on: &bus)
    let diagnostics = try bus.read16(Register.diagnosticsAndAlert, at: address)
    guard diagnostics & DiagnosticBits.memoryIntact != 0 else { throw .memoryFault }

    // The marker comes first: a brown-out after it erases it, and one before it can erase nothing
    // that is not written afterwards.
    try bus.writeAndVerify16(
      DiagnosticBits.marker, to: Register.diagnosticsAndAlert, at: address,
      mask: DiagnosticBits.controls)
    let word = configuration.configurationWord
    try bus.writeAndVerify16(word, to: Register.configuration, at: address)
    try bus.writeAndVerify16(
      configuration.shuntCalibration, to: Register.shuntCalibration, at: address)
    try bus.writeAndVerify16(
      configuration.converterWord, to: Register.converterConfiguration, at: address)
    // The reset bit is added to the word: written alone it would clear the range (§7.6.1.1).
    try bus.write16(
      word | ConfigurationBits.resetAccumulators, to: Register.configuration, at: address)
    let held = try bus.read16(Register.configuration, at: address)
    guard held == word else {
      throw .configurationNotHeld(register: Register.configuration, wrote: word, read: held)
    }
    counter.restart(at: time)
    clockCorrection.discardWindow()
    sawConversion = false
    sawOverflow = false
    isConfigured = true
  }

  /// Whether the chip still holds its configuration; false after a brown-out.
  ///
  /// `readMeasurement` notices a reset by itself; this checks every register, for a periodic test.
  public mutating func isConfigured<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    let diagnostics = try bus.read16(Register.diagnosticsAndAlert, at: address)
    if diagnostics & DiagnosticBits.conversionReady != 0 { sawConversion = true }
    if diagnostics & DiagnosticBits.mathOverflow != 0 { sawOverflow = true }
    guard diagnostics & DiagnosticBits.controls == DiagnosticBits.marker else { return false }
    let word = try bus.read16(Register.configuration, at: address)
    guard word == configuration.configurationWord else { return false }
    let converter = try bus.read16(Register.converterConfiguration, at: address)
    guard converter == configuration.converterWord else { return false }
    let calibration = try bus.read16(Register.shuntCalibration, at: address)
    return calibration == configuration.shuntCalibration
  }

  /// Reads voltage, current, temperature and the charge since the last measurement.
  ///
  /// The accumulator is never cleared: a failed reading loses nothing, the next one counts from the
  /// last that succeeded. DIAG_ALRT is read last: its marker then vouches for all that was read
  /// before it, even if the chip was reset in between.
  ///
  /// - Throws: `.conversionNotReady` if no result finished since the last call, `.configurationLost`
  ///   after a brown-out, `.overflow` if the current is beyond the range, `.memoryFault`, `.bus`.
  public mutating func readMeasurement<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Measurement {
    guard isConfigured else { throw .notConfigured }
    let shuntWord = try bus.read24(Register.shuntVoltage, at: address)
    let busWord = try bus.read24(Register.busVoltage, at: address)
    let temperatureWord = try bus.read16(Register.dieTemperature, at: address)
    let chargeWord = try bus.read40(Register.charge, at: address)
    try check(bus.read16(Register.diagnosticsAndAlert, at: address))

    let current: Current
    do {
      current = try INA228.current(word: shuntWord, configuration: configuration)
    } catch {
      if case .overflow = error { sawOverflow = true }
      throw error
    }
    let busVoltage = try INA228.busVoltage(word: busWord)
    sawConversion = false
    return Measurement(
      busVoltage: busVoltage, current: current,
      dieTemperature: INA228.dieTemperature(word: temperatureWord),
      charge: charge(to: chargeWord, at: time, current: current))
  }
}

extension INA228 {
  private func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let manufacturer = try bus.read16(Register.manufacturerIdentity, at: address)
    guard manufacturer == INA228.manufacturerIdentity else {
      throw .unexpectedIdentity(expected: INA228.manufacturerIdentity, found: manufacturer)
    }
    let device = try bus.read16(Register.deviceIdentity, at: address)
    guard device & INA228.deviceIdentityMask == INA228.deviceIdentity else {
      throw .unexpectedIdentity(expected: INA228.deviceIdentity, found: device)
    }
  }

  private func expect<Bus: I2CBus & ~Copyable>(
    _ value: UInt16, in register: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    let found = try bus.read16(register, at: address)
    guard found == value else { throw .resetIncomplete(register: register, found: found) }
  }

  /// Judges the DIAG_ALRT word that closes a measurement.
  private mutating func check(_ diagnostics: UInt16) throws(ChipError) {
    guard diagnostics & DiagnosticBits.memoryIntact != 0 else { throw .memoryFault }
    let controls = diagnostics & DiagnosticBits.controls
    guard controls == DiagnosticBits.marker else {
      throw .configurationLost(
        register: Register.diagnosticsAndAlert, expected: DiagnosticBits.marker, found: controls)
    }
    if diagnostics & DiagnosticBits.mathOverflow != 0 { sawOverflow = true }
    if diagnostics & DiagnosticBits.conversionReady != 0 { sawConversion = true }
    guard sawConversion else { throw .conversionNotReady }
  }

  private mutating func charge(
    to word: UInt64, at time: MonotonicTime, current: Current
  ) -> ChargeReading {
    let step = counter.advance(to: word, at: time)
    guard step.isPlausible, !sawOverflow else {
      clockCorrection.discardWindow()
      defer { sawOverflow = false }
      return sawOverflow ? .overflow : .implausible(step.charge)
    }
    clockCorrection.observe(
      counted: step.charge, current: current, elapsed: step.elapsed,
      largest: configuration.shunt.maximumCurrent)
    return .counted(clockCorrection.corrected(step.charge))
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments ADS1115: four 16-bit analogue inputs, one at a time.
///
/// The chip has no identity register and no reset of its own (the general call would reset other
/// chips too), so `reset(on:)` stops it and judges it by what its registers hold. Then
/// `start(_:mode:on:at:)`, and `readVoltage(on:at:)` in a later tick.
public struct ADS1115: Equatable, Sendable {
  /// Where the chip answers.
  public let address: I2CAddress

  /// The last conversion that was asked for.
  private struct Running: Equatable, Sendable {
    var input: Input
    var mode: Mode
    var since: MonotonicTime
    /// The transfer succeeded; if it failed, the chip may have started or not.
    var isStarted = false
    /// The chip told that the single conversion is done.
    var isFinished = false

    func mayConvert(at time: MonotonicTime) -> Bool {
      switch mode {
      case .continuous: true
      case .singleShot:
        !isFinished
          && time.microseconds(since: since) <= input.dataRate.longestMicroseconds
      }
    }
  }

  private var isConfigured = false
  private var running: Running?

  /// Makes a driver; nothing is sent yet.
  ///
  /// - Parameter address: 0x48…0x4B by the pin ADDR.
  public init(address: I2CAddress) {
    self.address = address
  }

  /// Stops the chip and checks that the configuration register holds what was written. A conversion
  /// that runs still goes on to its end, at most 139 ms; until then `configure(on:)` refuses.
  public mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    running = nil
    try bus.writeAndVerify16(
      ConfigurationBits.idle, to: Register.configuration, at: address,
      mask: ConfigurationBits.controls)
  }

  /// Puts the thresholds to their reset values and reads them back.
  ///
  /// The comparator is not used; two 16-bit registers that hold opposite patterns are the nearest
  /// this chip has to an identity.
  ///
  /// - Throws: `.resetIncomplete` also while a conversion of before the reset runs: it would end
  ///   under its old settings, and its result would be taken for that of the next input.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    running = nil
    let held = try bus.read16(Register.configuration, at: address)
    let expected = ConfigurationBits.operationalStatus | ConfigurationBits.idle
    guard held == expected else {
      throw .resetIncomplete(register: Register.configuration, found: held)
    }
    try bus.writeAndVerify16(
      ADS1115.lowThresholdAtReset, to: Register.lowThreshold, at: address)
    try bus.writeAndVerify16(
      ADS1115.highThresholdAtReset, to: Register.highThreshold, at: address)
    isConfigured = true
  }

  /// Whether the chip still holds what was last written; false after a brown-out.
  public mutating func isConfigured<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Bool {
    guard isConfigured else { return false }
    let held = try bus.read16(Register.configuration, at: address)
    return held & ConfigurationBits.controls == expectedWord
  }

  /// Selects an input and starts to convert it.
  ///
  /// One write. If it fails, an earlier result is no longer to be had; repeat it.
  ///
  /// The chip ends a running conversion under its old settings and then shows its result beside the
  /// new ones. So nothing is sent while a conversion of other settings may run: a single one until
  /// `readVoltage(on:at:)` found its end or its longest time has passed, and in continuous mode
  /// always, until `reset(on:)`. With the same settings the running conversion goes on.
  ///
  /// - Throws: `.conversionNotReady` if so, `.notConfigured`, `.bus`.
  public mutating func start<Bus: I2CBus & ~Copyable>(
    _ input: Input, mode: Mode = .singleShot, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    guard isConfigured else { throw .notConfigured }
    if let running, running.input != input || running.mode != mode, running.mayConvert(at: time) {
      throw .conversionNotReady
    }
    running = Running(input: input, mode: mode, since: time)
    let start = mode == .singleShot ? ConfigurationBits.operationalStatus : 0
    try bus.write16(input.word(mode: mode) | start, to: Register.configuration, at: address)
    running?.isStarted = true
  }

  /// Reads the voltage of the input that was started, before its divider.
  ///
  /// In continuous mode two of the longest conversions must have passed since `start`. In single-shot
  /// mode the chip tells when it is done.
  ///
  /// - Throws: `.notConfigured` if nothing was started, `.conversionNotReady`, `.configurationLost`
  ///   after a brown-out, `.overflow`, `.bus`.
  public mutating func readVoltage<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Voltage {
    guard isConfigured, let running, running.isStarted else { throw .notConfigured }
    let settling = 2 * running.input.dataRate.longestMicroseconds
    if running.mode == .continuous, time.microseconds(since: running.since) < settling {
      throw .conversionNotReady
    }
    let held = try checkConfiguration(on: &bus)
    if running.mode == .singleShot {
      guard held & ConfigurationBits.operationalStatus != 0 else { throw .conversionNotReady }
      self.running?.isFinished = true
    }
    let word = try bus.read16(Register.conversion, at: address)
    // A reset after the check leaves zero here, so only a zero needs another look.
    if word == ADS1115.conversionAtReset { _ = try checkConfiguration(on: &bus) }
    return try ADS1115.voltage(word: word, input: running.input)
  }

  private var expectedWord: UInt16 {
    guard let running, running.isStarted else { return ConfigurationBits.idle }
    return running.input.word(mode: running.mode)
  }

  private func checkConfiguration<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> UInt16 {
    let held = try bus.read16(Register.configuration, at: address)
    guard held & ConfigurationBits.controls == expectedWord else {
      throw .configurationLost(
        register: Register.configuration, expected: expectedWord,
        found: held & ConfigurationBits.controls)
    }
    return held
  }
}

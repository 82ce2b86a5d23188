// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated INA228: 20-bit current, voltage, power, energy and charge monitor.
///
/// Registers, timing and arithmetic follow SLYS021A and its sister datasheets; what they leave open
/// is marked "unverified" beside the code. The chip converts on its own oscillator and never sees
/// the host's clock.
///
/// `advance` is cheap however many conversions fall into the interval: up to
/// `individualConversions` are done one by one; of more, the sum of codes is drawn at once with the
/// same mean and variance (N·mean, and √N times the noise including rounding), and the result
/// registers get the noise of their own last averaging window. Without noise both ways give the
/// same bits.
public final class INA228Emulator: I2CTarget {
  /// Which chip of the family it is.
  public enum Variant: Equatable, Sendable {
    /// 20 bits, with energy and charge.
    case ina228
    /// 16 bits: the upper ones of the INA228's voltages and current, 12 bits of temperature, and no
    /// accumulators. Its current for one SHUNT_CAL is 16 times as coarse; its power is the same
    /// number, since the larger step cancels the smaller factor (0.2 for 3.2).
    case ina238
  }

  /// Which chip it is.
  public let variant: Variant
  /// The address the chip answers to, 0x40…0x4F.
  public let address: I2CAddress
  /// Whether the chip is wired and powered.
  public var isPresent = true
  /// DEVICE_ID; silicon of an INA228 reads 0x2281, the datasheet says 0x2280.
  public var deviceID: UInt16
  /// The MEMSTAT bit: whether the factory trim was read back correctly.
  public var memoryIsIntact = true
  /// How many conversions of one interval are done one by one before sums are drawn.
  public var individualConversions: Int64 = 1
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: INA228State

  private let errors: INA228Errors

  /// Makes a chip at power-on, at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x40…0x4F.
  ///   - variant: which chip.
  ///   - errors: what distinguishes this part from an ideal one.
  ///   - seed: the seed of the run, for the noise.
  ///   - stream: the noise's stream of random numbers.
  public init(
    address: I2CAddress, variant: Variant = .ina228, errors: INA228Errors = .none,
    seed: UInt64 = 0, stream: UInt64 = 0
  ) {
    self.address = address
    self.variant = variant
    deviceID = variant == .ina228 ? 0x2281 : 0x2381
    self.errors = errors
    state = INA228State(
      clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion),
      random: NoiseSource(seed: seed, stream: stream))
  }

  // MARK: - Analog side

  /// Lets time pass with constant inputs.
  ///
  /// A conversion that straddles two intervals uses the inputs of the one in which it ends.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - shuntVolts: IN+ − IN−; positive charges the cell if the board is wired so.
  ///   - busVolts: VBUS to ground.
  ///   - dieCelsius: the chip's temperature.
  public func advance(
    toMicroseconds microseconds: Int64, shuntVolts: Double, busVolts: Double, dieCelsius: Double
  ) {
    // One access to the state for the whole step: each has a run-time check.
    state.advance(
      to: microseconds, isPowered: isPresent, errors: errors, individually: individualConversions,
      shuntVolts, busVolts, dieCelsius)
  }

  /// Takes the supply away and gives it back: all registers at power-on values.
  public func powerCycle() { state.reset() }

  /// The electrical level of ALERT, open drain with a pull-up: true is high.
  public var alertLine: Bool {
    guard isPresent else { return true }
    return state.alertIsAsserted == state.alertIsActiveHigh
  }

  /// How often ALERT became active, including pulses too short to be seen as a level.
  public var alertActivations: Int64 { state.alertActivations }

  // MARK: - Bus side

  /// Latches the register under the pointer when a read phase begins.
  public func start(_ direction: I2CDirection) -> Bool {
    switch direction {
    case .write: state.port.startWrite()
    case .read:
      state.latchRegister(
        deviceID: deviceID, memoryIsIntact: memoryIsIntact, isCoarse: variant == .ina238)
    }
    return true
  }

  /// Takes the pointer, then a register's two bytes.
  public func receive(_ byte: UInt8) -> Bool {
    if let word = state.port.receive(byte) { state.write(word) }
    return true
  }

  /// The next byte of the latched register.
  public func transmit() -> UInt8 { state.port.transmit() }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

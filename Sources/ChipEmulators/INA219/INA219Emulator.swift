// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated INA219: 12-bit current, voltage and power monitor.
///
/// Registers as in the Linux driver and the INA219 datasheet; what is recalled or left open is marked
/// "unverified" beside the code. The chip averages inside the converter, so of many conversions in an
/// interval only the last can be read, and only it is drawn.
public final class INA219Emulator: I2CTarget {
  /// The address the chip answers to, 0x40…0x4F.
  public let address: I2CAddress
  /// Whether the chip is wired and powered.
  public var isPresent = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: INA219State

  private let errors: INA219Errors

  /// Makes a chip at power-on, at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x40…0x4F.
  ///   - errors: what distinguishes this part from an ideal one.
  ///   - seed: the seed of the run, for the noise.
  ///   - stream: the noise's stream of random numbers.
  public init(
    address: I2CAddress, errors: INA219Errors = .none, seed: UInt64 = 0, stream: UInt64 = 0
  ) {
    self.address = address
    self.errors = errors
    state = INA219State(
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
  ///   - busVolts: IN− to ground.
  ///   - dieCelsius: the chip's temperature, for its drifts.
  public func advance(
    toMicroseconds microseconds: Int64, shuntVolts: Double, busVolts: Double, dieCelsius: Double
  ) {
    // One access to the state for the whole step: each has a run-time check.
    state.advance(
      to: microseconds, isPowered: isPresent, errors: errors, shuntVolts, busVolts, dieCelsius)
  }

  /// Takes the supply away and gives it back: all registers at power-on values.
  public func powerCycle() { state.reset() }

  // MARK: - Bus side

  /// Latches the register under the pointer when a read phase begins.
  public func start(_ direction: I2CDirection) -> Bool {
    switch direction {
    case .write: state.port.startWrite()
    case .read: state.latchRegister()
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

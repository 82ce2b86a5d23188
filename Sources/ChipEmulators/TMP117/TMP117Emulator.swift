// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated TMP117: digital thermometer, 7.8125 m°C a code.
///
/// Registers as in the Linux driver; flags, timing and programming are recalled from the TMP117
/// datasheet and unverified. The 16-bit limits, offset and CONFIG can be programmed into the chip's
/// memory, from which every reset loads them.
public final class TMP117Emulator: I2CTarget {
  /// The address the chip answers to, 0x48…0x4B.
  public let address: I2CAddress
  /// Whether the chip is wired and powered.
  public var isPresent = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: TMP117State

  private let errors: TMP117Errors

  /// Makes a chip at power-on, at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x48…0x4B.
  ///   - errors: what distinguishes this part from an ideal one.
  ///   - seed: the seed of the run, for the noise.
  ///   - stream: the noise's stream of random numbers.
  public init(
    address: I2CAddress, errors: TMP117Errors = .none, seed: UInt64 = 0, stream: UInt64 = 0
  ) {
    self.address = address
    self.errors = errors
    state = TMP117State(
      clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion),
      random: NoiseSource(seed: seed, stream: stream))
  }

  // MARK: - Analog side

  /// Lets time pass at a constant temperature.
  ///
  /// A conversion that straddles two intervals uses the temperature of the one in which it ends. Of
  /// many conversions in an interval only the last result can be read, so only it is drawn; alert
  /// flags that earlier ones would have raised by noise alone are not.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - celsius: the chip's temperature.
  public func advance(toMicroseconds microseconds: Int64, celsius: Double) {
    // One access to the state for the whole step: each has a run-time check.
    state.advance(to: microseconds, isPowered: isPresent, errors: errors, celsius)
  }

  /// Takes the supply away and gives it back: registers are loaded from the memory.
  public func powerCycle() { state.reset(delay: TMP117State.startUpTime) }

  /// The electrical level of ALERT, open drain with a pull-up: true is high.
  public var alertLine: Bool {
    guard isPresent else { return true }
    return state.alertIsAsserted == state.alertIsActiveHigh
  }

  /// How often ALERT became active.
  public var alertActivations: Int64 { state.alertActivations }

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

  /// Answers the general-call reset, 0x06.
  public func generalCall(_ command: UInt8) -> Bool {
    guard command == 0x06 else { return false }
    state.reset(delay: TMP117State.resetTime)
    return true
  }
}

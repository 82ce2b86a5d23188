// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated ADS1115: four inputs, one 16-bit converter with a programmable range.
///
/// Registers as in the Linux driver; timing, comparator and errors are recalled from the ADS1115
/// datasheet and unverified where marked.
public final class ADS1115Emulator: I2CTarget {
  /// The address the chip answers to, 0x48…0x4B.
  public let address: I2CAddress
  /// Whether the chip is wired and powered.
  public var isPresent = true
  /// The supply; input diodes hold every pin between −0.3 V and 0.3 V above it. Unit: V.
  public var supplyVolts = 3.3
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: ADS1115State

  private let errors: ADS1115Errors

  /// Makes a chip at power-on, at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x48…0x4B.
  ///   - errors: what distinguishes this part from an ideal one.
  ///   - seed: the seed of the run, for the noise.
  ///   - stream: the noise's stream of random numbers.
  public init(
    address: I2CAddress, errors: ADS1115Errors = .none, seed: UInt64 = 0, stream: UInt64 = 0
  ) {
    self.address = address
    self.errors = errors
    state = ADS1115State(
      clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion),
      random: NoiseSource(seed: seed, stream: stream))
  }

  // MARK: - Analog side

  /// Lets time pass with constant inputs.
  ///
  /// A conversion that straddles two intervals uses the inputs of the one in which it ends. Of many
  /// conversions in an interval only the last is done, or the last five if the comparator looks at
  /// them: nobody can read the others. A latched comparator thus misses what only their noise would
  /// have caught.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - inputs: AIN0…AIN3 to ground. Unit: V.
  public func advance(toMicroseconds microseconds: Int64, inputs: SIMD4<Double>) {
    let low = SIMD4<Double>(repeating: -0.3)
    let high = SIMD4<Double>(repeating: supplyVolts + 0.3)
    // One access to the state for the whole step: each has a run-time check.
    state.advance(
      to: microseconds, isPowered: isPresent, errors: errors,
      pins: inputs.clamped(lowerBound: low, upperBound: high))
  }

  /// Takes the supply away and gives it back: all registers at power-on values.
  public func powerCycle() { state.reset() }

  /// The electrical level of ALERT/RDY, open drain with a pull-up: true is high.
  public var alertLine: Bool {
    // With the comparator off the pin is released, whatever its polarity.
    guard isPresent, !state.comparatorIsOff else { return true }
    return state.alertIsAsserted == state.alertIsActiveHigh
  }

  /// How often ALERT/RDY became active, including pulses too short to be seen as a level.
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
    state.reset()
    return true
  }
}

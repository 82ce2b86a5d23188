// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated INA226: 16-bit current, voltage and power monitor.
///
/// Registers, timing and arithmetic follow the INA226 datasheet, revision B; what it leaves open is
/// marked "unverified" beside the code. Results are averages of unrounded conversions, so however
/// many conversions fall into an interval, `advance` draws each average once.
public final class INA226Emulator: I2CTarget {
  /// The address the chip answers to, 0x40…0x4F.
  public let address: I2CAddress
  /// Whether the chip is wired and powered.
  public var isPresent = true
  /// The Die ID register; clones are seen with other revisions than 0x2260.
  public var dieID: UInt16 = 0x2260
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: INA226State

  private let errors: INA226Errors

  /// Makes a chip at power-on, at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x40…0x4F.
  ///   - errors: what distinguishes this part from an ideal one.
  ///   - seed: the seed of the run, for the noise.
  ///   - stream: the noise's stream of random numbers.
  public init(
    address: I2CAddress, errors: INA226Errors = .none, seed: UInt64 = 0, stream: UInt64 = 0
  ) {
    self.address = address
    self.errors = errors
    state = INA226State(
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
    case .read: state.latchRegister(dieID: dieID)
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

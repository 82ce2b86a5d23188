// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated TMP102: digital thermometer, 0.0625 °C a code, with a comparator.
///
/// Registers as in the Linux driver; timing, comparator and fault queue are recalled from the TMP102
/// datasheet and unverified.
public final class TMP102Emulator: I2CTarget {
  /// The address the chip answers to, 0x48…0x4B.
  public let address: I2CAddress
  /// Whether the chip is wired and powered.
  public var isPresent = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: TMP102State

  private let errors: TMP102Errors

  /// Makes a chip at power-on, at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x48…0x4B.
  ///   - errors: what distinguishes this part from an ideal one.
  public init(address: I2CAddress, errors: TMP102Errors = .none) {
    self.address = address
    self.errors = errors
    state = TMP102State(clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion))
  }

  // MARK: - Analog side

  /// Lets time pass at a constant temperature.
  ///
  /// A conversion that straddles two intervals uses the temperature of the one in which it ends.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - celsius: the chip's temperature.
  public func advance(toMicroseconds microseconds: Int64, celsius: Double) {
    // One access to the state for the whole step: each has a run-time check.
    state.advance(to: microseconds, isPowered: isPresent, errors: errors, celsius)
  }

  /// Takes the supply away and gives it back: all registers at power-on values.
  public func powerCycle() { state.reset() }

  /// The electrical level of ALERT, open drain with a pull-up: true is high.
  public var alertLine: Bool { isPresent ? state.alertLevel : true }

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

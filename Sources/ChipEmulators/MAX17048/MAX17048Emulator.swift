// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated MAX17048: a gauge with a voltage model of a lithium cell, supplied by the cell.
///
/// Registers as in the Linux driver and the MAX17048 datasheet. The model inside the chip is not
/// published; `LithiumModel` says what stands in for it. So on a sodium cell the state of charge is
/// wrong in the way of the real one: near zero while a third of the charge is left.
public final class MAX17048Emulator: I2CTarget {
  /// 0x36, fixed.
  public let address = I2CAddress(0x36)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: MAX17048State

  /// The error of the voltage measurement; the datasheet allows ±7.5 mV. Unit: V.
  private let voltageErrors: ChannelErrors

  /// Makes a chip on a cell, at power-on and time 0.
  ///
  /// - Parameters:
  ///   - cellVolts: the cell's voltage.
  ///   - voltageErrors: the errors of its measurement. Unit: V.
  ///   - clockPartsPerMillion: how much the oscillator is fast.
  public init(
    cellVolts: Double, voltageErrors: ChannelErrors = .none, clockPartsPerMillion: Int64 = 0
  ) {
    self.voltageErrors = voltageErrors
    state = MAX17048State(
      clock: ConversionClock(partsPerMillion: clockPartsPerMillion), cellVolts: cellVolts)
  }

  /// Whether the chip is wired and its cell has enough voltage for it to answer.
  public var isPresent: Bool { isWired && state.isSupplied }

  /// Lets time pass with a constant cell.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - cellVolts: the voltage of the cell, which is also the supply. Below 2.2 V (unverified: the
  ///     datasheet ends at 2.5 V) the chip stops and forgets everything.
  ///   - celsius: the chip's temperature, for its drifts.
  public func advance(toMicroseconds microseconds: Int64, cellVolts: Double, celsius: Double) {
    let measured = voltageErrors.apply(to: cellVolts, celsius: celsius)
    state.advance(to: microseconds, supply: cellVolts, measured: measured)
  }

  /// Takes the cell away and puts it back.
  public func powerCycle() { state.reset() }

  /// The electrical level of ALRT, open drain with a pull-up: true is high.
  public var alertLine: Bool { !isPresent || !state.isAlerting }

  // MARK: - Bus side

  /// Latches the register under the pointer when a read begins.
  public func start(_ direction: I2CDirection) -> Bool {
    state.start(direction)
    return true
  }

  /// Takes the pointer, then registers, most significant byte first; a reset refuses its last byte
  /// (unverified: the Linux driver ignores an error there).
  public func receive(_ byte: UInt8) -> Bool { state.receive(byte) }

  /// The byte at the pointer, which then moves on.
  public func transmit() -> UInt8 { state.transmit() }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

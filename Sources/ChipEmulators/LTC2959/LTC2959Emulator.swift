// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated LTC2959: a coulomb counter that a battery of 1.8 V can supply.
///
/// Registers, reset values and scales as in the datasheet's pages 10 and 11. Below 1.8 V, where the
/// stated range ends, the chip is silent and comes back reset (where a real part stops is unverified).
/// Also unverified: how long a conversion takes, that the count wraps at its ends, where the records of
/// the least and greatest begin, and that a read of the status releases the pin.
public final class LTC2959Emulator: I2CTarget {
  /// 0x63, fixed.
  public let address = I2CAddress(0x63)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: LTC2959State

  private let errors: LTC2943Errors

  /// Makes a chip on a battery, at power-on and time 0.
  public init(batteryVolts: Double, errors: LTC2943Errors = .none) {
    self.errors = errors
    state = LTC2959State(
      clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion),
      isSupplied: batteryVolts >= LTC2959State.leastVolts)
  }

  /// Whether the chip is wired and its battery has enough voltage for it to answer.
  public var isPresent: Bool { isWired && state.isSupplied }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - batteryVolts: the voltage of the battery, which is also the supply.
  ///   - shuntVolts: over the shunt; positive makes the count grow.
  ///   - celsius: of the chip.
  ///   - pinVolts: at GPIO, where it is an analogue input.
  public func advance(
    toMicroseconds microseconds: Int64, batteryVolts: Double, shuntVolts: Double, celsius: Double,
    pinVolts: Double = 0
  ) {
    state.advance(
      to: microseconds, supply: batteryVolts,
      LTC2959State.Inputs(
        volts: errors.voltage.apply(to: batteryVolts, celsius: celsius),
        shuntVolts: errors.current.apply(to: shuntVolts, celsius: celsius),
        countedVolts: errors.counter.apply(to: shuntVolts, celsius: celsius), celsius: celsius,
        pinVolts: pinVolts))
  }

  /// Takes the battery away and puts it back.
  public func powerCycle() { state.reset() }

  /// The electrical level of GPIO as an alert, open drain with a pull-up: true is high.
  public var alertLine: Bool { !isPresent || !state.isAlerting }

  // MARK: - Bus side

  /// A write begins with the pointer.
  public func start(_ direction: I2CDirection) -> Bool {
    if direction == .write { state.port.startWrite() }
    return true
  }

  /// Takes the pointer, then bytes for the registers from there on.
  public func receive(_ byte: UInt8) -> Bool {
    if let register = state.port.place(of: byte) { state.write(byte, to: register) }
    return true
  }

  /// The next register.
  public func transmit() -> UInt8 { state.read(state.port.take()) }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated BQ27441-G1 or BQ27427: a gauge that counts charge and looks up a lithium cell.
///
/// Commands, memory layout and defaults as in the manuals SLUUBD4A and SLUUCD5 and the Linux driver;
/// timing and many defaults are recalled and unverified. The algorithm inside is not published:
/// `BQ27441Gauge` says what stands in for it. The configuration is in RAM, and the supply is the cell:
/// below 2.2 V (unverified) everything is lost. The stretched clock is not modelled.
public final class BQ27441Emulator: I2CTarget {
  /// The variant of the chip.
  public enum Variant: Equatable, Sendable {
    /// BQ27441-G1A.
    case bq27441
    /// BQ27427, whose gain is negative until the host turns it: current and charge run backwards.
    case bq27427
  }

  /// 0x55, fixed.
  public let address = I2CAddress(0x55)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: BQ27441State

  /// Makes a chip on a cell, at power-on and time 0.
  ///
  /// - Parameters:
  ///   - variant: which of the two.
  ///   - cellVolts: the cell's voltage.
  ///   - clockPartsPerMillion: how much the oscillator is fast.
  public init(variant: Variant, cellVolts: Double, clockPartsPerMillion: Int64 = 0) {
    state = BQ27441State(
      variant: variant, clock: ConversionClock(partsPerMillion: clockPartsPerMillion),
      isSupplied: cellVolts >= BQ27441State.leastVolts)
  }

  /// Whether the chip is wired and its cell has enough voltage for it to answer.
  public var isPresent: Bool { isWired && state.isSupplied }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - cellVolts: the voltage of the cell, which is also the supply.
  ///   - amperes: through the shunt; positive charges the cell.
  ///   - celsius: of the cell and the chip.
  public func advance(
    toMicroseconds microseconds: Int64, cellVolts: Double, amperes: Double, celsius: Double
  ) {
    state.advance(
      to: microseconds,
      BQ27441Gauge.Inputs(volts: cellVolts, amperes: amperes, celsius: celsius))
  }

  /// Takes the cell away and puts it back.
  public func powerCycle() { state.reset() }

  /// The electrical level of GPOUT as BAT_LOW, open drain with a pull-up: true is high.
  public var outputLine: Bool { !isPresent || state.outputLevel }

  /// How many pulses GPOUT gave as SOC_INT, one for each change of the charge by SOCI Delta.
  public var outputPulses: Int64 { state.outputPulses }

  // MARK: - Bus side

  /// A write begins with the command.
  public func start(_ direction: I2CDirection) -> Bool {
    state.start(direction)
    return true
  }

  /// Takes the command, then bytes for it and those after it.
  public func receive(_ byte: UInt8) -> Bool {
    state.receive(byte)
    return true
  }

  /// The byte of the command, which then moves on.
  public func transmit() -> UInt8 { state.transmit() }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

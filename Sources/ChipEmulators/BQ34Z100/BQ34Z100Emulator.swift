// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated BQ34Z100-G1: a gauge for packs, with its settings in flash.
///
/// Commands and the places in the flash as in SLUUBW5A; timing, many defaults and what happens while the
/// flash is programmed are recalled and unverified. In place of Impedance Track: `LithiumGauge`, once
/// the host has enabled it. The supply is a rail, not the pack: below 2.7 V (the end of its range) the
/// chip is silent; the flash keeps its content, all else is lost. The stretched clock is not modelled.
public final class BQ34Z100Emulator: I2CTarget {
  /// 0x55, fixed.
  public let address = I2CAddress(0x55)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: BQ34Z100State

  /// Makes a chip from the factory, at power-on and time 0.
  ///
  /// - Parameter clockPartsPerMillion: how much the oscillator is fast.
  public init(clockPartsPerMillion: Int64 = 0) {
    state = BQ34Z100State(clock: ConversionClock(partsPerMillion: clockPartsPerMillion))
  }

  /// Whether the chip is wired, supplied, and not at work on its flash.
  public var isPresent: Bool { isWired && state.isSupplied && !state.isProgramming }

  /// How often a block of the flash was programmed.
  public var programmedBlocks: Int64 { state.programmedBlocks }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - pinVolts: at BAT, behind the divider; at most 1 V.
  ///   - shuntVolts: over the shunt; positive charges the pack.
  ///   - celsius: of the pack and the chip.
  ///   - supplyVolts: at REGIN.
  public func advance(
    toMicroseconds microseconds: Int64, pinVolts: Double, shuntVolts: Double, celsius: Double,
    supplyVolts: Double = 3.3
  ) {
    state.advance(
      to: microseconds, supply: supplyVolts,
      BQ34Z100State.Inputs(pinVolts: pinVolts, shuntVolts: shuntVolts, celsius: celsius))
  }

  /// Takes the supply away and puts it back.
  public func powerCycle() { state.reset() }

  // MARK: - Bus side

  /// A write begins with the command.
  public func start(_ direction: I2CDirection) -> Bool {
    if direction == .write { state.port.startWrite() }
    return true
  }

  /// Takes the command, then bytes for it and those after it.
  public func receive(_ byte: UInt8) -> Bool {
    if let command = state.port.place(of: byte) { state.write(byte, to: command) }
    return true
  }

  /// The byte of the command, which then moves on.
  public func transmit() -> UInt8 { state.read(state.port.take()) }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

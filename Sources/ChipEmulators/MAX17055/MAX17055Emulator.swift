// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated MAX17055: a gauge that counts charge and corrects it by a lithium cell's model.
///
/// Addresses and steps as in the Linux driver; power-on values and timing are recalled and
/// unverified. ModelGauge m5 is not published: `MAX17055State` says what stands in for it. The supply
/// is the cell: below 2.3 V (the end of the chip's range; where a real part stops is unverified)
/// everything is lost.
public final class MAX17055Emulator: I2CTarget {
  /// 0x36, fixed.
  public let address = I2CAddress(0x36)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: MAX17055State

  private let errors: MAX17055Errors

  /// Makes a chip on a cell, at power-on and time 0.
  ///
  /// - Parameters:
  ///   - cellVolts: the cell's voltage.
  ///   - errors: what distinguishes this part from an ideal one.
  public init(cellVolts: Double, errors: MAX17055Errors = .none) {
    self.errors = errors
    state = MAX17055State(
      clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion),
      isSupplied: cellVolts >= MAX17055State.leastVolts)
  }

  /// Whether the chip is wired and its cell has enough voltage for it to answer.
  public var isPresent: Bool { isWired && state.isSupplied }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - cellVolts: the voltage of the cell, which is also the supply.
  ///   - shuntVolts: over the shunt; positive charges the cell if the board is wired so.
  ///   - celsius: of the chip.
  public func advance(
    toMicroseconds microseconds: Int64, cellVolts: Double, shuntVolts: Double, celsius: Double
  ) {
    state.advance(
      to: microseconds, supply: cellVolts,
      MAX17055State.Inputs(
        volts: errors.cell.apply(to: cellVolts, celsius: celsius),
        shuntVolts: errors.shunt.apply(to: shuntVolts, celsius: celsius), celsius: celsius))
  }

  /// Takes the cell away and puts it back.
  public func powerCycle() { state.reset() }

  /// The electrical level of ALRT, open drain with a pull-up: true is high.
  public var alertLine: Bool { !isPresent || !state.isAlerting }

  // MARK: - Bus side

  /// Latches the register when a read begins.
  public func start(_ direction: I2CDirection) -> Bool {
    state.start(direction)
    return true
  }

  /// Takes the address of a register, then words for it and those after it, the lower byte first.
  public func receive(_ byte: UInt8) -> Bool {
    state.receive(byte)
    return true
  }

  /// The register's next byte; after its second byte the next register's.
  public func transmit() -> UInt8 { state.transmit() }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

/// What distinguishes one MAX17055 from an ideal one.
public struct MAX17055Errors: Equatable, Sendable {
  /// An ideal chip.
  public static let none = MAX17055Errors()

  /// The cell's voltage; ±7.5 mV at 25 °C and ±20 mV at most. Unit: V.
  public var cell: ChannelErrors
  /// The shunt's; offset ±1.5 µV typical, gain ±1 %. Unit: V.
  public var shunt: ChannelErrors
  /// How much the oscillator is fast; ±10,000 ppm. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(
    cell: ChannelErrors = .none, shunt: ChannelErrors = .none, clockPartsPerMillion: Int64 = 0
  ) {
    self.cell = cell
    self.shunt = shunt
    self.clockPartsPerMillion = clockPartsPerMillion
  }
}

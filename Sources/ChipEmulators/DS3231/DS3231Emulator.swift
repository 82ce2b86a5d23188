// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated DS3231: clock and calendar with alarms, on its own cell while the supply is away.
///
/// Registers, power-on values and alarms as recalled from the datasheet, and unverified. The square
/// wave and the 32 kHz output are not modelled.
public final class DS3231Emulator: I2CTarget {
  /// 0x68, fixed.
  public let address = I2CAddress(0x68)
  /// Whether the main supply is there; without it the clock runs on its cell and the bus is silent.
  public var isPresent = true {
    didSet { if oldValue, !isPresent { state.loseSupply(hasCell: hasCell) } }
  }
  /// Whether the back-up cell is there and charged.
  public var hasCell = true {
    didSet { if !hasCell, !isPresent { state.reset() } }
  }
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: DS3231State

  /// Makes a chip at its first power-on, at time 0.
  ///
  /// - Parameter partsPerBillion: how much the oscillator is fast; the datasheet allows ±2000.
  public init(partsPerBillion: Int64 = 0) {
    state = DS3231State(clock: ConversionClock(partsPerMillion: 0), drift: partsPerBillion)
  }

  /// Lets time pass at a constant temperature, up to a host time, not before the last one.
  public func advance(toMicroseconds microseconds: Int64, celsius: Double) {
    state.advance(to: microseconds, isSupplied: isPresent, hasCell: hasCell, celsius)
  }

  /// Takes the main supply away and gives it back.
  public func powerCycle() {
    isPresent = false
    isPresent = true
  }

  /// The electrical level of INT, open drain with a pull-up: true is high.
  public var interruptLine: Bool { !isPresent || !state.interrupts }

  // MARK: - Bus side

  /// Copies the time when a read begins, so that a carry cannot tear it.
  public func start(_ direction: I2CDirection) -> Bool {
    state.start(direction)
    return true
  }

  /// Takes the register's address, then content for it and those after it.
  public func receive(_ byte: UInt8) -> Bool {
    state.receive(byte)
    return true
  }

  /// The register's content; the address then moves on, from 0x12 to 0x00.
  public func transmit() -> UInt8 { state.transmit() }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

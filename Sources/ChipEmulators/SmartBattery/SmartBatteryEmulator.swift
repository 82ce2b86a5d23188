// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated smart battery: cells in series with a gauge that takes them for lithium cells.
///
/// Words, bits and times as in the Smart Battery Data Specification 1.1. The electronics live on the
/// cells: below 2.5 V a cell, where a lithium pack protects itself (assumed), they are off, and forget
/// what the host has set. Broadcasts to a charger or a host are not modelled.
public final class SmartBatteryEmulator: I2CTarget {
  /// 0x0B, fixed.
  public let address = I2CAddress(0x0B)
  /// Whether the battery is wired.
  public var isWired = true
  /// Everything the battery remembers: read it for a snapshot, set it to go back.
  public var state: SmartBatteryState

  /// Makes a battery at time 0.
  ///
  /// - Parameters:
  ///   - seriesCells: how many cells are in series.
  ///   - designCapacity: unit: mAh.
  ///   - stackVolts: of all cells together.
  ///   - clockPartsPerMillion: how much the oscillator is fast.
  public init(
    seriesCells: Int, designCapacity: Int, stackVolts: Double, clockPartsPerMillion: Int64 = 0
  ) {
    precondition(seriesCells > 0 && 1...65_535 ~= designCapacity, "a battery has cells and charge")
    state = SmartBatteryState(
      seriesCells: Double(seriesCells), designCapacity: UInt16(designCapacity),
      stackVolts: stackVolts, clock: ConversionClock(partsPerMillion: clockPartsPerMillion))
  }

  /// Whether the battery is wired and its cells have enough voltage for it to answer.
  public var isPresent: Bool { isWired && state.isSupplied }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - stackVolts: of all cells together, which is also the supply.
  ///   - amperes: positive charges the cells.
  ///   - celsius: of the pack.
  public func advance(
    toMicroseconds microseconds: Int64, stackVolts: Double, amperes: Double, celsius: Double
  ) {
    state.advance(to: microseconds, stackVolts: stackVolts, amperes: amperes, celsius: celsius)
  }

  /// Takes the cells away and puts them back.
  public func powerCycle() { state.reset() }

  // MARK: - Bus side

  /// Goes on with the frame's packet error code.
  public func start(_ direction: I2CDirection) -> Bool {
    state.start(direction)
    return true
  }

  /// Takes the command, then a word and, if the host sends it, its packet error code.
  public func receive(_ byte: UInt8) -> Bool { state.receive(byte) }

  /// The next byte of the answer, its packet error code, then ones.
  public func transmit() -> UInt8 { state.transmit() }

  /// A word without a packet error code is taken here.
  public func stop() { state.stop() }
}

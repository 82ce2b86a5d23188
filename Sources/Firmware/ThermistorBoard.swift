// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import ChipDrivers
public import Quantities

/// An ADS1115 wired to the cell through a divider, to a thermistor and to the thermistor's supply.
///
/// One conversion runs between two ticks, so each of the three inputs is renewed every third tick;
/// a reading gives the newest of each.
public struct ThermistorBoard: Sendable {
  /// The newest values.
  public struct Reading: Equatable, Sendable {
    /// The cell's voltage before the divider; nil until it was converted.
    public var voltage: Voltage?
    /// The thermistor's temperature; nil until both voltages were converted, or when its wire is
    /// broken or shorted.
    public var temperature: Temperature?
  }

  private var chip: ADS1115
  private let thermistor: Thermistor
  private let cell: ADS1115.Input
  private var running: UInt8 = 0
  private var newest = Reading()
  private var overThermistor: Voltage?

  /// Describes the wiring: AIN0 the cell through `divider`, AIN1 the thermistor, AIN2 its supply.
  public init(address: I2CAddress, divider: ADS1115.Divider, thermistor: Thermistor) {
    chip = ADS1115(address: address)
    self.thermistor = thermistor
    cell = ADS1115.Input(multiplexer: .input0, range: .millivolts4096, divider: divider)
  }

  mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    newest = Reading()
    overThermistor = nil
    try chip.reset(on: &bus)
  }

  mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    try chip.configure(on: &bus)
    running = 0
    try chip.start(cell, on: &bus, at: time)
  }

  /// Takes the conversion that ran since the last call and starts the next input's.
  mutating func readNext<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Reading {
    let voltage = try chip.readVoltage(on: &bus, at: time)
    switch running {
    case 0: newest.voltage = voltage
    case 1: overThermistor = voltage
    default: newest.temperature = temperature(supply: voltage)
    }
    running = running == 2 ? 0 : running + 1
    try chip.start(input(running), on: &bus, at: time)
    return newest
  }

  private func temperature(supply: Voltage) -> Temperature? {
    guard let overThermistor else { return nil }
    do throws(ChipError) {
      return try thermistor.temperature(thermistor: overThermistor, reference: supply)
    } catch {
      return nil
    }
  }

  private func input(_ number: UInt8) -> ADS1115.Input {
    switch number {
    case 0: cell
    case 1: ADS1115.Input(multiplexer: .input1, range: .millivolts4096)
    default: ADS1115.Input(multiplexer: .input2, range: .millivolts4096)
    }
  }
}

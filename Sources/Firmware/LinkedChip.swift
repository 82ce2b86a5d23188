// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// A chip as `SensorLink` sees it: begun, brought up, then read once a tick.
protocol LinkedChip: Sendable {
  /// What a read gives.
  associatedtype Value: Sendable
  /// The pause between its beginning and its bringing up. Unit: µs.
  var settlingMicroseconds: Int64 { get }
  /// How long it may be without a new result before it is taken to hang. Unit: µs.
  var patienceMicroseconds: Int64 { get }
  /// Starts the chip anew.
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError)
  /// Sets it up, or does the next step of that; true when it measures.
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool
  /// Reads it.
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Value
}

extension LinkedChip {
  /// Most chips here need at most 2 ms after a reset.
  var settlingMicroseconds: Int64 { 5_000 }
  /// Half again the slowest cycle of a TMP117.
  var patienceMicroseconds: Int64 { 1_500_000 }
}

/// A chip that is reset, and configured at once a little later.
protocol ResetChip: LinkedChip {
  mutating func reset<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError)
  mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError)
}

extension ResetChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
    return true
  }
}

/// A chip that is configured step by step, from the first step on after `restart`.
protocol SteppedChip: LinkedChip {
  mutating func restart()
  mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool
}

extension SteppedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) { restart() }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
  }
}

/// A chip without a reset of its own, whose configuration is written whole.
protocol WholeChip: LinkedChip {
  mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError)
}

extension WholeChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {}
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus, at: time)
    return true
  }
}

// MARK: - Monitors

/// What a monitor or a gauge says in one tick; nil where it says nothing.
struct MonitorReading: Sendable {
  /// Positive charges the cells.
  var current: Current?
  /// Of all cells in series.
  var voltage: Voltage?
  /// Since the last reading, where the chip counts itself.
  var charge: ChargeReading?
  /// Of the cells, or of the chip beside them.
  var temperature: Temperature?
  /// The voltage of all cells in series as another converter sees it.
  var secondVoltage: Voltage?
  /// Of the lowest and the highest cell, where each is measured.
  var cells: CellRange?
  /// By the chip's own model, which is a lithium cell's.
  var stateOfCharge: StateOfCharge?
}

/// The voltages of the lowest and the highest of several cells.
struct CellRange: Equatable, Sendable {
  var lowest: Voltage
  var highest: Voltage
}

extension INA228: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus, at: time)
    return true
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let measured = try readMeasurement(on: &bus, at: time)
    return MonitorReading(
      current: measured.current, voltage: measured.busVoltage, charge: measured.charge)
  }
}

extension INA226: ResetChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let measured = try readMeasurement(on: &bus)
    return MonitorReading(current: measured.current, voltage: measured.busVoltage)
  }
}

extension INA219: ResetChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let measured = try readMeasurement(on: &bus)
    return MonitorReading(current: measured.current, voltage: measured.busVoltage)
  }
}

extension MAX17048: ResetChip {
  /// Its first voltage comes with its first estimate.
  var settlingMicroseconds: Int64 { 1_000_000 }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let shown = try read(on: &bus)
    return MonitorReading(voltage: shown.cellVoltage, stateOfCharge: shown.stateOfCharge)
  }
}

extension MAX17055: SteppedChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let shown = try read(on: &bus)
    return MonitorReading(
      current: shown.current, voltage: shown.cellVoltage, temperature: shown.temperature,
      stateOfCharge: shown.stateOfCharge)
  }
}

extension BQ27441: SteppedChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let shown = try read(on: &bus)
    return MonitorReading(
      current: shown.averageCurrent, voltage: shown.cellVoltage, temperature: shown.temperature,
      stateOfCharge: shown.stateOfCharge)
  }
}

extension SmartBattery: LinkedChip {
  /// It measures once a second, and is valid from the first time on; its clock may be slow.
  var settlingMicroseconds: Int64 { 1_100_000 }
  // The host cannot reset it.
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {}
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
    return true
  }
  // Its alarms are those of a lithium battery, which ends at 3 V a cell: they are not obeyed.
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let shown = try read(on: &bus)
    return MonitorReading(
      current: shown.current, voltage: shown.voltage, temperature: shown.temperature,
      stateOfCharge: shown.stateOfCharge)
  }
}

extension LTC2943: WholeChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let measured = try readMeasurement(on: &bus, at: time)
    return MonitorReading(
      current: measured.current, voltage: measured.voltage, charge: measured.charge,
      temperature: measured.dieTemperature)
  }
}

extension LTC2959: WholeChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let measured = try readMeasurement(on: &bus, at: time)
    return MonitorReading(
      current: measured.current, voltage: measured.voltage, charge: measured.charge,
      temperature: measured.dieTemperature)
  }
}

extension BQ34Z100: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) { restart() }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus, at: time)
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let shown = try read(on: &bus)
    return MonitorReading(
      current: shown.current, voltage: shown.voltage, temperature: shown.temperature,
      stateOfCharge: shown.stateOfCharge)
  }
}

// MARK: - Thermometers

extension TMP117: ResetChip {
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Temperature {
    try readTemperature(on: &bus)
  }
}

extension TMP102: WholeChip {
  /// Its driver waits 5.5 s, as the chip may still be in a cycle of its slowest rate.
  var patienceMicroseconds: Int64 { 7_000_000 }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Temperature {
    try readTemperature(on: &bus, at: time)
  }
}

extension ThermistorBoard: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus, at: time)
    return true
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Reading {
    try readNext(on: &bus, at: time)
  }
}

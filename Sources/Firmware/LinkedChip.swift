// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// A chip as `SensorLink` sees it: begun, brought up, then read once a tick.
protocol LinkedChip: Sendable {
  /// What a read gives.
  associatedtype Reading: Sendable
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
  ) throws(ChipError) -> Reading
}

extension LinkedChip {
  /// Most chips here need at most 2 ms after a reset.
  var settlingMicroseconds: Int64 { 5_000 }
  /// Half again the slowest cycle of a TMP117.
  var patienceMicroseconds: Int64 { 1_500_000 }
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
  ) throws(ChipError) -> Measurement {
    try readMeasurement(on: &bus, at: time)
  }
}

extension INA226: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
    return true
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Measurement {
    try readMeasurement(on: &bus)
  }
}

extension INA219: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
    return true
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Measurement {
    try readMeasurement(on: &bus)
  }
}

extension MAX17048: LinkedChip {
  /// Its first voltage comes with its first estimate.
  var settlingMicroseconds: Int64 { 1_000_000 }
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
    return true
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Reading {
    try read(on: &bus)
  }
}

extension BQ27441: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    restart()
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Reading {
    try read(on: &bus)
  }
}

extension TMP117: LinkedChip {
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try reset(on: &bus)
  }
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus)
    return true
  }
  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Temperature {
    try readTemperature(on: &bus)
  }
}

extension TMP102: LinkedChip {
  /// Its driver waits 5.5 s, as the chip may still be in a cycle of its slowest rate.
  var patienceMicroseconds: Int64 { 7_000_000 }
  // It has no reset of its own; its configuration is written whole.
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {}
  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try configure(on: &bus, at: time)
    return true
  }
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

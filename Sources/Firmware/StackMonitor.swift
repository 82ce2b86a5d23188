// SPDX-License-Identifier: Apache-2.0

import BusProtocols
public import ChipDrivers
import Quantities

/// A BQ76920 on its stack: what it measures, and the switches that it carries.
///
/// Its switches follow the firmware's, over the bus and so only while the bus works. What its own
/// protection opens stays open until the firmware's protection, which is told of it, ends as well.
public struct StackMonitor: Sendable {
  private var chip: BQ76920
  private let thermistor: Thermistor?
  private var configuredAt = MonotonicTime.microseconds(0)
  private var current: Current?
  private var currentAt = MonotonicTime.microseconds(0)
  /// What the chip had noticed when it was last looked at.
  private var noticed: BQ76920.Faults = []
  private var noticedAt = MonotonicTime.microseconds(0)
  /// What was noticed since `takeOpened()`.
  private var opened: BQ76920.Faults = []
  /// What the switches were told; nil if that is not known to hold.
  private var driven: Direction?

  /// Stack and thermistor are converted every 2 s; before that they show nothing. Unit: µs.
  private static let firstResults: Int64 = 2_300_000
  /// A current is a mean over 250 ms; after four without another the counter hangs. Unit: µs.
  private static let longestCurrent: Int64 = 1_000_000
  /// An internal fault must last that long before it may be cleared (datasheet, SYS_STAT). Unit: µs.
  private static let faultPause: Int64 = 3_000_000

  /// Describes the chip's wiring.
  ///
  /// - Parameter thermistor: at TS1, its pull-up the chip's own 10 kΩ; nil where there is none.
  public init(_ chip: BQ76920, thermistor: Thermistor? = nil) {
    self.chip = chip
    self.thermistor = thermistor
  }

  /// The protections that the chip has carried out itself since the last call.
  mutating func takeOpened() -> ProtectionSet {
    defer { opened = [] }
    var set: ProtectionSet = []
    if opened.contains(.overvoltage) { set.insert(ProtectionSet(.overVoltage)) }
    if opened.contains(.undervoltage) { set.insert(ProtectionSet(.underVoltage)) }
    if !opened.isDisjoint(with: [.overcurrent, .shortCircuit]) {
      set.insert(ProtectionSet(.overCurrentDischarge))
    }
    if !opened.isDisjoint(with: StackMonitor.broken) {
      set.insert(ProtectionSet(.sensorImplausible))
    }
    return set
  }

  /// Sets the chip's switches as the firmware's, where they are not so already.
  ///
  /// - Throws: as `BQ76920.setSwitches`; the next call tries again.
  mutating func drive<Bus: I2CBus & ~Copyable>(
    _ allowed: Direction, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    guard driven != allowed else { return }
    let inTheWay = noticed.intersection(StackMonitor.faults(against: allowed))
    if !inTheWay.isEmpty {
      let waited = time.microseconds(since: noticedAt)
      guard inTheWay.isDisjoint(with: StackMonitor.broken) || waited >= StackMonitor.faultPause
      else { return }
      try chip.clear(inTheWay, on: &bus)
      noticed.subtract(inTheWay)
    }
    driven = nil
    try chip.setSwitches(
      charge: allowed.contains(.charge), discharge: allowed.contains(.discharge), on: &bus)
    driven = allowed
  }

  /// Faults that are the chip's own, and keep both switches off.
  private static let broken: BQ76920.Faults = [.alertOverridden, .deviceNotReady]

  /// Faults that keep a switch of `allowed` off.
  private static func faults(against allowed: Direction) -> BQ76920.Faults {
    var faults: BQ76920.Faults = allowed.isEmpty ? [] : broken
    if allowed.contains(.charge) { faults.formUnion(.overvoltage) }
    if allowed.contains(.discharge) {
      faults.formUnion([.undervoltage, .overcurrent, .shortCircuit])
    }
    return faults
  }
}

extension StackMonitor: LinkedChip {
  /// Longer than its first results take.
  var patienceMicroseconds: Int64 { 4_000_000 }

  // It has no reset of its own; its configuration is written whole.
  mutating func begin<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    driven = nil
    current = nil
  }

  mutating func bringUp<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    try chip.configure(on: &bus)
    configuredAt = time
    noticed = []
    driven = []
    return true
  }

  mutating func next<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> MonitorReading {
    let reading = try chip.read(on: &bus)
    note(reading.faults, at: time)
    let present = try readCurrent(on: &bus, at: time)
    // Where the clock stepped back, the wait begins anew.
    configuredAt = min(configuredAt, time)
    guard time.microseconds(since: configuredAt) >= StackMonitor.firstResults else {
      throw .conversionNotReady
    }
    var sum: Int32 = 0
    var range = CellRange(lowest: reading.cellVoltages[0], highest: reading.cellVoltages[0])
    for cell in 0..<chip.configuration.cellCount {
      let voltage = reading.cellVoltages[cell]
      sum += voltage.microvolts
      range.lowest = min(range.lowest, voltage)
      range.highest = max(range.highest, voltage)
    }
    return MonitorReading(
      current: present, voltage: .microvolts(sum),
      temperature: temperature(reading.thermistorVoltage),
      secondVoltage: reading.stackVoltage, cells: range)
  }

  /// Nil where there is no thermistor, or its wire is broken or shorted.
  private func temperature(_ voltage: Voltage) -> Temperature? {
    do throws(ChipError) {
      return try thermistor?.temperature(
        thermistor: voltage, reference: BQ76920.thermistorReference)
    } catch {
      return nil
    }
  }

  private mutating func note(_ faults: BQ76920.Faults, at time: MonotonicTime) {
    let new = faults.subtracting(noticed)
    noticed = faults
    guard !new.isEmpty else { return }
    opened.formUnion(new)
    noticedAt = time
    // The chip has opened what they concern.
    driven = nil
  }

  /// The newest mean; between two of them the last one holds.
  private mutating func readCurrent<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Current {
    do throws(ChipError) {
      let newest = try chip.readCurrent(on: &bus)
      current = newest
      currentAt = time
      return newest
    } catch {
      let age = time.microseconds(since: currentAt)
      guard error == .conversionNotReady, let current, 0..<StackMonitor.longestCurrent ~= age
      else { throw error }
      return current
    }
  }
}

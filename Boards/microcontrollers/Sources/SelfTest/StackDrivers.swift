// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// The driver for cells in series. Its answers are longer than the bus of registers gives, so it gets
/// no further than its first question, but its code is on the processor.
func hashStackMonitor(on bus: inout RegisterBus, into hash: inout StableHash) {
  let shunt = Shunt(resistance: .microohms(5_000), maximumCurrent: .milliamperes(10_000))
  let configuration: BQ76920.Configuration
  do {
    guard
      let valid = try BQ76920.Configuration(
        cellCount: 4, shunt: shunt, overvoltage: .millivolts(4_200),
        undervoltage: .millivolts(2_000), overcurrent: .milliamperes(8_000),
        shortCircuit: .milliamperes(15_000))
    else { return }
    configuration = valid
  } catch {
    hash.combine(-5)
    return
  }
  for byte in UInt8(0)..<64 {
    let trim = BQ76920.Trim(gain1: byte >> 2, gain2: byte << 5, offset: byte << 2)
    hash.combine(Int64(trim.overvoltageTrip(configuration.overvoltage)))
    hash.combine(Int64(trim.undervoltageTrip(configuration.undervoltage)))
    outcome(into: &hash) { () throws(ChipError) in
      let word = UInt16(byte) << 10
      return Int64(try BQ76920.current(word: word, configuration: configuration).microamperes)
        + Int64(try trim.cellVoltage(word: word >> 2).microvolts)
        + Int64(trim.stackVoltage(word: word, cellCount: 4).microvolts)
        + Int64(try BQ76920.thermistorVoltage(word: word >> 2).microvolts)
    }
  }
  var monitor = BQ76920(configuration: configuration)
  hashOperations(of: &monitor, on: &bus, into: &hash)
}

private func hashOperations(
  of monitor: inout BQ76920, on bus: inout RegisterBus, into hash: inout StableHash
) {
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.configure(on: &bus)
    return 1
  }
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    let reading = try monitor.read(on: &bus)
    return Int64(reading.cellVoltages[0].microvolts)
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try monitor.readCurrent(on: &bus).microamperes)
  }
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.clear(.all, on: &bus)
    return Int64(try monitor.readFaults(on: &bus).rawValue)
  }
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.setSwitches(charge: false, discharge: false, on: &bus)
    try monitor.balance(0b0101, on: &bus)
    return 1
  }
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.ship(on: &bus)
    return 1
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// The drivers of the firmware's own boards: INA228, INA226, ADS1115 and TMP117.
///
/// The bus of registers has the widths of the last three, and fails seldom enough for them to come to
/// their measurements; the INA228, with its longer registers, does not, but its code is on the
/// processor.
func hashFirstDrivers(into hash: inout StableHash) {
  var bus = RegisterBus(address: I2CAddress(0x40), failurePeriod: 23)
  let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(8_000))
  do throws(ShuntProblem) {
    hashINA228(try INA228.Configuration(shunt: shunt), on: &bus, into: &hash)
    hashINA226(try INA226.Configuration(shunt: shunt), on: &bus, into: &hash)
  } catch {
    hash.combine(-5)
  }
  hashADS1115(on: &bus, into: &hash)
  hashTMP117(on: &bus, into: &hash)
}

private func hashINA228(
  _ configuration: INA228.Configuration, on bus: inout RegisterBus, into hash: inout StableHash
) {
  for word in UInt32(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      let current = try INA228.current(word: word << 18, configuration: configuration)
      return Int64(current.microamperes) + Int64(try INA228.busVoltage(word: word << 17).microvolts)
    }
  }
  var monitor = INA228(address: I2CAddress(0x40), configuration: configuration)
  bus.registers[0x3E] = 0x5449
  bus.registers[0x3F] = 0x2281
  for _ in 0..<2 {
    outcome(into: &hash) { () throws(ChipError) in
      try monitor.reset(on: &bus)
      return 1
    }
    // What the reset leaves.
    bus.registers[0x00] = 0
    bus.registers[0x01] = 0xFB68
    bus.registers[0x02] = 0x1000
    bus.registers[0x0B] = 0x0001
    outcome(into: &hash) { () throws(ChipError) in
      try monitor.configure(on: &bus, at: .microseconds(0))
      return try monitor.isConfigured(on: &bus) ? 1 : 0
    }
  }
  outcome(into: &hash) { () throws(ChipError) in
    let measurement = try monitor.readMeasurement(on: &bus, at: .microseconds(1_000))
    return Int64(measurement.current.microamperes)
  }
}

private func hashINA226(
  _ configuration: INA226.Configuration, on bus: inout RegisterBus, into hash: inout StableHash
) {
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      let current = try INA226.current(word: word << 10, configuration: configuration)
      return Int64(current.microamperes) + Int64(try INA226.busVoltage(word: word << 9).microvolts)
    }
  }
  var monitor = INA226(address: I2CAddress(0x40), configuration: configuration)
  // The identity is at FEh and FFh, which the bus takes modulo 64.
  bus.registers[0x3E] = 0x5449
  bus.registers[0x3F] = 0x2260
  for _ in 0..<4 {
    outcome(into: &hash) { () throws(ChipError) in
      try monitor.reset(on: &bus)
      return 1
    }
    bus.registers[0x00] = 0x4127
    bus.registers[0x05] = 0
    outcome(into: &hash) { () throws(ChipError) in
      try monitor.configure(on: &bus)
      return try monitor.isConfigured(on: &bus) ? 1 : 0
    }
    // A result: −10 mV, 3.0575 V.
    bus.registers[0x01] = 0xF060
    bus.registers[0x02] = 2_446
    bus.registers[0x06] |= 0x0008
    outcome(into: &hash) { () throws(ChipError) in
      let measurement = try monitor.readMeasurement(on: &bus)
      return Int64(measurement.current.microamperes) + Int64(measurement.busVoltage.microvolts)
    }
  }
}

private func hashADS1115(on bus: inout RegisterBus, into hash: inout StableHash) {
  let input = ADS1115.Input(multiplexer: .input1, range: .millivolts4096)
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try ADS1115.voltage(word: word << 10, input: input).microvolts)
    }
  }
  var converter = ADS1115(address: I2CAddress(0x40))
  for _ in 0..<4 {
    outcome(into: &hash) { () throws(ChipError) in
      try converter.reset(on: &bus)
      return 1
    }
    // No conversion runs.
    bus.registers[0x01] |= 0x8000
    bus.registers[0x02] = 0x8000
    bus.registers[0x03] = 0x7FFF
    outcome(into: &hash) { () throws(ChipError) in
      try converter.configure(on: &bus)
      return try converter.isConfigured(on: &bus) ? 1 : 0
    }
    outcome(into: &hash) { () throws(ChipError) in
      try converter.start(input, on: &bus, at: .microseconds(0))
      return 1
    }
    // The conversion is over.
    bus.registers[0x01] |= 0x8000
    bus.registers[0x00] = 0x1234
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try converter.readVoltage(on: &bus, at: .microseconds(9_000)).microvolts)
    }
  }
}

private func hashTMP117(on bus: inout RegisterBus, into hash: inout StableHash) {
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try TMP117.temperature(word: word << 10).millidegreesCelsius)
    }
  }
  var sensor = TMP117(address: I2CAddress(0x40))
  bus.registers[0x0F] = 0x0117
  for _ in 0..<4 {
    outcome(into: &hash) { () throws(ChipError) in
      try sensor.reset(on: &bus)
      return 1
    }
    bus.registers[0x01] = 0x0220
    outcome(into: &hash) { () throws(ChipError) in
      try sensor.configure(on: &bus)
      return try sensor.isConfigured(on: &bus) ? 1 : 0
    }
    bus.registers[0x00] = 0x0C80
    bus.registers[0x01] |= 0x2000
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try sensor.readTemperature(on: &bus).millidegreesCelsius)
    }
  }
}

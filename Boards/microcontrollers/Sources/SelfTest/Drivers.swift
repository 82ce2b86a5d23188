// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// ChipDrivers: one call of each operation of each driver, for generic code exists only where it is
/// called. The bus answers with zeros or not at all, so what is hashed is mostly how they fail.
func hashDrivers(into hash: inout StableHash) {
  var bus = RegisterBus(address: I2CAddress(0x40), failurePeriod: 5)
  hashFirstDrivers(into: &hash)
  hashMonitors(on: &bus, into: &hash)
  hashThermometers(on: &bus, into: &hash)
  hashMemories(on: &bus, into: &hash)
  hashClock(on: &bus, into: &hash)
  hashGauges(on: &bus, into: &hash)
  hashModelGauge(on: &bus, into: &hash)
  hashStackMonitor(on: &bus, into: &hash)
  hashSmartBattery(on: &bus, into: &hash)
  hashCounters(on: &bus, into: &hash)
}

/// Hashes what an operation gave, or why it failed.
func outcome(into hash: inout StableHash, _ operation: () throws(ChipError) -> Int64) {
  do throws(ChipError) {
    hash.combine(try operation())
  } catch {
    switch error {
    case .bus(.noAcknowledge): hash.combine(-1)
    case .bus: hash.combine(-2)
    case .unexpectedIdentity(_, let found): hash.combine(Int64(found) - 0x1_0000)
    case .resetIncomplete(_, let found): hash.combine(Int64(found) - 0x2_0000)
    case .notConfigured: hash.combine(-3)
    default: hash.combine(-4)
    }
  }
}

func hashMonitors(on bus: inout RegisterBus, into hash: inout StableHash) {
  let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(8_000))
  let configuration: INA219.Configuration
  do {
    configuration = try INA219.Configuration(shunt: shunt)
  } catch {
    hash.combine(-5)
    return
  }
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      let current = try INA219.current(word: word << 7, configuration: configuration)
      return Int64(current.microamperes) + Int64(try INA219.busVoltage(word: word << 9).microvolts)
    }
  }
  var monitor = INA219(address: I2CAddress(0x40), configuration: configuration)
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.reset(on: &bus)
    return 0
  }
  bus.registers[0] = 0x399F
  outcome(into: &hash) { () throws(ChipError) in
    try monitor.configure(on: &bus)
    return try monitor.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try monitor.readMeasurement(on: &bus).current.microamperes)
  }
}

func hashThermometers(on bus: inout RegisterBus, into hash: inout StableHash) {
  var sensor = TMP102(address: I2CAddress(0x40))
  bus.registers[1] = 0x6000
  outcome(into: &hash) { () throws(ChipError) in
    try sensor.configure(on: &bus, at: .microseconds(0))
    return try sensor.isConfigured(on: &bus) ? 1 : 0
  }
  bus.registers[0] = 0x0C81
  outcome(into: &hash) { () throws(ChipError) in
    let temperature = try sensor.readTemperature(on: &bus, at: .microseconds(6_000_000))
    return Int64(temperature.millidegreesCelsius)
  }
}

func hashMemories(on bus: inout RegisterBus, into hash: inout StableHash) {
  let bytes: InlineArray<1, UInt8> = [7]
  var read: InlineArray<2, UInt8> = [0, 0]
  var buffer = read.mutableSpan
  let ferroelectric = MB85RC256V(address: I2CAddress(0x40))
  outcome(into: &hash) { () throws(ChipError) in
    try ferroelectric.write(bytes.span, to: 0x0102, on: &bus)
    return 1
  }
  outcome(into: &hash) { () throws(ChipError) in
    try ferroelectric.read(from: 0x0102, into: &buffer, on: &bus)
    return Int64(buffer[0])
  }
  outcome(into: &hash) { () throws(ChipError) in
    try ferroelectric.checkIdentity(on: &bus)
    return 1
  }
  var electrical = AT24C32(address: I2CAddress(0x40))
  outcome(into: &hash) { () throws(ChipError) in
    try electrical.read(from: 0x0102, into: &buffer, on: &bus)
    return Int64(buffer[0])
  }
  outcome(into: &hash) { () throws(ChipError) in
    try electrical.write(bytes.span, to: 0x0102, on: &bus, at: .microseconds(0))
    return try electrical.isReady(on: &bus, at: .microseconds(0)) ? 1 : 0
  }
}

func hashClock(on bus: inout RegisterBus, into hash: inout StableHash) {
  var clock = DS3231()
  outcome(into: &hash) { () throws(ChipError) in
    try clock.configure(on: &bus)
    return 1
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try clock.readTemperature(on: &bus).millidegreesCelsius)
  }
  for day in Int64(0)..<100 {
    guard let time = CalendarTime(secondsSince2000: day * 10_000_001) else { continue }
    hash.combine(Int64(time.date.year) * 10_000 + Int64(time.date.month) * 100)
    hash.combine(Int64(time.date.day))
    outcome(into: &hash) { () throws(ChipError) in
      try clock.setTime(time, on: &bus)
      return try clock.readTime(on: &bus).secondsSince2000
    }
  }
}

func hashGauges(on bus: inout RegisterBus, into hash: inout StableHash) {
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try MAX17048.cellVoltage(word: word << 10).microvolts)
    }
    hash.combine(Int64(MAX17048.stateOfCharge(word: word << 9).partsPerMillion))
    hash.combine(Int64(MAX17048.rate(word: word << 9)))
  }
  var voltageGauge = MAX17048()
  outcome(into: &hash) { () throws(ChipError) in
    try voltageGauge.reset(on: &bus)
    try voltageGauge.configure(on: &bus)
    return try voltageGauge.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try voltageGauge.read(on: &bus).stateOfCharge.partsPerMillion)
  }
  hashImpedanceTrack(on: &bus, into: &hash)
}

func hashImpedanceTrack(on bus: inout RegisterBus, into hash: inout StableHash) {
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try BQ27441.voltage(word: word << 8).microvolts)
    }
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try BQ27441.temperature(word: word << 8).millidegreesCelsius)
    }
    hash.combine(Int64(BQ27441.current(word: word << 10).microamperes))
  }
  guard let configuration = BQ27441.Configuration(designCapacity: 1_500, designEnergy: 4_650)
  else { return }
  var gauge = BQ27441(model: .bq27427, configuration: configuration)
  for _ in 0..<4 {
    outcome(into: &hash) { () throws(ChipError) in
      try gauge.configure(on: &bus) ? 1 : 0
    }
  }
  outcome(into: &hash) { () throws(ChipError) in
    try gauge.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try gauge.read(on: &bus).stateOfCharge.partsPerMillion)
  }
}

func hashModelGauge(on bus: inout RegisterBus, into hash: inout StableHash) {
  let shunt = Shunt(resistance: .microohms(7_919), maximumCurrent: .milliamperes(5_000))
  let configuration: MAX17055.Configuration
  do {
    guard
      let valid = try MAX17055.Configuration(
        shunt: shunt, designCapacity: 1_400, chargeTermination: 50)
    else { return }
    configuration = valid
  } catch {
    hash.combine(-5)
    return
  }
  for word in UInt16(0)..<64 {
    outcome(into: &hash) { () throws(ChipError) in
      let current = try MAX17055.current(word: word << 10, configuration: configuration)
      return Int64(current.microamperes)
        + Int64(try MAX17055.temperature(word: word << 9).millidegreesCelsius)
    }
    hash.combine(MAX17055.capacity(word: word << 10, configuration: configuration).nanocoulombs)
  }
  var gauge = MAX17055(configuration: configuration)
  bus.registers[0x21] = 0x1040
  for _ in 0..<4 {
    outcome(into: &hash) { () throws(ChipError) in
      try gauge.configure(on: &bus) ? 1 : 0
    }
  }
  outcome(into: &hash) { () throws(ChipError) in
    try gauge.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try gauge.read(on: &bus).stateOfCharge.partsPerMillion)
  }
}

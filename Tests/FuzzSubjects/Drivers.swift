// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// Sets up and reads every driver from replies; the first byte says which one.
///
/// A driver may throw what it likes, but never traps and never gives a value that its chip cannot.
func readDrivers(_ bytes: [UInt8]) {
  guard let which = bytes.first else { return }
  let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(5_000))
  var round: Round
  do {
    switch which % 17 {
    case 0: round = ina228Round(try INA228.Configuration(shunt: shunt))
    case 1: round = ina226Round(try INA226.Configuration(shunt: shunt))
    case 2: round = ina219Round(try INA219.Configuration(shunt: shunt))
    case 3: round = tmp117Round()
    case 4: round = tmp102Round()
    case 5: round = ads1115Round()
    case 6: round = max17048Round()
    case 7:
      guard
        let configuration = try MAX17055.Configuration(
          shunt: shunt, designCapacity: 1_400, chargeTermination: 50)
      else { return }
      round = max17055Round(configuration)
    case 8, 9:
      guard let configuration = BQ27441.Configuration(designCapacity: 1_500, designEnergy: 4_650)
      else { return }
      round = bq27441Round(which % 17 == 8 ? .bq27441 : .bq27427, configuration)
    case 10: round = ds3231Round()
    case 12:
      guard
        let configuration = try LTC2943.Configuration(
          shunt: shunt, capacity: .milliampereHours(1_400))
      else { return }
      round = ltc2943Round(configuration)
    case 13: round = ltc2959Round(try LTC2959.Configuration(shunt: shunt))
    case 14: round = bq34z100Round()
    case 15:
      guard
        let configuration = try BQ76920.Configuration(
          cellCount: 4, shunt: shunt, overvoltage: .millivolts(4_300),
          undervoltage: .millivolts(1_900), overcurrent: .milliamperes(4_000),
          shortCircuit: .milliamperes(8_000))
      else { return }
      round = bq76920Round(configuration)
    case 16: round = smartBatteryRound()
    default: round = memoryRound()
    }
  } catch {
    preconditionFailure("the shunt of these tests fits every chip: \(error)")
  }
  var bus = ReplyBus(Array(bytes.dropFirst()), identityOf: which % 17)
  var time = MonotonicTime.microseconds(0)
  for number in 0..<16 where !bus.isAtEnd {
    do throws(ChipError) {
      try round(&bus, time, number)
    } catch {
      // Any of them is an answer.
    }
    time = .microseconds(Int64(number + 1) * 400_000)
  }
}

/// What is done with a chip each round: it is set up first, then read.
private typealias Round = (inout ReplyBus, MonotonicTime, Int) throws(ChipError) -> Void

private func require(_ current: Current, within microamperes: Int32) {
  precondition(
    current.microamperes.magnitude <= microamperes.magnitude, "\(current) over this shunt")
}

private func require(_ temperature: Temperature) {
  precondition(
    (-274_000...328_000).contains(temperature.millidegreesCelsius), "\(temperature) on a chip")
}

private func require(_ charge: StateOfCharge, to highest: Int32 = 1_000_000) {
  precondition((0...highest).contains(charge.partsPerMillion), "\(charge) of a gauge")
}

private func ina228Round(_ configuration: INA228.Configuration) -> Round {
  var chip = INA228(address: I2CAddress(0x40), configuration: configuration)
  return { (bus, time, number) throws(ChipError) in
    if number == 0 { try chip.reset(on: &bus) }
    if number <= 1 { try chip.configure(on: &bus, at: time) }
    let measurement = try chip.readMeasurement(on: &bus, at: time)
    require(measurement.current, within: 16_384_000)
    require(measurement.dieTemperature)
    precondition((0...102_400_000).contains(measurement.busVoltage.microvolts))
  }
}

private func ina226Round(_ configuration: INA226.Configuration) -> Round {
  var chip = INA226(address: I2CAddress(0x40), configuration: configuration)
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try chip.reset(on: &bus) }
    if number <= 1 { try chip.configure(on: &bus) }
    let measurement = try chip.readMeasurement(on: &bus)
    require(measurement.current, within: 8_192_000)
    precondition((0...40_960_000).contains(measurement.busVoltage.microvolts))
  }
}

private func ina219Round(_ configuration: INA219.Configuration) -> Round {
  var chip = INA219(address: I2CAddress(0x40), configuration: configuration)
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try chip.reset(on: &bus) }
    if number <= 1 { try chip.configure(on: &bus) }
    let measurement = try chip.readMeasurement(on: &bus)
    require(measurement.current, within: 32_768_000)
    precondition((0...32_764_000).contains(measurement.busVoltage.microvolts))
  }
}

private func tmp117Round() -> Round {
  var chip = TMP117(address: I2CAddress(0x48))
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try chip.reset(on: &bus) }
    if number <= 1 { try chip.configure(on: &bus) }
    require(try chip.readTemperature(on: &bus))
  }
}

private func tmp102Round() -> Round {
  var chip = TMP102(address: I2CAddress(0x48))
  return { (bus, time, number) throws(ChipError) in
    if number == 0 { try chip.configure(on: &bus, at: time) }
    require(try chip.readTemperature(on: &bus, at: time))
  }
}

private func ads1115Round() -> Round {
  var chip = ADS1115(address: I2CAddress(0x48))
  let input = ADS1115.Input(multiplexer: .input0, range: .millivolts4096)
  return { (bus, time, number) throws(ChipError) in
    if number == 0 { try chip.reset(on: &bus) }
    if number <= 1 { try chip.configure(on: &bus) }
    if number % 2 == 1 {
      try chip.start(input, on: &bus, at: time)
    } else {
      let voltage = try chip.readVoltage(on: &bus, at: time)
      precondition(voltage.microvolts.magnitude <= 4_096_000, "\(voltage) in this range")
    }
  }
}

private func max17048Round() -> Round {
  var chip = MAX17048()
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try chip.reset(on: &bus) }
    if number <= 1 { try chip.configure(on: &bus) }
    let reading = try chip.read(on: &bus)
    require(reading.stateOfCharge, to: 2_559_961)
    precondition((0...5_120_000).contains(reading.cellVoltage.microvolts))
  }
}

private func max17055Round(_ configuration: MAX17055.Configuration) -> Round {
  var chip = MAX17055(configuration: configuration)
  return { (bus, _, number) throws(ChipError) in
    if number < 8 { _ = try chip.configure(on: &bus) }
    let reading = try chip.read(on: &bus)
    require(reading.stateOfCharge, to: 2_559_961)
    require(reading.temperature)
    precondition((0...5_120_000).contains(reading.cellVoltage.microvolts))
  }
}

private func bq27441Round(_ model: BQ27441.Model, _ configuration: BQ27441.Configuration) -> Round {
  var chip = BQ27441(model: model, configuration: configuration)
  return { (bus, _, number) throws(ChipError) in
    if number < 8 { _ = try chip.configure(on: &bus) }
    let reading = try chip.read(on: &bus)
    require(reading.stateOfCharge)
    require(reading.temperature)
  }
}

private func ds3231Round() -> Round {
  var chip = DS3231()
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try chip.configure(on: &bus) }
    let time = try chip.readTime(on: &bus)
    // What the chip says, the driver can say back.
    precondition(
      CalendarTime(secondsSince2000: time.secondsSince2000) == time, "a date that does not exist")
    require(try chip.readTemperature(on: &bus))
  }
}

private func memoryRound() -> Round {
  let ferroelectric = MB85RC256V(address: I2CAddress(0x50))
  var electrical = AT24C32(address: I2CAddress(0x57))
  return { (bus, time, number) throws(ChipError) in
    var held: InlineArray<8, UInt8> = .init(repeating: 0)
    var buffer = held.mutableSpan
    if number == 0 { try ferroelectric.checkIdentity(on: &bus) }
    try ferroelectric.read(from: Int32(number) * 8, into: &buffer, on: &bus)
    guard try electrical.isReady(on: &bus, at: time) else { return }
    let bytes: InlineArray<4, UInt8> = [1, 2, 3, 4]
    try electrical.write(bytes.span, to: Int32(number) * 32, on: &bus, at: time)
  }
}

private func ltc2943Round(_ configuration: LTC2943.Configuration) -> Round {
  var chip = LTC2943(model: .ltc2943, configuration: configuration)
  return { (bus, time, number) throws(ChipError) in
    if number == 0 { try chip.configure(on: &bus, at: time) }
    let measurement = try chip.readMeasurement(on: &bus, at: time)
    require(measurement.current, within: 6_000_000)
    precondition((0...23_600_000).contains(measurement.voltage.microvolts))
  }
}

private func ltc2959Round(_ configuration: LTC2959.Configuration) -> Round {
  var chip = LTC2959(configuration: configuration)
  return { (bus, time, number) throws(ChipError) in
    if number == 0 { try chip.configure(on: &bus, at: time) }
    let measurement = try chip.readMeasurement(on: &bus, at: time)
    require(measurement.current, within: 9_750_000)
    precondition((0...62_600_000).contains(measurement.voltage.microvolts))
  }
}

private func bq34z100Round() -> Round {
  guard
    let configuration = BQ34Z100.Configuration(
      designCapacity: 1_500, designEnergy: 12_400, seriesCells: 4, terminateVoltage: 2_000,
      voltageDivider: 20_000)
  else { preconditionFailure("the settings of these tests fit the chip") }
  var chip = BQ34Z100(configuration: configuration)
  return { (bus, time, _) throws(ChipError) in
    guard try chip.configure(on: &bus, at: time) else { return }
    let reading = try chip.read(on: &bus)
    require(reading.stateOfCharge)
    require(reading.temperature)
  }
}

private func bq76920Round(_ configuration: BQ76920.Configuration) -> Round {
  var chip = BQ76920(configuration: configuration)
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try chip.configure(on: &bus) }
    let reading = try chip.read(on: &bus)
    // 16383 steps of 396 µV, and the trim's 127 mV.
    precondition(reading.cellVoltages[0].microvolts <= 6_615_000)
    require(try chip.readCurrent(on: &bus), within: 20_000_000)
  }
}

private func smartBatteryRound() -> Round {
  var battery = SmartBattery()
  return { (bus, _, number) throws(ChipError) in
    if number == 0 { try battery.configure(on: &bus) }
    let reading = try battery.read(on: &bus)
    require(reading.stateOfCharge)
    require(reading.temperature)
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

/// Every byte on the wire, written down from the datasheets and not from the drivers.
@Suite struct TransactionTests {
  static let ina = I2CAddress(0x44)
  static let sensor = I2CAddress(0x49)

  /// 15 mΩ, 10 A: the wide range, SHUNT_CAL 3750 = 0EA6h; all continuous, 1052, 1052, 280 µs, 16
  /// averages: F·101·101·011·010 = FB5Ah.
  static func ina228() throws -> INA228 {
    INA228(
      address: ina,
      configuration: try INA228.Configuration(
        shunt: Shunt(resistance: .microohms(15_000), maximumCurrent: .milliamperes(10_000))))
  }

  static let ina228Reset = [
    Transaction(ina, writing: [0x3E], reading: [0x54, 0x49]),
    Transaction(ina, writing: [0x3F], reading: [0x22, 0x81]),
    Transaction(ina, writing: [0x00, 0x80, 0x00]),
  ]

  static let ina228Configure = [
    Transaction(ina, writing: [0x3E], reading: [0x54, 0x49]),
    Transaction(ina, writing: [0x3F], reading: [0x22, 0x81]),
    Transaction(ina, writing: [0x00], reading: [0x00, 0x00]),
    Transaction(ina, writing: [0x01], reading: [0xFB, 0x68]),
    Transaction(ina, writing: [0x0B], reading: [0x00, 0x03]),
    Transaction(ina, writing: [0x0B, 0x20, 0x00]),
    Transaction(ina, writing: [0x0B], reading: [0x20, 0x01]),
    Transaction(ina, writing: [0x00, 0x00, 0x00]),
    Transaction(ina, writing: [0x00], reading: [0x00, 0x00]),
    Transaction(ina, writing: [0x02, 0x0E, 0xA6]),
    Transaction(ina, writing: [0x02], reading: [0x0E, 0xA6]),
    Transaction(ina, writing: [0x01, 0xFB, 0x5A]),
    Transaction(ina, writing: [0x01], reading: [0xFB, 0x5A]),
    Transaction(ina, writing: [0x00, 0x40, 0x00]),
    Transaction(ina, writing: [0x00], reading: [0x00, 0x00]),
  ]

  static func ina228Reading(
    shunt: [UInt8] = [0xB4, 0x10, 0x00], bus: [UInt8] = [0x03, 0xD0, 0x90],
    charge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFC, 0x18], diagnostics: [UInt8] = [0x20, 0x03]
  ) -> [Transaction] {
    [
      Transaction(ina, writing: [0x04], reading: shunt),
      Transaction(ina, writing: [0x05], reading: bus),
      Transaction(ina, writing: [0x06], reading: [0x0C, 0x80]),
      Transaction(ina, writing: [0x0A], reading: charge),
      Transaction(ina, writing: [0x0B], reading: diagnostics),
    ]
  }

  @Test func ina228() throws {
    var bus = ScriptedI2CBus(
      Self.ina228Reset + Self.ina228Configure + Self.ina228Reading())
    var driver = try Self.ina228()
    try driver.reset(on: &bus)
    try driver.configure(on: &bus, at: .microseconds(1_000))
    let measurement = try driver.readMeasurement(on: &bus, at: .microseconds(1_001_000))
    #expect(bus.finish() == [])
    // −311040 · 312.5 nV / 15 mΩ = −6.48 A; 3D09h · 195.3125 µV = 3.0517578125 V; 3200 is 25 °C.
    #expect(measurement.current == .milliamperes(-6_480))
    #expect(measurement.busVoltage == .microvolts(3_051_758))
    #expect(measurement.dieTemperature == .degreesCelsius(25))
    // −1000 counts of 10/2^19 C = −19073486.3 nC, floored; the rest stays for later.
    #expect(measurement.charge == .counted(.nanocoulombs(-19_073_487)))
  }

  @Test func ina228NarrowRangeKeepsItsBitWhenClearingTheAccumulators() throws {
    // 2 mΩ, 20 A: 40 mV, narrow; SHUNT_CAL 4000 = 0FA0h. CONFIG = 0010h, with RSTACC 4010h.
    let shunt = Shunt(resistance: .microohms(2_000), maximumCurrent: .milliamperes(20_000))
    let configuration = try INA228.Configuration(
      shunt: shunt, busConversionTime: .microseconds50, shuntConversionTime: .microseconds4120,
      temperatureConversionTime: .microseconds84, averaging: .of1024)
    var driver = INA228(address: Self.ina, configuration: configuration)
    var script = Self.ina228Configure
    script[7] = Transaction(Self.ina, writing: [0x00, 0x00, 0x10])
    script[8] = Transaction(Self.ina, writing: [0x00], reading: [0x00, 0x10])
    script[9] = Transaction(Self.ina, writing: [0x02, 0x0F, 0xA0])
    script[10] = Transaction(Self.ina, writing: [0x02], reading: [0x0F, 0xA0])
    // F·000·111·001·111 = F1CFh.
    script[11] = Transaction(Self.ina, writing: [0x01, 0xF1, 0xCF])
    script[12] = Transaction(Self.ina, writing: [0x01], reading: [0xF1, 0xCF])
    script[13] = Transaction(Self.ina, writing: [0x00, 0x40, 0x10])
    script[14] = Transaction(Self.ina, writing: [0x00], reading: [0x00, 0x10])
    var bus = ScriptedI2CBus(script)
    try driver.configure(on: &bus, at: .microseconds(0))
    #expect(bus.finish() == [])
  }

  @Test func ina228ChecksItsConfigurationOverTheWire() throws {
    let check = [
      Transaction(Self.ina, writing: [0x0B], reading: [0x20, 0x03]),
      Transaction(Self.ina, writing: [0x00], reading: [0x00, 0x00]),
      Transaction(Self.ina, writing: [0x01], reading: [0xFB, 0x5A]),
      Transaction(Self.ina, writing: [0x02], reading: [0x0E, 0xA6]),
    ]
    // The check took the conversion-ready flag from the chip; the next measurement still has it.
    let reading = Self.ina228Reading(diagnostics: [0x20, 0x01])
    let lost = [Transaction(Self.ina, writing: [0x0B], reading: [0x00, 0x03])]
    var bus = ScriptedI2CBus(Self.ina228Configure + check + reading + reading + lost)
    var driver = try Self.ina228()
    #expect(try driver.isConfigured(on: &bus) == false)
    try driver.configure(on: &bus, at: .microseconds(0))
    #expect(try driver.isConfigured(on: &bus))
    _ = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
    #expect(
      thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(2_000_000))
      } == .conversionNotReady)
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(bus.finish() == [])
  }

  @Test func ina226() throws {
    let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(8_000))
    let configuration = try INA226.Configuration(shunt: shunt)
    var driver = INA226(address: Self.ina, configuration: configuration)
    // 16 averages, 1.1 ms, 1.1 ms, continuous: 0100·010·100·100·111 = 4527h.
    var bus = ScriptedI2CBus([
      Transaction(Self.ina, writing: [0xFE], reading: [0x54, 0x49]),
      Transaction(Self.ina, writing: [0xFF], reading: [0x22, 0x60]),
      Transaction(Self.ina, writing: [0x00, 0x80, 0x00]),
      Transaction(Self.ina, writing: [0xFE], reading: [0x54, 0x49]),
      Transaction(Self.ina, writing: [0xFF], reading: [0x22, 0x60]),
      Transaction(Self.ina, writing: [0x00], reading: [0x41, 0x27]),
      Transaction(Self.ina, writing: [0x05], reading: [0x00, 0x00]),
      Transaction(Self.ina, writing: [0x06, 0x00, 0x01]),
      Transaction(Self.ina, writing: [0x06], reading: [0x00, 0x09]),
      Transaction(Self.ina, writing: [0x05, 0x08, 0x00]),
      Transaction(Self.ina, writing: [0x05], reading: [0x08, 0x00]),
      Transaction(Self.ina, writing: [0x00, 0x45, 0x27]),
      Transaction(Self.ina, writing: [0x00], reading: [0x45, 0x27]),
      Transaction(Self.ina, writing: [0x01], reading: [0xF0, 0x60]),
      Transaction(Self.ina, writing: [0x02], reading: [0x09, 0x8E]),
      Transaction(Self.ina, writing: [0x06], reading: [0x00, 0x09]),
      Transaction(Self.ina, writing: [0x01], reading: [0xF0, 0x60]),
      Transaction(Self.ina, writing: [0x02], reading: [0x09, 0x8E]),
      Transaction(Self.ina, writing: [0x06], reading: [0x00, 0x01]),
    ])
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    let measurement = try driver.readMeasurement(on: &bus)
    #expect(measurement.current == .milliamperes(-1_000))
    #expect(measurement.busVoltage == .microvolts(3_057_500))
    #expect(
      thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) }
        == .conversionNotReady)
    #expect(bus.finish() == [])
  }

  @Test func tmp117() throws {
    var driver = TMP117(address: Self.sensor, cycle: .milliseconds125)
    // Continuous, CONV 0, AVG 8, therm marker: 0030h.
    var bus = ScriptedI2CBus([
      Transaction(Self.sensor, writing: [0x0F], reading: [0x01, 0x17]),
      Transaction(Self.sensor, writing: [0x01, 0x00, 0x02]),
      Transaction(Self.sensor, writing: [0x0F], reading: [0x11, 0x17]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x02, 0x20]),
      Transaction(Self.sensor, writing: [0x01, 0x00, 0x30]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x00, 0x30]),
      // Not ready, then ready but the word before the first conversion, then a temperature.
      Transaction(Self.sensor, writing: [0x01], reading: [0x00, 0x30]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x20, 0x30]),
      Transaction(Self.sensor, writing: [0x00], reading: [0x80, 0x00]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x20, 0x30]),
      Transaction(Self.sensor, writing: [0x00], reading: [0xFF, 0xFF]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x00, 0x30]),
    ])
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    for _ in 0..<2 {
      #expect(
        thrown { () throws(ChipError) in try driver.readTemperature(on: &bus) }
          == .conversionNotReady)
    }
    // −7.8125 m°C.
    #expect(try driver.readTemperature(on: &bus) == .millidegreesCelsius(-8))
    #expect(
      thrown { () throws(ChipError) in try driver.readTemperature(on: &bus) }
        == .conversionNotReady)
    #expect(bus.finish() == [])
  }

  @Test func ads1115() throws {
    var driver = ADS1115(address: Self.sensor)
    var bus = ScriptedI2CBus([
      Transaction(Self.sensor, writing: [0x01, 0x01, 0x07]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x81, 0x07]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x81, 0x07]),
      Transaction(Self.sensor, writing: [0x02, 0x80, 0x00]),
      Transaction(Self.sensor, writing: [0x02], reading: [0x80, 0x00]),
      Transaction(Self.sensor, writing: [0x03, 0x7F, 0xFF]),
      Transaction(Self.sensor, writing: [0x03], reading: [0x7F, 0xFF]),
      // AIN2, ±4.096 V, once, 128 per second: 1·110·001·1·100·00111.
      Transaction(Self.sensor, writing: [0x01, 0xE3, 0x87]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x63, 0x87]),
      Transaction(Self.sensor, writing: [0x01], reading: [0xE3, 0x87]),
      Transaction(Self.sensor, writing: [0x00], reading: [0x60, 0x00]),
      // AIN0 − AIN1, ±0.256 V, continuous, 860 per second: 0·000·101·0·111·00111.
      Transaction(Self.sensor, writing: [0x01, 0x0A, 0xE7]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x0A, 0xE7]),
      Transaction(Self.sensor, writing: [0x00], reading: [0xFF, 0xFF]),
      // A zero is looked at twice.
      Transaction(Self.sensor, writing: [0x01], reading: [0x0A, 0xE7]),
      Transaction(Self.sensor, writing: [0x00], reading: [0x00, 0x00]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x0A, 0xE7]),
    ])
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    let cell = ADS1115.Input(multiplexer: .input2, range: .millivolts4096)
    try driver.start(cell, on: &bus, at: .microseconds(0))
    let notReady = thrown { () throws(ChipError) in
      try driver.readVoltage(on: &bus, at: .microseconds(1))
    }
    #expect(notReady == .conversionNotReady)
    #expect(try driver.readVoltage(on: &bus, at: .microseconds(10_000)) == .millivolts(3_072))

    let difference = ADS1115.Input(
      multiplexer: .input0Against1, range: .millivolts256, dataRate: .perSecond860)
    try driver.start(difference, mode: .continuous, on: &bus, at: .microseconds(0))
    // Two conversions of at most 1.32 ms must pass; before that nothing is sent.
    let early = thrown { () throws(ChipError) in
      try driver.readVoltage(on: &bus, at: .microseconds(2_639))
    }
    #expect(early == .conversionNotReady)
    #expect(try driver.readVoltage(on: &bus, at: .microseconds(2_640)) == .microvolts(-8))
    #expect(try driver.readVoltage(on: &bus, at: .microseconds(4_000)) == .microvolts(0))
    #expect(bus.finish() == [])
  }

  /// INA226: Mask/Enable, then Configuration, then Calibration; the first that differs ends it.
  @Test func ina226ChecksItsConfigurationOverTheWire() throws {
    let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(8_000))
    var driver = INA226(address: Self.ina, configuration: try INA226.Configuration(shunt: shunt))
    var chip = RegisterFile.ina226(at: Self.ina)
    try driver.configure(on: &chip)
    let mask = Transaction(Self.ina, writing: [0x06], reading: [0x00, 0x09])
    let word = Transaction(Self.ina, writing: [0x00], reading: [0x45, 0x27])
    var bus = ScriptedI2CBus([
      mask, word, Transaction(Self.ina, writing: [0x05], reading: [0x08, 0x00]),
      Transaction(Self.ina, writing: [0x01], reading: [0xF0, 0x60]),
      Transaction(Self.ina, writing: [0x02], reading: [0x09, 0x8E]),
      // The check took the ready flag from the chip.
      Transaction(Self.ina, writing: [0x06], reading: [0x00, 0x01]),
      mask, word, Transaction(Self.ina, writing: [0x05], reading: [0x00, 0x00]),
      mask, Transaction(Self.ina, writing: [0x00], reading: [0x41, 0x27]),
      Transaction(Self.ina, writing: [0x06], reading: [0x00, 0x08]),
    ])
    #expect(try driver.isConfigured(on: &bus))
    #expect(try driver.readMeasurement(on: &bus).current == .milliamperes(-1_000))
    for _ in 0..<3 { #expect(try driver.isConfigured(on: &bus) == false) }
    #expect(bus.finish() == [])
  }

  @Test func tmp117ChecksItsConfigurationOverTheWire() throws {
    var driver = TMP117(address: Self.sensor, cycle: .milliseconds250)
    var chip = RegisterFile.tmp117(at: Self.sensor)
    try driver.configure(on: &chip)
    // CONV 2, AVG 8, marker: 0130h; with Data_Ready and HIGH_Alert A130h.
    var bus = ScriptedI2CBus([
      Transaction(Self.sensor, writing: [0x01], reading: [0xA1, 0x30]),
      // The check took the ready flag from the chip.
      Transaction(Self.sensor, writing: [0x01], reading: [0x01, 0x30]),
      Transaction(Self.sensor, writing: [0x00], reading: [0x0C, 0x80]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x02, 0x20]),
    ])
    #expect(try driver.isConfigured(on: &bus))
    #expect(try driver.readTemperature(on: &bus) == .degreesCelsius(25))
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(bus.finish() == [])
  }

  @Test func ads1115ChecksItsConfigurationOverTheWire() throws {
    var driver = ADS1115(address: Self.sensor)
    var chip = RegisterFile.ads1115(at: Self.sensor)
    try driver.reset(on: &chip)
    try driver.configure(on: &chip)
    let input = ADS1115.Input(multiplexer: .input3, range: .millivolts1024, dataRate: .perSecond8)
    var bus = ScriptedI2CBus([
      Transaction(Self.sensor, writing: [0x01], reading: [0x81, 0x07]),
      // AIN3, ±1.024 V, once, 8 per second: 1·111·011·1·000·00111.
      Transaction(Self.sensor, writing: [0x01, 0xF7, 0x07]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x77, 0x07]),
      Transaction(Self.sensor, writing: [0x01], reading: [0x85, 0x83]),
    ])
    #expect(try driver.isConfigured(on: &bus))
    try driver.start(input, on: &bus, at: .microseconds(0))
    #expect(try driver.isConfigured(on: &bus))
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(bus.finish() == [])
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

extension RegisterFile {
  /// An INA219 after power-on, with a result waiting: −1 A over 100 mΩ, 8.2 V.
  static func ina219(at address: I2CAddress = I2CAddress(0x42)) -> RegisterFile {
    let atReset: [UInt8: [UInt8]] = [
      0x00: [0x39, 0x9F], 0x01: [0xD8, 0xF0], 0x02: [0x40, 0x12], 0x03: [0, 0], 0x05: [0, 0],
    ]
    var file = RegisterFile(address: address, registers: atReset)
    file.onWrite = { registers, register in
      if register == 0x00, let high = registers[0x00]?.first, high & 0x80 != 0 {
        registers = atReset
      }
      registers[0x02]?[1] |= 0x02
    }
    // Reading the power clears CNVR.
    file.onRead = { registers, register in
      if register == 0x03 { registers[0x02]?[1] &= ~0x02 }
    }
    return file
  }
}

@Suite struct INA219DriverTests {
  static let chip = I2CAddress(0x42)

  static func driver(
    microohms: Int32 = 100_000, milliamperes: Int32 = 3_200,
    polarity: Shunt.Polarity = .chargePositive, averaging: INA219.Averaging = .of16
  ) throws -> INA219 {
    INA219(
      address: chip,
      configuration: try INA219.Configuration(
        shunt: Shunt(
          resistance: .microohms(microohms), maximumCurrent: .milliamperes(milliamperes),
          polarity: polarity), averaging: averaging))
  }

  /// 16 V, ±320 mV, 16 samples each, both continuous: 0·0·0·11·1100·1100·111 = 1E67h.
  static let configure = [
    Transaction(chip, writing: [0x00], reading: [0x39, 0x9F]),
    Transaction(chip, writing: [0x05], reading: [0x00, 0x00]),
    Transaction(chip, writing: [0x05, 0x10, 0x00]),
    Transaction(chip, writing: [0x05], reading: [0x10, 0x00]),
    Transaction(chip, writing: [0x00, 0x1E, 0x67]),
    Transaction(chip, writing: [0x00], reading: [0x1E, 0x67]),
    Transaction(chip, writing: [0x05], reading: [0x10, 0x00]),
  ]

  static func reading(bus word: [UInt8]) -> [Transaction] {
    [
      Transaction(chip, writing: [0x01], reading: [0xD8, 0xF0]),
      Transaction(chip, writing: [0x02], reading: word),
      Transaction(chip, writing: [0x03], reading: [0x12, 0x34]),
      Transaction(chip, writing: [0x00], reading: [0x1E, 0x67]),
    ]
  }

  @Test func everyByteOnTheWire() throws {
    var bus = ScriptedI2CBus(
      [Transaction(Self.chip, writing: [0x00, 0x80, 0x00])] + Self.configure
        + Self.reading(bus: [0x40, 0x12]) + Self.reading(bus: [0x40, 0x10]) + [
          Transaction(Self.chip, writing: [0x00], reading: [0x1E, 0x67]),
          Transaction(Self.chip, writing: [0x05], reading: [0x10, 0x00]),
          Transaction(Self.chip, writing: [0x00], reading: [0x1E, 0x67]),
          Transaction(Self.chip, writing: [0x05], reading: [0x00, 0x00]),
          Transaction(Self.chip, writing: [0x00], reading: [0x39, 0x9F]),
        ])
    var driver = try Self.driver()
    #expect(try driver.isConfigured(on: &bus) == false)
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    let measurement = try driver.readMeasurement(on: &bus)
    // −10000 steps of 10 µV over 100 mΩ; 2050 steps of 4 mV.
    #expect(measurement.current == .milliamperes(-1_000))
    #expect(measurement.busVoltage == .millivolts(8_200))
    let again = thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) }
    #expect(again == .conversionNotReady)
    for isHeld in [true, false, false] { #expect(try driver.isConfigured(on: &bus) == isHeld) }
    #expect(bus.finish() == [])
  }

  @Test(arguments: LostTransferTests.losses.indices) func lostTransfers(index: Int) throws {
    typealias Step = LostTransferTests.Step<INA219>
    let loss = LostTransferTests.losses[index]
    let bringUp: Step = { (driver, bus) throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus)
    }
    let read: Step = { (driver, bus) throws(ChipError) in
      let measurement = try driver.readMeasurement(on: &bus)
      #expect(measurement.current == .milliamperes(-1_000))
      // The next conversion; the ready flag of this one must have survived the lost transfer.
      bus.wrapped.registers[0x02]?[1] |= 0x02
    }
    let check: Step = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    let count = LostTransferTests().sweep(
      loss, chip: .ina219(), driver: try Self.driver(), steps: [bringUp, read, check, read])
    #expect(count == 8 + 4 + 2 + 4)
  }

  @Test func resetsAndOtherChipsAreNoticed() throws {
    var bus = RegisterFile.ina219()
    var driver = try Self.driver()
    let early = thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) }
    #expect(early == .notConfigured)
    bus.set(0x05, to: 0x1000)
    let uncleared = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    #expect(uncleared == .resetIncomplete(register: 0x05, found: 0x1000))
    // An INA226 has 4127h there.
    bus.set(0x00, to: 0x4127)
    let other = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    #expect(other == .resetIncomplete(register: 0x00, found: 0x4127))
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    bus.set(0x00, to: 0x399F)
    let lost = thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) }
    #expect(lost == .configurationLost(register: 0x00, expected: 0x1E67, found: 0x399F))
  }

  @Test(arguments: [0x00, 0x05] as [UInt8]) func unheldRegistersAreRefused(register: UInt8) throws {
    var bus = RegisterFile.ina219()
    let stuck = bus.registers[register]
    bus.onWrite = { registers, written in registers[register] = stuck }
    var driver = try Self.driver()
    let error = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    let wrote: UInt16 = register == 0 ? 0x1E67 : 0x1000
    let read: UInt16 = register == 0 ? 0x399F : 0
    #expect(error == .configurationNotHeld(register: register, wrote: wrote, read: read))
  }

  /// Shunt, largest current, PG.
  @Test(
    arguments: [
      (100_000, 400, .millivolts40), (100_000, 401, .millivolts80), (10_000, 8_000, .millivolts80),
      (10_000, 8_001, .millivolts160), (100_000, 1_601, .millivolts320), (1_000, 1, .millivolts40),
    ] as [(Int32, Int32, INA219.ShuntRange)])
  func narrowestRange(microohms: Int32, milliamperes: Int32, range: INA219.ShuntRange) throws {
    let driver = try Self.driver(microohms: microohms, milliamperes: milliamperes)
    #expect(driver.configuration.shuntRange == range)
  }

  @Test func impossibleShuntsAreRefused() throws {
    let largest = thrown { () throws(ShuntProblem) in
      try INA219.Configuration(
        shunt: Shunt(resistance: .microohms(100_000), maximumCurrent: .microamperes(3_200_001)))
    }
    #expect(
      largest
        == .maximumCurrentOutOfRange(
          found: .microamperes(3_200_001), maximum: .milliamperes(3_200)))
    // At 100 µΩ the range is wider than `Current`.
    let widest = Shunt(resistance: .microohms(100), maximumCurrent: .microamperes(.max))
    #expect(try INA219.Configuration(shunt: widest).shuntRange == .millivolts320)
  }

  @Test func timesAreTheDatasheets() throws {
    let times: [(INA219.Averaging, Int32)] = [
      (.none, 532), (.of2, 1_060), (.of4, 2_130), (.of8, 4_260), (.of16, 8_510), (.of32, 17_020),
      (.of64, 34_050), (.of128, 68_100),
    ]
    for (averaging, microseconds) in times {
      let configuration = try Self.driver(averaging: averaging).configuration
      #expect(configuration.resultMicroseconds == 2 * microseconds)
    }
  }

  /// All 65,536 words in each range, over a shunt that divides badly, and over one with which the
  /// range is wider than `Current`.
  @Test(arguments: [
    (7_919, 5_000), (7_919, 10_000), (7_919, 20_000), (7_919, 40_000), (100, 2_000_000),
  ])
  func everyShuntWord(microohms: Int32, milliamperes: Int32) throws {
    let configuration = try Self.driver(microohms: microohms, milliamperes: milliamperes)
      .configuration
    let fullScale = Int32(4_000) << Int32(configuration.shuntRange.rawValue)
    for word in UInt16.min...UInt16.max {
      let code = Int32(Int16(bitPattern: word))
      let exact = nearestQuotient(Int128(code) * 10_000_000, Int128(microohms))
      let expected: Result<Int128, ChipError>
      if abs(code) > fullScale {
        expected = .failure(.rawValueOutOfRange(register: 0x01, found: UInt32(word)))
      } else if abs(code) == fullScale || abs(exact) > Int128(Int32.max) {
        expected = .failure(.overflow(register: 0x01, positive: code > 0))
      } else {
        expected = .success(exact)
      }
      let found = Result { () throws(ChipError) in
        Int128(try INA219.current(word: word, configuration: configuration).microamperes)
      }
      guard found == expected else {
        Issue.record("word \(word): \(found), expected \(expected)")
        return
      }
    }
  }

  @Test func everyBusWord() {
    for word in UInt16.min...UInt16.max {
      let found = Result { () throws(ChipError) in try INA219.busVoltage(word: word) }
      let expected: Result<Voltage, ChipError> =
        if word % 8 & 5 != 0 || word >= 4_001 * 8 {
          .failure(.rawValueOutOfRange(register: 0x02, found: UInt32(word)))
        } else if word >= 4_000 * 8 {
          .failure(.overflow(register: 0x02, positive: true))
        } else {
          .success(.millivolts(Int32(word / 8) * 4))
        }
      guard found == expected else {
        Issue.record("word \(word): \(found)")
        return
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct SmartBatteryDriverTests {
  static let chip = I2CAddress(0x0B)

  static func read(_ command: UInt8, _ word: UInt16) -> Transaction {
    let bytes = [UInt8(word & 0xFF), UInt8(word >> 8)]
    let code = BQ76920DriverTests.checksum([0x16, command, 0x17] + bytes)
    return Transaction(chip, writing: [command], reading: bytes + [code])
  }

  static func write(_ command: UInt8, _ word: UInt16) -> Transaction {
    let bytes = [command, UInt8(word & 0xFF), UInt8(word >> 8)]
    return Transaction(chip, writing: bytes + [BQ76920DriverTests.checksum([0x16] + bytes)])
  }

  /// In 10 mWh, with an alarm off: the first bit is cleared, the second set, the third kept.
  static let script = [
    read(0x1A, 0x0031), read(0x03, 0xA001), write(0x03, 0x6001), read(0x03, 0x6000),
  ]
  static let reading = [
    read(0x08, 2_982), read(0x09, 3_057), read(0x0A, 0xFEBF), read(0x0D, 60), read(0x0F, 900),
    read(0x10, 1_500), read(0x16, 0x02C0), read(0x03, 0x6000),
  ]

  static func configured(
    _ script: [Transaction]
  ) throws -> (driver: SmartBattery, bus: ScriptedI2CBus) {
    var bus = ScriptedI2CBus(Self.script + script)
    var driver = SmartBattery()
    try driver.configure(on: &bus)
    return (driver, bus)
  }

  static func failure(_ reading: [Transaction]) throws -> ChipError? {
    let (driver, scripted) = try configured(reading)
    var bus = scripted
    let error = thrown { () throws(ChipError) in try driver.read(on: &bus) }
    #expect(bus.finish() == [])
    return error
  }

  /// Seen on the wire of the Linux driver.
  @Test func packetErrorCodes() throws {
    let vectors: [(UInt8, UInt16, UInt8)] = [
      (0x09, 3_057, 0x5B), (0x16, 0x00C0, 0x33), (0x0A, 0xFEBF, 0x29), (0x0D, 60, 0x36),
    ]
    for (command, word, code) in vectors {
      #expect(try Self.read(command, word).outcome.get().last == code)
    }
  }

  @Test func everyByteOnTheWire() throws {
    var unconfigured = SmartBattery()
    var (driver, bus) = try Self.configured(Self.reading + [Self.read(0x03, 0x4000)])
    #expect(
      thrown { () throws(ChipError) in try unconfigured.read(on: &bus) } == .notConfigured)
    #expect(try unconfigured.isConfigured(on: &bus) == false)
    let reading = try driver.read(on: &bus)
    #expect(reading.temperature == .millidegreesCelsius(25_050))
    #expect(reading.voltage == .millivolts(3_057))
    #expect(reading.current == .milliamperes(-321))
    #expect(reading.stateOfCharge == .partsPerMillion(600_000))
    #expect(reading.remainingCapacity == .milliampereHours(900))
    #expect(reading.fullChargeCapacity == .milliampereHours(1_500))
    #expect(reading.alarms == .remainingCapacity)
    #expect(try driver.isConfigured(on: &bus))
    #expect(bus.finish() == [])
    (driver, bus) = try Self.configured([Self.read(0x03, 0x0000)])
    #expect(try driver.isConfigured(on: &bus) == false)
    unconfigured = driver
    #expect(unconfigured == driver)
  }

  @Test(arguments: [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func failedTransfers(error: I2CError) throws {
    for nth in Self.script.indices {
      var failing = Array(Self.script[..<nth])
      failing.append(Transaction(Self.chip, writing: Self.script[nth].writing, failing: error))
      var bus = ScriptedI2CBus(failing + Self.script)
      var driver = SmartBattery()
      let failure = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
      #expect(failure == .bus(error), "transfer \(nth)")
      #expect(driver.scale == nil, "transfer \(nth)")
      try driver.configure(on: &bus)
      #expect(bus.finish() == [], "transfer \(nth)")
    }
    for nth in Self.reading.indices {
      var failing = Array(Self.reading[..<nth])
      failing.append(Transaction(Self.chip, writing: Self.reading[nth].writing, failing: error))
      #expect(try Self.failure(failing) == .bus(error), "transfer \(nth)")
    }
  }

  @Test func everyFlippedBit() throws {
    for nth in Self.reading.indices {
      for bit in 0..<24 {
        var answer = try Self.reading[nth].outcome.get()
        answer[bit / 8] ^= 0x80 >> UInt8(bit % 8)
        let bad = Transaction(Self.chip, writing: Self.reading[nth].writing, reading: answer)
        guard case .checksum = try Self.failure(Array(Self.reading[..<nth]) + [bad]) else {
          Issue.record("transfer \(nth), bit \(bit)")
          return
        }
      }
    }
  }

  @Test func otherFailures() throws {
    func failure(_ index: Int, _ command: UInt8, _ word: UInt16) throws -> ChipError? {
      var script = Self.reading
      script[index] = Self.read(command, word)
      return try Self.failure(script)
    }
    #expect(
      try failure(7, 0x03, 0x2000)
        == .configurationLost(register: 0x03, expected: 0x4000, found: 0x0000))
    #expect(
      try failure(7, 0x03, 0xC000)
        == .configurationLost(register: 0x03, expected: 0x4000, found: 0xC000))
    #expect(try failure(6, 0x16, 0x0040) == .dataNotValid)
    #expect(try failure(6, 0x16, 0x00C3) == .dataNotValid)
    #expect(try failure(0, 0x08, 1_731) == .rawValueOutOfRange(register: 0x08, found: 1_731))
    #expect(try failure(3, 0x0D, 101) == .rawValueOutOfRange(register: 0x0D, found: 101))
    var script = Self.script
    script[3] = Self.read(0x03, 0x2000)
    var bus = ScriptedI2CBus(script)
    var driver = SmartBattery()
    let held = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    #expect(held == .configurationNotHeld(register: 0x03, wrote: 0x6001, read: 0x2000))
  }

  /// A battery of another version, or with scales that no cell needs, is told nothing.
  @Test(arguments: [0x0000, 0x0021, 0x0041, 0x0231, 0x2031, 0xFFFF] as [UInt16])
  func anotherBatteryIsLeftAlone(specification: UInt16) throws {
    var bus = ScriptedI2CBus(
      [Self.read(0x1A, specification)] + Self.script + [Self.read(0x1A, specification)])
    var driver = SmartBattery()
    let expected = ChipError.unexpectedIdentity(expected: 0x0031, found: specification)
    #expect(thrown { () throws(ChipError) in try driver.configure(on: &bus) } == expected)
    #expect(driver.scale == nil)
    try driver.configure(on: &bus)
    // One that took its place leaves no scale of the first behind.
    #expect(thrown { () throws(ChipError) in try driver.configure(on: &bus) } == expected)
    #expect(driver.scale == nil)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .notConfigured)
    #expect(bus.finish() == [])
  }

  /// All 65,536 words of SpecificationInfo and of every quantity.
  @Test func everyWord() throws {
    let scales = [0x0031, 0x0131, 0x1031, 0x1131].compactMap { SmartBattery.Scale(word: $0) }
    try #require(scales.count == 4)
    for word in UInt16.min...UInt16.max {
      let version = word / 16 % 16
      let isKnown = version == 3 && word / 256 % 16 <= 1 && word / 4_096 <= 1
      let celsius = Result { () throws(ChipError) in try SmartBattery.temperature(word: word) }
      let percent = Result { () throws(ChipError) in try SmartBattery.stateOfCharge(word: word) }
      let expectedCelsius: Result<Temperature, ChipError> =
        1_732...4_731 ~= word
        ? .success(.millidegreesCelsius(Int32(word) * 100 - 273_150))
        : .failure(.rawValueOutOfRange(register: 0x08, found: UInt32(word)))
      let expectedPercent: Result<StateOfCharge, ChipError> =
        word <= 100
        ? .success(.partsPerMillion(Int32(word) * 10_000))
        : .failure(.rawValueOutOfRange(register: 0x0D, found: UInt32(word)))
      guard (SmartBattery.Scale(word: word) != nil) == isKnown, celsius == expectedCelsius,
        percent == expectedPercent
      else {
        Issue.record("word \(word): \(celsius), \(percent)")
        return
      }
      for (index, scale) in scales.enumerated() {
        let volts = SmartBattery.voltage(word: word, scale: scale).microvolts
        let current = SmartBattery.current(word: word, scale: scale).microamperes
        let capacity = SmartBattery.capacity(word: word, scale: scale).nanocoulombs
        let factor = Int64(index > 1 ? 10 : 1)
        guard Int64(volts) == Int64(word) * (index % 2 == 1 ? 10_000 : 1_000),
          Int64(current) == Int64(Int16(bitPattern: word)) * factor * 1_000,
          capacity == Int64(word) * factor * 3_600_000_000
        else {
          Issue.record("word \(word), scale \(index): \(volts), \(current), \(capacity)")
          return
        }
      }
    }
  }
}

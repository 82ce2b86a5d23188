// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct BQ27441DriverTests {
  static let chip = I2CAddress(0x55)

  static func driver(_ model: BQ27441.Model) throws -> BQ27441 {
    let configuration = try #require(
      BQ27441.Configuration(designCapacity: 1_500, designEnergy: 4_650))
    return BQ27441(model: model, configuration: configuration)
  }

  static func write(_ bytes: [UInt8]) -> Transaction { Transaction(chip, writing: bytes) }

  static func read(_ command: UInt8, _ bytes: [UInt8]) -> Transaction {
    Transaction(chip, writing: [command], reading: bytes)
  }

  /// 32 bytes that are 1, but for those at `changes`, and their checksum.
  static func block(_ changes: [Int: UInt8] = [:]) -> [Transaction] {
    var bytes = [UInt8](repeating: 1, count: 32)
    for (offset, byte) in changes { bytes[offset] = byte }
    let sum = bytes.reduce(0) { $0 + Int($1) }
    return [read(0x40, bytes), read(0x60, [UInt8(255 - sum % 256)])]
  }

  static func select(_ dataClass: UInt8) -> [Transaction] {
    [write([0x61, 0x00]), write([0x3E, dataClass, 0x00])]
  }

  static func enter(_ type: [UInt8]) -> [Transaction] {
    [
      write([0x00, 0x01, 0x00]), read(0x00, type), write([0x00, 0x00, 0x80]),
      write([0x00, 0x00, 0x80]), write([0x00, 0x13, 0x00]),
    ]
  }

  /// Not yet, then in configuration.
  static let mode = [read(0x06, [0x28, 0x00]), read(0x06, [0x38, 0x00])] + select(82)
  static let leave = [
    write([0x00, 0x42, 0x00]), read(0x06, [0x38, 0x00]), read(0x06, [0x08, 0x00]),
    write([0x00, 0x20, 0x00]), read(0x06, [0x88, 0x01]),
  ]

  /// 1500 mAh = 05DCh, 4650 mWh = 122Ah, 2500 mV = 09C4h. 26 ones more make a sum of
  /// 26 + 5 + 220 + 18 + 42 + 9 + 196 = 516: the checksum is 255 − 4.
  static let bq27441: [Transaction] =
    enter([0x21, 0x04]) + mode + block() + [
      write([0x4A, 0x05, 0xDC]), write([0x4C, 0x12, 0x2A]), write([0x50, 0x09, 0xC4]),
      write([0x60, 0xFB]),
    ] + select(82)
    + block([10: 0x05, 11: 0xDC, 12: 0x12, 13: 0x2A, 16: 0x09, 17: 0xC4]) + leave

  /// The gain of the erratum, 7F B4 65 4E: its second byte becomes 34h. 28 ones more make a sum of
  /// 28 + 127 + 52 + 101 + 78 = 386: the checksum is 255 − 130.
  static let bq27427: [Transaction] =
    enter([0x27, 0x04]) + mode + block() + [
      write([0x46, 0x05, 0xDC]), write([0x48, 0x12, 0x2A]), write([0x4A, 0x09, 0xC4]),
      write([0x60, 0xFB]),
    ] + select(82) + block([6: 0x05, 7: 0xDC, 8: 0x12, 9: 0x2A, 10: 0x09, 11: 0xC4])
    + select(105) + block([4: 0x7F, 5: 0xB4, 6: 0x65, 7: 0x4E])
    + [write([0x45, 0x34]), write([0x60, 0x7D])] + select(105)
    + block([4: 0x7F, 5: 0x34, 6: 0x65, 7: 0x4E]) + leave

  static let scripts: [(BQ27441.Model, [Transaction], Int)] = [
    (.bq27441, bq27441, 7), (.bq27427, bq27427, 9),
  ]

  /// How many calls it took until the configuration was done.
  static func configure(
    _ driver: inout BQ27441, on bus: inout ScriptedI2CBus
  ) throws(ChipError) -> Int {
    for call in 1...20 {
      let isDone = try driver.configure(on: &bus)
      if isDone { return call }
    }
    return 0
  }

  static let reading = [
    read(0x02, [0xA6, 0x0B]), read(0x04, [0xF1, 0x0B]), read(0x0C, [0xBC, 0x02]),
    read(0x10, [0xBF, 0xFE]), read(0x1C, [0x3C, 0x00]),
  ]

  @Test(arguments: scripts.indices) func everyByteOnTheWire(index: Int) throws {
    let (model, script, calls) = Self.scripts[index]
    var bus = ScriptedI2CBus(
      script + Self.reading + [Self.read(0x06, [0x09, 0x01])] + Self.reading + [
        Self.read(0x06, [0x28, 0x01]), Self.read(0x06, [0x09, 0x01]),
        Self.read(0x06, [0x29, 0x01]),
      ])
    var driver = try Self.driver(model)
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .notConfigured)
    #expect(try Self.configure(&driver, on: &bus) == calls)
    #expect(try driver.configure(on: &bus), "nothing more is sent")
    let reading = try driver.read(on: &bus)
    // 298.2 K, 3057 mV, 700 mAh, −321 mA, 60 %.
    #expect(reading.temperature == .millidegreesCelsius(25_050))
    #expect(reading.cellVoltage == .millivolts(3_057))
    #expect(reading.remainingCapacity == .milliampereHours(700))
    #expect(reading.averageCurrent == .milliamperes(-321))
    #expect(reading.stateOfCharge == .partsPerMillion(600_000))
    let lost = thrown { () throws(ChipError) in try driver.read(on: &bus) }
    #expect(lost == .configurationLost(register: 0x06, expected: 0, found: 0x20))
    for isHeld in [true, false] { #expect(try driver.isConfigured(on: &bus) == isHeld) }
    #expect(bus.finish() == [])
  }

  /// Each transfer of the configuration fails in turn: it is told, and the next call begins again.
  @Test(
    arguments: scripts.indices,
    [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func configurationFailures(index: Int, error: I2CError) throws {
    let (model, script, calls) = Self.scripts[index]
    for nth in script.indices {
      var failing = Array(script[..<nth])
      failing.append(Transaction(Self.chip, writing: script[nth].writing, failing: error))
      var bus = ScriptedI2CBus(failing + script)
      var driver = try Self.driver(model)
      let failure = thrown { () throws(ChipError) in try Self.configure(&driver, on: &bus) }
      #expect(failure == .bus(error), "transfer \(nth)")
      let reading = thrown { () throws(ChipError) in try driver.read(on: &bus) }
      #expect(reading == .notConfigured, "transfer \(nth)")
      #expect(try Self.configure(&driver, on: &bus) == calls, "transfer \(nth)")
      #expect(bus.finish() == [], "transfer \(nth)")
    }
  }

  @Test(arguments: 0...5, [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func readingFailures(nth: Int, error: I2CError) throws {
    let reading = Self.reading + [Self.read(0x06, [0x09, 0x01])]
    var failing = Array(reading[..<nth])
    failing.append(Transaction(Self.chip, writing: reading[nth].writing, failing: error))
    var bus = ScriptedI2CBus(Self.bq27441 + failing + reading)
    var driver = try Self.driver(.bq27441)
    _ = try Self.configure(&driver, on: &bus)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .bus(error))
    #expect(try driver.read(on: &bus).cellVoltage == .millivolts(3_057))
    #expect(bus.finish() == [])
  }

  /// What goes wrong after the first steps, and how it is told.
  @Test func otherFailures() throws {
    func failure(_ model: BQ27441.Model, _ script: [Transaction]) throws -> ChipError? {
      var bus = ScriptedI2CBus(script)
      var driver = try Self.driver(model)
      let error = thrown { () throws(ChipError) in try Self.configure(&driver, on: &bus) }
      #expect(bus.finish() == [])
      return error
    }
    let other = [Self.write([0x00, 0x01, 0x00]), Self.read(0x00, [0x21, 0x04])]
    #expect(
      try failure(.bq27427, other) == .unexpectedIdentity(expected: 0x0427, found: 0x0421))
    let start = Self.enter([0x21, 0x04]) + Self.mode
    let corrupt = [Self.block()[0], Self.read(0x60, [0xDE])]
    #expect(
      try failure(.bq27441, start + corrupt) == .checksum(expected: 0xDF, found: 0xDE))
    // The block did not take what was written.
    let untaken = Array(Self.bq27441[..<17]) + Self.block()
    #expect(
      try failure(.bq27441, untaken)
        == .configurationNotHeld(register: 10, wrote: 1_500, read: 0x0101))
    let gain = Array(Self.bq27427[..<27]) + Self.block([4: 0x7F, 5: 0xB4, 6: 0x65, 7: 0x4E])
    #expect(
      try failure(.bq27427, gain)
        == .configurationNotHeld(register: 5, wrote: 0x34, read: 0xB4))
    // The supply dipped on the way.
    var reset = Self.bq27441
    reset[reset.count - 1] = Self.read(0x06, [0xA8, 0x01])
    #expect(
      try failure(.bq27441, reset) == .configurationLost(register: 6, expected: 0, found: 0x20))
  }

  @Test func configurationLimits() {
    func isAllowed(_ capacity: Int16, _ energy: Int16, _ voltage: Int16) -> Bool {
      BQ27441.Configuration(
        designCapacity: capacity, designEnergy: energy, terminateVoltage: voltage) != nil
    }
    #expect(isAllowed(1, 1, 2_500))
    #expect(isAllowed(8_000, .max, 3_700))
    for (capacity, energy, voltage) in [
      (0, 1, 2_500), (8_001, 1, 2_500), (1, 0, 2_500), (1, 1, 2_499), (1, 1, 3_701),
    ] as [(Int16, Int16, Int16)] {
      #expect(!isAllowed(capacity, energy, voltage))
    }
  }

  @Test func everyWord() {
    for word in UInt16.min...UInt16.max {
      let voltage = Result { () throws(ChipError) in try BQ27441.voltage(word: word).microvolts }
      let temperature = Result { () throws(ChipError) in
        try BQ27441.temperature(word: word).millidegreesCelsius
      }
      let charge = Result { () throws(ChipError) in
        try BQ27441.stateOfCharge(word: word).partsPerMillion
      }
      func value(_ number: Int32, _ isShown: Bool, _ register: UInt8) -> Result<Int32, ChipError> {
        isShown
          ? .success(number)
          : .failure(.rawValueOutOfRange(register: register, found: UInt32(word)))
      }
      let number = Int32(word)
      // In m°C: −100 °C is 173.15 K, and 200 °C is 473.15 K.
      let celsius = number * 100 - 273_150
      guard voltage == value(number &* 1_000, number <= 6_000, 0x04),
        temperature == value(celsius, -100_000...200_000 ~= celsius, 0x02),
        charge == value(number &* 10_000, number <= 100, 0x1C),
        BQ27441.current(word: word).microamperes == Int32(Int16(bitPattern: word)) * 1_000
      else {
        Issue.record("word \(word): \(voltage), \(temperature), \(charge)")
        return
      }
    }
  }
}

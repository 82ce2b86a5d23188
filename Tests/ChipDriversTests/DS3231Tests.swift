// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct DS3231DriverTests {
  static let chip = I2CAddress(0x68)
  static let configure = [
    Transaction(chip, writing: [0x0E, 0x04]),
    Transaction(chip, writing: [0x0E], reading: [0x24]),
  ]
  /// Tuesday, 24 November 2026, 19:58:07.
  static let time: [UInt8] = [0x07, 0x58, 0x19, 0x03, 0x24, 0x11, 0x26]

  static func reading(_ time: [UInt8], status: UInt8 = 0x00) -> [Transaction] {
    [
      Transaction(chip, writing: [0x00], reading: time),
      Transaction(chip, writing: [0x0F], reading: [status]),
    ]
  }

  @Test func everyByteOnTheWire() throws {
    let time = try #require(
      CalendarTime(year: 2_026, month: 11, day: 24, hour: 19, minute: 58, second: 7))
    var bus = ScriptedI2CBus(
      Self.configure + Self.reading(Self.time, status: 0x88) + [
        Transaction(Self.chip, writing: [0x00] + Self.time),
        Transaction(Self.chip, writing: [0x00], reading: [0x08] + Self.time[1...]),
        Transaction(Self.chip, writing: [0x0F, 0x00]),
        Transaction(Self.chip, writing: [0x0F], reading: [0x00]),
      ] + Self.reading(Self.time) + [
        Transaction(Self.chip, writing: [0x11], reading: [0xE6, 0xC0])
      ])
    var driver = DS3231()
    try driver.configure(on: &bus)
    #expect(thrown { () throws(ChipError) in try driver.readTime(on: &bus) } == .dataNotValid)
    try driver.setTime(time, on: &bus)
    #expect(try driver.readTime(on: &bus) == time)
    // E6C0h is −6464 / 256 °C.
    #expect(try driver.readTemperature(on: &bus) == .millidegreesCelsius(-25_250))
    #expect(bus.finish() == [])
  }

  /// A time, set and read; each transfer fails in turn and is told.
  @Test(arguments: [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func failures(error: I2CError) throws {
    let time = try #require(
      CalendarTime(year: 2_026, month: 11, day: 24, hour: 19, minute: 58, second: 7))
    let script =
      Self.configure + [
        Transaction(Self.chip, writing: [0x00] + Self.time),
        Transaction(Self.chip, writing: [0x00], reading: Self.time),
        Transaction(Self.chip, writing: [0x0F, 0x00]),
        Transaction(Self.chip, writing: [0x0F], reading: [0x00]),
      ] + Self.reading(Self.time) + [
        Transaction(Self.chip, writing: [0x11], reading: [0x19, 0x00])
      ]
    for nth in 0..<script.count {
      var failing = script
      failing[nth] = Transaction(Self.chip, writing: script[nth].writing, failing: error)
      var bus = ScriptedI2CBus(Array(failing[...nth]))
      var driver = DS3231()
      let failure = thrown { () throws(ChipError) in
        try driver.configure(on: &bus)
        try driver.setTime(time, on: &bus)
        _ = try driver.readTime(on: &bus)
        _ = try driver.readTemperature(on: &bus)
      }
      #expect(failure == .bus(error), "transfer \(nth)")
      #expect(bus.finish() == [], "transfer \(nth)")
    }
  }

  @Test func unconfiguredAndUnheld() throws {
    var driver = DS3231()
    var bus = ScriptedI2CBus([
      Transaction(Self.chip, writing: [0x0E, 0x04]),
      Transaction(Self.chip, writing: [0x0E], reading: [0x84]),
    ])
    let error = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    #expect(error == .configurationNotHeld(register: 0x0E, wrote: 0x04, read: 0x84))
    #expect(thrown { () throws(ChipError) in try driver.readTime(on: &bus) } == .notConfigured)
    #expect(
      thrown { () throws(ChipError) in try driver.readTemperature(on: &bus) } == .notConfigured)
    let time = try #require(CalendarTime(secondsSince2000: 0))
    #expect(
      thrown { () throws(ChipError) in try driver.setTime(time, on: &bus) } == .notConfigured)
    #expect(bus.finish() == [])
  }

  /// The clock must show the time it was given, or the second after.
  @Test(arguments: [(0x06, false), (0x07, true), (0x08, true), (0x09, false)] as [(UInt8, Bool)])
  func timeIsReadBack(second: UInt8, isHeld: Bool) throws {
    let time = try #require(
      CalendarTime(year: 2_026, month: 11, day: 24, hour: 19, minute: 58, second: 7))
    var bus = ScriptedI2CBus(
      Self.configure + [
        Transaction(Self.chip, writing: [0x00] + Self.time),
        Transaction(Self.chip, writing: [0x00], reading: [second] + Self.time[1...]),
      ]
        + (isHeld
          ? [
            Transaction(Self.chip, writing: [0x0F, 0x00]),
            Transaction(Self.chip, writing: [0x0F], reading: [0x00]),
          ] : []))
    var driver = DS3231()
    try driver.configure(on: &bus)
    let error = thrown { () throws(ChipError) in try driver.setTime(time, on: &bus) }
    let expected = ChipError.configurationNotHeld(register: 0, wrote: 7, read: UInt16(second))
    #expect(error == (isHeld ? nil : expected))
    #expect(bus.finish() == [])
  }

  /// The oscillator stops again behind the clearing of its mark: the time that was set does not run.
  @Test func aMarkThatDoesNotClearIsTold() throws {
    let time = try #require(
      CalendarTime(year: 2_026, month: 11, day: 24, hour: 19, minute: 58, second: 7))
    let setting = [
      Transaction(Self.chip, writing: [0x00] + Self.time),
      Transaction(Self.chip, writing: [0x00], reading: Self.time),
      Transaction(Self.chip, writing: [0x0F, 0x00]),
    ]
    var bus = ScriptedI2CBus(
      Self.configure
        + setting + [Transaction(Self.chip, writing: [0x0F], reading: [0x80])]
        // The square wave's bits beside it say nothing of the time.
        + setting + [Transaction(Self.chip, writing: [0x0F], reading: [0x7F])])
    var driver = DS3231()
    try driver.configure(on: &bus)
    #expect(
      thrown { () throws(ChipError) in try driver.setTime(time, on: &bus) } == .dataNotValid)
    try driver.setTime(time, on: &bus)
    #expect(bus.finish() == [])
  }

  /// Each register in turn takes all 256 values; those that no clock shows are refused by name.
  @Test func everyDigit() throws {
    let ranges: [ClosedRange<Int>] = [0...59, 0...59, 0...23, 1...7, 1...30, 1...12, 0...99]
    for register in 0..<7 {
      for byte in UInt8.min...UInt8.max {
        var registers = Self.time
        registers[register] = byte
        var bus = ScriptedI2CBus(Self.configure + Self.reading(registers))
        var driver = DS3231()
        try driver.configure(on: &bus)
        let error = thrown { () throws(ChipError) in try driver.readTime(on: &bus) }
        // The month's upper bit is the century.
        let digits = register == 5 ? byte & 0x7F : byte
        let value = Int(digits >> 4) * 10 + Int(digits & 15)
        let isTime = digits & 15 <= 9 && ranges[register].contains(value)
        let expected: ChipError? =
          isTime ? nil : .rawValueOutOfRange(register: UInt8(register), found: UInt32(byte))
        guard error == expected else {
          Issue.record("register \(register), \(byte): \(String(describing: error))")
          return
        }
      }
    }
  }

  @Test func everyTemperatureWord() {
    for word in UInt16.min...UInt16.max {
      let found = Result { () throws(ChipError) in try DS3231.temperature(word: word) }
      let expected: Result<Temperature, ChipError> =
        word % 64 == 0
        ? .success(.millidegreesCelsius(Int32(Double(Int16(bitPattern: word)) / 256 * 1_000)))
        : .failure(.rawValueOutOfRange(register: 0x11, found: UInt32(word)))
      guard found == expected else {
        Issue.record("word \(word): \(found)")
        return
      }
    }
  }
}

@Suite struct CalendarTimeTests {
  /// Unix times of well-known days, less the 946,684,800 s to 2000.
  @Test(
    arguments: [
      (2_000, 1, 1, 946_684_800), (2_000, 2, 29, 951_782_400), (2_001, 9, 9, 999_993_600),
      (2_024, 2, 29, 1_709_164_800), (2_026, 11, 24, 1_795_478_400),
      (2_038, 1, 19, 2_147_472_000), (2_100, 3, 1, 4_107_542_400),
    ] as [(Int32, Int32, Int32, Int64)])
  func knownDays(year: Int32, month: Int32, day: Int32, unix: Int64) throws {
    let time = try #require(CalendarTime(year: year, month: month, day: day))
    #expect(time.secondsSince2000 == unix - 946_684_800)
  }

  /// Every day of 200 years follows the one before, and has its own date.
  @Test func everyDay() throws {
    var count: Int64 = 0
    for year: Int32 in 2_000...2_199 {
      for month: Int32 in 1...12 {
        for day: Int32 in 0...32 {
          guard let time = CalendarTime(year: year, month: month, day: day, hour: 23) else {
            #expect(day == 0 || day > 28)
            continue
          }
          guard time.secondsSince2000 == count * 86_400 + 82_800, time.date == (year, month, day)
          else {
            Issue.record("\(year)-\(month)-\(day)")
            return
          }
          count += 1
        }
      }
    }
    // 200 · 365 and the leap years, 50 less 2100.
    #expect(count == 73_049)
    #expect(CalendarTime(secondsSince2000: count * 86_400 - 1) != nil)
    #expect(CalendarTime(secondsSince2000: count * 86_400) == nil)
    #expect(CalendarTime(secondsSince2000: -1) == nil)
  }

  @Test(
    arguments: [
      (1_999, 12, 31, 0, 0, 0), (2_200, 1, 1, 0, 0, 0), (2_026, 0, 1, 0, 0, 0),
      (2_026, 13, 1, 0, 0, 0), (2_100, 2, 29, 0, 0, 0), (2_026, 1, 1, 24, 0, 0),
      (2_026, 1, 1, 0, 60, 0), (2_026, 1, 1, 0, 0, 60), (2_026, 1, 1, -1, 0, 0),
    ] as [(Int32, Int32, Int32, Int32, Int32, Int32)])
  func impossible(year: Int32, month: Int32, day: Int32, hour: Int32, minute: Int32, second: Int32)
  {
    let time = CalendarTime(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    #expect(time == nil)
  }
}

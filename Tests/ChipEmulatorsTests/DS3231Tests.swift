// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// A DS3231 alone on a bus.
struct DS3231Bench {
  let chip: DS3231Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(partsPerBillion: Int64 = 0) throws {
    chip = DS3231Emulator(partsPerBillion: partsPerBillion)
    try bus.attach(chip)
  }

  mutating func run(seconds: Int64, at celsius: Double = 25) { run(seconds * 1_000_000, celsius) }

  mutating func run(_ microseconds: Int64, _ celsius: Double = 25) {
    now += microseconds
    chip.advance(toMicroseconds: now, celsius: celsius)
  }

  func get(_ register: UInt8, count: Int = 1) throws -> [UInt8] {
    try bus.read(0x68, [register], count: count)
  }

  func set(_ register: UInt8, _ bytes: [UInt8]) throws { try bus.write(0x68, [register] + bytes) }
}

@Suite struct DS3231EmulatorTests {
  @Test func resetValues() throws {
    let bench = try DS3231Bench()
    #expect(
      try bench.get(0, count: 20) == [
        0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0x88, 0, 0, 0, 0,
      ], "and from the last register to the first")
  }

  @Test func writableBits() throws {
    let bench = try DS3231Bench()
    try bench.set(0x0F, [0])
    try bench.set(0x00, [UInt8](repeating: 0xFF, count: 19))
    #expect(
      try bench.get(0, count: 19) == [
        0x7F, 0x7F, 0x7F, 0x07, 0x3F, 0x9F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0x08, 0xFF, 0, 0,
      ], "the status flags cannot be set, nor the temperature")
  }

  /// The moment before, and the moment after one second.
  static let carries: [([UInt8], [UInt8])] = [
    ([0x59, 0x59, 0x23, 7, 0x31, 0x12, 0x99], [0, 0, 0, 1, 0x01, 0x81, 0x00]),
    ([0x59, 0x59, 0x23, 7, 0x31, 0x92, 0x99], [0, 0, 0, 1, 0x01, 0x01, 0x00]),
    ([0x59, 0x59, 0x23, 2, 0x28, 0x02, 0x24], [0, 0, 0, 3, 0x29, 0x02, 0x24]),
    ([0x59, 0x59, 0x23, 2, 0x28, 0x02, 0x25], [0, 0, 0, 3, 0x01, 0x03, 0x25]),
    ([0x59, 0x59, 0x23, 2, 0x28, 0x82, 0x00], [0, 0, 0, 3, 0x29, 0x82, 0x00]),
    ([0x59, 0x59, 0x23, 2, 0x30, 0x04, 0x25], [0, 0, 0, 3, 0x01, 0x05, 0x25]),
    ([0x09, 0x19, 0x09, 2, 0x09, 0x09, 0x09], [0x10, 0x19, 0x09, 2, 0x09, 0x09, 0x09]),
    ([0x59, 0x59, 0x09, 2, 0x09, 0x09, 0x09], [0, 0, 0x10, 2, 0x09, 0x09, 0x09]),
    // Twelve hours: 11:59:59 pm, 11:59:59 am, 12:59:59 pm, 9:59:59 am.
    ([0x59, 0x59, 0x71, 2, 0x09, 0x09, 0x09], [0, 0, 0x52, 3, 0x10, 0x09, 0x09]),
    ([0x59, 0x59, 0x51, 2, 0x09, 0x09, 0x09], [0, 0, 0x72, 2, 0x09, 0x09, 0x09]),
    ([0x59, 0x59, 0x72, 2, 0x09, 0x09, 0x09], [0, 0, 0x61, 2, 0x09, 0x09, 0x09]),
    ([0x59, 0x59, 0x49, 2, 0x09, 0x09, 0x09], [0, 0, 0x50, 2, 0x09, 0x09, 0x09]),
  ]

  @Test(arguments: carries.indices) func carry(_ index: Int) throws {
    var bench = try DS3231Bench()
    let (before, after) = Self.carries[index]
    bench.run(700_000)
    try bench.set(0x00, before)
    bench.run(999_999)
    #expect(try bench.get(0, count: 7) == before, "setting the seconds starts a second")
    bench.run(1)
    #expect(try bench.get(0, count: 7) == after)
  }

  @Test func aReadIsNotTorn() throws {
    var bench = try DS3231Bench()
    try bench.set(0x00, [0x59, 0x59, 0x23, 7, 0x31, 0x12, 0x99])
    try bench.set(0x00, [])
    #expect(bench.chip.start(.read))
    #expect(bench.chip.transmit() == 0x59)
    bench.run(seconds: 1)
    #expect(bench.chip.transmit() == 0x59)
  }

  @Test(arguments: [2_000, -2_000] as [Int64]) func drift(partsPerBillion: Int64) throws {
    var bench = try DS3231Bench(partsPerBillion: partsPerBillion)
    // 500,000 s gain or lose one second.
    bench.run(seconds: 500_000 - 60)
    try bench.set(0x00, [0])
    bench.run(seconds: 500_000)
    let expected: UInt8 = partsPerBillion > 0 ? 0x21 : 0x19
    #expect(try bench.get(0)[0] == expected, "500,000 s are 20 s more than whole minutes")
  }

  @Test func supplyAndCell() throws {
    var bench = try DS3231Bench()
    try bench.set(0x0F, [0])
    try bench.set(0x0E, [0x04])
    bench.chip.isPresent = false
    #expect(throws: I2CError.noAcknowledge) { try bench.get(0) }
    bench.run(seconds: 30)
    bench.chip.isPresent = true
    #expect(try bench.get(0)[0] == 0x30, "the clock ran on its cell")
    #expect(try bench.get(0x0F) == [0])
    // EOSC: on the cell the oscillator stops, and tells.
    try bench.set(0x0E, [0x84])
    bench.run(seconds: 1)
    #expect(try bench.get(0)[0] == 0x31, "not while the supply is there")
    bench.chip.isPresent = false
    bench.run(seconds: 30)
    bench.chip.isPresent = true
    #expect(try bench.get(0)[0] == 0x31)
    #expect(try bench.get(0x0F) == [0x80])
    bench.chip.hasCell = false
    #expect(try bench.get(0)[0] == 0x31)
    bench.chip.powerCycle()
    #expect(try bench.get(0x0E, count: 2) == [0x1C, 0x88])
    #expect(try bench.get(0)[0] == 0)
  }

  @Test(
    arguments: [
      (25.25, [0x19, 0x40]), (-10.25, [0xF5, 0xC0]), (0, [0, 0]), (200, [0x7F, 0xC0]),
    ] as [(Double, [UInt8])])
  func temperature(celsius: Double, bytes: [UInt8]) throws {
    var bench = try DS3231Bench()
    bench.run(seconds: 1, at: celsius)
    #expect(try bench.get(0x11, count: 2) == bytes)
    bench.run(seconds: 63, at: 50)
    #expect(try bench.get(0x11, count: 2) == bytes)
    bench.run(seconds: 1, at: 50)
    #expect(try bench.get(0x11, count: 2) == [0x32, 0])
    try bench.set(0x0E, [0x3C])
    bench.run(seconds: 1, at: 51)
    #expect(try bench.get(0x0E, count: 5) == [0x1C, 0x88, 0, 0x33, 0])
  }

  /// Alarm 1 at 10 s; alarm 2 each minute; INT only for the enabled one.
  @Test func alarms() throws {
    var bench = try DS3231Bench()
    try bench.set(0x07, [0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80])
    try bench.set(0x0E, [0x05])
    try bench.set(0x0F, [0])
    bench.run(seconds: 9)
    #expect(bench.chip.interruptLine)
    bench.run(seconds: 1)
    #expect(!bench.chip.interruptLine)
    try bench.set(0x0F, [0xFE])
    #expect(bench.chip.interruptLine)
    bench.run(seconds: 50)
    #expect(try bench.get(0x0F) == [0x0A])
    #expect(bench.chip.interruptLine)
    try bench.set(0x0E, [0x06])
    #expect(!bench.chip.interruptLine)
    try bench.set(0x0E, [0x02])
    #expect(bench.chip.interruptLine, "INTCN selects the square wave")
  }

  /// By date, by day of the week, neither.
  @Test(arguments: [(0x02, true), (0x03, false), (0x42, true), (0x43, false)] as [(UInt8, Bool)])
  func alarmDay(day: UInt8, matches: Bool) throws {
    var bench = try DS3231Bench()
    try bench.set(0x00, [0x59, 0x59, 0x23, 1, 0x01])
    try bench.set(0x07, [0, 0, 0, day, 0, 0, day])
    bench.run(seconds: 1)
    #expect(try bench.get(0x0F)[0] & 3 == (matches ? 3 : 0))
  }
}

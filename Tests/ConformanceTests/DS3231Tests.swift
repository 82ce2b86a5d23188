// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import DeterministicMath
import Quantities
import TestSupport
import Testing

@Suite struct DS3231Tests {
  private func bench() throws -> (DS3231Emulator, EmulatedI2CBus, DS3231) {
    let chip = DS3231Emulator()
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    var driver = DS3231()
    try driver.configure(on: &bus)
    return (chip, bus, driver)
  }

  /// Any time that is set runs on by the seconds that pass, over the ends of minutes, days, months
  /// and years; but for 29 February 2100, which the chip invents.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func anyTimeRunsOn(seed: UInt64) throws {
    var (chip, bus, driver) = try bench()
    var random = SeededRandom(seed: seed)
    let start = Int64(random.next() % 3_155_673_600)
    let first = try #require(CalendarTime(secondsSince2000: start))
    try driver.setTime(first, on: &bus)
    #expect(try driver.readTime(on: &bus) == first)
    var passed: Int64 = 0
    for _ in 0..<20 {
      passed += Int64(random.next() % 20_000)
      chip.advance(toMicroseconds: passed * 1_000_000, celsius: 25)
      #expect(try driver.readTime(on: &bus).secondsSince2000 == start + passed, "seed \(seed)")
    }
  }

  /// The last days of every month of two centuries: the day after is the chip's next day as well.
  @Test func everyDayEnds() throws {
    var (chip, bus, driver) = try bench()
    var now: Int64 = 0
    for day: Int64 in 0..<73_048 {
      let late = try #require(CalendarTime(secondsSince2000: day * 86_400 + 86_399))
      guard late.date.day >= 28 else { continue }
      try driver.setTime(late, on: &bus)
      now += 1_000_000
      chip.advance(toMicroseconds: now, celsius: 25)
      let next = Result { () throws(ChipError) in try driver.readTime(on: &bus).secondsSince2000 }
      // 28 February 2100: day 36,583, counted from 0.
      let expected: Result<Int64, ChipError> =
        day == 36_583
        ? .failure(.rawValueOutOfRange(register: 4, found: 0x29)) : .success((day + 1) * 86_400)
      guard next == expected else {
        Issue.record("day \(day): \(next)")
        return
      }
    }
  }

  @Test func powerAway() throws {
    var (chip, bus, driver) = try bench()
    #expect(thrown { () throws(ChipError) in try driver.readTime(on: &bus) } == .dataNotValid)
    let time = try #require(CalendarTime(year: 2_026, month: 11, day: 24))
    try driver.setTime(time, on: &bus)
    chip.isPresent = false
    chip.advance(toMicroseconds: 86_400_000_000, celsius: 25)
    let away = thrown { () throws(ChipError) in try driver.readTime(on: &bus) }
    #expect(away == .bus(.noAcknowledge))
    chip.isPresent = true
    #expect(try driver.readTime(on: &bus) == CalendarTime(year: 2_026, month: 11, day: 25))
    chip.hasCell = false
    chip.powerCycle()
    #expect(thrown { () throws(ChipError) in try driver.readTime(on: &bus) } == .dataNotValid)
  }

  /// All codes, −128…127.75 °C.
  @Test func everyTemperature() throws {
    var (chip, bus, driver) = try bench()
    for code: Int64 in -512...511 {
      chip.advance(toMicroseconds: (code + 513) * 64_000_000, celsius: Double(code) / 4)
      let temperature = try driver.readTemperature(on: &bus)
      #expect(temperature == .millidegreesCelsius(Int32(code) * 250))
    }
  }
}

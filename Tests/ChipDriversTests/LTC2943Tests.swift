// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct LTC2943DriverTests {
  static let chip = I2CAddress(0x64)
  static let errors: [I2CError] = [.noAcknowledge, .shortTransfer, .timedOut, .busStuck]

  /// 50 mΩ, and 1.5 Ah: a prescaler of 1024, whose count is 85 µAh, which is 0.306 C.
  static func driver(
    _ model: LTC2943.Model = .ltc2943, _ polarity: Shunt.Polarity = .chargePositive
  ) throws -> LTC2943 {
    let shunt = Shunt(
      resistance: .microohms(50_000), maximumCurrent: .milliamperes(1_000), polarity: polarity)
    let configuration = try #require(
      try LTC2943.Configuration(shunt: shunt, capacity: .milliampereHours(1_500)))
    return LTC2943(model: model, configuration: configuration)
  }

  static func write(_ bytes: [UInt8]) -> Transaction { Transaction(chip, writing: bytes) }

  static let configure = [
    write([0x01, 0xE9]), write([0x02, 0x7F, 0xFF]), write([0x01, 0xE8]),
    Transaction(chip, writing: [0x02], reading: [0x7F, 0xFF]),
    Transaction(chip, writing: [0x01], reading: [0xE8]),
    Transaction(chip, writing: [0x00], reading: [0x01]),
  ]

  /// All registers, of which those that are not read are Ah.
  static func registers(
    status: UInt8 = 0, control: UInt8 = 0xE8, count: UInt16 = 0x7FFF, voltage: UInt16 = 22_216,
    current: UInt16 = 0x7FFF, temperature: UInt16 = 38_336
  ) -> Transaction {
    var bytes = [UInt8](repeating: 0xA5, count: 22)
    bytes[0] = status
    bytes[1] = control
    for (register, word) in [(2, count), (8, voltage), (14, current), (20, temperature)] {
      bytes[register] = UInt8(word >> 8)
      bytes[register + 1] = UInt8(word & 0xFF)
    }
    return Transaction(chip, writing: [0x00], reading: bytes)
  }

  static func configured(
    _ script: [Transaction], _ driver: LTC2943? = nil
  ) throws -> (driver: LTC2943, bus: ScriptedI2CBus) {
    var bus = ScriptedI2CBus(configure + script)
    var driver = try driver ?? Self.driver()
    try driver.configure(on: &bus, at: .microseconds(0))
    return (driver, bus)
  }

  @Test func everyByteOnTheWire() throws {
    var unconfigured = try Self.driver()
    var (driver, bus) = try Self.configured([
      // 15 counts out, then 20 in.
      Self.registers(count: 0x7FF0), Self.registers(count: 0x8004, current: 0xBFFE),
      Transaction(Self.chip, writing: [0x01], reading: [0xE8]),
      Transaction(Self.chip, writing: [0x01], reading: [0x3C]),
    ])
    let unread = thrown { () throws(ChipError) in
      try unconfigured.readMeasurement(on: &bus, at: .microseconds(0))
    }
    #expect(unread == .notConfigured)
    #expect(try unconfigured.isConfigured(on: &bus) == false)
    var measurement = try driver.readMeasurement(on: &bus, at: .microseconds(10_000_000))
    // 22216 · 23.6 V / 65535 and 38336 · 510 K / 65535.
    #expect(measurement.voltage == .microvolts(8_000_269))
    #expect(measurement.dieTemperature == .millidegreesCelsius(25_185))
    #expect(measurement.current == .microamperes(0))
    #expect(measurement.charge == .counted(.nanocoulombs(-15 * 306_000_000)))
    measurement = try driver.readMeasurement(on: &bus, at: .microseconds(20_000_000))
    // 16383 of 32767 steps of 60 mV over 50 mΩ: 1.2 A and half a step below the half.
    #expect(measurement.current == .microamperes(599_982))
    #expect(measurement.charge == .counted(.nanocoulombs(20 * 306_000_000)))
    for isHeld in [true, false] { #expect(try driver.isConfigured(on: &bus) == isHeld) }
    #expect(bus.finish() == [])
  }

  @Test func aShuntTheOtherWayRound() throws {
    var (driver, bus) = try Self.configured(
      [Self.registers(count: 0x8003, current: 0xBFFE)],
      Self.driver(.ltc2943, .dischargePositive))
    let measurement = try driver.readMeasurement(on: &bus, at: .microseconds(10_000_000))
    #expect(measurement.current == .microamperes(-599_982))
    #expect(measurement.charge == .counted(.nanocoulombs(-4 * 306_000_000)))
  }

  @Test(arguments: errors) func failedTransfers(error: I2CError) throws {
    for nth in Self.configure.indices {
      var failing = Array(Self.configure[..<nth])
      failing.append(
        Transaction(Self.chip, writing: Self.configure[nth].writing, failing: error))
      var bus = ScriptedI2CBus(failing + Self.configure)
      var driver = try Self.driver()
      let failure = thrown { () throws(ChipError) in
        try driver.configure(on: &bus, at: .microseconds(0))
      }
      #expect(failure == .bus(error), "transfer \(nth)")
      let reading = thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(0))
      }
      #expect(reading == .notConfigured, "transfer \(nth)")
      try driver.configure(on: &bus, at: .microseconds(0))
      #expect(bus.finish() == [], "transfer \(nth)")
    }
    // A reading that fails costs no charge.
    var (driver, bus) = try Self.configured([
      Transaction(Self.chip, writing: [0x00], failing: error), Self.registers(count: 0x8003),
    ])
    let failure = thrown { () throws(ChipError) in
      try driver.readMeasurement(on: &bus, at: .microseconds(5_000_000))
    }
    #expect(failure == .bus(error))
    let next = try driver.readMeasurement(on: &bus, at: .microseconds(10_000_000))
    #expect(next.charge == .counted(.nanocoulombs(4 * 306_000_000)))
  }

  @Test func otherFailures() throws {
    func failure(_ transaction: Transaction) throws -> ChipError? {
      var (driver, bus) = try Self.configured([transaction])
      return thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
      }
    }
    #expect(
      try failure(Self.registers(control: 0x3C))
        == .configurationLost(register: 0x01, expected: 0xE8, found: 0x3C))
    #expect(try failure(Self.registers(voltage: 0)) == .conversionNotReady)
    #expect(try failure(Self.registers(temperature: 0)) == .conversionNotReady)
    for (word, positive) in [(0xFFF0, true), (0x000F, false)] as [(UInt16, Bool)] {
      #expect(
        try failure(Self.registers(current: word)) == .overflow(register: 0x0E, positive: positive))
    }
    // The chip did not take what was written.
    for (index, bytes, error) in [
      (3, [0x80, 0x40], .configurationNotHeld(register: 2, wrote: 0x7FFF, read: 0x8040)),
      (4, [0xE9], .configurationNotHeld(register: 1, wrote: 0xE8, read: 0xE9)),
    ] as [(Int, [UInt8], ChipError)] {
      var script = Self.configure
      script[index] = Transaction(Self.chip, writing: script[index].writing, reading: bytes)
      var bus = ScriptedI2CBus(script)
      var driver = try Self.driver()
      let found = thrown { () throws(ChipError) in
        try driver.configure(on: &bus, at: .microseconds(0))
      }
      #expect(found == error)
    }
  }

  /// After a dip of the supply, and at the ends, the count is too small.
  @Test func aCountThatWasCut() throws {
    for (status, count) in [
      (0x01, 0x7FF0), (0x20, 0x7FF0), (0x00, 0x0000), (0x00, 0xFFFF),
    ] as [(UInt8, UInt16)] {
      let recentre = count == 0 || count == 0xFFFF ? Array(Self.configure[..<3]) : []
      var (driver, bus) = try Self.configured(
        [Self.registers(status: status, count: count)] + recentre)
      let measurement = try driver.readMeasurement(on: &bus, at: .microseconds(10_000_000_000))
      #expect(measurement.charge == .overflow)
      #expect(bus.finish() == [])
    }
    // More than 1.2 A can move in the time: 12.6 C and two counts.
    for (count, isPlausible) in [(0x7FFF + 43, true), (0x7FFF + 44, false)] as [(UInt16, Bool)] {
      var (driver, bus) = try Self.configured([Self.registers(count: count)])
      let measurement = try driver.readMeasurement(on: &bus, at: .microseconds(9_999_000))
      let charge = Charge.nanocoulombs(Int64(count - 0x7FFF) * 306_000_000)
      #expect(measurement.charge == (isPlausible ? .counted(charge) : .implausible(charge)))
    }
    var (driver, bus) = try Self.configured([Self.registers()])
    let back = try driver.readMeasurement(on: &bus, at: .microseconds(-1))
    #expect(back.charge == .implausible(.nanocoulombs(0)), "the time ran backwards")
  }

  /// Far from the middle the count is set back there; whatever fails of that, no charge is lost or told
  /// twice.
  @Test func theCountGoesBackToTheMiddle() throws {
    let far = Self.registers(count: 0xE001)
    let time = MonotonicTime.microseconds(7_000_000_000)
    let later = MonotonicTime.microseconds(7_010_000_000)
    var (driver, bus) = try Self.configured(
      [far] + Self.configure[..<3] + [Self.registers(count: 0x8000)])
    let moved = Int64(0xE001 - 0x7FFF) * 306_000_000
    #expect(
      try driver.readMeasurement(on: &bus, at: time).charge == .counted(.nanocoulombs(moved)))
    #expect(
      try driver.readMeasurement(on: &bus, at: later).charge
        == .counted(.nanocoulombs(306_000_000)))
    #expect(bus.finish() == [])
    for nth in 0..<3 {
      var failing = Array(Self.configure[..<nth])
      failing.append(
        Transaction(Self.chip, writing: Self.configure[nth].writing, failing: .timedOut))
      // The first one was not taken; after the others the counter stands still, which shows.
      let next =
        nth == 0
        ? [Self.registers(count: 0xE002)] + Self.configure[..<3] : [Self.registers(control: 0xE9)]
      (driver, bus) = try Self.configured([far] + failing + next)
      _ = try driver.readMeasurement(on: &bus, at: time)
      let second = Result { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: later).charge
      }
      #expect(
        second
          == (nth == 0
            ? .success(.counted(.nanocoulombs(306_000_000)))
            : .failure(.configurationLost(register: 1, expected: 0xE8, found: 0xE9))))
      #expect(bus.finish() == [])
    }
  }

  /// The finest count whose half range holds the charge, and its value: 0.340 mAh · 50 mΩ / R · M / 4096.
  @Test func prescalers() throws {
    let shunt = Shunt(resistance: .microohms(50_000), maximumCurrent: .milliamperes(1_000))
    for (capacity, code) in [(1, 0), (2, 0), (3, 1), (100, 3), (1_500, 5), (11_140, 6)] {
      let configuration = try #require(
        try LTC2943.Configuration(shunt: shunt, capacity: .milliampereHours(Int64(capacity))))
      #expect(configuration.prescalerCode == UInt8(code), "\(capacity) mAh")
    }
    #expect(
      try LTC2943.Configuration(shunt: shunt, capacity: .milliampereHours(11_141)) == nil)
    #expect(try LTC2943.Configuration(shunt: shunt, capacity: .nanocoulombs(0)) == nil)
    let problem = thrown { () throws(ShuntProblem) in
      try LTC2943.Configuration(
        shunt: Shunt(resistance: .microohms(50_000), maximumCurrent: .milliamperes(1_001)),
        capacity: .milliampereHours(100))
    }
    #expect(
      problem
        == .maximumCurrentOutOfRange(
          found: .milliamperes(1_001), maximum: .milliamperes(1_000)))
  }

  @Test(arguments: [LTC2943.Model.ltc2943, .ltc2944]) func everyWord(model: LTC2943.Model) throws {
    let configuration = try Self.driver(model).configuration
    let (volts, millivolts) = model == .ltc2943 ? (Int128(236), Int128(60)) : (708, 64)
    for word in UInt16.min...UInt16.max {
      let code = Int128(word)
      let expected = nearestQuotient((code - 32_767) * millivolts * 1_000_000_000, 32_767 * 50_000)
      let current = Result { () throws(ChipError) in
        try LTC2943.current(word: word, model: model, configuration: configuration)
      }
      let isShown = 16...65_519 ~= word
      guard
        Int128(LTC2943.voltage(word: word, model: model).microvolts)
          == nearestQuotient(code * volts * 100_000, 65_535),
        Int128(LTC2943.temperature(word: word).millidegreesCelsius)
          == nearestQuotient(code * 510_000, 65_535) - 273_150,
        current
          == (isShown
            ? .success(.microamperes(Int32(expected)))
            : .failure(.overflow(register: 0x0E, positive: word > 0x7FFF)))
      else {
        Issue.record("word \(word): \(current)")
        return
      }
    }
  }
}

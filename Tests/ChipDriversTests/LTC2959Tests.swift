// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct LTC2959DriverTests {
  static let chip = I2CAddress(0x63)

  /// 10 mΩ: a count is 2.665 µAh, which is 9.594 mC.
  static func driver(_ polarity: Shunt.Polarity = .chargePositive) throws -> LTC2959 {
    LTC2959(
      configuration: try LTC2959.Configuration(
        shunt: Shunt(
          resistance: .microohms(10_000), maximumCurrent: .milliamperes(9_750), polarity: polarity))
    )
  }

  static func write(_ bytes: [UInt8]) -> Transaction { Transaction(chip, writing: bytes) }

  static let configure = [
    write([0x01, 0xD8]), Transaction(chip, writing: [0x01], reading: [0xD8]),
    write([0x02, 0x10]), Transaction(chip, writing: [0x02], reading: [0x10]),
    Transaction(chip, writing: [0x00], reading: [0x01, 0xD8, 0x10, 0x80, 0x00, 0x00, 0x00]),
  ]

  /// All registers, of which those that are not read are Ah.
  static func registers(
    status: UInt8 = 0, control: UInt16 = 0xD810, count: UInt32 = 0x8000_0000,
    voltage: UInt16 = 3_246, current: UInt16 = 0, temperature: UInt16 = 23_684
  ) -> Transaction {
    var bytes = [UInt8](repeating: 0xA5, count: 37)
    bytes[0] = status
    for (register, word) in [
      (0x01, control), (0x03, UInt16(count >> 16)), (0x05, UInt16(count & 0xFFFF)),
      (0x0F, voltage), (0x19, current), (0x23, temperature),
    ] {
      bytes[register] = UInt8(word >> 8)
      bytes[register + 1] = UInt8(word & 0xFF)
    }
    return Transaction(chip, writing: [0x00], reading: bytes)
  }

  static func configured(
    _ script: [Transaction], _ driver: LTC2959? = nil
  ) throws -> (driver: LTC2959, bus: ScriptedI2CBus) {
    var bus = ScriptedI2CBus(configure + script)
    var driver = try driver ?? Self.driver()
    try driver.configure(on: &bus, at: .microseconds(0))
    return (driver, bus)
  }

  @Test func everyByteOnTheWire() throws {
    var unconfigured = try Self.driver()
    var (driver, bus) = try Self.configured([
      Self.registers(count: 0x7FFF_FFF1),
      Self.registers(count: 0x8000_0005, current: 0x4000),
      Transaction(Self.chip, writing: [0x01], reading: [0xD8, 0x10]),
      Transaction(Self.chip, writing: [0x01], reading: [0x18, 0x50]),
    ])
    let unread = thrown { () throws(ChipError) in
      try unconfigured.readMeasurement(on: &bus, at: .microseconds(0))
    }
    #expect(unread == .notConfigured)
    #expect(try unconfigured.isConfigured(on: &bus) == false)
    var measurement = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
    // 3246 · 62.6 V / 65536 and 23684 · 825 K / 65536.
    #expect(measurement.voltage == .microvolts(3_100_580))
    #expect(measurement.dieTemperature == .millidegreesCelsius(24_996))
    #expect(measurement.current == .microamperes(0))
    #expect(measurement.charge == .counted(.nanocoulombs(-15 * 9_594_000)))
    measurement = try driver.readMeasurement(on: &bus, at: .microseconds(2_000_000))
    #expect(measurement.current == .microamperes(4_875_000))
    #expect(measurement.charge == .counted(.nanocoulombs(20 * 9_594_000)))
    for isHeld in [true, false] { #expect(try driver.isConfigured(on: &bus) == isHeld) }
    #expect(bus.finish() == [])
    (driver, bus) = try Self.configured(
      [Self.registers(count: 0x8000_0001, current: 0x4000)], Self.driver(.dischargePositive))
    measurement = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
    #expect(measurement.current == .microamperes(-4_875_000))
    #expect(measurement.charge == .counted(.nanocoulombs(-9_594_000)))
  }

  @Test(arguments: [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func failedTransfers(error: I2CError) throws {
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
      Transaction(Self.chip, writing: [0x00], failing: error),
      Self.registers(count: 0x8000_0004),
    ])
    let failure = thrown { () throws(ChipError) in
      try driver.readMeasurement(on: &bus, at: .microseconds(500_000))
    }
    #expect(failure == .bus(error))
    let next = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
    #expect(next.charge == .counted(.nanocoulombs(4 * 9_594_000)))
  }

  @Test func otherFailures() throws {
    func failure(_ transaction: Transaction) throws -> ChipError? {
      var (driver, bus) = try Self.configured([transaction])
      return thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
      }
    }
    #expect(
      try failure(Self.registers(control: 0x1850))
        == .configurationLost(register: 0x01, expected: 0xD810, found: 0x1850))
    #expect(try failure(Self.registers(voltage: 0)) == .conversionNotReady)
    #expect(try failure(Self.registers(temperature: 0)) == .conversionNotReady)
    for (word, positive) in [(0x7FFF, true), (0x8000, false)] as [(UInt16, Bool)] {
      #expect(
        try failure(Self.registers(current: word)) == .overflow(register: 0x19, positive: positive))
    }
    for (index, register, wrote) in [(1, 0x01, 0xD8), (3, 0x02, 0x10)] as [(Int, UInt8, UInt16)] {
      var script = Self.configure
      script[index] = Transaction(Self.chip, writing: [register], reading: [0x50])
      var bus = ScriptedI2CBus(script)
      var driver = try Self.driver()
      let error = thrown { () throws(ChipError) in
        try driver.configure(on: &bus, at: .microseconds(0))
      }
      #expect(error == .configurationNotHeld(register: register, wrote: wrote, read: 0x50))
    }
    let problem = thrown { () throws(ShuntProblem) in
      try LTC2959.Configuration(
        shunt: Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(9_751)))
    }
    #expect(
      problem
        == .maximumCurrentOutOfRange(found: .milliamperes(9_751), maximum: .milliamperes(9_750)))
  }

  @Test func countsThatAreNotBelieved() throws {
    for status: UInt8 in [0x01, 0x20] {
      var (driver, bus) = try Self.configured([Self.registers(status: status)])
      #expect(
        try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000)).charge == .overflow)
    }
    // 9.75 A move 9.75 C in a second; 5 % and two counts more are allowed: 10.26 C, or 1069 counts.
    for (counts, isPlausible) in [(1_069, true), (1_070, false)] as [(UInt32, Bool)] {
      var (driver, bus) = try Self.configured([Self.registers(count: 0x8000_0000 + counts)])
      let charge = Charge.nanocoulombs(Int64(counts) * 9_594_000)
      #expect(
        try driver.readMeasurement(on: &bus, at: .microseconds(999_000)).charge
          == (isPlausible ? .counted(charge) : .implausible(charge)))
    }
    // Far too many: nothing overflows.
    for count: UInt32 in [0, 1, .max] {
      var (driver, bus) = try Self.configured([Self.registers(count: count)])
      guard
        case .implausible = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
          .charge
      else {
        Issue.record("count \(count)")
        continue
      }
    }
  }

  /// Parts of a nanocoulomb that are left over are handed out later: 7919 µΩ makes thirds and more.
  @Test func nothingIsLostInRounding() throws {
    let shunt = Shunt(resistance: .microohms(7_919), maximumCurrent: .milliamperes(9_750))
    let driver = LTC2959(configuration: try LTC2959.Configuration(shunt: shunt))
    let readings = (1...1_000).map { Self.registers(count: 0x8000_0000 + UInt32($0)) }
    var (configured, bus) = try Self.configured(readings, driver)
    var total: Int64 = 0
    for second in 1...1_000 {
      let time = MonotonicTime.microseconds(Int64(second) * 1_000_000)
      guard
        case .counted(let charge) = try configured.readMeasurement(on: &bus, at: time).charge
      else {
        Issue.record("reading \(second)")
        return
      }
      total += charge.nanocoulombs
    }
    #expect(total == 1_000 * 95_940_000_000 / 7_919)
  }

  @Test func everyWord() throws {
    let configuration = try Self.driver().configuration
    for word in UInt16.min...UInt16.max {
      let code = Int128(word)
      let signed = Int128(Int16(bitPattern: word))
      let current = Result { () throws(ChipError) in
        try LTC2959.current(word: word, configuration: configuration)
      }
      let expected = nearestQuotient(signed * 97_500_000_000, 32_768 * 10_000)
      let isShown = signed > -32_768 && signed < 32_767
      guard
        Int128(LTC2959.voltage(word: word).microvolts)
          == nearestQuotient(code * 62_600_000, 65_536),
        Int128(LTC2959.temperature(word: word).millidegreesCelsius)
          == nearestQuotient(code * 825_000, 65_536) - 273_150,
        current
          == (isShown
            ? .success(.microamperes(Int32(expected)))
            : .failure(.overflow(register: 0x19, positive: signed > 0)))
      else {
        Issue.record("word \(word): \(current)")
        return
      }
    }
  }
}

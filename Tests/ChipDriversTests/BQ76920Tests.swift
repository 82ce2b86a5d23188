// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct BQ76920DriverTests {
  static let chip = I2CAddress(0x08)

  static func configuration(
    cells: Int = 4, microohms: Int32 = 5_000, polarity: Shunt.Polarity = .chargePositive,
    high: Int32 = 4_200, low: Int32 = 2_000, over: Int32 = 8_000, short: Int32 = 15_000
  ) throws(ShuntProblem) -> BQ76920.Configuration? {
    try BQ76920.Configuration(
      cellCount: cells,
      shunt: Shunt(
        resistance: .microohms(microohms), maximumCurrent: .milliamperes(10_000),
        polarity: polarity),
      overvoltage: .millivolts(high), undervoltage: .millivolts(low),
      overcurrent: .milliamperes(over), shortCircuit: .milliamperes(short))
  }

  static func driver() throws -> BQ76920 {
    BQ76920(configuration: try #require(try configuration()))
  }

  /// By long division of the frame, followed by eight zeros, by x⁸ + x² + x + 1.
  static func checksum(_ bytes: [UInt8]) -> UInt8 {
    var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - UInt8($0)) & 1 } }
    bits += [UInt8](repeating: 0, count: 8)
    for index in 0..<bits.count - 8 where bits[index] == 1 {
      for offset in [0, 6, 7, 8] { bits[index + offset] ^= 1 }
    }
    return bits.suffix(8).reduce(0) { $0 << 1 | $1 }
  }

  static func write(_ register: UInt8, _ byte: UInt8) -> Transaction {
    Transaction(chip, writing: [register, byte, checksum([0x10, register, byte])])
  }

  static func read(_ register: UInt8, _ bytes: [UInt8]) -> Transaction {
    var answer: [UInt8] = []
    for byte in bytes {
      answer += [byte, checksum(answer.isEmpty ? [0x11, byte] : [byte])]
    }
    return Transaction(chip, writing: [register], reading: answer)
  }

  static func verified(_ register: UInt8, _ byte: UInt8) -> [Transaction] {
    [write(register, byte), read(register, [byte])]
  }

  /// 40 mV and 75 mV over 5 mΩ: 39 mV (code 11) and 67 mV (code 4) of the lower range.
  static let settings: [(register: UInt8, byte: UInt8)] = [
    (0x0B, 0x19), (0x05, 0x40), (0x01, 0x00), (0x04, 0x18), (0x06, 0x0C), (0x07, 0x5B),
    (0x08, 0x00), (0x09, 0xB0), (0x0A, 0x43),
  ]
  static let script: [Transaction] =
    [read(0x50, [0x05, 0x30]), read(0x59, [0x82])]
    + settings.flatMap { verified($0.register, $0.byte) }
  static let marker = read(0x0B, [0x19])
  static let reading: [Transaction] = [
    // 5526 steps of 377 µV and 48 mV are 2.131302 V, on inputs 1, 2, 3 and 5.
    read(0x0C, [0x15, 0x96, 0x15, 0x97, 0x15, 0x98, 0x00, 0x00, 0x15, 0x99]),
    // 5528 steps of 1508 µV and 192 mV; 4319 steps of 382 µV.
    read(0x2A, [0x15, 0x98, 0x10, 0xDF]), read(0x00, [0x8C]), marker,
  ]
  /// −321 steps of 8.44 µV.
  static let current = [
    read(0x00, [0x80]), read(0x32, [0xFE, 0xBF]), marker, write(0x00, 0x80),
  ]

  static func configured(
    _ script: [Transaction]
  ) throws -> (driver: BQ76920, bus: ScriptedI2CBus) {
    var bus = ScriptedI2CBus(Self.script + script)
    var driver = try Self.driver()
    try driver.configure(on: &bus)
    return (driver, bus)
  }

  @Test func checksumVectors() {
    #expect(Self.checksum([0x10, 0x04, 0x18]) == 0xBE)
    #expect(Self.checksum([0x11, 0x12]) == 0x3C)
    #expect(Self.checksum([0x34]) == 0x8C)
    // Seen on a real chip: TI forum, thread 752518.
    #expect(Self.write(0x05, 0x40).writing == [0x05, 0x40, 0x24])
    #expect(Self.checksum([0x11, 0x40]) == 0x85)
  }

  @Test func everyByteOnTheWire() throws {
    var (driver, bus) = try Self.configured(
      Self.reading + Self.current + [
        Self.read(0x00, [0x00]), Self.marker, Self.marker, Self.write(0x05, 0x43),
        Self.read(0x05, [0x43]), Self.write(0x05, 0x40), Self.read(0x05, [0x40]),
        Self.write(0x01, 0x12), Self.read(0x01, [0x12]), Self.read(0x00, [0xAF]),
        Self.write(0x00, 0x0C), Self.write(0x04, 0), Self.write(0x04, 1), Self.write(0x04, 2),
      ])
    #expect(driver.trim?.gain == 377)
    #expect(driver.trim?.offset == 48)
    let reading = try driver.read(on: &bus)
    let expected: [Int32] = [2_131_302, 2_131_679, 2_132_056, 2_132_433, 0]
    for cell in 0..<5 { #expect(reading.cellVoltages[cell] == .microvolts(expected[cell])) }
    #expect(reading.stackVoltage == .microvolts(5_528 * 1_508 + 192_000))
    #expect(reading.thermistorVoltage == .microvolts(4_319 * 382))
    #expect(reading.faults == [.overvoltage, .undervoltage])
    // 321 · 8.44 µV / 5 mΩ.
    #expect(try driver.readCurrent(on: &bus) == .microamperes(-541_848))
    #expect(
      thrown { () throws(ChipError) in try driver.readCurrent(on: &bus) } == .conversionNotReady)
    try driver.setSwitches(charge: true, discharge: true, on: &bus)
    try driver.setSwitches(charge: false, discharge: false, on: &bus)
    try driver.balance(0b1010, on: &bus)
    #expect(try driver.readFaults(on: &bus) == BQ76920.Faults(rawValue: 0x2F))
    try driver.clear([.overvoltage, .undervoltage], on: &bus)
    try driver.ship(on: &bus)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus).faults } == .notConfigured)
    #expect(bus.finish() == [])
  }

  @Test func notConfigured() throws {
    var bus = ScriptedI2CBus(Self.verified(0x05, 0x40))
    let driver = try Self.driver()
    let failures = [
      thrown { () throws(ChipError) in _ = try driver.read(on: &bus) },
      thrown { () throws(ChipError) in _ = try driver.readCurrent(on: &bus) },
      thrown { () throws(ChipError) in try driver.balance(1, on: &bus) },
      thrown { () throws(ChipError) in
        try driver.setSwitches(charge: true, discharge: false, on: &bus)
      },
    ]
    #expect(failures == [ChipError?](repeating: .notConfigured, count: 4))
    #expect(try driver.isConfigured(on: &bus) == false)
    // Off is always allowed.
    try driver.setSwitches(charge: false, discharge: false, on: &bus)
    #expect(bus.finish() == [])
  }

  /// Each transfer of the configuration fails in turn: it is told, and the next call begins again.
  @Test(arguments: [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func configurationFailures(error: I2CError) throws {
    for nth in Self.script.indices {
      var failing = Array(Self.script[..<nth])
      failing.append(Transaction(Self.chip, writing: Self.script[nth].writing, failing: error))
      var bus = ScriptedI2CBus(failing + Self.script)
      var driver = try Self.driver()
      let failure = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
      #expect(failure == .bus(error), "transfer \(nth)")
      #expect(driver.trim == nil, "transfer \(nth)")
      try driver.configure(on: &bus)
      #expect(bus.finish() == [], "transfer \(nth)")
    }
  }

  @Test func registersNotHeld() throws {
    for (index, setting) in Self.settings.enumerated() {
      var script = Array(Self.script[...(2 + 2 * index + 1)])
      script[script.count - 1] = Self.read(setting.register, [setting.byte ^ 0x02])
      var bus = ScriptedI2CBus(script)
      var driver = try Self.driver()
      let failure = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
      #expect(
        failure
          == .configurationNotHeld(
            register: setting.register, wrote: UInt16(setting.byte),
            read: UInt16(setting.byte ^ 0x02)))
      #expect(bus.finish() == [])
    }
  }

  @Test(arguments: [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func readingFailures(error: I2CError) throws {
    for (script, isCurrent) in [(Self.reading, false), (Self.current, true)] {
      for nth in script.indices {
        var failing = Array(script[..<nth])
        failing.append(Transaction(Self.chip, writing: script[nth].writing, failing: error))
        var (driver, bus) = try Self.configured(failing + script)
        for expected in [ChipError.bus(error), nil] {
          let failure = thrown { () throws(ChipError) in
            if isCurrent {
              _ = try driver.readCurrent(on: &bus)
            } else {
              _ = try driver.read(on: &bus)
            }
          }
          #expect(failure == expected, "transfer \(nth)")
        }
        #expect(bus.finish() == [], "transfer \(nth)")
      }
    }
  }

  @Test func lostConfiguration() throws {
    let reset = Self.read(0x0B, [0x00])
    let lost = ChipError.configurationLost(register: 0x0B, expected: 0x19, found: 0)
    var (driver, bus) = try Self.configured(
      Array(Self.reading[..<3]) + [reset] + Self.current[..<2] + [reset, reset]
        + [Self.read(0x00, [0x00]), reset])
    let failures = [
      thrown { () throws(ChipError) in _ = try driver.read(on: &bus) },
      thrown { () throws(ChipError) in _ = try driver.readCurrent(on: &bus) },
      thrown { () throws(ChipError) in
        try driver.setSwitches(charge: false, discharge: true, on: &bus)
      },
      thrown { () throws(ChipError) in _ = try driver.readCurrent(on: &bus) },
    ]
    #expect(failures == [ChipError?](repeating: lost, count: 4))
    #expect(bus.finish() == [])
  }

  /// One flipped bit anywhere in any answer is told, and never becomes a number.
  @Test func everyFlippedBit() throws {
    for (script, isCurrent) in [(Self.reading, false), (Array(Self.current[..<3]), true)] {
      for nth in script.indices {
        let answer = try script[nth].outcome.get()
        for bit in 0..<answer.count * 8 {
          var flipped = answer
          flipped[bit / 8] ^= 0x80 >> UInt8(bit % 8)
          let bad = Transaction(Self.chip, writing: script[nth].writing, reading: flipped)
          var (driver, bus) = try Self.configured(Array(script[..<nth]) + [bad])
          let failure = thrown { () throws(ChipError) in
            if isCurrent {
              _ = try driver.readCurrent(on: &bus)
            } else {
              _ = try driver.read(on: &bus)
            }
          }
          guard case .checksum = failure else {
            Issue.record("transfer \(nth), bit \(bit): \(failure as Any)")
            return
          }
        }
      }
    }
  }

  @Test func isConfiguredChecksEveryRegister() throws {
    let held: [UInt8] = [0x98, 0x43, 0x0C, 0x5B, 0x00, 0xB0, 0x43, 0x19]
    var (driver, bus) = try Self.configured([Self.read(0x04, held)])
    #expect(try driver.isConfigured(on: &bus))
    for index in held.indices {
      var other = held
      other[index] ^= 0x10
      (driver, bus) = try Self.configured([Self.read(0x04, other)])
      #expect(try driver.isConfigured(on: &bus) == false, "register \(index + 4)")
    }
  }

  @Test func configurationLimits() throws {
    #expect(try Self.configuration(cells: 2) == nil)
    #expect(try Self.configuration(cells: 6) == nil)
    #expect(try Self.configuration(polarity: .dischargePositive) == nil)
    #expect(try Self.configuration(high: 3_371) == nil)
    #expect(try Self.configuration(high: 4_358) == nil)
    #expect(try Self.configuration(low: 1_749) == nil)
    #expect(try Self.configuration(low: 2_863) == nil)
    // Below 8 mV and 22 mV the chip has no threshold.
    #expect(try Self.configuration(over: 1_599) == nil)
    #expect(try Self.configuration(over: 1_600) != nil)
    #expect(try Self.configuration(short: 4_399) == nil)
    #expect(try Self.configuration(short: 4_400) != nil)
    // With the short circuit in the upper range, the overcurrent is, too.
    #expect(try Self.configuration(over: 3_399, short: 20_200) == nil)
    #expect(try Self.configuration(over: 3_400, short: 20_200) != nil)
    let error = thrown { () throws(ShuntProblem) in try Self.configuration(microohms: 20_001) }
    #expect(
      error
        == .maximumCurrentOutOfRange(
          found: .milliamperes(10_000), maximum: .microamperes(9_999_500)))
  }

  /// Limits 13 mV apart with every trim: what the chip compares with is as near as promised.
  @Test func everyTrip() {
    for gainCode in UInt8(0)...31 {
      for offset in Int8.min...Int8.max {
        let trim = BQ76920.Trim(
          gain1: (gainCode >> 3) << 2, gain2: gainCode << 5, offset: UInt8(bitPattern: offset))
        let gain = 365 + Int32(gainCode)
        guard trim.gain == gain, trim.offset == Int32(offset) else {
          Issue.record("trim \(gainCode), \(offset): \(trim)")
          return
        }
        for step in stride(from: Int32(0), through: 985, by: 13) {
          let high = Voltage.millivolts(3_372 + step)
          let code = 0x2008 | Int32(trim.overvoltageTrip(high)) << 4
          let error = code * gain + Int32(offset) * 1_000 - high.microvolts
          guard -4_000...4_000 ~= error else {
            Issue.record("trim \(gainCode), \(offset): \(high) trips \(error) µV off")
            return
          }
        }
        for step in stride(from: Int32(0), through: 1_112, by: 13) {
          let low = Voltage.millivolts(1_750 + step)
          let code = 0x1000 | Int32(trim.undervoltageTrip(low)) << 4
          let error = code * gain + Int32(offset) * 1_000 - low.microvolts
          guard -7_000...0 ~= error else {
            Issue.record("trim \(gainCode), \(offset): \(low) trips \(error) µV off")
            return
          }
        }
      }
    }
  }

  /// All 65,536 words of every quantity.
  @Test(arguments: [5_000, 7_919] as [Int32]) func everyWord(microohms: Int32) throws {
    let configuration = try #require(try Self.configuration(microohms: microohms))
    let trim = BQ76920.Trim(gain1: 0x05, gain2: 0x82, offset: 0x30)
    for word in UInt16.min...UInt16.max {
      let code = Int128(Int16(bitPattern: word))
      let current = Result { () throws(ChipError) in
        Int128(try BQ76920.current(word: word, configuration: configuration).microamperes)
      }
      let expectedCurrent: Result<Int128, ChipError> =
        abs(code) * 844 <= 20_000_000
        ? .success(nearestQuotient(code * 8_440_000, Int128(microohms)))
        : .failure(.overflow(register: 0x32, positive: code > 0))
      let cell = Result { () throws(ChipError) in try trim.cellVoltage(word: word) }
      let thermistor = Result { () throws(ChipError) in
        try BQ76920.thermistorVoltage(word: word)
      }
      let isPossible = word < 1 << 14
      let expectedCell: Result<Voltage, ChipError> =
        isPossible
        ? .success(.microvolts(Int32(word) * 377 + 48_000))
        : .failure(.rawValueOutOfRange(register: 0x0C, found: UInt32(word)))
      let expectedThermistor: Result<Voltage, ChipError> =
        isPossible
        ? .success(.microvolts(Int32(word) * 382))
        : .failure(.rawValueOutOfRange(register: 0x2C, found: UInt32(word)))
      let stack = trim.stackVoltage(word: word, cellCount: 5)
      guard current == expectedCurrent, cell == expectedCell, thermistor == expectedThermistor,
        stack == .microvolts(Int32(word) * 1_508 + 240_000)
      else {
        Issue.record("word \(word): \(current), \(cell), \(thermistor), \(stack)")
        return
      }
    }
  }
}

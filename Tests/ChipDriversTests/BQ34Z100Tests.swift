// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct BQ34Z100DriverTests {
  static let chip = I2CAddress(0x55)
  static let errors: [I2CError] = [.noAcknowledge, .shortTransfer, .timedOut, .busStuck]

  /// Four cells of 1500 mAh: 05DCh, 12400 mWh: 3070h, 2000 mV: 07D0h, a divider of 20: 4E20h.
  static func driver() throws -> BQ34Z100 {
    BQ34Z100(
      configuration: try #require(
        BQ34Z100.Configuration(
          designCapacity: 1_500, designEnergy: 12_400, seriesCells: 4, terminateVoltage: 2_000,
          voltageDivider: 20_000)))
  }

  static func write(_ bytes: [UInt8]) -> Transaction { Transaction(chip, writing: bytes) }

  static func read(_ command: UInt8, _ bytes: [UInt8]) -> Transaction {
    Transaction(chip, writing: [command], reading: bytes)
  }

  /// 32 bytes that are 1, but for those at `changes`, and their checksum.
  static func block(_ changes: [Int: UInt8] = [:]) -> [Transaction] {
    let bytes = bytes(changes)
    return [read(0x40, bytes), read(0x60, [checksum(bytes)])]
  }

  static func bytes(_ changes: [Int: UInt8]) -> [UInt8] {
    (0..<32).map { changes[$0] ?? 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt8 {
    UInt8(255 - bytes.reduce(0) { $0 + Int($1) } % 256)
  }

  static func select(_ dataClass: UInt8, _ block: UInt8 = 0) -> [Transaction] {
    [write([0x61, 0x00]), write([0x3E, dataClass, block])]
  }

  static let enter = [
    write([0x00, 0x01, 0x00]), read(0x00, [0x00, 0x01]), write([0x00, 0x14, 0x04]),
    write([0x00, 0x72, 0x36]),
  ]

  /// Class, block, what it shall hold, and the writes that this takes.
  static let blocks: [(dataClass: UInt8, number: UInt8, held: [Int: UInt8], writes: [[UInt8]])] = [
    (
      48, 0, [11: 0x05, 12: 0xDC, 13: 0x30, 14: 0x70], [[0x4B, 0x05, 0xDC], [0x4D, 0x30, 0x70]]
    ),
    (64, 0, [7: 4], [[0x47, 0x04]]), (80, 1, [21: 0x07, 22: 0xD0], [[0x55, 0x07, 0xD0]]),
    (104, 0, [14: 0x4E, 15: 0x20], [[0x4E, 0x4E, 0x20]]),
  ]

  static let enable = [
    write([0x00, 0x21, 0x00]), write([0x00, 0x00, 0x00]), read(0x00, [0x01, 0x00]),
  ]

  static func leave(_ status: [UInt8]) -> [Transaction] {
    [write([0x00, 0x00, 0x00]), read(0x00, status)]
      + (status[0] & 1 == 0 ? enable : []) + [write([0x00, 0x20, 0x00])]
  }

  /// A chip from the factory: every block is changed and looked at again.
  static let fresh: [Transaction] = {
    var script = enter
    for block in blocks {
      script += select(block.dataClass, block.number)
      script += Self.block()
      script += block.writes.map { write($0) }
      script.append(write([0x60, checksum(bytes(block.held))]))
      script += select(block.dataClass, block.number)
      script += Self.block(block.held)
    }
    return script + leave([0x00, 0x00])
  }()
  /// One that was told before: nothing is written to its flash.
  static let told: [Transaction] = {
    var script = enter
    for block in blocks {
      script += select(block.dataClass, block.number)
      script += Self.block(block.held)
    }
    return script + leave([0x01, 0x00])
  }()

  static let reading = [
    read(0x0C, [0xA6, 0x0B]), read(0x08, [0x70, 0x30]), read(0x10, [0xBF, 0xFE]),
    read(0x04, [0xBC, 0x02]), read(0x02, [60]), read(0x3C, [0xDC, 0x05]),
  ]

  /// Configures step by step, a fifth of a second apart.
  ///
  /// - Returns: how many steps it took.
  static func configure(
    _ driver: inout BQ34Z100, on bus: inout ScriptedI2CBus
  ) throws(ChipError) -> Int {
    for step in 1...30 {
      let isDone = try driver.configure(on: &bus, at: .microseconds(Int64(step) * 200_000))
      if isDone { return step }
    }
    return 0
  }

  @Test func everyByteOnTheWire() throws {
    for (script, steps) in [(Self.fresh, 17), (Self.told, 9)] {
      var bus = ScriptedI2CBus(script + Self.reading + Self.reading.suffix(1))
      var driver = try Self.driver()
      let unread = thrown { () throws(ChipError) in try driver.read(on: &bus) }
      #expect(unread == .notConfigured)
      #expect(try driver.isConfigured(on: &bus) == false)
      #expect(try Self.configure(&driver, on: &bus) == steps)
      #expect(try driver.configure(on: &bus, at: .microseconds(0)), "nothing more is sent")
      let reading = try driver.read(on: &bus)
      #expect(reading.temperature == .millidegreesCelsius(25_050))
      #expect(reading.voltage == .millivolts(12_400))
      #expect(reading.current == .milliamperes(-321))
      #expect(reading.remainingCapacity == .milliampereHours(700))
      #expect(reading.stateOfCharge == .partsPerMillion(600_000))
      #expect(try driver.isConfigured(on: &bus))
      #expect(bus.finish() == [])
    }
  }

  /// While the flash is programmed nothing is sent.
  @Test func theFlashIsGivenTime() throws {
    let count = 4 + 2 + 2 + 3
    var bus = ScriptedI2CBus(Array(Self.fresh[..<count]))
    var driver = try Self.driver()
    for step in 1...3 {
      let isDone = try driver.configure(on: &bus, at: .microseconds(Int64(step)))
      #expect(!isDone)
    }
    for late: Int64 in [0, 100_000, 199_999] {
      let isDone = try driver.configure(on: &bus, at: .microseconds(3 + late))
      #expect(!isDone)
    }
    #expect(bus.finish() == [])
  }

  @Test(arguments: errors) func failedTransfers(error: I2CError) throws {
    for script in [Self.fresh, Self.told] {
      for nth in script.indices {
        var failing = Array(script[..<nth])
        failing.append(Transaction(Self.chip, writing: script[nth].writing, failing: error))
        var bus = ScriptedI2CBus(failing + script)
        var driver = try Self.driver()
        let failure = thrown { () throws(ChipError) in try Self.configure(&driver, on: &bus) }
        #expect(failure == .bus(error), "transfer \(nth)")
        let reading = thrown { () throws(ChipError) in try driver.read(on: &bus) }
        #expect(reading == .notConfigured, "transfer \(nth)")
        #expect(try Self.configure(&driver, on: &bus) > 0, "transfer \(nth)")
        #expect(bus.finish() == [], "transfer \(nth)")
      }
    }
    for nth in Self.reading.indices {
      var failing = Array(Self.reading[..<nth])
      failing.append(Transaction(Self.chip, writing: Self.reading[nth].writing, failing: error))
      var bus = ScriptedI2CBus(Self.told + failing + Self.reading)
      var driver = try Self.driver()
      _ = try Self.configure(&driver, on: &bus)
      #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .bus(error))
      #expect(try driver.read(on: &bus).voltage == .millivolts(12_400))
      #expect(bus.finish() == [])
    }
  }

  @Test func otherFailures() throws {
    func failure(_ script: [Transaction]) throws -> ChipError? {
      var bus = ScriptedI2CBus(script)
      var driver = try Self.driver()
      let error = thrown { () throws(ChipError) in try Self.configure(&driver, on: &bus) }
      #expect(bus.finish() == [])
      return error
    }
    let other = [Self.enter[0], Self.read(0x00, [0x21, 0x04])]
    #expect(try failure(other) == .unexpectedIdentity(expected: 0x0100, found: 0x0421))
    let start = Self.enter + Self.select(48)
    let corrupt = [Self.block()[0], Self.read(0x60, [0xDE])]
    #expect(try failure(start + corrupt) == .checksum(expected: 0xDF, found: 0xDE))
    // The block did not take what was written.
    let untaken = Array(Self.fresh[..<13]) + Self.block()
    #expect(
      try failure(untaken)
        == .configurationNotHeld(register: 11, wrote: 1_500, read: 0x0101))
    // The supply dipped on the way, so that the chip was sealed and did not enable its gauge.
    var reset = Array(Self.fresh[..<(Self.fresh.count - 1)])
    reset[reset.count - 1] = Self.read(0x00, [0x00, 0x20])
    #expect(
      try failure(reset) == .configurationNotHeld(register: 0x00, wrote: 0x0001, read: 0x2000))
    func readingFailure(_ index: Int, _ transaction: Transaction) throws -> ChipError? {
      var reading = Self.reading
      reading[index] = transaction
      var bus = ScriptedI2CBus(Self.told + reading)
      var driver = try Self.driver()
      _ = try Self.configure(&driver, on: &bus)
      return thrown { () throws(ChipError) in try driver.read(on: &bus) }
    }
    #expect(
      try readingFailure(5, Self.read(0x3C, [0xE8, 0x03]))
        == .configurationLost(register: 0x3C, expected: 1_500, found: 1_000))
    #expect(
      try readingFailure(0, Self.read(0x0C, [0xC3, 0x06]))
        == .rawValueOutOfRange(register: 0x0C, found: 1_731))
    #expect(
      try readingFailure(4, Self.read(0x02, [101]))
        == .rawValueOutOfRange(register: 0x02, found: 101))
  }

  @Test func configurationLimits() {
    func isAllowed(
      _ capacity: Int16, _ energy: Int16, _ cells: UInt8, _ voltage: Int16, _ divider: UInt16
    ) -> Bool {
      BQ34Z100.Configuration(
        designCapacity: capacity, designEnergy: energy, seriesCells: cells,
        terminateVoltage: voltage, voltageDivider: divider) != nil
    }
    #expect(isAllowed(1, 1, 1, 1_000, 1_000))
    #expect(isAllowed(.max, .max, 100, 3_700, .max))
    for (capacity, energy, cells, voltage, divider) in [
      (0, 1, 1, 1_000, 1_000), (1, 0, 1, 1_000, 1_000), (1, 1, 0, 1_000, 1_000),
      (1, 1, 101, 1_000, 1_000), (1, 1, 1, 999, 1_000), (1, 1, 1, 3_701, 1_000),
      (1, 1, 1, 1_000, 999),
    ] as [(Int16, Int16, UInt8, Int16, UInt16)] {
      #expect(!isAllowed(capacity, energy, cells, voltage, divider))
    }
  }

  @Test func everyWord() {
    for word in UInt16.min...UInt16.max {
      let temperature = Result { () throws(ChipError) in
        try BQ34Z100.temperature(word: word).millidegreesCelsius
      }
      // In m°C: −100 °C is 173.15 K, and 200 °C is 473.15 K.
      let celsius = Int32(word) * 100 - 273_150
      let expected: Result<Int32, ChipError> =
        -100_000...200_000 ~= celsius
        ? .success(celsius) : .failure(.rawValueOutOfRange(register: 0x0C, found: UInt32(word)))
      guard temperature == expected,
        BQ34Z100.current(word: word).microamperes == Int32(Int16(bitPattern: word)) * 1_000
      else {
        Issue.record("word \(word): \(temperature)")
        return
      }
    }
    for byte in UInt8.min...UInt8.max {
      let charge = Result { () throws(ChipError) in
        try BQ34Z100.stateOfCharge(byte: byte).partsPerMillion
      }
      let expected: Result<Int32, ChipError> =
        byte <= 100
        ? .success(Int32(byte) * 10_000)
        : .failure(.rawValueOutOfRange(register: 0x02, found: UInt32(byte)))
      #expect(charge == expected, "byte \(byte)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct MAX17055DriverTests {
  static let chip = I2CAddress(0x36)

  static func configuration(
    microohms: Int32 = 10_000, milliamperes: Int32 = 5_000,
    polarity: Shunt.Polarity = .chargePositive, capacity: Int32 = 1_400, termination: Int32 = 50,
    empty: Int32 = 2_500, recovery: Int32 = 2_800
  ) throws -> MAX17055.Configuration? {
    let shunt = Shunt(
      resistance: .microohms(microohms), maximumCurrent: .milliamperes(milliamperes),
      polarity: polarity)
    return try MAX17055.Configuration(
      shunt: shunt, designCapacity: capacity, chargeTermination: termination, emptyVoltage: empty,
      recoveryVoltage: recovery)
  }

  static func driver() throws -> MAX17055 {
    MAX17055(configuration: try #require(try configuration()))
  }

  static func write(_ register: UInt8, _ word: UInt16) -> Transaction {
    Transaction(chip, writing: [register, UInt8(word & 0xFF), UInt8(word >> 8)])
  }

  static func read(_ register: UInt8, _ word: UInt16) -> Transaction {
    Transaction(chip, writing: [register], reading: [UInt8(word & 0xFF), UInt8(word >> 8)])
  }

  static func verified(_ register: UInt8, _ word: UInt16) -> [Transaction] {
    [write(register, word), read(register, word)]
  }

  static let name = read(0x21, 0x4010)
  /// 1400 mAh are 2800 steps of 0.5 mAh, 1/32 of them 87, and 87 · 44138 / 2800 = 1371; 50 mA are 320
  /// steps of 156.25 µA; 2.50 V and 2.80 V are 250 · 128 + 70.
  static let load: [Transaction] =
    [read(0x00, 0x8082), write(0x00, 0x8080), read(0x00, 0x0080), write(0x60, 0x0090)]
    + [write(0xBA, 0), write(0x60, 0)] + verified(0x18, 2_800) + [write(0x45, 87)]
    + verified(0x1E, 320) + verified(0x3A, 0x7D46) + [write(0x46, 1_371), write(0xDB, 0x8000)]
  static let script: [Transaction] =
    [name, read(0x3D, 0x0001), name, read(0x3D, 0x0000)] + load
    + [read(0xDB, 0x8000), read(0xDB, 0x0000)] + verified(0xBA, 0x870C) + [read(0x00, 0x0080)]
  static let calls = 4

  static let reading = [
    read(0x05, 1_400), read(0x06, 0x3C80), read(0x08, 0x1980), read(0x09, 0x98D8),
    read(0x0A, 0xF7FA),
  ]

  /// How many calls it took until the configuration was done.
  static func configure(
    _ driver: inout MAX17055, on bus: inout ScriptedI2CBus
  ) throws(ChipError) -> Int {
    for call in 1...20 {
      let isDone = try driver.configure(on: &bus)
      if isDone { return call }
    }
    return 0
  }

  @Test func everyByteOnTheWire() throws {
    var bus = ScriptedI2CBus(
      Self.script + Self.reading + [Self.read(0x00, 0x0080)] + Self.reading + [
        Self.read(0x00, 0x0002), Self.read(0x00, 0x0180), Self.read(0x00, 0x0182),
      ])
    var driver = try Self.driver()
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .notConfigured)
    #expect(try Self.configure(&driver, on: &bus) == Self.calls)
    #expect(try driver.configure(on: &bus), "nothing more is sent")
    let reading = try driver.read(on: &bus)
    // The Linux driver's vectors: 98D8h is 3.056875 V, −2054 is −320937 µA, 1980h is 25.5 °C.
    #expect(reading.cellVoltage == .microvolts(3_056_875))
    #expect(reading.current == .microamperes(-320_938))
    #expect(reading.temperature == .millidegreesCelsius(25_500))
    #expect(reading.stateOfCharge == .partsPerMillion(605_000))
    #expect(reading.remainingCapacity == .milliampereHours(700))
    let lost = thrown { () throws(ChipError) in try driver.read(on: &bus) }
    #expect(lost == .configurationLost(register: 0x00, expected: 0, found: 0x0002))
    for isHeld in [true, false] { #expect(try driver.isConfigured(on: &bus) == isHeld) }
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
      let failure = thrown { () throws(ChipError) in try Self.configure(&driver, on: &bus) }
      #expect(failure == .bus(error), "transfer \(nth)")
      let reading = thrown { () throws(ChipError) in try driver.read(on: &bus) }
      #expect(reading == .notConfigured, "transfer \(nth)")
      #expect(try Self.configure(&driver, on: &bus) == Self.calls, "transfer \(nth)")
      #expect(bus.finish() == [], "transfer \(nth)")
    }
  }

  @Test(arguments: 0...5, [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func readingFailures(nth: Int, error: I2CError) throws {
    let reading = Self.reading + [Self.read(0x00, 0x0080)]
    var failing = Array(reading[..<nth])
    failing.append(Transaction(Self.chip, writing: reading[nth].writing, failing: error))
    var bus = ScriptedI2CBus(Self.script + failing + reading)
    var driver = try Self.driver()
    _ = try Self.configure(&driver, on: &bus)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .bus(error))
    #expect(try driver.read(on: &bus).cellVoltage == .microvolts(3_056_875))
    #expect(bus.finish() == [])
  }

  @Test func otherFailures() throws {
    func failure(_ script: [Transaction]) throws -> ChipError? {
      var bus = ScriptedI2CBus(script)
      var driver = try Self.driver()
      let error = thrown { () throws(ChipError) in try Self.configure(&driver, on: &bus) }
      #expect(bus.finish() == [])
      return error
    }
    // A MAX17048, at the same address, has no such register.
    #expect(
      try failure([Self.read(0x21, 0xFFFF)])
        == .unexpectedIdentity(expected: 0x4010, found: 0xFFFF))
    // Each word that is read back, not as it was written; in the status only the reset's mark counts.
    for (index, register, wrote, read): (Int, UInt8, UInt16, UInt16) in [
      (6, 0x00, 0x8080, 0x0002), (11, 0x18, 2_800, 3_000), (14, 0x1E, 320, 1_600),
      (16, 0x3A, 0x7D46, 0xA561), (22, 0xBA, 0x870C, 0),
    ] {
      var script = Array(Self.script[...index])
      script[index] = Self.read(register, read)
      #expect(
        try failure(script)
          == .configurationNotHeld(register: register, wrote: wrote, read: read))
    }
    // The supply dipped on the way.
    var reset = Self.script
    reset[reset.count - 1] = Self.read(0x00, 0x0082)
    #expect(
      try failure(reset) == .configurationLost(register: 0x00, expected: 0, found: 0x0002))
  }

  @Test func configurationLimits() throws {
    #expect(try Self.configuration(capacity: 16, termination: 1) != nil)
    #expect(try Self.configuration(capacity: 15) == nil)
    #expect(try Self.configuration(capacity: 16_384) == nil)
    #expect(try Self.configuration(capacity: -1) == nil)
    #expect(try Self.configuration(termination: 0) == nil)
    #expect(try Self.configuration(termination: 5_120) == nil)
    #expect(try Self.configuration(empty: 2_299) == nil)
    #expect(try Self.configuration(empty: 5_120, recovery: 5_120) == nil)
    #expect(try Self.configuration(empty: 2_500, recovery: 2_499) == nil)
    #expect(try Self.configuration(recovery: 5_081) == nil)
    #expect(try Self.configuration(empty: 5_080, recovery: 5_080) != nil)
    let error = thrown { () throws(ShuntProblem) in
      try MAX17055.Configuration(
        shunt: Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(5_121)),
        designCapacity: 1_400, chargeTermination: 50)
    }
    #expect(
      error
        == .maximumCurrentOutOfRange(
          found: .milliamperes(5_121), maximum: .milliamperes(5_120)))
  }

  /// All 65,536 words of every quantity, over shunts that divide well and badly.
  @Test(
    arguments: [5_000, 10_000, 7_919] as [Int32],
    [.chargePositive, .dischargePositive] as [Shunt.Polarity])
  func everyWord(microohms: Int32, polarity: Shunt.Polarity) throws {
    let configuration = try #require(
      try Self.configuration(microohms: microohms, polarity: polarity))
    let sign: Int128 = polarity == .chargePositive ? 1 : -1
    for word in UInt16.min...UInt16.max {
      let code = Int128(Int16(bitPattern: word))
      let current = Result { () throws(ChipError) in
        Int128(try MAX17055.current(word: word, configuration: configuration).microamperes)
      }
      let expectedCurrent: Result<Int128, ChipError> =
        abs(code) < 32_767 || code == -32_767
        ? .success(nearestQuotient(sign * code * 1_562_500, Int128(microohms)))
        : .failure(.overflow(register: 0x0A, positive: code * sign > 0))
      let temperature = Result { () throws(ChipError) in
        Int128(try MAX17055.temperature(word: word).millidegreesCelsius)
      }
      let expectedTemperature: Result<Int128, ChipError> =
        -55 * 256...125 * 256 ~= code
        ? .success(nearestQuotient(code * 1_000, 256))
        : .failure(.rawValueOutOfRange(register: 0x08, found: UInt32(word)))
      let capacity = MAX17055.capacity(word: word, configuration: configuration)
      let charge = MAX17055.stateOfCharge(word: word)
      // 5 µVh over the shunt, in nC: 5 · 3600 · 10^9 / µΩ.
      let expectedCapacity = nearestQuotient(
        Int128(word) * 18_000_000_000_000, Int128(microohms))
      guard current == expectedCurrent, temperature == expectedTemperature,
        Int128(capacity.nanocoulombs) == expectedCapacity,
        Int128(charge.partsPerMillion) == nearestQuotient(Int128(word) * 390_625, 10_000)
      else {
        Issue.record("word \(word): \(current), \(temperature), \(capacity), \(charge)")
        return
      }
    }
  }

  @Test func everyVoltageWord() {
    for word in UInt16.min...UInt16.max {
      let found = Result { () throws(ChipError) in
        Int128(try MAX17055.cellVoltage(word: word).microvolts)
      }
      let expected: Result<Int128, ChipError> =
        2_200_000_000...5_100_000_000 ~= Int64(word) * 78_125
        ? .success(nearestQuotient(Int128(word) * 78_125, 1_000))
        : .failure(.rawValueOutOfRange(register: 0x09, found: UInt32(word)))
      guard found == expected else {
        Issue.record("word \(word): \(found)")
        return
      }
    }
  }
}

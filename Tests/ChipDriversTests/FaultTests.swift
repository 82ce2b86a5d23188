// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

/// Wrong chips, lost transfers, resets behind the driver's back.
@Suite struct FaultTests {
  static func shunt() -> Shunt {
    Shunt(resistance: .microohms(15_000), maximumCurrent: .milliamperes(10_000))
  }

  static func ina228() throws -> INA228 {
    INA228(address: I2CAddress(0x40), configuration: try .init(shunt: shunt()))
  }

  static func ina226() throws -> INA226 {
    INA226(
      address: I2CAddress(0x40),
      configuration: try .init(
        shunt: .init(
          resistance: .microohms(10_000), maximumCurrent: .milliamperes(8_000))))
  }

  @Test(arguments: [0x0000, 0x5448, 0xFFFF] as [UInt16])
  func wrongManufacturer(word: UInt16) throws {
    var bus228 = RegisterFile.ina228()
    bus228.set(0x3E, to: UInt64(word))
    var driver228 = try Self.ina228()
    var bus226 = RegisterFile.ina226()
    bus226.set(0xFE, to: UInt64(word))
    var driver226 = try Self.ina226()
    let expected = ChipError.unexpectedIdentity(expected: 0x5449, found: word)
    #expect(thrown { () throws(ChipError) in try driver228.reset(on: &bus228) } == expected)
    #expect(
      thrown { () throws(ChipError) in try driver228.configure(on: &bus228, at: .microseconds(0)) }
        == expected)
    #expect(thrown { () throws(ChipError) in try driver226.reset(on: &bus226) } == expected)
    #expect(thrown { () throws(ChipError) in try driver226.configure(on: &bus226) } == expected)
  }

  /// Every device word: only the revision nibble is free.
  @Test func everyDeviceIdentity() throws {
    var bus228 = RegisterFile.ina228()
    var bus226 = RegisterFile.ina226()
    var bus117 = RegisterFile.tmp117()
    for word in UInt16.min...UInt16.max {
      // The reset restores the identity registers, so they are set each time.
      bus228.set(0x3F, to: UInt64(word))
      bus226.set(0xFF, to: UInt64(word))
      bus117.set(0x0F, to: UInt64(word))
      var driver228 = try Self.ina228()
      var driver226 = try Self.ina226()
      var driver117 = TMP117(address: I2CAddress(0x48))
      let error228 = thrown { () throws(ChipError) in try driver228.reset(on: &bus228) }
      let error226 = thrown { () throws(ChipError) in try driver226.reset(on: &bus226) }
      let error117 = thrown { () throws(ChipError) in try driver117.reset(on: &bus117) }
      let right =
        (error228 == nil) == (0x2280...0x228F ~= word)
        && (error226 == nil) == (0x2260...0x226F ~= word)
        && (error117 == nil) == (word % 0x1000 == 0x117)
      guard right else {
        Issue.record("word \(word)")
        return
      }
    }
  }

  @Test func faultyTrimmingMemoryIsRefused() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.ina228()
    bus.set(0x0B, to: 0x0002)
    #expect(
      thrown { () throws(ChipError) in try driver.configure(on: &bus, at: .microseconds(0)) }
        == .memoryFault)
    bus.set(0x0B, to: 0x0003)
    try driver.configure(on: &bus, at: .microseconds(0))
    bus.set(0x0B, to: 0x2002)
    #expect(
      thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(1))
      } == .memoryFault)
  }

  @Test func configuringWithoutResetIsRefused() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.ina228()
    bus.set(0x01, to: 0xFB69)
    #expect(
      thrown { () throws(ChipError) in try driver.configure(on: &bus, at: .microseconds(0)) }
        == .resetIncomplete(register: 0x01, found: 0xFB69))
    bus.set(0x00, to: 0x8000)
    #expect(
      thrown { () throws(ChipError) in try driver.configure(on: &bus, at: .microseconds(0)) }
        == .resetIncomplete(register: 0x00, found: 0x8000))
    var busy = RegisterFile.tmp117()
    busy.set(0x01, to: 0x1220)
    var sensor = TMP117(address: I2CAddress(0x48))
    #expect(
      thrown { () throws(ChipError) in try sensor.configure(on: &busy) }
        == .resetIncomplete(register: 0x01, found: 0x1220))
  }

  /// A register that does not take what is written, each in turn.
  @Test(arguments: [0x00, 0x01, 0x02, 0x0B] as [UInt8])
  func unheldConfigurationIsRefused(register: UInt8) throws {
    var bus = RegisterFile.ina228()
    let stuck = bus.registers[register]
    let usual = bus.onWrite
    bus.onWrite = { registers, written in
      usual(&registers, written)
      if written == register { registers[register] = stuck }
    }
    // The narrow range, so that CONFIG differs from its reset value as well.
    var driver = INA228(
      address: I2CAddress(0x40),
      configuration: try .init(
        shunt: Shunt(resistance: .microohms(15_000), maximumCurrent: .milliamperes(2_000))))
    let error = thrown { () throws(ChipError) in
      try driver.configure(on: &bus, at: .microseconds(0))
    }
    guard case .configurationNotHeld(let found, let wrote, let read) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(found == register && wrote != read)
    #expect(
      thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(1))
      } == .notConfigured)
  }

  /// The accumulator's reset clears itself (§7.6.1.1); a chip that keeps it would count nothing.
  @Test func aResetThatDoesNotEndIsRefused() throws {
    var bus = RegisterFile.ina228()
    let usual = bus.onWrite
    bus.onWrite = { registers, written in
      let high = registers[0x00]?.first ?? 0
      usual(&registers, written)
      if written == 0x00, high & 0x40 != 0 { registers[0x00]?[0] = high }
    }
    var driver = try Self.ina228()
    #expect(
      thrown { () throws(ChipError) in try driver.configure(on: &bus, at: .microseconds(0)) }
        == .configurationNotHeld(register: 0x00, wrote: 0x0000, read: 0x4000))
    #expect(
      thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(1))
      } == .notConfigured)
  }

  /// Each register that the periodic test looks at differs in one bit, each bit in turn.
  @Test func everyChangedBitIsFoundByThePeriodicTest() throws {
    var bus228 = RegisterFile.ina228()
    var driver228 = try Self.ina228()
    try driver228.configure(on: &bus228, at: .microseconds(0))
    var bus226 = RegisterFile.ina226()
    var driver226 = try Self.ina226()
    try driver226.configure(on: &bus226)
    #expect(try driver228.isConfigured(on: &bus228))
    #expect(try driver226.isConfigured(on: &bus226))
    for bit in 0..<UInt16(16) {
      for register: UInt8 in [0x00, 0x01, 0x02] {
        var changed = bus228
        let word = try #require(bus228.word(register))
        changed.set(register, to: UInt64(word ^ 1 << bit))
        #expect(try driver228.isConfigured(on: &changed) == false, "\(register), bit \(bit)")
      }
      for register: UInt8 in [0x00, 0x05] {
        var changed = bus226
        let word = try #require(bus226.word(register))
        changed.set(register, to: UInt64(word ^ 1 << bit))
        #expect(try driver226.isConfigured(on: &changed) == false, "\(register), bit \(bit)")
      }
    }
  }

  /// The read of DIAG_ALRT clears its flags: what the periodic test saw is told by the next reading.
  @Test func anOverflowSeenByThePeriodicTestIsNotForgotten() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.ina228()
    try driver.configure(on: &bus, at: .microseconds(0))
    bus.set(0x0B, to: 0x2203)
    #expect(try driver.isConfigured(on: &bus))
    bus.set(0x0B, to: 0x2001)
    let measured = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
    #expect(measured.charge == .overflow)
  }

  /// With CAL at unity the flag cannot be true.
  @Test func anImpossibleFlagIsACorruptedWord() throws {
    var bus = RegisterFile.ina226()
    var driver = try Self.ina226()
    try driver.configure(on: &bus)
    bus.set(0x02, to: 2_480)
    bus.set(0x06, to: 0x000D)
    #expect(
      thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) }
        == .rawValueOutOfRange(register: 0x06, found: 0x000D))
    // The result is still there for a repeated read, although its flag was cleared by the first.
    bus.set(0x06, to: 0x0001)
    #expect(try driver.readMeasurement(on: &bus).busVoltage == .millivolts(3_100))
  }

  /// Each register that the reset of an INA226 brings back, not yet there.
  @Test(arguments: [(0x00, 0x4127), (0x05, 0x0000)] as [(UInt8, UInt16)])
  func configuringAnINA226WithoutResetIsRefused(register: UInt8, atReset: UInt16) throws {
    var bus = RegisterFile.ina226()
    var driver = try Self.ina226()
    bus.set(register, to: UInt64(atReset ^ 0x0001))
    #expect(
      thrown { () throws(ChipError) in try driver.configure(on: &bus) }
        == .resetIncomplete(register: register, found: atReset ^ 0x0001))
    #expect(
      thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) } == .notConfigured)
  }

  @Test func measuringBeforeConfiguringSendsNothing() throws {
    var bus = ScriptedI2CBus([])
    var ina228 = try Self.ina228()
    var ina226 = try Self.ina226()
    var tmp117 = TMP117(address: I2CAddress(0x48))
    var ads1115 = ADS1115(address: I2CAddress(0x48))
    let now = MonotonicTime.microseconds(0)
    let input = ADS1115.Input(multiplexer: .input0, range: .millivolts4096)
    #expect(
      thrown { () throws(ChipError) in try ina228.readMeasurement(on: &bus, at: now) }
        == .notConfigured)
    #expect(
      thrown { () throws(ChipError) in try ina226.readMeasurement(on: &bus) } == .notConfigured)
    #expect(
      thrown { () throws(ChipError) in try tmp117.readTemperature(on: &bus) } == .notConfigured)
    #expect(
      thrown { () throws(ChipError) in try ads1115.start(input, on: &bus, at: now) }
        == .notConfigured)
    #expect(
      thrown { () throws(ChipError) in try ads1115.readVoltage(on: &bus, at: now) }
        == .notConfigured)
    #expect(try ina226.isConfigured(on: &bus) == false)
    #expect(try tmp117.isConfigured(on: &bus) == false)
    #expect(try ads1115.isConfigured(on: &bus) == false)
    #expect(bus.finish() == [])
  }

  @Test func aBrownOutIsNoticedByTheNextReading() throws {
    var bus228 = RegisterFile.ina228()
    var ina228 = try Self.ina228()
    try ina228.configure(on: &bus228, at: .microseconds(0))
    bus228 = .ina228()
    #expect(
      thrown { () throws(ChipError) in
        try ina228.readMeasurement(on: &bus228, at: .microseconds(1))
      } == .configurationLost(register: 0x0B, expected: 0x2000, found: 0))
    #expect(try ina228.isConfigured(on: &bus228) == false)

    var bus226 = RegisterFile.ina226()
    var ina226 = try Self.ina226()
    try ina226.configure(on: &bus226)
    #expect(try ina226.isConfigured(on: &bus226))
    bus226 = .ina226()
    #expect(
      thrown { () throws(ChipError) in try ina226.readMeasurement(on: &bus226) }
        == .configurationLost(register: 0x06, expected: 0x0001, found: 0))
    #expect(try ina226.isConfigured(on: &bus226) == false)

    var bus117 = RegisterFile.tmp117()
    // Even with the cycle that the chip has after a reset.
    var tmp117 = TMP117(address: I2CAddress(0x48), cycle: .seconds1)
    try tmp117.configure(on: &bus117)
    #expect(try tmp117.isConfigured(on: &bus117))
    bus117 = .tmp117()
    #expect(
      thrown { () throws(ChipError) in try tmp117.readTemperature(on: &bus117) }
        == .configurationLost(register: 0x01, expected: 0x0230, found: 0x0220))
    #expect(try tmp117.isConfigured(on: &bus117) == false)
  }

  @Test func aBrownOutOfTheADS1115IsNoticed() throws {
    var bus = RegisterFile.ads1115()
    var driver = ADS1115(address: I2CAddress(0x48))
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    #expect(try driver.isConfigured(on: &bus))
    // The input that the chip selects after a reset is the hardest to tell.
    let input = ADS1115.Input(multiplexer: .input0Against1, range: .millivolts2048)
    try driver.start(input, on: &bus, at: .microseconds(0))
    bus = .ads1115()
    #expect(
      thrown { () throws(ChipError) in try driver.readVoltage(on: &bus, at: .microseconds(9)) }
        == .configurationLost(register: 0x01, expected: 0x0587, found: 0x0583))
    #expect(try driver.isConfigured(on: &bus) == false)

    // Between the check and the result: the result is zero, and the second look tells why.
    try driver.start(input, on: &bus, at: .microseconds(0))
    bus.onRead = { registers, register in
      if register == 0x01 { registers = RegisterFile.ads1115().registers }
    }
    #expect(
      thrown { () throws(ChipError) in try driver.readVoltage(on: &bus, at: .microseconds(9)) }
        == .configurationLost(register: 0x01, expected: 0x0587, found: 0x0583))
  }

  /// The chip ends a running conversion under its old settings and shows its result beside the new.
  @Test func anotherInputWaitsForTheConversion() throws {
    let address = I2CAddress(0x48)
    func started(_ high: UInt8, _ low: UInt8) -> Transaction {
      Transaction(address, writing: [0x01, high, low])
    }
    let first = ADS1115.Input(multiplexer: .input0, range: .millivolts4096)
    let second = ADS1115.Input(multiplexer: .input1, range: .millivolts4096)
    var chip = RegisterFile.ads1115()
    var driver = ADS1115(address: address)
    try driver.reset(on: &chip)
    // A conversion from before the reset.
    chip.set(0x01, to: 0x0107)
    #expect(
      thrown { () throws(ChipError) in try driver.configure(on: &chip) }
        == .resetIncomplete(register: 0x01, found: 0x0107))
    try driver.reset(on: &chip)
    try driver.configure(on: &chip)

    var bus = ScriptedI2CBus([
      started(0xC3, 0x87), started(0xC3, 0x87), started(0xD3, 0x87),
      Transaction(address, writing: [0x01], reading: [0xD3, 0x87]),
      Transaction(address, writing: [0x00], reading: [0x00, 0x01]),
      started(0xC3, 0x87), started(0x42, 0x87),
    ])
    func problem(
      _ input: ADS1115.Input, _ mode: ADS1115.Mode = .singleShot, at microseconds: Int64
    ) -> ChipError? {
      thrown { () throws(ChipError) in
        try driver.start(input, mode: mode, on: &bus, at: .microseconds(microseconds))
      }
    }
    #expect(problem(first, at: 0) == nil)
    #expect(problem(second, at: 100) == .conversionNotReady)
    // The same input may be started again.
    #expect(problem(first, at: 100) == nil)
    // The longest conversion, 1/(128 · 0.9) s and 25/0.9 µs.
    #expect(problem(second, at: 8_809) == .conversionNotReady)
    #expect(problem(second, at: 8_810) == nil)
    // Once its end was seen there is nothing to wait for.
    #expect(try driver.readVoltage(on: &bus, at: .microseconds(8_820)) == .microvolts(125))
    #expect(problem(first, at: 8_820) == nil)
    // Continuous conversions end only with a reset.
    #expect(problem(first, .continuous, at: 20_000) == nil)
    #expect(problem(first, at: 1_000_000) == .conversionNotReady)
    #expect(problem(second, .continuous, at: 1_000_000) == .conversionNotReady)
    #expect(bus.finish() == [])
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

extension RegisterFile {
  /// A TMP102 after its first conversion, 25 °C, in the format that is configured.
  static func tmp102(at address: I2CAddress = I2CAddress(0x49)) -> RegisterFile {
    var file = RegisterFile(
      address: address, registers: [0x00: [0x19, 0x00], 0x01: [0x60, 0xA0]])
    file.onWrite = { registers, register in
      guard register == 0x01, let low = registers[0x01]?.last else { return }
      registers[0x00] = low & 0x10 == 0 ? [0x19, 0x00] : [0x0C, 0x81]
      registers[0x01]?[1] = low | 0x20
    }
    return file
  }
}

@Suite struct TMP102DriverTests {
  static let chip = I2CAddress(0x49)

  /// R 11, CR 11 (8 Hz), EM: 60D0h; AL reads 1.
  @Test func everyByteOnTheWire() throws {
    var driver = TMP102(address: Self.chip, rate: .perSecond8)
    var bus = ScriptedI2CBus([
      Transaction(Self.chip, writing: [0x01], reading: [0x60, 0xA0]),
      Transaction(Self.chip, writing: [0x01, 0x60, 0xD0]),
      Transaction(Self.chip, writing: [0x01], reading: [0x60, 0xF0]),
      Transaction(Self.chip, writing: [0x00], reading: [0x0C, 0x81]),
      Transaction(Self.chip, writing: [0x00], reading: [0xFF, 0xF9]),
      Transaction(Self.chip, writing: [0x00], reading: [0x19, 0x00]),
      Transaction(Self.chip, writing: [0x01], reading: [0x60, 0xD0]),
      Transaction(Self.chip, writing: [0x01], reading: [0x60, 0xA0]),
    ])
    #expect(try driver.isConfigured(on: &bus) == false)
    let unconfigured = thrown { () throws(ChipError) in
      try driver.readTemperature(on: &bus, at: .microseconds(0))
    }
    #expect(unconfigured == .notConfigured)
    try driver.configure(on: &bus, at: .microseconds(100))
    func read(at microseconds: Int64) -> Result<Temperature, ChipError> {
      Result { () throws(ChipError) in
        try driver.readTemperature(on: &bus, at: .microseconds(microseconds))
      }
    }
    #expect(read(at: 5_500_099) == .failure(.conversionNotReady))
    #expect(read(at: 5_500_100) == .success(.degreesCelsius(25)))
    #expect(read(at: 6_000_000) == .success(.millidegreesCelsius(-63)))
    #expect(
      read(at: 7_000_000) == .failure(.configurationLost(register: 0x00, expected: 1, found: 0)))
    #expect(try driver.isConfigured(on: &bus))
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(bus.finish() == [])
  }

  @Test(
    arguments: [
      (.every4Seconds, 0x10), (.perSecond1, 0x50), (.perSecond4, 0x90), (.perSecond8, 0xD0),
    ] as [(TMP102.Rate, UInt8)])
  func rates(rate: TMP102.Rate, low: UInt8) throws {
    var bus = RecordingBus(wrapping: RegisterFile.tmp102())
    var driver = TMP102(address: Self.chip, rate: rate)
    try driver.configure(on: &bus, at: .microseconds(0))
    #expect(bus.transactions[1] == Transaction(Self.chip, writing: [0x01, 0x60, low]))
  }

  @Test(arguments: LostTransferTests.losses.indices) func lostTransfers(index: Int) {
    typealias Step = LostTransferTests.Step<TMP102>
    let bringUp: Step = { (driver, bus) throws(ChipError) in
      try driver.configure(on: &bus, at: .microseconds(0))
    }
    let read: Step = { (driver, bus) throws(ChipError) in
      let temperature = try driver.readTemperature(on: &bus, at: .microseconds(6_000_000))
      #expect(temperature == .degreesCelsius(25))
    }
    let check: Step = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    let count = LostTransferTests().sweep(
      LostTransferTests.losses[index], chip: .tmp102(), driver: TMP102(address: Self.chip),
      steps: [bringUp, read, check])
    #expect(count == 3 + 1 + 1)
  }

  /// R1, R0 and the lowest four bits tell the chip; nothing else does.
  @Test func everyConfigurationWord() {
    for word in UInt16.min...UInt16.max {
      var bus = RegisterFile.tmp102()
      bus.set(0x01, to: UInt64(word))
      var driver = TMP102(address: Self.chip)
      let error = thrown { () throws(ChipError) in
        try driver.configure(on: &bus, at: .microseconds(0))
      }
      let isRight = word >> 13 & 3 == 3 && word & 15 == 0
      let expected: ChipError? =
        isRight ? nil : .unexpectedIdentity(expected: 0x6000, found: word & 0x600F)
      guard error == expected else {
        Issue.record("word \(word): \(String(describing: error))")
        return
      }
    }
  }

  @Test func unheldConfigurationIsRefused() {
    var bus = RegisterFile.tmp102()
    bus.onWrite = { registers, _ in registers[0x01] = [0x60, 0xA0] }
    var driver = TMP102(address: Self.chip)
    let error = thrown { () throws(ChipError) in
      try driver.configure(on: &bus, at: .microseconds(0))
    }
    #expect(error == .configurationNotHeld(register: 0x01, wrote: 0x6090, read: 0x60A0))
    let reading = thrown { () throws(ChipError) in
      try driver.readTemperature(on: &bus, at: .microseconds(6_000_000))
    }
    #expect(reading == .notConfigured)
  }

  @Test func everyTemperatureWord() {
    for word in UInt16.min...UInt16.max {
      let degrees = Double(Int16(bitPattern: word & 0xFFF8)) / 128
      let found = Result { () throws(ChipError) in try TMP102.temperature(word: word) }
      let expected: Result<Temperature, ChipError> =
        if word & 1 == 0 {
          .failure(.configurationLost(register: 0x00, expected: 1, found: 0))
        } else if word & 6 != 0 || !(-55...150 ~= degrees) {
          .failure(.rawValueOutOfRange(register: 0x00, found: UInt32(word)))
        } else {
          // A multiple of 1/16 is exact in Double, and so is its product with 1000.
          .success(
            .millidegreesCelsius(Int32((degrees * 1_000).rounded(.toNearestOrAwayFromZero))))
        }
      guard found == expected else {
        Issue.record("word \(word): \(found)")
        return
      }
    }
  }
}

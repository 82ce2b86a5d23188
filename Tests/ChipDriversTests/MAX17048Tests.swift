// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

extension RegisterFile {
  /// A MAX17048 after its first estimate: 3.056875 V, 60 %, −2.08 %/h.
  static func max17048() -> RegisterFile {
    let atReset: [UInt8: [UInt8]] = [
      0x02: [0x98, 0xD8], 0x04: [0x3C, 0x00], 0x08: [0x00, 0x12], 0x0C: [0x97, 0x1C],
      0x16: [0xFF, 0xF6], 0x18: [0x96, 0x05], 0x1A: [0x01, 0x00], 0xFE: [0xFF, 0xFF],
    ]
    var file = RegisterFile(address: I2CAddress(0x36), registers: atReset)
    file.onWrite = { registers, register in
      if register == 0xFE { registers = atReset }
      if register == 0x18 { registers[0x18]?[1] = 0x05 }
    }
    return file
  }
}

@Suite struct MAX17048DriverTests {
  static let chip = I2CAddress(0x36)
  static let identity = Transaction(chip, writing: [0x08], reading: [0x00, 0x12])
  static let configure = [
    identity,
    Transaction(chip, writing: [0x1A], reading: [0x01, 0x00]),
    // ALRT: on a sodium cell the chip has found the cell empty.
    Transaction(chip, writing: [0x0C], reading: [0x97, 0x3C]),
    Transaction(chip, writing: [0x1A, 0x00, 0x00]),
    Transaction(chip, writing: [0x1A], reading: [0x00, 0x00]),
    // 57 · 40 mV = 2.28 V
    Transaction(chip, writing: [0x18, 0x72, 0x00]),
    Transaction(chip, writing: [0x18], reading: [0x72, 0x05]),
  ]

  static func reading(status: [UInt8]) -> [Transaction] {
    [
      Transaction(chip, writing: [0x02], reading: [0x98, 0xD8]),
      Transaction(chip, writing: [0x04], reading: [0x3C, 0x80]),
      Transaction(chip, writing: [0x16], reading: [0xFF, 0xF6]),
      Transaction(chip, writing: [0x1A], reading: status),
    ]
  }

  @Test(arguments: [true, false]) func everyByteOnTheWire(isLastByteTaken: Bool) throws {
    let reset =
      isLastByteTaken
      ? Transaction(Self.chip, writing: [0xFE, 0x54, 0x00])
      : Transaction(Self.chip, writing: [0xFE, 0x54, 0x00], failing: .noAcknowledge)
    var bus = ScriptedI2CBus(
      [Self.identity, reset] + Self.configure + Self.reading(status: [0x10, 0x00])
        + Self.reading(status: [0x19, 0x00]) + [
          Transaction(Self.chip, writing: [0x1A], reading: [0x10, 0x00]),
          Transaction(Self.chip, writing: [0x18], reading: [0x72, 0x05]),
          Transaction(Self.chip, writing: [0x1A], reading: [0x00, 0x00]),
          Transaction(Self.chip, writing: [0x18], reading: [0x96, 0x05]),
          Transaction(Self.chip, writing: [0x1A], reading: [0x01, 0x00]),
        ])
    var driver = MAX17048()
    #expect(try driver.isConfigured(on: &bus) == false)
    #expect(thrown { () throws(ChipError) in try driver.read(on: &bus) } == .notConfigured)
    try driver.reset(on: &bus)
    try driver.configure(on: &bus)
    let reading = try driver.read(on: &bus)
    // The Linux driver's vector: 98D8h is 3.056875 V.
    #expect(reading.cellVoltage == .microvolts(3_056_875))
    #expect(reading.stateOfCharge == .partsPerMillion(605_000))
    #expect(reading.ratePartsPerMillionPerHour == -20_800)
    let lost = thrown { () throws(ChipError) in try driver.read(on: &bus) }
    #expect(lost == .configurationLost(register: 0x1A, expected: 0, found: 0x1900))
    for isHeld in [true, false, false] { #expect(try driver.isConfigured(on: &bus) == isHeld) }
    #expect(bus.finish() == [])
  }

  @Test(arguments: LostTransferTests.losses.indices) func lostTransfers(index: Int) {
    typealias Step = LostTransferTests.Step<MAX17048>
    let loss = LostTransferTests.losses[index]
    let bringUp: Step = { (driver, bus) throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus)
    }
    let read: Step = { (driver, bus) throws(ChipError) in
      let reading = try driver.read(on: &bus)
      #expect(reading.stateOfCharge == .partsPerMillion(600_000))
    }
    let check: Step = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    // A reset whose acknowledge is missing is no failure, so that one transfer is left out here.
    for nth in 1...15 where !(nth == 2 && loss.error == .noAcknowledge) {
      var bus = FailingBus(
        wrapping: RegisterFile.max17048(), failing: nth, with: loss.error, loss.moment)
      var driver = MAX17048()
      var failures = 0
      for step in [bringUp, read, check] {
        let error = thrown { () throws(ChipError) in try step(&driver, &bus) }
        guard let error else { continue }
        failures += 1
        #expect(error == .bus(loss.error), "transfer \(nth)")
        #expect(thrown { () throws(ChipError) in try step(&driver, &bus) } == nil)
      }
      // 2 transfers reset, 7 configure, 4 read, 2 check.
      #expect(failures == 1, "transfer \(nth)")
    }
  }

  /// A reset that did not reach the chip shows when it is configured.
  @Test func aMissedResetIsNoticed() throws {
    var chip = RegisterFile.max17048()
    var driver = MAX17048()
    try driver.configure(on: &chip)
    var bus = FailingBus(wrapping: chip, failing: 2)
    try driver.reset(on: &bus)
    let error = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    #expect(error == .resetIncomplete(register: 0x1A, found: 0x0000))
    bus.wrapped.set(0x1A, to: 0x0100)
    bus.wrapped.set(0x0C, to: 0x001C)
    let other = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    #expect(other == .resetIncomplete(register: 0x0C, found: 0x001C))
  }

  @Test(arguments: [0x18, 0x1A] as [UInt8]) func unheldRegistersAreRefused(register: UInt8) {
    var bus = RegisterFile.max17048()
    let stuck = bus.registers[register]
    bus.onWrite = { registers, _ in registers[register] = stuck }
    var driver = MAX17048()
    let error = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
    let wrote: UInt16 = register == 0x18 ? 0x7200 : 0
    let read: UInt16 = register == 0x18 ? 0x9605 : 0x0100
    #expect(error == .configurationNotHeld(register: register, wrote: wrote, read: read))
  }

  @Test func everyVersion() {
    for word in UInt16.min...UInt16.max {
      var bus = RegisterFile.max17048()
      bus.set(0x08, to: UInt64(word))
      var driver = MAX17048()
      let error = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
      let expected: ChipError? =
        0x10...0x1F ~= word ? nil : .unexpectedIdentity(expected: 0x0010, found: word)
      guard error == expected else {
        Issue.record("word \(word): \(String(describing: error))")
        return
      }
    }
  }

  @Test func everyWord() {
    for word in UInt16.min...UInt16.max {
      let nanovolts = Int64(word) * 78_125
      let voltage = Result { () throws(ChipError) in
        Int128(try MAX17048.cellVoltage(word: word).microvolts)
      }
      let expected: Result<Int128, ChipError> =
        2_200_000_000...5_100_000_000 ~= nanovolts
        ? .success(nearestQuotient(Int128(word) * 78_125, 1_000))
        : .failure(.rawValueOutOfRange(register: 0x02, found: UInt32(word)))
      // 1/256 % is 39.0625 ppm.
      let charge = nearestQuotient(Int128(word) * 390_625, 10_000)
      let rate = Int32(Int16(bitPattern: word)) * 2_080
      guard voltage == expected, MAX17048.rate(word: word) == rate,
        Int128(MAX17048.stateOfCharge(word: word).partsPerMillion) == charge
      else {
        Issue.record("word \(word): \(voltage)")
        return
      }
    }
  }
}

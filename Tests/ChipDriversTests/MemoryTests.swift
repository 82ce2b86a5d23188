// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct MB85RC256VDriverTests {
  static let chip = I2CAddress(0x53)
  let driver = MB85RC256V(address: chip)

  @Test func everyByteOnTheWire() throws {
    var bus = ScriptedI2CBus([
      Transaction(I2CAddress(0x7C), writing: [0xA6], reading: [0x00, 0xA5, 0x10]),
      Transaction(Self.chip, writing: [0x12, 0x34, 0x01, 0x02, 0x03]),
      Transaction(Self.chip, writing: [0x7F, 0xFE], reading: [0xAA, 0xBB]),
      Transaction(Self.chip, writing: [0x7F, 0xE0] + (0..<32).map { UInt8($0) }),
    ])
    try driver.checkIdentity(on: &bus)
    let bytes: [UInt8] = [1, 2, 3]
    try driver.write(bytes.span, to: 0x1234, on: &bus)
    var read: [UInt8] = [0, 0]
    var buffer = read.mutableSpan
    try driver.read(from: 0x7FFE, into: &buffer, on: &bus)
    #expect(read == [0xAA, 0xBB])
    let longest = (0..<32).map { UInt8($0) }
    try driver.write(longest.span, to: 0x7FE0, on: &bus)
    #expect(bus.finish() == [])
  }

  @Test(
    arguments: [
      ([0x00, 0xA5, 0x11], 0xA510, 0xA511), ([0x00, 0xA3, 0x10], 0xA510, 0xA310),
      ([0x01, 0xA5, 0x10], 0x00A5, 0x01A5), ([0xFF, 0xFF, 0xFF], 0xA510, 0xFFFF),
    ] as [([UInt8], UInt16, UInt16)])
  func otherIdentities(identity: [UInt8], expected: UInt16, found: UInt16) {
    var bus = ScriptedI2CBus([
      Transaction(I2CAddress(0x7C), writing: [0xA6], reading: identity)
    ])
    let error = thrown { () throws(ChipError) in try driver.checkIdentity(on: &bus) }
    #expect(error == .unexpectedIdentity(expected: expected, found: found))
  }

  @Test(arguments: [.noAcknowledge, .shortTransfer, .timedOut, .busStuck] as [I2CError])
  func failures(error: I2CError) {
    var bus = ScriptedI2CBus([
      Transaction(I2CAddress(0x7C), writing: [0xA6], failing: error),
      Transaction(Self.chip, writing: [0, 0, 7], failing: error),
      Transaction(Self.chip, writing: [0, 0], failing: error),
    ])
    let bytes: [UInt8] = [7]
    var read: [UInt8] = [0]
    #expect(thrown { () throws(ChipError) in try driver.checkIdentity(on: &bus) } == .bus(error))
    let write = thrown { () throws(ChipError) in try driver.write(bytes.span, to: 0, on: &bus) }
    #expect(write == .bus(error))
    var buffer = read.mutableSpan
    do throws(ChipError) {
      try driver.read(from: 0, into: &buffer, on: &bus)
      Issue.record("the failure was lost")
    } catch {
      #expect(error == write)
    }
    #expect(bus.finish() == [])
  }
}

@Suite struct AT24C32DriverTests {
  static let chip = I2CAddress(0x57)

  @Test func everyByteOnTheWire() throws {
    var driver = AT24C32(address: Self.chip)
    let page = (0..<32).map { UInt8($0) }
    var bus = ScriptedI2CBus([
      Transaction(Self.chip, writing: [0x0F, 0xE0] + page),
      Transaction(Self.chip, writing: [0, 0], failing: .noAcknowledge),
      Transaction(Self.chip, writing: [0, 0]),
      Transaction(Self.chip, writing: [0x0F, 0xE0], reading: page),
      Transaction(Self.chip, writing: [0x01, 0x1F, 0x55]),
    ])
    #expect(try driver.isReady(on: &bus, at: .microseconds(0)))
    try driver.write(page.span, to: 0xFE0, on: &bus, at: .microseconds(100))
    // While it is busy nothing is sent.
    let again = thrown { () throws(ChipError) in
      try driver.write(page.span, to: 0, on: &bus, at: .microseconds(101))
    }
    #expect(again == .busy)
    #expect(try driver.isReady(on: &bus, at: .microseconds(20_100)) == false)
    #expect(try driver.isReady(on: &bus, at: .microseconds(20_100)))
    var read = [UInt8](repeating: 0, count: 32)
    var buffer = read.mutableSpan
    try driver.read(from: 0xFE0, into: &buffer, on: &bus)
    #expect(read == page)
    let byte: [UInt8] = [0x55]
    try driver.write(byte.span, to: 0x11F, on: &bus, at: .microseconds(30_000))
    #expect(bus.finish() == [])
  }

  @Test func failures() {
    var driver = AT24C32(address: Self.chip)
    var bus = ScriptedI2CBus([
      Transaction(Self.chip, writing: [0, 0], failing: .timedOut),
      Transaction(Self.chip, writing: [0, 0, 7], failing: .shortTransfer),
      Transaction(Self.chip, writing: [0, 0], failing: .busStuck),
      Transaction(Self.chip, writing: [0, 0], failing: .noAcknowledge),
      Transaction(Self.chip, writing: [0, 0], failing: .noAcknowledge),
      Transaction(Self.chip, writing: [0, 0]),
    ])
    func read() -> ChipError? {
      thrown { () throws(ChipError) in
        var byte: InlineArray<1, UInt8> = [0]
        var buffer = byte.mutableSpan
        try driver.read(from: 0, into: &buffer, on: &bus)
      }
    }
    func isReady(at microseconds: Int64) -> Result<Bool, ChipError> {
      Result { () throws(ChipError) in
        try driver.isReady(on: &bus, at: .microseconds(microseconds))
      }
    }
    #expect(read() == .bus(.timedOut))
    let bytes: [UInt8] = [7]
    let write = thrown { () throws(ChipError) in
      try driver.write(bytes.span, to: 0, on: &bus, at: .microseconds(0))
    }
    #expect(write == .bus(.shortTransfer))
    // A write that failed may have started the cycle.
    #expect(read() == .busy)
    #expect(isReady(at: 1) == .failure(.bus(.busStuck)))
    #expect(isReady(at: 20_000) == .success(false))
    // No cycle is that long: the chip is gone.
    #expect(isReady(at: 20_001) == .failure(.bus(.noAcknowledge)))
    #expect(isReady(at: 20_002) == .success(true))
    #expect(bus.finish() == [])
  }
}

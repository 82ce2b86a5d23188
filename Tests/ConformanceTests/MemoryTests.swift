// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import DeterministicMath
import Quantities
import TestSupport
import Testing

@Suite struct MB85RC256VTests {
  @Test func identity() throws {
    let chip = MB85RC256VEmulator(address: I2CAddress(0x50))
    let identity = MB85RC256VIdentity(of: chip)
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    try bus.attach(identity)
    let driver = MB85RC256V(address: chip.address)
    try driver.checkIdentity(on: &bus)
    identity.identity = [0x00, 0xA5, 0x20]
    let error = thrown { () throws(ChipError) in try driver.checkIdentity(on: &bus) }
    #expect(error == .unexpectedIdentity(expected: 0xA510, found: 0xA520))
  }

  /// The whole memory, in pieces of every length, equals a model of it.
  @Test(arguments: [1, 2] as [UInt64]) func wholeMemory(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let chip = MB85RC256VEmulator(address: I2CAddress(0x50))
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    let driver = MB85RC256V(address: chip.address)
    var model: [UInt8] = []
    while model.count < 32_768 {
      let count = min(1 + Int(random.next() % 32), 32_768 - model.count)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      try driver.write(bytes.span, to: Int32(model.count), on: &bus)
      model += bytes
    }
    var found = [UInt8](repeating: 0, count: 32_768)
    var buffer = found.mutableSpan
    try driver.read(from: 0, into: &buffer, on: &bus)
    #expect(found == model, "seed \(seed)")
  }
}

@Suite struct AT24C32Tests {
  /// Polling finds the end of every cycle, of a fast part and of the slowest.
  @Test(arguments: [1_500, 5_000, 20_000] as [Int64]) func writeCycles(microseconds: Int64) throws {
    let chip = AT24C32Emulator(address: I2CAddress(0x57), writeMicroseconds: microseconds)
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    var driver = AT24C32(address: chip.address)
    var now: Int64 = 0
    for page: Int32 in 0..<128 {
      let bytes = (0..<32).map { UInt8(truncatingIfNeeded: page &* 7 &+ $0) }
      try driver.write(bytes.span, to: page * 32, on: &bus, at: .microseconds(now))
      let end = now + microseconds
      for time in [now + 1, end - 1, end] {
        now = time
        chip.advance(toMicroseconds: now)
        let isReady = try driver.isReady(on: &bus, at: .microseconds(now))
        #expect(isReady == (now == end))
      }
      var found = [UInt8](repeating: 0, count: 32)
      var buffer = found.mutableSpan
      try driver.read(from: page * 32, into: &buffer, on: &bus)
      #expect(found == bytes, "page \(page)")
    }
  }

  @Test func aPartThatNeverAnswersIsNotWaitedForForever() throws {
    let chip = AT24C32Emulator(address: I2CAddress(0x57))
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    var driver = AT24C32(address: chip.address)
    let bytes: [UInt8] = [1]
    try driver.write(bytes.span, to: 0, on: &bus, at: .microseconds(0))
    chip.isPresent = false
    #expect(try driver.isReady(on: &bus, at: .microseconds(20_000)) == false)
    let error = thrown { () throws(ChipError) in
      try driver.isReady(on: &bus, at: .microseconds(20_001))
    }
    #expect(error == .bus(.noAcknowledge))
  }
}

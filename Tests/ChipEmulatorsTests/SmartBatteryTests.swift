// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct SmartBatteryEmulatorTests {
  /// Four cells of 1500 mAh.
  struct Bench {
    let battery: SmartBatteryEmulator
    let bus = EmulatedI2CBus()
    var now: Int64 = 0
    var cellVolts = 3.8
    var amperes = 0.0

    init() throws {
      battery = SmartBatteryEmulator(seriesCells: 4, designCapacity: 1_500, stackVolts: 15.2)
      try bus.attach(battery)
    }

    mutating func pass(_ seconds: Int64) {
      now += seconds * 1_000_000
      battery.advance(
        toMicroseconds: now, stackVolts: 4 * cellVolts, amperes: amperes, celsius: 25)
    }

    func word(_ command: UInt8) throws -> UInt16 {
      let bytes = try bus.read(0x0B, [command], count: 2)
      return UInt16(bytes[1]) << 8 | UInt16(bytes[0])
    }

    func write(_ command: UInt8, _ word: UInt16) throws {
      try bus.write(0x0B, [command, UInt8(word & 0xFF), UInt8(word >> 8)])
    }
  }

  @Test func packetErrorCodes() throws {
    var bench = try Bench()
    bench.cellVolts = 3.057 / 4
    bench.amperes = -0.321
    // One cell of 3.057 V, as in the Linux driver's vectors.
    let battery = SmartBatteryEmulator(seriesCells: 1, designCapacity: 1_500, stackVolts: 3.057)
    let bus = EmulatedI2CBus()
    try bus.attach(battery)
    battery.advance(toMicroseconds: 1_000_000, stackVolts: 3.057, amperes: -0.321, celsius: 25)
    #expect(try bus.read(0x0B, [0x09], count: 4) == [0xF1, 0x0B, 0x5B, 0xFF])
    #expect(try bus.read(0x0B, [0x0A], count: 3) == [0xBF, 0xFE, 0x29])
    #expect(try bus.read(0x0B, [0x1A], count: 2) == [0x31, 0x00])
  }

  @Test func writesWithAndWithoutPacketErrorCode() throws {
    let bench = try Bench()
    try bench.write(0x01, 0x1234)
    #expect(try bench.word(0x01) == 0x1234)
    let right = BQ76920EmulatorTests.Bench.checksum([0x16, 0x01, 0x78, 0x56])
    try bench.bus.write(0x0B, [0x01, 0x78, 0x56, right])
    #expect(try bench.word(0x01) == 0x5678)
    for bit in 0..<32 {
      var frame: [UInt8] = [0x01, 0x9A, 0xBC, 0]
      frame[3] = BQ76920EmulatorTests.Bench.checksum([0x16, 0x01, 0x9A, 0xBC])
      frame[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      #expect(throws: I2CError.noAcknowledge) { try bench.bus.write(0x0B, frame) }
    }
    #expect(try bench.word(0x01) == 0x5678)
  }

  @Test func blocksAndErrors() throws {
    var bench = try Bench()
    bench.pass(1)
    #expect(try bench.bus.read(0x0B, [0x22], count: 5) == [4] + Array("LION".utf8))
    let frame = try bench.bus.read(0x0B, [0x22], count: 6)
    #expect(
      frame[5] == BQ76920EmulatorTests.Bench.checksum([0x16, 0x22, 0x17] + frame[..<5]))
    #expect(try bench.word(0x16) == 0x00C0)
    #expect(try bench.word(0x40) == 0xFFFF)
    #expect(try bench.word(0x16) == 0x00C3, "unsupported")
    #expect(try bench.word(0x09) == 15_200)
    #expect(try bench.word(0x16) == 0x00C0)
    try bench.write(0x09, 1)
    #expect(try bench.word(0x16) == 0x00C4, "denied")
  }

  @Test func countsAndEstimatesTimes() throws {
    var bench = try Bench()
    #expect(try bench.word(0x16) & 0x0080 == 0, "not initialised")
    bench.pass(1)
    // Half a lithium cell.
    #expect(try bench.word(0x0D) == 50)
    #expect(try bench.word(0x0F) == 750)
    #expect(try bench.word(0x11) == 65_535)
    bench.amperes = -0.75
    for _ in 0..<1_440 { bench.pass(1) }
    // 0.3 Ah less, and 450 mAh at 750 mA.
    #expect(try bench.word(0x0F) == 450)
    #expect(try bench.word(0x11) == 36)
    #expect(try bench.word(0x12) == 36)
    #expect(try bench.word(0x13) == 65_535)
    try bench.write(0x03, 0x8000)
    // 450 mAh · 14.8 V in 10 mWh.
    #expect(try bench.word(0x0F) == 666)
    try bench.write(0x03, 0)
    try bench.write(0x01, 451)
    #expect(try bench.word(0x16) == 0x02C0)
    try bench.write(0x02, 37)
    #expect(try bench.word(0x16) == 0x03C0)
    bench.amperes = 0.75
    bench.pass(1)
    #expect(try bench.word(0x16) & 0x0040 == 0)
  }

  @Test func endsOfTheCharge() throws {
    var bench = try Bench()
    bench.pass(1)
    bench.cellVolts = 4.1
    bench.amperes = 0.075
    bench.pass(1)
    #expect(try bench.word(0x0D) == 100)
    #expect(try bench.word(0x16) == 0x40A0)
    #expect(try bench.word(0x14) == 0)
    bench.cellVolts = 2.9
    bench.amperes = -1
    bench.pass(1)
    #expect(try bench.word(0x0D) == 0)
    #expect(try bench.word(0x16) == 0x0BD0)
    #expect(try bench.word(0x07) == 0)
  }

  /// A sodium cell at rest at 3.1 V is half full; the gauge believes in a lithium cell near empty.
  @Test func sodiumCells() throws {
    var bench = try Bench()
    bench.cellVolts = 3.1
    bench.pass(1)
    #expect(try bench.word(0x0D) == 0)
    // Below 2.5 V a cell it is silent, and forgets what was set.
    try bench.write(0x03, 0x4000)
    bench.cellVolts = 2.4
    bench.pass(1)
    #expect(throws: I2CError.noAcknowledge) { try bench.word(0x09) }
    bench.cellVolts = 3.1
    bench.pass(1)
    #expect(try bench.word(0x03) == 0)
    #expect(try bench.word(0x09) == 12_400)
  }
}

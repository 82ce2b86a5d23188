// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct BQ34Z100EmulatorTests {
  /// Four cells over a divider of 20 and 10 mΩ.
  struct Bench {
    let chip = BQ34Z100Emulator()
    let bus = EmulatedI2CBus()
    var now: Int64 = 0
    var cellVolts = 3.8
    var amperes = 0.0
    var celsius = 25.0
    var supply = 3.3

    init() throws { try bus.attach(chip) }

    mutating func pass(_ seconds: Double) {
      now += Int64(seconds * 1e6)
      chip.advance(
        toMicroseconds: now, pinVolts: 4 * cellVolts / 20, shuntVolts: amperes * 0.01,
        celsius: celsius, supplyVolts: supply)
    }

    func word(_ command: UInt8) throws -> UInt16 {
      let bytes = try bus.read(0x55, [command], count: 2)
      return UInt16(bytes[1]) << 8 | UInt16(bytes[0])
    }

    func write(_ bytes: UInt8...) throws { try bus.write(0x55, bytes) }

    func control(_ subcommand: UInt16) throws -> UInt16 {
      try write(0x00, UInt8(subcommand & 0xFF), UInt8(subcommand >> 8))
      return try word(0x00)
    }

    func unseal() throws {
      try write(0x00, 0x14, 0x04)
      try write(0x00, 0x72, 0x36)
    }

    mutating func select(_ dataClass: UInt8, _ block: UInt8) throws -> [UInt8] {
      try write(0x61, 0x00)
      try write(0x3E, dataClass, block)
      pass(0.001)
      return try bus.read(0x55, [0x40], count: 32)
    }

    /// Writes bytes into a block, and the checksum that goes with them.
    mutating func program(
      _ dataClass: UInt8, _ block: UInt8, at offset: UInt8, _ bytes: [UInt8], flaw: UInt8 = 0
    ) throws {
      var content = try select(dataClass, block)
      try bus.write(0x55, [0x40 + offset] + bytes)
      for (index, byte) in bytes.enumerated() { content[Int(offset) + index] = byte }
      try write(0x60, UInt8(255 - content.reduce(0) { $0 + Int($1) } % 256) ^ flaw)
    }
  }

  @Test func fromTheFactory() throws {
    var bench = try Bench()
    bench.pass(1)
    #expect(try bench.control(0x0001) == 0x0100)
    #expect(try bench.control(0x0000) == 0x2000, "sealed, and not gauging")
    #expect(try bench.word(0x3A) == 0x0941)
    #expect(try bench.word(0x3C) == 1_000)
    #expect(try bench.word(0x02) == 0x0200, "empty as long as it does not gauge")
    // 5 V at 1 V of the pin, until it is told otherwise.
    #expect(try bench.word(0x08) == 3_800)
    #expect(try bench.word(0x0C) == 2_982)
  }

  /// The flash is closed until both halves of the key came one after the other.
  @Test func theKey() throws {
    var bench = try Bench()
    #expect(try bench.select(104, 0) == [UInt8](repeating: 0, count: 32))
    try bench.write(0x00, 0x72, 0x36)
    #expect(try bench.control(0x0000) & 0x2000 != 0)
    try bench.write(0x00, 0x14, 0x04)
    try bench.write(0x61, 0x00)
    try bench.write(0x00, 0x72, 0x36)
    #expect(try bench.control(0x0000) & 0x2000 != 0, "something came in between")
    try bench.unseal()
    #expect(try bench.control(0x0000) & 0x2000 == 0)
    let calibration = try bench.select(104, 0)
    #expect(Array(calibration[..<4]) == [0x7F, 0x74, 0x20, 0x5C])
    #expect(Array(calibration[14..<16]) == [0x13, 0x88])
    #expect(try bench.select(80, 1)[21...22] == [0x0B, 0xB8])
    #expect(try bench.select(48, 0)[11...12] == [0x03, 0xE8])
    #expect(try bench.select(64, 0)[7] == 1)
    #expect(try bench.select(7, 0) == [UInt8](repeating: 0, count: 32))
    _ = try bench.control(0x0020)
    #expect(try bench.select(104, 0) == [UInt8](repeating: 0, count: 32))
  }

  /// A block is there a millisecond after it was asked for, and programmed with the right checksum only.
  @Test func programming() throws {
    var bench = try Bench()
    try bench.unseal()
    try bench.write(0x61, 0x00)
    try bench.write(0x3E, 104, 0)
    #expect(try bench.bus.read(0x55, [0x40], count: 1) == [0])
    try bench.program(104, 0, at: 14, [0x4E, 0x20], flaw: 1)
    #expect(bench.chip.programmedBlocks == 0)
    try bench.program(104, 0, at: 14, [0x4E, 0x20])
    #expect(bench.chip.programmedBlocks == 1)
    #expect(throws: I2CError.noAcknowledge) { try bench.word(0x08) }
    bench.pass(0.11)
    #expect(try bench.select(104, 0)[14...15] == [0x4E, 0x20])
    bench.pass(1)
    #expect(try bench.word(0x08) == 15_200)
  }

  static func gauging() throws -> Bench {
    var bench = try Bench()
    try bench.unseal()
    for (dataClass, block, offset, bytes) in [
      (104, 0, 14, [0x4E, 0x20]), (64, 0, 7, [4]), (48, 0, 11, [0x05, 0xDC]),
    ] as [(UInt8, UInt8, UInt8, [UInt8])] {
      try bench.program(dataClass, block, at: offset, bytes)
      bench.pass(0.11)
    }
    _ = try bench.control(0x0021)
    #expect(try bench.control(0x0000) & 0x0001 == 1)
    bench.pass(1)
    return bench
  }

  @Test func gaugesALithiumCell() throws {
    var bench = try Self.gauging()
    // Half of a lithium cell.
    #expect(try bench.word(0x02) == 0x0200 | 50)
    #expect(try bench.word(0x04) == 750)
    #expect(try bench.word(0x06) == 1_500)
    bench.amperes = -0.75
    for _ in 0..<1_440 { bench.pass(1) }
    #expect(try bench.word(0x04) == 450)
    #expect(try bench.word(0x10) == UInt16(bitPattern: -750))
    #expect(try bench.word(0x0A) == UInt16(bitPattern: -750))
    // 450 mAh at 14.8 V and 0.75 A at 15.2 V, in 10 mWh and 10 mW.
    #expect(try bench.word(0x24) == 666)
    #expect(try bench.word(0x26) == UInt16(bitPattern: -1_140))
    #expect(try bench.word(0x0E) == 0x0101)
    bench.cellVolts = 2.9
    bench.pass(1)
    #expect(try bench.word(0x02) & 0xFF == 0, "3.0 V a cell are its end")
    #expect(try bench.word(0x0E) == 0x0107)
    bench.cellVolts = 4.1
    bench.amperes = 0.07
    bench.celsius = 56
    bench.pass(1)
    #expect(try bench.word(0x02) & 0xFF == 100)
    #expect(try bench.word(0x0E) == 0x8200)
    bench.celsius = 60
    bench.pass(1)
    #expect(try bench.word(0x0E) == 0xC200)
  }

  /// Without its rail it is silent; the flash keeps what it was told, and the count begins anew.
  @Test func dropOut() throws {
    var bench = try Self.gauging()
    bench.amperes = -0.75
    for _ in 0..<600 { bench.pass(1) }
    #expect(try bench.word(0x02) & 0xFF == 42)
    bench.supply = 2.6
    bench.pass(1)
    #expect(throws: I2CError.noAcknowledge) { try bench.word(0x08) }
    bench.supply = 3.3
    bench.pass(1)
    #expect(try bench.control(0x0000) == 0x2003)
    #expect(try bench.word(0x3C) == 1_500)
    #expect(try bench.word(0x08) == 15_200)
    #expect(try bench.word(0x02) & 0xFF == 50)
    #expect(bench.chip.programmedBlocks == 3)
  }
}

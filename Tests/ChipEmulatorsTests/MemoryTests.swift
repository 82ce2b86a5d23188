// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct MB85RC256VEmulatorTests {
  private func bench() throws -> (MB85RC256VEmulator, EmulatedI2CBus) {
    let chip = MB85RC256VEmulator(address: I2CAddress(0x51))
    let bus = EmulatedI2CBus()
    try bus.attach(chip)
    try bus.attach(MB85RC256VIdentity(of: chip))
    return (chip, bus)
  }

  @Test func identity() throws {
    let (chip, bus) = try bench()
    #expect(try bus.read(0x7C, [0xA2], count: 4) == [0x00, 0xA5, 0x10, 0x00])
    #expect(throws: I2CError.noAcknowledge) { try bus.read(0x7C, [0xA0], count: 3) }
    #expect(throws: I2CError.noAcknowledge) { try bus.read(0x7C, [], count: 3) }
    chip.isPresent = false
    #expect(throws: I2CError.noAcknowledge) { try bus.read(0x7C, [0xA2], count: 3) }
  }

  @Test func addressesRollOver() throws {
    let (chip, bus) = try bench()
    try bus.write(0x51, [0x7F, 0xFE, 1, 2, 3, 4])
    // Bit 15 is ignored.
    #expect(try bus.read(0x51, [0xFF, 0xFE], count: 4) == [1, 2, 3, 4])
    #expect(try bus.read(0x51, [0x00, 0x00], count: 1) == [3])
    #expect(try bus.read(0x51, [], count: 2) == [4, 0], "a read goes on where the last one ended")
    #expect(chip.bytesWritten == 4)
  }

  @Test func eachByteIsStoredAtOnce() throws {
    let (chip, bus) = try bench()
    #expect(chip.start(.write))
    for byte: UInt8 in [0x01, 0x00, 0xAA, 0xBB] { #expect(chip.receive(byte)) }
    // No stop condition: the supply is gone.
    chip.powerCycle()
    #expect(try bus.read(0x51, [0x01, 0x00], count: 3) == [0xAA, 0xBB, 0x00])
    chip.isWriteProtected = true
    try bus.write(0x51, [0x01, 0x00, 0xCC])
    #expect(try bus.read(0x51, [0x01, 0x00], count: 1) == [0xAA])
  }
}

@Suite struct AT24C32EmulatorTests {
  private func bench(
    _ writeMicroseconds: Int64 = 5_000, seed: UInt64 = 1
  ) throws -> (AT24C32Emulator, EmulatedI2CBus) {
    let chip = AT24C32Emulator(
      address: I2CAddress(0x57), writeMicroseconds: writeMicroseconds, seed: seed)
    let bus = EmulatedI2CBus()
    try bus.attach(chip)
    return (chip, bus)
  }

  @Test func writesWrapInTheirPage() throws {
    let (chip, bus) = try bench(0)
    try bus.write(0x57, [0x00, 0x3E, 1, 2, 3, 4])
    #expect(try bus.read(0x57, [0x00, 0x3E], count: 3) == [1, 2, 0xFF])
    #expect(try bus.read(0x57, [0x00, 0x20], count: 3) == [3, 4, 0xFF])
    // More than a page: the first bytes are overwritten.
    try bus.write(0x57, [0x00, 0x40] + (0..<34).map { UInt8($0) })
    #expect(try bus.read(0x57, [0x00, 0x40], count: 3) == [32, 33, 2])
    #expect(chip.pageWrites[1] == 1)
    #expect(chip.pageWrites[2] == 1)
    // Reads do not wrap in pages, but at the end; the upper four bits are ignored.
    try bus.write(0x57, [0x0F, 0xFF, 9])
    try bus.write(0x57, [0x00, 0x00, 8])
    #expect(try bus.read(0x57, [0xFF, 0xFF], count: 2) == [9, 8])
    #expect(try bus.read(0x57, [], count: 1) == [0xFF])
  }

  @Test func isBusyAfterAWrite() throws {
    let (chip, bus) = try bench()
    try bus.write(0x57, [0, 0])
    #expect(!chip.isBusy, "a position alone starts no cycle")
    try bus.write(0x57, [0, 0, 1])
    for time: Int64 in [0, 1, 4_999] {
      chip.advance(toMicroseconds: time)
      #expect(throws: I2CError.noAcknowledge) { try bus.write(0x57, [0, 0]) }
      #expect(throws: I2CError.noAcknowledge) { try bus.read(0x57, [], count: 1) }
    }
    chip.advance(toMicroseconds: 5_000)
    #expect(try bus.read(0x57, [0, 0], count: 1) == [1])
    chip.isWriteProtected = true
    try bus.write(0x57, [0, 0, 2])
    #expect(try bus.read(0x57, [0, 0], count: 1) == [1])
    #expect(chip.pageWrites[0] == 1)
  }

  /// A repeated start in place of the stop condition drops the write; so does a lost supply.
  @Test func unfinishedWrites() throws {
    let (chip, bus) = try bench()
    #expect(try bus.read(0x57, [0, 0, 5], count: 1) == [0xFF])
    #expect(chip.start(.write))
    for byte: UInt8 in [0, 0, 5] { #expect(chip.receive(byte)) }
    chip.powerCycle()
    chip.stop()
    #expect(!chip.isBusy)
    #expect(try bus.read(0x57, [0, 0], count: 1) == [0xFF])
  }

  /// A broken write cycle leaves its page, and only it, a mixture.
  @Test(arguments: [1, 2, 3] as [UInt64]) func brokenCycle(seed: UInt64) throws {
    let (chip, bus) = try bench(seed: seed)
    chip.memory = [UInt8](repeating: 0x11, count: 4_096)
    try bus.write(0x57, [0, 0x20] + [UInt8](repeating: 0x22, count: 32))
    chip.advance(toMicroseconds: 2_500)
    chip.powerCycle()
    #expect(!chip.isBusy)
    let page = Set(chip.memory[32..<64])
    #expect(page == [0x11, 0x22, 0xFF], "seed \(seed)")
    #expect(Set(chip.memory[0..<32] + chip.memory[64...]) == [0x11])
    #expect(chip.pageWrites[1] == 1)
  }
}

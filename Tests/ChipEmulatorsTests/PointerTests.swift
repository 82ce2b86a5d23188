// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// The pointer register, alike in all four chips: it stays where it was set, and never moves by
/// itself.
@Suite struct PointerTests {
  /// A chip, register 0 at power-on, and a writable 16-bit register with its value at power-on.
  struct Case: Sendable {
    let name: String
    let address: UInt8
    let atZero: [UInt8]
    let writable: UInt8
    let atReset: [UInt8]
    let attach: @Sendable (EmulatedI2CBus) throws -> any I2CTarget
  }

  static let cases = [
    Case(
      name: "INA228", address: 0x40, atZero: [0x00, 0x00], writable: 0x0C, atReset: [0x7F, 0xFF]
    ) { try attach(INA228Emulator(address: I2CAddress(0x40)), to: $0) },
    Case(
      name: "INA226", address: 0x45, atZero: [0x41, 0x27], writable: 0x07, atReset: [0x00, 0x00]
    ) { try attach(INA226Emulator(address: I2CAddress(0x45)), to: $0) },
    Case(
      name: "ADS1115", address: 0x48, atZero: [0x00, 0x00], writable: 0x03, atReset: [0x7F, 0xFF]
    ) { try attach(ADS1115Emulator(address: I2CAddress(0x48)), to: $0) },
    Case(
      name: "TMP117", address: 0x49, atZero: [0x80, 0x00], writable: 0x02, atReset: [0x60, 0x00]
    ) { try attach(TMP117Emulator(address: I2CAddress(0x49)), to: $0) },
  ]

  private static func attach(
    _ chip: some I2CTarget, to bus: EmulatedI2CBus
  ) throws -> any I2CTarget {
    try bus.attach(chip)
    return chip
  }

  private func bus(_ index: Int) throws -> EmulatedI2CBus {
    let bus = EmulatedI2CBus()
    _ = try Self.cases[index].attach(bus)
    return bus
  }

  @Test(arguments: cases.indices) func isZeroAtPowerOn(index: Int) throws {
    let chip = Self.cases[index]
    let bus = try bus(index)
    #expect(try bus.read(chip.address, [], count: 2) == chip.atZero, "\(chip.name)")
    try bus.write(chip.address, [chip.writable])
    let target = try #require(bus.target(at: I2CAddress(chip.address)))
    switch target {
    case let target as INA228Emulator: target.powerCycle()
    case let target as INA226Emulator: target.powerCycle()
    case let target as ADS1115Emulator: target.powerCycle()
    case let target as TMP117Emulator: target.powerCycle()
    default: Issue.record("\(chip.name)")
    }
    #expect(try bus.read(chip.address, [], count: 2) == chip.atZero, "\(chip.name)")
  }

  @Test(arguments: cases.indices) func staysAfterReadsAndWrites(index: Int) throws {
    let chip = Self.cases[index]
    let bus = try bus(index)
    for _ in 0..<3 {
      #expect(try bus.read(chip.address, [chip.writable], count: 2) == chip.atReset)
      #expect(try bus.read(chip.address, [], count: 2) == chip.atReset, "\(chip.name)")
    }
    try bus.write(chip.address, [chip.writable, 0x12, 0x34])
    #expect(try bus.read(chip.address, [], count: 2) == [0x12, 0x34], "\(chip.name)")
    #expect(try bus.read(chip.address, [], count: 2) == [0x12, 0x34], "\(chip.name)")
    // One byte is the more significant one.
    #expect(try bus.read(chip.address, [], count: 1) == [0x12], "\(chip.name)")
  }

  /// Reading on past the end of a register does not reach the next one; nor does writing on.
  @Test(arguments: cases.indices) func neverMovesByItself(index: Int) throws {
    let chip = Self.cases[index]
    let bus = try bus(index)
    let before = chip.writable - 1
    let neighbour = try bus.read(chip.address, [chip.writable], count: 2)
    try bus.write(chip.address, [before, 0x05, 0x83, 0x12, 0x34])
    #expect(try bus.read(chip.address, [chip.writable], count: 2) == neighbour, "\(chip.name)")
    try bus.write(chip.address, [chip.writable, 0x12, 0x34])
    let beyond = try bus.read(chip.address, [before], count: 4)
    #expect(beyond[2...] != [0x12, 0x34], "\(chip.name)")
  }

  /// A write that ends after one byte of the value changes nothing.
  @Test(arguments: cases.indices) func halfAWriteChangesNothing(index: Int) throws {
    let chip = Self.cases[index]
    let bus = try bus(index)
    try bus.write(chip.address, [chip.writable, 0x12])
    #expect(try bus.read(chip.address, [], count: 2) == chip.atReset, "\(chip.name)")
    try bus.write(chip.address, [chip.writable, 0x12, 0x34, 0x56, 0x78])
    #expect(try bus.read(chip.address, [], count: 2) == [0x12, 0x34], "\(chip.name)")
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import BusProtocols

/// Register access with a one-byte pointer and the most significant byte first, as most chips here have
/// it. Those with the least significant byte first swap what they read and write.
extension I2CBus where Self: ~Copyable {
  /// Reads `width` bytes of a register in one transaction with a repeated start.
  mutating func readBytes<let width: Int>(
    of register: UInt8, at address: I2CAddress, into bytes: inout InlineArray<width, UInt8>
  ) throws(ChipError) {
    let pointer: InlineArray<1, UInt8> = [register]
    do {
      var buffer = bytes.mutableSpan
      try transfer(with: address, writing: pointer.span, reading: &buffer)
    } catch {
      throw .bus(error)
    }
  }

  /// Reads an 8-bit register.
  mutating func read8(
    _ register: UInt8, at address: I2CAddress
  ) throws(ChipError) -> UInt8 {
    var bytes: InlineArray<1, UInt8> = [0]
    try readBytes(of: register, at: address, into: &bytes)
    return bytes[0]
  }

  /// Reads a 16-bit register.
  mutating func read16(
    _ register: UInt8, at address: I2CAddress
  ) throws(ChipError) -> UInt16 {
    var bytes: InlineArray<2, UInt8> = [0, 0]
    try readBytes(of: register, at: address, into: &bytes)
    return UInt16(bytes[0]) << 8 | UInt16(bytes[1])
  }

  /// Reads a 24-bit register.
  mutating func read24(
    _ register: UInt8, at address: I2CAddress
  ) throws(ChipError) -> UInt32 {
    var bytes: InlineArray<3, UInt8> = [0, 0, 0]
    try readBytes(of: register, at: address, into: &bytes)
    return UInt32(bytes[0]) << 16 | UInt32(bytes[1]) << 8 | UInt32(bytes[2])
  }

  /// Reads a 40-bit register.
  mutating func read40(
    _ register: UInt8, at address: I2CAddress
  ) throws(ChipError) -> UInt64 {
    var bytes: InlineArray<5, UInt8> = [0, 0, 0, 0, 0]
    try readBytes(of: register, at: address, into: &bytes)
    let high = UInt32(bytes[0])
    let low =
      UInt32(bytes[1]) << 24 | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 8 | UInt32(bytes[4])
    return UInt64(high) << 32 | UInt64(low)
  }

  /// Writes an 8-bit register.
  mutating func write8(
    _ value: UInt8, to register: UInt8, at address: I2CAddress
  ) throws(ChipError) {
    let bytes: InlineArray<2, UInt8> = [register, value]
    do {
      var buffer = MutableSpan<UInt8>()
      try transfer(with: address, writing: bytes.span, reading: &buffer)
    } catch {
      throw .bus(error)
    }
  }

  /// Writes an 8-bit register and reads it back.
  mutating func writeAndVerify8(
    _ value: UInt8, to register: UInt8, at address: I2CAddress
  ) throws(ChipError) {
    try write8(value, to: register, at: address)
    let held = try read8(register, at: address)
    guard held == value else {
      throw .configurationNotHeld(register: register, wrote: UInt16(value), read: UInt16(held))
    }
  }

  /// Writes a 16-bit register.
  mutating func write16(
    _ value: UInt16, to register: UInt8, at address: I2CAddress
  ) throws(ChipError) {
    let bytes: InlineArray<3, UInt8> = [
      register, UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value),
    ]
    do {
      // Not an InlineArray of no elements: its span crashes the Embedded optimiser of Swift 6.3.1.
      var buffer = MutableSpan<UInt8>()
      try transfer(with: address, writing: bytes.span, reading: &buffer)
    } catch {
      throw .bus(error)
    }
  }

  /// Writes a 16-bit register and reads it back; bits outside `mask` may differ.
  mutating func writeAndVerify16(
    _ value: UInt16, to register: UInt8, at address: I2CAddress, mask: UInt16 = 0xFFFF
  ) throws(ChipError) {
    try write16(value, to: register, at: address)
    let held = try read16(register, at: address)
    guard held & mask == value & mask else {
      throw .configurationNotHeld(register: register, wrote: value, read: held)
    }
  }
}

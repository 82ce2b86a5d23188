// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators

/// The bus as the tests use it: arrays in, numbers out.
extension EmulatedI2CBus {
  func read(_ address: UInt8, _ writing: [UInt8], count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: count)
    var span = bytes.mutableSpan
    try transfer(with: I2CAddress(address), writing: writing.span, reading: &span)
    return bytes
  }

  func write(_ address: UInt8, _ bytes: [UInt8]) throws {
    _ = try read(address, bytes, count: 0)
  }

  /// An unsigned big-endian register of `count` bytes.
  func register(_ address: UInt8, _ pointer: UInt8, count: Int = 2) throws -> UInt64 {
    try read(address, [pointer], count: count).reduce(0) { $0 << 8 | UInt64($1) }
  }

  func setRegister(_ address: UInt8, _ pointer: UInt8, _ value: UInt16) throws {
    try write(address, [pointer, UInt8(value >> 8), UInt8(value & 0xFF)])
  }

  /// A signed 20-bit field in the upper bits of a 24-bit register.
  func signed20(_ address: UInt8, _ pointer: UInt8) throws -> Int64 {
    Int64(bitPattern: try register(address, pointer, count: 3) << 40) >> 44
  }

  /// A signed 40-bit register.
  func signed40(_ address: UInt8, _ pointer: UInt8) throws -> Int64 {
    Int64(bitPattern: try register(address, pointer, count: 5) << 24) >> 24
  }

  func signed16(_ address: UInt8, _ pointer: UInt8) throws -> Int16 {
    Int16(bitPattern: UInt16(try register(address, pointer)))
  }
}

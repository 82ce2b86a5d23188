// SPDX-License-Identifier: Apache-2.0

import BusProtocols

/// The least a chip can be: registers behind a pointer. Not an emulator; the tests set every word.
struct RegisterFile: I2CBus {
  let address: I2CAddress
  /// Register address to its bytes, most significant first.
  var registers: [UInt8: [UInt8]]
  /// Called after a write; turns what was written into what the register then holds.
  var onWrite: (inout [UInt8: [UInt8]], UInt8) -> Void = { _, _ in }
  /// Called after a read.
  var onRead: (inout [UInt8: [UInt8]], UInt8) -> Void = { _, _ in }

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    guard address == self.address, !bytes.isEmpty else { throw .noAcknowledge }
    let register = bytes[0]
    guard let held = registers[register] else { throw .noAcknowledge }
    if bytes.count > 1 {
      registers[register] = (1..<bytes.count).map { bytes[$0] }
      onWrite(&registers, register)
    }
    guard !buffer.isEmpty else { return }
    guard buffer.count == held.count else { throw .shortTransfer }
    for index in buffer.indices { buffer[index] = held[index] }
    onRead(&registers, register)
  }

  /// Sets a register to the low `count` bytes of a value.
  mutating func set(_ register: UInt8, to value: UInt64, bytes count: Int = 2) {
    registers[register] = (0..<count).reversed().map {
      UInt8(truncatingIfNeeded: value >> UInt64($0 * 8))
    }
  }

  func word(_ register: UInt8) -> UInt16? {
    guard let bytes = registers[register], bytes.count == 2 else { return nil }
    return UInt16(bytes[0]) << 8 | UInt16(bytes[1])
  }
}

extension RegisterFile {
  /// An INA228 after power-on, with a result waiting.
  static func ina228(at address: I2CAddress = I2CAddress(0x40)) -> RegisterFile {
    let atReset: [UInt8: [UInt8]] = [
      0x00: [0x00, 0x00], 0x01: [0xFB, 0x68], 0x02: [0x10, 0x00], 0x04: [0, 0, 0],
      0x05: [0, 0, 0], 0x06: [0, 0], 0x0A: [0, 0, 0, 0, 0], 0x0B: [0x00, 0x03],
      0x3E: [0x54, 0x49], 0x3F: [0x22, 0x81],
    ]
    var file = RegisterFile(address: address, registers: atReset)
    file.onWrite = { registers, register in
      guard let high = registers[register]?.first else { return }
      if register == 0x00, high & 0x80 != 0 { registers = atReset }
      if register == 0x00, high & 0x40 != 0 {
        registers[0x00]?[0] = high & 0x3F
        registers[0x0A] = [0, 0, 0, 0, 0]
      }
      if register == 0x0B { registers[0x0B] = [high & 0xF0, 0x03] }
    }
    return file
  }

  /// An INA226 after power-on, with a result waiting.
  static func ina226(at address: I2CAddress = I2CAddress(0x40)) -> RegisterFile {
    let atReset: [UInt8: [UInt8]] = [
      0x00: [0x41, 0x27], 0x01: [0, 0], 0x02: [0, 0], 0x05: [0, 0], 0x06: [0x00, 0x08],
      0xFE: [0x54, 0x49], 0xFF: [0x22, 0x60],
    ]
    var file = RegisterFile(address: address, registers: atReset)
    file.onWrite = { registers, register in
      if register == 0x00, let high = registers[0x00]?.first, high & 0x80 != 0 {
        registers = atReset
      }
      if register == 0x06, let low = registers[0x06]?.last { registers[0x06]?[1] = low | 0x08 }
    }
    return file
  }

  /// A TMP117 after its first conversion, 25 °C.
  static func tmp117(at address: I2CAddress = I2CAddress(0x48)) -> RegisterFile {
    let atReset: [UInt8: [UInt8]] = [
      0x00: [0x0C, 0x80], 0x01: [0x22, 0x20], 0x0F: [0x01, 0x17],
    ]
    var file = RegisterFile(address: address, registers: atReset)
    file.onWrite = { registers, register in
      guard register == 0x01, let low = registers[0x01]?.last else { return }
      if low & 0x02 != 0 { registers = atReset }
      if let high = registers[0x01]?.first { registers[0x01]?[0] = high | 0x20 }
    }
    // Reading the configuration or the temperature clears Data_Ready (bit 13).
    file.onRead = { registers, _ in
      if let high = registers[0x01]?.first { registers[0x01]?[0] = high & ~0x20 }
    }
    return file
  }

  /// An ADS1115 whose conversions finish at once.
  static func ads1115(at address: I2CAddress = I2CAddress(0x48)) -> RegisterFile {
    var file = RegisterFile(
      address: address,
      registers: [0x00: [0, 0], 0x01: [0x85, 0x83], 0x02: [0x80, 0x00], 0x03: [0x7F, 0xFF]])
    file.onWrite = { registers, register in
      if register == 0x01, let high = registers[0x01]?.first { registers[0x01]?[0] = high | 0x80 }
    }
    return file
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// What is found of one chip on a bus.
public struct ChipProbe: Equatable, Sendable {
  /// What was found.
  public enum Finding: Equatable, Sendable {
    /// The chip answers with its own identity, or has none and answers.
    case present(identity: UInt16?)
    /// Something else answers.
    case wrong(expected: UInt16, found: UInt16)
    /// Something answers, but without the checksum that the chip puts behind each byte.
    case unchecked
    /// It cannot be asked.
    case failed(I2CError)
  }

  /// Asks a chip who it is, by its identity registers; changes nothing that lasts.
  ///
  /// A chip without such a register is only asked whether it answers. The general register of a gauge
  /// is written to ask for its type, as its reference describes.
  public static func ask<Bus: I2CBus & ~Copyable>(
    _ kind: ChipKind, at address: UInt8, on bus: inout Bus
  ) -> Finding {
    let address = I2CAddress(address)
    do throws(I2CError) {
      switch kind.identity {
      case .none:
        let pointer: [UInt8] = kind == .at24c32 ? [] : [0]
        _ = try read(pointer, 1, at: address, on: &bus)
        return .present(identity: nil)
      case .word(let register, let mask, let expected, let isLittle):
        let bytes = try read([register], 2, at: address, on: &bus)
        return judge(word(bytes, isLittle), mask, expected)
      case .subcommand(let number, let expected):
        var nothing = MutableSpan<UInt8>()
        let question = [0x00, UInt8(truncatingIfNeeded: number), UInt8(number >> 8)]
        try bus.transfer(with: address, writing: question.span, reading: &nothing)
        return judge(word(try read([0x00], 2, at: address, on: &bus), true), 0xFFFF, expected)
      case .checksum:
        return try isChecked(address, on: &bus) ? .present(identity: nil) : .unchecked
      case .reserved(let expected):
        // The identity has an address of its own, and its answer says nothing if the chip is away.
        _ = try read([0, 0], 1, at: address, on: &bus)
        let bytes = try read([address.rawValue << 1], 3, at: I2CAddress(0x7C), on: &bus)
        return judge(UInt16(bytes[0]) << 8 | UInt16(bytes[1]), 0xFFFF, expected)
      }
    } catch {
      return .failed(error)
    }
  }

  /// Whether a BQ76920's status comes with its checksum, which covers the address and the byte.
  private static func isChecked<Bus: I2CBus & ~Copyable>(
    _ address: I2CAddress, on bus: inout Bus
  ) throws(I2CError) -> Bool {
    let bytes = try read([0x00], 2, at: address, on: &bus)
    var rest = UInt16(address.rawValue << 1 | 1) << 8
    // CRC-8 with x⁸ + x² + x + 1, bit after bit.
    for byte in [bytes[0], 0] {
      rest ^= UInt16(byte)
      for _ in 0..<8 { rest = rest & 0x8000 != 0 ? rest << 1 ^ 0x0700 : rest << 1 }
    }
    return rest == UInt16(bytes[1]) << 8
  }

  private static func judge(_ found: UInt16, _ mask: UInt16, _ expected: UInt16) -> Finding {
    found & mask == expected ? .present(identity: found) : .wrong(expected: expected, found: found)
  }

  private static func word(_ bytes: [UInt8], _ isLittle: Bool) -> UInt16 {
    isLittle
      ? UInt16(bytes[1]) << 8 | UInt16(bytes[0]) : UInt16(bytes[0]) << 8 | UInt16(bytes[1])
  }

  private static func read<Bus: I2CBus & ~Copyable>(
    _ written: [UInt8], _ count: Int, at address: I2CAddress, on bus: inout Bus
  ) throws(I2CError) -> [UInt8] {
    var answer = [UInt8](repeating: 0, count: count)
    var span = answer.mutableSpan
    try bus.transfer(with: address, writing: written.span, reading: &span)
    return answer
  }

  /// Whether anything answers at an address: what `i2cdetect` does.
  ///
  /// Where memories are common a byte is read, since a write of no bytes can be one of their writes.
  ///
  /// - Returns: nil if something answers.
  public static func call<Bus: I2CBus & ~Copyable>(
    _ address: UInt8, on bus: inout Bus
  ) -> I2CError? {
    do throws(I2CError) {
      if (0x30...0x37).contains(address) || (0x50...0x5F).contains(address) {
        _ = try read([], 1, at: I2CAddress(address), on: &bus)
      } else {
        var nothing = MutableSpan<UInt8>()
        try bus.transfer(with: I2CAddress(address), writing: Span(), reading: &nothing)
      }
      return nil
    } catch {
      return error
    }
  }
}

extension ChipKind {
  /// How a chip says who it is.
  enum Identity {
    /// It does not.
    case none
    /// In a register of two bytes.
    case word(register: UInt8, mask: UInt16, expected: UInt16, isLittle: Bool = false)
    /// As the answer to a subcommand of its general register.
    case subcommand(UInt16, expected: UInt16)
    /// By the checksum behind each of its bytes.
    case checksum
    /// At a reserved address of the bus.
    case reserved(expected: UInt16)
  }

  /// By the datasheets: INA228 table 7-22 (DEVICE_ID), INA226 table 7-1, TMP117 table 7-1, TMP102 (the
  /// two bits of the resolution, which are always set), MAX17048 (VERSION), MAX17055 (DevName),
  /// BQ27441, BQ27427 and BQ34Z100 (DEVICE_TYPE), the smart battery (SpecificationInfo), MB85RC256V (device ID). The last digit is a revision.
  var identity: Identity {
    switch self {
    case .ina228: .word(register: 0x3F, mask: 0xFFF0, expected: 0x2280)
    case .ina226: .word(register: 0xFF, mask: 0xFFF0, expected: 0x2260)
    case .tmp117: .word(register: 0x0F, mask: 0x0FFF, expected: 0x0117)
    case .tmp102: .word(register: 0x01, mask: 0x6000, expected: 0x6000)
    case .max17048: .word(register: 0x08, mask: 0xFFF0, expected: 0x0010)
    case .max17055: .word(register: 0x21, mask: 0xFFFF, expected: 0x4010, isLittle: true)
    case .bq27441: .subcommand(0x0001, expected: 0x0421)
    case .bq27427: .subcommand(0x0001, expected: 0x0427)
    case .mb85rc256v: .reserved(expected: 0x00A5)
    // SpecificationInfo: version 1.1 with packet error code; the revision and the scales may differ.
    case .smartBattery: .word(register: 0x1A, mask: 0x00F0, expected: 0x0030, isLittle: true)
    case .bq34z100: .subcommand(0x0001, expected: 0x0100)
    // The variants without one are not driven.
    case .bq76920: .checksum
    case .ina219, .ads1115, .ltc2943, .ltc2944, .ltc2959, .at24c32, .ds3231: .none
    }
  }
}

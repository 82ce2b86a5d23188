// SPDX-License-Identifier: Apache-2.0

/// A 64-bit FNV-1a hash over integers, equal on every machine and word size.
///
/// It tells whether two runs gave the same numbers; it is not for security.
/// Source: Fowler, Noll, Vo, draft-eastlake-fnv, 64-bit offset basis and prime.
public struct StableHash: Equatable, Sendable {
  /// The hash of all that was added so far.
  public private(set) var value: UInt64

  /// Makes the hash of nothing.
  public init() { value = 0xCBF2_9CE4_8422_2325 }

  /// Adds one byte.
  public mutating func combine(byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }

  /// Adds the eight bytes of `word`, least significant first.
  public mutating func combine(_ word: Int64) {
    var rest = UInt64(bitPattern: word)
    for _ in 0..<8 {
      value = (value ^ (rest & 0xFF)) &* 0x0000_0100_0000_01B3
      rest &>>= 8
    }
  }
}

/// The CRC-32C (Castagnoli) checksum over bytes and integers.
///
/// Polynomial 0x1EDC6F41 reflected, initial value and final exclusive-or all ones (RFC 3720, B.4).
public struct CRC32C: Equatable, Sendable {
  private var register: UInt32 = 0xFFFF_FFFF

  /// Makes the checksum of nothing.
  public init() {}

  /// The checksum of all that was added so far.
  public var value: UInt32 { register ^ 0xFFFF_FFFF }

  /// Adds one byte.
  public mutating func combine(_ byte: UInt8) {
    register ^= UInt32(byte)
    for _ in 0..<8 {
      register = register & 1 == 0 ? register &>> 1 : (register &>> 1) ^ 0x82F6_3B78
    }
  }

  /// Adds the four bytes of `word`, least significant first.
  public mutating func combine(_ word: UInt32) {
    for shift in UInt32(0)..<4 { combine(UInt8(truncatingIfNeeded: word &>> (8 &* shift))) }
  }

  /// Adds the eight bytes of `word`, least significant first.
  public mutating func combine(_ word: Int64) {
    combine(UInt32(truncatingIfNeeded: word))
    combine(UInt32(truncatingIfNeeded: word &>> 32))
  }
}

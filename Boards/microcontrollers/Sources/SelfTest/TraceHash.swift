// SPDX-License-Identifier: Apache-2.0

/// A 32-bit FNV-1a hash over little-endian values.
///
/// Every bit of every value changes it, and every processor computes the same: runs on different
/// processors are equal when their hashes are.
/// Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm" (IETF draft).
public struct TraceHash {
  /// The hash of all values so far.
  public private(set) var value: UInt32 = 0x811C_9DC5

  /// The hash of nothing.
  public init() {}

  /// Takes in one value, lowest byte first.
  public mutating func add(_ integer: some FixedWidthInteger) {
    var rest = integer
    for _ in 0..<(integer.bitWidth / 8) {
      value = (value ^ UInt32(truncatingIfNeeded: rest & 0xFF)) &* 0x0100_0193
      rest >>= 8
    }
  }
}

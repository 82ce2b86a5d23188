// SPDX-License-Identifier: Apache-2.0

/// The registers of the LTC2943, LTC2944 and LTC2959: bytes, big-endian words, and a status at 00h that
/// is cleared by being read.
struct AlertRegisters: Sendable {
  private var bytes: [UInt8]
  /// Whether a flag was raised since the status was read last.
  private(set) var hasAlert = false

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  subscript(register: Int) -> UInt8 {
    get { bytes[register] }
    set { bytes[register] = newValue }
  }

  /// The word of two registers, the first one its upper half.
  func word(_ register: Int) -> UInt16 {
    UInt16(bytes[register]) << 8 | UInt16(bytes[register + 1])
  }

  mutating func store(_ word: UInt16, at register: Int) {
    bytes[register] = UInt8(word >> 8)
    bytes[register + 1] = UInt8(word & 0xFF)
  }

  /// Notes a cause in the status.
  mutating func raise(_ flag: UInt8) {
    if bytes[0x00] & flag == 0 { hasAlert = true }
    bytes[0x00] |= flag
  }

  /// A read of the status clears it; a cause that is still there raises it again. Beyond the last register
  /// the line stays released.
  mutating func read(_ register: UInt8) -> UInt8 {
    guard bytes.indices.contains(Int(register)) else { return 0xFF }
    defer {
      if register == 0x00 {
        bytes[0x00] = 0
        hasAlert = false
      }
    }
    return bytes[Int(register)]
  }
}

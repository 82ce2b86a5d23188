// SPDX-License-Identifier: Apache-2.0

/// The bus side of a chip that is an array of bytes: the first byte of a write is the pointer, which
/// moves on with each byte after it, either way.
struct BytePort: Sendable {
  /// The byte that comes next.
  private(set) var pointer: UInt8 = 0
  private var awaitsPointer = false

  /// A write phase begins.
  mutating func startWrite() { awaitsPointer = true }

  /// Takes a byte; returns where it belongs, and nil for the pointer itself.
  mutating func place(of byte: UInt8) -> UInt8? {
    guard awaitsPointer else { return take() }
    pointer = byte
    awaitsPointer = false
    return nil
  }

  /// Where the next byte of an answer is from.
  mutating func take() -> UInt8 {
    defer { pointer &+= 1 }
    return pointer
  }
}

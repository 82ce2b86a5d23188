// SPDX-License-Identifier: Apache-2.0

/// The bus side of a chip with a pointer register and 16-bit writable registers, big-endian.
///
/// A write is pointer, most significant byte, least significant byte; a register changes when its
/// second byte has arrived, and bytes after it are acknowledged and dropped. A read sends the
/// latched register, most significant byte first; past its end the line stays released and reads
/// 0xFF (unverified: the datasheets leave this open).
struct RegisterPort: Sendable {
  /// A completed register write.
  struct Word {
    let address: UInt8
    let value: UInt16
  }

  /// The register that the next read answers with.
  var pointer: UInt8 = 0
  private var received: UInt8 = 0
  private var high: UInt8 = 0
  private var latched: UInt64 = 0
  private var bytesLeft: UInt64 = 0

  /// A write phase begins.
  mutating func startWrite() { received = 0 }

  /// Latches a register of `bytes` bytes for the read phase.
  mutating func latch(_ value: UInt64, bytes: UInt64) {
    latched = value
    bytesLeft = bytes
  }

  /// Takes a byte; returns the register write that it completes.
  mutating func receive(_ byte: UInt8) -> Word? {
    defer { if received < 3 { received += 1 } }
    switch received {
    case 0: pointer = byte
    case 1: high = byte
    case 2: return Word(address: pointer, value: UInt16(high) << 8 | UInt16(byte))
    default: break
    }
    return nil
  }

  /// The next byte of the latched register.
  mutating func transmit() -> UInt8 {
    guard bytesLeft > 0 else { return 0xFF }
    bytesLeft -= 1
    return UInt8(truncatingIfNeeded: latched >> (bytesLeft * 8))
  }
}

// SPDX-License-Identifier: Apache-2.0

/// CRC-8 with x⁸ + x² + x + 1, from 0: SMBus's packet error code and the BQ769x0's checksum.
enum PacketChecksum {
  /// The checksum after one more byte.
  static func extend(_ checksum: UInt8, with byte: UInt8) -> UInt8 {
    var rest = checksum ^ byte
    for _ in 0..<8 { rest = rest & 0x80 != 0 ? rest << 1 ^ 0x07 : rest << 1 }
    return rest
  }
}

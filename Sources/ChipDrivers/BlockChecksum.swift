// SPDX-License-Identifier: Apache-2.0

/// The checksum of a block of 32 bytes in Texas Instruments' gauges.
enum BlockChecksum {
  /// 0xFF less the sum of the bytes.
  static func of(_ block: InlineArray<32, UInt8>) -> UInt8 {
    var sum: UInt8 = 0
    for index in 0..<32 { sum &+= block[index] }
    return ~sum
  }
}

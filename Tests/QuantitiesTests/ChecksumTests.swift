// SPDX-License-Identifier: Apache-2.0

import Quantities
import Testing

/// The hash and the checksum against published and independently computed values.
@Suite struct ChecksumTests {
  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    var crc = CRC32C()
    for byte in bytes { crc.combine(byte) }
    return crc.value
  }

  /// RFC 3720, B.4, and the check value of the polynomial.
  @Test func crcIsThatOfTheStandard() {
    #expect(checksum([]) == 0)
    #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(checksum(Array((0..<32).reversed())) == 0x113F_DB5C)
  }

  @Test func wordsGoInLeastSignificantByteFirst() {
    var words = CRC32C()
    words.combine(UInt32(0x0403_0201))
    words.combine(Int64(0x0C0B_0A09_0807_0605))
    #expect(words.value == checksum(Array(1...12)))
  }

  /// FNV-1a of the bytes "sodalite" and of eight 0xFF, computed byte by byte elsewhere.
  @Test func hashIsFNV1a() {
    var hash = StableHash()
    #expect(hash.value == 0xCBF2_9CE4_8422_2325)
    hash.combine(0x6574_696C_6164_6F73)
    #expect(hash.value == 0x7007_B8F7_D76C_03EC)
    var ones = StableHash()
    ones.combine(-1)
    #expect(ones.value == 0x8CF5_1A8B_FCA3_883D)
  }

  @Test func hashTellsOrderApart() {
    var first = StableHash()
    first.combine(1)
    first.combine(2)
    var second = StableHash()
    second.combine(2)
    second.combine(1)
    #expect(first.value != second.value)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The logarithm to base 2 in integers.
enum BinaryLogarithm {
  /// The binary point of the result.
  static let fractionBits: Int64 = 24

  /// log2(1 + i/64) · 2^24, rounded to nearest.
  private static let table: InlineArray<65, Int32> = [
    00, 0375_270, 0744_810, 1_108_793, 1_467_383, 1_820_738, 2_169_009, 2_512_340,
    2_850_868, 3_184_728, 3_514_044, 3_838_941, 4_159_533, 4_475_935, 4_788_255, 5_096_595,
    5_401_057, 5_701_737, 5_998_727, 6_292_118, 6_581_994, 6_868_440, 7_151_536, 7_431_359,
    7_707_984, 7_981_483, 8_251_926, 8_519_380, 8_783_912, 9_045_584, 9_304_457, 9_560_591,
    9_814_042, 10_064_867, 10_313_120, 10_558_852, 10_802_114, 11_042_956, 11_281_425, 11_517_568,
    11_751_428, 11_983_051, 12_212_479, 12_439_752, 12_664_911, 12_887_994, 13_109_041, 13_328_087,
    13_545_168, 13_760_320, 13_973_576, 14_184_969, 14_394_532, 14_602_297, 14_808_293, 15_012_551,
    15_215_099, 15_415_967, 15_615_181, 15_812_769, 16_008_758, 16_203_172, 16_396_036, 16_587_377,
    16_777_216,
  ]

  /// log2 of a positive value, times 2^24.
  ///
  /// Between the 65 knots the line is used; its error is at most (1/64)² / 8 · log2(e) = 4.4e-5,
  /// always too small.
  static func of(_ value: UInt64) -> Int64 {
    precondition(value > 0, "the logarithm of zero is not a number")
    let shift = UInt64(value.leadingZeroBitCount)
    // The leading one in bit 63; below it 6 bits choose the knot, 24 bits place between knots.
    let normalised = value << shift
    let knot = Int((normalised >> 57) & 0x3F)
    let position = Int64((normalised >> 33) & 0xFF_FFFF)
    let below = Int64(table[knot])
    let above = Int64(table[knot + 1])
    let fraction = below + ((above - below) * position + 0x80_0000) >> 24
    return Int64(63 - shift) << fractionBits + fraction
  }
}

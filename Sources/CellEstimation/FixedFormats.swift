// SPDX-License-Identifier: Apache-2.0

import Quantities

/// The two binary formats of the filter, both in Int64.
///
/// States, model voltages, sensitivities and the unit-triangular factor have 40 fractional bits
/// (±8.4e6, steps of 9e-13); variances have 52 (±2048, steps of (1.5e-8)²). More bits for the
/// variances would overflow where the curve is steep, and range, not resolution, is the hazard.
enum Format {
  // Literals, because shifts of 64 bits are not folded on a 32-bit target.
  static let one: Int64 = 1_099_511_627_776
  static let half: Int64 = 549_755_813_888
  static let varianceOne: Int64 = 4_503_599_627_370_496

  /// 2^60 / 10^6, for turning millionths into 40 fractional bits.
  private static let millionth: Int64 = 1_152_921_504_607

  /// Millionths (µV, ppm) as a number with 40 fractional bits.
  @inline(__always)
  static func millionths(_ value: Int32, _ arithmetic: inout SaturatingArithmetic) -> Int64 {
    arithmetic.multiply(Int64(value), millionth, shift: 20)
  }

  /// A number with 40 fractional bits as millionths.
  @inline(__always)
  static func toMillionths(_ value: Int64, _ arithmetic: inout SaturatingArithmetic) -> Int64 {
    arithmetic.multiply(value, 1_000_000, shift: 40)
  }

  /// The square of a deviation in millionths, as a variance.
  static func variance(
    ofMillionths deviation: Int32, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let wide = millionths(deviation, &arithmetic)
    return arithmetic.multiply(wide, wide, shift: 28)
  }

  /// The square of a deviation in thousand-millionths, as a variance with 20 more fractional bits.
  static func fineVariance(
    ofBillionths deviation: Int32, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    // 2^50 / 10^9, squared: 100 fractional bits, then 72.
    let wide = arithmetic.multiply(Int64(deviation), 1 << 50, dividedBy: 1_000_000_000)
    return arithmetic.multiply(wide, wide, shift: 28)
  }
}

extension SaturatingArithmetic {
  /// The product of two numbers one of which has 40 fractional bits; the format of the other stays.
  @inline(__always)
  mutating func times(_ a: Int64, _ b: Int64) -> Int64 { multiply(a, b, shift: 40) }

  /// The quotient of two numbers of the same format, with 40 fractional bits.
  @inline(__always)
  mutating func ratio(_ a: Int64, _ b: Int64) -> Int64 { multiply(a, Format.one, dividedBy: b) }
}

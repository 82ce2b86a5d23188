// SPDX-License-Identifier: Apache-2.0

/// The elementary functions on four numbers at once, without branches, for the cell model's lanes.
extension DeterministicMath {
  /// The exponential function of four numbers.
  ///
  /// - Parameter x: numbers between −700 and 700; others give meaningless numbers.
  /// - Returns: e to the power of each number, relative error below 4e-16.
  @inlinable @inline(__always)
  public static func exp(_ x: SIMD4<Double>) -> SIMD4<Double> { expBothWays(x).up }

  /// e to the power of four numbers and of their negatives, for little more than one of the two.
  ///
  /// - Parameter x: numbers between −700 and 700; others give meaningless numbers.
  /// - Returns: e^x and e^−x, relative error below 6e-16 each.
  @inlinable @inline(__always)
  public static func expBothWays(
    _ x: SIMD4<Double>
  ) -> (up: SIMD4<Double>, down: SIMD4<Double>) {
    // Adding 1.5 · 2^52 rounds to the nearest integer and leaves it in the low bits.
    let shifter = SIMD4<Double>(repeating: 0x1.8p52)
    let shifted = x * 1.4426950408889634 + shifter
    let k = shifted - shifter
    let r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    // Taylor's series on |r| ≤ 0.347 to r^13: cosh r and sinh r, whose sum and difference are both
    // exponentials. In pairs: the chain of dependent operations is a third of Horner's.
    let z = r * r
    let z2 = z * z
    let c0 = z * 0.5 + 1
    let c1 = z * 0.001388888888888889 + 0.041666666666666664
    let c2 = z * 2.755731922398589e-07 + 2.48015873015873e-05
    let s0 = z * 0.16666666666666666 + 1
    let s1 = z * 0.0001984126984126984 + 0.008333333333333333
    let s2 = z * 2.505210838544172e-08 + 2.7557319223985893e-06
    let s3 = z2 * 1.6059043836821613e-10 + s2
    let z4 = z2 * z2
    let even = ((z4 * 2.08767569878681e-09 + c2 * z2) + c1) * z2 + c0
    let odd = r * ((s3 * z2 + s1) * z2 + s0)
    let power = bits(shifted) &<< SIMD4<UInt64>(repeating: 52)
    return (doubles(bits(even + odd) &+ power), doubles(bits(even - odd) &- power))
  }

  /// The natural logarithm of four numbers.
  ///
  /// - Parameter x: positive normal numbers; others give meaningless numbers.
  /// - Returns: ln of each number, absolute error below 4e-16 · (1 + |ln x|).
  @inlinable @inline(__always)
  public static func log(_ x: SIMD4<Double>) -> SIMD4<Double> {
    // x = 2^k · m with m in [√½, √2); the bias 1023 keeps the exponent field positive.
    let b = bits(x)
    let bias = SIMD4<UInt64>(repeating: 1023 << 52)
    let field = (b &- 0x3FE6_A09E_667F_3BCD &+ bias) &>> SIMD4<UInt64>(repeating: 52)
    let m = doubles(b &- (field &<< SIMD4<UInt64>(repeating: 52)) &+ bias)
    // A small integer beside the exponent of 2^52 is that double plus the integer.
    let k = doubles(field | 0x4330_0000_0000_0000) - (0x1p52 + 1023)
    let s = (m - 1) / (m + 1)
    let z = s * s
    let z2 = z * z
    let z4 = z2 * z2
    let p1 = z * (1.0 / 5) + 1.0 / 3
    let p3 = z * (1.0 / 9) + 1.0 / 7
    let p5 = z * (1.0 / 13) + 1.0 / 11
    let p7 = z * (1.0 / 17) + 1.0 / 15
    let p9 = z * (1.0 / 21) + 1.0 / 19
    let q1 = p3 * z2 + p1
    let q5 = p7 * z2 + p5
    let p = (((z2 * (1.0 / 23) + p9) * z4 + q5) * z4 + q1) * z
    let twoS = s + s
    return k * 6.93147180369123816490e-01 + (twoS + (twoS * p + k * 1.90821492927058770002e-10))
  }

  /// The bit patterns of four numbers.
  @inlinable @inline(__always)
  public static func bits(_ x: SIMD4<Double>) -> SIMD4<UInt64> {
    // Both types are four 64-bit words without padding, so every pattern is valid.
    unsafe unsafeBitCast(x, to: SIMD4<UInt64>.self)
  }

  /// The numbers with the given bit patterns.
  @inlinable @inline(__always)
  public static func doubles(_ bits: SIMD4<UInt64>) -> SIMD4<Double> {
    unsafe unsafeBitCast(bits, to: SIMD4<Double>.self)
  }
}

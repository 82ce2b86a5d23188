// SPDX-License-Identifier: Apache-2.0

/// Full-width integer arithmetic that rounds as stated, saturates instead of wrapping, and counts.
///
/// All results are rounded to nearest, ties away from zero. A result outside ±(2^63 − 1) becomes the
/// nearest bound and raises `saturations`; nothing wraps and nothing traps, so that a filter built
/// on it can notice the count and recover. The count itself stops at its maximum.
public struct SaturatingArithmetic: Equatable, Sendable {
  /// How many results have been clamped since the start or the last reset.
  public var saturations: UInt32

  /// Makes an arithmetic with a count of zero.
  @inlinable public init() { saturations = 0 }

  /// The product `a · b / 2^shift`, exact to 128 bits before the one rounding.
  ///
  /// - Parameter shift: 1…63; a constant at the call keeps the code small.
  @inlinable @inline(__always)
  public mutating func multiply(_ a: Int64, _ b: Int64, shift: UInt64) -> Int64 {
    let product = a.magnitude.multipliedFullWidth(by: b.magnitude)
    let (low, carry) = product.low.addingReportingOverflow(1 &<< (shift &- 1))
    let high = product.high &+ (carry ? 1 : 0)
    if high &>> (shift &- 1) != 0 { return saturated(negative: (a ^ b) < 0) }
    let magnitude = Int64(bitPattern: (high &<< (64 &- shift)) | (low &>> shift))
    return (a ^ b) < 0 ? 0 &- magnitude : magnitude
  }

  /// The quotient `a · b / c`, exact to 128 bits before the one rounding.
  ///
  /// - Parameter c: the divisor; zero saturates by the sign of `a · b`.
  @inlinable @inline(__always)
  public mutating func multiply(_ a: Int64, _ b: Int64, dividedBy c: Int64) -> Int64 {
    let divisor = c.magnitude
    let negative = (a ^ b ^ c) < 0
    let product = a.magnitude.multipliedFullWidth(by: b.magnitude)
    let (low, carry) = product.low.addingReportingOverflow(divisor &>> 1)
    let high = product.high &+ (carry ? 1 : 0)
    if high >= divisor { return saturated(negative: negative) }
    let quotient = divisor.dividingFullWidth((high, low)).quotient
    if quotient > UInt64(Int64.max) { return saturated(negative: negative) }
    let magnitude = Int64(bitPattern: quotient)
    return negative ? 0 &- magnitude : magnitude
  }

  /// The sum, clamped.
  @inlinable @inline(__always)
  public mutating func add(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    // −2^63 has no negative, so it is out of range, too.
    if overflow || sum == .min { return saturated(negative: overflow ? a < 0 : true) }
    return sum
  }

  /// The difference, clamped.
  @inlinable @inline(__always)
  public mutating func subtract(_ a: Int64, _ b: Int64) -> Int64 {
    let (difference, overflow) = a.subtractingReportingOverflow(b)
    if overflow || difference == .min { return saturated(negative: overflow ? a < 0 : true) }
    return difference
  }

  /// `value` as 32 bits, clamped.
  @inlinable @inline(__always)
  public mutating func narrow(_ value: Int64) -> Int32 {
    if let exact = Int32(exactly: value) { return exact }
    return value < 0
      ? Int32(truncatingIfNeeded: saturated(negative: true) >> 32)
      : Int32(truncatingIfNeeded: saturated(negative: false) >> 32)
  }

  /// Counts one clamped result and gives the bound it becomes.
  @inlinable @inline(never)
  mutating func saturated(negative: Bool) -> Int64 {
    if saturations < .max { saturations += 1 }
    return negative ? -Int64.max : Int64.max
  }
}

/// Functions of plain integers that cannot overflow.
public enum IntegerMath {
  /// The largest integer whose square is at most `value`.
  @inlinable public static func squareRoot(_ value: UInt64) -> UInt64 {
    var rest = value
    var root: UInt64 = 0
    var bit: UInt64 = 1 &<< 62
    for _ in 0..<32 {
      if rest >= root &+ bit {
        rest &-= root &+ bit
        root = (root &>> 1) &+ bit
      } else {
        root &>>= 1
      }
      bit &>>= 2
    }
    return root
  }

  /// `e^(−x)` for `x` ≥ 0, argument and result with 40 fractional bits.
  ///
  /// Absolute error below 2 units of the last place; negative arguments count as 0.
  @inlinable public static func exponentialOfNegative(_ x: Int64) -> Int64 {
    if x <= 0 { return 1 &<< 40 }
    if x >= 28 &<< 40 { return 0 }  // e^−28 is below half a unit
    let magnitude = UInt64(bitPattern: x)
    // x = k · ln 2 + r, with ln 2 to 58 fractional bits.
    let log2: UInt64 = 199_786_072_581_291_495  // ln 2 · 2^58, rounded
    let (high, low) = magnitude.multipliedFullWidth(by: 1_586_259_972_792)  // 2^40 / ln 2
    var k = (high &<< 24) | (low &>> 40)  // x / ln 2 with 40 fractional bits
    k &>>= 40
    var r = (magnitude &<< 18) &- k &* log2  // 58 fractional bits, within one unit of [0, ln 2)
    if r &>> 63 != 0 {
      k &-= 1
      r = r &+ log2
    }
    // Taylor's series by Horner's rule, 58 fractional bits: 2^58/n! from n = 13 down; what is cut
    // off is below 2^-43.
    var sum: UInt64 = 46_287_042
    sum = horner(601_731_552, r, sum)
    sum = horner(7_220_778_623, r, sum)
    sum = horner(79_428_564_857, r, sum)
    sum = horner(794_285_648_566, r, sum)
    sum = horner(7_148_570_837_096, r, sum)
    sum = horner(57_188_566_696_768, r, sum)
    sum = horner(400_319_966_877_377, r, sum)
    sum = horner(2_401_919_801_264_264, r, sum)
    sum = horner(12_009_599_006_321_322, r, sum)
    sum = horner(48_038_396_025_285_288, r, sum)
    sum = horner(144_115_188_075_855_872, r, sum)
    sum = horner(288_230_376_151_711_744, r, sum)
    sum = horner(288_230_376_151_711_744, r, sum)
    let shift = k &+ 18
    return Int64(bitPattern: (sum &+ (1 &<< (shift &- 1))) &>> shift)
  }

  /// `coefficient − r · rest`, all with 58 fractional bits.
  @inlinable @inline(__always)
  static func horner(_ coefficient: UInt64, _ r: UInt64, _ rest: UInt64) -> UInt64 {
    let product = r.multipliedFullWidth(by: rest)
    return coefficient &- ((product.high &<< 6) | (product.low &>> 58))
  }
}

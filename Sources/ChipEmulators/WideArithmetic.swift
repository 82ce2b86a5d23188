// SPDX-License-Identifier: Apache-2.0

/// Products of codes, counts and times need up to 128 bits, but mostly far fewer.
enum WideArithmetic {
  /// Quotient and remainder, rounded toward zero; fast when both numbers fit 64 bits.
  static func divide(_ dividend: Int128, by divisor: Int128) -> (quotient: Int128, rest: Int128) {
    let narrow = Int64(truncatingIfNeeded: dividend)
    let narrowDivisor = Int64(truncatingIfNeeded: divisor)
    guard Int128(narrow) == dividend, Int128(narrowDivisor) == divisor else {
      let (quotient, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
      return (quotient, rest)
    }
    let quotient = narrow / narrowDivisor
    return (Int128(quotient), Int128(narrow - quotient * narrowDivisor))
  }

  /// The nearest whole number; fast when it fits 64 bits.
  static func whole(_ value: Double) -> Int128 {
    value.magnitude < 9e18 ? Int128(Int64(value.rounded())) : Int128(value.rounded())
  }
}

/// What an accumulator holds below one count: an exact fraction.
struct CountFraction: Sendable {
  private var numerator: Int128 = 0
  private var denominator: Int128 = 1

  /// Adds `addend / newDenominator` and takes out the whole counts, rounding down.
  mutating func add(_ addend: Int128, over newDenominator: Int128) -> Int64 {
    if newDenominator != denominator {
      // A new calibration: the fraction keeps its value.
      numerator = numerator * newDenominator / denominator
      denominator = newDenominator
    }
    let (quotient, rest) = WideArithmetic.divide(numerator + addend, by: denominator)
    numerator = rest < 0 ? rest + denominator : rest
    return Int64(rest < 0 ? quotient - 1 : quotient)
  }
}

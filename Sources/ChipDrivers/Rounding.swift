// SPDX-License-Identifier: Apache-2.0

/// The quotient rounded to nearest, ties away from zero; `denominator` is positive.
///
/// The caller keeps |numerator| + denominator / 2 below 2^63.
func roundedQuotient(_ numerator: Int64, _ denominator: Int64) -> Int64 {
  let half = denominator / 2
  return (numerator < 0 ? numerator - half : numerator + half) / denominator
}

/// The quotient rounded towards minus infinity and the remainder, 0 ≤ remainder < `denominator`.
func flooredQuotient(
  _ numerator: Int64, _ denominator: Int64
) -> (quotient: Int64, remainder: Int64) {
  let quotient = numerator / denominator
  let remainder = numerator - quotient * denominator
  return remainder < 0 ? (quotient - 1, remainder + denominator) : (quotient, remainder)
}

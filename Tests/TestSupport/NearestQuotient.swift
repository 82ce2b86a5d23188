// SPDX-License-Identifier: Apache-2.0

/// Rounds an exact rational to nearest, ties away from zero, by another way than the drivers: twice
/// the value, floored, in 128 bits.
public func nearestQuotient(_ numerator: Int128, _ denominator: Int128) -> Int128 {
  let magnitude = Int128(numerator.magnitude)
  let rounded = (2 * magnitude + denominator) / (2 * denominator)
  return numerator < 0 ? -rounded : rounded
}

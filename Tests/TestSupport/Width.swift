// SPDX-License-Identifier: Apache-2.0

/// The widest that a formula becomes, recomputed with 128 bits.
///
/// A formula is a sum of products over a divisor. Of each factor the interval is written down; the
/// largest magnitude of the sum, with half of the divisor for the rounding, must fit 64 bits, and the
/// quotient its quantity. What no interval can show, such as a branch, corner tests drive.
public struct Width: Sendable, CustomStringConvertible {
  /// The formula's name.
  public let description: String
  /// Products of intervals, added.
  private let terms: [[ClosedRange<Int128>]]
  /// The smallest and the largest divisor.
  private let divisor: ClosedRange<Int128>
  /// What the quotient is stored in.
  private let bits: Int128

  /// Makes a row: a formula, its products of intervals, its divisor, and the bits of its result.
  public init(
    _ formula: String, _ terms: [[ClosedRange<Int128>]], over divisor: ClosedRange<Int128> = 1...1,
    bits: Int128 = 32
  ) {
    description = formula
    self.terms = terms
    self.divisor = divisor
    self.bits = bits
  }

  /// The largest magnitude of the sum of products.
  public var largestSum: Int128 {
    terms.reduce(0) { sum, factors in
      sum
        + factors.reduce(1) {
          $0 * max(Int128($1.lowerBound.magnitude), Int128($1.upperBound.magnitude))
        }
    }
  }

  /// The largest magnitude of the quotient, rounded to nearest.
  public var largestQuotient: Int128 {
    (largestSum + divisor.lowerBound / 2) / divisor.lowerBound
  }

  /// Whether the sum fits 64 bits, with half of the divisor added for the rounding.
  public var sumFits: Bool { largestSum + divisor.upperBound / 2 < 1 << 63 }
  /// Whether the quotient fits its quantity.
  public var quotientFits: Bool { largestQuotient < 1 << (bits - 1) }
}

/// An interval of one value.
public func just(_ value: Int128) -> ClosedRange<Int128> { value...value }

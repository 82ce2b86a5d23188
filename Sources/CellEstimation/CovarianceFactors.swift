// SPDX-License-Identifier: Apache-2.0

import Quantities

/// The covariance of the state filter's eight states.
typealias CovarianceFactors = TriangularFactors<8, 28>

/// A covariance as U·D·Uᵀ, U unit upper triangular, D diagonal.
///
/// `elements` is the size of the strict triangle, states·(states − 1)/2: the language cannot compute
/// one integer parameter from another.
/// Kept as factors because the product can never lose its symmetry or turn negative by rounding.
/// Sources: Bierman, "Factorization Methods for Discrete Sequential Estimation", 1977; Agee and
/// Turner, White Sands technical report 38, 1972.
struct TriangularFactors<let states: Int, let elements: Int>: Sendable {
  /// The strict upper triangle of U by columns, 40 fractional bits.
  var u: InlineArray<elements, Int64>
  /// The diagonal, 52 fractional bits, at least one unit.
  var d: InlineArray<states, Int64>

  init(diagonal: InlineArray<states, Int64>) {
    u = InlineArray(repeating: 0)
    d = diagonal
    for j in 0..<states { d[j] = max(d[j], 1) }
  }

  /// Where U's element in `row` of `column` lies; row < column.
  @inline(__always)
  static func at(_ row: Int, _ column: Int) -> Int { (column &* (column &- 1)) &>> 1 &+ row }

  /// Adds a variance to state `k` alone; touches only columns ≤ k.
  @inline(__always)
  mutating func add(
    variance: Int64, to k: Int, _ arithmetic: inout SaturatingArithmetic
  ) {
    var unit = InlineArray<states, Int64>(repeating: 0)
    unit[k] = Format.one
    add(variance: variance, along: unit, last: k, &arithmetic)
  }

  /// Adds `variance` · `direction` · `direction`ᵀ (Agee–Turner).
  ///
  /// - Parameter k: the last state with a share in `direction`; only columns ≤ k are touched.
  @inline(__always)
  mutating func add(
    variance: Int64, along direction: InlineArray<states, Int64>, last k: Int,
    _ arithmetic: inout SaturatingArithmetic
  ) {
    var c = variance
    var v = direction
    var j = k
    while j > 0 && c > 0 {
      let s = v[j]
      let cs = arithmetic.times(c, s)
      let old = d[j]
      let new = max(arithmetic.add(old, arithmetic.times(cs, s)), 1)
      d[j] = new
      let beta = arithmetic.ratio(cs, new)
      c = arithmetic.multiply(c, old, dividedBy: new)
      for i in 0..<j {
        let element = Self.at(i, j)
        v[i] = arithmetic.subtract(v[i], arithmetic.times(s, u[element]))
        u[element] = arithmetic.add(u[element], arithmetic.times(beta, v[i]))
      }
      j &-= 1
    }
    if j == 0 {
      d[0] = max(
        arithmetic.add(d[0], arithmetic.times(arithmetic.times(c, v[0]), v[0])), 1)
    }
  }

  /// Forgets what the states know of each other in `row` and sets that state's own variance.
  mutating func decorrelate(row: Int, variance: Int64) {
    for j in (row + 1)..<states { u[Self.at(row, j)] = 0 }
    for i in 0..<row { u[Self.at(i, row)] = 0 }
    d[row] = max(variance, 1)
  }

  /// The variance of one state, 52 fractional bits.
  @_addressableSelf
  func variance(of row: Int, _ arithmetic: inout SaturatingArithmetic) -> Int64 {
    var sum = d[row]
    for j in (row &+ 1)..<states {
      let element = u[Self.at(row, j)]
      sum = arithmetic.add(sum, arithmetic.times(arithmetic.times(d[j], element), element))
    }
    return sum
  }

  /// The variance of `h`·state + noise, with what `update` needs of it; changes nothing.
  struct Projection {
    var f: InlineArray<states, Int64>
    var v: InlineArray<states, Int64>
    var innovationVariance: Int64
  }

  /// Projects the covariance on sensitivities `h` (40 fractional bits) with noise variance `noise`.
  @inline(__always)
  func projected(
    on h: borrowing InlineArray<states, Int64>, noise: Int64,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Projection {
    var f = InlineArray<states, Int64>(repeating: 0)
    var v = InlineArray<states, Int64>(repeating: 0)
    var total = noise
    for j in 0..<states {
      var sum = h[j]
      for i in 0..<j {
        sum = arithmetic.add(sum, arithmetic.times(u[Self.at(i, j)], h[i]))
      }
      f[j] = sum
      v[j] = arithmetic.times(d[j], sum)
      total = arithmetic.add(total, arithmetic.times(v[j], sum))
    }
    return Projection(f: f, v: v, innovationVariance: total)
  }

  /// Bierman's update with a scalar measurement.
  ///
  /// - Returns: the gain of each state times the innovation's variance, 52 fractional bits.
  @inline(__always)
  mutating func update(
    _ projection: borrowing Projection, noise: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> InlineArray<states, Int64> {
    var gain = InlineArray<states, Int64>(repeating: 0)
    var before = noise
    for j in 0..<states {
      let v = projection.v[j]
      let after = arithmetic.add(before, arithmetic.times(v, projection.f[j]))
      let lambda = 0 &- arithmetic.quotient(projection.f[j], overVariance: before)
      d[j] = max(arithmetic.multiply(d[j], before, dividedBy: after), 1)
      gain[j] = v
      for i in 0..<j {
        let element = Self.at(i, j)
        let old = u[element]
        u[element] = arithmetic.add(old, arithmetic.multiply(gain[i], lambda, shift: 52))
        gain[i] = arithmetic.add(gain[i], arithmetic.times(v, old))
      }
      before = after
    }
    return gain
  }
}

extension SaturatingArithmetic {
  /// A number with 40 fractional bits over a variance with 52, as a number with 40.
  @inline(__always)
  mutating func quotient(_ a: Int64, overVariance variance: Int64) -> Int64 {
    multiply(a, Format.varianceOne, dividedBy: variance)
  }
}

// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Quantities
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// The exact oracle: 128-bit products, rounded to nearest with ties away from zero.
private func rounded(_ numerator: (Int128), over denominator: Int128) -> Int128 {
  let magnitude = Int128(numerator.magnitude)
  let divisor = Int128(denominator.magnitude)
  let quotient =
    (magnitude / divisor) + (magnitude % divisor >= divisor - magnitude % divisor ? 1 : 0)
  return (numerator < 0) != (denominator < 0) ? -quotient : quotient
}

private func clamped(_ value: Int128) -> (Int64, UInt32) {
  if value > Int128(Int64.max) { return (.max, 1) }
  if value < -Int128(Int64.max) { return (-Int64.max, 1) }
  return (Int64(value), 0)
}

private let edges: [Int64] = [
  0, 1, -1, 2, -2, 3, -3, 255, -256, 1 << 31, -(1 << 31), 1 << 39, 1 << 40, (1 << 40) + 1, 1 << 52,
  -(1 << 52), Int64.max, Int64.max - 1, Int64.min, Int64.min + 1,
]

/// Values of every magnitude, so that small and saturating results both occur.
private func anyMagnitude(_ random: inout SeededRandom) -> Int64 {
  Int64(bitPattern: random.next()) >> Int64(random.next() % 64)
}

@Suite struct FixedPointTests {
  @Test func multiplyShiftIsExactOnEdges() {
    for a in edges {
      for b in edges {
        for shift in UInt64(1)...63 {
          var arithmetic = SaturatingArithmetic()
          let result = arithmetic.multiply(a, b, shift: shift)
          let (expected, count) = clamped(
            rounded(Int128(a) * Int128(b), over: Int128(1) << Int128(shift)))
          #expect(result == expected, "\(a) · \(b) >> \(shift)")
          #expect(arithmetic.saturations == count, "\(a) · \(b) >> \(shift)")
        }
      }
    }
  }

  @Test func multiplyDivideIsExactOnEdges() {
    for a in edges {
      for b in edges {
        for c in edges where c != 0 {
          var arithmetic = SaturatingArithmetic()
          let result = arithmetic.multiply(a, b, dividedBy: c)
          let (expected, count) = clamped(rounded(Int128(a) * Int128(b), over: Int128(c)))
          #expect(result == expected, "\(a) · \(b) / \(c)")
          #expect(arithmetic.saturations == count, "\(a) · \(b) / \(c)")
        }
      }
    }
  }

  @Test func aMillionRandomProductsAndQuotientsAreExact() {
    let seed: UInt64 = 20_261_123
    var random = SeededRandom(seed: seed)
    var wrong = 0
    for _ in 0..<500_000 {
      let a = anyMagnitude(&random)
      let b = anyMagnitude(&random)
      let c = anyMagnitude(&random)
      let shift = random.next() % 63 + 1
      var arithmetic = SaturatingArithmetic()
      let shifted = arithmetic.multiply(a, b, shift: shift)
      let (product, count) = clamped(
        rounded(Int128(a) * Int128(b), over: Int128(1) << Int128(shift)))
      if shifted != product || arithmetic.saturations != count { wrong += 1 }
      guard c != 0 else { continue }
      arithmetic.saturations = 0
      let divided = arithmetic.multiply(a, b, dividedBy: c)
      let (quotient, countOfQuotient) = clamped(rounded(Int128(a) * Int128(b), over: Int128(c)))
      if divided != quotient || arithmetic.saturations != countOfQuotient { wrong += 1 }
    }
    #expect(wrong == 0, "seed \(seed)")
  }

  /// Quotients that lie on a half, one unit beside it, and at the bound: where rounding and
  /// saturation change over. Random factors rarely meet these.
  @Test(arguments: [UInt64(6), 7])
  func tiesAndBoundsAreExact(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var wrong = 0
    for _ in 0..<100_000 {
      let shift = random.next() % 62 + 1
      let divisor = Int64(1) << Int64(shift)
      // q · 2^shift + 2^(shift−1) + {−1, 0, 1} as a product with one.
      let room = Int64(62 - shift)
      let q = Int64(bitPattern: random.next() >> UInt64(63 - room))
      let tie = q * divisor + divisor / 2 + Int64(random.next() % 3) - 1
      let a = random.chance(0.5) ? tie : -tie
      let b: Int64 = random.chance(0.5) ? 1 : -1
      // (2^63 + {−2 … 2}) · c / c, as a product of two factors where it has them.
      let top = Int64.max - Int64(random.next() % 3)
      let c = anyMagnitude(&random)
      var arithmetic = SaturatingArithmetic()
      for (x, y) in [(a, b), (top, divisor), (-top, divisor), (.min, divisor), (top, divisor | 1)] {
        arithmetic.saturations = 0
        let (product, count) = clamped(
          rounded(Int128(x) * Int128(y), over: Int128(1) << Int128(shift)))
        if arithmetic.multiply(x, y, shift: shift) != product { wrong += 1 }
        if arithmetic.saturations != count { wrong += 1 }
      }
      for (x, y, z) in [(a, b, divisor), (top, c, c), (-top, c, c), (.min, c, c), (top, c, c - 1)]
      where z != 0 {
        arithmetic.saturations = 0
        let (quotient, count) = clamped(rounded(Int128(x) * Int128(y), over: Int128(z)))
        if arithmetic.multiply(x, y, dividedBy: z) != quotient { wrong += 1 }
        if arithmetic.saturations != count { wrong += 1 }
      }
    }
    #expect(wrong == 0, "seed \(seed)")
  }

  @Test func sumsDifferencesAndNarrowingAreExactOnEdges() {
    for a in edges {
      for b in edges { #expect(sumsAndNarrowingAgree(a, b), "\(a), \(b)") }
    }
    let narrow: [Int64] = [
      Int64(Int32.max), Int64(Int32.max) + 1, Int64(Int32.min), Int64(Int32.min) - 1,
    ]
    for a in narrow { #expect(sumsAndNarrowingAgree(a, 0), "\(a)") }
  }

  @Test func aMillionRandomSumsDifferencesAndNarrowingsAreExact() {
    let seed: UInt64 = 8
    var random = SeededRandom(seed: seed)
    var wrong = 0
    for _ in 0..<340_000
    where !sumsAndNarrowingAgree(anyMagnitude(&random), anyMagnitude(&random)) { wrong += 1 }
    #expect(wrong == 0, "seed \(seed)")
  }

  /// Whether sum and difference of two values, and the first as 32 bits, are the oracle's.
  private func sumsAndNarrowingAgree(_ a: Int64, _ b: Int64) -> Bool {
    var arithmetic = SaturatingArithmetic()
    let sum = arithmetic.add(a, b)
    let sumCount = arithmetic.saturations
    let difference = arithmetic.subtract(a, b)
    let differenceCount = arithmetic.saturations - sumCount
    arithmetic.saturations = 0
    let narrow = arithmetic.narrow(a)
    let isInside = a >= Int64(Int32.min) && a <= Int64(Int32.max)
    let expected = isInside ? a : (a < 0 ? Int64(Int32.min) : Int64(Int32.max))
    let (exactSum, exactSumCount) = clamped(Int128(a) + Int128(b))
    let (exactDifference, exactDifferenceCount) = clamped(Int128(a) - Int128(b))
    return sum == exactSum && sumCount == exactSumCount && difference == exactDifference
      && differenceCount == exactDifferenceCount && Int64(narrow) == expected
      && arithmetic.saturations == (isInside ? 0 : 1)
  }

  @Test func dividingByZeroSaturatesAndIsCounted() {
    var arithmetic = SaturatingArithmetic()
    #expect(arithmetic.multiply(5, 1, dividedBy: 0) == .max)
    #expect(arithmetic.multiply(-5, 1, dividedBy: 0) == -.max)
    #expect(arithmetic.saturations == 2)
  }

  @Test func sumsAndNarrowingClamp() {
    var arithmetic = SaturatingArithmetic()
    #expect(arithmetic.add(.max, 1) == .max)
    #expect(arithmetic.add(.min, -1) == -.max)
    #expect(arithmetic.subtract(.min, 1) == -.max)
    #expect(arithmetic.subtract(5, 7) == -2)
    #expect(arithmetic.narrow(1 << 40) == .max)
    #expect(arithmetic.narrow(-(1 << 40)) == -Int32.max - 1)
    #expect(arithmetic.narrow(-7) == -7)
    #expect(arithmetic.saturations == 5)
  }

  @Test func theSaturationCountStops() {
    var arithmetic = SaturatingArithmetic()
    arithmetic.saturations = .max - 1
    for _ in 0..<3 { _ = arithmetic.add(.max, .max) }
    #expect(arithmetic.saturations == .max)
  }

  @Test func squareRootIsTheFloor() {
    let seed: UInt64 = 4
    var random = SeededRandom(seed: seed)
    var values: [UInt64] = [0, 1, 2, 3, 4, 15, 16, 17, .max, .max - 1, 1 << 62, (1 << 62) - 1]
    for _ in 0..<500_000 { values.append(random.next() >> (random.next() % 64)) }
    for _ in 0..<170_000 {  // squares, and one beside them
      let root = random.next() >> (32 + random.next() % 32)
      values += [root * root, root * root &- 1, root * root + 1]
    }
    for value in values {
      let root = IntegerMath.squareRoot(value)
      #expect(root * root <= value, "seed \(seed)")
      let next = (root + 1).multipliedReportingOverflow(by: root + 1)
      #expect(next.overflow || next.partialValue > value, "seed \(seed)")
    }
  }

  /// `e^(−x)` to 60 bits: the argument halved ten times, Taylor's series, squared ten times.
  ///
  /// Each squaring doubles the error of at most 20 units of 2^−60: below 2^−45, 1/32 of the
  /// last place tested.
  private func exactExponential(_ x: Int64) -> Double {
    let y = UInt128(x) << 10  // x / 1024 with 60 fractional bits
    var term = UInt128(1) << 60
    var positive = term
    var negative: UInt128 = 0
    for n in UInt128(1)...20 {
      term = ((term * y) >> 60) / n
      if n % 2 == 0 { positive += term } else { negative += term }
    }
    var power = positive - negative
    for _ in 0..<10 { power = (power * power) >> 60 }
    return Double(power) * 0x1p-20
  }

  @Test func exponentialAgreesWithTheExactOne() {
    let seed: UInt64 = 9
    var random = SeededRandom(seed: seed)
    var worst = 0.0
    var arguments: [Int64] = [1, 2, 3, 1 << 20, 1 << 39, 1 << 40, (28 << 40) - 1, 28 << 40]
    for k in Int64(1)...40 {
      for beside in Int64(-2)...2 { arguments.append(k * 762_123_384_785 + beside) }
    }
    for _ in 0..<200_000 { arguments.append(Int64(random.next() >> (19 + random.next() % 40))) }
    for x in arguments where x <= 28 << 40 {
      worst = max(
        worst, abs(Double(IntegerMath.exponentialOfNegative(x)) - exactExponential(x)))
    }
    #expect(worst < 2, "seed \(seed): the stated two units of the last place, \(worst)")
  }

  @Test func exponentialAgreesWithDouble() {
    let seed: UInt64 = 5
    var random = SeededRandom(seed: seed)
    var worst = 0.0
    var arguments: [Int64] = [1, 2, 1 << 39, 1 << 40, 28 << 40, (28 << 40) - 1, 762_123_384_786]
    for k in Int64(1)..<40 { arguments += [k * 762_123_384_785, k * 762_123_384_785 + 1] }
    for _ in 0..<200_000 { arguments.append(Int64(random.next() >> (19 + random.next() % 40))) }
    for x in arguments {
      let exact = exp(-Double(x) * 0x1p-40) * 0x1p40
      worst = max(worst, abs(Double(IntegerMath.exponentialOfNegative(x)) - exact))
    }
    #expect(worst < 1, "seed \(seed)")
    #expect(IntegerMath.exponentialOfNegative(0) == 1 << 40)
    #expect(IntegerMath.exponentialOfNegative(-5) == 1 << 40)
    #expect(IntegerMath.exponentialOfNegative(.max) == 0)
  }
}

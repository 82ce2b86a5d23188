// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

/// A small seeded source: the standard library's cannot be seeded.
struct Lehmer: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var x = state
    x ^= x >> 33
    x = x &* 0xFF51_AFD7_ED55_8CCD
    return x ^ (x >> 33)
  }
}

@Suite struct DecimalNumberTests {
  private static let readsAsTheStandardLibraryDoesCases: [String] = [
    "0", "-0", "1", "+1", "00012.5", ".5", "5.", "3.1", "0.1", "0.2", "4.0736", "-0.8767",
    "9007199254740993", "9007199254740992.5", "18446744073709551615", "9999999999999999999",
    "0.3000000000000000166", "1e22", "1e23", "8.98846567431158e307", "5e-324", "2.5e-324", "1e-400",
    "2.2250738585072011e-308", "123456789012345678901234567890", "1.7976931348623159e308", "1E+5",
    "6.02214076E23", "0.000000000000000000000000001", "1e-19", "9223372036854775807e-19",
  ]

  @Test(arguments: readsAsTheStandardLibraryDoesCases)
  func readsAsTheStandardLibraryDoes(text: String) {
    #expect(DecimalNumber.parse(text)?.bitPattern == Double(text)?.bitPattern, "\(text)")
  }

  private static let refusesWhatIsNoDecimalNumberCases: [String] = [
    "", " ", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "nan", "inf", "-inf", "0x10", "1_000",
    "1,5",
    "--1", "1 2", "٣", "1f", "Infinity",
  ]

  @Test(arguments: refusesWhatIsNoDecimalNumberCases)
  func refusesWhatIsNoDecimalNumber(text: String) {
    #expect(DecimalNumber.parse(text) == nil)
  }

  @Test func allowsSpacesAround() {
    #expect(DecimalNumber.parse("  3.25\t") == 3.25)
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func readsRandomDecimalsCorrectlyRounded(seed: UInt64) {
    var random = Lehmer(state: seed)
    var wrong: [String] = []
    for _ in 0..<40_000 {
      let shift: UInt64 = random.next() % 64
      let digits: UInt64 = random.next() >> shift
      let places = Int(random.next() % 24)
      var text = String(digits)
      if places < text.count { text.insert(".", at: text.index(text.endIndex, offsetBy: -places)) }
      let exponent: Int = Int(random.next() % 50) - 25
      if random.next() % 4 == 0 { text += "e\(exponent)" }
      if DecimalNumber.parse(text)?.bitPattern != Double(text)?.bitPattern { wrong.append(text) }
    }
    #expect(wrong.isEmpty, "seed \(seed): \(wrong.prefix(3))")
  }

  /// Halfway cases are where a second rounding shows: numbers exactly between two Doubles.
  @Test func roundsHalfwayCasesToEven() {
    var random = Lehmer(state: 7)
    for _ in 0..<20_000 {
      let high: UInt64 = 1 << 53
      let low: UInt64 = random.next() >> 11
      let odd: UInt64 = (high | low) &* 2 &+ 1
      let text = "\(odd)"
      #expect(DecimalNumber.parse(text) == Double(text), "\(text)")
    }
  }

  private static let writesFixedDecimalsCases: [(Double, Int, String)] = [
    (0.0, 3, "0.000"), (-0.0004, 3, "0.000"), (-0.0005, 3, "-0.001"), (1.2345, 2, "1.23"),
    (99.995, 0, "100"), (-12.5, 1, "-12.5"), (1e9, 6, "1000000000.000000"),
    (0.30000000000000004, 9, "0.300000000"),
    (0.5, 10, "0.5000000000"), (-1.5, 18, "-1.500000000000000000"),
    (0.25, .max, "0.250000000000000000"),
    (9.5, 18, "9.5"), (1.5, -1, "2"), (1.5, .min, "2"),
    (.nan, 2, ""), (.infinity, 2, ""), (1e19, 2, "1e+19"),
  ]

  @Test(arguments: writesFixedDecimalsCases)
  func writesFixedDecimals(value: Double, decimals: Int, text: String) {
    #expect(DecimalNumber.text(value, decimals: decimals) == text)
  }

  @Test func whatItWritesItReadsBack() {
    var random = Lehmer(state: 11)
    for _ in 0..<20_000 {
      let millionths = Int64(truncatingIfNeeded: random.next() >> 24) - 500_000_000_000
      let value = Double(millionths) / 1e6
      #expect(DecimalNumber.parse(DecimalNumber.text(value, decimals: 6)) == value)
    }
  }
}

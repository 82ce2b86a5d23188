// SPDX-License-Identifier: Apache-2.0

/// One analog input held constant over an interval, as the converter sees it. Unit: codes.
///
/// One conversion is `round(level + noise · g)`, clamped to the range, with g standard normal. The
/// chip averages before it rounds, so an averaged result is `round(level + noise/√n · g)`
/// (unverified on silicon; a delta-sigma converter has more bits inside than it shows).
struct AnalogInput {
  /// Noise from which rounding is a small independent error of variance 1/12: the error of that
  /// statement falls as exp(−2π²·noise²) and is below 1e-3 here.
  static let smallestSmoothNoise = 0.6

  let level: Double
  let noise: Double
  let low: Double
  let high: Double

  /// Makes an input; a level outside the range is clamped to it and has no noise left.
  init(level: Double, noise: Double, low: Double, high: Double) {
    precondition(level.isFinite, "an analog input is a finite number")
    let isInside = level > low && level < high
    self.level = min(max(level, low), high)
    self.noise = isInside ? noise : 0
    self.low = low
    self.high = high
  }

  /// Whether sums of many conversions may be drawn at once.
  var canBeSummed: Bool { noise == 0 || noise >= Self.smallestSmoothNoise }

  /// One conversion before rounding.
  func sample(_ random: inout NoiseSource) -> Double {
    noise == 0 ? level : level + noise * random.gaussian()
  }

  /// The sum of `count` conversions before rounding.
  func sum(_ count: Int64, _ random: inout NoiseSource) -> Double {
    let n = Double(count)
    if noise == 0 { return n * level }
    return n * level + n.squareRoot() * noise * random.gaussian()
  }

  /// The sum of the `count` codes whose unrounded sum is `sum`; exact without noise.
  func codes(ofSum sum: Double, count: Int64, _ random: inout NoiseSource) -> Int64 {
    if noise == 0 { return count * code(of: level) }
    let n = Double(count)
    // n independent roundings have the variance n/12; rounding the sum to a whole code brings one
    // of them, and a number spread evenly over ±√(n − 1)/2 the others.
    let rounding = (random.uniform() - 0.5) * (n - 1).squareRoot()
    return Int64(min(max(sum + rounding, n * low), n * high).rounded())
  }

  /// The code of an unrounded value.
  func code(of value: Double) -> Int64 { Int64(min(max(value, low), high).rounded()) }
}

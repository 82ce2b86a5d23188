// SPDX-License-Identifier: Apache-2.0

import Quantities

/// How many equivalent full cycles are left, with the bounds that nine of ten cells keep.
public struct CycleRange: Equatable, Sendable {
  /// Fewer in one of twenty cases. Unit: equivalent full cycles.
  public var soonest: Int32
  /// The most likely number; nil beyond 10,000.
  public var likely: Int32?
  /// More in one of twenty cases; nil beyond 10,000: what was seen cannot bound it.
  public var latest: Int32?
}

/// The capacity and how fast it falls, from capacities seen over a cell's life.
///
/// A Kalman filter of two states. The fade's speed may change: its random walk lets the bounds widen
/// with the cube of the distance, so early data promise little. The prior speed is that of the paper's
/// full and half cells (79 % after 250 cycles, 88 % after 300): 50 % in 1000 cycles, with as much
/// deviation.
public struct CapacityTrend: Sendable {
  /// Capacity over the rated one, and its loss per 1000 equivalent full cycles; 40 fractional bits.
  private var x: InlineArray<2, Int64>
  private var covariance: TriangularFactors<2, 1>
  private var lastCycles: Int32 = 0
  private var arithmetic = SaturatingArithmetic()
  /// How many capacities have been seen.
  public private(set) var count: Int32 = 0

  private static let farthest: Int64 = 10_995_116_277_760  // 10 000 cycles
  /// The speed's random walk: (10 % per 1000 cycles)² in 1000 cycles, 52 fractional bits.
  private static let walk: Int64 = 45_035_996_273_705

  /// Starts with a cell that holds about its rated capacity.
  public init() {
    x = [Format.one, Format.half]
    covariance = TriangularFactors(diagonal: [
      Format.varianceOne / 100, Format.varianceOne / 4,
    ])
  }

  /// Takes in a capacity.
  ///
  /// - Parameters:
  ///   - capacity: over the rated capacity. Unit: ppm.
  ///   - deviation: its standard deviation. Unit: ppm; at least 100 is used.
  ///   - thousandths: the equivalent full cycles at that moment, in 1/1000. Earlier ones than the last
  ///     count as the last.
  public mutating func note(capacity: Int32, deviation: Int32, at thousandths: Int32) {
    let later = max(thousandths, lastCycles)
    // Thousandths of a cycle are millionths of 1000 cycles.
    advance(Format.millionths(later - lastCycles, &arithmetic))
    lastCycles = later
    let noise = Format.variance(ofMillionths: max(deviation, 100), &arithmetic)
    let h: InlineArray<2, Int64> = [Format.one, 0]
    let projection = covariance.projected(on: h, noise: noise, &arithmetic)
    let innovation = arithmetic.subtract(Format.millionths(capacity, &arithmetic), x[0])
    let gain = covariance.update(projection, noise: noise, &arithmetic)
    for k in 0..<2 {
      x[k] = arithmetic.add(
        x[k],
        arithmetic.times(arithmetic.ratio(gain[k], projection.innovationVariance), innovation))
    }
    count = min(count, .max - 1) + 1
  }

  private mutating func advance(_ distance: Int64) {
    guard distance > 0 else { return }
    x[0] = arithmetic.subtract(x[0], arithmetic.times(distance, x[1]))
    covariance.u[0] = arithmetic.subtract(covariance.u[0], distance)
    let third = Self.walkVariance(distance, &arithmetic)
    covariance.add(variance: third, to: 0, &arithmetic)
    covariance.add(variance: arithmetic.times(Self.walk, distance), to: 1, &arithmetic)
  }

  /// What the walk of the speed does to the capacity over a distance: q·r³/3.
  private static func walkVariance(
    _ distance: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let squared = arithmetic.times(distance, distance)
    return arithmetic.times(arithmetic.times(walk, squared), distance) / 3
  }

  /// The cycles left until the capacity has fallen to a share of the rated one. Unit: ppm.
  ///
  /// The bounds are where the capacity that is expected there, more or less 1.645 deviations, meets
  /// the share (Fieller): a speed that is not surely above 0 has no latest end.
  public func remaining(until share: Int32 = 800_000) -> CycleRange {
    CycleRange(
      soonest: distance(to: share, deviations: -1_645) ?? 10_000,
      likely: distance(to: share, deviations: 0),
      latest: distance(to: share, deviations: 1_645))
  }

  /// Where the expected capacity and so many thousandths of a deviation meet the share.
  private func distance(to share: Int32, deviations: Int64) -> Int32? {
    var arithmetic = SaturatingArithmetic()
    let limit = Format.millionths(share, &arithmetic)
    func isAbove(_ distance: Int64) -> Bool {
      let expected = arithmetic.subtract(x[0], arithmetic.times(distance, x[1]))
      let h: InlineArray<2, Int64> = [Format.one, 0 - distance]
      let variance = covariance.projected(
        on: h, noise: Self.walkVariance(distance, &arithmetic), &arithmetic
      ).innovationVariance
      let reach = arithmetic.multiply(
        IntegerMath.deviation(of: variance), deviations, dividedBy: 1_000)
      return arithmetic.add(expected, reach) > limit
    }
    // The first crossing: beyond it the widening bound may come back.
    let step = Self.farthest / 200
    for k in 0..<200 where !isAbove(step * Int64(k + 1)) {
      var low = step * Int64(k)
      var high = low + step
      guard isAbove(low) else { return Int32(clamping: arithmetic.multiply(low, 1_000, shift: 40)) }
      for _ in 0..<24 {
        let middle = (low + high) >> 1
        if isAbove(middle) { low = middle } else { high = middle }
      }
      return Int32(clamping: arithmetic.multiply(low, 1_000, shift: 40))
    }
    return nil
  }
}

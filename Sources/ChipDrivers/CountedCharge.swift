// SPDX-License-Identifier: Apache-2.0

internal import Quantities

/// Turns the counts of a coulomb counter into charge, losing nothing: what does not make a whole
/// nanocoulomb stays in the remainder.
struct CountedCharge: Equatable, Sendable {
  private let numerator: Int64
  private let denominator: Int64
  /// More counts than this, either way, would not fit. At least one.
  private let mostCounts: Int64
  /// The current beyond which the counter is not believed.
  private let largest: Current
  /// 0 ≤ remainder < denominator. Unit: nC / denominator.
  private var remainder: Int64 = 0
  private var lastTime = MonotonicTime.microseconds(0)

  /// Makes a scale.
  ///
  /// - Parameters:
  ///   - numerator: with the sign of the shunt, over `denominator` the worth of a count in nC; at most
  ///     2^61 either way, beyond which the sums of `advance` would not fit.
  ///   - denominator: 1…2^32.
  ///   - largest: the current at the counter's full scale.
  init(numerator: Int64, denominator: Int64, largest: Current) {
    self.numerator = numerator
    self.denominator = denominator
    self.largest = largest
    mostCounts = max((Int64.max / 2) / max(Int64(clamping: numerator.magnitude), 1), 1)
  }

  /// Counts from here on; the remainder is kept.
  mutating func restart(at time: MonotonicTime) { lastTime = time }

  /// The charge of counts since the last call.
  ///
  /// - Returns: `.counted`, or `.implausible` if the full scale could not move so much in the time: 5 %
  ///   and two counts more are allowed.
  mutating func advance(by counts: Int64, at time: MonotonicTime) -> ChargeReading {
    let elapsed = time.microseconds(since: lastTime)
    lastTime = time
    let believed = min(max(counts, -mostCounts), mostCounts)
    let (whole, rest) = flooredQuotient(believed * numerator + remainder, denominator)
    let charge = Charge.nanocoulombs(whole)
    // 1 µA · 1 ms = 1 nC; at most 11 days and none backwards, or the product would not fit.
    let milliseconds = min(max(elapsed, 0) / 1_000 + 1, 1_000_000_000)
    let most =
      Int64(clamping: largest.microamperes.magnitude) * milliseconds / 20 * 21
      + 2 * Int64(clamping: numerator.magnitude) / denominator
    guard believed == counts, elapsed >= 0, whole.magnitude <= most.magnitude else {
      return .implausible(charge)
    }
    remainder = rest
    return .counted(charge)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A chip's own oscillator: turns host time into completed conversion cycles, in exact integers.
///
/// Host time is in µs. A clock that is fast by p ppm passes (1 000 000 + p) ps in each host µs, so
/// nothing is ever rounded and long runs do not drift.
struct ConversionClock: Sendable {
  /// The longest stretch one `cycles(to:period:)` may cover, 27.8 h. Unit: µs.
  static let longestStretch: Int64 = 100_000_000_000

  /// The host time reached. Unit: µs.
  private(set) var now: Int64 = 0
  private let rate: Int64
  private var phase: Int64 = 0

  /// Makes a clock that is fast by `partsPerMillion`.
  init(partsPerMillion: Int64) {
    precondition(partsPerMillion.magnitude < 500_000, "the clock error is below 50 %")
    rate = 1_000_000 + partsPerMillion
  }

  /// Begins a cycle that ends one period after `delay` has passed. Unit: ps.
  mutating func restart(delay: Int64 = 0) { phase = -delay }

  /// The next stop on the way to `end`: at most `longestStretch` away.
  func stretch(toward end: Int64) -> Int64 {
    end - now > Self.longestStretch ? now + Self.longestStretch : end
  }

  /// Traps if `end` is in the past: a programmer's error.
  func requireNotPast(_ end: Int64) {
    precondition(end >= now, "time does not run backwards")
  }

  /// Lets time pass without conversions.
  mutating func idle(to end: Int64) { now = end }

  /// Lets time pass; returns the cycles of `period` ps that ended.
  mutating func cycles(to end: Int64, period: Int64) -> Int64 {
    phase += (end - now) * rate
    now = end
    guard phase >= period else { return 0 }
    let count = phase / period
    phase -= count * period
    return count
  }

  /// Lets time pass; takes out only the first cycle of `period` ps if it ended.
  ///
  /// What passed after it belongs to the next cycle, which may have another period; ask
  /// `cycles(to:period:)` for it with the same end.
  mutating func endsCycle(by end: Int64, period: Int64) -> Bool {
    phase += (end - now) * rate
    now = end
    guard phase >= period else { return false }
    phase -= period
    return true
  }
}

// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// Integrates sampled current over the host's monotonic time.
///
/// 1 µA · 1 µs = 1 pC. The integrator counts half picocoulombs, so that the trapezoid's division by
/// two is exact too, hands out whole nanocoulombs and keeps the rest: over any run the sum of what
/// it handed out differs from the exact integral by less than 1 nC.
public struct HostIntegrator: Equatable, Sendable {
  /// How the current between two samples is taken.
  public enum Rule: Equatable, Sendable {
    /// The line through both samples.
    case trapezoid
    /// The older sample, held.
    case zeroOrderHold
  }

  /// How the current between two samples is taken.
  public let rule: Rule
  /// Longer intervals are not integrated. Unit: µs, 1…1,000,000,000.
  public let maximumGap: Int64

  private var lastCurrent: Current?
  private var lastTime = MonotonicTime.microseconds(0)
  /// What is not yet handed out, 0…1999. Unit: ½ pC.
  private var remainder: Int64 = 0

  /// Makes an integrator.
  ///
  /// - Parameters:
  ///   - rule: how the current between two samples is taken.
  ///   - maximumGap: the longest interval to bridge, in µs; limited to 1…1,000,000,000, because
  ///     twice 2147 A for 1000 s is the most that fits the accumulator.
  public init(rule: Rule = .trapezoid, maximumGap: Int64 = 10_000_000) {
    self.rule = rule
    self.maximumGap = min(max(maximumGap, 1), 1_000_000_000)
  }

  /// Adds a sample and returns the charge since the previous one.
  ///
  /// - Returns: `.first` for the first sample, `.gap` for an interval that is too long or runs
  ///   backwards, otherwise `.counted`.
  public mutating func add(_ current: Current, at time: MonotonicTime) -> ChargeReading {
    defer {
      lastCurrent = current
      lastTime = time
    }
    guard let lastCurrent else { return .first }
    let elapsed = time.microseconds(since: lastTime)
    guard elapsed >= 0, elapsed <= maximumGap else { return .gap(microseconds: elapsed) }
    let doubledCurrent =
      switch rule {
      case .trapezoid: Int64(lastCurrent.microamperes) + Int64(current.microamperes)
      case .zeroOrderHold: 2 * Int64(lastCurrent.microamperes)
      }
    let (whole, rest) = flooredQuotient(doubledCurrent * elapsed + remainder, 2_000)
    remainder = rest
    return .counted(.nanocoulombs(whole))
  }

  /// Forgets the last sample, so that the next one starts a new interval; the remainder is kept.
  public mutating func restart() {
    lastCurrent = nil
  }
}

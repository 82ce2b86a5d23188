// SPDX-License-Identifier: Apache-2.0

/// How often the 95 % interval on state of charge held the truth over many runs.
///
/// The one invariant that no single tick can break: an interval that never misses is too wide. A run
/// counts as one observation, because its errors last for hours and its ticks repeat each other.
public struct SwarmCoverage: Sendable {
  /// What the interval states.
  public static let stated = 0.95
  /// Below this many scored runs nothing is said.
  public static let fewestRuns = 20

  private var runs = 0.0
  private var covered = 0.0
  private var scored = 0.0
  private var coveredSquares = 0.0
  private var products = 0.0
  private var scoredSquares = 0.0

  /// Begins with no run.
  public init() {}

  /// Adds a run.
  public mutating func add(_ result: SwarmResult) {
    guard result.scored > 0 else { return }
    let inside = Double(result.covered)
    let all = Double(result.scored)
    runs += 1
    covered += inside
    scored += all
    coveredSquares += inside * inside
    products += inside * all
    scoredSquares += all * all
  }

  /// The share of scored estimates whose interval held the truth; nil before the first.
  public var rate: Double? { scored > 0 ? covered / scored : nil }

  /// The standard error of `rate` from run to run; nil for too few runs.
  public var standardError: Double? {
    guard let rate, runs >= Double(Self.fewestRuns) else { return nil }
    let squares = coveredSquares - 2 * rate * products + rate * rate * scoredSquares
    return (max(squares, 0) * runs / (runs - 1)).squareRoot() / scored
  }

  /// That the truth was missed more often than stated: by more than three standard errors.
  public var violation: SwarmViolation? {
    guard let rate, let standardError, rate + 3 * standardError < Self.stated else { return nil }
    return SwarmViolation(
      invariant: .coverage, tick: 0,
      detail: "the truth was inside \(rate) of the time, give or take \(standardError)")
  }
}

// SPDX-License-Identifier: Apache-2.0

/// How well a series of estimates met the truth: root mean square, percentiles, maximum, coverage.
///
/// Errors are fractions of the state of charge. Percentiles come from a histogram of 1e-4 steps, so
/// the memory does not grow with the run.
public struct AccuracyScore: Equatable, Sendable {
  private static let bins = 10_001
  private var histogram = [Int64](repeating: 0, count: bins)
  private var squares = 0.0
  private var inside: Int64 = 0
  /// How many estimates were scored.
  public private(set) var count: Int64 = 0
  /// The largest magnitude of an error.
  public private(set) var maxError = 0.0

  /// Makes the score of nothing.
  public init() {}

  /// Scores one estimate.
  ///
  /// - Parameters:
  ///   - error: estimate less truth.
  ///   - covered: whether the 95 % interval held the truth.
  public mutating func add(error: Double, covered: Bool) {
    let magnitude = abs(error)
    count += 1
    squares += error * error
    maxError = max(maxError, magnitude)
    if covered { inside += 1 }
    histogram[min(Int(magnitude * 10_000), Self.bins - 1)] += 1
  }

  /// Adds all that another score has seen.
  public mutating func add(_ other: AccuracyScore) {
    count += other.count
    squares += other.squares
    inside += other.inside
    maxError = max(maxError, other.maxError)
    for i in histogram.indices { histogram[i] += other.histogram[i] }
  }

  /// The root of the mean squared error; nil before the first estimate.
  public var rmse: Double? { count > 0 ? (squares / Double(count)).squareRoot() : nil }

  /// The share of estimates whose 95 % interval held the truth; nil before the first estimate.
  public var coverage: Double? { count > 0 ? Double(inside) / Double(count) : nil }

  /// The magnitude that a share of the errors stays below, to 1e-4; nil before the first estimate.
  public func percentile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    var seen: Int64 = 0
    for (bin, number) in histogram.enumerated() {
      seen += number
      if Double(seen) >= share * Double(count) { return min(Double(bin + 1) / 10_000, maxError) }
    }
    return maxError
  }
}

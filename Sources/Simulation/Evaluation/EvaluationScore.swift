// SPDX-License-Identifier: Apache-2.0

/// How well one estimator did: errors, the coverage of three intervals, and how soon it was right.
///
/// Memory is fixed, and two scores add up to the score of both runs, so that a fleet can be judged in
/// any order of work. The 50 and 80 % intervals are taken from the half-width of the 95 % one as a
/// normal distribution's: an assumption, because the estimators report one width only.
public struct EvaluationScore: Equatable, Sendable {
  /// The width of a step of the histogram of errors.
  public static let binWidth = 5e-4
  static let binCount = 2_001
  /// Half-widths of the central 50, 80 and 95 % of a normal distribution.
  static let quantiles = (0.67449, 1.28155, 1.95996)

  /// Scored moments.
  public private(set) var count = 0.0
  private var squares = 0.0
  private var widths = 0.0
  private var inside = (half: 0.0, most: 0.0, all: 0.0)
  private var intervals = 0.0
  /// The largest magnitude of an error.
  public private(set) var maxError = 0.0
  private var histogram = [Double](repeating: 0, count: binCount)

  /// Makes the score of nothing.
  public init() {}

  /// Scores one moment.
  ///
  /// - Parameters:
  ///   - error: estimate less truth.
  ///   - halfWidth: of the 95 % interval; nil for an estimator that claims none.
  public mutating func add(error: Double, halfWidth: Double?) {
    let magnitude = abs(error)
    count += 1
    squares += error * error
    maxError = max(maxError, magnitude)
    histogram[min(Int(magnitude / Self.binWidth), Self.binCount - 1)] += 1
    guard let halfWidth else { return }
    intervals += 1
    widths += halfWidth
    let deviation = halfWidth / Self.quantiles.2
    if magnitude <= deviation * Self.quantiles.0 { inside.half += 1 }
    if magnitude <= deviation * Self.quantiles.1 { inside.most += 1 }
    if magnitude <= halfWidth { inside.all += 1 }
  }

  /// Adds all that another score has seen.
  public mutating func add(_ other: EvaluationScore) {
    count += other.count
    squares += other.squares
    widths += other.widths
    inside.half += other.inside.half
    inside.most += other.inside.most
    inside.all += other.inside.all
    intervals += other.intervals
    maxError = max(maxError, other.maxError)
    for bin in histogram.indices { histogram[bin] += other.histogram[bin] }
  }

  private func share(_ part: Double, of whole: Double) -> Double? {
    whole > 0 ? part / whole : nil
  }

  /// The root of the mean squared error.
  public var rmse: Double? { share(squares, of: count).map { $0.squareRoot() } }
  /// The share of moments whose 50 % interval held the truth.
  public var coverage50: Double? { share(inside.half, of: intervals) }
  /// The share of moments whose 80 % interval held the truth.
  public var coverage80: Double? { share(inside.most, of: intervals) }
  /// The share of moments whose 95 % interval held the truth.
  public var coverage95: Double? { share(inside.all, of: intervals) }
  /// The mean half-width of the 95 % interval.
  public var meanHalfWidth: Double? { share(widths, of: intervals) }

  /// What 95 % of the errors stay below, to the histogram's step.
  public var p95: Double? {
    guard count > 0 else { return nil }
    var seen = 0.0
    for (bin, number) in histogram.enumerated() {
      seen += number
      if seen >= 0.95 * count { return min(Double(bin + 1) * Self.binWidth, maxError) }
    }
    return maxError
  }

  // MARK: As text

  /// The score as numbers that `init(fields:)` reads back without loss.
  public var fields: [Double] {
    var fields = [
      count, squares, widths, inside.half, inside.most, inside.all, intervals, maxError,
    ]
    for (bin, number) in histogram.enumerated() where number > 0 {
      fields += [Double(bin), number]
    }
    return fields
  }

  /// Reads `fields`; nil where they are none.
  public init?(fields: [Double]) {
    guard fields.count >= 8, fields.count.isMultiple(of: 2) else { return nil }
    count = fields[0]
    squares = fields[1]
    widths = fields[2]
    inside = (fields[3], fields[4], fields[5])
    intervals = fields[6]
    maxError = fields[7]
    for place in stride(from: 8, to: fields.count, by: 2) {
      guard fields[place] >= 0, fields[place] < Double(Self.binCount) else { return nil }
      histogram[Int(fields[place])] = fields[place + 1]
    }
  }

  /// Whether two scores have seen the same.
  public static func == (a: EvaluationScore, b: EvaluationScore) -> Bool { a.fields == b.fields }
}

/// When an estimate came within 3 % of the truth and stayed there for ten minutes.
public struct Convergence: Equatable, Sendable {
  private var since: Double?
  /// Since the start; nil while it has not. Unit: s.
  public private(set) var seconds: Double?

  /// Begins with nothing seen.
  public init() {}

  /// Takes one moment.
  public mutating func add(seconds now: Double, error: Double) {
    guard seconds == nil else { return }
    guard abs(error) <= 0.03 else {
      since = nil
      return
    }
    let begin = since ?? now
    since = begin
    if now - begin >= 600 { seconds = begin }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What one test on one cell showed of each estimator.
public struct EvaluationOutcome: Equatable, Sendable {
  /// In the order of `Contestant.allCases`.
  public var rows = [Row](repeating: Row(), count: Contestant.allCases.count)
  /// The identified modes beside the true ones, wherever the test looked at them.
  public var looks: [ModeLook] = []
  /// The largest step of the modes' reported state of charge in one reading, once a curve took over.
  public var largestStep = 0.0

  /// Makes an empty outcome.
  public init() {}

  /// One estimator's part.
  public struct Row: Equatable, Sendable {
    /// The state of charge.
    public var score = EvaluationScore()
    /// When it was right for good; nil if never. Unit: s.
    public var convergenceSeconds: Double?
    /// Estimated less true capacity at each look, over the rated capacity.
    public var capacityErrors: [Double] = []
  }

  /// Modes at one moment; shares of the rated capacity.
  public struct ModeLook: Equatable, Sendable {
    /// The share of the fresh capacity that the true cell has.
    public var health: Double
    /// Estimate, deviation and truth of the coupling plateau, the accessible iron, the capacity.
    public var coupling: [Double]
    /// The accessible iron.
    public var iron: [Double]
    /// The capacity.
    public var capacity: [Double]
    /// The squared distance of all iron and slippage from the truth in the joint deviations' units.
    public var jointDistance: Double
    /// Whether the last charge before was a nearly full one.
    public var isAfterFullCharge: Bool
    /// Charges that had taught the modes so far.
    public var learned: Double
    /// Charges that had been undone so far, because they fitted no cell of the make.
    public var refused: Double
  }

  // MARK: As text

  /// A line that `init(line:)` reads back without loss.
  public var line: String {
    var parts: [[Double]] = [[largestStep]]
    for row in rows {
      parts.append([row.convergenceSeconds ?? -1] + row.capacityErrors)
      parts.append(row.score.fields)
    }
    for look in looks {
      parts.append(
        [look.health, look.jointDistance, look.isAfterFullCharge ? 1 : 0] + look.coupling
          + look.iron + look.capacity + [look.learned, look.refused])
    }
    return parts.map { $0.map { "\($0)" }.joined(separator: " ") }.joined(separator: ";")
  }

  /// Reads `line`; nil where it is torn or none.
  public init?(line: Substring) {
    var parts: [[Double]] = []
    for part in line.split(separator: ";", omittingEmptySubsequences: false) {
      var numbers: [Double] = []
      for word in part.split(separator: " ") {
        guard let number = Double(word) else { return nil }
        numbers.append(number)
      }
      parts.append(numbers)
    }
    let count = Contestant.allCases.count
    guard parts.count > 2 * count, let step = parts[0].first else { return nil }
    largestStep = step
    for index in 0..<count {
      let words = parts[1 + 2 * index]
      guard let time = words.first, let score = EvaluationScore(fields: parts[2 + 2 * index])
      else { return nil }
      rows[index].score = score
      rows[index].convergenceSeconds = time < 0 ? nil : time
      rows[index].capacityErrors = Array(words.dropFirst())
    }
    for words in parts[(1 + 2 * count)...] {
      guard words.count == 14 else { return nil }
      looks.append(
        ModeLook(
          health: words[0], coupling: Array(words[3..<6]), iron: Array(words[6..<9]),
          capacity: Array(words[9..<12]), jointDistance: words[1],
          isAfterFullCharge: words[2] == 1, learned: words[12], refused: words[13]))
    }
  }
}

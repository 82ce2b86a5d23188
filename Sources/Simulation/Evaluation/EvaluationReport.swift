// SPDX-License-Identifier: Apache-2.0

/// A fleet's outcomes, pooled by test and estimator.
public struct EvaluationReport: Sendable {
  /// One row for each test that was run and each estimator.
  public private(set) var rows: [Row] = []

  /// Pooled results of one estimator in one test.
  public struct Row: Sendable {
    /// The question.
    public var test: EvaluationTest
    /// Who answered.
    public var estimator: Contestant
    /// How many cells were asked.
    public var cells = 0
    /// The state of charge.
    public var score = EvaluationScore()
    /// Time until within 3 % for ten minutes, for each cell; infinite if never. Unit: s.
    public var convergences: [Double] = []
    /// Estimated less true capacity; shares of the rated capacity.
    public var capacityErrors: [Double] = []
    /// Modes; empty but for the estimator that identifies them.
    public var looks: [EvaluationOutcome.ModeLook] = []
    /// The largest step of the reported state of charge.
    public var largestStep = 0.0

    /// Makes an empty row.
    public init(test: EvaluationTest, estimator: Contestant) {
      self.test = test
      self.estimator = estimator
    }

    /// What 90 % of the cells converged within; infinite where more never did, nil without cells.
    public var convergence90: Double? {
      guard !convergences.isEmpty else { return nil }
      let index = (9 * convergences.count + 9) / 10 - 1
      return convergences.sorted()[index]
    }

    /// The root mean square of the capacity's errors.
    public var capacityError: Double? { rms(capacityErrors) }
  }

  /// Makes a report of nothing.
  public init() {}

  /// Adds a test on a cell; the order of tests decides the order of rows and nothing else.
  public mutating func add(_ test: EvaluationTest, _ outcome: EvaluationOutcome) {
    for (index, contestant) in Contestant.allCases.enumerated() {
      let place: Int
      if let known = rows.firstIndex(where: { $0.test == test && $0.estimator == contestant }) {
        place = known
      } else {
        place = rows.count
        rows.append(Row(test: test, estimator: contestant))
      }
      let part = outcome.rows[index]
      rows[place].cells += 1
      rows[place].score.add(part.score)
      rows[place].convergences.append(part.convergenceSeconds ?? .infinity)
      rows[place].capacityErrors += part.capacityErrors
      if contestant == .sodaliteModes {
        rows[place].looks += outcome.looks
        rows[place].largestStep = max(rows[place].largestStep, outcome.largestStep)
      }
    }
  }

  /// Adds a row as it is.
  public mutating func add(_ row: Row) { rows.append(row) }

  /// The row of a test and an estimator.
  public func row(_ test: EvaluationTest, _ estimator: Contestant) -> Row? {
    rows.first { $0.test == test && $0.estimator == estimator }
  }
}

/// The root of the mean square; nil of nothing.
func rms(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
}

extension EvaluationReport.Row {
  /// Root mean square errors of the modes; nil where none was looked at.
  public func modeErrors(
    where isWanted: (EvaluationOutcome.ModeLook) -> Bool = { _ in true }
  ) -> (coupling: Double, accessibleIron: Double, capacity: Double, joint: Double)? {
    let wanted = looks.filter(isWanted)
    guard let coupling = rms(wanted.map { $0.coupling[0] - $0.coupling[2] }),
      let iron = rms(wanted.map { $0.iron[0] - $0.iron[2] }),
      let capacity = rms(wanted.map { $0.capacity[0] - $0.capacity[2] })
    else { return nil }
    // 95 % of a chi-squared of two: 5.991.
    let inside = wanted.filter { $0.jointDistance <= 5.991 }.count
    return (coupling, iron, capacity, Double(inside) / Double(wanted.count))
  }
}

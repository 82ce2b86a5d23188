// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Simulation

/// Planted estimators: the verdicts must follow them.
@Suite struct EvaluationTargetTests {
  private func report(ours: Double, theirs: Double, width: Double) -> EvaluationReport {
    var report = EvaluationReport()
    var outcome = EvaluationOutcome()
    for (index, contestant) in Contestant.allCases.enumerated() {
      let error = contestant.isOurs ? ours : theirs
      for place in 0..<1_000 {
        // Even errors up to twice the given one.
        outcome.rows[index].score.add(
          error: error * Double(place) / 500,
          halfWidth: contestant.isOurs ? width : (contestant == .textbookEKF ? 1e-4 : nil))
      }
      outcome.rows[index].convergenceSeconds = contestant.isOurs ? 20 : nil
    }
    report.add(.fleet, outcome)
    report.add(.startPlateau, outcome)
    return report
  }

  private func verdict(_ report: EvaluationReport, _ question: String) throws
    -> EvaluationTarget.Verdict
  {
    try #require(report.targets.first { $0.question == question }, "\(question)").verdict
  }

  @Test(arguments: [
    (0.006, EvaluationTarget.Verdict.aimMet), (0.010, .met), (0.011, .missed), (0.05, .missed),
  ])
  func theFleetsErrorDecidesItsVerdict(error: Double, wanted: EvaluationTarget.Verdict) throws {
    // The root mean square of even errors up to 2e is 2e/√3.
    let report = report(ours: error, theirs: 0.1, width: 0.02)
    #expect(try verdict(report, "fleet, no per-cell fit: RMSE") == wanted)
  }

  @Test func aBetterOpponentIsNotBeaten() throws {
    let question = "tests and baselines beaten on RMSE, max and coverage"
    #expect(try verdict(report(ours: 0.01, theirs: 0.1, width: 0.02), question) == .aimMet)
    #expect(try verdict(report(ours: 0.1, theirs: 0.01, width: 0.2), question) == .missed)
  }

  @Test func anOverConfidentEstimatorMissesItsIntervals() throws {
    let question = "fleet: 95 % interval off by"
    // Errors are even up to 2 %: 1.9 % holds 95 % of them.
    #expect(try verdict(report(ours: 0.01, theirs: 0.1, width: 0.019), question) == .aimMet)
    #expect(try verdict(report(ours: 0.01, theirs: 0.1, width: 0.005), question) == .missed)
  }

  @Test func whatWasNotRunIsNotMeasured() throws {
    let report = report(ours: 0.01, theirs: 0.1, width: 0.02)
    #expect(try verdict(report, "life, health 0.86: RMSE") == .notMeasured)
    #expect(
      try verdict(report, "30 % wrong start on the plateau: p90 to 3 %") == .aimMet)
  }

  @Test func oneCellInTenMayNeverConverge() {
    var row = EvaluationReport.Row(test: .fleet, estimator: .sodalite)
    row.convergences = [Double](repeating: 30, count: 9) + [.infinity]
    #expect(row.convergence90 == 30)
    row.convergences = [Double](repeating: 30, count: 8) + [.infinity, .infinity]
    #expect(row.convergence90 == .infinity)
    row.convergences = []
    #expect(row.convergence90 == nil)
  }
}

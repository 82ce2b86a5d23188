// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import Simulation

@Suite struct EvaluationScoreTests {
  @Test func threeErrorsByHand() {
    var score = EvaluationScore()
    score.add(error: 0.01, halfWidth: 0.0196)
    score.add(error: -0.02, halfWidth: 0.0196)
    score.add(error: 0.002, halfWidth: 0.0196)
    #expect(abs((score.rmse ?? 0) - (0.000504 / 3).squareRoot()) < 1e-12)
    #expect(score.maxError == 0.02)
    // One deviation is 1 %: 50 % within 0.674 %, 80 % within 1.28 %, 95 % within 1.96 %.
    #expect(score.coverage50 == 1.0 / 3)
    #expect(score.coverage80 == 2.0 / 3)
    #expect(score.coverage95 == 2.0 / 3)
    #expect(abs((score.meanHalfWidth ?? 0) - 0.0196) < 1e-12)
  }

  @Test(arguments: [1 as UInt64, 2, 3]) func aNormalErrorIsCoveredAsClaimed(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var score = EvaluationScore()
    for _ in 0..<40_000 { score.add(error: 0.01 * random.gaussian(), halfWidth: 0.0195996) }
    // Four deviations of a share of 40,000 independent looks: 1 %.
    #expect(abs((score.coverage50 ?? 0) - 0.5) < 0.01)
    #expect(abs((score.coverage80 ?? 0) - 0.8) < 0.01)
    #expect(abs((score.coverage95 ?? 0) - 0.95) < 0.01)
    #expect(abs((score.p95 ?? 0) - 0.0196) < 0.001)
  }

  @Test func whoClaimsNothingCoversNothing() {
    var score = EvaluationScore()
    score.add(error: 0.1, halfWidth: nil)
    #expect(score.coverage95 == nil)
    #expect(score.meanHalfWidth == nil)
    #expect(EvaluationScore().rmse == nil)
  }

  @Test func partsAddUpAndTextIsLossless() {
    var random = SeededRandom(seed: 5)
    var whole = EvaluationScore()
    var parts = [EvaluationScore(), EvaluationScore()]
    for index in 0..<1_000 {
      let error = 0.03 * random.gaussian()
      whole.add(error: error, halfWidth: 0.05)
      parts[index % 2].add(error: error, halfWidth: 0.05)
    }
    parts[0].add(parts[1])
    #expect(abs((parts[0].rmse ?? 0) - (whole.rmse ?? 1)) < 1e-12)
    #expect(parts[0].p95 == whole.p95)
    #expect(parts[0].maxError == whole.maxError)
    #expect(EvaluationScore(fields: whole.fields) == whole)
    #expect(EvaluationScore(fields: [1, 2, 3]) == nil)
  }

  @Test func convergenceNeedsTenMinutes() {
    var convergence = Convergence()
    for second in 0..<100 { convergence.add(seconds: Double(second), error: 0.01) }
    convergence.add(seconds: 100, error: 0.2)
    for second in 101..<700 { convergence.add(seconds: Double(second), error: -0.029) }
    #expect(convergence.seconds == nil)
    for second in 700..<800 { convergence.add(seconds: Double(second), error: 0.01) }
    #expect(convergence.seconds == 101)
    convergence.add(seconds: 900, error: 0.5)
    #expect(convergence.seconds == 101)
  }

  @Test func anOutcomeSurvivesItsLine() throws {
    var outcome = EvaluationOutcome()
    outcome.largestStep = 0.1 + 0.2
    outcome.rows[0].score.add(error: 1.0 / 3, halfWidth: 0.1)
    outcome.rows[1].convergenceSeconds = 61
    outcome.rows[1].capacityErrors = [0.1, -1.0 / 7]
    outcome.looks = [
      EvaluationOutcome.ModeLook(
        health: 0.86, coupling: [0.5, 0.01, 0.51], iron: [0.1, 0.02, 0.3],
        capacity: [0.8, 0.001, 0.81], jointDistance: 2.5, isAfterFullCharge: true,
        learned: 7, refused: 2)
    ]
    let line = outcome.line
    #expect(EvaluationOutcome(line: line[...]) == outcome)
    #expect(EvaluationOutcome(line: line.prefix(20)) == nil)
    #expect(EvaluationOutcome(line: "nonsense") == nil)
  }
}

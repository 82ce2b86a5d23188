// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Simulation
import Testing

@Suite struct AccuracyScoreTests {
  @Test func theScoreOfNothingIsNothing() {
    let score = AccuracyScore()
    #expect(score.count == 0 && score.maxError == 0)
    #expect(score.rmse == nil && score.coverage == nil && score.percentile(0.95) == nil)
  }

  /// Against the plain computation over all errors at once.
  @Test(arguments: [UInt64(1), 2, 3], [0.001, 0.02, 0.4])
  func theScoreIsThePlainOne(seed: UInt64, deviation: Double) throws {
    var random = SeededRandom(seed: seed)
    var errors: [Double] = []
    var covered = 0
    var score = AccuracyScore()
    for _ in 0..<3_000 {
      let error = deviation * random.gaussian()
      let isCovered = random.chance(0.93)
      errors.append(error)
      covered += isCovered ? 1 : 0
      score.add(error: error, covered: isCovered)
    }
    let count = Double(errors.count)
    let rmse = (errors.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
    #expect(score.count == 3_000)
    #expect(abs(try #require(score.rmse) - rmse) < 1e-12)
    #expect(try #require(score.coverage) == Double(covered) / count)
    let sorted = errors.map(\.magnitude).sorted()
    #expect(score.maxError == sorted.last)
    for share in [0.05, 0.5, 0.9, 0.95, 0.99, 1] {
      let exact = sorted[max(Int((share * count).rounded(.up)) - 1, 0)]
      let found = try #require(score.percentile(share))
      // Bins of 1e-4, up to an error of 1; what is beyond shares the last bin.
      if exact < 1 {
        #expect(found >= exact && found <= exact + 1e-4, "\(share): \(found), not \(exact)")
      } else {
        #expect(found >= 1)
      }
    }
  }

  @Test func scoresAdd() {
    var random = SeededRandom(seed: 4)
    var whole = AccuracyScore()
    var parts = [AccuracyScore(), AccuracyScore(), AccuracyScore()]
    for k in 0..<900 {
      // Whole multiples of 1/1024, so that sums of squares are exact in any order.
      let error = Double(Int(random.uniform(-200, 200))) / 1_024
      whole.add(error: error, covered: k % 7 != 0)
      parts[k % 3].add(error: error, covered: k % 7 != 0)
    }
    var sum = AccuracyScore()
    for part in parts { sum.add(part) }
    #expect(sum == whole)
  }
}

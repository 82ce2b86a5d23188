// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import CellFitting

@Suite struct LinearAlgebraTests {
  /// A well-conditioned random matrix of a seed, by columns.
  private func columns(_ rows: Int, _ count: Int, seed: UInt64) -> [[Double]] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in (0..<rows).map { _ in random.gaussian() } }
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func theInverseTimesTheMatrixIsOne(seed: UInt64) throws {
    let size = 12
    let a = columns(20, size, seed: seed)
    let matrix = (0..<size * size).map { dot(a[$0 / size], a[$0 % size]) }
    let inverse = try #require(Cholesky(matrix, size: size)?.inverse)
    for i in 0..<size {
      for j in 0..<size {
        let row = (0..<size).map { inverse[i * size + $0] }
        let product = dot(row, (0..<size).map { matrix[$0 * size + j] })
        #expect((product - (i == j ? 1 : 0)).magnitude < 1e-10)
      }
    }
  }

  @Test func aMatrixThatIsNotPositiveHasNoFactor() {
    #expect(Cholesky([1, 2, 2, 1], size: 2) == nil)
    #expect(Cholesky([0], size: 1) == nil)
  }

  /// What is left of least squares is orthogonal to every column.
  @Test(arguments: [4, 5, 6] as [UInt64]) func theResidualIsOrthogonal(seed: UInt64) {
    let a = columns(30, 5, seed: seed)
    var random = SeededRandom(seed: seed, stream: 1)
    let b = (0..<30).map { _ in random.gaussian() }
    let triangle = HouseholderQR.triangle(a, b)
    let x = HouseholderQR.backSubstitute(triangle.columns, triangle.right)
    let left = b.indices.map { row in b[row] - (0..<5).reduce(0) { $0 + a[$1][row] * x[$1] } }
    for column in a { #expect(dot(column, left).magnitude < 1e-12 * 30) }
  }

  /// The eigenvalues of [[3, 0], [4, 5]]ᵀ[[3, 0], [4, 5]] are 45 and 5.
  @Test func singularValuesOfAKnownMatrix() {
    let values = SingularValues.of([[3, 4], [0, 5]])
    #expect((values[0] - 45.0.squareRoot()).magnitude < 1e-14 * 7)
    #expect((values[1] - 5.0.squareRoot()).magnitude < 1e-14 * 3)
  }

  /// A small singular value keeps its digits, which the square of the matrix would lose.
  @Test func aSmallSingularValueIsAccurate() {
    let values = SingularValues.of([[1, 0], [1, 1e-10]])
    #expect((values[1] / (1e-10 / 2.0.squareRoot()) - 1).magnitude < 1e-6)
  }
}

@Suite struct LevenbergMarquardtTests {
  private func decay(_ p: [Double], _ t: Double) -> Double {
    p[0] * DeterministicMath.exp(-t / p[1]) + p[2]
  }

  private func parameters(_ range: ClosedRange<Double>) -> [LevenbergMarquardt.Parameter] {
    [
      .init(start: 1, range: -10...10, difference: 1e-6),
      .init(start: 1, range: range, difference: 1e-6),
      .init(start: 0, range: -10...10, difference: 1e-6),
    ]
  }

  @Test func aDecayIsFound() {
    let truth = [2.0, 7, 0.5]
    let times = (0..<40).map(Double.init)
    let found = LevenbergMarquardt.minimise(parameters(0.1...100)) { p in
      times.map { decay(p, $0) - decay(truth, $0) }
    }
    #expect(found.hasConverged)
    for (value, expected) in zip(found.parameters, truth) {
      #expect((value - expected).magnitude < 1e-6)
    }
  }

  /// The best within the bounds: the time constant stands at its bound and the others make up for it.
  @Test func aBoundHolds() {
    let times = (0..<40).map(Double.init)
    let found = LevenbergMarquardt.minimise(parameters(0.1...5)) { p in
      times.map { decay(p, $0) - decay([2, 7, 0.5], $0) }
    }
    #expect(found.parameters[1] == 5)
    // The gradient of the free ones is 0 there.
    for place in [0, 2] {
      let slope = zip(found.jacobian[place], found.residuals).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(slope.magnitude < 1e-6)
    }
  }

  /// Rosenbrock's valley, which defeats a plain gradient.
  @Test func theValleyIsFollowed() {
    let found = LevenbergMarquardt.minimise(
      [
        .init(start: -1.2, range: -5...5, difference: 1e-7),
        .init(start: 1, range: -5...5, difference: 1e-7),
      ], limit: 100
    ) { [10 * ($0[1] - $0[0] * $0[0]), 1 - $0[0]] }
    #expect((found.parameters[0] - 1).magnitude < 1e-6)
    #expect((found.parameters[1] - 1).magnitude < 1e-6)
  }

  /// The stated deviations are those that repetitions show: 95 % intervals hold the truth in 95 of 100,
  /// give or take the binomial's three deviations.
  @Test func theIntervalsCover() throws {
    let truth = [2.0, 7, 0.5]
    let times = (0..<40).map(Double.init)
    var inside = 0
    for seed in 1...200 {
      var random = SeededRandom(seed: UInt64(seed))
      let data = times.map { decay(truth, $0) + 0.05 * random.gaussian() }
      let found = LevenbergMarquardt.minimise(parameters(0.1...100)) { p in
        zip(times, data).map { (decay(p, $0) - $1) / 0.05 }
      }
      let covariance = try #require(found.covariance)
      let deviation = covariance[4].squareRoot()
      if (found.parameters[1] - truth[1]).magnitude < 1.96 * deviation { inside += 1 }
    }
    #expect((181...199).contains(inside), "\(inside) of 200, seeds 1 to 200")
  }

  @Test func aDirectionWithoutEffectHasNoCovariance() {
    let found = LevenbergMarquardt.minimise(
      [
        .init(start: 1, range: -5...5, difference: 1e-6),
        .init(start: 1, range: -5...5, difference: 1e-6),
      ]
    ) { [$0[0] - 3, 2 * $0[0] - 6] }
    #expect((found.parameters[0] - 3).magnitude < 1e-6)
    #expect(found.covariance == nil)
    #expect(found.singularValues[1] == 0)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Nonlinear least squares of few parameters between bounds.
///
/// The Jacobian is by differences; each step is a damped Gauss–Newton step by Householder reflections,
/// with parameters that a bound stops left out. Source: Marquardt, J. SIAM 11 (1963) 431; damping by
/// the gain ratio as Madsen, Nielsen and Tingleff, "Methods for non-linear least squares problems"
/// (2004). There is no package with one among those this project may use.
public struct LevenbergMarquardt {
  /// A parameter to be found.
  public struct Parameter: Sendable, Equatable {
    /// Where the search begins, within the bounds.
    public var start: Double
    /// The bounds; both belong to the range.
    public var range: ClosedRange<Double>
    /// The difference for the Jacobian: far above rounding, far below what changes the model's kind.
    public var difference: Double

    /// Makes a parameter; a start outside the range is moved to its bound.
    public init(start: Double, range: ClosedRange<Double>, difference: Double) {
      self.start = min(max(start, range.lowerBound), range.upperBound)
      self.range = range
      self.difference = difference
    }
  }

  /// What was found.
  public struct Solution: Sendable {
    /// The parameters.
    public var parameters: [Double]
    /// The residuals there.
    public var residuals: [Double]
    /// The Jacobian there, by columns.
    public var jacobian: [[Double]]
    /// How many Jacobians were made.
    public var iterations: Int
    /// False when the limit of iterations was met first.
    public var hasConverged: Bool

    /// Half the sum of the squared residuals.
    public var cost: Double { LevenbergMarquardt.cost(residuals) }
    /// The singular values of the Jacobian, the largest first.
    public var singularValues: [Double] {
      SingularValues.of(HouseholderQR.triangle(jacobian, residuals).columns)
    }
    /// The covariance of the parameters for residuals of unit variance, row by row; nil where some
    /// direction has no effect on any residual.
    public var covariance: [Double]? {
      let count = jacobian.count
      var information = [Double](repeating: 0, count: count * count)
      for i in 0..<count {
        for j in 0..<count {
          information[i * count + j] = zip(jacobian[i], jacobian[j]).reduce(0) { $0 + $1.0 * $1.1 }
        }
      }
      return Cholesky(information, size: count)?.inverse
    }
  }

  private let parameters: [Parameter]
  private let residuals: ([Double]) -> [Double]

  /// Finds the parameters with the least sum of squared residuals near the start.
  ///
  /// - Parameters:
  ///   - parameters: at least one.
  ///   - limit: the largest number of Jacobians.
  ///   - residuals: as many as ever, and at least as many as parameters; an infinite or undefined one
  ///     makes a step fail.
  public static func minimise(
    _ parameters: [Parameter], limit: Int = 40, residuals: ([Double]) -> [Double]
  ) -> Solution {
    withoutActuallyEscaping(residuals) { residuals in
      LevenbergMarquardt(parameters: parameters, residuals: residuals).search(limit: limit)
    }
  }

  private init(parameters: [Parameter], residuals: @escaping ([Double]) -> [Double]) {
    self.parameters = parameters
    self.residuals = residuals
  }

  private static func cost(_ residuals: [Double]) -> Double {
    0.5 * residuals.reduce(0) { $0 + $1 * $1 }
  }

  private func search(limit: Int) -> Solution {
    let start = parameters.map(\.start)
    var here = Solution(
      parameters: start, residuals: residuals(start), jacobian: [], iterations: 0,
      hasConverged: false)
    var damping = 1e-3
    while here.iterations < limit {
      here.jacobian = jacobian(at: here)
      here.iterations += 1
      guard let gain = step(&here, &damping) else {
        // No damping finds anything lower: this is a minimum to the last digits.
        here.hasConverged = true
        return here
      }
      if gain < 1e-9 * (here.cost + 1e-300) {
        here.hasConverged = true
        break
      }
    }
    here.jacobian = jacobian(at: here)
    return here
  }

  /// Moves to a lower cost and gives the gain; nil where no step lowers it.
  private func step(_ here: inout Solution, _ damping: inout Double) -> Double? {
    let free = freeParameters(here)
    guard !free.isEmpty else { return nil }
    let triangle = HouseholderQR.triangle(free.map { here.jacobian[$0] }, here.residuals)
    let old = here.cost
    var growth = 2.0
    for _ in 0..<24 {
      let trial = moved(here.parameters, by: dampedStep(triangle, damping), of: free)
      let residuals = residuals(trial)
      let new = Self.cost(residuals)
      if new.isFinite, new < old {
        damping = max(damping / 5, 1e-12)
        here.parameters = trial
        here.residuals = residuals
        return old - new
      }
      damping *= growth
      growth *= 2
    }
    return nil
  }

  /// The step that solves the triangle with a damping in proportion to each column's length.
  private func dampedStep(
    _ triangle: (columns: [[Double]], right: [Double]), _ damping: Double
  ) -> [Double] {
    let count = triangle.columns.count
    var columns = triangle.columns
    for k in 0..<count {
      let length = triangle.columns[k].reduce(0) { $0 + $1 * $1 }.squareRoot()
      var tail = [Double](repeating: 0, count: count)
      tail[k] = damping.squareRoot() * max(length, 1e-300)
      columns[k] += tail
    }
    let right = triangle.right.map { -$0 } + [Double](repeating: 0, count: count)
    let solved = HouseholderQR.triangle(columns, right)
    return HouseholderQR.backSubstitute(solved.columns, solved.right)
  }

  private func moved(_ from: [Double], by step: [Double], of free: [Int]) -> [Double] {
    var result = from
    for (change, place) in zip(step, free) {
      let range = parameters[place].range
      result[place] = min(max(from[place] + change, range.lowerBound), range.upperBound)
    }
    return result
  }

  /// All but those that stand at a bound and would go beyond it.
  private func freeParameters(_ here: Solution) -> [Int] {
    parameters.indices.filter { place in
      let slope = zip(here.jacobian[place], here.residuals).reduce(0) { $0 + $1.0 * $1.1 }
      let value = here.parameters[place]
      let range = parameters[place].range
      if value <= range.lowerBound, slope >= 0 { return false }
      if value >= range.upperBound, slope <= 0 { return false }
      return true
    }
  }

  private func jacobian(at here: Solution) -> [[Double]] {
    parameters.indices.map { place in
      var moved = here.parameters
      let range = parameters[place].range
      // Towards the inside where a bound is near.
      let forward = moved[place] + parameters[place].difference <= range.upperBound
      let change = forward ? parameters[place].difference : -parameters[place].difference
      moved[place] += change
      return zip(residuals(moved), here.residuals).map { ($0 - $1) / change }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Weighted linear equations with few unknowns each, and their least-squares solution.
struct SparseRows {
  private(set) var starts = [0]
  private(set) var indices: [Int] = []
  private(set) var values: [Double] = []
  private(set) var targets: [Double] = []
  /// One over the standard deviation of each equation.
  var weights: [Double] = []

  var count: Int { targets.count }

  /// Appends Σ value · unknown = target, to be met within one over the weight.
  mutating func append(_ terms: [(Int, Double)], target: Double, weight: Double) {
    for (index, value) in terms where value != 0 {
      indices.append(index)
      values.append(value)
    }
    starts.append(indices.count)
    targets.append(target)
    weights.append(weight)
  }

  mutating func append(_ other: SparseRows) {
    let offset = indices.count
    indices += other.indices
    values += other.values
    targets += other.targets
    weights += other.weights
    starts += other.starts.dropFirst().map { $0 + offset }
  }

  /// What each equation's left side is.
  func predictions(_ unknowns: [Double]) -> [Double] {
    (0..<count).map { row in
      var sum = 0.0
      for k in starts[row]..<starts[row + 1] { sum += values[k] * unknowns[indices[k]] }
      return sum
    }
  }

  /// Adds the weighted normal equations to a matrix, of which only the lower triangle is filled, and
  /// to a right side.
  func accumulate(into matrix: inout [Double], _ right: inout [Double]) {
    let size = right.count
    for row in 0..<count {
      let weight = weights[row] * weights[row]
      let terms = starts[row]..<starts[row + 1]
      for i in terms {
        let scaled = weight * values[i]
        let column = indices[i]
        right[column] += scaled * targets[row]
        for j in terms where indices[j] <= column {
          matrix[column * size + indices[j]] += scaled * values[j]
        }
      }
    }
  }

  /// Least squares with some unknowns not below 0.
  ///
  /// Unknowns that would be negative are held at 0, the worst first, until none is: an active set
  /// that only grows, which for smooth curves is the constrained minimum or close to it.
  func solve(size: Int, notNegative: Range<Int>) -> [Double]? {
    var matrix = [Double](repeating: 0, count: size * size)
    var right = [Double](repeating: 0, count: size)
    accumulate(into: &matrix, &right)
    for _ in 0..<20 {
      guard let solution = Cholesky(matrix, size: size)?.solve(right) else { return nil }
      let worst = notNegative.reduce(0) { min($0, solution[$1]) }
      guard worst < -1e-12 else { return solution }
      for place in notNegative where solution[place] <= 0.3 * worst {
        hold(place, &matrix, &right)
      }
    }
    guard var solution = Cholesky(matrix, size: size)?.solve(right) else { return nil }
    for place in notNegative { solution[place] = max(solution[place], 0) }
    return solution
  }

  private func hold(_ place: Int, _ matrix: inout [Double], _ right: inout [Double]) {
    let size = right.count
    for k in 0..<size {
      matrix[place * size + k] = 0
      matrix[k * size + place] = 0
    }
    matrix[place * size + place] = 1
    right[place] = 0
  }
}

/// Places of a piecewise linear curve.
struct Knots {
  let places: [Double]

  /// The two knots around a place with their shares; constant outside.
  func hats(_ place: Double) -> ((Int, Double), (Int, Double)) {
    let count = places.count
    guard count > 1, place > places[0] else { return ((0, 1), (0, 0)) }
    guard place < places[count - 1] else { return ((count - 1, 1), (count - 1, 0)) }
    var low = 0
    var high = count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if places[middle] <= place { low = middle } else { high = middle }
    }
    let share = (place - places[low]) / (places[high] - places[low])
    return ((low, 1 - share), (high, share))
  }

  func value(_ values: [Double], at place: Double) -> Double {
    let (low, high) = hats(place)
    return values[low.0] * low.1 + values[high.0] * high.1
  }

  static func even(_ range: ClosedRange<Double>, _ intervals: Int) -> Knots {
    Knots(
      places: (0...intervals).map {
        range.lowerBound
          + (range.upperBound - range.lowerBound) * Double($0) / Double(intervals)
      })
  }
}

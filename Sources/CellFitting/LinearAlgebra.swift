// SPDX-License-Identifier: Apache-2.0

/// The factor of a symmetric positive definite matrix; for the normal equations of many unknowns with
/// a prior on each, which keeps them well conditioned.
struct Cholesky {
  let size: Int
  /// The lower triangle, row by row.
  private var lower: [Double]

  /// Factors a matrix given row by row, of which the upper triangle is not read; nil where it is not
  /// positive definite.
  init?(_ matrix: [Double], size: Int) {
    self.size = size
    lower = matrix
    for row in 0..<size {
      for column in 0...row {
        var sum = lower[row * size + column]
        for k in 0..<column { sum -= lower[row * size + k] * lower[column * size + k] }
        if row == column {
          guard sum > 0, sum.isFinite else { return nil }
          lower[row * size + row] = sum.squareRoot()
        } else {
          lower[row * size + column] = sum / lower[column * size + column]
        }
      }
    }
  }

  /// The solution of the system with a right side.
  func solve(_ right: [Double]) -> [Double] {
    var x = right
    for row in 0..<size {
      for k in 0..<row { x[row] -= lower[row * size + k] * x[k] }
      x[row] /= lower[row * size + row]
    }
    for row in stride(from: size - 1, through: 0, by: -1) {
      for k in row + 1..<max(size, row + 1) { x[row] -= lower[k * size + row] * x[k] }
      x[row] /= lower[row * size + row]
    }
    return x
  }

  /// The inverse, row by row.
  var inverse: [Double] {
    var result = [Double](repeating: 0, count: size * size)
    var unit = [Double](repeating: 0, count: size)
    for column in 0..<size {
      unit[column] = 1
      let x = solve(unit)
      unit[column] = 0
      for row in 0..<size { result[row * size + column] = x[row] }
    }
    return result
  }
}

/// Least squares of few unknowns, which keeps the digits that normal equations lose.
enum HouseholderQR {
  /// Reflects columns and right side until the columns are an upper triangle.
  ///
  /// - Parameters:
  ///   - columns: the matrix by columns, at least as many rows as columns.
  ///   - right: the right side.
  /// - Returns: the triangle by columns and the part of the right side that it can meet.
  static func triangle(
    _ columns: [[Double]], _ right: [Double]
  ) -> (columns: [[Double]], right: [Double]) {
    var a = columns
    var b = right
    let count = a.count
    for k in 0..<count {
      let rows = b.count
      var norm = 0.0
      for row in k..<rows { norm += a[k][row] * a[k][row] }
      norm = norm.squareRoot()
      guard norm > 0 else { continue }
      let pivot = a[k][k] > 0 ? -norm : norm
      var v = a[k]
      v[k] -= pivot
      var length = 0.0
      for row in k..<rows { length += v[row] * v[row] }
      for column in k..<count { reflect(&a[column], v, from: k, length) }
      reflect(&b, v, from: k, length)
    }
    return (a.map { Array($0.prefix(count)) }, Array(b.prefix(count)))
  }

  private static func reflect(_ x: inout [Double], _ v: [Double], from k: Int, _ length: Double) {
    var product = 0.0
    for row in k..<v.count { product += v[row] * x[row] }
    let factor = 2 * product / length
    for row in k..<v.count { x[row] -= factor * v[row] }
  }

  /// The solution of an upper triangle; an unknown with nothing on the diagonal is 0.
  static func backSubstitute(_ columns: [[Double]], _ right: [Double]) -> [Double] {
    var x = right
    for k in stride(from: columns.count - 1, through: 0, by: -1) {
      x[k] = columns[k][k] == 0 ? 0 : x[k] / columns[k][k]
      for row in 0..<k { x[row] -= columns[k][row] * x[k] }
    }
    return x
  }
}

/// Singular values by one-sided Jacobi rotations, accurate for the small ones too.
enum SingularValues {
  /// The singular values of a matrix given by columns, the largest first.
  static func of(_ columns: [[Double]]) -> [Double] {
    var a = columns
    for _ in 0..<60 {
      var rotated = false
      for i in a.indices {
        for j in 0..<i where rotate(&a, i, j) { rotated = true }
      }
      if !rotated { break }
    }
    return a.map { dot($0, $0).squareRoot() }.sorted(by: >)
  }

  private static func rotate(_ a: inout [[Double]], _ i: Int, _ j: Int) -> Bool {
    let p = dot(a[i], a[i])
    let q = dot(a[j], a[j])
    let r = dot(a[i], a[j])
    guard r * r > 1e-28 * p * q else { return false }
    let zeta = (q - p) / (2 * r)
    let t = (zeta < 0 ? -1.0 : 1.0) / (zeta.magnitude + (1 + zeta * zeta).squareRoot())
    let c = 1 / (1 + t * t).squareRoot()
    for row in a[i].indices {
      let x = a[i][row]
      a[i][row] = c * (x - t * a[j][row])
      a[j][row] = c * (t * x + a[j][row])
    }
    return true
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for row in a.indices { sum += a[row] * b[row] }
    return sum
  }
}

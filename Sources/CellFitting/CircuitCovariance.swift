// SPDX-License-Identifier: Apache-2.0

/// How certain a fit is: the covariance of the curves' values, then of the nonlinear parameters.
///
/// Two answers are formed and the wider is taken, unknown by unknown. The first counts as many
/// witnesses as the residuals have independent ones. The second makes no use of the noise's size or
/// shape: the record is cut into stretches, and what each pulled at every unknown is taken as one draw
/// (a sandwich over clusters; Liang and Zeger, Biometrika 73 (1986) 13). A model that is wrong in
/// stretches, or noise that is not the same everywhere, shows in the second only. Neither knows what
/// the curves' smoothness, which is a belief, bends: hence `caution`.
struct CircuitCovariance {
  let fit: CircuitFit
  let shape: CircuitModel.Shape
  let unknowns: [Double]
  let residuals: [Double]
  let beliefs: [CircuitFit.Belief]

  /// Chosen on made-up cells of seeds 1 to 20 (`fit-study`), which without it found the truth inside
  /// 75 to 100 % of the 95 % intervals.
  private static let caution = 1.3

  private var size: Int { fit.model.size }
  private var total: Int { size + beliefs.count }

  /// - Parameters:
  ///   - weights: as the fit had them, one a row.
  ///   - scale: what the first answer multiplies them with.
  /// - Returns: row by row; nil where a direction has neither data nor belief.
  func covariance(weights: [Double], scale: Double) -> [Double]? {
    let rows = fit.model.rows(shape)
    let columns = slopes(rows)
    let counted = information(rows, columns, weights.map { $0 * scale })
    guard var result = Cholesky(counted, size: total)?.inverse,
      let fitted = Cholesky(information(rows, columns, weights), size: total)?.inverse
    else { return nil }
    let pulls = stretchPulls(rows, columns, weights)
    var wider = [Double](repeating: 1, count: total)
    let prior = priorDiagonal(fitted)
    for unknown in 0..<total {
      var variance = prior[unknown]
      for pull in pulls {
        var moved = 0.0
        for k in 0..<total { moved += fitted[unknown * total + k] * pull[k] }
        variance += moved * moved
      }
      let first = result[unknown * total + unknown]
      if first > 0 { wider[unknown] = Self.caution * max(variance / first, 1).squareRoot() }
    }
    for i in 0..<total {
      for j in 0..<total { result[i * total + j] *= wider[i] * wider[j] }
    }
    return result
  }

  /// What each nonlinear parameter does to every row's prediction.
  private func slopes(_ rows: SparseRows) -> [[Double]] {
    let predicted = rows.predictions(unknowns)
    let values = beliefs.map { CircuitFit.value($0.name, of: shape) }
    return beliefs.indices.map { place in
      var moved = values
      let step = fit.difference(beliefs[place])
      moved[place] += step
      let shape = CircuitFit.shape(moved, beliefs, from: shape)
      let there = fit.model.rows(shape)
      // What is known of the voltage stands in the targets.
      let predictions = there.predictions(unknowns)
      return predicted.indices.map {
        (predictions[$0] - there.targets[$0] - predicted[$0] + rows.targets[$0]) / step
      }
    }
  }

  /// The information of rows and beliefs; the lower triangle.
  private func information(
    _ rows: SparseRows, _ columns: [[Double]], _ weights: [Double]
  ) -> [Double] {
    var small = [Double](repeating: 0, count: size * size)
    var right = [Double](repeating: 0, count: size)
    fit.equations(shape, weights).accumulate(into: &small, &right)
    var matrix = [Double](repeating: 0, count: total * total)
    for i in 0..<size {
      for j in 0...i { matrix[i * total + j] = small[i * size + j] }
    }
    for (p, column) in columns.enumerated() {
      for row in 0..<rows.count {
        let weighted = weights[row] * weights[row] * column[row]
        for k in rows.starts[row]..<rows.starts[row + 1] {
          matrix[(size + p) * total + rows.indices[k]] += weighted * rows.values[k]
        }
        for q in 0...p { matrix[(size + p) * total + size + q] += weighted * columns[q][row] }
      }
      matrix[(size + p) * total + size + p] += 1 / (beliefs[p].deviation * beliefs[p].deviation)
    }
    return matrix
  }

  /// What the beliefs' own uncertainty adds to each unknown: the diagonal of B P B.
  private func priorDiagonal(_ inverse: [Double]) -> [Double] {
    var prior = [Double](repeating: 0, count: size * size)
    var right = [Double](repeating: 0, count: size)
    fit.model.prior.rows(fit.model).accumulate(into: &prior, &right)
    return (0..<total).map { unknown in
      var sum = 0.0
      for i in 0..<size {
        let first = inverse[unknown * total + i]
        sum += first * first * prior[i * size + i]
        for j in 0..<i {
          sum += 2 * first * inverse[unknown * total + j] * prior[i * size + j]
        }
      }
      for (place, belief) in beliefs.enumerated() {
        let share = inverse[unknown * total + size + place] / belief.deviation
        sum += share * share
      }
      return sum
    }
  }

  /// What each stretch of the records pulls at every unknown.
  private func stretchPulls(
    _ rows: SparseRows, _ columns: [[Double]], _ weights: [Double]
  ) -> [[Double]] {
    fit.model.stretches.map { stretch in
      var pull = [Double](repeating: 0, count: total)
      for row in stretch { add(row, rows, columns, weights, to: &pull) }
      return pull
    }
  }

  private func add(
    _ row: Int, _ rows: SparseRows, _ columns: [[Double]], _ weights: [Double],
    to pull: inout [Double]
  ) {
    let force = weights[row] * weights[row] * residuals[row]
    for k in rows.starts[row]..<rows.starts[row + 1] {
      pull[rows.indices[k]] += force * rows.values[k]
    }
    for p in columns.indices { pull[size + p] += force * columns[p][row] }
  }
}

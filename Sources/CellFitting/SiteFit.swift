// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// A half-cell curve as redox sites, which is how a description has its electrodes.
///
/// The content at a potential is a sum of sites that fill independently, each with a potential and a
/// width (multi-site, multi-reaction; Verbrugge et al., J. Electrochem. Soc. 164 (2017) E3243). Sites
/// are added until the curve is followed or there are eight.
struct SiteFit {
  /// A site; its share is of the curve's content.
  struct Site: Equatable {
    var volts: Double
    var width: Double
    var share: Double
  }

  private(set) var sites: [Site]
  /// The content that no site gives back within the curve.
  private(set) var rest: Double
  /// What is left of the curve, where it is flat as a voltage and where it is steep as a content times
  /// its slope; the root of the mean square. Unit: V.
  private(set) var missVolts: Double

  /// RT/F at 25 °C. Unit: V.
  private static let thermalVolts = 0.025692579
  private static let most = 8
  /// A curve is followed within these. Units: V, content.
  private static let missAllowed = (volts: 0.001, content: 3e-4)

  init(_ curve: HalfCellCurve) {
    let points = Self.points(curve)
    var best = Self.search(points, Self.starts(points, 3))
    for count in 4...Self.most where best.cost > 0.5 * Double(points.count) {
      // From places along the curve anew, and from what there is with one more where it is missed.
      var more = best.sites.map { (volts: $0.volts, width: $0.width) }
      more.append((points[best.worst].volts, 1))
      for starts in [Self.starts(points, count), more] {
        let next = Self.search(points, starts)
        if next.cost < best.cost { best = next }
      }
    }
    sites = best.sites.filter { $0.share > 1e-6 }.sorted { $0.volts > $1.volts }
    rest = best.rest
    missVolts = best.missVolts
  }

  private struct Point {
    var volts: Double
    var content: Double
    /// How far the content may be missed.
    var deviation: Double
    /// The slope. Unit: V.
    var slope: Double
  }

  /// Places evenly along the curve.
  private static func points(_ curve: HalfCellCurve) -> [Point] {
    let count = 240
    let range = curve(curve.emptiest) - curve(curve.fullest)
    let fine = (0...2_000).map { curve.emptiest + curve.range * Double($0) / 2_000 }
    var lengths = [0.0]
    for (before, after) in zip(fine, fine.dropFirst()) {
      let across = (after - before) / curve.range
      let up = (curve(before) - curve(after)) / range
      lengths.append(lengths[lengths.count - 1] + (across * across + up * up).squareRoot())
    }
    let along = Knots(places: lengths)
    return (0...count).map { place in
      let content = along.value(
        fine, at: lengths[lengths.count - 1] * Double(place) / Double(count))
      let half = 0.002 * curve.range
      let low = max(content - half, curve.emptiest)
      let high = min(content + half, curve.fullest)
      let slope = max((curve(low) - curve(high)) / (high - low), 1e-3)
      let allowed = missAllowed
      let flat = allowed.volts / slope
      return Point(
        volts: curve(content), content: content,
        deviation: (allowed.content * allowed.content + flat * flat).squareRoot(), slope: slope)
    }
  }

  /// Sites evenly along the curve.
  private static func starts(
    _ points: [Point], _ count: Int
  ) -> [(volts: Double, width: Double)] {
    (1...count).map { (points[points.count * $0 / (count + 1)].volts, 1.5) }
  }

  private struct Solution {
    var sites: [Site]
    var rest: Double
    var cost: Double
    var worst: Int
    var missVolts: Double
  }

  /// Potentials and widths are searched; shares follow from them.
  private static func search(
    _ points: [Point], _ starts: [(volts: Double, width: Double)]
  ) -> Solution {
    let high = points.reduce(-Double.infinity) { max($0, $1.volts) }
    let low = points.reduce(Double.infinity) { min($0, $1.volts) }
    let parameters = starts.flatMap { start -> [LevenbergMarquardt.Parameter] in
      [
        .init(start: start.volts, range: low - 0.2...high + 0.2, difference: 1e-5),
        .init(
          start: DeterministicMath.log(start.width), range: -1.5...3.4, difference: 1e-4),
      ]
    }
    let found = LevenbergMarquardt.minimise(parameters, limit: 60) { values in
      shares(points, values).map { misses(points, values, $0) }
        ?? [Double](repeating: .infinity, count: points.count)
    }
    let values = found.parameters
    let held = shares(points, values) ?? [Double](repeating: 0, count: starts.count + 1)
    let missed = misses(points, values, held)
    let squares = zip(missed, points).reduce(0.0) { sum, pair in
      let volts = pair.0 * pair.1.deviation * pair.1.slope
      // Beyond the steps' foot a slope says nothing.
      let bounded = min(volts.magnitude, pair.0.magnitude * missAllowed.volts * 10)
      return sum + bounded * bounded
    }
    return Solution(
      sites: starts.indices.map {
        Site(
          volts: values[2 * $0], width: DeterministicMath.exp(values[2 * $0 + 1]),
          share: held[$0])
      }, rest: held[starts.count], cost: found.cost,
      worst: missed.indices.max { missed[$0].magnitude < missed[$1].magnitude } ?? 0,
      missVolts: (squares / Double(points.count)).squareRoot())
  }

  private static func fill(_ volts: Double, _ values: [Double], _ site: Int) -> Double {
    let width = DeterministicMath.exp(values[2 * site + 1]) * thermalVolts
    return 1 / (1 + DeterministicMath.exp(min((volts - values[2 * site]) / width, 300)))
  }

  private static func shares(_ points: [Point], _ values: [Double]) -> [Double]? {
    let count = values.count / 2
    var rows = SparseRows()
    for point in points {
      var terms = (0..<count).map { ($0, fill(point.volts, values, $0)) }
      terms.append((count, 1))
      rows.append(terms, target: point.content, weight: 1 / point.deviation)
    }
    // So that a site that nothing asks for has a share all the same: 0.
    for site in 0...count { rows.append([(site, 1)], target: 0, weight: 0.1) }
    return rows.solve(size: count + 1, notNegative: 0..<count + 1)
  }

  private static func misses(
    _ points: [Point], _ values: [Double], _ shares: [Double]
  ) -> [Double] {
    let count = values.count / 2
    return points.map { point in
      var sum = shares[count]
      for site in 0..<count { sum += shares[site] * fill(point.volts, values, site) }
      return (point.content - sum) / point.deviation
    }
  }
}

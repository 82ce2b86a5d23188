// SPDX-License-Identifier: Apache-2.0

import CellSimulation

/// Where the cell is empty and full: where its open-circuit curve meets the cut-offs, with the
/// stretches beyond the record that this needs.
struct FitWindow {
  /// The curve at its knots, rising. Unit: V.
  let volts: [Double]
  /// The charge between empty and full. Unit: Ah.
  let ampereHours: Double
  /// From 0 to 1. Unit: V.
  let curve: Curve
  /// What had to be believed about the ends.
  let statements: [String]

  private let empty: Double
  private let belowRecord: Double
  private let aboveRecord: Double
  /// The deviation of a full end that is known, for its charge was held to the end. Unit: Ah.
  private let heldDeviation: Double?
  private let slopes: (lower: Double, upper: Double)

  /// - Parameters:
  ///   - places: the knots. Unit: Ah.
  ///   - volts: the curve there, rising.
  ///   - lower: the lower cut-off. Unit: V.
  ///   - upper: the upper cut-off. Unit: V.
  ///   - heldFull: where a charge was held at the upper cut-off until it ended; full is there. Unit: Ah.
  ///   - capacity: the charge between them, where it is known from elsewhere. Unit: Ah.
  init(
    places: [Double], volts: [Double], lower: Double, upper: Double, capacity: Double?,
    heldFull: (place: Double, amperes: Double)?
  ) {
    self.volts = volts
    let last = places.count - 1
    let span = places[last] - places[0]
    let knots = Knots(places: places)
    func slope(_ from: Double, _ to: Double) -> Double {
      (knots.value(volts, at: to) - knots.value(volts, at: from)) / (to - from)
    }
    slopes = (
      max(slope(places[0], places[0] + 0.01 * span), 1e-3 / span),
      max(slope(places[last] - 0.04 * span, places[last]), 1e-3 / span)
    )
    var said: [String] = []

    // The full end.
    var above: Double
    if let heldFull {
      above = heldFull.place - places[last]
      said.append(
        "full end: where the charge that was held at \(rounded(upper)) V ended, at "
          + "\(rounded(heldFull.amperes)) A; there the curve is at "
          + "\(rounded(knots.value(volts, at: heldFull.place))) V")
    } else if volts[last] >= upper {
      above = Self.crossing(places, volts, upper) - places[last]
    } else {
      above = (upper - volts[last]) / slopes.upper
      if above > 0.02 * span {
        above = 0.001 * span
        said.append(
          "full end: the curve ends at \(rounded(volts[last])) V, too flat to be continued to "
            + "\(rounded(upper)) V; the fullest state recorded is taken as full")
      }
    }
    let full = places[last] + above

    // The empty end.
    var points: [(place: Double, volts: Double)] = []
    var start = Double.nan
    if let capacity {
      start = full - capacity
    } else if volts[0] <= lower {
      start = Self.crossing(places, volts, lower)
    }
    if volts[0] > lower, !(start >= places[0]) {
      let curve = zip(places, volts).map { (place: $0 - places[0], volts: $1) }
      let foot = FootExtension(curve, span: span, cutoff: lower)
      if start.isNaN { start = places[0] - foot.ampereHours }
      let scale = (places[0] - start) / max(foot.ampereHours, 1e-12 * span)
      points = foot.points.map { (places[0] + $0.place * scale, $0.volts) }
      let share = rounded(100 * (places[0] - start) / (full - start))
      said.append(
        "empty end: the records end at \(rounded(volts[0])) V at rest; the last \(share) % to "
          + "\(rounded(lower)) V "
          + (capacity == nil ? "are continued with hard carbon's curve" : "follow from --capacity"))
    }
    let begin = start
    empty = begin
    heldDeviation = heldFull == nil ? nil : 0.002 * span
    belowRecord = max(places[0] - begin, 0)
    aboveRecord = max(above, 0)
    ampereHours = full - begin
    statements = said

    for (place, value) in zip(places, volts) where place > begin && place < full {
      if value > lower, value < upper { points.append((place, value)) }
    }
    let ends = [(place: begin, volts: points.isEmpty ? lower : min(lower, points[0].volts))]
    let top = heldFull.map { knots.value(volts, at: $0.place) } ?? upper
    let all = (points.first?.place == begin ? [] : ends) + points + [(full, top)]
    var x: [Double] = []
    var y: [Double] = []
    for point in all {
      let z = min(max((point.place - begin) / (full - begin), 0), 1)
      guard z > (x.last ?? -1) + 1e-5 || point.place == full else { continue }
      if point.place == full, let nearest = x.last, z <= nearest + 1e-5 {
        x.removeLast()
        y.removeLast()
      }
      x.append(z)
      y.append(max(point.volts, (y.last ?? -1) + 1e-5))
    }
    curve = Curve(x: x, y: y)
  }

  /// Where a rising curve meets a voltage.
  private static func crossing(_ places: [Double], _ volts: [Double], _ target: Double) -> Double {
    for k in places.indices.dropFirst() where volts[k] >= target && volts[k - 1] < target {
      let share = (target - volts[k - 1]) / (volts[k] - volts[k - 1])
      return places[k - 1] + share * (places[k] - places[k - 1])
    }
    return target <= volts[0] ? places[0] : places[places.count - 1]
  }

  /// The state of charge of a place on the axis of charge.
  func stateOfCharge(_ place: Double) -> Double { (place - empty) / ampereHours }

  /// The deviations of the ends from those of the curve there: half of what had to be continued is
  /// belief. Unit: Ah.
  func endDeviations(_ lower: Double, _ upper: Double) -> (lower: Double, upper: Double) {
    func both(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
    return (
      both(lower / slopes.lower, 0.5 * belowRecord),
      heldDeviation ?? both(upper / slopes.upper, aboveRecord)
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The open-circuit curve below the last charge that was recorded, down to the lower cut-off.
///
/// A discharge ends at the cut-off with the drop over the resistance still in it, so the last stretch
/// to the cut-off at rest is never recorded. There the anode empties: the curve follows hard carbon's
/// potential, scaled to the lowest part of what was recorded. Its length is a belief, not a
/// measurement, and half of it counts as its deviation.
struct FootExtension {
  /// Places below the record (negative, increasing) with their voltages, from the cut-off on.
  let points: [(place: Double, volts: Double)]

  /// The charge between the record's end and the cut-off. Unit: Ah.
  var ampereHours: Double { -(points.first?.place ?? 0) }

  /// Continues a curve.
  ///
  /// - Parameters:
  ///   - curve: places from 0 (the record's end) with voltages that increase.
  ///   - span: the whole charge of the record. Unit: Ah.
  ///   - cutoff: below the curve's first voltage.
  init(_ curve: [(place: Double, volts: Double)], span: Double, cutoff: Double) {
    let lowest = curve.filter { $0.place <= 0.2 * span }
    var best: LevenbergMarquardt.Solution?
    for content in [0.003, 0.02, 0.06] {
      let solution = Self.fit(lowest, span, content: content)
      if solution.cost < best?.cost ?? .infinity { best = solution }
    }
    let found = best?.parameters ?? [curve[0].volts + 1, 0, 0.02, 1.2]
    let end = Self.model(found, 0)
    func volts(_ place: Double) -> Double {
      curve[0].volts + Self.model(found, place / span) - end
    }
    var low = -0.5 * span
    var high = 0.0
    for _ in 0..<60 {
      let middle = 0.5 * (low + high)
      if volts(middle) > cutoff { high = middle } else { low = middle }
    }
    let length = -high
    points = (0..<10).map { step in
      // Close together towards the cut-off, where the curve is steepest.
      let share = Double(step) / 10
      let place = -length * (1 - share * share)
      return (place, step == 0 ? cutoff : volts(place))
    }
  }

  /// The cathode's potential and slope, the anode's content at the record's end, and its capacity in
  /// spans.
  private static func fit(
    _ curve: [(place: Double, volts: Double)], _ span: Double, content: Double
  ) -> LevenbergMarquardt.Solution {
    let parameters = [
      LevenbergMarquardt.Parameter(
        start: curve[0].volts + HardCarbon.volts(content), range: 0...6, difference: 1e-4),
      .init(start: 0.3, range: 0...5, difference: 1e-4),
      .init(start: content, range: 1e-4...0.3, difference: 1e-5),
      .init(start: 1.2, range: 0.6...2.5, difference: 1e-4),
    ]
    return LevenbergMarquardt.minimise(parameters) { values in
      curve.map { ($0.volts - model(values, $0.place / span)) / 0.01 }
        + [(values[1] - 0.3) / 0.5, (values[3] - 1.2) / 0.25]
    }
  }

  private static func model(_ values: [Double], _ place: Double) -> Double {
    values[0] + values[1] * place - HardCarbon.volts(values[2] + place / values[3])
  }
}

// SPDX-License-Identifier: Apache-2.0

/// An electrode's open-circuit potential against sodium over its sodium content.
public struct HalfCellCurve: Sendable, Equatable {
  let contents: [Double]
  let volts: [Double]

  /// Makes a curve.
  ///
  /// - Parameters:
  ///   - points: content (0 to 1 gives capacities in Ah; in mAh/g it gives masses) and potential (V), in
  ///     any order.
  ///   - name: for messages.
  /// - Throws: `FitRefusal` where it is no curve of a potential that falls with content.
  public init(_ points: [(content: Double, volts: Double)], name: String) throws(FitRefusal) {
    let sorted = points.sorted { $0.content < $1.content }
    var contents: [Double] = []
    var volts: [Double] = []
    for point in sorted where point.content > (contents.last ?? -.infinity) {
      contents.append(point.content)
      volts.append(point.volts)
    }
    guard contents.count >= 8 else {
      throw FitRefusal("\(contents.count) different contents; expected at least 8", record: name)
    }
    guard volts[0] > volts[volts.count - 1] else {
      throw FitRefusal(
        "the potential rises with the content; expected the sodium content, with which it falls",
        record: name)
    }
    self.contents = contents
    self.volts = volts
  }

  /// The potential; beyond the curve with the slope of its end, and at least 5 V over its whole range:
  /// a curve that ends is an electrode that is empty or full.
  func callAsFunction(_ content: Double) -> Double {
    let last = contents.count - 1
    let least = 5 / (contents[last] - contents[0])
    if content < contents[0] {
      let slope = max((volts[0] - volts[1]) / (contents[1] - contents[0]), least)
      return volts[0] + (contents[0] - content) * slope
    }
    if content > contents[last] {
      let slope = max(
        (volts[last - 1] - volts[last]) / (contents[last] - contents[last - 1]), least)
      return volts[last] - (content - contents[last]) * slope
    }
    return Knots(places: contents).value(volts, at: content)
  }

  var range: Double { contents[contents.count - 1] - contents[0] }
}

/// The two electrodes of a cell: how large they are, and how they are shifted against each other.
///
///     OCV(q) = Uc(y − q / Qc) − Ua(x + q / Qa)
///
/// with q the charge put in, y and x the contents at q = 0: the four numbers of differential-voltage
/// analysis (Dahn et al., J. Electrochem. Soc. 159 (2012) A1405), here fitted to the voltage.
struct HalfCellFit {
  let cathode: HalfCellCurve
  let anode: HalfCellCurve
  /// Qc and Qa (Ah), y and x.
  private(set) var values: [Double] = []
  /// Their covariance, row by row; nil where the curve leaves a direction open.
  private(set) var covariance: [Double]?
  /// Of the four, each over the span or over a content of 1; the largest first.
  private(set) var singularValues: [Double] = []
  /// The root of the mean square of what is left. Unit: V.
  private(set) var rootMeanSquare = 0.0

  init(cathode: HalfCellCurve, anode: HalfCellCurve) {
    self.cathode = cathode
    self.anode = anode
  }

  /// Fits the four numbers to an open-circuit curve.
  ///
  /// - Parameters:
  ///   - places: charge, increasing. Unit: Ah.
  ///   - volts: the curve there.
  ///   - deviations: how well each is known. Unit: V.
  mutating func fit(places: [Double], volts: [Double], deviations: [Double]) {
    let span = places[places.count - 1] - places[0]
    let weights = deviations.map { 1 / ($0 * $0 + 0.005 * 0.005).squareRoot() }
    var best: LevenbergMarquardt.Solution?
    for start in starts(places[0], span) {
      let solution = LevenbergMarquardt.minimise(parameters(start, span), limit: 60) { values in
        places.indices.map {
          (volts[$0] - Self.volts(values, cathode, anode, places[$0])) * weights[$0]
        }
      }
      if solution.cost < best?.cost ?? .infinity { best = solution }
    }
    guard let best else { return }
    values = best.parameters
    let misses = zip(best.residuals, weights).map { $0 / $1 }
    rootMeanSquare = (misses.reduce(0) { $0 + $1 * $1 } / Double(misses.count)).squareRoot()
    // Residuals are the curves' error, which neighbours share: a knot in four is a witness.
    let scale = max(2 * best.cost / Double(max(places.count - 4, 1)), 1) * 4
    covariance = best.covariance.map { $0.map { $0 * scale } }
    let scales = [span, span, 1, 1]
    let columns = zip(best.jacobian, scales).map { column, unit in
      column.map { $0 * unit / scale.squareRoot() }
    }
    singularValues = SingularValues.of(HouseholderQR.triangle(columns, best.residuals).columns)
  }

  /// The search begins where the span takes up most or less of either electrode, and from what was
  /// found before.
  private func starts(_ first: Double, _ span: Double) -> [[Double]] {
    var starts: [[Double]] = values.isEmpty ? [] : [values]
    for cathodeShare in [0.6, 0.85] {
      for anodeShare in [0.6, 0.85] {
        for low in [0.02, 0.1] {
          let qc = span / (cathodeShare * cathode.range)
          let qa = span / (anodeShare * anode.range)
          let y = cathode.contents[cathode.contents.count - 1] - 0.05 * cathode.range + first / qc
          let x = anode.contents[0] + low * anode.range - first / qa
          starts.append([qc, qa, y, x])
        }
      }
    }
    return starts
  }

  private func parameters(_ start: [Double], _ span: Double) -> [LevenbergMarquardt.Parameter] {
    let reach = span * 4
    return [
      .init(
        start: start[0], range: 0.9 * span / cathode.range...reach / cathode.range,
        difference: 1e-6 * start[0]),
      .init(
        start: start[1], range: 0.9 * span / anode.range...reach / anode.range,
        difference: 1e-6 * start[1]),
      .init(start: start[2], range: start[2] - 2...start[2] + 2, difference: 1e-7),
      .init(start: start[3], range: start[3] - 2...start[3] + 2, difference: 1e-7),
    ]
  }

  private static func volts(
    _ values: [Double], _ cathode: HalfCellCurve, _ anode: HalfCellCurve, _ place: Double
  ) -> Double {
    cathode(values[2] - place / values[0]) - anode(values[3] + place / values[1])
  }

  /// The open-circuit voltage at a charge.
  func volts(_ place: Double) -> Double { Self.volts(values, cathode, anode, place) }

  /// Where the curve meets a voltage, between two charges.
  private static func place(
    _ values: [Double], _ cathode: HalfCellCurve, _ anode: HalfCellCurve, _ target: Double,
    _ low: Double, _ high: Double
  ) -> Double {
    var low = low
    var high = high
    for _ in 0..<70 {
      let middle = 0.5 * (low + high)
      if volts(values, cathode, anode, middle) < target { low = middle } else { high = middle }
    }
    return 0.5 * (low + high)
  }

  /// The charges at which the cell is empty and full.
  func ends(_ places: [Double], lower: Double, upper: Double) -> (empty: Double, full: Double) {
    Self.ends(values, cathode, anode, places, lower, upper)
  }

  private static func ends(
    _ values: [Double], _ cathode: HalfCellCurve, _ anode: HalfCellCurve, _ places: [Double],
    _ lower: Double, _ upper: Double
  ) -> (empty: Double, full: Double) {
    let span = places[places.count - 1] - places[0]
    let low = places[0] - span
    let high = places[places.count - 1] + span
    return (
      place(values, cathode, anode, lower, low, high),
      place(values, cathode, anode, upper, low, high)
    )
  }

  /// A number that follows from the four, with its deviation by propagation.
  func derived(_ function: ([Double]) -> Double) -> (value: Double, deviation: Double) {
    let value = function(values)
    guard let covariance else { return (value, .infinity) }
    let slopes = values.indices.map { place in
      var moved = values
      let change = 1e-6 * max(values[place].magnitude, 1e-3)
      moved[place] += change
      return (function(moved) - value) / change
    }
    var variance = 0.0
    for i in slopes.indices {
      for j in slopes.indices { variance += slopes[i] * slopes[j] * covariance[i * 4 + j] }
    }
    return (value, max(variance, 0).squareRoot())
  }

  /// The deviation of the charge between empty and full. Unit: Ah.
  func capacityDeviation(_ places: [Double], lower: Double, upper: Double) -> Double {
    derived { values in
      let ends = Self.ends(values, cathode, anode, places, lower, upper)
      return ends.full - ends.empty
    }.deviation
  }

  /// What is told of the electrodes.
  func parameters(places: [Double], lower: Double, upper: Double) -> [FittedParameter] {
    func ends(_ values: [Double]) -> (empty: Double, full: Double) {
      Self.ends(values, cathode, anode, places, lower, upper)
    }
    func parameter(
      _ name: String, _ unit: String, belief: Double, _ function: ([Double]) -> Double
    ) -> FittedParameter {
      let (value, deviation) = derived(function)
      let half = min(1.96 * deviation, 1e6)
      return FittedParameter(
        name: name, unit: unit, value: value, interval: value - half...value + half,
        isDetermined: deviation < belief)
    }
    let span = places[places.count - 1] - places[0]
    return [
      parameter("cathode capacity", "Ah", belief: 0.1 * span) { $0[0] },
      parameter("anode capacity", "Ah", belief: 0.1 * span) { $0[1] },
      parameter("cyclable sodium", "Ah", belief: 0.1 * span) { $0[0] * $0[2] + $0[1] * $0[3] },
      parameter("slippage (cathode capacity less cyclable sodium)", "Ah", belief: 0.1 * span) {
        $0[0] - $0[0] * $0[2] - $0[1] * $0[3]
      },
      parameter("cathode content when empty", "", belief: 0.1) { $0[2] - ends($0).empty / $0[0] },
      parameter("cathode content when full", "", belief: 0.1) { $0[2] - ends($0).full / $0[0] },
      parameter("anode content when empty", "", belief: 0.1) { $0[3] + ends($0).empty / $0[1] },
      parameter("anode content when full", "", belief: 0.1) { $0[3] + ends($0).full / $0[1] },
    ]
  }
}

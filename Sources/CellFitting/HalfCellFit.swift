// SPDX-License-Identifier: Apache-2.0

/// How large the electrodes are, and what they hold where the charge is counted from.
struct HalfCellBalance: Equatable {
  /// The charge that a content of 1 is. Unit: Ah.
  var cathodeAmpereHours: Double
  var anodeAmpereHours: Double
  /// The contents at a charge of 0.
  var cathodeContent: Double
  var anodeContent: Double

  init(_ values: [Double]) {
    cathodeAmpereHours = values[0]
    anodeAmpereHours = values[1]
    cathodeContent = values[2]
    anodeContent = values[3]
  }

  /// The four numbers, for a search.
  var values: [Double] { [cathodeAmpereHours, anodeAmpereHours, cathodeContent, anodeContent] }

  func cathodeContent(at place: Double) -> Double { cathodeContent - place / cathodeAmpereHours }
  func anodeContent(at place: Double) -> Double { anodeContent + place / anodeAmpereHours }
}

/// The open-circuit potentials of a cell's electrodes.
///
///     OCV(q) = Uc(y − q / Qc) − Ua(x + q / Qa)
///
/// with q the charge put in, y and x the contents at q = 0: the four numbers of differential-voltage
/// analysis (Dahn et al., J. Electrochem. Soc. 159 (2012) A1405), here fitted to the voltage.
struct HalfCellPair {
  let cathode: HalfCellCurve
  let anode: HalfCellCurve

  /// The open-circuit voltage at a charge.
  func volts(_ balance: HalfCellBalance, _ place: Double) -> Double {
    cathode(balance.cathodeContent(at: place)) - anode(balance.anodeContent(at: place))
  }

  /// The charges at which the cell is empty and full.
  func ends(
    _ balance: HalfCellBalance, _ range: ClosedRange<Double>, lower: Double, upper: Double
  ) -> (empty: Double, full: Double) {
    let span = range.upperBound - range.lowerBound
    let low = range.lowerBound - span
    let high = range.upperBound + span
    return (place(balance, lower, low, high), place(balance, upper, low, high))
  }

  /// Where the curve meets a voltage, between two charges.
  private func place(
    _ balance: HalfCellBalance, _ target: Double, _ low: Double, _ high: Double
  ) -> Double {
    var low = low
    var high = high
    for _ in 0..<70 {
      let middle = 0.5 * (low + high)
      if volts(balance, middle) < target { low = middle } else { high = middle }
    }
    return 0.5 * (low + high)
  }
}

/// The balance of a cell whose open-circuit curve is known: where the search on the records begins.
struct HalfCellStart {
  private(set) var balance: HalfCellBalance
  /// The root of the mean square of what is left. Unit: V.
  private(set) var rootMeanSquare: Double

  /// Fits the four numbers to an open-circuit curve.
  ///
  /// - Parameters:
  ///   - places: charge, increasing. Unit: Ah.
  ///   - volts: the curve there.
  ///   - deviations: how well each is known. Unit: V.
  init(_ pair: HalfCellPair, places: [Double], volts: [Double], deviations: [Double]) {
    let span = places[places.count - 1] - places[0]
    let weights = deviations.map { 1 / ($0 * $0 + 0.005 * 0.005).squareRoot() }
    var best = (cost: Double.infinity, values: [span, span, 0.5, 0.5], squares: 0.0)
    for start in Self.starts(pair, places[0], span) {
      let parameters = Self.parameters(pair, start, span)
      let solution = LevenbergMarquardt.minimise(parameters, limit: 60) { values in
        places.indices.map {
          (volts[$0] - pair.volts(HalfCellBalance(values), places[$0])) * weights[$0]
        }
      }
      guard solution.cost < best.cost else { continue }
      let misses = zip(solution.residuals, weights).map { $0 / $1 }
      best = (solution.cost, solution.parameters, misses.reduce(0) { $0 + $1 * $1 })
    }
    balance = HalfCellBalance(best.values)
    rootMeanSquare = (best.squares / Double(places.count)).squareRoot()
  }

  /// The span takes up most or less of either electrode.
  private static func starts(_ pair: HalfCellPair, _ first: Double, _ span: Double) -> [[Double]] {
    var starts: [[Double]] = []
    for cathodeShare in [0.6, 0.85] {
      for anodeShare in [0.6, 0.85] {
        for low in [0.02, 0.1] {
          let qc = span / (cathodeShare * pair.cathode.range)
          let qa = span / (anodeShare * pair.anode.range)
          let y = pair.cathode.fullest - 0.05 * pair.cathode.range + first / qc
          let x = pair.anode.emptiest + low * pair.anode.range - first / qa
          starts.append([qc, qa, y, x])
        }
      }
    }
    return starts
  }

  private static func parameters(
    _ pair: HalfCellPair, _ start: [Double], _ span: Double
  ) -> [LevenbergMarquardt.Parameter] {
    let ranges = [pair.cathode.range, pair.anode.range]
    return (0..<2).map { place in
      .init(
        start: start[place], range: 0.9 * span / ranges[place]...4 * span / ranges[place],
        difference: 1e-6 * start[place])
    }
      + (2..<4).map { place in
        .init(start: start[place], range: start[place] - 2...start[place] + 2, difference: 1e-7)
      }
  }
}

/// What the records say of the electrodes.
struct HalfCellResult {
  let pair: HalfCellPair
  let balance: HalfCellBalance
  /// Of the four numbers, row by row.
  let covariance: [Double]
  /// Of the four, each over the span or over a content of 1, in units of the residuals' deviation; the
  /// largest first.
  let singularValues: [Double]
  /// What the curves leave of the open-circuit voltage that the records alone gave; the root of the
  /// mean square. Unit: V.
  let rootMeanSquare: Double
  /// The recorded charge. Unit: Ah.
  let range: ClosedRange<Double>

  /// Nil where the covariance is none.
  init?(
    _ pair: HalfCellPair, _ balance: HalfCellBalance, covariance: [Double],
    rootMeanSquare: Double, range: ClosedRange<Double>
  ) {
    let span = range.upperBound - range.lowerBound
    let scales = [span, span, 1, 1]
    let scaled = (0..<16).map { covariance[$0] / (scales[$0 / 4] * scales[$0 % 4]) }
    guard let information = Cholesky(scaled, size: 4)?.inverse else { return nil }
    self.pair = pair
    self.balance = balance
    self.covariance = covariance
    self.rootMeanSquare = rootMeanSquare
    self.range = range
    let columns = (0..<4).map { column in (0..<4).map { information[$0 * 4 + column] } }
    singularValues = SingularValues.of(columns).map { $0.squareRoot() }
  }

  func volts(_ place: Double) -> Double { pair.volts(balance, place) }

  func ends(lower: Double, upper: Double) -> (empty: Double, full: Double) {
    pair.ends(balance, range, lower: lower, upper: upper)
  }

  /// A number that follows from the four, with its deviation by propagation.
  func derived(
    _ function: (HalfCellBalance) -> Double
  ) -> (value: Double, deviation: Double) {
    let value = function(balance)
    let values = balance.values
    let slopes = values.indices.map { place in
      var moved = values
      let change = 1e-6 * max(values[place].magnitude, 1e-3)
      moved[place] += change
      return (function(HalfCellBalance(moved)) - value) / change
    }
    var variance = 0.0
    for i in slopes.indices {
      for j in slopes.indices { variance += slopes[i] * slopes[j] * covariance[i * 4 + j] }
    }
    return (value, max(variance, 0).squareRoot())
  }

  /// The deviation of the charge between empty and full. Unit: Ah.
  func capacityDeviation(lower: Double, upper: Double) -> Double {
    derived {
      let ends = pair.ends($0, range, lower: lower, upper: upper)
      return ends.full - ends.empty
    }.deviation
  }

  /// What is told of the electrodes.
  func parameters(lower: Double, upper: Double) -> [FittedParameter] {
    func ends(_ balance: HalfCellBalance) -> (empty: Double, full: Double) {
      pair.ends(balance, range, lower: lower, upper: upper)
    }
    func parameter(
      _ name: String, _ unit: String, belief: Double, _ function: (HalfCellBalance) -> Double
    ) -> FittedParameter {
      let (value, deviation) = derived(function)
      let half = min(1.96 * deviation, 1e6)
      return FittedParameter(
        name: name, unit: unit, value: value, interval: value - half...value + half,
        isDetermined: deviation < belief)
    }
    func sodium(_ balance: HalfCellBalance) -> Double {
      balance.cathodeAmpereHours * balance.cathodeContent
        + balance.anodeAmpereHours * balance.anodeContent
    }
    let share = 0.1 * (range.upperBound - range.lowerBound)
    return [
      parameter("cathode capacity", "Ah", belief: share) { $0.cathodeAmpereHours },
      parameter("anode capacity", "Ah", belief: share) { $0.anodeAmpereHours },
      parameter("cyclable sodium", "Ah", belief: share, sodium),
      parameter("slippage (cathode capacity less cyclable sodium)", "Ah", belief: share) {
        $0.cathodeAmpereHours - sodium($0)
      },
      parameter("cathode content when empty", "", belief: 0.1) {
        $0.cathodeContent(at: ends($0).empty)
      },
      parameter("cathode content when full", "", belief: 0.1) {
        $0.cathodeContent(at: ends($0).full)
      },
      parameter("anode content when empty", "", belief: 0.1) {
        $0.anodeContent(at: ends($0).empty)
      },
      parameter("anode content when full", "", belief: 0.1) {
        $0.anodeContent(at: ends($0).full)
      },
    ]
  }
}

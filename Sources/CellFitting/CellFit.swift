// SPDX-License-Identifier: Apache-2.0

/// A cell description from what a cycler recorded.
///
/// The records of one cell, in any order, are fitted together: the open-circuit voltage, the series
/// resistance, two relaxation pairs and the hysteresis over charge. Where the cell is empty and full
/// follows from where the curve meets the cut-offs.
public struct CellFit {
  /// What the user knows.
  public struct Request: Sendable {
    /// The description's name.
    public var name: String
    /// Where the data come from, for the description.
    public var source: String
    /// The lower cut-off; the lowest voltage recorded where nil. Unit: V.
    public var lowerCutoffVolts: Double?
    /// The upper cut-off; the highest voltage recorded where nil. Unit: V.
    public var upperCutoffVolts: Double?
    /// The charge between the cut-offs at rest, where it is known from elsewhere. Unit: Ah.
    public var capacityAmpereHours: Double?

    /// What the description shall be made of; electrodes need half-cell curves.
    public var form: Form = .circuit

    /// The two kinds of descriptions.
    public enum Form: Sendable {
      /// An open-circuit voltage with resistances.
      case circuit
      /// Two electrodes with sites.
      case electrodes
    }

    /// The half-cell curves of cathode and anode, where they were measured.
    public var halfCells: (cathode: HalfCellCurve, anode: HalfCellCurve)?

    /// Makes a request.
    public init(
      name: String, source: String, lowerCutoffVolts: Double? = nil,
      upperCutoffVolts: Double? = nil, capacityAmpereHours: Double? = nil,
      halfCells: (cathode: HalfCellCurve, anode: HalfCellCurve)? = nil
    ) {
      self.halfCells = halfCells
      self.name = name
      self.source = source
      self.lowerCutoffVolts = lowerCutoffVolts
      self.upperCutoffVolts = upperCutoffVolts
      self.capacityAmpereHours = capacityAmpereHours
    }
  }

  let request: Request
  let records: [FitRecord]
  let thinned: [ThinnedRecord]
  let lower: Double
  let upper: Double

  /// Fits a cell.
  ///
  /// - Parameters:
  ///   - records: one or more of the same cell; positive current charges.
  ///   - request: what else is known.
  ///   - progress: told what is being done.
  /// - Throws: `FitRefusal` where the records say too little for a description.
  public static func run(
    _ records: [FitRecord], _ request: Request, progress: (String) -> Void = { _ in }
  ) throws(FitRefusal) -> FitResult {
    guard !records.isEmpty else { throw FitRefusal("no records") }
    for record in records { try FitCheck(record: record).run() }
    let fit = CellFit(records, request)
    try fit.checkTogether()
    guard let result = withoutActuallyEscaping(progress, do: { fit.result($0) }) else {
      throw FitRefusal("the equations have no solution; are the records of one cell?")
    }
    try checkFound(result)
    return result
  }

  private init(_ records: [FitRecord], _ request: Request) {
    self.request = request
    self.records = records
    let volts = records.flatMap { $0.samples.map(\.volts) }
    let lower = request.lowerCutoffVolts ?? volts.min() ?? 0
    let upper = request.upperCutoffVolts ?? volts.max() ?? 1
    self.lower = lower
    self.upper = upper
    thinned = records.map { ThinnedRecord($0, windowVolts: max(upper - lower, 0.1)) }
  }

  /// Refuses a description that would be belief more than data.
  private static func checkFound(_ result: FitResult) throws(FitRefusal) {
    let volts = result.curves[0]
    let inside = volts.places.indices.filter { (0...1).contains(volts.places[$0]) }
    let known = inside.filter { volts.isDetermined[$0] }
    guard 4 * known.count >= inside.count else {
      throw FitRefusal(
        "the records determine the open-circuit voltage at \(known.count) of \(inside.count) places "
          + "only; expected a slow charge or discharge, or pulses with rests over the whole window")
    }
    if let miss = result.electrodeMissVolts, miss > 0.15 {
      throw FitRefusal(
        "the half-cell curves leave \(rounded(miss * 1e3)) mV of the open-circuit voltage at best; are "
          + "they of this cell's electrodes?")
    }
  }

  private func checkTogether() throws(FitRefusal) {
    guard lower < upper else {
      throw FitRefusal("the lower cut-off, \(lower) V, is not below the upper, \(upper) V")
    }
    let volts = records.flatMap { $0.samples.map(\.volts) }
    let lowest = volts.min() ?? 0
    let highest = volts.max() ?? 0
    guard min(highest, upper) - max(lowest, lower) >= 0.6 * (upper - lower) else {
      throw FitRefusal(
        "the records go from \(rounded(lowest)) V to \(rounded(highest)) V only, of the window "
          + "\(rounded(lower)) V to \(rounded(upper)) V; expected at least 60 % of it")
    }
    if thinned.allSatisfy({ $0.jumps.isEmpty }) {
      throw FitRefusal(
        "one current only and no rest: resistance and open-circuit voltage cannot be told apart; "
          + "expected a step of the current, such as a pulse or a rest after the discharge")
    }
    guard spanAmpereHours > 0 else { throw FitRefusal("no charge passed") }
    let recorded = recordedAmpereHours
    if let capacity = request.capacityAmpereHours, capacity < 0.995 * recorded {
      throw FitRefusal(
        "--capacity is \(rounded(capacity)) Ah, but \(rounded(recorded)) Ah passed between two "
          + "states of a record; expected at least that")
    }
  }
}

// MARK: - Before the fit

extension CellFit {
  /// What the voltage did at the jumps, per ampere.
  var jumpOhms: Double {
    let all = thinned.flatMap(\.jumps).map { $0.volts / $0.amperes }.filter { $0 > 0 }.sorted()
    return all.isEmpty ? 1e-3 : all[all.count / 2]
  }

  /// Net charge of a record's rows. Unit: Ah.
  private func places(_ record: ThinnedRecord, ratio: Double = 1) -> [Double] {
    record.rows.map { ratio * $0.charged + $0.discharged }
  }

  private var spanAmpereHours: Double {
    thinned.map { record in
      let all = places(record)
      return (all.max() ?? 0) - (all.min() ?? 0)
    }.max() ?? 0
  }

  /// The charge that passed between a record's fullest and emptiest state; where it went both ways, the
  /// way on which less was counted, for a sensor may count one of them too high. Unit: Ah.
  private var recordedAmpereHours: Double {
    thinned.map { record in
      var low = 0.0
      var high = 0.0
      var fall = 0.0
      var rise = 0.0
      for place in places(record) {
        low = min(low, place)
        high = max(high, place)
        fall = max(fall, high - place)
        rise = max(rise, place - low)
      }
      return min(fall, rise) > 0.5 * max(fall, rise) ? min(fall, rise) : max(fall, rise)
    }.max() ?? 0
  }

  /// Where a charge that was held at the upper cut-off ended, if the fullest state recorded is such an
  /// end: the known full end of a cell whose charger stops there.
  func heldFull(
    _ shape: CircuitModel.Shape, _ model: CircuitModel
  ) -> (place: Double, amperes: Double)? {
    var best: (place: Double, amperes: Double)?
    var fullest = -Double.infinity
    for (index, record) in thinned.enumerated() {
      // The current at which the voltage came to the cut-off; it falls from there while it is held.
      var arrived: Double?
      for row in record.rows {
        let isThere = (row.volts - upper).magnitude < 0.004 * (upper - lower)
        arrived = isThere && row.meanAmperes > 0 ? max(arrived ?? 0, row.meanAmperes) : nil
        let place = model.place(row, index, shape)
        guard place > fullest else { continue }
        fullest = place
        best = arrived.flatMap { row.meanAmperes < 0.5 * $0 ? (place, row.meanAmperes) : nil }
      }
    }
    return best
  }

  /// What was done with the temperature.
  var temperatureStatement: String {
    let all = records.flatMap { $0.samples.compactMap(\.celsius) }
    guard let low = all.min(), let high = all.max() else {
      return "temperature: not recorded; resistances are taken as those at 25 °C"
    }
    return
      "temperature: recorded, \(rounded(low)) to \(rounded(high)) °C; resistances are given at "
      + "25 °C"
  }

  /// A record's voltage less a guess of the drop, over its charge.
  private func rough(_ record: ThinnedRecord, offset: Double, ohms: Double) -> [(Double, Double)] {
    zip(places(record), record.rows).map { ($0 + offset, $1.volts - 1.5 * ohms * $1.meanAmperes) }
  }

  /// Where each record begins: its fullest state is that of the others where both were charged to the
  /// end, and otherwise its rough curve lies on that of the longest.
  private func begins(ohms: Double) -> [(place: Double, deviation: Double)] {
    let spans = thinned.map { record in (places(record).max() ?? 0) - (places(record).min() ?? 0) }
    let longest = spans.indices.max { spans[$0] < spans[$1] } ?? 0
    let curve = RoughCurve(rough(thinned[longest], offset: 0, ohms: ohms), volts: upper - lower)
    let fullest = thinned.map { places($0).max() ?? 0 }
    let full = thinned.map { isFull($0, ohms: ohms) }
    let begins = thinned.indices.map { record -> (place: Double, deviation: Double) in
      if record == longest { return (0, 0) }
      if full[record], full[longest] {
        return (fullest[longest] - fullest[record], 0.0015 * spanAmpereHours)
      }
      return (
        curve.shift(of: rough(thinned[record], offset: 0, ohms: ohms)), 0.08 * spanAmpereHours
      )
    }
    return begins.map { ($0.place - begins[0].place, max($0.deviation, begins[0].deviation)) }
  }

  /// Whether a record was at the upper cut-off, give or take the drop over the resistance.
  private func isFull(_ record: ThinnedRecord, ohms: Double) -> Bool {
    let all = places(record)
    let fullest = all.indices.max { all[$0] < all[$1] } ?? 0
    let row = record.rows[fullest]
    return row.volts - 1.5 * ohms * min(row.amperes, 0) > upper - 0.06 * (upper - lower)
  }

  /// The rough curve of the record with the most charge, and of the others beyond its ends: where
  /// records with other currents overlap, their mean would have bends that no cell has.
  private func roughCurve(ohms: Double, offsets: [Double]) -> RoughCurve {
    let curves = zip(thinned, offsets).map { rough($0, offset: $1, ohms: ohms) }
    let ranges = curves.map { curve in
      let places = curve.map(\.0)
      return (places.min() ?? 0)...(places.max() ?? 0)
    }
    let longest =
      ranges.indices.max {
        ranges[$0].upperBound - ranges[$0].lowerBound < ranges[$1].upperBound
          - ranges[$1].lowerBound
      } ?? 0
    let points = curves.indices.flatMap { index in
      curves[index].filter { index == longest || !ranges[longest].contains($0.0) }
    }
    return RoughCurve(points, volts: upper - lower)
  }

  private func model(ohms: Double, offsets: [Double]) -> CircuitModel {
    let curve = roughCurve(ohms: ohms, offsets: offsets)
    let knots = curve.knots(60)
    let range = knots.places[0]...knots.places[knots.places.count - 1]
    let charged = thinned.map { ($0.rows.last?.charged ?? 0) }.reduce(0, +)
    let discharged = thinned.map { -($0.rows.last?.discharged ?? 0) }.reduce(0, +)
    let span = range.upperBound - range.lowerBound
    let prior = CircuitPrior(
      volts: knots.places.map(curve.volts), jumpOhms: ohms,
      largestAmperes: records.map(\.largestAmperes).max() ?? 1,
      hasGap: min(charged, discharged) > 0.3 * span)
    return CircuitModel(
      records: thinned, voltageKnots: knots,
      ohmKnots: Knots(places: Self.ohmShares.map { range.lowerBound + span * $0 }),
      gapKnots: .even(range, 6),
      gapRate: Self.gapRate / span,
      seriesGuess: Array(repeating: ohms, count: Self.ohmShares.count), prior: prior,
      // A record that begins in the upper half began after a charge.
      swings: thinned.map { $0.rows[0].volts > 0.5 * (lower + upper) ? 1 : -1 })
  }

  /// Where the resistances have knots: close together at the ends, where they grow.
  private static let ohmShares =
    [0, 0.01, 0.025] + (1...19).map { Double($0) / 20 } + [0.975, 1]

  /// Assumed: the branches join within about 5 % of a turn, as hard carbon does.
  static let gapRate = 20.0

  private func result(_ progress: @escaping (String) -> Void) -> FitResult? {
    let ohms = jumpOhms
    let begins = begins(ohms: ohms)
    let model = model(ohms: ohms, offsets: begins.map(\.place))
    let span =
      model.voltageKnots.places[model.voltageKnots.places.count - 1]
      - model.voltageKnots.places[0]
    var fit = CircuitFit(
      model: model, begins: begins, spanAmpereHours: span, progress: progress)
    guard let free = fit.run() else { return nil }
    guard let halfCells = request.halfCells else {
      let volts = free.voltage(of: model)
      return fit.describe(free, volts: volts, isPinned: false).flatMap {
        FitSummary(
          fit: self, model: fit.model, outcome: $0, before: free, span: span, halfCells: nil)?
          .result
      }
    }
    progress("electrodes")
    let pair = HalfCellPair(cathode: halfCells.cathode, anode: halfCells.anode)
    let start = HalfCellStart(
      pair, places: model.voltageKnots.places, volts: free.voltage(of: fit.model),
      deviations: free.voltageDeviations(of: fit.model, span: span))
    guard let joint = fit.run(with: pair, from: start),
      let electrodes = halfCellResult(joint, fit.model, start)
    else { return nil }
    if request.form == .electrodes {
      progress("kinetics of the electrodes")
      let kinetics = ElectrodeFit(
        fit: self, circuit: joint, model: fit.model, electrodes: electrodes)
      return kinetics.run().flatMap { ElectrodeSummary(kinetics, $0).result }
    }
    let volts = model.voltageKnots.places.map(electrodes.volts)
    return fit.describe(joint, volts: volts, isPinned: true).flatMap {
      FitSummary(
        fit: self, model: fit.model, outcome: $0, before: joint, span: span,
        halfCells: electrodes)?.result
    }
  }

  /// The balance with its share of the covariance.
  private func halfCellResult(
    _ outcome: CircuitFit.Outcome, _ model: CircuitModel, _ start: HalfCellStart
  ) -> HalfCellResult? {
    guard let pair = model.halfCells, let balance = outcome.shape.balance else { return nil }
    let places = (0..<4).compactMap { number in
      outcome.beliefs.firstIndex { $0.name == .balance(number) }.map { model.size + $0 }
    }
    let total = model.size + outcome.beliefs.count
    let covariance = places.flatMap { i in
      places.map { outcome.covariance[i * total + $0] }
    }
    guard covariance.count == 16 else { return nil }
    let knots = model.voltageKnots.places
    return HalfCellResult(
      pair, balance, covariance: covariance, rootMeanSquare: start.rootMeanSquare,
      range: knots[0]...knots[knots.count - 1])
  }
}

/// A rough open-circuit curve: the mean of what lies in each of many bins, made to rise.
struct RoughCurve {
  private let knots: Knots
  private let values: [Double]
  private let windowVolts: Double

  init(_ points: [(Double, Double)], volts: Double) {
    windowVolts = volts
    let low = points.reduce(Double.infinity) { min($0, $1.0) }
    let high = points.reduce(-Double.infinity) { max($0, $1.0) }
    let count = 240
    let width = (high - low) / Double(count)
    var sums = [Double](repeating: 0, count: count)
    var counts = sums
    for (place, volts) in points {
      let bin = min(max(Int((place - low) / max(width, 1e-300)), 0), count - 1)
      sums[bin] += volts
      counts[bin] += 1
    }
    var places: [Double] = []
    var means: [Double] = []
    for bin in 0..<count where counts[bin] > 0 {
      places.append(low + (Double(bin) + 0.5) * width)
      means.append(sums[bin] / counts[bin])
    }
    // The ends are places of their own, so that knots reach them.
    places[0] = low
    places[places.count - 1] = max(high, low + 1e-12)
    knots = Knots(places: places)
    values = rising(means)
  }

  func volts(_ place: Double) -> Double { knots.value(values, at: place) }

  /// Knots that lie evenly along the curve, so that steps have as many as plateaus.
  func knots(_ intervals: Int) -> Knots {
    let span = knots.places[knots.places.count - 1] - knots.places[0]
    var lengths = [0.0]
    for k in values.indices.dropFirst() {
      let across = (knots.places[k] - knots.places[k - 1]) / span
      let up = 1.2 * (values[k] - values[k - 1]) / windowVolts
      lengths.append(lengths[k - 1] + (across * across + up * up).squareRoot())
    }
    let total = lengths[lengths.count - 1]
    let along = Knots(places: lengths)
    var places = (0...intervals).map {
      along.value(knots.places, at: total * Double($0) / Double(intervals))
    }
    places[intervals] = knots.places[knots.places.count - 1]
    return Knots(places: places)
  }

  /// How far another curve has to be moved to lie on this one.
  func shift(of points: [(Double, Double)]) -> Double {
    let span = knots.places[knots.places.count - 1] - knots.places[0]
    var best = (cost: Double.infinity, shift: 0.0)
    for step in -200...200 {
      let shift =
        knots.places[0] + span * Double(step) / 200
        - (points.reduce(Double.infinity) { min($0, $1.0) })
      var cost = 0.0
      for (place, volts) in points {
        let miss = volts - self.volts(place + shift)
        // Beyond this curve's ends nothing is known: that costs a little, so that overlap wins.
        let outside =
          max(knots.places[0] - place - shift, 0)
          + max(place + shift - knots.places[knots.places.count - 1], 0)
        let away = outside / span * windowVolts
        cost += min(miss * miss, 0.04 * windowVolts * windowVolts) + away * away
      }
      if cost < best.cost { best = (cost, shift) }
    }
    return best.shift
  }
}

/// The nearest values that never fall: neighbours that do are pooled, and made to rise by a hair.
func rising(_ values: [Double]) -> [Double] {
  var pools: [(sum: Double, count: Int)] = []
  for value in values {
    pools.append((value, 1))
    while pools.count > 1 {
      let last = pools[pools.count - 1]
      let before = pools[pools.count - 2]
      guard last.sum / Double(last.count) < before.sum / Double(before.count) else { break }
      pools.removeLast()
      pools[pools.count - 1] = (before.sum + last.sum, before.count + last.count)
    }
  }
  let flat = pools.flatMap { Array(repeating: $0.sum / Double($0.count), count: $0.count) }
  var result = flat
  for place in result.indices.dropFirst() {
    result[place] = max(result[place], result[place - 1] + 1e-5)
  }
  return result
}

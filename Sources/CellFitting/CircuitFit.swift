// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// The circuit with the least squares: nonlinear parameters by Levenberg–Marquardt, curves inside.
struct CircuitFit {
  /// A normal belief about a nonlinear parameter, in the coordinate in which it is searched.
  struct Belief {
    var name: Name
    var middle: Double
    var deviation: Double
    var range: ClosedRange<Double>
  }

  enum Name: Equatable {
    case fast
    case slow
    case transfer
    case ratio
    /// The surfaces' lead.
    case lead
    /// The activation energy, where the records were warm and cold.
    case activation
    /// Where a record begins.
    case offset(Int)
    /// The hysteresis at the start of a record.
    case swing(Int)
    /// One of the numbers of the electrodes' balance.
    case balance(Int)
  }

  /// What was found.
  struct Outcome {
    var shape: CircuitModel.Shape
    var unknowns: [Double]
    /// Measured less modelled voltage, row by row. Unit: V.
    var residuals: [Double]
    /// The residuals' deviation without the few that are far off. Unit: V.
    var deviationVolts: Double
    /// How many neighbouring rows say the same.
    var correlation: Double
    /// Twice the cost: squared residuals and beliefs, each over its variance.
    var misfit: Double
    var beliefs: [Belief]
    /// The covariance of the curves' values, then the nonlinear parameters; row by row.
    var covariance: [Double]
    /// The singular values of the nonlinear parameters' Jacobian without beliefs, each parameter over
    /// its prior deviation: below 1 the data say less than the belief.
    var singularValues: [Double]
    var iterations: Int
    var hasConverged: Bool

    /// The open-circuit voltage at its knots, made to rise. Unit: V.
    func voltage(of model: CircuitModel) -> [Double] {
      rising(
        zip(unknowns, model.voltageKnots.places).map { $0 + model.known(shape, $1) })
    }

    /// Its deviations: the data's, what straight lines between knots leave out, and 0.1 % of the
    /// charge along the slope, for the axis of charge is no better. Unit: V.
    func voltageDeviations(of model: CircuitModel, span: Double) -> [Double] {
      let total = model.size + beliefs.count
      let volts = voltage(of: model)
      let places = model.voltageKnots.places
      return volts.indices.map { knot in
        let before = max(knot - 1, 0)
        let after = min(knot + 1, volts.count - 1)
        let slope = (volts[after] - volts[before]) / (places[after] - places[before])
        let bend = (volts[after] - volts[knot]) - (volts[knot] - volts[before])
        let parts = [0.001 * span * slope, before < knot && knot < after ? bend / 4 : 0]
        let variance = max(covariance[knot * total + knot], 0)
        return parts.reduce(variance) { $0 + $1 * $1 }.squareRoot()
      }
    }
  }

  var model: CircuitModel
  /// Where each record is believed to begin. Unit: Ah.
  var begins: [(place: Double, deviation: Double)]
  let spanAmpereHours: Double
  let progress: (String) -> Void
  /// The electrodes' balance where the search begins, where their curves are known.
  private var balance: HalfCellBalance?
  private var isDescription = false
  private var hasLead = false

  init(
    model: CircuitModel, begins: [(place: Double, deviation: Double)], spanAmpereHours: Double,
    progress: @escaping (String) -> Void
  ) {
    self.model = model
    self.begins = begins
    self.spanAmpereHours = spanAmpereHours
    self.progress = progress
  }

  /// Fits the electrodes' balance with the rest, from a start on.
  ///
  /// - Parameters:
  ///   - pair: the electrodes' curves.
  ///   - start: near the free fit's open-circuit voltage.
  mutating func run(with pair: HalfCellPair, from start: HalfCellStart) -> Outcome? {
    model.halfCells = pair
    balance = start.balance
    model.prior.volts = model.voltageKnots.places.map { pair.volts(start.balance, $0) }
    // What is left is the curves' own error: it is given no more room than it seems to need.
    model.prior.voltsDeviation = min(max(0.5 * start.rootMeanSquare, 0.002), 0.02)
    return run()
  }

  /// Fits what a description can say to a cell whose open-circuit voltage is known by now: one transfer
  /// current.
  ///
  /// - Parameters:
  ///   - found: the free fit; it is the description's already where the series resistance is ohmic.
  ///   - volts: the open-circuit voltage at its knots.
  ///   - isPinned: the voltage is not that of the free fit.
  mutating func describe(_ found: Outcome, volts: [Double], isPinned: Bool) -> Outcome? {
    guard found.shape.transferVolts != nil || isPinned else {
      return found
    }
    progress("description")
    model.prior.volts = volts
    model.prior.voltsDeviation = 0.002
    let middle = model.seriesGuess.sorted()[model.seriesGuess.count / 2]
    model.seriesGuess = model.seriesGuess.map { _ in middle }
    isDescription = true
    hasLead = false
    balance = nil
    begins = found.shape.offsets.map { ($0, 1e-4 * spanAmpereHours) }
    return refine(found.shape, noise: found.deviationVolts)
  }

  /// Fits: some rounds, each with the noise and the series resistance that the round before left.
  mutating func run() -> Outcome? {
    let start = CircuitModel.Shape(
      fastSeconds: 20, slowSeconds: 500, transferVolts: nil, chargeRatio: 1,
      leadHours: 0, offsets: begins.map(\.place), swings: model.swings, balance: balance)
    hasLead = false
    guard var best = refine(start, noise: 0.004) else { return nil }
    if currentLevels >= 2 {
      var curved = best.shape
      curved.transferVolts = 0.06
      best = better(best, curved, "charge transfer")
    }
    var ahead = best.shape
    ahead.leadHours = 0.02
    hasLead = true
    // Electrodes whose curves are known have their steps where they have them: under load, the
    // surfaces' lead is all that can move one.
    let led =
      balance != nil
      ? refine(ahead, noise: best.deviationVolts) : better(best, ahead, "lead of the surfaces")
    guard let led else { return best }
    hasLead = led.shape.leadHours > 0
    return led
  }

  /// The fit from another shape with one parameter more, where the data want it: by chance, the misfit
  /// would fall by about 1, and by some hundredths because every fit weights its rows anew.
  private mutating func better(
    _ simple: Outcome, _ shape: CircuitModel.Shape, _ name: String
  ) -> Outcome {
    progress(name)
    let guess = model.seriesGuess
    let noise = max(simple.deviationVolts, Self.leastNoise)
    let had = hasLead
    hasLead = simple.shape.leadHours > 0
    let same = refine(simple.shape, noise: noise, fixedNoise: true)
    hasLead = had
    model.seriesGuess = guess
    if let same, let rich = refine(shape, noise: noise, fixedNoise: true),
      same.misfit - rich.misfit > max(12 * simple.correlation, 0.05 * same.misfit)
    {
      return refine(rich.shape, noise: rich.deviationVolts) ?? rich
    }
    model.seriesGuess = guess
    return simple
  }

  /// How many kinds of current there are: each at least 1.6 times the one below.
  private var currentLevels: Int {
    var seen: [Double] = []
    let amperes = model.records.flatMap { $0.rows.map(\.meanAmperes.magnitude) }.sorted()
    for value in amperes where value > 0.02 * model.prior.largestAmperes {
      if value > 1.6 * (seen.last ?? 0) { seen.append(value) }
    }
    return seen.count
  }

  /// No circuit follows a rest better, however quiet the record. Unit: V.
  private static let leastNoise = 1e-3

  private mutating func refine(
    _ start: CircuitModel.Shape, noise: Double, fixedNoise: Bool = false
  ) -> Outcome? {
    var shape = start
    var noise = noise
    var result: Outcome?
    var trust = Trust()
    for round in 0..<(fixedNoise || start.transferVolts == nil ? 3 : 5) {
      progress("round \(round + 1)")
      guard let outcome = search(shape, noise: noise, trust: &trust) else { return result }
      result = outcome
      shape = outcome.shape
      if !isDescription {
        model.seriesGuess = outcome.unknowns[model.seriesStart..<model.fastStart].map {
          max($0, 0.02 * model.prior.jumpOhms)
        }
      }
      if !fixedNoise { noise = min(max(outcome.deviationVolts, Self.leastNoise), 0.1) }
    }
    return result
  }

  private func beliefs(_ shape: CircuitModel.Shape) -> [Belief] {
    func log(_ x: Double) -> Double { DeterministicMath.log(x) }
    var result = [
      Belief(name: .fast, middle: log(20), deviation: 1, range: log(1)...log(80)),
      Belief(name: .slow, middle: log(500), deviation: 1, range: log(80)...log(20_000)),
    ]
    if hasLead {
      result.append(Belief(name: .lead, middle: 0.02, deviation: 0.05, range: 0...0.3))
    }
    if shape.transferVolts != nil {
      // 2RT/F of one electrode is 51 mV; two in series, or another coefficient, make it more.
      result.append(
        Belief(name: .transfer, middle: log(0.06), deviation: 1, range: log(0.005)...log(2)))
    }
    if hasTemperatures {
      result.append(
        Belief(
          name: .activation, middle: Self.assumedActivation, deviation: 15_000,
          range: 0...100_000))
    }
    if model.prior.hasGap {
      result.append(Belief(name: .ratio, middle: 1, deviation: 0.05, range: 0.8...1.25))
    }
    for record in model.records.indices.dropFirst() {
      result.append(
        Belief(
          name: .offset(record), middle: begins[record].place,
          deviation: begins[record].deviation,
          range: begins[record].place - 4 * begins[record].deviation...begins[record].place + 4
            * begins[record].deviation))
    }
    if model.prior.hasGap, !isDescription {
      for record in model.records.indices {
        result.append(
          Belief(
            name: .swing(record), middle: model.swings[record], deviation: 0.5, range: -1...1))
      }
    }
    return result + balanceBeliefs
  }

  /// The resistances' activation energy where the records do not tell it: electrolytes have less, charge
  /// transfer has more. Unit: J/mol.
  static let assumedActivation = 20_000.0

  /// Whether the temperatures are so far apart that they tell the activation energy: about 6 K.
  var hasTemperatures: Bool {
    let cold = model.records.flatMap { $0.rows.map(\.cold) }
    return (cold.max() ?? 0) - (cold.min() ?? 0) > 8e-6
  }

  /// Wide ones: the records are to say how the electrodes stand.
  private var balanceBeliefs: [Belief] {
    guard let balance else { return [] }
    return balance.values.enumerated().map { place, value in
      let deviation = place < 2 ? 0.5 * value : 0.5
      let range = place < 2 ? 0.3 * value...4 * value : value - 2...value + 2
      return Belief(name: .balance(place), middle: value, deviation: deviation, range: range)
    }
  }

  static func value(_ name: Name, of shape: CircuitModel.Shape) -> Double {
    switch name {
    case .fast: DeterministicMath.log(shape.fastSeconds)
    case .slow: DeterministicMath.log(shape.slowSeconds)
    case .transfer: DeterministicMath.log(shape.transferVolts ?? 1)
    case .ratio: shape.chargeRatio
    case .lead: shape.leadHours
    case .activation: shape.activation
    case .offset(let record): shape.offsets[record]
    case .swing(let record): shape.swings[record]
    case .balance(let place): shape.balance?.values[place] ?? 0
    }
  }

  static func shape(
    _ values: [Double], _ beliefs: [Belief], from base: CircuitModel.Shape
  ) -> CircuitModel.Shape {
    var shape = base
    for (value, belief) in zip(values, beliefs) {
      switch belief.name {
      case .fast: shape.fastSeconds = DeterministicMath.exp(value)
      case .slow: shape.slowSeconds = DeterministicMath.exp(value)
      case .transfer: shape.transferVolts = DeterministicMath.exp(value)
      case .ratio: shape.chargeRatio = value
      case .lead: shape.leadHours = value
      case .activation: shape.activation = value
      case .offset(let record): shape.offsets[record] = value
      case .swing(let record): shape.swings[record] = value
      case .balance(let place):
        guard var numbers = shape.balance?.values else { continue }
        numbers[place] = value
        shape.balance = HalfCellBalance(numbers)
      }
    }
    return shape
  }

  func difference(_ belief: Belief) -> Double {
    switch belief.name {
    case .offset: 1e-5 * spanAmpereHours
    case .ratio, .lead: 1e-5
    case .activation: 10
    case .balance: 1e-6 * belief.middle.magnitude + 1e-12
    default: 1e-3
    }
  }

  /// The model's equations, with weights, and the beliefs about the curves below them.
  func equations(_ shape: CircuitModel.Shape, _ weights: [Double]) -> SparseRows {
    var rows = model.rows(shape)
    rows.weights = weights
    rows.append(model.prior.rows(model))
    return rows
  }

  /// The curves' values; the open-circuit voltage rises: where it would fall, it is made level.
  private func solve(_ rows: SparseRows) -> [Double]? {
    var rows = rows
    for _ in 0..<6 {
      guard
        let unknowns = rows.solve(size: model.size, notNegative: model.seriesStart..<model.size)
      else { return nil }
      // What electrodes leave need not rise.
      if model.halfCells != nil { return unknowns }
      var fell = false
      for k in 1..<model.seriesStart where unknowns[k] - unknowns[k - 1] < -1e-4 {
        rows.append([(k - 1, -1), (k, 1)], target: 1e-4, weight: 1e5)
        fell = true
      }
      if !fell { return unknowns }
    }
    return rows.solve(size: model.size, notNegative: model.seriesStart..<model.size)
  }

  private func search(
    _ start: CircuitModel.Shape, noise: Double, trust: inout Trust
  ) -> Outcome? {
    let beliefs = beliefs(start)
    let weights = weights(start, noise, trust)
    let parameters = beliefs.map {
      LevenbergMarquardt.Parameter(
        start: Self.value($0.name, of: start), range: $0.range, difference: difference($0))
    }
    let count = weights.count + model.prior.rows(model).count + beliefs.count
    // As many rows as say the same count once against a belief.
    let weightOfBeliefs = trust.correlation.squareRoot()
    let solution = LevenbergMarquardt.minimise(parameters, limit: 25) { values in
      let rows = equations(Self.shape(values, beliefs, from: start), weights)
      guard let unknowns = solve(rows) else { return [Double](repeating: .infinity, count: count) }
      let misses = zip(rows.predictions(unknowns), zip(rows.targets, rows.weights))
      return misses.map { ($1.0 - $0) * $1.1 }
        + zip(values, beliefs).map { ($0 - $1.middle) / $1.deviation * weightOfBeliefs }
    }
    let shape = Self.shape(solution.parameters, beliefs, from: start)
    let rows = equations(shape, weights)
    guard let unknowns = solve(rows) else { return nil }
    let predictions = rows.predictions(unknowns)
    let residuals = (0..<weights.count).map { rows.targets[$0] - predictions[$0] }
    let (deviation, correlation) = Self.noise(residuals, weights: weights, base: noise)
    // Scaled as the noise is: what the drop and the slope excuse is not far off.
    trust.shares = zip(residuals, weights).map {
      1 / max(1, $0.magnitude * $1 * noise / (4 * deviation))
    }
    trust.correlation = correlation
    trust.drops = drops(shape, unknowns, residuals)
    let certainty = CircuitCovariance(
      fit: self, shape: shape, unknowns: unknowns, residuals: residuals, beliefs: beliefs)
    guard
      let covariance = certainty.covariance(
        weights: weights, scale: noise / (deviation * correlation.squareRoot()))
    else { return nil }
    let dataColumns = zip(solution.jacobian, beliefs).map { column, belief in
      column.prefix(weights.count).map { $0 * belief.deviation / correlation.squareRoot() }
    }
    let triangle = HouseholderQR.triangle(
      dataColumns, [Double](repeating: 0, count: weights.count))
    return Outcome(
      shape: shape, unknowns: unknowns, residuals: residuals,
      deviationVolts: deviation, correlation: correlation,
      misfit: 2 * solution.cost, beliefs: beliefs, covariance: covariance,
      singularValues: SingularValues.of(triangle.columns), iterations: solution.iterations,
      hasConverged: solution.hasConverged)
  }

  /// What the round before found of each row; empty before the first.
  private struct Trust {
    /// 1, or less for a row that is far off (Huber's weights).
    var shares: [Double] = []
    /// The voltage less the open-circuit voltage. Unit: V.
    var drops: [Double] = []
    /// How many neighbouring rows say the same.
    var correlation = 1.0
  }

  /// The modelled voltages less the open-circuit voltages.
  private func drops(
    _ shape: CircuitModel.Shape, _ unknowns: [Double], _ residuals: [Double]
  ) -> [Double] {
    let volts = Array(unknowns.prefix(model.seriesStart))
    var drops: [Double] = []
    for (index, record) in model.records.enumerated() {
      for row in record.rows {
        let place = model.place(row, index, shape)
        let open = model.voltageKnots.value(volts, at: place) + model.known(shape, place)
        drops.append(row.volts - residuals[drops.count] - open)
      }
    }
    return drops
  }

  /// One over each row's deviation: the noise; an error of 0.1 % of the charge times the curve's slope,
  /// without which the steps and the foot would outweigh everything; and 4 % of the drop under load,
  /// for no circuit follows a cell better, and a rest tells the open-circuit voltage without it.
  private func weights(_ shape: CircuitModel.Shape, _ noise: Double, _ trust: Trust) -> [Double] {
    let slopes = zip(
      zip(model.voltageKnots.places, model.voltageKnots.places.dropFirst()),
      zip(model.prior.volts, model.prior.volts.dropFirst())
    ).map { ($1.1 - $1.0) / ($0.1 - $0.0) }
    var weights: [Double] = []
    for (index, record) in model.records.enumerated() {
      for row in record.rows {
        let here = model.place(row, index, shape)
        let hats = model.voltageKnots.hats(here)
        let slope = slopes[min(hats.0.0, slopes.count - 1)]
        let steep = 0.001 * spanAmpereHours * max(slope, knownSlope(shape, here))
        let place = weights.count
        let drop =
          trust.drops.isEmpty
          ? 1.5 * model.prior.jumpOhms * row.meanAmperes : trust.drops[place]
        let share = trust.shares.isEmpty ? 1 : trust.shares[place]
        let loaded = isDescription ? 1e-4 + 4e-4 * drop * drop : 16e-4 * drop * drop
        let variance = noise * noise + steep * steep + loaded
        weights.append((share / variance).squareRoot())
      }
    }
    return weights
  }

  /// The slope of the electrodes' curve, over 0.2 % of the charge; 0 without one. Unit: V/Ah.
  private func knownSlope(_ shape: CircuitModel.Shape, _ place: Double) -> Double {
    let half = 0.001 * spanAmpereHours
    let rise = model.known(shape, place + half) - model.known(shape, place - half)
    return rise / (2 * half)
  }

  /// The residuals' deviation, and over how many rows they say the same (the integrated
  /// autocorrelation, up to its first zero): what looks like noise is mostly the model's error, and
  /// to count each row as a new witness would make every interval too narrow.
  static func noise(
    _ residuals: [Double], weights: [Double], base: Double
  ) -> (deviation: Double, correlation: Double) {
    let raw = zip(residuals, weights).map { $0 * $1 * base }
    // From the four fifths that are nearest: a normal deviation's would be 1.28 times as far.
    let middle = raw.map(\.magnitude).sorted()[raw.count * 4 / 5] / 1.2816
    let scaled = raw.map { min(max($0, -4 * middle), 4 * middle) }
    let count = Double(scaled.count)
    let variance = scaled.reduce(0) { $0 + $1 * $1 } / count
    guard variance > 0 else { return (1e-9, 1) }
    var correlation = 1.0
    for lag in 1..<max(2, scaled.count / 10) {
      var sum = 0.0
      for place in 0..<scaled.count - lag { sum += scaled[place] * scaled[place + lag] }
      let value = sum / count / variance
      guard value > 0.05 else { break }
      correlation += 2 * value
    }
    return (variance.squareRoot(), correlation)
  }
}

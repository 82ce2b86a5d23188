// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// Turns a fitted circuit over charge into a description over state of charge, and says what is known.
struct FitSummary {
  let fit: CellFit
  let model: CircuitModel
  let outcome: CircuitFit.Outcome
  /// The fit that found the open-circuit voltage.
  let before: CircuitFit.Outcome
  let span: Double
  private let window: FitWindow
  private let priorDeviations: [Double]

  private let halfCells: HalfCellResult?

  /// Nil where the prior is no proper one, which is a mistake of this code.
  init?(
    fit: CellFit, model: CircuitModel, outcome: CircuitFit.Outcome,
    before: CircuitFit.Outcome, span: Double, halfCells: HalfCellResult?
  ) {
    self.fit = fit
    self.model = model
    self.outcome = outcome
    self.before = before
    self.span = span
    self.halfCells = halfCells
    let knots = model.voltageKnots.places
    if let halfCells {
      let ends = halfCells.ends(lower: fit.lower, upper: fit.upper)
      let curve = ThinnedCurve(
        (0...4_000).map { ends.empty + (ends.full - ends.empty) * Double($0) / 4_000 },
        halfCells.volts, tolerance: 0.0005)
      window = FitWindow(
        places: curve.places, volts: rising(curve.values), lower: fit.lower + 1e-6,
        upper: fit.upper - 1e-6, capacity: nil, heldFull: nil)
    } else {
      window = FitWindow(
        places: knots, volts: outcome.voltage(of: model), lower: fit.lower, upper: fit.upper,
        capacity: fit.request.capacityAmpereHours, heldFull: fit.heldFull(outcome.shape, model))
    }
    var matrix = [Double](repeating: 0, count: model.size * model.size)
    var right = [Double](repeating: 0, count: model.size)
    model.prior.rows(model).accumulate(into: &matrix, &right)
    guard let inverse = Cholesky(matrix, size: model.size)?.inverse else { return nil }
    priorDeviations = (0..<model.size).map { inverse[$0 * model.size + $0].squareRoot() }
  }

  private var total: Int { model.size + outcome.beliefs.count }

  private func deviation(_ unknown: Int) -> Double {
    max(outcome.covariance[unknown * total + unknown], 0).squareRoot()
  }

  var result: FitResult {
    let curves = curves
    let ratio = outcome.beliefs.firstIndex { $0.name == .ratio }
    let description = description(curves)
    return FitResult(
      description: description, parameters: scalars + electrodes + samples(curves), curves: curves,
      residuals: residuals, undetermined: undetermined(curves, hasRatio: ratio != nil),
      singularValues: outcome.singularValues,
      electrodeSingularValues: halfCells?.singularValues ?? [],
      electrodeMissVolts: halfCells?.rootMeanSquare, noiseVolts: outcome.deviationVolts,
      correlation: outcome.correlation, iterations: outcome.iterations,
      hasConverged: outcome.hasConverged)
  }

  // MARK: - Curves

  /// The open-circuit voltage's deviations over state of charge: where empty and full are is not known
  /// for certain either, and along a slope that is a voltage. Unit: V.
  private var voltageDeviations: [Double] {
    let known = before.voltageDeviations(of: model, span: span)
    let places = model.voltageKnots.places
    let volts = before.voltage(of: model)
    let last = places.count - 1
    let ends =
      halfCells == nil ? window.endDeviations(known[0], known[last]) : (lower: 0, upper: 0)
    return places.indices.map { knot in
      let low = max(knot - 1, 0)
      let high = min(knot + 1, last)
      let slope = halfCells == nil ? (volts[high] - volts[low]) / (places[high] - places[low]) : 0
      let share = min(max(window.stateOfCharge(places[knot]), 0), 1)
      let parts = [known[knot], slope * (1 - share) * ends.lower, slope * share * ends.upper]
      return parts.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }

  private func curve(_ name: String, _ unit: String, _ start: Int, _ knots: Knots) -> FittedCurve {
    let range = knots.places.indices
    let isVoltage = start == 0
    let deviations =
      isVoltage
      ? voltageDeviations : range.map { deviation(start + $0) }
    return FittedCurve(
      name: name, unit: unit, places: knots.places.map(window.stateOfCharge),
      values: isVoltage ? outcome.voltage(of: model) : range.map { outcome.unknowns[start + $0] },
      deviations: deviations,
      isDetermined: range.map {
        // Of the voltage, a tenth of a volt is nothing to be known beforehand.
        deviations[$0] < (isVoltage ? 0.05 : 0.5 * priorDeviations[start + $0])
      })
  }

  /// A curve that holds no value on its own stays where the belief is.
  private var curves: [FittedCurve] {
    [
      curve("open-circuit voltage", "V", 0, model.voltageKnots),
      curve("series resistance", "ohm", model.seriesStart, model.ohmKnots),
      curve("fast resistance", "ohm", model.fastStart, model.ohmKnots),
      curve("slow resistance", "ohm", model.slowStart, model.ohmKnots),
      curve("hysteresis", "V", model.gapStart, model.gapKnots),
    ]
  }

  /// What a description holds: only places from empty to full.
  private func inside(_ curve: FittedCurve) -> Curve {
    var x: [Double] = []
    var y: [Double] = []
    for (place, value) in zip(curve.places, curve.values) where place > 1e-6 && place < 1 - 1e-6 {
      x.append(place)
      y.append(max(value, 0))
    }
    for end in [0.0, 1.0] where end == 0 ? (x.first ?? 1) > 0 : (x.last ?? 0) < 1 {
      x.insert(end, at: end == 0 ? 0 : x.count)
      y.insert(max(curve.value(at: end), 0), at: end == 0 ? 0 : y.count)
    }
    return Curve(x: x, y: y)
  }

  private func description(_ curves: [FittedCurve]) -> CellDescription {
    let hysteresis = model.prior.hasGap ? inside(curves[4]) : .constant(0)
    var circuit = EquivalentCircuit(
      openCircuitVolts: window.curve, seriesOhms: inside(curves[1]),
      chargeTransferAmperes: transferAmperes,
      pairs: [
        .init(ohms: inside(curves[2]), seconds: outcome.shape.fastSeconds),
        .init(ohms: inside(curves[3]), seconds: outcome.shape.slowSeconds),
      ],
      hysteresisVolts: hysteresis, hysteresisRate: model.gapRate * window.ampereHours,
      activationJoulesPerMole: outcome.shape.activation)
    circuit.surfaceLeadSeconds = 3_600 * outcome.shape.leadHours
    return CellDescription(
      name: fit.request.name, source: fit.request.source,
      ratedCapacityAmpereHours: window.ampereHours, lowerCutoffVolts: fit.lower,
      upperCutoffVolts: fit.upper, model: .circuit(circuit),
      thermal: .guessed(ampereHours: window.ampereHours))
  }

  /// The current beyond which the series resistance falls.
  private var transferAmperes: Double? {
    outcome.shape.transferVolts.map { $0 / model.seriesGuess[0] }
  }

  private var residuals: [FitResiduals] {
    var start = 0
    return zip(fit.records, model.records).enumerated().map { index, pair in
      let rows = pair.1.rows
      defer { start += rows.count }
      return FitResiduals(
        record: pair.0.name, seconds: rows.map { $0.seconds - rows[0].seconds },
        places: rows.map { window.stateOfCharge(model.place($0, index, outcome.shape)) },
        measured: rows.map(\.volts), volts: Array(outcome.residuals[start..<start + rows.count]))
    }
  }

  // MARK: - Numbers

  /// The surfaces' lead is of the fit that found the open-circuit voltage.
  private var lead: [FittedParameter] {
    guard let place = before.beliefs.firstIndex(where: { $0.name == .lead }) else { return [] }
    let unknown = model.size + place
    let total = model.size + before.beliefs.count
    let deviation = max(before.covariance[unknown * total + unknown], 0).squareRoot()
    let value = before.shape.leadHours
    return [
      FittedParameter(
        name: "lead of the surfaces", unit: "s", value: 3_600 * value,
        interval: 3_600 * max(value - 1.96 * deviation, 0)...3_600 * (value + 1.96 * deviation),
        prior: 3_600 * before.beliefs[place].middle,
        isDetermined: deviation < 0.5 * before.beliefs[place].deviation)
    ]
  }

  private var scalars: [FittedParameter] {
    let volts = model.voltageKnots.places.count
    let known = before.voltageDeviations(of: model, span: span)
    let ends = window.endDeviations(known[0], known[volts - 1])
    let capacityDeviation = (ends.lower * ends.lower + ends.upper * ends.upper).squareRoot()
    let isGiven = fit.request.capacityAmpereHours != nil && halfCells == nil
    let spread =
      halfCells?.capacityDeviation(lower: fit.lower, upper: fit.upper) ?? capacityDeviation
    let half = isGiven ? 0 : 1.96 * min(spread, span)
    var result = [
      FittedParameter(
        name: "capacity", unit: "Ah", value: window.ampereHours,
        interval: window.ampereHours - half...window.ampereHours + half,
        prior: isGiven ? window.ampereHours : nil, isDetermined: !isGiven)
    ]
    for (place, belief) in outcome.beliefs.enumerated() {
      var deviation = deviation(model.size + place)
      // No cycler counts charge better.
      if belief.name == .ratio { deviation = max(deviation, 3e-4) }
      let isDetermined = deviation < 0.5 * belief.deviation
      func parameter(
        _ name: String, _ unit: String, _ value: Double, logarithmic: Bool, prior: Double? = nil
      ) -> FittedParameter {
        let factor = DeterministicMath.exp(min(1.96 * deviation, 20))
        let interval =
          logarithmic
          ? value / factor...value * factor
          : value - 1.96 * deviation...value + 1.96 * deviation
        return FittedParameter(
          name: name, unit: unit, value: value, interval: interval,
          prior: prior ?? (logarithmic ? DeterministicMath.exp(belief.middle) : belief.middle),
          isDetermined: isDetermined)
      }
      let shape = outcome.shape
      switch belief.name {
      case .fast:
        result.append(parameter("fast time constant", "s", shape.fastSeconds, logarithmic: true))
      case .slow:
        result.append(parameter("slow time constant", "s", shape.slowSeconds, logarithmic: true))
      case .transfer:
        result.append(
          parameter(
            "charge-transfer current", "A", transferAmperes ?? 0, logarithmic: true,
            prior: transferAmperes.map { $0 * 0.06 / (shape.transferVolts ?? 1) }))
      case .ratio:
        result.append(
          parameter("charge arriving per charge counted", "", shape.chargeRatio, logarithmic: false)
        )
      case .activation:
        result.append(
          parameter("activation energy", "J/mol", shape.activation, logarithmic: false))
      case .swing, .balance, .lead: break
      case .offset(let record):
        let first = model.place(model.records[record].rows[0], record, shape)
        let start = window.stateOfCharge(first)
        let half = 1.96 * deviation / window.ampereHours
        result.append(
          FittedParameter(
            name: "state of charge at the start of record \(record + 1)", unit: "", value: start,
            interval: start - half...start + half,
            prior: window.stateOfCharge(first + belief.middle - shape.offsets[record]),
            isDetermined: isDetermined))
      }
    }
    return result + lead
  }

  private var electrodes: [FittedParameter] {
    halfCells?.parameters(lower: fit.lower, upper: fit.upper) ?? []
  }

  /// The curves at three states of charge, as numbers with intervals.
  private func samples(_ curves: [FittedCurve]) -> [FittedParameter] {
    var result: [FittedParameter] = []
    for curve in curves.dropFirst() where curve.name != "hysteresis" || model.prior.hasGap {
      for place in [0.2, 0.5, 0.8] {
        let value = curve.value(at: place)
        let half = 1.96 * curve.deviation(at: place)
        let nearest = curve.places.indices.min {
          (curve.places[$0] - place).magnitude < (curve.places[$1] - place).magnitude
        }
        result.append(
          FittedParameter(
            name: "\(curve.name) at \(Int(place * 100)) %", unit: curve.unit, value: value,
            interval: value - half...value + half,
            isDetermined: nearest.map { curve.isDetermined[$0] } ?? false))
      }
    }
    return result
  }

  // MARK: - What is not known

  private func undetermined(_ curves: [FittedCurve], hasRatio: Bool) -> [String] {
    var said = window.statements
    for parameter in scalars.dropFirst() where !parameter.isDetermined {
      said.append(
        "\(parameter.name): not determined by the data; held near its prior, "
          + "\(rounded(parameter.prior ?? parameter.value)) \(parameter.unit)")
    }
    for parameter in electrodes where !parameter.isDetermined {
      said.append("\(parameter.name): not determined by the data, in spite of the half-cell curves")
    }
    if halfCells == nil {
      said.append(
        "electrode capacities and slippage: not determined by a full cell alone; give half-cell "
          + "curves (--cathode, --anode)")
    }
    if outcome.shape.transferVolts == nil {
      said.append(
        "charge-transfer current: the data show no fall of resistance with current; "
          + "the series resistance is taken as ohmic")
    }
    for curve in curves where curve.name != "hysteresis" || model.prior.hasGap {
      let ranges = Self.gaps(curve)
      guard !ranges.isEmpty else { continue }
      said.append(
        "\(curve.name): not determined at state of charge "
          + ranges.joined(separator: ", ") + "; carried on from its neighbours and its prior")
    }
    if !model.prior.hasGap {
      said.append(
        "hysteresis: not determined, for the records go in one direction only; taken as 0 V"
      )
    }
    if !outcome.beliefs.contains(where: { $0.name == .activation }) {
      said.append("activation energy: not determined; assumed, 20 kJ/mol")
    }
    said += [
      "hysteresis rate: assumed, \(rounded(CellFit.gapRate)) per turn of the recorded charge",
      fit.temperatureStatement,
      ThermalDescription.assumption(ampereHours: window.ampereHours),
    ]
    return said
  }

  /// The stretches between empty and full where a curve is not determined.
  private static func gaps(_ curve: FittedCurve) -> [String] {
    var ranges: [String] = []
    var begin: Double?
    for (place, known) in zip(curve.places, curve.isDetermined) {
      let here = min(max(place, 0), 1)
      if known, let start = begin {
        begin = nil
        guard here - start > 0.005 else { continue }
        ranges.append("\(percent(start)) to \(percent(here)) %")
      } else if !known, begin == nil {
        begin = here
      }
    }
    if let start = begin, start < 0.995 { ranges.append("\(percent(start)) to 100 %") }
    return ranges
  }

  private static func percent(_ value: Double) -> String { rounded((value * 1000).rounded() / 10) }
}

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// A description with electrodes: charge transfer, diffusion, hysteresis and contact, such that the
/// simulated cell shows what was recorded.
///
/// The records' currents go through the cell model itself, and Levenberg–Marquardt compares the
/// voltages. How the electrodes stand against each other is known from the circuit's fit and stays, as
/// do the sites' potentials and widths, which are the half-cell curves'. (Searched together with the
/// kinetics, the balance bends to excuse what the kinetics cannot follow.)
struct ElectrodeFit {
  /// A number that is searched, with its normal belief.
  struct Number {
    var name: Name
    /// The logarithm of the rates, times and resistance; the others as they are.
    var start: Double
    var middle: Double
    var deviation: Double
    var range: ClosedRange<Double>
    var difference: Double
  }

  enum Name: Equatable {
    case contact
    case rate(Side)
    /// A site's rate against its electrode's.
    case siteRate(Side, Int)
    case diffusion(Side)
    case hysteresis(Side)
  }

  enum Side: CaseIterable {
    case cathode
    case anode
  }

  /// What was found.
  struct Outcome {
    var numbers: [Number]
    var values: [Double]
    /// Of the values, row by row.
    var covariance: [Double]
    /// Measured less simulated, row by row of all records. Unit: V.
    var residuals: [Double]
    var deviationVolts: Double
    var correlation: Double
    var iterations: Int
    var hasConverged: Bool
  }

  let fit: CellFit
  let circuit: CircuitFit.Outcome
  let model: CircuitModel
  let electrodes: HalfCellResult
  let sites: (cathode: SiteFit, anode: SiteFit)
  /// One over each row's deviation. Unit: 1/V.
  private let weights: [Double]

  init(
    fit: CellFit, circuit: CircuitFit.Outcome, model: CircuitModel, electrodes: HalfCellResult
  ) {
    self.fit = fit
    self.circuit = circuit
    self.model = model
    self.electrodes = electrodes
    sites = (SiteFit(electrodes.pair.cathode), SiteFit(electrodes.pair.anode))
    weights = Self.weights(circuit, model, electrodes)
  }

  /// Noise and curves' error, 0.1 % of the charge along the slope, and 3 % of the drop under load.
  private static func weights(
    _ circuit: CircuitFit.Outcome, _ model: CircuitModel, _ electrodes: HalfCellResult
  ) -> [Double] {
    let span = electrodes.range.upperBound - electrodes.range.lowerBound
    var weights: [Double] = []
    for (index, record) in model.records.enumerated() {
      for row in record.rows {
        let place = model.place(row, index, circuit.shape)
        let slope =
          (electrodes.volts(place + 0.001 * span) - electrodes.volts(place - 0.001 * span))
          / (0.002 * span)
        let steep = 0.001 * span * slope
        let drop = row.volts - electrodes.volts(place)
        weights.append(1 / (4e-6 + steep * steep + 9e-4 * drop * drop).squareRoot())
      }
    }
    return weights
  }

  // MARK: - Numbers

  private var numbers: [Number] {
    let balance = electrodes.balance.values
    var numbers: [Number] = []
    func logarithmic(_ name: Name, _ value: Double, _ deviation: Double) -> Number {
      let middle = DeterministicMath.log(value)
      return Number(
        name: name, start: middle, middle: middle, deviation: deviation,
        range: middle - 7...middle + 7, difference: 1e-3)
    }
    numbers.append(logarithmic(.contact, 0.2 * model.prior.jumpOhms, 1.5))
    for side in Side.allCases {
      // A third of the drop at the jumps is each electrode's charge transfer, at half filling.
      let capacity = balance[side == .cathode ? 0 : 1]
      let rate = 2 * 0.0257 / (0.33 * model.prior.jumpOhms * 3600 * capacity)
      numbers.append(logarithmic(.rate(side), rate, 2))
      let count = side == .cathode ? sites.cathode.sites.count : sites.anode.sites.count
      for site in 0..<count {
        numbers.append(
          Number(
            name: .siteRate(side, site), start: 0, middle: 0, deviation: 1, range: -4...4,
            difference: 1e-3))
      }
      numbers.append(logarithmic(.diffusion(side), 1_000, 2))
      if model.prior.hasGap {
        numbers.append(
          Number(
            name: .hysteresis(side), start: 0.005, middle: 0.005, deviation: 0.02, range: 0...0.2,
            difference: 1e-5))
      }
    }
    return numbers
  }

  /// The pair that the numbers make.
  func pair(_ values: [Double], _ numbers: [Number]) -> ElectrodePair {
    let balance = electrodes.balance
    return ElectrodePair(
      cathode: electrode(.cathode, sites.cathode, values, numbers),
      anode: electrode(.anode, sites.anode, values, numbers),
      cyclableSodiumAmpereHours: balance.cathodeAmpereHours
        * (balance.cathodeContent - sites.cathode.rest)
        + balance.anodeAmpereHours * (balance.anodeContent - sites.anode.rest),
      contactResistanceOhms: DeterministicMath.exp(value(.contact, values, numbers)),
      contactActivationJoulesPerMole: 18_000)
  }

  /// A number of a name; 0 where it is not searched.
  func value(_ name: Name, _ values: [Double], _ numbers: [Number]) -> Double {
    numbers.firstIndex { $0.name == name }.map { values[$0] } ?? 0
  }

  private func electrode(
    _ side: Side, _ fitted: SiteFit, _ values: [Double], _ numbers: [Number]
  ) -> Electrode {
    let balance = electrodes.balance
    let capacity = side == .cathode ? balance.cathodeAmpereHours : balance.anodeAmpereHours
    let rate = value(.rate(side), values, numbers)
    let sites = fitted.sites.enumerated().map { place, site in
      RedoxSite(
        name: "\(place + 1)", capacityAmpereHours: capacity * site.share,
        potentialVolts: site.volts, width: site.width, interactionVolts: 0,
        hysteresisVolts: value(.hysteresis(side), values, numbers),
        hysteresisRate: CellFit.gapRate,
        rateConstant: min(
          max(
            DeterministicMath.exp(rate + value(.siteRate(side, place), values, numbers)), 1e-9),
          1e3),
        transferCoefficient: 0.5,
        diffusionSeconds: DeterministicMath.exp(value(.diffusion(side), values, numbers)))
    }
    return Electrode(
      name: side == .cathode ? "cathode" : "anode", sites: sites, radiusSpread: 0,
      kineticActivationJoulesPerMole: 50_000,
      diffusionActivationJoulesPerMole: side == .cathode ? 35_000 : 16_100)
  }

  /// The cell for a simulation at 25 °C throughout.
  private func cell(_ values: [Double], _ numbers: [Number]) -> CellDescription {
    CellDescription(
      name: fit.request.name, source: fit.request.source,
      ratedCapacityAmpereHours: electrodes.range.upperBound - electrodes.range.lowerBound,
      lowerCutoffVolts: fit.lower, upperCutoffVolts: fit.upper,
      model: .electrodes(pair(values, numbers)),
      thermal: ThermalDescription(
        heatCapacityJoulesPerKelvin: 1, conductanceWattsPerKelvin: 1e6))
  }

  // MARK: - Simulation

  /// The voltages of all rows; nil where the numbers make no cell.
  private func volts(_ values: [Double], _ numbers: [Number]) -> [Double]? {
    let description = cell(values, numbers)
    let ends = electrodes.ends(lower: fit.lower, upper: fit.upper)
    var result: [Double] = []
    for (index, record) in model.records.enumerated() {
      let place = (circuit.shape.offsets[index] - ends.empty) / (ends.full - ends.empty)
      guard
        let cell = rested(
          description, at: min(max(place, 0), 1), after: circuit.shape.swings[index])
      else { return nil }
      append(record, cell, to: &result)
    }
    return result
  }

  /// A cell at rest that was charged or discharged to where it is, for its hysteresis.
  private func rested(
    _ description: CellDescription, at place: Double, after swing: Double
  ) -> Cell? {
    let way = model.prior.hasGap ? 0.2 * swing : 0
    let start = min(max(place - way, 0), 1)
    do throws(CellError) {
      var cell = try Cell(description, stateOfCharge: start)
      guard (place - start).magnitude > 1e-3 else { return cell }
      let amperes = (place - start) * cell.capacityAmpereHours / 4
      cell.step(.current(amperes: amperes), seconds: 14_400)
      cell.step(.current(amperes: 0), seconds: 36_000)
      return cell
    } catch {
      return nil
    }
  }

  private func append(_ record: ThinnedRecord, _ start: Cell, to result: inout [Double]) {
    var cell = start
    var last = record.rows[0].seconds
    let ratio = circuit.shape.chargeRatio
    for row in record.rows {
      let seconds = row.seconds - last
      let amperes = seconds > 0 ? row.meanAmperes : row.amperes
      cell.step(.current(amperes: amperes > 0 ? ratio * amperes : amperes), seconds: seconds)
      result.append(cell.terminalVolts)
      last = row.seconds
    }
  }

  // MARK: - Search

  /// Finds the numbers; nil where the start makes no cell.
  func run() -> Outcome? {
    let numbers = numbers
    let measured = model.records.flatMap { $0.rows.map(\.volts) }
    func residuals(_ values: [Double]) -> [Double]? {
      volts(values, numbers).map { zip(measured, $0).map { $0 - $1 } }
    }
    let count = measured.count + numbers.count
    let solution = LevenbergMarquardt.minimise(
      numbers.map { .init(start: $0.start, range: $0.range, difference: $0.difference) },
      limit: 40
    ) { values in
      guard let residuals = residuals(values) else {
        return [Double](repeating: .infinity, count: count)
      }
      // Far off is far off, however far: where the cell runs empty too early, or at the foot.
      return zip(residuals, weights).map { 5 * DeterministicMath.asinh($0 * $1 / 5) }
        + zip(values, numbers).map { ($0 - $1.middle) / $1.deviation }
    }
    guard let missed = residuals(solution.parameters), solution.cost.isFinite else { return nil }
    let (deviation, correlation) = CircuitFit.noise(missed, weights: weights, base: 1)
    guard
      let covariance = ElectrodeCovariance(
        jacobian: solution.jacobian, residuals: solution.residuals, rows: measured.count,
        stretches: model.stretches
      ).covariance(deviation: deviation, correlation: correlation)
    else { return nil }
    let usual = weights.sorted()[weights.count / 2]
    return Outcome(
      numbers: numbers, values: solution.parameters, covariance: covariance, residuals: missed,
      deviationVolts: deviation / usual, correlation: correlation,
      iterations: solution.iterations, hasConverged: solution.hasConverged)
  }
}

/// As `CircuitCovariance`, of few numbers with a dense Jacobian.
struct ElectrodeCovariance {
  /// By columns; below the rows of the records are those of the beliefs.
  let jacobian: [[Double]]
  let residuals: [Double]
  let rows: Int
  let stretches: [Range<Int>]

  /// The wider of what independent witnesses and what stretches say; nil without information.
  func covariance(deviation: Double, correlation: Double) -> [Double]? {
    let count = jacobian.count
    let scale = 1 / max(deviation * deviation * correlation, 1e-12)
    var counted = [Double](repeating: 0, count: count * count)
    var fitted = counted
    var prior = counted
    for i in 0..<count {
      for j in 0..<count {
        let data = dot(i, j, 0..<rows)
        prior[i * count + j] = dot(i, j, rows..<residuals.count)
        counted[i * count + j] = scale * data + prior[i * count + j]
        fitted[i * count + j] = data + prior[i * count + j]
      }
    }
    guard var result = Cholesky(counted, size: count)?.inverse,
      let inverse = Cholesky(fitted, size: count)?.inverse
    else { return nil }
    var middle = prior
    for stretch in stretches {
      let pull = jacobian.map { column in
        stretch.reduce(0.0) { $0 + column[$1] * residuals[$1] }
      }
      for i in 0..<count {
        for j in 0..<count { middle[i * count + j] += pull[i] * pull[j] }
      }
    }
    var wider = [Double](repeating: 1, count: count)
    for unknown in 0..<count {
      var variance = 0.0
      for i in 0..<count {
        for j in 0..<count {
          variance +=
            inverse[unknown * count + i] * middle[i * count + j] * inverse[unknown * count + j]
        }
      }
      let first = result[unknown * count + unknown]
      if first > 0 { wider[unknown] = max(variance / first, 1).squareRoot() }
    }
    for i in 0..<count {
      for j in 0..<count { result[i * count + j] *= wider[i] * wider[j] }
    }
    return result
  }

  private func dot(_ i: Int, _ j: Int, _ range: Range<Int>) -> Double {
    var sum = 0.0
    for row in range { sum += jacobian[i][row] * jacobian[j][row] }
    return sum
  }
}

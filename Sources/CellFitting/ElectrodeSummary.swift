// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// Turns fitted electrodes into a description, and says what is known.
struct ElectrodeSummary {
  let found: ElectrodeFit
  let outcome: ElectrodeFit.Outcome
  private let balance: HalfCellResult
  private let pair: ElectrodePair
  private let ends: (empty: Double, full: Double)

  init(_ found: ElectrodeFit, _ outcome: ElectrodeFit.Outcome) {
    self.found = found
    self.outcome = outcome
    pair = found.pair(outcome.values, outcome.numbers)
    balance = found.electrodes
    ends = balance.ends(lower: found.fit.lower, upper: found.fit.upper)
  }

  /// Nil where the numbers make no cell.
  var result: FitResult? {
    do throws(CellError) {
      var description = CellDescription(
        name: found.fit.request.name, source: found.fit.request.source,
        ratedCapacityAmpereHours: max(ends.full - ends.empty, 1e-6),
        lowerCutoffVolts: found.fit.lower, upperCutoffVolts: found.fit.upper,
        model: .electrodes(pair), thermal: .guessed(ampereHours: ends.full - ends.empty))
      let equilibrium = try CellEquilibrium(description)
      description.ratedCapacityAmpereHours = equilibrium.capacityAmpereHours
      return FitResult(
        description: description, parameters: parameters(equilibrium.capacityAmpereHours),
        curves: curves(equilibrium), residuals: residuals, undetermined: undetermined,
        singularValues: [], electrodeSingularValues: balance.singularValues,
        electrodeMissVolts: balance.rootMeanSquare, noiseVolts: outcome.deviationVolts,
        correlation: outcome.correlation, iterations: outcome.iterations,
        hasConverged: outcome.hasConverged)
    } catch {
      return nil
    }
  }

  private func deviation(_ place: Int) -> Double {
    max(outcome.covariance[place * outcome.numbers.count + place], 0).squareRoot()
  }

  private func stateOfCharge(_ place: Double) -> Double {
    (place - ends.empty) / (ends.full - ends.empty)
  }

  // MARK: - Curves

  /// The open-circuit voltage and the electrodes' potentials over state of charge.
  private func curves(_ equilibrium: CellEquilibrium) -> [FittedCurve] {
    let places = (0...200).map { Double($0) / 200 }
    let along = places.map { ends.empty + $0 * (ends.full - ends.empty) }
    let volts = places.map { equilibrium.volts(stateOfCharge: $0) }
    let deviations = zip(places, volts).map { place, value in
      let known = balance.derived { moved in
        let ends = balance.pair.ends(
          moved, balance.range, lower: found.fit.lower, upper: found.fit.upper)
        return balance.pair.volts(moved, ends.empty + place * (ends.full - ends.empty))
      }
      // The sites follow the curves as well as they do.
      let miss = known.value - value
      return (known.deviation * known.deviation + miss * miss).squareRoot()
    }
    let cathode = along.map {
      balance.pair.cathode(balance.balance.cathodeContent(at: $0))
    }
    let anode = along.map { balance.pair.anode(balance.balance.anodeContent(at: $0)) }
    func curve(_ name: String, _ values: [Double], _ deviations: [Double]) -> FittedCurve {
      FittedCurve(
        name: name, unit: "V", places: places, values: values, deviations: deviations,
        isDetermined: deviations.map { $0 < 0.05 })
    }
    let none = [Double](repeating: 0, count: places.count)
    return [
      curve("open-circuit voltage", volts, deviations),
      curve("cathode potential", cathode, none), curve("anode potential", anode, none),
    ]
  }

  private var residuals: [FitResiduals] {
    var start = 0
    return zip(found.fit.records, found.model.records).enumerated().map { index, pair in
      let rows = pair.1.rows
      defer { start += rows.count }
      return FitResiduals(
        record: pair.0.name, seconds: rows.map { $0.seconds - rows[0].seconds },
        places: rows.map {
          stateOfCharge(found.model.place($0, index, found.circuit.shape))
        },
        measured: rows.map(\.volts), volts: Array(outcome.residuals[start..<start + rows.count]))
    }
  }

  // MARK: - Numbers

  private func parameters(_ capacity: Double) -> [FittedParameter] {
    let spread = balance.capacityDeviation(lower: found.fit.lower, upper: found.fit.upper)
    let half = 1.96 * min(spread, capacity)
    let whole = FittedParameter(
      name: "capacity", unit: "Ah", value: capacity, interval: capacity - half...capacity + half)
    return [whole] + balance.parameters(lower: found.fit.lower, upper: found.fit.upper)
      + outcome.numbers.indices.compactMap(parameter)
  }

  private func parameter(_ place: Int) -> FittedParameter? {
    let number = outcome.numbers[place]
    switch number.name {
    case .contact: return logarithmic("contact resistance", "ohm", place)
    case .rate(let side): return logarithmic("\(side) charge-transfer rate", "1/s", place)
    case .siteRate(let side, let site):
      return logarithmic("\(side) site \(site + 1), rate against the electrode's", "", place)
    case .diffusion(let side): return logarithmic("\(side) diffusion time", "s", place)
    case .hysteresis(let side):
      let value = outcome.values[place]
      let half = 1.96 * deviation(place)
      return FittedParameter(
        name: "\(side) hysteresis", unit: "V", value: value, interval: value - half...value + half,
        prior: number.middle, isDetermined: deviation(place) < 0.5 * number.deviation)
    }
  }

  private func logarithmic(_ name: String, _ unit: String, _ place: Int) -> FittedParameter {
    let value = DeterministicMath.exp(outcome.values[place])
    let factor = DeterministicMath.exp(min(1.96 * deviation(place), 20))
    return FittedParameter(
      name: name, unit: unit, value: value, interval: value / factor...value * factor,
      prior: DeterministicMath.exp(outcome.numbers[place].middle),
      isDetermined: deviation(place) < 0.5 * outcome.numbers[place].deviation)
  }

  private var undetermined: [String] {
    var said: [String] = []
    var sites: [String] = []
    for parameter in parameters(1).dropFirst() where !parameter.isDetermined {
      if parameter.name.contains("rate against") {
        sites.append(String(parameter.name.prefix { $0 != "," }))
      } else {
        said.append(
          "\(parameter.name): not determined by the data"
            + (parameter.prior.map { "; held near its prior, \(rounded($0)) \(parameter.unit)" }
              ?? ", in spite of the half-cell curves"))
      }
    }
    if !sites.isEmpty {
      said.append(
        "rates of \(sites.joined(separator: ", ")): not determined; held near their electrode's")
    }
    for (name, fitted) in [("cathode", found.sites.cathode), ("anode", found.sites.anode)] {
      said.append(
        "\(name): \(fitted.sites.count) sites follow the half-cell curve within "
          + "\(rounded(fitted.missVolts * 1e3)) mV")
    }
    if !found.model.prior.hasGap {
      said.append(
        "hysteresis: not determined, for the records go in one direction only; taken as 0 V")
    } else {
      said.append("hysteresis rate: assumed, \(rounded(CellFit.gapRate)) per turn of a site")
    }
    said += [
      "transfer coefficients: assumed, 0.5; diffusion: one time for all sites of an electrode",
      "activation energies: not determined; assumed, 50 kJ/mol of charge transfer, 35 and "
        + "16.1 kJ/mol of diffusion in cathode and anode, 18 kJ/mol of the contact",
      found.fit.temperatureStatement,
      ThermalDescription.assumption(ampereHours: ends.full - ends.empty),
    ]
    return said
  }
}

extension ThermalDescription {
  /// Heat capacity and conductance of what a cell of a capacity usually is: a coin cell of 3 g, or an
  /// 18650 (37 J/K, 0.04 W/K at 1.5 Ah) scaled.
  static func guessed(ampereHours: Double) -> ThermalDescription {
    if ampereHours < 0.05 {
      return ThermalDescription(heatCapacityJoulesPerKelvin: 3, conductanceWattsPerKelvin: 0.005)
    }
    let size = ampereHours / 1.5
    return ThermalDescription(
      heatCapacityJoulesPerKelvin: 37 * size, conductanceWattsPerKelvin: 0.04 * size)
  }

  static func assumption(ampereHours: Double) -> String {
    "heat capacity and conductance: not determined; assumed as of "
      + (ampereHours < 0.05 ? "a coin cell of 3 g" : "an 18650, scaled by capacity")
  }
}

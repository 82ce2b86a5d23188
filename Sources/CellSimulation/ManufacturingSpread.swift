// SPDX-License-Identifier: Apache-2.0

public import DeterministicMath

/// How much cells of one make differ, 1σ at mismatch 1.
///
/// Source: the spreads of the project's estimator study (design, section 4): site capacities
/// 1.5–5 %, potentials 2–10 mV, widths 4–6 %, resistances and rates 15–20 %, hysteresis 30–40 %; the
/// values are the middle of each. They are assumed, because no fleet of such cells is published.
enum ManufacturingSpread {
  static let capacity = 0.03
  static let cathodeVolts = 0.005
  /// The lower end, because the plateau of hard carbon is set by sodium metal, not by a lattice.
  static let anodeVolts = 0.002
  static let width = 0.05
  static let rate = 0.175
  static let hysteresis = 0.35
  /// The ripple of a measured open-circuit voltage, for circuit cells. Unit: V.
  static let ripple = 0.005
}

extension CellDescription {
  /// Draws one cell of a make: this description with its numbers scattered.
  ///
  /// The same count of random numbers is taken whatever the mismatch. The sodium follows the
  /// cathode's capacity, so that the cell still spans its voltage window; the rated capacity, being
  /// printed on the cell, stays (but is the true capacity of a circuit cell and then scatters).
  /// - Parameters:
  ///   - random: the source of randomness.
  ///   - mismatch: the scale of the scatter; 0 gives this description, 1 the spread of a make.
  public func drawn(using random: inout SeededRandom, mismatch: Double) -> CellDescription {
    precondition(mismatch >= 0 && mismatch <= 2, "mismatch is in 0…2")
    var scatter = Scatter(random: random, mismatch: mismatch)
    var drawn = self
    switch model {
    case .electrodes(let pair): drawn.model = .electrodes(scatter.pair(pair))
    case .circuit(let circuit):
      drawn.ratedCapacityAmpereHours *= scatter.factor(ManufacturingSpread.capacity)
      drawn.model = .circuit(scatter.circuit(circuit))
    }
    random = scatter.random
    return drawn
  }
}

/// Draws scattered values.
private struct Scatter {
  var random: SeededRandom
  let mismatch: Double

  /// A normal number cut at ±3, times `deviation` and the mismatch.
  mutating func shift(_ deviation: Double) -> Double {
    mismatch * deviation * min(max(random.gaussian(), -3), 3)
  }

  /// A log-normal factor around 1.
  mutating func factor(_ deviation: Double) -> Double {
    DeterministicMath.exp(shift(deviation))
  }

  mutating func pair(_ pair: ElectrodePair) -> ElectrodePair {
    var drawn = pair
    drawn.cathode = electrode(pair.cathode, volts: ManufacturingSpread.cathodeVolts)
    drawn.anode = electrode(pair.anode, volts: ManufacturingSpread.anodeVolts)
    drawn.contactResistanceOhms *= factor(ManufacturingSpread.rate)
    let share = drawn.cathode.capacityAmpereHours / pair.cathode.capacityAmpereHours
    drawn.cyclableSodiumAmpereHours *= share
    return drawn
  }

  mutating func electrode(_ electrode: Electrode, volts: Double) -> Electrode {
    var drawn = electrode
    for index in drawn.sites.indices {
      drawn.sites[index].capacityAmpereHours *= factor(ManufacturingSpread.capacity)
      drawn.sites[index].potentialVolts += shift(volts)
      drawn.sites[index].width *= factor(ManufacturingSpread.width)
      drawn.sites[index].rateConstant *= factor(ManufacturingSpread.rate)
      drawn.sites[index].diffusionSeconds *= factor(ManufacturingSpread.rate)
      drawn.sites[index].hysteresisVolts *= factor(ManufacturingSpread.hysteresis)
    }
    return drawn
  }

  mutating func circuit(_ circuit: EquivalentCircuit) -> EquivalentCircuit {
    var drawn = circuit
    drawn.openCircuitVolts = rippled(circuit.openCircuitVolts)
    drawn.seriesOhms = scaled(circuit.seriesOhms, factor(ManufacturingSpread.rate))
    for index in drawn.pairs.indices {
      drawn.pairs[index].ohms = scaled(
        circuit.pairs[index].ohms, factor(ManufacturingSpread.rate))
      drawn.pairs[index].seconds *= factor(ManufacturingSpread.rate)
    }
    drawn.hysteresisVolts = scaled(
      circuit.hysteresisVolts, factor(ManufacturingSpread.hysteresis))
    return drawn
  }

  private func scaled(_ curve: Curve, _ factor: Double) -> Curve {
    Curve(x: curve.x, y: curve.y.map { $0 * factor })
  }

  /// Adds a smooth offset that is 0 at both ends, where the cut-offs define the state of charge; the
  /// curve still rises.
  private mutating func rippled(_ curve: Curve) -> Curve {
    let places = (0...8).map { Double($0) / 8 }
    let offsets = places.indices.map { index in
      let offset = shift(ManufacturingSpread.ripple)
      return index == 0 || index == places.count - 1 ? 0 : offset
    }
    let ripple = Curve(x: places, y: offsets)
    var values = zip(curve.x, curve.y).map { $1 + ripple($0) }
    guard mismatch > 0, let last = values.last else { return Curve(x: curve.x, y: values) }
    // A falling piece is levelled from below, then from above so that the top stays where it is.
    let least = 1e-6
    for index in values.indices.dropFirst() {
      values[index] = max(values[index], values[index - 1] + least)
    }
    let top = curve.y.last ?? last
    for index in values.indices.reversed() {
      let room = Double(values.count - 1 - index) * least
      values[index] = min(values[index], top - room)
    }
    return Curve(x: curve.x, y: values)
  }
}

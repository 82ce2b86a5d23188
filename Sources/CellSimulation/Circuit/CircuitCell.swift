// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// A cell of a measured open-circuit voltage, a series resistance, relaxation pairs and hysteresis.
///
/// Within a step the current is constant and every pair is exact for it; the curves over state of
/// charge are read at the step's end.
struct CircuitCell: Sendable {
  let circuit: EquivalentCircuit
  let thermal: ThermalDescription
  /// The charge between state of charge 0 and 1. Unit: A·s.
  let capacityAmpereSeconds: Double
  var state: State

  /// Everything that changes with time.
  struct State: Sendable {
    var stateOfCharge: Double
    /// The voltages over the relaxation pairs. Unit: V.
    var pairs: [Double]
    /// −1 after a discharge, 1 after a charge, 0 at the start.
    var hysteresis = 0.0
    /// The current as the slowest pair follows it. Unit: A.
    var surfaceAmperes = 0.0
    var amperes = 0.0
    var terminalVolts: Double
    var slopeOhms = 0.0
    var kelvin: Double
    var heatJoules = 0.0
    var chargeAmpereSeconds = 0.0
    var throughputAmpereSeconds = 0.0
    var control: CellControl? = nil
  }

  /// Makes a cell at rest without hysteresis.
  init(
    _ circuit: EquivalentCircuit, capacityAmpereHours: Double, thermal: ThermalDescription,
    stateOfCharge: Double, kelvin: Double
  ) {
    self.circuit = circuit
    self.thermal = thermal
    capacityAmpereSeconds = 3600 * capacityAmpereHours
    state = State(
      stateOfCharge: stateOfCharge, pairs: Array(repeating: 0, count: circuit.pairs.count),
      terminalVolts: mirrored(stateOfCharge) { circuit.openCircuitVolts($0) }, kelvin: kelvin)
  }
}

extension CircuitCell: CellModel {
  var terminalVolts: Double { state.terminalVolts }
  var amperes: Double { state.amperes }
  var slopeOhms: Double { state.slopeOhms }
  var kelvin: Double { state.kelvin }

  /// Every pair is exact for a constant current, whatever the step.
  func expectedRise(seconds: Double) -> Double? { nil }

  var longestSeconds: Double { StepLength.longest }

  var chargeAmpereSeconds: Double { state.chargeAmpereSeconds }

  var control: CellControl? {
    get { state.control }
    set { state.control = newValue }
  }

  mutating func begin(_ control: CellControl) -> Bool {
    let source = state
    guard let amperes = current(control, source, seconds: 0) else { return false }
    state.amperes = amperes
    state.terminalVolts = volts(source, amperes)
    state.slopeOhms = seriesOhms(source) * circuit.seriesSlopeFactor(amperes: amperes)
    state.control = control
    return true
  }

  mutating func advance(
    _ control: CellControl, seconds: Double, ambientKelvin: Double
  ) -> Bool {
    guard let amperes = current(control, state, seconds: seconds) else { return false }
    var next = moved(state, amperes, seconds: seconds)
    next.amperes = amperes
    next.terminalVolts = volts(next, amperes)
    next.slopeOhms = slope(control, state, amperes, seconds: seconds)
    let middle = 0.5 * (state.stateOfCharge + next.stateOfCharge)
    let open = mirrored(middle) { circuit.openCircuitVolts($0) }
    let terminal = 0.5 * (volts(state, amperes) + next.terminalVolts)
    let heat = amperes * (terminal - open)
    next.heatJoules += heat * seconds
    next.chargeAmpereSeconds += amperes * seconds
    next.throughputAmpereSeconds += amperes.magnitude * seconds
    let conductance = thermal.conductanceWattsPerKelvin
    if conductance > 0 {
      let settled = ambientKelvin + heat / conductance
      let decay = DeterministicMath.exp(
        -seconds * conductance / thermal.heatCapacityJoulesPerKelvin)
      next.kelvin = settled + (state.kelvin - settled) * decay
    } else {
      next.kelvin += heat * seconds / thermal.heatCapacityJoulesPerKelvin
    }
    state = next
    return true
  }

  /// How much larger resistances are than at 25 °C.
  private func resistanceFactor(_ kelvin: Double) -> Double {
    1
      / PhysicalConstants.acceleration(
        activationJoulesPerMole: circuit.activationJoulesPerMole, kelvin: kelvin)
  }

  /// The series resistance at small currents.
  private func seriesOhms(_ state: State) -> Double {
    circuit.seriesOhms(state.stateOfCharge) * resistanceFactor(state.kelvin)
  }

  /// The terminal voltage of a state with a current. Unit: V.
  private func volts(_ state: State, _ amperes: Double) -> Double {
    let surface =
      state.stateOfCharge
      + circuit.surfaceLeadSeconds * state.surfaceAmperes / capacityAmpereSeconds
    var volts =
      mirrored(surface) { circuit.openCircuitVolts($0) }
      + state.hysteresis * circuit.hysteresisVolts(state.stateOfCharge)
      + amperes * seriesOhms(state) * circuit.seriesFactor(amperes: amperes)
    for pair in state.pairs { volts += pair }
    return volts
  }

  /// The state after `seconds` of a constant current; temperature and ledgers are left.
  private func moved(_ state: State, _ amperes: Double, seconds: Double) -> State {
    var next = state
    let turnover = amperes * seconds / capacityAmpereSeconds
    next.stateOfCharge += turnover
    let middle = state.stateOfCharge + 0.5 * turnover
    let factor = resistanceFactor(state.kelvin)
    for index in circuit.pairs.indices {
      let pair = circuit.pairs[index]
      let decay = DeterministicMath.exp(-seconds / pair.seconds)
      let settled = amperes * pair.ohms(middle) * factor
      next.pairs[index] = settled + (state.pairs[index] - settled) * decay
    }
    if circuit.surfaceLeadSeconds > 0, let slowest = circuit.pairs.last {
      let decay = DeterministicMath.exp(-seconds / slowest.seconds)
      next.surfaceAmperes = amperes + (state.surfaceAmperes - amperes) * decay
    }
    if amperes != 0 {
      let target: Double = amperes > 0 ? 1 : -1
      let decay = DeterministicMath.exp(-circuit.hysteresisRate * turnover.magnitude)
      next.hysteresis = target + (state.hysteresis - target) * decay
    }
    return next
  }

  /// The slope of the voltage at the step's end over the current of the step. Unit: Ω.
  private func slope(
    _ control: CellControl, _ state: State, _ amperes: Double, seconds: Double
  ) -> Double {
    let change = 1e-4 * max(amperes.magnitude, capacityAmpereSeconds / 3600)
    return
      (volts(moved(state, amperes + change, seconds: seconds), amperes + change)
      - volts(moved(state, amperes - change, seconds: seconds), amperes - change)) / (2 * change)
  }

  /// The constant current whose voltage at the step's end meets the control; nil if none does.
  private func current(_ control: CellControl, _ state: State, seconds: Double) -> Double? {
    guard control.value.isFinite else { return nil }
    switch control {
    case .current(let amperes): return amperes
    case .voltage(let target):
      return rising(state) { volts(moved(state, $0, seconds: seconds), $0) - target }
    case .power(let watts):
      if watts == 0 { return 0 }
      return powerCurrent(watts, state, seconds: seconds)
    }
  }

  /// Where a voltage error that rises with the current is 0: doubling bracket, then false position.
  private func rising(_ state: State, _ error: (Double) -> Double) -> Double? {
    let unit = max(capacityAmpereSeconds / 3600, 1e-6)
    var low = state.amperes - 0.05 * unit
    var high = state.amperes + 0.05 * unit
    var width = unit
    var lowError = error(low)
    var highError = error(high)
    for _ in 0..<24 where lowError > 0 || highError < 0 {
      if lowError > 0 {
        low -= width
        lowError = error(low)
      }
      if highError < 0 {
        high += width
        highError = error(high)
      }
      width *= 2
    }
    guard lowError <= 0, highError >= 0 else { return nil }
    for trial in 0..<120 {
      let share = lowError < highError ? -lowError / (highError - lowError) : 0.5
      let fraction = trial % 3 == 2 ? 0.5 : min(max(share, 1e-9), 1 - 1e-9)
      let middle = low + fraction * (high - low)
      let value = error(middle)
      if value.magnitude < 1e-10 || high - low < 1e-13 * (1 + middle.magnitude) { return middle }
      if value < 0 {
        (low, lowError) = (middle, value)
      } else {
        (high, highError) = (middle, value)
      }
    }
    return 0.5 * (low + high)
  }

  /// The current of a power: the root nearest to no current of I·V(I) = P, by Newton from P/V.
  private func powerCurrent(_ watts: Double, _ state: State, seconds: Double) -> Double? {
    var amperes = watts / max(volts(state, 0), 1e-3)
    for _ in 0..<50 {
      let voltage = volts(moved(state, amperes, seconds: seconds), amperes)
      let ohms = slope(.power(watts: watts), state, amperes, seconds: seconds)
      let gradient = voltage + amperes * ohms
      // At the top of the discharge power the gradient is 0: more cannot be drawn.
      guard gradient > 0 else { return nil }
      let step = (watts - voltage * amperes) / gradient
      amperes += step
      guard amperes.isFinite else { return nil }
      if step.magnitude < 1e-12 * (1 + amperes.magnitude) { return amperes }
    }
    return nil
  }
}

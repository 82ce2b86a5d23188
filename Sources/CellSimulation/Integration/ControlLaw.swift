// SPDX-License-Identifier: Apache-2.0

/// What is imposed over a step: a constant, or what follows the cell or the time.
enum ControlLaw: Sendable {
  /// One control all along.
  case constant(CellControl)
  /// A resistor between the terminals. Unit: Ω.
  case resistance(ohms: Double)
  /// A terminal voltage that moves in a straight line.
  case ramp(fromVolts: Double, voltsPerSecond: Double)

  /// The control that this is like, where only its kind matters.
  var kind: CellControl {
    switch self {
    case .constant(let control): control
    case .resistance: .current(amperes: 0)
    case .ramp(let volts, _): .voltage(volts: volts)
    }
  }
}

extension CellModel {
  /// Takes one step under a law; a ramp begins with the step.
  ///
  /// - Returns: false if the cell cannot do it; the state is then unchanged.
  mutating func advance(_ law: ControlLaw, seconds: Double, ambientKelvin: Double) -> Bool {
    switch law {
    case .constant(let control):
      advance(control, seconds: seconds, ambientKelvin: ambientKelvin)
    case .ramp(let from, let rate):
      advance(
        .voltage(volts: from + rate * seconds), seconds: seconds, ambientKelvin: ambientKelvin)
    case .resistance(let ohms):
      meet(ohms: ohms) { model, amperes in
        model.advance(
          .current(amperes: amperes), seconds: seconds, ambientKelvin: ambientKelvin)
      }
    }
  }

  /// Finds voltage and current right after a resistor was connected.
  ///
  /// - Returns: false if the cell cannot do it; the state is then unchanged.
  mutating func begin(ohms: Double) -> Bool {
    meet(ohms: ohms) { model, amperes in model.begin(.current(amperes: amperes)) }
  }

  /// Finds the current at whose end V + I·R is 0, by Newton: the voltage is nearly straight in it.
  private mutating func meet(
    ohms: Double, _ attempt: (inout Self, Double) -> Bool
  ) -> Bool {
    let before = state
    var trial = amperes
    for _ in 0..<20 {
      state = before
      guard attempt(&self, trial) else { break }
      let error = terminalVolts + trial * ohms
      if error.magnitude < 1e-9 { return true }
      trial -= error / (slopeOhms + ohms)
    }
    state = before
    return false
  }
}

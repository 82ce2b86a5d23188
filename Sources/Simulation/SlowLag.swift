// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// The lag of a cell that takes from minutes to hours, found in a virtual test of charges, discharges
/// and rests at one temperature.
///
/// Pulses cannot show it. Two days of C/2 cycling with rests at many places are run on the cell; the
/// circuit is played beside it with the same current, and the shift of its open-circuit curve that
/// follows the low-passed current is chosen so that its terminals come closest.
struct SlowLag {
  /// A circuit without its lag, at the test's temperature.
  struct Circuit {
    /// Over state of charge. Unit: V.
    var openCircuit: (Double) -> Double
    /// What is added at a state of charge, hysteresis state, current in C and relaxed current in C.
    var overpotential: (Double, Double, Double, Double) -> Double
    var fastSeconds: Double
    var hysteresisRate: Double
  }

  private struct Sample {
    var seconds: Double
    var c: Double
    var charge: Double
    /// The terminal voltage less the circuit's overpotential. Unit: V.
    var open: Double
  }

  private var samples: [Sample] = []
  /// Samples before this one do not count: what the cell lagged by at the start is unknown.
  private var counted = 0
  private let circuit: Circuit

  /// Runs the test.
  init(
    _ description: CellDescription, _ reference: ReferenceTest, celsius: Double,
    _ circuit: Circuit
  ) {
    self.circuit = circuit
    let oneC = description.ratedCapacityAmpereHours
    let lower = CellLimits(lowerVolts: description.lowerCutoffVolts + 0.1)
    let upper = description.upperCutoffVolts
    var cell = reference.full
    let zero = reference.empty.netChargeAmpereHours
    var hysteresis = 0.0
    var fast = 0.0
    var last = 1.0
    var log: [Sample] = []
    func run(_ control: CellControl, _ seconds: Double, _ limits: CellLimits) {
      var left = seconds
      while left > 0 {
        let outcome = cell.step(
          control, seconds: min(60, left), ambientCelsius: celsius, until: limits)
        let c = cell.currentAmperes / oneC
        let charge = (cell.netChargeAmpereHours - zero) / reference.capacityAmpereHours
        let change = charge - last
        last = charge
        let swing = DeterministicMath.exp(-circuit.hysteresisRate * abs(change))
        hysteresis = swing * hysteresis + (1 - swing) * (change > 0 ? 1 : (change < 0 ? -1 : 0))
        let decay = DeterministicMath.exp(-outcome.seconds / circuit.fastSeconds)
        fast = decay * fast + (1 - decay) * c
        let overpotential = circuit.overpotential(charge, hysteresis, c, fast)
        log.append(
          Sample(
            seconds: outcome.seconds, c: c, charge: charge,
            open: cell.terminalVolts - overpotential))
        if outcome.reason != .completed { return }
        left -= outcome.seconds
      }
    }
    func cycle() {
      run(.current(amperes: -oneC / 2), 14_400, lower)
      run(.current(amperes: 0), 7_200, .none)
      run(.current(amperes: oneC / 2), 14_400, CellLimits(upperVolts: upper))
      run(.voltage(volts: upper), 7_200, CellLimits(currentMagnitude: oneC / 20))
      run(.current(amperes: 0), 3_600, .none)
    }
    func stairs() {
      for direction in [-1.0, 1] {
        for _ in 0..<8 {
          run(
            .current(amperes: direction * oneC / 2), 900,
            direction < 0 ? lower : CellLimits(upperVolts: upper))
          run(.current(amperes: 0), 2_400, .none)
        }
      }
    }
    cycle()
    counted = log.count
    cycle()
    stairs()
    samples = log
  }

  /// The best shift per C, the same over the whole curve, and its time constant; a shift of 0 where
  /// none helps.
  func fit() -> (displacement: Double, seconds: Double) {
    var best = (cost: cost(0, 3_600), displacement: 0.0, seconds: 3_600.0)
    for seconds in [1_800.0, 3_600, 7_200, 14_400, 28_800, 57_600] {
      for share in stride(from: 0.04, through: 0.4, by: 0.04) {
        let displacement = share * seconds / 3_600
        let cost = cost(displacement, seconds)
        if cost < best.cost { best = (cost, displacement, seconds) }
      }
    }
    return (best.displacement, best.seconds)
  }

  /// How far a shift and a time constant are from the rests, where no overpotential is left that could
  /// be off and be taken for a lag; every tenth of the curve counts alike.
  func restCost(_ displacement: Curve, times factor: Double, _ seconds: Double) -> Double {
    var sums = [Double](repeating: 0, count: 10)
    var times = [Double](repeating: 1e-9, count: 10)
    visit(displacement, times: factor, seconds) { sample, squared in
      guard sample.c == 0 else { return }
      let tenth = min(max(Int(sample.charge * 10), 0), 9)
      sums[tenth] += squared * sample.seconds
      times[tenth] += sample.seconds
    }
    return zip(sums, times).reduce(0) { $0 + $1.0 / $1.1 }
  }

  /// The sum of squared distances over the whole test.
  private func cost(_ displacement: Double, _ seconds: Double) -> Double {
    var sum = 0.0
    visit(.constant(displacement), times: 1, seconds) { sample, squared in
      sum += squared * sample.seconds
    }
    return sum
  }

  /// Gives each sample that counts, with its squared distance in state of charge, as far as the
  /// curve's slope tells two places apart.
  private func visit(
    _ displacement: Curve, times factor: Double, _ seconds: Double,
    _ body: (Sample, Double) -> Void
  ) {
    var slow = 0.0
    for (index, sample) in samples.enumerated() {
      let decay = DeterministicMath.exp(-sample.seconds / seconds)
      slow = decay * slow + (1 - decay) * sample.c
      guard index >= counted else { continue }
      let place = sample.charge + displacement(sample.charge) * factor * slow
      let slope = (circuit.openCircuit(place + 0.01) - circuit.openCircuit(place - 0.01)) / 0.02
      let error = sample.open - circuit.openCircuit(place)
      body(sample, error * error / (1e-4 + 1e-4 * slope * slope))
    }
  }
}

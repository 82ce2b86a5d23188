// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// The hours-long lag of a cell, found in a virtual test of charges, discharges and rests.
///
/// Pulses cannot show it. A day of C/2 cycling with rests is run on the cell; the circuit is played
/// beside it with the same current, and the shift of its open-circuit curve that follows the
/// low-passed current is chosen so that its terminals come closest.
struct SlowLag {
  private struct Sample {
    var seconds: Double
    var c: Double
    var charge: Double
    var volts: Double
  }

  private let samples: [Sample]
  private let counted: Int
  private let terminals: (Double, Double, Double, Double) -> Double
  private let fastSeconds: Double
  private let hysteresisRate: Double

  /// Runs the test.
  ///
  /// - Parameter terminals: the circuit's terminal voltage at a state of charge, hysteresis state,
  ///   current in C and relaxed current in C.
  init(
    _ description: CellDescription, _ reference: ReferenceTest,
    terminals: @escaping (Double, Double, Double, Double) -> Double, fastSeconds: Double,
    hysteresisRate: Double
  ) {
    self.terminals = terminals
    self.fastSeconds = fastSeconds
    self.hysteresisRate = hysteresisRate
    let oneC = description.ratedCapacityAmpereHours
    let lower = description.lowerCutoffVolts
    let upper = description.upperCutoffVolts
    var cell = reference.full
    let zero = reference.empty.netChargeAmpereHours
    var log: [Sample] = []
    func run(_ control: CellControl, _ seconds: Double, _ limits: CellLimits) {
      var left = seconds
      while left > 0 {
        let outcome = cell.step(control, seconds: min(60, left), until: limits)
        log.append(
          Sample(
            seconds: outcome.seconds, c: cell.currentAmperes / oneC,
            charge: (cell.netChargeAmpereHours - zero) / reference.capacityAmpereHours,
            volts: cell.terminalVolts))
        if outcome.reason != .completed { return }
        left -= outcome.seconds
      }
    }
    func cycle() {
      run(.current(amperes: -oneC / 2), 14_400, CellLimits(lowerVolts: lower + 0.1))
      run(.current(amperes: 0), 7_200, .none)
      run(.current(amperes: oneC / 2), 14_400, CellLimits(upperVolts: upper))
      run(.voltage(volts: upper), 7_200, CellLimits(currentMagnitude: oneC / 20))
      run(.current(amperes: 0), 3_600, .none)
      run(.current(amperes: -oneC / 2), 3_600, CellLimits(lowerVolts: lower + 0.1))
      run(.current(amperes: 0), 3_600, .none)
      run(.current(amperes: oneC / 2), 14_400, CellLimits(upperVolts: upper))
    }
    cycle()
    let first = log.count
    cycle()
    samples = log
    counted = first
  }

  /// The best shift per C and its time constant; a shift of 0 where none helps.
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

  /// The sum of squared distances in state of charge, as far as the curve's slope tells them apart.
  private func cost(_ displacement: Double, _ seconds: Double) -> Double {
    var hysteresis = 0.0
    var fast = 0.0
    var slow = 0.0
    var last = samples.first?.charge ?? 0
    var sum = 0.0
    for (index, sample) in samples.enumerated() {
      let change = sample.charge - last
      last = sample.charge
      let swing = DeterministicMath.exp(-hysteresisRate * abs(change))
      hysteresis = swing * hysteresis + (1 - swing) * (change > 0 ? 1 : (change < 0 ? -1 : 0))
      let fastDecay = DeterministicMath.exp(-sample.seconds / fastSeconds)
      fast = fastDecay * fast + (1 - fastDecay) * sample.c
      let slowDecay = DeterministicMath.exp(-sample.seconds / seconds)
      slow = slowDecay * slow + (1 - slowDecay) * sample.c
      guard index >= counted else { continue }
      let place = sample.charge + displacement * slow
      let model = terminals(place, hysteresis, sample.c, fast)
      let slope = (terminals(place + 0.01, 0, 0, 0) - terminals(place - 0.01, 0, 0, 0)) / 0.02
      let error = sample.volts - model
      sum += error * error / (1e-4 + 1e-4 * slope * slope) * sample.seconds
    }
    return sum
  }
}

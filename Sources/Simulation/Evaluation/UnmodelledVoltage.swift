// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// What a true cell's voltage has beyond any model that the estimator could be built from.
///
/// Three parts, drawn by seed: a ripple of the open-circuit voltage (6 and 4.2 mV), an hour-slow
/// diffusion mode that acts through the open-circuit slope, and the hysteresis of six play operators.
/// All fade out at both ends, where the cut-offs define the state of charge. Sizes: the project's
/// estimator study, section 4; the slow mode's (0.6 % of the charge for each C) is assumed.
struct UnmodelledVoltage: Sendable {
  private let ripple: (Double, Double)
  private let waves: (Double, Double, Double, Double)
  private let slowShare: Double
  private let hysteresisVolts: Double
  private var slowC = 0.0
  private var plays = InlineArray<6, Double>(repeating: 0)
  private let slopes: [Double]

  init(_ random: inout SeededRandom, curve: Curve, mismatch: Double) {
    ripple = (0.006 * mismatch, 0.0042 * mismatch)
    waves = (
      random.uniform(2, 4), random.uniform(), random.uniform(5, 9), random.uniform()
    )
    slowShare = 0.006 * mismatch * DeterministicMath.exp(0.3 * random.gaussian())
    hysteresisVolts = 0.004 * mismatch * DeterministicMath.exp(0.35 * random.gaussian())
    slopes = (0...128).map {
      let place = Double($0) / 128
      // A flank is steep; the slow mode must not take the cell past its own end there.
      return min(max((curve(place + 0.01) - curve(place - 0.01)) / 0.02, 0), 4)
    }
  }

  /// Lets time pass at a current in C and gives the voltage that is added at a state of charge.
  mutating func advance(seconds: Double, c: Double, place: Double) -> Double {
    let decay = DeterministicMath.exp(-seconds / 3_600)
    slowC = decay * slowC + (1 - decay) * c
    var hysteresis = 0.0
    for k in 0..<6 {
      let reach = Self.reaches[k]
      plays[k] = max(place - reach, min(place + reach, plays[k]))
      hysteresis += (place - plays[k]) / reach / 6
    }
    let bounded = min(max(place, 0), 1)
    let fade = min(min(bounded, 1 - bounded) * 20, 1)
    let slope = slopes[min(Int(bounded * 128), 128)]
    return fade
      * (ripple.0 * Self.wave(waves.0 * place + waves.1)
        + ripple.1 * Self.wave(waves.2 * place + waves.3)
        + slope * slowShare * slowC + hysteresisVolts * hysteresis)
  }

  /// How far the charge turns before each play operator follows.
  private static let reaches: InlineArray<6, Double> = [0.004, 0.008, 0.016, 0.03, 0.05, 0.08]

  /// A sine of period 1, by the series of the quarter turn.
  private static func wave(_ turns: Double) -> Double {
    let part = turns - turns.rounded()
    let folded = abs(part) > 0.25 ? (part > 0 ? 0.5 - part : -0.5 - part) : part
    let x = folded * 2 * Double.pi
    let s = x * x
    return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))))
  }
}

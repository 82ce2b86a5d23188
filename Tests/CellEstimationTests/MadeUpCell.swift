// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities

/// A made-up load and the voltage of a made-up cell: enough to exercise every part of the filter.
struct MadeUpCell {
  var random: SeededRandom
  var truth = 0.7
  var relaxed = 0.0
  var current = 0.0
  let profile: CellProfile

  init(seed: UInt64, profile: CellProfile) {
    random = SeededRandom(seed: seed)
    self.profile = profile
  }

  /// The current held over the next step (µA) and the voltage at its end (µV).
  mutating func next(_ seconds: Double) -> (Int32, Int32) {
    if truth > 0.9 {
      current = -0.8
    } else if truth < 0.1 {
      current = 0.8
    } else if random.chance(0.05) {
      current = random.uniform(-1.5, 1.5)
    }
    truth += current * seconds / 3_600 / 1.03
    let decay = DeterministicMath.exp(-seconds / 100)
    relaxed = decay * relaxed + (1 - decay) * 0.05 * current
    let place = (truth + 0.05) / 1.1 * 256
    let index = min(max(Int(place), 0), 255)
    let low = Double(profile.openCircuit[index])
    let high = Double(profile.openCircuit[index + 1])
    let open = (low + (high - low) * (place - Double(index))) * 1e-6
    let volts = open + relaxed + 0.06 * current + 0.002 * random.gaussian()
    let measured = current + 0.01
    return (Int32((measured * 1.5e6).rounded()), Int32((volts * 1e6).rounded()))
  }
}

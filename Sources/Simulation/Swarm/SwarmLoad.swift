// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// Rests, charges, discharges and restless loads, drawn one after the other.
struct SwarmLoad {
  private var random: SeededRandom
  private let oneC: Double
  private let ceiling: Double
  private var left = 0.0
  private var mode = 0
  private var current = 0.0
  private var abuse: (current: Double, ticks: Int) = (0, 0)

  init(seed: UInt64, oneC: Double, ceiling: Double) {
    random = SeededRandom(seed: seed, stream: 102)
    self.oneC = oneC
    self.ceiling = ceiling
  }

  /// Somebody connects what must not be connected.
  mutating func misuse(c: Double, ticks: Int) { abuse = (c, ticks) }

  /// What is asked of the cell over the next `seconds`.
  mutating func next(seconds: Double) -> LoadDemand {
    if abuse.ticks > 0 {
      abuse.ticks -= 1
      return LoadDemand(control: .current(amperes: abuse.current * oneC))
    }
    if left <= 0 { draw() }
    left -= seconds
    switch mode {
    case 0: return LoadDemand(control: .current(amperes: 0))
    case 1: return LoadDemand(control: .current(amperes: current * oneC), ceilingVolts: ceiling)
    case 2: return LoadDemand(control: .current(amperes: -current * oneC))
    default:
      let pulse = random.uniform(-1.5, 0.5) * oneC
      return LoadDemand(control: .current(amperes: pulse), ceilingVolts: pulse > 0 ? ceiling : nil)
    }
  }

  private mutating func draw() {
    left = 60 * DeterministicMath.exp(random.uniform(0, 5))
    mode = Int(random.next() % 4)
    current = random.uniform(0.1, 1.2)
  }
}

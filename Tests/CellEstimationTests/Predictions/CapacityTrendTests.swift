// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import Testing

/// The same trend in Double with a dense covariance.
private struct OracleTrend {
  var capacity = 1.0
  var fade = 0.5
  var p = (0.01, 0.0, 0.25)
  var cycles = 0.0
  let walk = 0.01

  mutating func note(_ value: Double, _ deviation: Double, _ at: Double) {
    let r = (at - cycles) / 1_000
    cycles = at
    capacity -= r * fade
    p = (
      p.0 - 2 * r * p.1 + r * r * p.2 + walk * r * r * r / 3, p.1 - r * p.2, p.2 + walk * r
    )
    let s = p.0 + deviation * deviation
    let innovation = value - capacity
    capacity += p.0 / s * innovation
    fade += p.1 / s * innovation
    p = (p.0 - p.0 * p.0 / s, p.1 - p.0 * p.1 / s, p.2 - p.1 * p.1 / s)
  }

  func distance(_ deviations: Double) -> Double? {
    for k in 0..<100_000 {
      let r = Double(k) * 1e-4
      let variance = p.0 - 2 * r * p.1 + r * r * p.2 + walk * r * r * r / 3
      if capacity - r * fade + deviations * variance.squareRoot() <= 0.8 { return r * 1_000 }
    }
    return nil
  }
}

@Suite struct CapacityTrendTests {
  /// Integers against Double over a life: every bound within 1 cycle and 0.1 %.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func followsDouble(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var trend = CapacityTrend()
    var oracle = OracleTrend()
    let fade = random.uniform(0.2, 0.7)
    for k in 1...25 {
      let cycles = Double(k * 10)
      let value = 1 - fade * cycles / 1_000 + 0.01 * random.gaussian()
      let ppm = Int32((value * 1e6).rounded())
      trend.note(capacity: ppm, deviation: 10_000, at: Int32(cycles * 1_000))
      oracle.note(Double(ppm) * 1e-6, 0.01, cycles)
      let range = trend.remaining()
      func agree(_ own: Int32?, _ deviations: Double, _ what: String) {
        let expected = oracle.distance(deviations)
        guard let own, let expected else {
          #expect((own == nil) == (expected == nil), "seed \(seed), \(what) at \(cycles)")
          return
        }
        #expect(
          abs(Double(own) - expected) < 1 + 1e-3 * expected, "seed \(seed), \(what) at \(cycles)")
      }
      agree(range.likely, 0, "likely")
      agree(range.soonest, -1.645, "soonest")
      agree(range.latest, 1.645, "latest")
    }
    #expect(trend.count == 25)
  }

  /// Before anything was seen no latest end is promised.
  @Test func promisesLittleAtFirst() {
    let range = CapacityTrend().remaining()
    #expect(range.latest == nil)
    #expect(range.soonest < 100)
  }

  /// Of 400 made-up cells with fades from the prior, nine in ten end between the bounds: at least 85 %
  /// and at most 96 % (four deviations of a count of 400 around 90 % are 6 %).
  @Test(arguments: [UInt64(1), 2])
  func boundsHoldNineInTen(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var inside = 0
    var count = 0
    for _ in 0..<400 {
      let fade = 0.5 + 0.5 * random.gaussian()
      // Cells that do not fade, or are worn before the data end, have no end to be met.
      guard fade > 0.05, fade < 1.6 else { continue }
      var trend = CapacityTrend()
      for k in 1...10 {
        let cycles = Double(k) * 10
        let seen = 1 - fade * cycles / 1_000 + 0.01 * random.gaussian()
        trend.note(
          capacity: Int32((seen * 1e6).rounded()), deviation: 10_000, at: Int32(cycles * 1_000))
      }
      let range = trend.remaining()
      let end = 0.2 / fade * 1_000 - 100
      count += 1
      if Double(range.soonest) <= end, end <= Double(range.latest ?? .max) { inside += 1 }
    }
    let share = Double(inside) / Double(count)
    #expect(share > 0.85 && share < 1, "seed \(seed): \(inside) of \(count)")
  }

  /// More data narrow the bounds.
  @Test func dataNarrowTheBounds() {
    var trend = CapacityTrend()
    var last = Int32.max
    for k in 1...4 {
      for j in 0..<10 {
        let cycles = Int32((k - 1) * 50 + j * 5) * 1_000
        let lost = Int64(cycles) * 400 / 1_000
        trend.note(capacity: Int32(1_000_000 - lost), deviation: 5_000, at: cycles)
      }
      let range = trend.remaining()
      let width = (range.latest ?? 10_000) - range.soonest
      #expect(width < last)
      last = width
    }
    // 0.4 per 1000 cycles: 80 % after 500; 305 are left at 195.
    #expect(abs((trend.remaining().likely ?? 0) - 305) < 15)
  }

  /// Times that run backwards, wild capacities and deviations change nothing about being total.
  @Test func wildInputsAreAnswered() {
    var trend = CapacityTrend()
    for (capacity, deviation, at) in [
      (Int32.max, Int32.min, Int32.max), (.min, .max, 0), (0, 0, .min), (800_000, 1, .max),
    ] {
      trend.note(capacity: capacity, deviation: deviation, at: at)
    }
    #expect(trend.remaining().soonest >= 0)
  }
}

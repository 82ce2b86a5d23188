// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities
import TestSupport
import Testing

private let profile = CellProfile.sample()
private let circuit = OracleCircuit(profile)

private func estimator(_ place: Double, deviation: Int32 = 10_000) -> StateEstimator {
  StateEstimator(
    profile: profile, stateOfCharge: .partsPerMillion(Int32(place * 1e6)), deviation: deviation)
}

/// A current in C of the 1.5 Ah sample cell.
private func current(_ c: Double) -> Current { .microamperes(Int32((c * 1.5e6).rounded())) }

@Suite struct TimeToEndTests {
  /// The likely time is the way to where the loaded voltage meets the cut-off, over the current; and
  /// the bounds are 1.645 deviations of that way. Against Double: within 2 s and 1e-4.
  @Test(arguments: [0.2, 0.5, 0.9], [-0.05, -0.5, -1.5])
  func emptyFollowsDouble(place: Double, c: Double) throws {
    let range = try #require(estimator(place).timeToEmpty(at: current(c)))
    let cut = circuit.place(2.0, c)
    let way = place - cut
    let likely = max(way, 0) / -c * 3_600
    #expect(abs(Double(range.likely) - likely) < 2 + 1e-4 * likely)
    let low = max(cut - 1.0 / 64, -0.05)
    let high = min(cut + 1.0 / 64, 1.05)
    let slope = (circuit.openCircuit(high) - circuit.openCircuit(low)) / (high - low)
    let drop = circuit.read(profile.series, cut) * circuit.currentFactor(c) * c
    let t = profile.tuning
    let parts = [
      0.01, way * Double(t.capacityPrior) * 1e-6, way / c * Double(t.offsetPrior) * 1e-6,
      drop / slope * Double(t.resistancePrior) * 1e-6, Double(t.modelError) * 1e-6 / slope,
      Double(t.modelErrorOfCharge) * 1e-6,
    ]
    let reach = 1.645 * parts.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let soonest = max(way - reach, 0) / -c * 3_600
    let latest = max(way + reach, 0) / -c * 3_600
    #expect(abs(Double(range.soonest) - soonest) < 2 + 1e-3 * likely)
    #expect(abs(Double(range.latest) - latest) < 2 + 1e-3 * likely)
  }

  /// The time to full is the constant-current part and the tail of a held voltage. The tail is summed
  /// in 16 pieces; against 4000 pieces in Double it is within 3 %.
  @Test(arguments: [0.1, 0.6, 0.97], [0.2, 0.5, 1.0])
  func fullFollowsDouble(place: Double, c: Double) throws {
    let range = try #require(estimator(place).timeToFull(at: current(c)))
    let held = circuit.place(4.2, c)
    let full = circuit.place(4.2, 0.05)
    var expected = max(held - place, 0) / c * 3_600
    let start = max(held, place)
    let pieces = 4_000
    var tail = 0.0
    for k in 0..<pieces where start < full {
      let step = (full - start) / Double(pieces)
      let middle = start + step * (Double(k) + 0.5)
      var low = 0.05
      var high = c
      for _ in 0..<40 {
        let tried = (low + high) / 2
        if circuit.steady(middle, tried) < 4.2 { low = tried } else { high = tried }
      }
      tail += step / low * 3_600
    }
    expected += tail
    #expect(abs(Double(range.likely) - expected) < 20 + 0.03 * tail, "\(expected)")
    #expect(range.soonest <= range.likely)
    #expect(range.likely <= range.latest)
  }

  /// A worse-known state of charge gives wider bounds around the same time.
  @Test func uncertaintyWidensTheBounds() throws {
    let sure = try #require(estimator(0.5, deviation: 1_000).timeToEmpty(at: current(-0.5)))
    let unsure = try #require(estimator(0.5, deviation: 100_000).timeToEmpty(at: current(-0.5)))
    #expect(sure.likely == unsure.likely)
    #expect(unsure.latest - unsure.soonest > 2 * (sure.latest - sure.soonest))
  }

  /// Currents of the wrong direction, or too small to empty anything, have no time.
  @Test func noTimeWithoutALoad() {
    let cell = estimator(0.5)
    for microamperes in [Int32(0), 1_000, 750_000, -1_000] {
      #expect(cell.timeToEmpty(at: .microamperes(microamperes)) == nil)
    }
    for microamperes in [Int32(0), -750_000, 70_000] {
      #expect(cell.timeToFull(at: .microamperes(microamperes)) == nil)
    }
    #expect(cell.timeToFull(at: current(0.5), until: current(0.6)) == nil)
  }

  /// The largest currents have an answer, too.
  @Test func extremeLoadsAreAnswered() throws {
    let cell = estimator(0.5)
    let empty = try #require(cell.timeToEmpty(at: .microamperes(.min)))
    #expect(empty.likely >= 0)
    let full = try #require(cell.timeToFull(at: .microamperes(.max)))
    #expect(full.likely >= 0)
  }
}

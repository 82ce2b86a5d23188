// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import CellFitting

@Suite struct HalfCellTests {
  /// A cathode of two sites, 4.0 V and 3.3 V, as a table.
  private static let sites = [
    SiteFit.Site(volts: 4, width: 1.5, share: 0.6), .init(volts: 3.3, width: 3, share: 0.4),
  ]

  private static func content(_ volts: Double) -> Double {
    sites.reduce(0) {
      $0 + $1.share
        / (1 + DeterministicMath.exp((volts - $1.volts) / ($1.width * 0.025692579)))
    }
  }

  private func cathode() throws -> HalfCellCurve {
    try HalfCellCurve(
      (0...300).map { place in
        let volts = 4.25 - 1.45 * Double(place) / 300
        return (content: Self.content(volts), volts: volts)
      }, name: "made up")
  }

  @Test func sitesAreFoundAgain() throws {
    let found = SiteFit(try cathode())
    #expect(found.missVolts < 0.001)
    #expect(found.sites.count <= 4)
    let total = found.sites.reduce(0) { $0 + $1.share }
    #expect((total + found.rest - 1).magnitude < 0.01)
    for site in Self.sites {
      let near = found.sites.filter { ($0.volts - site.volts).magnitude < 0.1 }
      let share = near.reduce(0) { $0 + $1.share }
      #expect((share - site.share).magnitude < 0.02, "\(found.sites)")
    }
  }

  /// The balance behind an open-circuit curve without error is found from the curve alone.
  @Test func theBalanceIsFoundAgain() throws {
    let pair = HalfCellPair(cathode: try cathode(), anode: .hardCarbon)
    let truth = HalfCellBalance([1.3, 1.5, 0.95, 0.03])
    let places = (0...60).map { 1.1 * Double($0) / 60 }
    let volts = places.map { pair.volts(truth, $0) }
    let found = HalfCellStart(
      pair, places: places, volts: volts, deviations: volts.map { _ in 0.001 })
    #expect(found.rootMeanSquare < 1e-4)
    for (value, expected) in zip(found.balance.values, truth.values) {
      #expect((value - expected).magnitude < 0.002, "\(found.balance)")
    }
  }

  /// Where the cell is empty and full follows from the cut-offs.
  @Test func theEndsAreWhereTheCurveMeetsTheCutoffs() throws {
    let pair = HalfCellPair(cathode: try cathode(), anode: .hardCarbon)
    let balance = HalfCellBalance([1.3, 1.5, 0.95, 0.03])
    let ends = pair.ends(balance, 0...1.1, lower: 2.2, upper: 3.9)
    #expect((pair.volts(balance, ends.empty) - 2.2).magnitude < 1e-6)
    #expect((pair.volts(balance, ends.full) - 3.9).magnitude < 1e-6)
    #expect(ends.full > ends.empty)
  }

  @Test func aThinnedCurveStaysWithinItsTolerance() {
    let fine = (0...1_000).map { Double($0) / 1_000 }
    func curve(_ x: Double) -> Double { DeterministicMath.exp(-8 * x) + 0.1 * x }
    let thinned = ThinnedCurve(fine, curve, tolerance: 0.001)
    let knots = Knots(places: thinned.places)
    for place in fine {
      let miss = knots.value(thinned.values, at: place) - curve(place)
      #expect(miss.magnitude <= 0.001 + 1e-12)
    }
    #expect(thinned.places.count < 40)
    #expect(thinned.places.first == 0)
    #expect(thinned.places.last == 1)
  }
}

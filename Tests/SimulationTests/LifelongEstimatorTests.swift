// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import Quantities
import Simulation
import Testing

/// The make's tables, made once: an unoptimised build takes half a minute for them.
private let made = Result<(CellDescription, CellProfile, CompositionProfile?), any Error> {
  let make = CellDescription.hu2024NFMPB1HardCarbon
  let profile = try ProfileMaker.profile(for: make)
  return (make, profile, try CompositionMaker.composition(for: make, profile: profile))
}

@Suite struct LifelongEstimatorTests {
  /// A cell that lost a quarter of its capacity with its plateau: one charge from empty teaches the
  /// modes, the state of charge becomes several times better, and nothing jumps.
  @Test func oneChargeTeachesAWornCell() throws {
    let (make, profile, possible) = try made.get()
    let composition = try #require(possible)
    #expect(composition.isIntact)
    var trial = ModeTrial(make: make, seed: 101, health: 0.73, path: .coupling)
    trial.scoredSeconds = 12_000
    let result = try trial.run(profile: profile, composition: composition)
    let without = try #require(result.plain.rmse)
    let with = try #require(result.modes.rmse)
    #expect(with < 0.015, "seed 101: \(with)")
    #expect(with < without / 2, "seed 101: \(with) with modes, \(without) without")
    #expect(result.largestStep < 0.005, "seed 101: \(result.largestStep)")
    #expect(result.learned >= 1)
    #expect(result.saturations == 0)
    let health = try #require(result.health)
    // Five times what was found on the tuning seeds: about 1.2 % of the rated capacity.
    #expect(abs(Double(health.coupling.value) * 1e-6 - result.truth.coupling) < 0.06)
    #expect(abs(Double(health.accessibleIron.value) * 1e-6 - result.truth.accessibleIron) < 0.06)
    #expect(health.ironSeen != nil)
    #expect(health.couplingSeen != nil)
  }

  /// Cells that lost a quarter with their iron or their sodium, whose charges begin above the iron:
  /// several ages are tried, and the right one makes the state of charge better.
  @Test(arguments: [AgeingPath.iron, .sodium])
  func oneChargeTeachesWithoutTheFoot(path: AgeingPath) throws {
    let (make, profile, possible) = try made.get()
    let composition = try #require(possible)
    var trial = ModeTrial(make: make, seed: 101, health: 0.73, path: path)
    trial.scoredSeconds = 12_000
    let result = try trial.run(profile: profile, composition: composition)
    let without = try #require(result.plain.rmse)
    let with = try #require(result.modes.rmse)
    #expect(result.learned >= 1)
    #expect(with < 0.02, "seed 101: \(with)")
    #expect(with < without * 0.75, "seed 101: \(with) with modes, \(without) without")
    #expect(result.largestStep < 0.005, "seed 101: \(result.largestStep)")
    #expect(result.saturations == 0)
    #expect(result.jointHolds)
  }

  /// Following a fresh cell costs little: its own curve is about as good as the make's.
  @Test func aFreshCellLosesLittle() throws {
    let (make, profile, possible) = try made.get()
    var trial = ModeTrial(make: make, seed: 101, health: 1, path: .iron)
    trial.scoredSeconds = 12_000
    let result = try trial.run(profile: profile, composition: try #require(possible))
    #expect(result.learned >= 1)
    let without = try #require(result.plain.rmse)
    let with = try #require(result.modes.rmse)
    // 0.1 %: twice what the fleet of 60 loses (`sodalite evaluate --tests fleet`), rounded down.
    #expect(with < without + 0.001, "seed 101: \(with) with modes, \(without) without")
    let health = try #require(result.health)
    #expect(abs(Double(health.coupling.value) * 1e-6 - result.truth.coupling) < 0.06)
  }

  /// Before any charge the report says that one would help.
  @Test func adviceBeforeTheFirstCharge() throws {
    let (_, profile, possible) = try made.get()
    let composition = try #require(possible)
    let estimator = LifelongEstimator(
      profile: profile, composition: composition, stateOfCharge: .partsPerMillion(500_000),
      isFresh: false)
    let health = estimator.health
    #expect(health.learningChargeAdvice == .nothingLearned)
    #expect(health.ironSeen == nil)
    // Iron and slippage of a cell of unknown age: each known to about 10 % of the rated capacity.
    #expect(health.iron.deviation > 90_000)
    #expect(health.slippage.deviation > 90_000)
  }

  /// A damaged table is noticed.
  @Test func damagedTablesAreNotIntact() throws {
    var composition = try #require(try made.get().2)
    composition.iron.emptied[100] += 1
    #expect(!composition.isIntact)
  }

  /// Wear takes what its path says and leaves the health that was asked for.
  @Test(arguments: AgeingPath.allCases, [0.86, 0.73])
  func wearLeavesTheHealth(path: AgeingPath, health: Double) throws {
    let fresh = CellDescription.hu2024NFMPB1HardCarbon
    let worn = try path.worn(fresh, health: health)
    let before = try CellEquilibrium(fresh).capacityAmpereHours
    let after = try CellEquilibrium(worn).capacityAmpereHours
    #expect(abs(after / before - health) < 1e-6)
  }
}

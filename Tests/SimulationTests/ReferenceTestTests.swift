// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Simulation
import Testing

/// What full, empty and capacity mean.
@Suite struct ReferenceTestTests {
  static let descriptions = [TestCells.circuit, TestCells.electrodes]

  @Test(arguments: descriptions)
  func fullIsOneAndEmptyIsZero(description: CellDescription) throws {
    let test = try ReferenceTest(description)
    #expect(test.stateOfCharge(of: test.full) == 1)
    #expect(test.stateOfCharge(of: test.empty) == 0)
    let rated = description.ratedCapacityAmpereHours
    #expect(test.capacityAmpereHours > 0.9 * rated && test.capacityAmpereHours < 1.1 * rated)
    // The ends are those of the test: the lower cut-off, and the upper held until C/20.
    #expect(abs(test.empty.terminalVolts - description.lowerCutoffVolts) < 1e-5)
    #expect(abs(test.full.terminalVolts - description.upperCutoffVolts) < 1e-5)
    #expect(abs(test.full.currentAmperes - rated / 20) < 1e-4)
    // Charge lies above discharge all the way.
    for place in stride(from: 0.05, through: 0.95, by: 0.05) {
      let gap = test.chargeVolts(place) - test.dischargeVolts(place)
      #expect(gap > 0, "\(description.name) at \(place)")
      #expect(gap < 0.3, "\(description.name) at \(place)")
    }
  }

  /// Between the ends the state of charge is counted in coulombs, whatever the current does.
  @Test(arguments: descriptions, [UInt64(1), 2])
  func stateOfChargeCountsCoulombs(description: CellDescription, seed: UInt64) throws {
    let test = try ReferenceTest(description)
    var random = SeededRandom(seed: seed)
    var cell = test.full
    let start = cell.netChargeAmpereHours
    for _ in 0..<60 {
      let amperes = random.uniform(-1.2, 0.9) * description.ratedCapacityAmpereHours
      cell.step(
        .current(amperes: amperes), seconds: 20,
        until: CellLimits(
          lowerVolts: description.lowerCutoffVolts, upperVolts: description.upperCutoffVolts))
      let counted = 1 + (cell.netChargeAmpereHours - start) / test.capacityAmpereHours
      // Charge is conserved to 1e-9 of the capacity by the cell; the count adds nothing.
      #expect(abs(test.stateOfCharge(of: cell) - counted) < 1e-8, "seed \(seed)")
    }
  }

  /// The standard discharge from full gives the capacity, to what one step of the sweep may round.
  @Test(arguments: descriptions)
  func theCapacityIsWhatTheDischargeGives(description: CellDescription) throws {
    let test = try ReferenceTest(description)
    var cell = test.full
    let start = cell.netChargeAmpereHours
    let amperes = description.ratedCapacityAmpereHours / 20
    let outcome = cell.step(
      .current(amperes: -amperes), seconds: 30 * 3_600,
      until: CellLimits(lowerVolts: description.lowerCutoffVolts))
    #expect(outcome.reason == .lowerVolts)
    let given = start - cell.netChargeAmpereHours
    #expect(abs(given / test.capacityAmpereHours - 1) < 1e-3)
    #expect(abs(amperes * outcome.seconds / 3_600 - given) < 1e-9)
  }

  @Test func aDescriptionThatIsNoCellIsRefused() {
    var description = TestCells.circuit
    description.upperCutoffVolts = 1
    do throws(CellError) {
      _ = try ReferenceTest(description)
      Issue.record("it was taken")
    } catch {}
  }
}

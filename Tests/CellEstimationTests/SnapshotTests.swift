// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

/// An estimator that goes on from what another one knew.
@Suite struct SnapshotTests {
  /// An estimator after an hour of a drawn load on the sample cell.
  private func used(seed: UInt64) -> StateEstimator {
    var random = SeededRandom(seed: seed)
    var estimator = StateEstimator(profile: .sample(), stateOfCharge: .partsPerMillion(600_000))
    for second in 0..<3_600 {
      estimator.step(
        at: .microseconds(Int64(second) * 1_000_000),
        Measurement(
          current: .microamperes(Int32(random.uniform(-2e6, 1.5e6))),
          voltage: .microvolts(3_100_000 + Int32(random.uniform(-3e4, 3e4))),
          temperature: .millidegreesCelsius(25_000)))
    }
    return estimator
  }

  private func words(_ estimator: StateEstimator) -> [Int64] {
    let words = EstimatorSnapshot(estimator).words
    return words.indices.map { words[$0] }
  }

  private func resumed(_ estimator: StateEstimator, _ pause: Pause) throws -> StateEstimator {
    try #require(
      StateEstimator(
        profile: .sample(), from: EstimatorSnapshot(estimator), after: pause))
  }

  private func width(_ estimator: StateEstimator) -> Int32 {
    let estimate = estimator.estimate
    return estimate.highestStateOfCharge.partsPerMillion
      - estimate.lowestStateOfCharge.partsPerMillion
  }

  @Test(arguments: UInt64(71)...74) func nothingIsLost(seed: UInt64) throws {
    let estimator = used(seed: seed)
    let other = try resumed(estimator, Pause(microseconds: 0, unseen: 0))
    #expect(words(other) == words(estimator), "seed \(seed)")
    #expect(other.ledger == estimator.ledger)
    let (before, after) = (estimator.estimate, other.estimate)
    #expect(after.stateOfCharge == before.stateOfCharge)
    #expect(after.highestStateOfCharge == before.highestStateOfCharge)
    #expect(after.fullChargeCapacity == before.fullChargeCapacity)
  }

  /// The longer the pause, the wider the interval and the lower the charge.
  @Test(arguments: UInt64(71)...74) func pausesWiden(seed: UInt64) throws {
    let estimator = used(seed: seed)
    var last = width(estimator)
    let first = estimator.preciseStateOfCharge
    for days: Int64 in [1, 10, 100, 365] {
      let other = try resumed(
        estimator, Pause(microseconds: days * 86_400_000_000, unseen: 0))
      #expect(width(other) >= last, "seed \(seed), \(days) days")
      #expect(other.preciseStateOfCharge < first)
      last = width(other)
    }
    let unknown = try resumed(estimator, Pause(microseconds: nil, unseen: 0))
    #expect(width(unknown) > width(estimator) + 100_000)
    let unseen = try resumed(estimator, Pause(microseconds: 0, unseen: 50_000))
    #expect(width(unseen) > width(estimator) + 100_000)
  }

  @Test func wordsOutOfRangeAreRefused() throws {
    let sane = EstimatorSnapshot(used(seed: 75))
    #expect(sane.isSane)
    let bounded = [0, 1, 2, 3, 4, 5, 6, 7] + Array(36..<49) + [50, 51, 52, 53]
    for i in bounded {
      var snapshot = sane
      snapshot.words[i] = i == 50 || i >= 52 || (44..<49).contains(i) ? -1 << 40 : .min
      #expect(!snapshot.isSane, "word \(i)")
      #expect(
        StateEstimator(
          profile: .sample(), from: snapshot, after: Pause(microseconds: 0, unseen: 0)) == nil)
    }
  }
}

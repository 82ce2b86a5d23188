// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

/// What the estimator promises its users.
@Suite struct EstimatorTests {
  private func estimator(_ parts: Int32 = 500_000, deviation: Int32) -> StateEstimator {
    StateEstimator(
      profile: .sample(), stateOfCharge: .partsPerMillion(parts), deviation: deviation)
  }

  private func deviation(_ estimator: StateEstimator) -> Double {
    (Double(estimator.stateOfChargeVariance) * 0x1p-52).squareRoot()
  }

  private func charge(_ estimator: StateEstimator) -> Double {
    Double(estimator.preciseStateOfCharge) * 0x1p-40
  }

  /// The voltage of the sample cell at rest. Unit: µV.
  private func restingMicrovolts(_ stateOfCharge: Double) -> Int32 {
    let profile = CellProfile.sample()
    let place = (stateOfCharge + 0.05) / 1.1 * 256
    let index = min(Int(place), 255)
    let low = Double(profile.openCircuit[index])
    let high = Double(profile.openCircuit[index + 1])
    return Int32((low + (high - low) * (place - Double(index))).rounded())
  }

  // MARK: Missing currents

  /// A current that is not read is taken to go on, unless the switch that it needs is off.
  @Test(arguments: [1_000_000, -1_000_000] as [Int32])
  func whatTheSwitchesStopIsNotAssumed(microamperes: Int32) {
    for isOff in [false, true] {
      var estimator = estimator(deviation: 10_000)
      estimator.step(
        at: .microseconds(0), Measurement(current: .microamperes(microamperes)))
      estimator.mayCharge = !(isOff && microamperes > 0)
      estimator.mayDischarge = !(isOff && microamperes < 0)
      for second in Int64(1)...30 {
        estimator.step(at: .microseconds(second * 1_000_000), Measurement())
      }
      let expected = isOff ? 0 : Int64(microamperes) * 30 * 1_000
      #expect(estimator.ledger == .nanocoulombs(expected))
      #expect(estimator.estimate.conditions.contains(.currentMissing))
    }
  }

  // MARK: The gate

  @Test func oneReadingThatDoesNotFitIsLeftOut() {
    var estimator = estimator(deviation: 10_000)
    let rest = restingMicrovolts(0.5)
    for second in Int64(0)..<60 {
      estimator.step(
        at: .microseconds(second * 1_000_000),
        Measurement(current: .microamperes(0), voltage: .microvolts(rest)))
      #expect(estimator.estimate.conditions.isDisjoint(with: [.voltageRejected, .voltageForced]))
    }
    let before = charge(estimator)
    let age = estimator.estimate.age
    estimator.step(
      at: .microseconds(60_000_000),
      Measurement(current: .microamperes(0), voltage: .microvolts(rest + 900_000)))
    #expect(estimator.estimate.conditions.contains(.voltageRejected))
    #expect(estimator.estimate.age == age + 1_000_000)
    #expect(charge(estimator) == before)
    estimator.step(
      at: .microseconds(61_000_000),
      Measurement(current: .microamperes(0), voltage: .microvolts(rest)))
    #expect(!estimator.estimate.conditions.contains(.voltageRejected))
    #expect(estimator.estimate.age == 0)
  }

  /// Ten in a row are left out; the eleventh is weighed in, cut to what can be believed, and the
  /// filter is no longer sure. Readings that fit then lead it back.
  @Test func manyReadingsThatDoNotFitAreBelievedInTheEnd() {
    var estimator = estimator(deviation: 100)
    let right = restingMicrovolts(0.5)
    for step in Int64(0)..<11 {
      let before = charge(estimator)
      let certainty = deviation(estimator)
      estimator.step(
        at: .microseconds(step * 1_000_000),
        Measurement(current: .microamperes(0), voltage: .microvolts(right + 900_000)))
      let conditions = estimator.estimate.conditions
      #expect(conditions.contains(.voltageRejected) == (step < 10), "step \(step)")
      #expect(conditions.contains(.voltageForced) == (step == 10), "step \(step)")
      #expect((charge(estimator) == before) == (step < 10), "step \(step)")
      // It was sure to 100 ppm; freed to 20 %, one reading leaves most of that.
      #expect((deviation(estimator) > 100 * certainty) == (step == 10), "step \(step)")
    }
    for step in Int64(11)..<7_200 {
      estimator.step(
        at: .microseconds(step * 1_000_000),
        Measurement(current: .microamperes(0), voltage: .microvolts(right)))
    }
    let estimate = estimator.estimate
    #expect(estimate.lowestStateOfCharge.partsPerMillion <= 500_000)
    #expect(estimate.highestStateOfCharge.partsPerMillion >= 500_000)
    #expect(abs(charge(estimator) - 0.5) < 0.05, "\(charge(estimator))")
  }

  // MARK: Coasting

  /// Without a current the deviation grows with the time that is missing, not with its root, and
  /// not with how often nothing was read: 0.5 C is assumed unknown, and the offset's 0.05 C.
  @Test(arguments: [Int64(100_000), 1_000_000, 10_000_000, 30_000_000])
  func coastingGrowsLinearlyInTime(step: Int64) {
    var estimator = estimator(deviation: 100)
    estimator.step(at: .microseconds(0), Measurement(current: .microamperes(0)))
    let start = deviation(estimator)
    var grown: [Double] = []
    var time: Int64 = 0
    for minutes in Int64(1)...6 {
      while time < minutes * 60_000_000 {
        time += step
        estimator.step(at: .microseconds(time), Measurement())
        #expect(estimator.estimate.conditions.contains([.currentMissing, .voltageMissing]))
      }
      let now = deviation(estimator)
      grown.append((now * now - start * start).squareRoot())
    }
    for (index, growth) in grown.enumerated() {
      let hours = Double(index + 1) / 60
      // √(0.5² + 0.05²) C; the charge's own walk of 20 ppm/√h is 1/1000 of it.
      let expected = (0.5 * 0.5 + 0.05 * 0.05).squareRoot() * hours
      #expect(abs(growth / expected - 1) < 0.01, "\(step) µs, \(index + 1) min: \(growth)")
    }
  }

  /// The last current goes on while none is read, and a count that comes later replaces it.
  @Test func aLateCountReplacesWhatWasAssumed() {
    var estimator = estimator(deviation: 10_000)
    estimator.step(at: .microseconds(0), Measurement(current: .milliamperes(-1_500)))
    for second in Int64(1)...30 {
      estimator.step(at: .microseconds(second * 1_000_000), Measurement())
    }
    #expect(estimator.ledger == .nanocoulombs(-45_000_000_000), "30 s at 1.5 A")
    estimator.step(
      at: .microseconds(31_000_000),
      Measurement(current: .milliamperes(-100), charge: .nanocoulombs(-7_000_000_000)))
    #expect(estimator.ledger == .nanocoulombs(-7_000_000_000), "the count of all 31 s")
    // Without a count only the last second is by the new current.
    for second in Int64(32)...40 {
      estimator.step(at: .microseconds(second * 1_000_000), Measurement())
    }
    estimator.step(at: .microseconds(41_000_000), Measurement(current: .milliamperes(-200)))
    #expect(estimator.ledger == .nanocoulombs(-8_100_000_000))
  }

  /// A call that comes too soon to be a step must not make a count forgotten.
  @Test func aStepTooShortForgetsNoCount() {
    var estimator = estimator(deviation: 10_000)
    estimator.step(at: .microseconds(0), Measurement(current: .milliamperes(-1_500)))
    for second in Int64(1)...10 {
      estimator.step(at: .microseconds(second * 1_000_000), Measurement())
    }
    estimator.step(at: .microseconds(10_000_500), Measurement())
    estimator.step(
      at: .microseconds(11_000_000),
      Measurement(current: .milliamperes(-100), charge: .nanocoulombs(-1_100_000_000)))
    #expect(estimator.ledger == .nanocoulombs(-1_100_000_000))
  }

  /// Calls less than a millisecond apart wait for the next step, and their counts with them.
  @Test func shortStepsWaitTogether() {
    var fine = estimator(deviation: 10_000)
    var coarse = estimator(deviation: 10_000)
    for k in Int64(0)...4_000 {
      let rest = Voltage.microvolts(3_200_000)
      fine.step(
        at: .microseconds(k * 250),
        Measurement(
          current: .milliamperes(-1_500), charge: .nanocoulombs(k == 0 ? 0 : -375_000),
          voltage: rest))
      if k % 4 == 0 {
        coarse.step(
          at: .microseconds(k * 250),
          Measurement(
            current: .milliamperes(-1_500), charge: .nanocoulombs(k == 0 ? 0 : -1_500_000),
            voltage: rest))
      }
    }
    #expect(fine.ledger == .nanocoulombs(-1_500_000_000))
    #expect(fine.estimate == coarse.estimate)
    #expect(fine.preciseStateOfCharge == coarse.preciseStateOfCharge)
  }

  // MARK: Gaps

  /// Over an hour unseen the load is taken to be off: the value stays, the deviation grows by 0.1 C
  /// for that hour. The sensor's offset adds nothing to what no sensor has read.
  @Test func anHoursGapWidensByTheGapCurrent() {
    var estimator = estimator(deviation: 20_000)
    estimator.step(at: .microseconds(0), Measurement(current: .milliamperes(-1_500)))
    let before = (charge(estimator), deviation(estimator))
    estimator.step(at: .microseconds(3_600_000_000), Measurement(current: .microamperes(0)))
    #expect(estimator.estimate.conditions.contains(.gapCoasted))
    #expect(charge(estimator) == before.0)
    let growth = (deviation(estimator) * deviation(estimator) - before.1 * before.1).squareRoot()
    #expect(abs(growth / 0.1 - 1) < 0.001, "\(growth)")
    #expect(estimator.ledger == .zero)
  }

  /// An offset that was learned is no current: it moves no charge while nothing is read.
  @Test(arguments: [UInt64(54), 55]) func aGapIsNotCorrectedByTheOffset(seed: UInt64) {
    let profile = CellProfile.sample()
    var cell = MadeUpCell(seed: seed, profile: profile)
    var estimator = StateEstimator(
      profile: profile, stateOfCharge: .partsPerMillion(500_000), deviation: 300_000)
    for k in Int64(0)..<2_000 {
      let (microamperes, microvolts) = cell.next(k == 0 ? 0 : 10)
      estimator.step(
        at: .microseconds(k * 10_000_000),
        Measurement(
          current: .microamperes(microamperes), voltage: .microvolts(microvolts),
          temperature: .degreesCelsius(25)))
    }
    let before = (charge(estimator), estimator.estimate.currentOffset)
    #expect(before.1 != .microamperes(0), "seed \(seed): one was learned")
    estimator.step(
      at: .microseconds(1_999 * 10_000_000 + 3_600_000_000),
      Measurement(current: .microamperes(0)))
    #expect(estimator.estimate.conditions.contains(.gapCoasted))
    #expect(charge(estimator) == before.0, "seed \(seed)")
  }

  /// After a day nothing is left to know: at least the prior's deviation, said by a sticky condition.
  @Test(arguments: [Int64(1), 30, 400, 4_000])
  func aDaysGapForgets(days: Int64) {
    var estimator = estimator(deviation: 20_000)
    estimator.step(at: .microseconds(0), Measurement(current: .milliamperes(-1_500)))
    estimator.step(
      at: .microseconds(days * 86_400_000_000), Measurement(current: .microamperes(0)))
    let conditions = estimator.estimate.conditions
    #expect(conditions.contains([.gapCoasted, .covarianceReset]))
    #expect(deviation(estimator) >= 0.299)
    estimator.step(
      at: .microseconds(days * 86_400_000_000 + 1_000_000),
      Measurement(current: .microamperes(0)))
    #expect(estimator.estimate.conditions.contains(.covarianceReset), "it is sticky")
    #expect(!estimator.estimate.conditions.contains(.gapCoasted), "it is not")
  }

  /// A counted charge bridges a day: 0.6 of the cell was taken out, and that is known.
  @Test func aCountBridgesADay() {
    var estimator = estimator(800_000, deviation: 20_000)
    estimator.step(at: .microseconds(0), Measurement(current: .microamperes(-37_500)))
    estimator.step(
      at: .microseconds(86_400_000_000),
      Measurement(current: .microamperes(-37_500), charge: .milliampereHours(-900)))
    let estimate = estimator.estimate
    #expect(!estimate.conditions.contains(.gapCoasted))
    #expect(abs(charge(estimator) - 0.2) < 1e-9)
    #expect(estimator.ledger == .milliampereHours(-900))
  }

  /// A clock that steps back does not freeze the estimate until it has caught up: steps go on by the
  /// new time, and what was counted in the step of unknown length is kept.
  @Test(arguments: [1, 1_000_000, 3_600_000_000, .max / 2] as [Int64])
  func timeThatRunsBackwardsFreezesNothing(back: Int64) {
    var estimator = estimator(deviation: 20_000)
    let counted = Measurement(
      current: .milliamperes(-1_500), charge: .nanocoulombs(-1_500_000_000))
    estimator.step(at: .microseconds(10_000_000), Measurement(current: .milliamperes(-1_500)))
    estimator.step(at: .microseconds(11_000_000), counted)
    #expect(!estimator.estimate.conditions.contains(.timeRanBackwards))
    let start = 11_000_000 - back
    for second in Int64(0)...60 {
      estimator.step(at: .microseconds(start + second * 1_000_000), counted)
      #expect(estimator.estimate.conditions.contains(.timeRanBackwards), "it is sticky")
      #expect(estimator.ledger == .nanocoulombs(-1_500_000_000 * (second + 2)), "none is lost")
    }
    // 62 s at 1C; the offset's belief is 0 without a voltage.
    #expect(abs(charge(estimator) - (0.5 - 62.0 / 3_600)) < 1e-6)
    #expect(estimator.saturations == 0)
  }

  /// Without a count the step of unknown length moves next to nothing, and the next one counts again.
  @Test func timeThatRunsBackwardsMakesUpNoCharge() {
    var estimator = estimator(deviation: 20_000)
    let sample = Measurement(current: .milliamperes(-1_500))
    estimator.step(at: .microseconds(10_000_000), sample)
    estimator.step(at: .microseconds(11_000_000), sample)
    estimator.step(at: .microseconds(1_000_000), sample)
    #expect(estimator.ledger == .nanocoulombs(-1_501_500_000), "1 s and the shortest step")
    estimator.step(at: .microseconds(2_000_000), sample)
    #expect(estimator.ledger == .nanocoulombs(-3_001_500_000))
  }

  /// A count that comes with the step back replaces what was assumed before it.
  @Test func aCountAcrossAStepBackReplacesWhatWasAssumed() {
    var estimator = estimator(deviation: 10_000)
    estimator.step(at: .microseconds(0), Measurement(current: .milliamperes(-1_500)))
    for second in Int64(1)...10 {
      estimator.step(at: .microseconds(second * 1_000_000), Measurement())
    }
    estimator.step(
      at: .microseconds(5_000_000),
      Measurement(current: .milliamperes(-100), charge: .nanocoulombs(-1_100_000_000)))
    #expect(estimator.ledger == .nanocoulombs(-1_100_000_000))
  }

  // MARK: Capacity

  /// 1.96 deviations of 4 %, doubled, about the inverse capacity.
  @Test func theCapacityIntervalBeginsAtThePrior() {
    let estimate = estimator(deviation: 20_000).estimate
    let reach = 1.96 * 0.04 * 2
    func milliampereHours(_ charge: Charge) -> Double { Double(charge.nanocoulombs) / 3.6e9 }
    #expect(estimate.fullChargeCapacity == .milliampereHours(1_500))
    #expect(abs(milliampereHours(estimate.lowestCapacity) - 1_500 / (1 + reach)) < 0.01)
    #expect(abs(milliampereHours(estimate.highestCapacity) - 1_500 / (1 - reach)) < 0.01)
  }

  /// The made-up cell holds 3 % more than its rated capacity, and its current is read 10 mA too high.
  @Test(arguments: [UInt64(51), 52, 53])
  func capacityIsLearned(seed: UInt64) {
    let profile = CellProfile.sample()
    var cell = MadeUpCell(seed: seed, profile: profile)
    var estimator = StateEstimator(
      profile: profile, stateOfCharge: .partsPerMillion(500_000), deviation: 300_000)
    let before = estimator.estimate
    for k in Int64(0)..<12_000 {
      let (microamperes, microvolts) = cell.next(k == 0 ? 0 : 10)
      estimator.step(
        at: .microseconds(k * 10_000_000),
        Measurement(
          current: .microamperes(microamperes), voltage: .microvolts(microvolts),
          temperature: .degreesCelsius(25)))
    }
    let after = estimator.estimate
    let truth = Charge.nanocoulombs(1_545 * 3_600_000_000)
    #expect(after.lowestCapacity <= truth && truth <= after.highestCapacity, "seed \(seed)")
    let widthBefore = before.highestCapacity.nanocoulombs - before.lowestCapacity.nanocoulombs
    let widthAfter = after.highestCapacity.nanocoulombs - after.lowestCapacity.nanocoulombs
    #expect(widthAfter < widthBefore / 2, "seed \(seed): it learned")
    #expect(after.lowestStateOfCharge.partsPerMillion <= Int32(cell.truth * 1e6), "seed \(seed)")
    #expect(after.highestStateOfCharge.partsPerMillion >= Int32(cell.truth * 1e6), "seed \(seed)")
  }
}

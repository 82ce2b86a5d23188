// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

/// Whatever comes in, the estimator goes on and says what it had to do without.
@Suite struct TotalityTests {
  private func expectSane(_ estimate: Estimate, _ comment: @autoclosure () -> Comment) {
    let low = estimate.lowestStateOfCharge.partsPerMillion
    let value = estimate.stateOfCharge.partsPerMillion
    let high = estimate.highestStateOfCharge.partsPerMillion
    #expect(0 <= low && low <= value && value <= high && high <= 1_000_000, comment())
    #expect(Charge.zero < estimate.lowestCapacity, comment())
    #expect(estimate.lowestCapacity <= estimate.fullChargeCapacity, comment())
    #expect(estimate.fullChargeCapacity <= estimate.highestCapacity, comment())
    #expect(estimate.age >= 0, comment())
  }

  static let absurdCounts: [Int64] = {
    let large: Int64 = 1 << 53
    return [.max, .min, .max / 2, .min / 2, large, -large]
  }()

  private static let extremes: [Int32] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]

  /// Feeds sane measurements of a made-up cell for 8 hours; returns its state of charge then.
  ///
  /// Whatever came before, the filter learns again.
  private func heal(_ estimator: inout StateEstimator, from start: Int64, seed: UInt64) -> Double {
    var cell = MadeUpCell(seed: seed, profile: .sample())
    for k in Int64(1)...2_880 {
      let (microamperes, microvolts) = cell.next(10)
      estimator.step(
        at: .microseconds(start + k * 10_000_000),
        Measurement(
          current: .microamperes(microamperes), voltage: .microvolts(microvolts),
          temperature: .degreesCelsius(25)))
    }
    let deviation = (Double(estimator.stateOfChargeVariance) * 0x1p-52).squareRoot()
    #expect(deviation < 0.2, "seed \(seed): the covariance is not lost again and again")
    expectSane(estimator.estimate, "seed \(seed), after 8 h")
    return cell.truth
  }

  /// All extremes of current, voltage and temperature in turn, then a cell that behaves. That the state
  /// of charge is right again is not promised: the plausibility check keeps such values out.
  @Test func extremeValuesAreSurvived() {
    var estimator = StateEstimator(profile: .sample(), stateOfCharge: .partsPerMillion(500_000))
    var time: Int64 = 0
    for current in TotalityTests.extremes {
      for voltage in TotalityTests.extremes {
        for temperature in TotalityTests.extremes {
          time += 1_000_000
          estimator.step(
            at: .microseconds(time),
            Measurement(
              current: .microamperes(current), voltage: .microvolts(voltage),
              temperature: .millidegreesCelsius(temperature)))
          expectSane(estimator.estimate, "\(current), \(voltage), \(temperature)")
        }
      }
    }
    _ = heal(&estimator, from: time, seed: 61)
  }

  /// Counted charges as large as the type allows.
  @Test(arguments: TotalityTests.absurdCounts)
  func absurdCountsAreSurvivedAndForgotten(nanocoulombs: Int64) {
    var estimator = StateEstimator(profile: .sample(), stateOfCharge: .partsPerMillion(500_000))
    var time: Int64 = 0
    for step in 0..<20 {
      time += 1_000_000
      estimator.step(
        at: .microseconds(time),
        Measurement(
          current: .milliamperes(100),
          charge: step % 3 == 2 ? nil : .nanocoulombs(nanocoulombs),
          voltage: .millivolts(3_200)))
      expectSane(estimator.estimate, "\(nanocoulombs), step \(step)")
    }
    let truth = heal(&estimator, from: time, seed: 62)
    let found = Double(estimator.estimate.stateOfCharge.partsPerMillion) * 1e-6
    #expect(abs(found - truth) < 0.05, "\(found) for \(truth)")
  }

  /// The largest current, unread, for a very long time: what is assumed grows without bound.
  @Test func endlessCoastingIsSurvived() {
    var estimator = StateEstimator(profile: .sample(), stateOfCharge: .partsPerMillion(500_000))
    estimator.step(at: .microseconds(0), Measurement(current: .microamperes(.max)))
    for minute in Int64(1)...80_000 {
      estimator.step(at: .microseconds(minute * 60_000_000), Measurement())
    }
    expectSane(estimator.estimate, "55 days at 2147 A")
    #expect(estimator.estimate.stateOfCharge.partsPerMillion == 1_000_000)
  }

  @Test func momentsAtBothEndsOfTheClockAreSurvived() {
    var estimator = StateEstimator(profile: .sample(), stateOfCharge: .partsPerMillion(500_000))
    for time in [Int64.min, -1, 0, .max] {
      estimator.step(
        at: .microseconds(time),
        Measurement(current: .milliamperes(100), voltage: .millivolts(3_200)))
      expectSane(estimator.estimate, "at \(time)")
    }
    #expect(!estimator.estimate.conditions.contains(.timeRanBackwards))
  }

  /// A covariance that was lost is the prior again, 30 % wide and about the prior's resistance and
  /// offset, and the condition stays.
  @Test func aLostCovarianceIsThePriorAgain() {
    var estimator = StateEstimator(
      profile: .sample(), stateOfCharge: .partsPerMillion(500_000), deviation: 1_000)
    estimator.step(
      at: .microseconds(0),
      Measurement(current: .milliamperes(-1_500), voltage: .millivolts(3_000)))
    #expect(estimator.estimate.resistanceRatio != 1_000_000)
    #expect(
      estimator.saturations == 0 && estimator.estimate.conditions.isDisjoint(with: .saturated))
    estimator.step(
      at: .microseconds(1_000_000),
      Measurement(current: .milliamperes(100), charge: .nanocoulombs(.max / 4)))
    #expect(estimator.saturations > 0, "the drive is strong enough to clamp")
    #expect(estimator.estimate.conditions.contains([.saturated, .covarianceReset]))
    let deviation = (Double(estimator.stateOfChargeVariance) * 0x1p-52).squareRoot()
    #expect(abs(deviation - 0.3) < 1e-4, "\(deviation)")
    #expect(estimator.estimate.resistanceRatio == 1_000_000)
    #expect(estimator.estimate.currentOffset == .microamperes(0))
    let count = estimator.saturations
    for second in Int64(2)...600 {
      estimator.step(
        at: .microseconds(second * 1_000_000),
        Measurement(current: .milliamperes(100), voltage: .millivolts(3_300)))
      #expect(estimator.estimate.conditions.contains([.saturated, .covarianceReset]))
    }
    #expect(estimator.saturations == count, "sane input clamps nothing more")
  }

  /// Streams of anything, mostly within what sensors show, some of it absurd, at any time steps.
  @Test(arguments: Array(UInt64(71)...82))
  func randomStreamsKeepTheIntervalInOrder(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var estimator = StateEstimator(
      profile: .sample(), stateOfCharge: .partsPerMillion(Int32(random.uniform(-1e5, 1.1e6))),
      deviation: Int32(random.uniform(-10, 2e6)))
    let absurdity = seed % 3 == 0 ? 0.05 : 0
    func value(_ low: Double, _ high: Double) -> Int32? {
      if random.chance(0.1) { return nil }
      if random.chance(absurdity) { return Int32(truncatingIfNeeded: random.next()) }
      return Int32(random.uniform(low, high))
    }
    var time: Int64 = 0
    var sticky: EstimatorConditions = []
    for step in 0..<2_000 {
      time += Int64(DeterministicMath.exp(random.uniform(5, 18.5)))
      var measurement = Measurement(
        current: value(-6e6, 3e6).map { .microamperes($0) },
        voltage: value(1.5e6, 4.6e6).map { .microvolts($0) },
        temperature: value(-4e4, 8e4).map { .millidegreesCelsius($0) })
      if random.chance(0.3) {
        measurement.charge = .nanocoulombs(
          random.chance(absurdity)
            ? Int64(bitPattern: random.next()) : Int64(random.uniform(-6e9, 3e9)))
      }
      estimator.step(at: .microseconds(time), measurement)
      let estimate = estimator.estimate
      expectSane(estimate, "seed \(seed), step \(step)")
      #expect(estimate.conditions.isSuperset(of: sticky), "seed \(seed), step \(step)")
      sticky = estimate.conditions.intersection([.covarianceReset, .saturated])
    }
    // What the plausible nonsense of the other seeds taught is no fault, and believed for long.
    guard absurdity > 0 else { return }
    #expect(estimator.estimate.conditions.contains(.covarianceReset), "seed \(seed)")
    _ = heal(&estimator, from: time, seed: seed)
  }
}

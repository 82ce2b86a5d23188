// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Simulation

@Suite struct BaselineEstimatorTests {
  /// A cell of 2 Ah whose voltage rises by 1 V from empty to full.
  private let tables = MakeTables(
    volts: 3...4, series: 0.1, fast: 0.02, slow: 0.04, fastSeconds: 10, slowSeconds: 100,
    ratedAmpereHours: 2)

  private func reading(_ amperes: Double?, _ volts: Double?, seconds: Double = 1)
    -> BaselineReading
  {
    BaselineReading(seconds: seconds, amperes: amperes, volts: volts, celsius: 25)
  }

  @Test func countingIsChargeOverRatedCapacity() {
    var counter = CoulombCounter(ratedAmpereHours: 2, stateOfCharge: 0.5)
    // 1 A for half an hour into 2 Ah: a quarter.
    for _ in 0..<1_800 { counter.step(reading(1, nil)) }
    #expect(abs(counter.stateOfCharge - 0.75) < 1e-9)
    // A reading that is missing is the last one.
    for _ in 0..<360 { counter.step(reading(nil, nil)) }
    #expect(abs(counter.stateOfCharge - 0.80) < 1e-9)
    // It does not count past full.
    for _ in 0..<3_600 { counter.step(reading(2, nil)) }
    #expect(counter.stateOfCharge == 1)
  }

  @Test func atRestTheCurveReplacesTheCount() {
    var counter = RestingCounter(tables, stateOfCharge: 0.9)
    for _ in 0..<599 { counter.step(reading(0, 3.25)) }
    #expect(abs(counter.stateOfCharge - 0.9) < 1e-9)
    counter.step(reading(0, 3.25))
    #expect(abs(counter.stateOfCharge - 0.25) < 1e-3)
  }

  @Test func aCurrentStartsTheRestAnew() {
    var counter = RestingCounter(tables, stateOfCharge: 0.9)
    for _ in 0..<599 { counter.step(reading(0, 3.25)) }
    counter.step(reading(0.05, 3.25))
    for _ in 0..<599 { counter.step(reading(0, 3.25)) }
    #expect(counter.stateOfCharge > 0.89)
  }

  /// One step by hand: dt 0 leaves the prior, P = diag(0.04, 1e-6, 1e-6), H = [1, 1, 1].
  @Test func oneCorrectionOfTheFilterIsTheTextbooks() {
    var filter = TextbookEKF(tables, stateOfCharge: 0.5, deviation: 0.2)
    filter.step(reading(0, 3.6, seconds: 0))
    // S = 0.04 + 2e-6 + 1e-4; gain = 0.04/S; innovation = 3.6 − 3.5.
    let s = 0.040102
    #expect(abs(filter.stateOfCharge - (0.5 + 0.04 / s * 0.1)) < 1e-9)
    #expect(abs(filter.deviation - (0.04 - 0.04 * 0.04 / s).squareRoot()) < 1e-9)
  }

  @Test func theFilterTakesTheOverpotentialsOffTheVoltage() {
    var filter = TextbookEKF(tables, stateOfCharge: 0.5, deviation: 1e-4)
    var truth = 0.5
    // 1 A is 0.5 C: 0.05 V at once, and 0.01 and 0.02 V that build up.
    var fast = 0.0
    var slow = 0.0
    for _ in 0..<600 {
      truth += 0.5 / 3_600
      fast += (0.01 - fast) * (1 - 0.904837418)
      slow += (0.02 - slow) * (1 - 0.990049834)
      filter.step(reading(1, 3 + truth + 0.05 + fast + slow))
    }
    #expect(abs(filter.stateOfCharge - truth) < 1e-5)
  }

  @Test func aWrongStartIsFoundByTheFilterAndNotByTheCounter() {
    var filter = TextbookEKF(tables, stateOfCharge: 0.2, deviation: 0.3)
    var counter = CoulombCounter(ratedAmpereHours: 2, stateOfCharge: 0.2)
    for _ in 0..<300 {
      filter.step(reading(0, 3.5))
      counter.step(reading(0, 3.5))
    }
    #expect(abs(filter.stateOfCharge - 0.5) < 0.01)
    #expect(counter.stateOfCharge == 0.2)
  }
}

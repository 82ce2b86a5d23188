// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct OracleTests {
  /// Fixed point against Double on the same inputs: the state of charge within 1e-6.
  @Test(arguments: [UInt64(1), 2, 3], [0.1, 1.0, 17.0])
  func fixedPointFollowsDouble(seed: UInt64, seconds: Double) {
    expectAgreement(seed: seed, steps: 1_500) { _ in Int64(seconds * 1e6) }
  }

  /// The same for steps of any length from 1 ms to 60 s, evenly over the decades, in any order.
  @Test(arguments: [UInt64(4), 5, 6, 7])
  func fixedPointFollowsDoubleOverMixedSteps(seed: UInt64) {
    expectAgreement(seed: seed, steps: 2_500) { random in
      Int64(1_000 * DeterministicMath.exp(random.uniform() * DeterministicMath.log(60_000)))
    }
  }

  /// The same when the chips' rates change between stretches: ten a second, one, one a minute.
  @Test(arguments: [UInt64(8), 9])
  func fixedPointFollowsDoubleAcrossChangesOfRate(seed: UInt64) {
    let rates: [Int64] = [100_000, 1_000_000, 60_000_000, 1_000, 10_000_000]
    var step = 0
    expectAgreement(seed: seed, steps: 2_500) { _ in
      step += 1
      return rates[step / 100 % rates.count]
    }
  }

  /// Plays the same made-up measurements to both filters.
  ///
  /// - Parameter next: the length of the next step. Unit: µs.
  private func expectAgreement(
    seed: UInt64, steps: Int, next: (inout SeededRandom) -> Int64
  ) {
    let profile = CellProfile.sample()
    var random = SeededRandom(seed: seed, stream: 1)
    var cell = MadeUpCell(seed: seed, profile: profile)
    var estimator = StateEstimator(
      profile: profile, stateOfCharge: .partsPerMillion(400_000), deviation: 300_000)
    var oracle = OracleFilter(profile: profile, stateOfCharge: 0.4, deviation: 0.3)
    var worst = 0.0
    var worstDeviation = 0.0
    var time: Int64 = 0
    for k in 0..<steps {
      let microseconds = k == 0 ? 0 : next(&random)
      let seconds = Double(microseconds) * 1e-6
      time += microseconds
      let (microamperes, microvolts) = cell.next(seconds)
      let celsius = 20 + 15 * sin(Double(k) / 300)
      let millidegrees = Int32((celsius * 1e3).rounded())
      estimator.step(
        at: .microseconds(time),
        Measurement(
          current: .microamperes(microamperes), voltage: .microvolts(microvolts),
          temperature: .millidegreesCelsius(millidegrees)))
      oracle.step(
        seconds: seconds, currentInC: Double(microamperes) / 1.5e6,
        volts: Double(microvolts) * 1e-6, celsius: Double(millidegrees) * 1e-3, exponential: exp)
      worst = max(worst, abs(Double(estimator.preciseStateOfCharge) * 0x1p-40 - oracle.x[0]))
      let deviation = (Double(estimator.stateOfChargeVariance) * 0x1p-52).squareRoot()
      worstDeviation = max(worstDeviation, abs(deviation / oracle.deviation - 1))
    }
    #expect(worst < 1e-6, "seed \(seed): \(worst)")
    #expect(worstDeviation < 1e-3, "seed \(seed): \(worstDeviation)")
    #expect(estimator.saturations == 0, "seed \(seed)")
    #expect(abs(oracle.x[0] - cell.truth) < 0.05, "the filter found the cell: \(oracle.x)")
  }
}

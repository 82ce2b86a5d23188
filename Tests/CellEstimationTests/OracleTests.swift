// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// A made-up load and the voltage of a made-up cell: enough to exercise every part of the filter.
private struct MadeUpCell {
  var random: SeededRandom
  var truth = 0.7
  var relaxed = 0.0
  var current = 0.0
  let profile: CellProfile

  /// The current held over the next step (µA) and the voltage at its end (µV).
  mutating func next(_ seconds: Double) -> (Int32, Int32) {
    if truth > 0.9 {
      current = -0.8
    } else if truth < 0.1 {
      current = 0.8
    } else if random.chance(0.05) {
      current = random.uniform(-1.5, 1.5)
    }
    truth += current * seconds / 3_600 / 1.03
    let decay = exp(-seconds / 100)
    relaxed = decay * relaxed + (1 - decay) * 0.05 * current
    let place = (truth + 0.05) / 1.1 * 256
    let index = min(max(Int(place), 0), 255)
    let low = Double(profile.openCircuit[index])
    let high = Double(profile.openCircuit[index + 1])
    let open = (low + (high - low) * (place - Double(index))) * 1e-6
    let volts = open + relaxed + 0.06 * current + 0.002 * random.gaussian()
    let measured = current + 0.01
    return (Int32((measured * 1.5e6).rounded()), Int32((volts * 1e6).rounded()))
  }
}

@Suite struct OracleTests {
  /// Fixed point against Double on the same inputs: the state of charge within 1e-6.
  @Test(arguments: [UInt64(1), 2, 3], [0.1, 1.0, 17.0])
  func fixedPointFollowsDouble(seed: UInt64, seconds: Double) {
    let profile = CellProfile.sample()
    var cell = MadeUpCell(random: SeededRandom(seed: seed), profile: profile)
    var estimator = StateEstimator(
      profile: profile, stateOfCharge: .partsPerMillion(400_000), deviation: 300_000)
    var oracle = OracleFilter(profile: profile, stateOfCharge: 0.4, deviation: 0.3)
    var worst = 0.0
    var worstDeviation = 0.0
    var time: Int64 = 0
    for k in 0..<1_500 {
      let (microamperes, microvolts) = cell.next(k == 0 ? 0 : seconds)
      let celsius = 20 + 15 * sin(Double(k) / 300)
      let millidegrees = Int32((celsius * 1e3).rounded())
      estimator.step(
        at: .microseconds(time),
        Measurement(
          current: .microamperes(microamperes), voltage: .microvolts(microvolts),
          temperature: .millidegreesCelsius(millidegrees)))
      oracle.step(
        seconds: k == 0 ? 0 : seconds, currentInC: Double(microamperes) / 1.5e6,
        volts: Double(microvolts) * 1e-6, celsius: Double(millidegrees) * 1e-3, exponential: exp)
      time += Int64(seconds * 1e6)
      worst = max(worst, abs(Double(estimator.preciseStateOfCharge) * 0x1p-40 - oracle.x[0]))
      let deviation = (Double(estimator.stateOfChargeVariance) * 0x1p-52).squareRoot()
      worstDeviation = max(worstDeviation, abs(deviation / oracle.deviation - 1))
    }
    #expect(worst < 1e-6, "seed \(seed), \(seconds) s: \(worst)")
    #expect(worstDeviation < 1e-3, "seed \(seed), \(seconds) s: \(worstDeviation)")
    #expect(estimator.saturations == 0)
    #expect(abs(oracle.x[0] - cell.truth) < 0.05, "the filter found the cell: \(oracle.x)")
  }
}

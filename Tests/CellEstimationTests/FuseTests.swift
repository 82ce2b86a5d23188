// SPDX-License-Identifier: Apache-2.0

@testable import CellEstimation
import Quantities
import TestSupport
import Testing

private func wide(_ value: Double) -> Int64 { Int64((value * 0x1p40).rounded()) }
private func variance(_ deviation: Double) -> Int64 {
  Int64((deviation * deviation * 0x1p52).rounded())
}

@Suite struct FuseTests {
  /// Two values of the state of charge are weighed by their variances.
  @Test func agreeingValuesAreWeighed() {
    var filter = StateFilter(
      .sample(), stateOfCharge: wide(0.5), variance: variance(0.02))
    filter.fuse(wide(0.53), variance: variance(0.01), into: State.charge)
    // 0.5 + 0.03 · 4/5; deviation 0.02 · 0.01 / √(0.02² + 0.01²).
    #expect(abs(Double(filter.x[State.charge]) * 0x1p-40 - 0.524) < 1e-8)
    let left = filter.covariance.variance(of: State.charge, &filter.arithmetic)
    #expect(abs((Double(left) * 0x1p-52).squareRoot() - 0.008944) < 1e-6)
  }

  /// A value that the filter's own excludes replaces it, and what it was tied to.
  @Test func contradictingValuesReplace() {
    var filter = StateFilter(
      .sample(), stateOfCharge: wide(0.5), variance: variance(0.02))
    filter.covariance.u[CovarianceFactors.at(State.charge, State.inverseCapacity)] = wide(0.3)
    filter.fuse(wide(0.8), variance: variance(0.01), into: State.charge)
    #expect(filter.x[State.charge] == wide(0.8))
    #expect(filter.covariance.u[CovarianceFactors.at(State.charge, State.inverseCapacity)] == 0)
    #expect(
      filter.covariance.variance(of: State.charge, &filter.arithmetic) == variance(0.01))
  }

  /// What is tied to a state moves with it: a lower capacity than believed raises a charge that was
  /// counted with it. By a quarter of the tie only: the doubled deviation quadruples the capacity's
  /// variance, and what is added to it is tied to nothing.
  @Test func tiedStatesMove() {
    var filter = StateFilter(
      .sample(), stateOfCharge: wide(0.5), variance: variance(0.001))
    filter.covariance.u[CovarianceFactors.at(State.charge, State.inverseCapacity)] = wide(0.5)
    filter.fuse(wide(1.04), variance: variance(0.01), into: State.inverseCapacity)
    let kappa = Double(filter.x[State.inverseCapacity]) * 0x1p-40 - 1
    let charge = Double(filter.x[State.charge]) * 0x1p-40 - 0.5
    #expect(kappa > 0.03)
    #expect(abs(charge - 0.125 * kappa) < 1e-6)
  }
}

// SPDX-License-Identifier: Apache-2.0

import Quantities

/// How worn a cell is: what it still holds, and how much harder it is to load.
public struct StateOfHealth: Equatable, Sendable {
  /// The capacity over the rated capacity.
  public var capacity: Share
  /// The series resistance over the profile's; above 1 for a worn cell.
  public var resistance: Share

  /// A share with its 95 % interval. Unit: ppm.
  public struct Share: Equatable, Sendable {
    /// The lower end.
    public var lowest: Int32
    /// The most likely value.
    public var likely: Int32
    /// The upper end.
    public var highest: Int32
  }
}

extension StateEstimator {
  /// How worn the cell is, by capacity and by resistance.
  ///
  /// Until a discharge has gone over enough of the curve the interval on capacity is the prior's.
  public var stateOfHealth: StateOfHealth {
    @_addressableSelf get {
      var arithmetic = SaturatingArithmetic()
      let now = estimate
      let rated = max(profile.ratedCapacity.nanocoulombs, 1)
      func share(_ charge: Charge) -> Int32 {
        Int32(
          clamping: arithmetic.multiply(charge.nanocoulombs, 1_000_000, dividedBy: rated))
      }
      let variance = filter.covariance.variance(of: State.resistance, &arithmetic)
      let reach = Format.toMillionths(
        arithmetic.multiply(IntegerMath.deviation(of: variance), 196, dividedBy: 100), &arithmetic)
      let ratio = Int64(now.resistanceRatio)
      return StateOfHealth(
        capacity: StateOfHealth.Share(
          lowest: share(now.lowestCapacity), likely: share(now.fullChargeCapacity),
          highest: share(now.highestCapacity)),
        resistance: StateOfHealth.Share(
          lowest: Int32(clamping: max(ratio - reach, 0)), likely: now.resistanceRatio,
          highest: Int32(clamping: ratio + reach)))
    }
  }
}

extension IntegerMath {
  /// The deviation (40 fractional bits) of a variance (52 fractional bits).
  static func deviation(of variance: Int64) -> Int64 {
    Int64(bitPattern: squareRoot(UInt64(max(variance, 0))) << 14)
  }
}

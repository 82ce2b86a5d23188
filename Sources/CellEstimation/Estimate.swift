// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// What the estimator believes, and how firmly.
public struct Estimate: Equatable, Sendable {
  /// The state of charge, 0 to 1,000,000 ppm.
  public var stateOfCharge: StateOfCharge
  /// The lower end of its 95 % interval.
  public var lowestStateOfCharge: StateOfCharge
  /// The upper end of its 95 % interval.
  public var highestStateOfCharge: StateOfCharge
  /// The charge between empty and full.
  public var fullChargeCapacity: Charge
  /// The lower end of its 95 % interval.
  public var lowestCapacity: Charge
  /// The upper end of its 95 % interval.
  public var highestCapacity: Charge
  /// Series resistance over the profile's. Unit: ppm.
  public var resistanceRatio: Int32
  /// What the current reading is believed to be too high by.
  public var currentOffset: Current
  /// How old the last voltage is that was weighed in. Unit: µs.
  public var age: Int64
  /// What happened since the estimator began, and what holds now.
  public var conditions: EstimatorConditions

  /// Adds every number to a hash, for telling whether two runs agree.
  public func combine(into hash: inout StableHash) {
    hash.combine(Int64(stateOfCharge.partsPerMillion))
    hash.combine(Int64(lowestStateOfCharge.partsPerMillion))
    hash.combine(Int64(highestStateOfCharge.partsPerMillion))
    hash.combine(fullChargeCapacity.nanocoulombs)
    hash.combine(lowestCapacity.nanocoulombs)
    hash.combine(highestCapacity.nanocoulombs)
    hash.combine(Int64(resistanceRatio))
    hash.combine(Int64(currentOffset.microamperes))
    hash.combine(age)
    hash.combine(Int64(conditions.rawValue))
  }
}

/// States of the estimator that a user of an estimate must know.
public struct EstimatorConditions: OptionSet, Equatable, Sendable {
  /// The bits.
  public let rawValue: UInt16
  /// Makes a set from its bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// This step had no believable current and coasted on the last one.
  public static let currentMissing = EstimatorConditions(rawValue: 1)
  /// This step had no believable voltage.
  public static let voltageMissing = EstimatorConditions(rawValue: 2)
  /// This step's voltage did not fit the model and was left out.
  public static let voltageRejected = EstimatorConditions(rawValue: 4)
  /// This step's voltage did not fit, like many before it, and was weighed in cautiously.
  public static let voltageForced = EstimatorConditions(rawValue: 8)
  /// More than a minute passed unseen; the load was taken to be off and the interval widened.
  public static let gapCoasted = EstimatorConditions(rawValue: 16)
  /// No temperature has been read yet, or not for a minute; 25 °C or the last one is used.
  public static let temperatureStale = EstimatorConditions(rawValue: 32)
  /// Sticky: the covariance was lost (saturated, or grown past meaning) and replaced by the prior.
  public static let covarianceReset = EstimatorConditions(rawValue: 64)
  /// Sticky: an arithmetic result was clamped.
  public static let saturated = EstimatorConditions(rawValue: 128)
  /// Sticky: time ran backwards; that step was taken for the shortest, with the charge counted in it.
  public static let timeRanBackwards = EstimatorConditions(rawValue: 256)
}

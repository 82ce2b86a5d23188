// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
public import Quantities

/// What the firmware asks of an estimator.
///
/// `StateEstimator` is for microcontrollers: a make's curve for life in 4 kB. `LifelongEstimator` is for
/// boards: its curve follows the cell's degradation modes, in 40 kB. Both are asked the same.
public protocol FirmwareEstimator: Sendable {
  /// What outlives a power cut.
  associatedtype Kept: KeptEstimator

  /// The charge of a new cell.
  var ratedCapacity: Charge { get }
  /// Where a discharge ends.
  var lowerCutoff: Voltage { get }
  /// Where a charge ends.
  var upperCutoff: Voltage { get }
  /// Whether the tables are those that were sealed.
  var isIntact: Bool { get }
  /// Tells the tables of a new cell apart from others'.
  var identity: UInt32 { get }
  /// Tells what its state of charge is measured on apart: `identity`, unless the curve was replaced.
  var curveIdentity: UInt32 { get }
  /// What `curveIdentity` is once the curve was replaced.
  var replacedCurveIdentity: UInt32 { get }

  /// See `StateEstimator.mayCharge`.
  var mayCharge: Bool { get set }
  /// See `StateEstimator.mayDischarge`.
  var mayDischarge: Bool { get set }
  /// Takes in what the sensors said at `time`.
  mutating func step(at time: MonotonicTime, _ measurement: Measurement)
  /// The present estimate.
  var estimate: Estimate { get }
  /// The charge counted since the start.
  var ledger: Charge { get }
  /// How many results of its arithmetic were clamped.
  var saturations: UInt32 { get }

  /// What is known, as it would be kept now.
  var kept: Kept { get }
  /// Goes on from what was kept, after a pause; false, and a cell about which nothing is known, if it
  /// cannot be this estimator's.
  mutating func resume(from kept: borrowing Kept, after pause: Pause) -> Bool
  /// Begins anew at the state of charge that a voltage at rest stands for.
  ///
  /// - Parameters:
  ///   - voltage: at rest.
  ///   - deviation: of the state of charge. Unit: ppm.
  ///   - isOtherCell: whether it is another cell than the one that the estimator was made for.
  mutating func begin(atOpenCircuit voltage: Voltage, deviation: Int32, isOtherCell: Bool)
  /// Whether a first reading speaks for the belief.
  mutating func fits(_ voltage: Voltage, at flowing: Current) -> Bool
  /// The deviation of the state of charge. Unit: ppm.
  var chargeDeviation: Int32 { get }
  /// Takes the state of charge from a voltage at rest, and keeps what else is known.
  mutating func takeCharge(fromOpenCircuit voltage: Voltage)

  /// See `StateEstimator.timeToEmpty(at:)`.
  func timeToEmpty(at current: Current) -> TimeRange?
  /// See `StateEstimator.timeToFull(at:until:)`.
  func timeToFull(at current: Current, until end: Current?) -> TimeRange?
  /// See `StateEstimator.limit(charging:over:_:)`.
  func limit(charging: Bool, over seconds: Int32, _ bounds: borrowing LoadBounds) -> LoadLimit
  /// How worn the cell is, by capacity and by resistance.
  var stateOfHealth: StateOfHealth { get }
  /// Which part of the cell is fading; nil where nothing is known of it.
  var electrodes: HealthReport? { get }
  /// What a new cell has of the parts that fade; nil where nothing is known of them.
  var newElectrodes: NewElectrodes? { get }
  /// Whether a charge is being worked on, a slice a step.
  var isLearning: Bool { get }
}

extension StateEstimator: FirmwareEstimator {
  /// The charge of a new cell.
  public var ratedCapacity: Charge { profile.ratedCapacity }
  /// Where a discharge ends.
  public var lowerCutoff: Voltage { profile.lowerCutoff }
  /// Where a charge ends.
  public var upperCutoff: Voltage { profile.upperCutoff }
  /// Whether the profile is the one that was sealed.
  public var isIntact: Bool { @_addressableSelf get { profile.isIntact } }
  /// The profile's checksum.
  public var identity: UInt32 { profile.checksum }
  /// The profile's checksum: the curve is its own for life.
  public var curveIdentity: UInt32 { identity }
  /// The profile's checksum: the curve is its own for life.
  public var replacedCurveIdentity: UInt32 { identity }
  /// What is known, as it would be kept now.
  public var kept: EstimatorSnapshot { @_addressableSelf get { EstimatorSnapshot(self) } }
  /// Nothing: the curve is the make's for life.
  public var electrodes: HealthReport? { nil }
  /// Nothing: the curve is the make's for life.
  public var newElectrodes: NewElectrodes? { nil }
  /// Never: nothing is learned in slices.
  public var isLearning: Bool { false }
}

extension LifelongEstimator: FirmwareEstimator {
  /// Which part of the cell is fading.
  public var electrodes: HealthReport? { @_addressableSelf get { health } }
  /// What a new cell has of the parts that fade.
  public var newElectrodes: NewElectrodes? { @_addressableSelf get { madeElectrodes } }
}

// SPDX-License-Identifier: Apache-2.0

/// The unknowns of a charge, in the order of the joint covariance.
///
/// What belongs to one charge only comes first: then the trailing block of the factors is the modes'
/// own covariance, and a new charge begins by clearing the first rows.
enum Mode {
  /// What the sensor and the hysteresis add to the open-circuit voltage. Unit: V.
  static let offset = 0
  /// How much larger the overpotential of all but the iron is than the filter's, as a share.
  static let resistance = 1
  /// The same of the iron, whose kinetics are its own and suffer first.
  static let ironResistance = 2
  /// What the counted current is too high by. Unit: C.
  static let current = 3
  /// How much larger the slow lag is than the profile's, as a share.
  static let lag = 4
  /// The charge coordinate at the start of the session.
  static let charge = 5
  /// How many unknowns belong to one charge only.
  static let perCharge = 6

  /// Capacity of the coupling plateau.
  static let coupling = 6
  /// Capacity of high-spin iron.
  static let iron = 7
  /// Capacity of the high-voltage remainder.
  static let remainder = 8
  /// Capacity of the anode.
  static let anode = 9
  /// The anode's content when the cathode is at the boundary.
  static let stock = 10
  /// Shift of the plateau's potential. Unit: V.
  static let couplingShift = 11
  /// The plateau's width over the make's, less 1.
  static let couplingWidth = 12
  /// Shift of the iron's potential. Unit: V.
  static let ironShift = 13
  /// The iron's width over the make's, less 1.
  static let ironWidth = 14
  /// The width of the anode's slope over the make's, less 1.
  static let anodeWidth = 15
  /// The first of the nodes of what is left over. Unit: V.
  static let firstNode = 16
  /// How many nodes there are: at 1/12, 2/12 … 11/12 of the window.
  static let nodes = 11
  /// How many unknowns there are.
  static let count = 27
  /// The size of the strict triangle of their covariance.
  static let elements = 351
}

/// A value for every unknown, 40 fractional bits.
typealias ModeVector = InlineArray<27, Int64>
/// The joint covariance of all unknowns.
typealias ModeCovariance = TriangularFactors<27, 351>

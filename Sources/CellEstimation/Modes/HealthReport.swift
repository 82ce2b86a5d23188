// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// A share of the rated capacity with its standard deviation, both in ppm.
public struct Measured: Equatable, Sendable {
  /// The most likely value. Unit: ppm of the rated capacity.
  public var value: Int32
  /// Its standard deviation. Unit: ppm of the rated capacity.
  public var deviation: Int32

  /// Makes a value with its deviation.
  public init(value: Int32, deviation: Int32) {
    self.value = value
    self.deviation = deviation
  }
}

/// What a new cell has of the parts that fade. Unit: ppm of the rated capacity.
public struct NewElectrodes: Equatable, Sendable {
  /// The coupling plateau.
  public var coupling: Int32
  /// The charge from empty to the boundary between iron and plateau.
  public var accessibleIron: Int32
  /// The anode.
  public var anode: Int32

  /// Makes a new cell's parts.
  public init(coupling: Int32, accessibleIron: Int32, anode: Int32) {
    self.coupling = coupling
    self.accessibleIron = accessibleIron
    self.anode = anode
  }
}

/// What is known of a cell's electrodes, and how firmly.
///
/// All of the iron and the slippage cannot be told apart by a charge above 2.0 V: they are given
/// only together, with their correlation. What a user can rely on is the iron that the window
/// reaches.
public struct HealthReport: Equatable, Sendable {
  /// The coupling plateau.
  public var coupling: Measured
  /// The charge from empty to the boundary between iron and plateau.
  public var accessibleIron: Measured
  /// The anode.
  public var anode: Measured
  /// The charge between empty and full.
  public var capacity: Measured
  /// All of the iron; meaningful only with `slippage` and `correlation`.
  public var iron: Measured
  /// The cyclable sodium that was lost; meaningful only with `iron` and `correlation`.
  public var slippage: Measured
  /// The correlation of iron and slippage. Unit: 1/1000, −1000 to 1000.
  public var correlation: Int32
  /// When a charge last went through the iron; nil if none has.
  public var ironSeen: MonotonicTime?
  /// When a charge last went through the plateau; nil if none has.
  public var couplingSeen: MonotonicTime?
  /// How many charges have taught this.
  public var charges: Int32

  /// Why a full slow charge would teach much.
  public enum Advice: Equatable, Sendable {
    /// No charge has taught anything yet.
    case nothingLearned
    /// No charge has gone through the iron.
    case ironNeverSeen
    /// The deviation of the accessible iron is above 4 % of the rated capacity.
    case ironUncertain
    /// The deviation of the capacity is above 2 % of the rated capacity.
    case capacityUncertain
  }

  /// Whether a charge from empty to full at about C/5 is advised, and why; nil if it is not.
  public var learningChargeAdvice: Advice? {
    if charges == 0 { return .nothingLearned }
    if ironSeen == nil { return .ironNeverSeen }
    if accessibleIron.deviation > 40_000 { return .ironUncertain }
    if capacity.deviation > 20_000 { return .capacityUncertain }
    return nil
  }

  /// The correlation of two values from the variance of their sum (52 fractional bits).
  static func correlation(
    varianceOfSum: Int64, _ iron: Measured, _ slippage: Measured,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Int32 {
    let sum = Int64(
      bitPattern: IntegerMath.squareRoot(UInt64(max(varianceOfSum, 0))) << 14)
    let deviation = Format.toMillionths(sum, &arithmetic)
    let a = Int64(iron.deviation)
    let b = Int64(slippage.deviation)
    let product = max(2 * a * b, 1)
    let value = (deviation * deviation - a * a - b * b) * 1_000 / product
    return Int32(clamping: min(max(value, -1_000), 1_000))
  }
}

extension ModeFilter {
  /// A value with the deviation along a combination of the unknowns.
  mutating func measured(_ value: Int64, along direction: borrowing ModeVector) -> Measured {
    let variance = variance(along: direction)
    let deviation = Int64(
      bitPattern: IntegerMath.squareRoot(UInt64(max(variance, 0))) << 14)
    return Measured(
      value: Int32(clamping: Format.toMillionths(value, &arithmetic)),
      deviation: Int32(clamping: Format.toMillionths(deviation, &arithmetic)))
  }
}

// SPDX-License-Identifier: Apache-2.0

import Quantities

/// All that a `LifelongEstimator` has learned of its cell, as numbers that can be kept without power.
///
/// An estimator made from a snapshot knows its modes, their joint covariance and its curve bit by bit; a
/// charge that was going on when it was taken has taught nothing. Only what outlives a charge is kept:
/// the unknowns of one charge come first in the factors and leave the others' block as it is.
public struct LifelongSnapshot: Sendable {
  /// How many words the modes take.
  public static let count = 296
  /// The layout of the modes' words that is written.
  public static let layout: Int64 = 2
  /// The oldest layout that is read: its nine last words are 0, and the modes' rates are not known.
  static let oldestLayout: Int64 = 1

  /// What the state filter knows.
  public var filter: EstimatorSnapshot
  /// Whether `modes` holds anything: a record of a firmware without modes has none.
  public var hasModes = false
  /// The layout; the composition's checksum; flags; time since the iron and since the plateau was seen
  /// (µs); charges that taught and that were refused, curves made; the curve's error in voltage (µV) and
  /// along the charge (ppm); lead; open voltage (µV); fast and slow current (C); then the 21 unknowns that
  /// outlive a charge, the diagonal of their covariance, those of the curve in use, the 210 elements of
  /// the unit triangle by columns, and value, variance and tie of the three rates. The order is part of
  /// every kept record.
  public var modes: InlineArray<296, Int64>

  /// Makes a snapshot without modes.
  public init(filter: EstimatorSnapshot) {
    self.filter = filter
    modes = InlineArray(repeating: 0)
  }

  enum Flag {
    static let ageIsUnknown: Int64 = 1
    static let ageWasUnknown: Int64 = 2
    static let ironSeen: Int64 = 4
    static let couplingSeen: Int64 = 8
  }

  private static let kept = Mode.count - Mode.perCharge
  private static let unknowns = 14
  private static let diagonal = 35
  private static let curve = 56
  private static let triangle = 77
  private static let rates = 287

  var composition: UInt32 { UInt32(truncatingIfNeeded: modes[1]) }
  /// Whether the state of charge is one of a curve that was made from modes.
  var hasOtherCurve: Bool { hasModes && modes[7] > 0 }

  private static let layouts = oldestLayout...layout

  /// Whether the modes have a layout that this firmware does not know.
  public var isOfOtherLayout: Bool { hasModes && !Self.layouts.contains(modes[0]) }

  /// Whether every word is in the range that an estimator keeps it in.
  public var isSane: Bool {
    @_addressableSelf get {
      guard filter.isSane else { return false }
      guard hasModes else { return true }
      let century: Int64 = 3_153_600_000_000_000
      let bounds: InlineArray<14, ClosedRange<Int64>> = [
        Self.layouts, 0...Int64(UInt32.max), 0...15,
        0...century, 0...century, 0...Int64(Int32.max), 0...Int64(Int32.max), 0...Int64(Int32.max),
        0...1_000_000, 0...1_000_000, -Format.one...Format.one, -10_000_000...10_000_000,
        (-32 * Format.one)...(32 * Format.one), (-32 * Format.one)...(32 * Format.one),
      ]
      for i in 0..<14 where !bounds[i].contains(modes[i]) { return false }
      let widest = 8 * Format.one
      for k in 0..<Self.kept {
        guard modes[Self.diagonal + k] > 0 else { return false }
        guard -widest...widest ~= modes[Self.unknowns + k] else { return false }
        guard -widest...widest ~= modes[Self.curve + k] else { return false }
      }
      for i in Self.triangle..<Self.rates where modes[i] == .min { return false }
      return hasSaneRates && isCell(at: Self.unknowns) && isCell(at: Self.curve)
    }
  }

  /// A rate's variance is above 0; of the oldest layout all is 0.
  private var hasSaneRates: Bool {
    let isKnown = modes[0] > Self.oldestLayout
    for k in 0..<3 {
      let place = Self.rates + 3 * k
      guard -ModeDrift.most...ModeDrift.most ~= modes[place] else { return false }
      guard (isKnown ? 1 : 0)...Format.varianceOne ~= modes[place + 1] else { return false }
      guard 0...Format.varianceOne ~= modes[place + 2] else { return false }
      if !isKnown, modes[place] != 0 || modes[place + 1] != 0 || modes[place + 2] != 0 {
        return false
      }
    }
    return true
  }

  private func isCell(at start: Int) -> Bool {
    var x = ModeVector(repeating: 0)
    for k in 0..<Self.kept { x[Mode.perCharge + k] = modes[start + k] }
    return ModeFilter.isCell(x)
  }

  mutating func put(_ drift: ModeDrift) {
    for k in 0..<3 {
      modes[Self.rates + 3 * k] = drift.rates[k].value
      modes[Self.rates + 3 * k + 1] = drift.rates[k].variance
      modes[Self.rates + 3 * k + 2] = drift.rates[k].tie
    }
  }

  /// The rates; those of a cell of which only the make is known where they were not kept.
  var drift: ModeDrift {
    var drift = ModeDrift()
    guard modes[0] > Self.oldestLayout else { return drift }
    for k in 0..<3 {
      drift.rates[k] = ModeDrift.Rate(
        value: modes[Self.rates + 3 * k], variance: modes[Self.rates + 3 * k + 1],
        tie: modes[Self.rates + 3 * k + 2])
    }
    return drift
  }

  mutating func put(_ filter: borrowing ModeFilter, curve: borrowing @_addressable ModeVector) {
    var next = Self.triangle
    for k in 0..<Self.kept {
      let column = Mode.perCharge + k
      modes[Self.unknowns + k] = filter.x[column]
      modes[Self.diagonal + k] = filter.covariance.d[column]
      modes[Self.curve + k] = curve[column]
      for row in Mode.perCharge..<column {
        modes[next] = filter.covariance.u[ModeCovariance.at(row, column)]
        next += 1
      }
    }
  }

  func restore(_ filter: inout ModeFilter, curve: inout ModeVector) {
    var next = Self.triangle
    for k in 0..<Self.kept {
      let column = Mode.perCharge + k
      filter.x[column] = modes[Self.unknowns + k]
      filter.covariance.d[column] = modes[Self.diagonal + k]
      curve[column] = modes[Self.curve + k]
      // What tied the modes to the unknowns of a charge is forgotten when the next one begins.
      for row in 0..<Mode.perCharge { filter.covariance.u[ModeCovariance.at(row, column)] = 0 }
      for row in Mode.perCharge..<column {
        filter.covariance.u[ModeCovariance.at(row, column)] = modes[next]
        next += 1
      }
    }
  }
}

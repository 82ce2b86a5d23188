// SPDX-License-Identifier: Apache-2.0

import Quantities

/// How far a site has given up its sodium over the potential of its electrode: a rising table.
///
/// 257 values at even steps of potential, linear between, constant outside. The table belongs to the
/// make; a cell's own site is the same shape at a shifted potential and scaled width.
public struct SiteTable: Sendable {
  /// The potential in the middle of the table. Unit: µV against Na/Na+.
  public var centre: Int32
  /// How far the table reaches to either side. Unit: µV, at least 1000.
  public var reach: Int32
  /// The share of the site that is empty, rising from 0 to 1. Unit: 2^-30.
  public var emptied: InlineArray<257, Int32>

  /// Makes a table; the values must not fall.
  public init(centre: Int32, reach: Int32, emptied: InlineArray<257, Int32>) {
    self.centre = centre
    self.reach = reach
    self.emptied = emptied
  }

  /// A site's state at a potential.
  struct Reading {
    /// The empty share, 40 fractional bits.
    var emptied: Int64
    /// How it rises with potential, per volt, 40 fractional bits.
    var slope: Int64
    /// The potential's distance from the site's middle over the width's scale, in V of the table,
    /// 40 fractional bits.
    var distance: Int64
  }

  /// Reads the table at a potential, for a site that is shifted and widened.
  ///
  /// - Parameters:
  ///   - potential: in V, 40 fractional bits.
  ///   - shift: in V, 40 fractional bits.
  ///   - width: the site's width over the table's, less 1; 40 fractional bits.
  @_addressableSelf
  func reading(
    at potential: Int64, shift: Int64, width: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Reading {
    let middle = Format.millionths(centre, &arithmetic) + shift
    let scale = Format.one + width
    let distance = arithmetic.ratio(potential - middle, scale)
    let half = Format.millionths(reach, &arithmetic)
    let inside = min(max(distance, -half), half)
    // 128 steps per reach, 32 fractional bits of a step.
    let place = arithmetic.multiply(inside + half, 128 << 32, dividedBy: half)
    let whole = min(place >> 32, 255)
    let index = Int(truncatingIfNeeded: whole)
    let fraction = place - (whole << 32)
    let table = emptied.span
    let low = Int64(table[index])
    let high = Int64(table[index + 1])
    // 30 + 32 fractional bits, then 40.
    let value = arithmetic.multiply((low << 32) + (high - low) * fraction, 1, shift: 22)
    // The slope between central differences, so that it has no jumps.
    let before = Int64(table[max(index - 1, 0)])
    let after = Int64(table[min(index + 2, 256)])
    let leftRise = high - before
    let rightRise = after - low
    let rise = arithmetic.multiply(
      (leftRise << 32) + (rightRise - leftRise) * fraction, 1, shift: 23)
    // Per step of `reach / 128`, widened.
    let step = arithmetic.times(half, scale) >> 7
    return Reading(
      emptied: value, slope: distance == inside ? arithmetic.ratio(rise, step) : 0,
      distance: distance)
  }
}

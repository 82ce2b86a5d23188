// SPDX-License-Identifier: Apache-2.0

import Quantities

/// What follows from modes for the state filter: the window, a place in it, and how sure both are.
struct WindowOutlook {
  /// The window, 40 fractional bits.
  var window: ChargeWindow
  /// How the empty end moves with the modes.
  var empty: ModeVector
  /// How the full end moves with the modes.
  var full: ModeVector
}

extension ModeFilter {
  /// The window of the present modes and its derivatives.
  mutating func outlook(_ profile: borrowing @_addressable CompositionProfile) -> WindowOutlook {
    let window = profile.window(x, &arithmetic)
    let ends = profile.ends(x, &arithmetic)
    return WindowOutlook(
      window: window, empty: endDerivative(profile, window, at: ends.lower),
      full: endDerivative(profile, window, at: ends.upper))
  }

  /// ∂q/∂m = −(∂U/∂m)/(∂U/∂q) at a fixed voltage.
  private mutating func endDerivative(
    _ profile: borrowing @_addressable CompositionProfile, _ window: ChargeWindow, at voltage: Int32
  ) -> ModeVector {
    let point = profile.point(
      atVoltage: Format.millionths(voltage, &arithmetic), x, window, &arithmetic)
    let curve = profile.sensitivity(at: point, x, window, &arithmetic)
    let perVolt = arithmetic.ratio(Format.one, curve.charge)
    var derivative = ModeVector(repeating: 0)
    for k in Mode.perCharge..<Mode.firstNode {
      derivative[k] = 0 - arithmetic.times(curve.modes[k], perVolt)
    }
    return derivative
  }

  /// The variance of the open-circuit voltage at a state of charge, 52 fractional bits.
  mutating func curveVariance(
    _ profile: borrowing @_addressable CompositionProfile, at place: Int64,
    _ outlook: borrowing @_addressable WindowOutlook
  ) -> Int64 {
    let window = outlook.window
    let charge = window.empty + arithmetic.times(place, window.span)
    let point = profile.point(atCharge: charge, x, window, &arithmetic)
    var curve = profile.sensitivity(at: point, x, window, &arithmetic)
    // Where the curve is a wall its height means nothing; the window's ends carry it.
    let slope = min(curve.charge, 8 * Format.one)
    for k in Mode.perCharge..<Mode.count {
      let end =
        arithmetic.times(Format.one - place, outlook.empty[k])
        + arithmetic.times(place, outlook.full[k])
      let direct = min(max(curve.modes[k], -8 * Format.one), 8 * Format.one)
      curve.modes[k] = direct + arithmetic.times(slope, end)
    }
    return variance(along: curve.modes)
  }
}

/// The open-circuit table of a state filter, rebuilt from modes a few points at a time.
struct CurveRebuild: Sendable {
  /// The new table as far as it has been made. Unit: µV.
  private(set) var table: InlineArray<257, Int32>
  /// The next point.
  private(set) var next = 0

  /// Whether the whole table has been made.
  var isComplete: Bool { next == 257 }

  /// Starts from the make's table.
  ///
  /// Above a state of charge of 1 its shape stays: that wall is of material too slow to take part, which
  /// the composition does not know. It begins where the new curve ends.
  init(_ table: InlineArray<257, Int32>) { self.table = table }

  /// Makes the next `count` points.
  mutating func advance(
    _ profile: borrowing @_addressable CompositionProfile, _ m: borrowing @_addressable ModeVector,
    _ window: ChargeWindow,
    count: Int, _ arithmetic: inout SaturatingArithmetic
  ) {
    let end = Format.toMillionths(
      profile.point(atCharge: window.empty + window.span, m, window, &arithmetic).voltage,
      &arithmetic)
    let raised = Int32(clamping: end) - profile.upperVoltage
    for _ in 0..<count where next < 257 {
      let place =
        TablePlace.lowest
        + arithmetic.multiply(
          TablePlace.highest - TablePlace.lowest, Int64(next), dividedBy: 256)
      var value = Int32(clamping: Int64(table[next]) + Int64(raised))
      if place <= Format.one {
        let charge = window.empty + arithmetic.times(place, window.span)
        let point = profile.point(atCharge: charge, m, window, &arithmetic)
        value = Int32(clamping: Format.toMillionths(point.voltage, &arithmetic))
      }
      // The filter wants a curve that does not fall.
      table[next] = next == 0 ? value : max(value, table[next - 1])
      next += 1
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import Quantities

/// How fast the parts of a cell change with the charge that goes in, and how surely that is known.
///
/// What no charge shows fades on: between two looks each part goes on at the rate that it was found
/// to have. A rate is tied to the unknowns through its own part only, so three numbers hold all that is
/// known of it, and whatever a charge teaches of the part it teaches of the rate.
struct ModeDrift: Sendable {
  /// What is known of one part's rate.
  struct Rate: Equatable, Sendable {
    /// The change for each rated capacity that goes in, 40 fractional bits.
    var value: Int64 = 0
    /// Its variance, 52 fractional bits.
    var variance: Int64 = 0
    /// Its covariance with the part, 52 fractional bits.
    var tie: Int64 = 0
  }

  /// The unknowns that have a rate.
  static let parts: InlineArray<3, Int> = [Mode.coupling, Mode.stock, Mode.anode]
  /// The deviation of a rate of which nothing is known. Unit: ppm of the rated capacity for each
  /// rated capacity that goes in.
  static let prior: InlineArray<3, Int32> = [8_000, 15_000, 2_000]
  /// How a rate walks over one rated capacity that goes in; in its unit.
  static let rateWalk: Int32 = 500
  /// How the plateau walks beside its rate over one rated capacity that goes in. Unit: ppm of it.
  static let couplingWalk: Int32 = 4_000
  /// How iron with its sodium, and slippage, walk beside their rate: wide, because a charge above 2.0 V
  /// does not tell which of the two was lost.
  static let ironWalk: Int32 = 20_000
  static let slippageWalk: Int32 = 20_000
  /// The largest rate that is believed: 4 % for each rated capacity.
  static let most = Format.one / 25

  /// The rates, in the order of `parts`.
  var rates = InlineArray<3, Rate>(repeating: Rate())

  /// Starts with a cell of which only the make is known.
  init() {
    var arithmetic = SaturatingArithmetic()
    for k in 0..<3 {
      rates[k].variance = Format.variance(ofMillionths: Self.prior[k], &arithmetic)
    }
  }

  /// The unknowns that change with a part: what leaves the stock is half iron's, half slippage.
  static func direction(_ part: Int) -> ModeVector {
    var direction = ModeVector(repeating: 0)
    direction[part] = Format.one
    if part == Mode.stock { direction[Mode.iron] = Format.half }
    return direction
  }
}

extension ModeFilter {
  /// Lets the modes change over a charge that went in.
  ///
  /// The variances are those of the part and its rate together: for a part that is not seen they grow
  /// with the square of the charge, as the error of a steady rate does.
  /// - Parameter charge: above 0, at most one rated capacity; 40 fractional bits.
  mutating func fade(_ drift: inout ModeDrift, over charge: Int64, _ t: ModeTuning) {
    for k in 0..<3 {
      let rate = drift.rates[k]
      let part = ModeDrift.parts[k]
      let direction = ModeDrift.direction(part)
      let change = arithmetic.times(rate.value, charge)
      for i in Mode.perCharge...part { x[i] += arithmetic.times(direction[i], change) }
      let byRate = arithmetic.times(rate.variance, charge)
      let variance = arithmetic.times(2 * rate.tie + byRate, charge)
      covariance.add(variance: variance, along: direction, last: part, &arithmetic)
      drift.rates[k].tie = rate.tie + byRate
      drift.rates[k].variance = rate.variance + walked(ModeDrift.rateWalk, charge)
    }
    walk(ModeDrift.couplingWalk, Mode.coupling, charge)
    walk(ModeDrift.slippageWalk, Mode.stock, charge)
    addIron(walked(ModeDrift.ironWalk, charge))
    walk(t.anodeWalk, Mode.anode, charge)
    walk(t.shapeWalk, Mode.couplingShift, charge)
    walk(t.widthWalk, Mode.couplingWidth, charge)
    walk(t.shapeWalk, Mode.ironShift, charge)
    walk(t.widthWalk, Mode.ironWidth, charge)
    walk(t.widthWalk, Mode.anodeWidth, charge)
    for k in 0..<Mode.nodes { walk(t.shapeWalk, Mode.firstNode + k, charge) }
  }

  private mutating func walk(_ millionths: Int32, _ k: Int, _ charge: Int64) {
    covariance.add(variance: walked(millionths, charge), to: k, &arithmetic)
  }

  /// The variance of a walk over a charge that went in.
  private mutating func walked(_ millionths: Int32, _ charge: Int64) -> Int64 {
    arithmetic.times(Format.variance(ofMillionths: millionths, &arithmetic), charge)
  }

  /// Takes over what a charge's teaching says of the rates.
  ///
  /// - Parameter before: the filter as it was before the charge.
  mutating func teach(_ drift: inout ModeDrift, from before: borrowing ModeFilter) {
    for k in 0..<3 {
      let rate = drift.rates[k]
      let part = ModeDrift.parts[k]
      let held = max(before.covariance.variance(of: part, &arithmetic), 1)
      let left = min(covariance.variance(of: part, &arithmetic), held)
      let share = arithmetic.ratio(rate.tie, held)
      let value = rate.value + arithmetic.times(share, x[part] - before.x[part])
      let learned = arithmetic.times(arithmetic.times(share, share), held - left)
      drift.rates[k].value = min(max(value, -ModeDrift.most), ModeDrift.most)
      // Never below a sixteenth of what it was: rounding must not make a rate certain.
      drift.rates[k].variance = max(rate.variance - learned, rate.variance / 16)
      drift.rates[k].tie = arithmetic.times(share, left)
    }
  }
}

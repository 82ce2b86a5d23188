// SPDX-License-Identifier: Apache-2.0

import Quantities

/// The modes of a cell and their joint covariance, updated from one charge at a time.
///
/// Every crossed edge is one look in the charge domain: the composed curve says at which charge the
/// cell rests at the edge's voltage. Charge is bounded where voltage is a wall, so a wrong start
/// cannot throw the update far. Looks are robust by Huber's weighting instead of gates, because the
/// samples that a gate throws out are the ones that decide. Source: the project's study of modes,
/// section 5; Bierman 1977 for the scalar update.
struct ModeFilter: Sendable {
  /// The unknowns, 40 fractional bits.
  var x: ModeVector
  var covariance: ModeCovariance
  /// Where residual and nodes lie; follows the modes between passes.
  var window: ChargeWindow
  var arithmetic = SaturatingArithmetic()

  /// Starts with a fresh cell, or with one of which only the make is known.
  init(_ profile: borrowing @_addressable CompositionProfile, isFresh: Bool) {
    x = profile.freshModes
    window = profile.window(x, &arithmetic)
    covariance = ModeCovariance(diagonal: ModeVector(repeating: 1))
    let t = profile.tuning
    let wide = isFresh ? 0 : t.unknownAge
    var d = ModeVector(repeating: 0)
    d[Mode.offset] = square(t.offset)
    d[Mode.resistance] = square(t.resistance)
    d[Mode.ironResistance] = square(t.ironResistance)
    d[Mode.current] = square(t.current)
    d[Mode.lag] = square(t.lag)
    d[Mode.charge] = square(t.charge)
    d[Mode.coupling] = square(t.coupling) + square(wide)
    d[Mode.remainder] = square(t.remainder)
    d[Mode.anode] = square(t.anode) + square(wide) / 4
    d[Mode.couplingShift] = square(t.couplingShift)
    d[Mode.couplingWidth] = square(t.couplingWidth)
    d[Mode.ironShift] = square(t.ironShift)
    d[Mode.ironWidth] = square(t.ironWidth)
    d[Mode.anodeWidth] = square(t.anodeWidth)
    for k in 0..<Mode.nodes { d[Mode.firstNode + k] = square(t.node) }
    covariance = ModeCovariance(diagonal: d)
    covariance.add(
      variance: square(t.slippage) + square(wide), to: Mode.stock, &arithmetic)
    addIron(square(t.iron) + square(wide))
  }

  private mutating func square(_ millionths: Int32) -> Int64 {
    Format.variance(ofMillionths: millionths, &arithmetic)
  }

  /// Iron gained or lost with the slippage unchanged moves the stock with it.
  mutating func addIron(_ variance: Int64) {
    var direction = ModeVector(repeating: 0)
    direction[Mode.iron] = Format.one
    direction[Mode.stock] = Format.one
    covariance.add(variance: variance, along: direction, last: Mode.stock, &arithmetic)
  }

  /// How many ages of a cell are tried when nothing is known of its own.
  static let ages: Int32 = 7

  /// Moves the belief to a cell that has lost one of its parts: the iron, the sodium or the plateau,
  /// half of what can be lost or all of it; age 0 is the fresh cell.
  ///
  /// From a fresh cell's curve the linear steps of an update do not find a far age: where the charge
  /// begins above the iron they take the missing iron for missing plateau.
  mutating func assume(age: Int32, _ profile: borrowing @_addressable CompositionProfile) {
    guard age > 0 else { return }
    let halves = Int64((age - 1) % 2 + 1)
    switch (age - 1) / 2 {
    case 0:
      let lost = arithmetic.multiply(x[Mode.iron], 3 * halves, dividedBy: 10)
      x[Mode.iron] -= lost
      x[Mode.stock] -= lost
    case 1: x[Mode.stock] -= Format.one / 100 * 9 * halves
    default:
      x[Mode.coupling] -= arithmetic.multiply(x[Mode.coupling], 15 * halves, dividedBy: 100)
    }
    window = profile.window(x, &arithmetic)
  }

  /// Says of a cell of unknown age how far apart the ages are that it can have: 10 % of the rated
  /// capacity in plateau, iron and sodium.
  mutating func spreadOverAges() {
    let spread = square(100_000)
    covariance.add(variance: spread, to: Mode.coupling, &arithmetic)
    covariance.add(variance: spread, to: Mode.stock, &arithmetic)
    addIron(spread)
  }

  /// Adds what the make's tables themselves are wrong by: for reports, never for learning, because it
  /// is one error in all charges and not a new one in each.
  ///
  /// - Parameter isOfUnknownAge: whether the cell's age was unknown at the start: then ages that
  ///   differ in the iron below the window explain its charges equally well.
  mutating func addStructure(_ t: ModeTuning, isOfUnknownAge: Bool) {
    var direction = ModeVector(repeating: 0)
    direction[Mode.coupling] = -Format.one
    direction[Mode.iron] = Format.one
    direction[Mode.stock] = Format.one
    covariance.add(
      variance: square(t.boundary), along: direction, last: Mode.stock, &arithmetic)
    let own = square(t.structure)
    covariance.add(variance: own, to: Mode.coupling, &arithmetic)
    covariance.add(variance: own, to: Mode.stock, &arithmetic)
    covariance.add(
      variance: own + (isOfUnknownAge ? square(t.hiddenIron) : 0), to: Mode.iron, &arithmetic)
  }

  /// Holds the modes for certain, so that a charge shows how well they explain it; to be called after
  /// `beginCharge`.
  mutating func hold(
    _ m: borrowing @_addressable ModeVector, _ profile: borrowing @_addressable CompositionProfile
  ) {
    for k in Mode.perCharge..<Mode.count {
      x[k] = m[k]
      covariance.decorrelate(row: k, variance: 1)
    }
    window = profile.window(x, &arithmetic)
    x[Mode.charge] = window.empty
  }

  /// Makes ready for a charge: what belonged to the last one is forgotten.
  ///
  /// - Parameter offsetVariance: of the current offset that the state filter has found, in C², 52
  ///   fractional bits.
  mutating func beginCharge(_ t: ModeTuning, offsetVariance: Int64) {
    let own: InlineArray<6, Int32> = [
      t.offset, t.resistance, t.ironResistance, t.current, t.lag, t.charge,
    ]
    for k in 0..<Mode.perCharge {
      x[k] = 0
      covariance.decorrelate(
        row: k, variance: k == Mode.current ? offsetVariance : square(own[k]))
    }
    x[Mode.charge] = window.empty
  }

  /// Weighs one crossed edge.
  ///
  /// - Parameter around: where the curve is linearised; the present unknowns on a first pass, the
  ///   result of the pass before on a second one.
  /// - Returns: the squared innovation over its variance, 40 fractional bits.
  mutating func weigh(
    _ profile: borrowing @_addressable CompositionProfile,
    _ record: borrowing @_addressable ChargeRecord, edge: Int,
    offset: Int64, around: borrowing @_addressable ModeVector
  ) -> Int64 {
    let hours = record.hours[edge]
    let open = Format.millionths(profile.edges[edge], &arithmetic) - around[Mode.offset]
    let taken = record.drop[edge]
    let share = profile.ironShare(atVoltage: open, around, window, &arithmetic)
    let drop = profile.drop(taken, edge: edge, ironShare: share, &arithmetic)
    let ironDrop = arithmetic.times(drop, share)
    let otherDrop = drop - ironDrop
    let voltage =
      open + taken - drop
      - arithmetic.times(otherDrop, around[Mode.resistance])
      - arithmetic.times(ironDrop, around[Mode.ironResistance])
    let point = profile.point(atVoltage: voltage, around, window, &arithmetic)
    let curve = profile.sensitivity(at: point, around, window, &arithmetic)
    let perVolt = arithmetic.ratio(Format.one, curve.charge)

    var h = ModeVector(repeating: 0)
    for k in Mode.perCharge..<Mode.count {
      h[k] = 0 - arithmetic.times(curve.modes[k], perVolt)
    }
    h[Mode.offset] = 0 - perVolt
    h[Mode.resistance] = 0 - arithmetic.times(otherDrop, perVolt)
    h[Mode.ironResistance] = 0 - arithmetic.times(ironDrop, perVolt)
    h[Mode.current] = hours
    h[Mode.lag] = 0 - record.lag[edge]
    h[Mode.charge] = 0 - Format.one

    let known = profile.correction(edge: edge, current: record.current, &arithmetic)
    let seen = record.charge[edge] - arithmetic.times(offset, hours) + record.lag[edge]
    var innovation = seen - known - point.charge
    innovation += around[Mode.charge] - arithmetic.times(hours, around[Mode.current])
    innovation += arithmetic.times(record.lag[edge], around[Mode.lag])
    for k in 0..<Mode.count {
      innovation -= arithmetic.times(h[k], x[k] - around[k])
    }
    let byVoltage = arithmetic.times(
      Format.millionths(profile.tuning.edgeVoltage, &arithmetic), perVolt)
    let noise =
      square(profile.tuning.edgeCharge) + arithmetic.multiply(byVoltage, byVoltage, shift: 28)
    return absorb(innovation, h, noise: noise)
  }

  /// One scalar update; an innovation beyond four deviations counts with less weight.
  private mutating func absorb(
    _ innovation: Int64, _ h: borrowing @_addressable ModeVector, noise: Int64
  ) -> Int64 {
    var noise = noise
    var projection = covariance.projected(on: h, noise: noise, &arithmetic)
    let bounded = min(max(innovation, -4 * Format.one), 4 * Format.one)
    let squared = arithmetic.multiply(bounded, bounded, shift: 28)
    let surprise = arithmetic.ratio(squared, projection.innovationVariance)
    if squared / 16 > projection.innovationVariance {
      noise += squared / 16 - projection.innovationVariance
      projection = covariance.projected(on: h, noise: noise, &arithmetic)
    }
    let gain = covariance.update(projection, noise: noise, &arithmetic)
    for k in 0..<Mode.count {
      let share = arithmetic.ratio(gain[k], projection.innovationVariance)
      x[k] = arithmetic.add(x[k], arithmetic.times(share, bounded))
    }
    return surprise
  }

  /// Whether the modes are those of some cell.
  var isSane: Bool { arithmetic.saturations == 0 && Self.isCell(x) }

  /// Whether unknowns are those of some cell.
  static func isCell(_ x: ModeVector) -> Bool {
    let tenth = Format.one / 10
    return x[Mode.coupling] > tenth && x[Mode.iron] > tenth / 10
      && x[Mode.anode] > 3 * tenth && x[Mode.stock] > -5 * tenth && x[Mode.stock] < 8 * tenth
      && x[Mode.couplingWidth] > -5 * tenth && x[Mode.ironWidth] > -5 * tenth
      && x[Mode.anodeWidth] > -5 * tenth
  }

  /// The covariance of two unknowns, 52 fractional bits.
  mutating func covariance(of a: Int, and b: Int) -> Int64 {
    guard a != b else { return covariance.variance(of: a, &arithmetic) }
    var sum = ModeVector(repeating: 0)
    sum[a] = Format.one
    sum[b] = Format.one
    let apart =
      covariance.variance(of: a, &arithmetic) + covariance.variance(of: b, &arithmetic)
    return (variance(along: sum) - apart) / 2
  }

  /// The variance of a linear combination of the unknowns, 52 fractional bits.
  mutating func variance(along direction: borrowing @_addressable ModeVector) -> Int64 {
    covariance.projected(on: direction, noise: 0, &arithmetic).innovationVariance
  }
}

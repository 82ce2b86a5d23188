// SPDX-License-Identifier: Apache-2.0

import Quantities

/// The window that the nodes and the residual are laid over, in the charge coordinate.
struct ChargeWindow: Equatable, Sendable {
  /// Where the cell is empty, 40 fractional bits.
  var empty: Int64
  /// The charge from there to full, 40 fractional bits; above 0.
  var span: Int64
}

/// The open-circuit voltages at which a cell is empty and full.
struct CurveEnds: Equatable, Sendable {
  /// Empty. Unit: µV.
  var lower: Int32
  /// Full. Unit: µV.
  var upper: Int32
}

/// A place on the composed open-circuit curve.
struct CurvePoint {
  /// The charge coordinate, 40 fractional bits.
  var charge: Int64
  /// The open-circuit voltage there. Unit: V, 40 fractional bits.
  var voltage: Int64
  /// The potentials of the electrodes. Unit: V, 40 fractional bits.
  var cathode: Int64
  var anode: Int64
}

/// The open-circuit voltage as cathode less anode: everything here is a function of the modes.
extension CompositionProfile {
  /// An electrode's charge at a potential and what it gains per volt, 40 fractional bits.
  struct Content {
    var charge: Int64
    var slope: Int64
  }

  /// The least that an electrode takes up per volt, in rated capacities: a floor for reciprocals.
  static let leastSlope: Int64 = 13_194_139_533  // 0.012

  /// The range of the cathode's potential that is searched. Unit: V, 40 fractional bits.
  private static let lowestCathode: Int64 = 1_099_511_627_776
  private static let highestCathode: Int64 = 6_047_313_952_768
  /// The range of the anode's potential. Unit: V, 40 fractional bits.
  private static let lowestAnode: Int64 = -1_099_511_627_776
  private static let highestAnode: Int64 = 3_298_534_883_328

  /// What the cathode has given up at a potential, counted from the boundary.
  @_addressableSelf
  func cathode(
    at potential: Int64, _ m: borrowing @_addressable ModeVector,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Content {
    let c = coupling.reading(
      at: potential, shift: m[Mode.couplingShift], width: m[Mode.couplingWidth], &arithmetic)
    let f = iron.reading(
      at: potential, shift: m[Mode.ironShift], width: m[Mode.ironWidth], &arithmetic)
    let v = remainder.reading(at: potential, shift: 0, width: 0, &arithmetic)
    let charge =
      arithmetic.times(m[Mode.coupling], c.emptied)
      - arithmetic.times(m[Mode.iron], Format.one - f.emptied)
      + arithmetic.times(m[Mode.remainder], v.emptied)
    let slope =
      arithmetic.times(m[Mode.coupling], c.slope) + arithmetic.times(m[Mode.iron], f.slope)
      + arithmetic.times(m[Mode.remainder], v.slope)
    return Content(charge: charge, slope: max(slope, Self.leastSlope))
  }

  /// The share of the anode that is full at a potential, and how it falls per volt.
  @_addressableSelf
  func anodeFilling(
    at potential: Int64, _ m: borrowing @_addressable ModeVector,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Content {
    let sloping = anodeSlope.reading(
      at: potential, shift: 0, width: m[Mode.anodeWidth], &arithmetic)
    let flat = anodePlateau.reading(at: potential, shift: 0, width: 0, &arithmetic)
    let share = Format.millionths(anodeSlopeShare, &arithmetic)
    let emptied =
      arithmetic.times(share, sloping.emptied)
      + arithmetic.times(Format.one - share, flat.emptied)
    let slope =
      arithmetic.times(share, sloping.slope) + arithmetic.times(Format.one - share, flat.slope)
    return Content(charge: Format.one - emptied, slope: slope)
  }

  /// What the nodes add at a charge. Unit: V, 40 fractional bits.
  @_addressableSelf
  func nodes(
    at charge: Int64, _ m: borrowing @_addressable ModeVector, _ window: ChargeWindow,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let hat = Hat(arithmetic.ratio(charge - window.empty, window.span))
    var sum: Int64 = 0
    if let low = hat.low { sum += arithmetic.times(hat.lowWeight, m[low]) }
    if let high = hat.high { sum += arithmetic.times(hat.highWeight, m[high]) }
    return sum
  }

  /// What of a measured voltage the composition of site tables does not explain, and how that
  /// changes per volt; 40 fractional bits both.
  @_addressableSelf
  func residual(
    at voltage: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> (value: Int64, slope: Int64) {
    let low = Format.millionths(lowerVoltage, &arithmetic)
    let span = Format.millionths(upperVoltage, &arithmetic) - low
    guard voltage > low, voltage < low + span else { return (0, 0) }
    let place = arithmetic.multiply(voltage - low, 256 << 24, dividedBy: span)
    let index = Int(truncatingIfNeeded: min(place >> 24, 255))
    let fraction = place - Int64(index) << 24
    let table = residual.span
    let before = table[index]
    let after = table[index + 1]
    let rise = Format.millionths(after, &arithmetic) - Format.millionths(before, &arithmetic)
    return (
      TablePlace.between(before, after, fraction, &arithmetic),
      arithmetic.ratio(rise * 256, span)
    )
  }

  /// The one or two nodes that act at a place of the window, and by how much.
  struct Hat {
    var low: Int?
    var high: Int?
    var lowWeight: Int64 = 0
    var highWeight: Int64 = 0

    init(_ place: Int64) {
      guard place > 0, place < Format.one else { return }
      let scaled = place * 12
      let whole = Int(truncatingIfNeeded: scaled >> 40)
      highWeight = scaled - Int64(whole) * Format.one
      lowWeight = Format.one - highWeight
      if whole > 0 { low = Mode.firstNode + whole - 1 }
      if whole < Mode.nodes { high = Mode.firstNode + whole }
    }
  }

  /// The place where the cell rests at a voltage: the composed curve's inverse.
  @_addressableSelf
  func point(
    atVoltage voltage: Int64, _ m: borrowing @_addressable ModeVector, _ window: ChargeWindow,
    _ arithmetic: inout SaturatingArithmetic
  ) -> CurvePoint {
    var search = Bracket(Self.lowestCathode, Self.highestCathode)
    while let potential = search.candidate {
      let charge = cathode(at: potential, m, &arithmetic).charge
      let other = anodePotential(potential, charge, voltage, m, window, &arithmetic)
      let held = arithmetic.times(
        m[Mode.anode], anodeFilling(at: other, m, &arithmetic).charge)
      search.note(charge + m[Mode.stock] - held, &arithmetic)
    }
    let charge = cathode(at: search.root, m, &arithmetic).charge
    return CurvePoint(
      charge: charge, voltage: voltage, cathode: search.root,
      anode: anodePotential(search.root, charge, voltage, m, window, &arithmetic))
  }

  /// The anode's potential beside a cathode's, for the cell to rest at a voltage.
  @_addressableSelf
  private func anodePotential(
    _ cathode: Int64, _ charge: Int64, _ voltage: Int64, _ m: borrowing @_addressable ModeVector,
    _ window: ChargeWindow, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let bare = voltage - nodes(at: charge, m, window, &arithmetic)
    return cathode - bare + residual(at: bare, &arithmetic).value
  }

  /// The place where the cell holds a charge.
  @_addressableSelf
  func point(
    atCharge charge: Int64, _ m: borrowing @_addressable ModeVector, _ window: ChargeWindow,
    _ arithmetic: inout SaturatingArithmetic
  ) -> CurvePoint {
    var search = Bracket(Self.lowestCathode, Self.highestCathode)
    while let potential = search.candidate {
      search.note(cathode(at: potential, m, &arithmetic).charge - charge, &arithmetic)
    }
    let positive = search.root
    search = Bracket(Self.lowestAnode, Self.highestAnode)
    let wanted = charge + m[Mode.stock]
    while let potential = search.candidate {
      let held = arithmetic.times(
        m[Mode.anode], anodeFilling(at: potential, m, &arithmetic).charge)
      search.note(wanted - held, &arithmetic)
    }
    let negative = search.root
    let composed = positive - negative
    // The residual belongs to the measured voltage, and is well below the curve's own height.
    search = Bracket(composed - Format.one / 4, composed + Format.one / 4)
    while let bare = search.candidate {
      search.note(bare - residual(at: bare, &arithmetic).value - composed, &arithmetic)
    }
    return CurvePoint(
      charge: charge, voltage: search.root + nodes(at: charge, m, window, &arithmetic),
      cathode: positive, anode: negative)
  }

  /// How the open-circuit voltage at a place changes.
  struct Sensitivity {
    /// With every mode at a fixed charge. Unit: V per unit, 40 fractional bits.
    var modes: ModeVector
    /// With charge. Unit: V per rated capacity, 40 fractional bits.
    var charge: Int64
  }

  /// The derivatives of the open-circuit voltage at a place.
  @_addressableSelf
  func sensitivity(
    at point: CurvePoint, _ m: borrowing @_addressable ModeVector, _ window: ChargeWindow,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Sensitivity {
    let cathode = cathode(at: point.cathode, m, &arithmetic).slope
    let filling = anodeFilling(at: point.anode, m, &arithmetic)
    let anode = max(arithmetic.times(m[Mode.anode], filling.slope), Self.leastSlope)
    let bare = point.voltage - nodes(at: point.charge, m, window, &arithmetic)
    let stretch = Format.one - residual(at: bare, &arithmetic).slope
    let bounded = min(max(stretch, Format.half), 2 * Format.one)
    let perCathode = arithmetic.ratio(arithmetic.ratio(Format.one, cathode), bounded)
    let perAnode = arithmetic.ratio(arithmetic.ratio(Format.one, anode), bounded)
    let c = coupling.reading(
      at: point.cathode, shift: m[Mode.couplingShift], width: m[Mode.couplingWidth], &arithmetic)
    let f = iron.reading(
      at: point.cathode, shift: m[Mode.ironShift], width: m[Mode.ironWidth], &arithmetic)
    let v = remainder.reading(at: point.cathode, shift: 0, width: 0, &arithmetic)
    let sloping = anodeSlope.reading(
      at: point.anode, shift: 0, width: m[Mode.anodeWidth], &arithmetic)

    var h = ModeVector(repeating: 0)
    h[Mode.coupling] = 0 - arithmetic.times(c.emptied, perCathode)
    h[Mode.iron] = arithmetic.times(Format.one - f.emptied, perCathode)
    h[Mode.remainder] = 0 - arithmetic.times(v.emptied, perCathode)
    h[Mode.anode] = 0 - arithmetic.times(filling.charge, perAnode)
    h[Mode.stock] = perAnode
    h[Mode.couplingShift] = arithmetic.times(
      arithmetic.times(m[Mode.coupling], c.slope), perCathode)
    h[Mode.couplingWidth] = arithmetic.times(h[Mode.couplingShift], c.distance)
    h[Mode.ironShift] = arithmetic.times(arithmetic.times(m[Mode.iron], f.slope), perCathode)
    h[Mode.ironWidth] = arithmetic.times(h[Mode.ironShift], f.distance)
    let share = arithmetic.times(
      Format.millionths(anodeSlopeShare, &arithmetic), m[Mode.anode])
    h[Mode.anodeWidth] =
      0
      - arithmetic.times(
        arithmetic.times(arithmetic.times(share, sloping.slope), sloping.distance), perAnode)
    let hat = Hat(arithmetic.ratio(point.charge - window.empty, window.span))
    if let low = hat.low { h[low] = hat.lowWeight }
    if let high = hat.high { h[high] = hat.highWeight }
    return Sensitivity(modes: h, charge: perCathode + perAnode)
  }

  /// How much of the charge at a voltage is the iron's, 40 fractional bits.
  func ironShare(
    atVoltage voltage: Int64, _ m: borrowing ModeVector, _ window: ChargeWindow,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let place = point(atVoltage: voltage, m, window, &arithmetic).cathode
    let own = iron.reading(
      at: place, shift: m[Mode.ironShift], width: m[Mode.ironWidth], &arithmetic)
    let all = cathode(at: place, m, &arithmetic).slope
    let share = arithmetic.ratio(arithmetic.times(m[Mode.iron], own.slope), all)
    return min(max(share, 0), Format.one)
  }

  /// What current adds to the voltage at an edge where a worn cell's iron has another share.
  ///
  /// The tables over the voltage are a new cell's. A cell that lost its sodium rests at an edge that was
  /// the iron's with its iron full: taking the iron's overpotential off there puts a tenth of a volt into
  /// the modes.
  /// - Parameters:
  ///   - taken: what the tables say.
  ///   - ironShare: of the charge there, 40 fractional bits.
  func drop(
    _ taken: Int64, edge: Int, ironShare share: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let excess = ironExcess(&arithmetic)
    let fresh = Format.millionths(ironShare[edge], &arithmetic)
    return arithmetic.multiply(
      taken, Format.one + arithmetic.times(excess, share),
      dividedBy: Format.one + arithmetic.times(excess, fresh))
  }

  /// How much more current adds where the iron works than elsewhere, as a share; 0 to 7, 40 fractional
  /// bits.
  func ironExcess(_ arithmetic: inout SaturatingArithmetic) -> Int64 {
    var iron: Int64 = 0
    var other: Int64 = 0
    var shares: Int64 = 0
    for k in 0..<24 {
      let all =
        Int64(overpotential.series[k]) + Int64(overpotential.fast[k])
        + Int64(overpotential.slow[k])
      let share = Int64(ironShare[k])
      iron += all * share
      other += all * (1_000_000 - share)
      shares += share
    }
    let rest = 24_000_000 - shares
    guard shares > 0, rest > 0, iron > 0, other > 0 else { return 0 }
    let ratio = arithmetic.ratio(
      arithmetic.ratio(iron, shares), arithmetic.ratio(other, rest))
    return min(max(ratio - Format.one, 0), 7 * Format.one)
  }

  /// A fresh cell's modes.
  var freshModes: ModeVector {
    var arithmetic = SaturatingArithmetic()
    var m = ModeVector(repeating: 0)
    m[Mode.coupling] = Format.millionths(fresh.coupling, &arithmetic)
    m[Mode.iron] = Format.millionths(fresh.iron, &arithmetic)
    m[Mode.remainder] = Format.millionths(fresh.remainder, &arithmetic)
    m[Mode.anode] = Format.millionths(fresh.anode, &arithmetic)
    m[Mode.stock] = Format.millionths(fresh.stock, &arithmetic)
    return m
  }

  /// The ends of a cell with these modes: they move with the charge that it holds between a fresh
  /// cell's.
  ///
  /// From half a fresh cell's charge to 1.1 of it: beyond, the line along which they move is a guess.
  @_addressableSelf
  func ends(_ m: borrowing @_addressable ModeVector, _ arithmetic: inout SaturatingArithmetic)
    -> CurveEnds
  {
    let fresh = CurveEnds(lower: lowerVoltage, upper: upperVoltage)
    guard freshSpan > 0 else { return fresh }
    let share = arithmetic.ratio(
      window(m, fresh, &arithmetic).span, Format.millionths(freshSpan, &arithmetic))
    let lost = Format.one - min(max(share, Format.half), Format.one + Format.one / 10)
    func part(_ microvolts: Int32) -> Int32 {
      Int32(clamping: arithmetic.multiply(Int64(microvolts), lost, shift: 40))
    }
    return CurveEnds(lower: lowerVoltage + part(lowerRise), upper: upperVoltage - part(upperFall))
  }

  /// The window in which modes put the cell.
  @_addressableSelf
  func window(
    _ m: borrowing @_addressable ModeVector, _ arithmetic: inout SaturatingArithmetic
  ) -> ChargeWindow {
    window(m, ends(m, &arithmetic), &arithmetic)
  }

  /// The window between the charges of two voltages.
  ///
  /// The nodes are 0 at both ends and the residual is over the voltage, so the window does not depend
  /// on itself.
  @_addressableSelf
  private func window(
    _ m: borrowing @_addressable ModeVector, _ ends: CurveEnds,
    _ arithmetic: inout SaturatingArithmetic
  ) -> ChargeWindow {
    // Every place of this window is outside 0…1, where no node acts.
    let nowhere = ChargeWindow(empty: 4 * Format.one, span: Format.one)
    let low = point(
      atVoltage: Format.millionths(ends.lower, &arithmetic), m, nowhere, &arithmetic)
    let high = point(
      atVoltage: Format.millionths(ends.upper, &arithmetic), m, nowhere, &arithmetic)
    return ChargeWindow(
      empty: low.charge, span: max(high.charge - low.charge, Format.one >> 4))
  }
}

/// The search for a root of a rising function: secants, every third step a bisection.
///
/// The tables are linear in pieces, so a secant is exact as soon as both ends are in one piece; the
/// bisections bound the count where it is not.
struct Bracket {
  private var low: Int64
  private var high: Int64
  private var below: Int64?
  private var above: Int64?
  private var steps: Int32 = 0
  /// The place to evaluate next; nil when the root is found.
  private(set) var candidate: Int64?
  /// The root, once `candidate` is nil.
  private(set) var root: Int64

  init(_ low: Int64, _ high: Int64) {
    self.low = low
    self.high = high
    root = (low + high) >> 1
    candidate = root
  }

  /// Takes in the function's value at the candidate and chooses the next.
  mutating func note(_ value: Int64, _ arithmetic: inout SaturatingArithmetic) {
    guard let place = candidate else { return }
    root = place
    steps += 1
    // 8 units are 7e-12 of the rated capacity.
    if value.magnitude <= 8 || high - low <= 2 || steps >= 90 {
      candidate = nil
      return
    }
    if value < 0 {
      low = place
      below = value
    } else {
      high = place
      above = value
    }
    var next = (low + high) >> 1
    if steps % 3 != 0, let below, let above {
      let share = arithmetic.multiply(high - low, 0 - below, dividedBy: above - below)
      next = min(max(low + share, low + 1), high - 1)
    }
    candidate = next
  }
}

// SPDX-License-Identifier: Apache-2.0

public import CellEstimation

/// The composed open-circuit curve in Double: the same tables, none of the integer arithmetic.
public struct OracleComposition {
  /// The unknowns, in the order of the joint covariance.
  public typealias Modes = [Double]

  /// The make.
  public let profile: CompositionProfile

  /// Takes a make's tables.
  public init(_ profile: CompositionProfile) { self.profile = profile }

  /// How many unknowns there are, and where the modes begin.
  public static let count = 27
  /// The first unknown that outlives a charge.
  public static let firstMode = 6

  /// A fresh cell's unknowns.
  public var fresh: Modes {
    var m = Modes(repeating: 0, count: Self.count)
    m[6] = Double(profile.fresh.coupling) * 1e-6
    m[7] = Double(profile.fresh.iron) * 1e-6
    m[8] = Double(profile.fresh.remainder) * 1e-6
    m[9] = Double(profile.fresh.anode) * 1e-6
    m[10] = Double(profile.fresh.stock) * 1e-6
    return m
  }

  private func read(
    _ table: SiteTable, _ potential: Double, shift: Double, width: Double
  ) -> (emptied: Double, slope: Double, distance: Double) {
    let half = Double(table.reach) * 1e-6
    let distance = (potential - Double(table.centre) * 1e-6 - shift) / (1 + width)
    let inside = min(max(distance, -half), half)
    let place = (inside + half) * 128 / half
    let index = min(Int(place), 255)
    let fraction = place - Double(index)
    func value(_ i: Int) -> Double { Double(table.emptied[min(max(i, 0), 256)]) * 0x1p-30 }
    let emptied = value(index) + (value(index + 1) - value(index)) * fraction
    let left = (value(index + 1) - value(index - 1)) / 2
    let right = (value(index + 2) - value(index)) / 2
    let slope = (left + (right - left) * fraction) * 128 / (half * (1 + width))
    return (emptied, distance == inside ? slope : 0, distance)
  }

  private func cathode(_ v: Double, _ m: Modes) -> (charge: Double, slope: Double) {
    let c = read(profile.coupling, v, shift: m[11], width: m[12])
    let f = read(profile.iron, v, shift: m[13], width: m[14])
    let r = read(profile.remainder, v, shift: 0, width: 0)
    return (
      m[6] * c.emptied - m[7] * (1 - f.emptied) + m[8] * r.emptied,
      max(m[6] * c.slope + m[7] * f.slope + m[8] * r.slope, 0.012)
    )
  }

  private func anode(_ v: Double, _ m: Modes) -> (filling: Double, slope: Double) {
    let s = read(profile.anodeSlope, v, shift: 0, width: m[15])
    let p = read(profile.anodePlateau, v, shift: 0, width: 0)
    let share = Double(profile.anodeSlopeShare) * 1e-6
    return (
      1 - share * s.emptied - (1 - share) * p.emptied, share * s.slope + (1 - share) * p.slope
    )
  }

  /// The hat functions' weights at a place of the window.
  private func hats(_ place: Double) -> [(Int, Double)] {
    guard place > 0, place < 1 else { return [] }
    let whole = Int(place * 12)
    let part = place * 12 - Double(whole)
    var weights: [(Int, Double)] = []
    if whole > 0 { weights.append((15 + whole, 1 - part)) }
    if whole < 11 { weights.append((16 + whole, part)) }
    return weights
  }

  private func nodes(_ charge: Double, _ m: Modes, _ window: (Double, Double)) -> Double {
    hats((charge - window.0) / window.1).reduce(0) { $0 + $1.1 * m[$1.0] }
  }

  private func residual(_ volts: Double) -> (value: Double, slope: Double) {
    let low = Double(profile.lowerVoltage) * 1e-6
    let span = Double(profile.upperVoltage) * 1e-6 - low
    guard volts > low, volts < low + span else { return (0, 0) }
    let place = (volts - low) * 256 / span
    let index = min(Int(place), 255)
    let before = Double(profile.residual[index]) * 1e-6
    let after = Double(profile.residual[index + 1]) * 1e-6
    return (before + (after - before) * (place - Double(index)), (after - before) * 256 / span)
  }

  /// The root of a rising function by bisection.
  private func root(_ low: Double, _ high: Double, _ function: (Double) -> Double) -> Double {
    var low = low
    var high = high
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if function(middle) < 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// A place on the curve.
  public struct Point {
    /// The charge coordinate.
    public var charge: Double
    /// The open-circuit voltage.
    public var voltage: Double
    var cathode: Double
    var anode: Double
  }

  /// The place where the cell rests at a voltage.
  public func point(atVoltage volts: Double, _ m: Modes, _ window: (Double, Double)) -> Point {
    func negative(_ positive: Double) -> Double {
      let bare = volts - nodes(cathode(positive, m).charge, m, window)
      return positive - bare + residual(bare).value
    }
    let positive = root(1, 5.5) {
      cathode($0, m).charge + m[10] - m[9] * anode(negative($0), m).filling
    }
    return Point(
      charge: cathode(positive, m).charge, voltage: volts, cathode: positive,
      anode: negative(positive))
  }

  /// The place where the cell holds a charge.
  public func point(atCharge charge: Double, _ m: Modes, _ window: (Double, Double)) -> Point {
    let positive = root(1, 5.5) { cathode($0, m).charge - charge }
    let negative = root(-1, 3) { charge + m[10] - m[9] * anode($0, m).filling }
    let composed = positive - negative
    let bare = root(composed - 0.25, composed + 0.25) { $0 - residual($0).value - composed }
    return Point(
      charge: charge, voltage: bare + nodes(charge, m, window), cathode: positive,
      anode: negative)
  }

  /// How much of the charge at a voltage is the iron's.
  public func ironShare(atVoltage volts: Double, _ m: Modes, _ window: (Double, Double)) -> Double {
    let place = point(atVoltage: volts, m, window).cathode
    let own = read(profile.iron, place, shift: m[13], width: m[14])
    return min(max(m[7] * own.slope / cathode(place, m).slope, 0), 1)
  }

  /// What current adds at an edge where the iron has another share than a new cell's.
  public func drop(_ taken: Double, edge: Int, ironShare share: Double) -> Double {
    var iron = 0.0
    var other = 0.0
    var shares = 0.0
    for k in 0..<24 {
      let tables = profile.overpotential
      let all = Double(tables.series[k]) + Double(tables.fast[k]) + Double(tables.slow[k])
      let own = Double(profile.ironShare[k]) * 1e-6
      iron += all * own
      other += all * (1 - own)
      shares += own
    }
    let ratio = (iron / shares) / (other / (24 - shares))
    let excess = iron > 0 && other > 0 ? min(max(ratio - 1, 0), 7) : 0
    return taken * (1 + excess * share)
      / (1 + excess * Double(profile.ironShare[edge]) * 1e-6)
  }

  /// The window's lower end and span; its ends move with the charge that it holds between a fresh
  /// cell's.
  public func window(_ m: Modes) -> (Double, Double) {
    let fresh = (lower: Double(profile.lowerVoltage), upper: Double(profile.upperVoltage))
    let share = window(m, fresh).1 / (Double(profile.freshSpan) * 1e-6)
    let lost = 1 - min(max(share, 0.5), 1.1)
    return window(
      m,
      (
        lower: fresh.lower + (Double(profile.lowerRise) * lost).rounded(),
        upper: fresh.upper - (Double(profile.upperFall) * lost).rounded()
      ))
  }

  private func window(
    _ m: Modes, _ microvolts: (lower: Double, upper: Double)
  ) -> (Double, Double) {
    let nowhere = (4.0, 1.0)
    let low = point(atVoltage: microvolts.lower * 1e-6, m, nowhere).charge
    let high = point(atVoltage: microvolts.upper * 1e-6, m, nowhere).charge
    return (low, max(high - low, 1.0 / 16))
  }

  /// How the voltage changes with every mode at a fixed charge, and with charge.
  public func sensitivity(
    _ point: Point, _ m: Modes, _ window: (Double, Double)
  ) -> (modes: [Double], charge: Double) {
    let bare = point.voltage - nodes(point.charge, m, window)
    let stretch = min(max(1 - residual(bare).slope, 0.5), 2)
    let filling = anode(point.anode, m)
    let perCathode = 1 / cathode(point.cathode, m).slope / stretch
    let perAnode = 1 / max(m[9] * filling.slope, 0.012) / stretch
    let c = read(profile.coupling, point.cathode, shift: m[11], width: m[12])
    let f = read(profile.iron, point.cathode, shift: m[13], width: m[14])
    let r = read(profile.remainder, point.cathode, shift: 0, width: 0)
    let s = read(profile.anodeSlope, point.anode, shift: 0, width: m[15])
    var h = [Double](repeating: 0, count: Self.count)
    h[6] = -c.emptied * perCathode
    h[7] = (1 - f.emptied) * perCathode
    h[8] = -r.emptied * perCathode
    h[9] = -filling.filling * perAnode
    h[10] = perAnode
    h[11] = m[6] * c.slope * perCathode
    h[12] = h[11] * c.distance
    h[13] = m[7] * f.slope * perCathode
    h[14] = h[13] * f.distance
    h[15] = -Double(profile.anodeSlopeShare) * 1e-6 * m[9] * s.slope * s.distance * perAnode
    for (node, weight) in hats((point.charge - window.0) / window.1) { h[node] = weight }
    return (h, perCathode + perAnode)
  }
}

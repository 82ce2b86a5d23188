// SPDX-License-Identifier: Apache-2.0

public import CellEstimation

/// The identification of modes in Double with a dense covariance, for bounding the integers.
public struct OracleModes {
  /// The unknowns.
  public var x: [Double]
  /// Their covariance.
  public var p: [[Double]]
  /// The window of the nodes.
  public var window: (Double, Double)
  private let curve: OracleComposition
  private let tuning: ModeTuning

  /// One look of a charge at one edge, in rated capacities, volts and hours.
  public struct Look {
    /// The edge.
    public var edge: Int
    /// The charge since the charge began.
    public var charge: Double
    /// The overpotential that was taken off.
    public var drop: Double
    /// How far the slow lag is ahead.
    public var lag: Double
    /// The time since the charge began.
    public var hours: Double

    /// Makes a look.
    public init(edge: Int, charge: Double, drop: Double, lag: Double, hours: Double) {
      self.edge = edge
      self.charge = charge
      self.drop = drop
      self.lag = lag
      self.hours = hours
    }
  }

  private static func square(_ millionths: Int32) -> Double {
    Double(millionths) * Double(millionths) * 1e-12
  }

  /// Starts with a fresh cell, or one of unknown age.
  public init(_ profile: CompositionProfile, isFresh: Bool) {
    curve = OracleComposition(profile)
    tuning = profile.tuning
    x = curve.fresh
    window = curve.window(x)
    let t = profile.tuning
    let wide = isFresh ? 0 : Self.square(t.unknownAge)
    var d = [Double](repeating: Self.square(t.node), count: OracleComposition.count)
    let own = [t.offset, t.resistance, t.ironResistance, t.current, t.lag, t.charge]
    for k in own.indices { d[k] = Self.square(own[k]) }
    d[6] = Self.square(t.coupling) + wide
    d[7] = Self.square(t.iron) + wide
    d[8] = Self.square(t.remainder)
    d[9] = Self.square(t.anode) + wide / 4
    d[10] = Self.square(t.slippage) + wide + d[7]
    d[11] = Self.square(t.couplingShift)
    d[12] = Self.square(t.couplingWidth)
    d[13] = Self.square(t.ironShift)
    d[14] = Self.square(t.ironWidth)
    d[15] = Self.square(t.anodeWidth)
    p = (0..<OracleComposition.count).map { i in
      (0..<OracleComposition.count).map { j in i == j ? d[i] : 0 }
    }
    p[7][10] = d[7]
    p[10][7] = d[7]
  }

  /// Makes ready for a charge.
  public mutating func beginCharge(offsetVariance: Double) {
    let t = tuning
    let own = [
      Self.square(t.offset), Self.square(t.resistance), Self.square(t.ironResistance),
      offsetVariance, Self.square(t.lag), Self.square(t.charge),
    ]
    for k in own.indices {
      x[k] = 0
      for j in 0..<OracleComposition.count {
        p[k][j] = 0
        p[j][k] = 0
      }
      p[k][k] = own[k]
    }
    x[5] = window.0
  }

  /// How fast coupling, stock and anode change with the charge, in Double.
  public struct Drift {
    /// Change for each rated capacity, its variance, and its covariance with the part.
    public var rates: [(value: Double, variance: Double, tie: Double)]
    /// How the rates walk; how coupling, iron and slippage do beside them. Unit: ppm.
    public var walks: (rate: Int32, coupling: Int32, iron: Int32, slippage: Int32)

    /// Takes the deviations of rates of which nothing is known, in ppm, and the walks.
    public init(
      prior: [Int32], walks: (rate: Int32, coupling: Int32, iron: Int32, slippage: Int32)
    ) {
      rates = prior.map { (0, OracleModes.square($0), 0) }
      self.walks = walks
    }
  }

  private static let parts = [6, 10, 9]

  /// Lets the modes change over a charge.
  public mutating func fade(_ drift: inout Drift, over charge: Double) {
    for k in 0..<3 {
      var direction = [Double](repeating: 0, count: OracleComposition.count)
      direction[Self.parts[k]] = 1
      if Self.parts[k] == 10 { direction[7] = 0.5 }
      let rate = drift.rates[k]
      for i in x.indices { x[i] += direction[i] * rate.value * charge }
      add(2 * rate.tie * charge + rate.variance * charge * charge, along: direction)
      drift.rates[k].tie += rate.variance * charge
      drift.rates[k].variance += Self.square(drift.walks.rate) * charge
    }
    let t = tuning
    var walks = [Double](repeating: Self.square(t.shapeWalk), count: OracleComposition.count)
    for k in 0..<6 { walks[k] = 0 }
    walks[6] = Self.square(drift.walks.coupling)
    walks[7] = Self.square(drift.walks.iron)
    walks[8] = 0
    walks[9] = Self.square(t.anodeWalk)
    walks[10] = Self.square(drift.walks.slippage) + walks[7]
    for k in [12, 14, 15] { walks[k] = Self.square(t.widthWalk) }
    for k in x.indices { p[k][k] += walks[k] * charge }
    p[7][10] += walks[7] * charge
    p[10][7] += walks[7] * charge
  }

  private mutating func add(_ variance: Double, along direction: [Double]) {
    for i in x.indices {
      for j in x.indices { p[i][j] += variance * direction[i] * direction[j] }
    }
  }

  /// What a charge's teaching says of the rates.
  public func teach(_ drift: inout Drift, from before: OracleModes) {
    for k in 0..<3 {
      let part = Self.parts[k]
      let held = before.p[part][part]
      let left = min(p[part][part], held)
      let share = drift.rates[k].tie / held
      drift.rates[k].value += share * (x[part] - before.x[part])
      drift.rates[k].variance -= share * share * (held - left)
      drift.rates[k].tie = share * left
    }
  }

  /// Weighs one look, linearised at `around`.
  public mutating func weigh(
    _ look: Look, current: Double, offset: Double, around: [Double]
  ) {
    let profile = curve.profile
    let open = Double(profile.edges[look.edge]) * 1e-6 - around[0]
    let share = curve.ironShare(atVoltage: open, around, window)
    let drop = curve.drop(look.drop, edge: look.edge, ironShare: share)
    let ironDrop = drop * share
    let otherDrop = drop - ironDrop
    let voltage =
      open + look.drop - drop - otherDrop * around[1] - ironDrop * around[2]
    let point = curve.point(atVoltage: voltage, around, window)
    let slope = curve.sensitivity(point, around, window)
    var h = slope.modes.map { -$0 / slope.charge }
    h[0] = -1 / slope.charge
    h[1] = -otherDrop / slope.charge
    h[2] = -ironDrop / slope.charge
    h[3] = look.hours
    h[4] = -look.lag
    h[5] = -1
    let seen = look.charge - offset * look.hours + look.lag - correction(look.edge, current)
    var innovation =
      seen - point.charge + around[5] - look.hours * around[3] + look.lag * around[4]
    for k in x.indices { innovation -= h[k] * (x[k] - around[k]) }
    let byVoltage = Double(tuning.edgeVoltage) * 1e-6 / slope.charge
    var variance = Self.square(tuning.edgeCharge) + byVoltage * byVoltage
    let ph = p.map { row in zip(row, h).reduce(0) { $0 + $1.0 * $1.1 } }
    variance += zip(h, ph).reduce(0) { $0 + $1.0 * $1.1 }
    variance = max(variance, innovation * innovation / 16)
    for k in x.indices {
      x[k] += ph[k] * innovation / variance
      for j in x.indices { p[k][j] -= ph[k] * ph[j] / variance }
    }
  }

  /// The window follows the modes.
  public mutating func followWindow() { window = curve.window(x) }

  private func correction(_ edge: Int, _ current: Double) -> Double {
    let rates = (0..<3).map { Double(CompositionProfile.correctionRates[$0]) * 1e-6 }
    let row = current < rates[1] ? 0 : 1
    let part =
      (min(max(current, rates[0]), rates[2]) - rates[row]) / (rates[row + 1] - rates[row])
    let low = Double(curve.profile.correction[24 * row + edge])
    let high = Double(curve.profile.correction[24 * row + 24 + edge])
    return (low + (high - low) * part) * 1e-6
  }
}

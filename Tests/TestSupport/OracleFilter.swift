// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
import Quantities

/// The estimator's filter in Double with a dense covariance matrix, for bounding the integers.
///
/// Same model, same noise, same gate, but nothing of the arithmetic: no factors, no formats, the
/// textbook's P ← F·P·Fᵀ + Q and P ← P − K·S·Kᵀ. Only plain steps with current and voltage.
public struct OracleFilter {
  /// State of charge, hysteresis, fast, slow, model error, resistance, inverse capacity, offset.
  public private(set) var x: [Double]
  private var p: [[Double]]
  private let profile: CellProfile
  private var slowSeconds = 0.0
  private var rejected = 0
  private var sinceFreed = 300.0
  private var travelled = 0.0
  private var displacementFactor: Double?

  /// Starts from a belief, both numbers as fractions.
  public init(profile: CellProfile, stateOfCharge: Double, deviation: Double) {
    self.profile = profile
    x = [stateOfCharge, 0, 0, 0, 0, 1, 1, 0]
    let t = profile.tuning
    func square(_ millionths: Int32) -> Double { Double(millionths) * Double(millionths) * 1e-12 }
    let diagonal = [
      deviation * deviation, 1.0 / 3, square(t.fastPrior), square(t.slowPrior),
      square(t.modelError), square(t.resistancePrior), square(t.capacityPrior),
      square(t.offsetPrior),
    ]
    p = (0..<8).map { i in (0..<8).map { j in i == j ? diagonal[i] : 0 } }
  }

  /// The deviation of the state of charge.
  public var deviation: Double { p[0][0].squareRoot() }

  private func table(_ z: Double, _ count: Int, _ value: (Int) -> Int32) -> Double {
    let position = (min(max(z, -0.05), 1.05) + 0.05) / 1.1 * Double(count)
    let index = min(Int(position), count - 1)
    let low = Double(value(index))
    return (low + (Double(value(index + 1)) - low) * (position - Double(index))) * 1e-6
  }

  private func volts(_ z: Double, _ celsius: Double) -> Double {
    let warmer = min(max(celsius, -40), 80) - 25
    return table(z, 256) { profile.openCircuit[$0] }
      + table(z, 64) { profile.openCircuitPerKelvin[$0] } * warmer
  }

  /// The slope over the state of charge and over the displaced one, under the present lag.
  private func slopes(_ celsius: Double) -> (whole: Double, local: Double) {
    let low = max(x[0] - 1.0 / 64, -0.05)
    let high = min(x[0] + 1.0 / 64, 1.05)
    let below = low + reach(low, celsius) * x[3]
    let above = high + reach(high, celsius) * x[3]
    let rise = max(volts(above, celsius) - volts(below, celsius), 0)
    return (min(rise / (high - low), 20), min(rise / max(above - below, 1.0 / 256), 20))
  }

  private func reach(_ z: Double, _ celsius: Double) -> Double {
    table(z, 64) { profile.displacement[$0] }
      * factor(profile.displacementTemperatureFactor, celsius)
  }

  private func factor(_ table: InlineArray<25, Int32>, _ celsius: Double) -> Double {
    let position = (min(max(celsius, -40), 79.999) + 40) / 5
    let index = Int(position)
    let low = Double(table[index])
    return (low + (Double(table[index + 1]) - low) * (position - Double(index))) / 65_536
  }

  /// One step of `seconds` under a constant current in C, then a voltage reading (nil: none).
  public mutating func step(
    seconds: Double, currentInC: Double, volts reading: Double?, celsius: Double,
    exponential: (Double) -> Double
  ) {
    if seconds > 0 { advance(seconds, currentInC, celsius, exponential) }
    if let reading { correct(reading, currentInC, celsius, seconds > 0 ? seconds : 1) }
  }

  private mutating func advance(
    _ seconds: Double, _ current: Double, _ celsius: Double, _ exponential: (Double) -> Double
  ) {
    let t = profile.tuning
    let hours = seconds / 3_600
    let offset = x[7]
    let net = (current - offset) * hours
    let change = x[6] * net
    let way = abs(change)
    travelled += way
    let times = factor(profile.timeTemperatureFactor, celsius)
    let decays = [profile.fastMilliseconds, profile.slowMilliseconds].map {
      exponential(-seconds / (Double($0) * 1e-3 * times))
    }
    let swing = exponential(-Double(profile.hysteresisRateThousandths) * 1e-3 * way)
    let memory = exponential(
      -seconds / Double(t.modelErrorSeconds) - way / (Double(t.modelErrorLength) * 1e-6))
    carryLag(celsius)
    let steepness = slopes(celsius).whole

    var f = (0..<8).map { i in (0..<8).map { j in i == j ? 1.0 : 0 } }
    f[1][1] = max(swing, 1.0 / 64)
    f[2][2] = max(decays[0], 1.0 / 64)
    f[3][3] = max(decays[1], 1.0 / 64)
    f[4][4] = max(memory, 1.0 / 64)
    f[0][6] = net
    f[0][7] = -x[6] * hours
    f[2][7] = decays[0] - 1
    f[3][7] = decays[1] - 1
    let fp = (0..<8).map { i in
      (0..<8).map { j in (0..<8).reduce(0.0) { $0 + f[i][$1] * p[$1][j] } }
    }
    p = (0..<8).map { i in
      (0..<8).map { j in (0..<8).reduce(0.0) { $0 + fp[i][$1] * f[j][$1] } }
    }
    func square(_ millionths: Int32) -> Double { Double(millionths) * Double(millionths) * 1e-12 }
    p[0][0] += square(t.chargeWalk) * hours
    p[1][1] += square(t.hysteresisNoise) * (1 - swing * swing)
    p[2][2] += square(t.fastNoise) * (1 - decays[0] * decays[0])
    p[3][3] += square(t.slowNoise) * (1 - decays[1] * decays[1])
    let along = min(steepness, 2) * Double(t.modelErrorOfCharge) * 1e-6
    p[4][4] += (square(t.modelError) + along * along) * (1 - memory * memory)
    slowSeconds += seconds
    if slowSeconds >= 60 - 1e-9 {
      let whole = (slowSeconds + 1e-9).rounded(.down)
      slowSeconds = 0
      p[5][5] += square(t.resistanceWalk) * whole
      p[6][6] += square(t.capacityWalk) * 1e-6 * whole
      p[7][7] += square(t.offsetWalk) * 1e-6 * whole
    }

    let direction: Double = change > 0 ? 1 : (change < 0 ? -1 : 0)
    x[0] += change
    x[1] = swing * x[1] + (1 - swing) * direction
    x[2] = decays[0] * x[2] + (1 - decays[0]) * (current - offset)
    x[3] = decays[1] * x[3] + (1 - decays[1]) * (current - offset)
    x[4] *= memory
    bound()
    sinceFreed = min(sinceFreed + seconds, 300)
  }

  /// The lag stays where it is when the temperature changes.
  private mutating func carryLag(_ celsius: Double) {
    let now = factor(profile.displacementTemperatureFactor, celsius)
    defer { displacementFactor = now }
    guard let before = displacementFactor, before != now else { return }
    x[3] *= before / now
    for i in 0..<8 {
      p[3][i] *= before / now
      p[i][3] *= before / now
    }
  }

  private mutating func correct(
    _ reading: Double, _ current: Double, _ celsius: Double, _ seconds: Double
  ) {
    let t = profile.tuning
    let net = current - x[7]
    let relaxation = factor(profile.relaxationTemperatureFactor, celsius)
    let reach = reach(x[0], celsius)
    let displaced = x[0] + reach * x[3]
    let (steepness, local) = slopes(celsius)
    let fast = table(x[0], 64) { profile.fast[$0] } * relaxation
    let slow = table(x[0], 64) { profile.slow[$0] } * relaxation
    let half = table(x[0], 64) { profile.hysteresis[$0] }
    let place = abs(net) < 1 ? abs(net) * 8 : min(7 + abs(net), 16 - 1e-9)
    let index = Int(place)
    let low = Double(profile.seriesCurrentFactor[index])
    let high = Double(profile.seriesCurrentFactor[index + 1])
    let series =
      table(x[0], 64) { profile.series[$0] } * factor(profile.seriesTemperatureFactor, celsius)
      * (low + (high - low) * (place - Double(index))) / 65_536
    let h = [
      steepness, half, fast, slow + reach * local, 1, series * net, 0, -series * x[5],
    ]
    let model =
      volts(displaced, celsius) + half * x[1] + fast * x[2] + slow * x[3] + x[4] + series * net
      * x[5]
    func square(_ millionths: Int32) -> Double { Double(millionths) * Double(millionths) * 1e-12 }
    let look = min(
      seconds / Double(t.slopeSeconds) + travelled / (Double(t.modelErrorLength) * 1e-6), 1)
    travelled = 0
    let noise =
      max(square(t.voltageNoise) / seconds, square(t.voltageNoiseFloor))
      + square(t.voltageNoisePerC) * net * net
      + Double(t.slopeVariance) * 1e-6 / look * steepness * steepness
    var innovation = reading - model
    var variance = projected(h) + noise
    if innovation * innovation > 16 * variance {
      if rejected < 10 {
        rejected += 1
        return
      }
      if sinceFreed >= 300 {
        sinceFreed = 0
        p[0][0] = max(p[0][0], 0.04)
        variance = projected(h) + noise
      }
      let reach = 4 * variance.squareRoot()
      innovation = min(max(innovation, -reach), reach)
    }
    rejected = 0
    let gain = (0..<8).map { i in (0..<8).reduce(0.0) { $0 + p[i][$1] * h[$1] } / variance }
    for i in 0..<8 {
      x[i] += gain[i] * innovation
      for j in 0..<8 { p[i][j] -= gain[i] * gain[j] * variance }
    }
    bound()
  }

  private func projected(_ h: [Double]) -> Double {
    (0..<8).reduce(0.0) { sum, i in
      sum + h[i] * (0..<8).reduce(0.0) { $0 + p[i][$1] * h[$1] }
    }
  }

  private mutating func bound() {
    let lows: [Double] = [-0.05, -1, -32, -32, -0.5, 0.1, 0.5, -0.25]
    let highs: [Double] = [1.05, 1, 32, 32, 0.5, 10, 4, 0.25]
    for i in 0..<8 { x[i] = min(max(x[i], lows[i]), highs[i]) }
  }
}

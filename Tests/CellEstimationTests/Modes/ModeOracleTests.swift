// SPDX-License-Identifier: Apache-2.0

@testable import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

/// Modes of a made-up worn cell, drawn by seed around a fresh one.
private func drawnModes(_ profile: CompositionProfile, _ random: inout SeededRandom) -> [Double] {
  var m = OracleComposition(profile).fresh
  let spread = [0.03, 0.02, 0.003, 0.03, 0.03, 0.003, 0.04, 0.003, 0.04, 0.04]
  for k in spread.indices { m[6 + k] += spread[k] * random.uniform(-1, 1) }
  for k in 16..<27 { m[k] = 0.003 * random.uniform(-1, 1) }
  return m
}

private func fixed(_ m: [Double]) -> ModeVector {
  var vector = ModeVector(repeating: 0)
  for k in m.indices { vector[k] = Int64((m[k] * 0x1p40).rounded()) }
  return vector
}

private func real(_ value: Int64) -> Double { Double(value) * 0x1p-40 }

private func drifts() -> (ModeDrift, OracleModes.Drift) {
  (
    ModeDrift(),
    OracleModes.Drift(
      prior: [ModeDrift.prior[0], ModeDrift.prior[1], ModeDrift.prior[2]],
      walks: (
        ModeDrift.rateWalk, ModeDrift.couplingWalk, ModeDrift.ironWalk, ModeDrift.slippageWalk
      ))
  )
}

@Suite struct ModeOracleTests {
  /// The curve, its inverse, its window and its derivatives against Double.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func curveFollowsDouble(seed: UInt64) {
    let profile = CompositionProfile.sample()
    let oracle = OracleComposition(profile)
    var random = SeededRandom(seed: seed)
    var arithmetic = SaturatingArithmetic()
    let m = drawnModes(profile, &random)
    let integers = fixed(m)
    let window = oracle.window(m)
    let own = profile.window(integers, &arithmetic)
    #expect(abs(real(own.empty) - window.0) < 1e-8, "seed \(seed)")
    #expect(abs(real(own.span) - window.1) < 1e-8, "seed \(seed)")
    var worst = 0.0
    var worstInverse = 0.0
    var worstSlope = 0.0
    for k in 1..<100 {
      let charge = window.0 + window.1 * Double(k) / 100
      let expected = oracle.point(atCharge: charge, m, window)
      let point = profile.point(
        atCharge: Int64((charge * 0x1p40).rounded()), integers, own, &arithmetic)
      worst = max(worst, abs(real(point.voltage) - expected.voltage))
      let back = profile.point(atVoltage: point.voltage, integers, own, &arithmetic)
      worstInverse = max(worstInverse, abs(real(back.charge) - charge))
      let slope = profile.sensitivity(at: point, integers, own, &arithmetic)
      let reference = oracle.sensitivity(expected, m, window)
      for j in 0..<27 {
        let scale = 1 + abs(reference.modes[j])
        worstSlope = max(worstSlope, abs(real(slope.modes[j]) - reference.modes[j]) / scale)
      }
    }
    #expect(worst < 1e-7, "seed \(seed): \(worst) V")
    #expect(worstInverse < 1e-8, "seed \(seed): \(worstInverse) of the rated capacity")
    #expect(worstSlope < 1e-5, "seed \(seed): \(worstSlope)")
    #expect(arithmetic.saturations == 0)
  }

  /// A cell that holds less ends its charge lower and its discharge higher, and a fresh one where the
  /// make does; half of a fresh cell's charge is as far as the line is trusted.
  @Test(arguments: [(0.0, 0.0), (0.1, 0.05), (0.2, 0.1), (0.5, 0.3)])
  func endsMoveWithTheCharge(coupling: Double, stock: Double) {
    var profile = CompositionProfile.sample()
    var arithmetic = SaturatingArithmetic()
    var m = OracleComposition(profile).fresh
    profile.freshSpan = 0
    let fresh = real(profile.window(fixed(m), &arithmetic).span)
    profile.freshSpan = Int32((fresh * 1e6).rounded())
    m[6] -= coupling
    m[10] -= stock
    var still = profile
    still.upperFall = 0
    still.lowerRise = 0
    let share = real(still.window(fixed(m), &arithmetic).span) / fresh
    let lost = 1 - min(max(share, 0.5), 1.1)
    let ends = profile.ends(fixed(m), &arithmetic)
    #expect(abs(Double(profile.upperVoltage - ends.upper) - 160_000 * lost) < 2)
    #expect(abs(Double(ends.lower - profile.lowerVoltage) - 60_000 * lost) < 2)
    #expect(coupling == 0 || lost > 0.05)
    #expect(arithmetic.saturations == 0)
  }

  /// The derivatives against differences of the curve itself: they are the right derivatives, not
  /// only the same in both.
  @Test(arguments: [UInt64(5), 6])
  func derivativesAreThoseOfTheCurve(seed: UInt64) {
    let profile = CompositionProfile.sample()
    let oracle = OracleComposition(profile)
    var random = SeededRandom(seed: seed)
    let m = drawnModes(profile, &random)
    let window = oracle.window(m)
    for place in [0.1, 0.45, 0.6, 0.8] {
      let charge = window.0 + window.1 * place
      let at = oracle.point(atCharge: charge, m, window)
      let slope = oracle.sensitivity(at, m, window)
      for k in 6..<16 {
        var up = m
        var down = m
        up[k] += 1e-3
        down[k] -= 1e-3
        let difference =
          (oracle.point(atCharge: charge, up, window).voltage
            - oracle.point(atCharge: charge, down, window).voltage) / 2e-3
        // Secants of the tables over 1e-3 are not tangents: 5 %, and 0.02 V where little changes.
        #expect(
          abs(difference - slope.modes[k]) < 0.05 * abs(difference) + 0.02,
          "seed \(seed), place \(place), unknown \(k): \(difference) and \(slope.modes[k])")
      }
    }
  }

  /// Three charges through both filters: every unknown within 1e-6 and every deviation within 1e-4.
  @Test(arguments: [UInt64(1), 2, 3], [true, false])
  func filterFollowsDouble(seed: UInt64, isFresh: Bool) {
    let profile = CompositionProfile.sample()
    let curve = OracleComposition(profile)
    var random = SeededRandom(seed: seed)
    let truth = drawnModes(profile, &random)
    let window = curve.window(truth)
    var filter = ModeFilter(profile, isFresh: isFresh)
    var oracle = OracleModes(profile, isFresh: isFresh)
    var (drift, reference) = drifts()
    for charge in 0..<3 {
      let moved = [0.0625, 0.3, 1][charge]
      filter.fade(&drift, over: Int64((moved * 0x1p40).rounded()), profile.tuning)
      oracle.fade(&reference, over: moved)
      let (before, oracleBefore) = (filter, oracle)
      let current = [0.2, 0.33, 0.5][charge]
      let offset = 0.001 * random.uniform(-1, 1)
      filter.beginCharge(
        profile.tuning, offsetVariance: Int64((4e-6 * 0x1p52).rounded()))
      oracle.beginCharge(offsetVariance: 4e-6)
      var record = ChargeRecord()
      record.current = Int64((current * 0x1p40).rounded())
      for edge in 1..<24 {
        let volts = Double(profile.edges[edge]) * 1e-6 + 0.002 * random.gaussian()
        let seen = curve.point(atVoltage: volts, truth, window).charge - window.0
        let drop = 0.12 * current
        let lag = 0.05 * current
        record.seen |= 1 << UInt32(edge)
        record.charge[edge] = Int64((seen * 0x1p40).rounded())
        record.drop[edge] = Int64((drop * 0x1p40).rounded())
        record.lag[edge] = Int64((lag * 0x1p40).rounded())
        record.hours[edge] = Int64((seen / current * 0x1p40).rounded())
        let around = filter.x
        _ = filter.weigh(
          profile, record, edge: edge, offset: Int64((offset * 0x1p40).rounded()),
          around: around)
        oracle.weigh(
          OracleModes.Look(
            edge: edge, charge: seen, drop: drop, lag: lag, hours: seen / current),
          current: current, offset: offset, around: oracle.x)
      }
      filter.window = profile.window(filter.x, &filter.arithmetic)
      oracle.followWindow()
      filter.teach(&drift, from: before)
      oracle.teach(&reference, from: oracleBefore)
    }
    var worst = 0.0
    var worstDeviation = 0.0
    for k in 0..<27 {
      worst = max(worst, abs(real(filter.x[k]) - oracle.x[k]))
      let variance = filter.covariance.variance(of: k, &filter.arithmetic)
      let deviation = (Double(variance) * 0x1p-52).squareRoot()
      worstDeviation = max(worstDeviation, abs(deviation / oracle.p[k][k].squareRoot() - 1))
    }
    for k in 0..<3 {
      let (own, other) = (drift.rates[k], reference.rates[k])
      #expect(abs(real(own.value) - other.value) < 1e-6, "seed \(seed), rate \(k)")
      let deviation = (Double(own.variance) * 0x1p-52 / other.variance).squareRoot()
      #expect(abs(deviation - 1) < 1e-4, "seed \(seed), rate \(k)")
      #expect(abs(Double(own.tie) * 0x1p-52 - other.tie) < 1e-9, "seed \(seed), rate \(k)")
      #expect(own.value != 0 && own.tie > 0)
    }
    #expect(worst < 1e-6, "seed \(seed): \(worst)")
    #expect(worstDeviation < 1e-4, "seed \(seed): \(worstDeviation)")
    #expect(filter.arithmetic.saturations == 0)
  }

  /// The deviation of a part that nothing shows grows as fast as a steady rate's error does, however
  /// finely the charge is cut.
  @Test(arguments: [1, 16]) func whatIsNotSeenGetsUncertain(cuts: Int64) {
    let profile = CompositionProfile.sample()
    var filter = ModeFilter(profile, isFresh: true)
    var drift = ModeDrift()
    drift.rates[1].value = -Format.one / 100
    let start = filter
    for _ in 0..<(4 * cuts) {
      filter.fade(&drift, over: Format.one / cuts, profile.tuning)
    }
    // 1 % of the rated capacity for each of four; half of it from the iron.
    #expect(abs(real(filter.x[Mode.stock] - start.x[Mode.stock]) + 0.04) < 1e-6)
    #expect(abs(real(filter.x[Mode.iron] - start.x[Mode.iron]) + 0.02) < 1e-6)
    var arithmetic = SaturatingArithmetic()
    let before = Double(start.covariance.variance(of: Mode.stock, &arithmetic)) * 0x1p-52
    let after = Double(filter.covariance.variance(of: Mode.stock, &arithmetic)) * 0x1p-52
    // Four times 1.5 %, and the walks of iron and slippage over four: 2 % each for one.
    let byRate = (4 * 0.015) * (4 * 0.015)
    let byWalks = 4 * 2 * 0.02 * 0.02
    #expect(abs(after - before - byRate - byWalks) < 0.02 * byRate, "\(after - before)")
  }

  /// A part that loses the same in every charge is found to, and its rate is known better and better.
  @Test func aSteadyLossIsFound() {
    let profile = CompositionProfile.sample()
    var filter = ModeFilter(profile, isFresh: true)
    var drift = ModeDrift()
    let loss = 0.01
    let first = filter.x[Mode.coupling]
    for charge in 1...30 {
      filter.fade(&drift, over: Format.one, profile.tuning)
      let before = filter
      var h = ModeVector(repeating: 0)
      h[Mode.coupling] = Format.one
      let noise = Format.variance(ofMillionths: 5_000, &filter.arithmetic)
      let truth = first - Int64(loss * Double(charge) * 0x1p40)
      let projection = filter.covariance.projected(on: h, noise: noise, &filter.arithmetic)
      let innovation = truth - filter.x[Mode.coupling]
      let gain = filter.covariance.update(projection, noise: noise, &filter.arithmetic)
      for k in 0..<Mode.count {
        let share = filter.arithmetic.ratio(gain[k], projection.innovationVariance)
        filter.x[k] += filter.arithmetic.times(share, innovation)
      }
      filter.teach(&drift, from: before)
    }
    let rate = drift.rates[0]
    #expect(abs(real(rate.value) + loss) < 0.001, "\(real(rate.value))")
    let deviation = (Double(rate.variance) * 0x1p-52).squareRoot()
    #expect(0.0005 < deviation && deviation < 0.004, "\(deviation)")
    #expect(filter.arithmetic.saturations == 0)
  }

  /// Where a worn cell has no iron at an edge, the iron's overpotential is not taken off; on a cell
  /// whose iron has the make's share nothing changes.
  @Test func theOverpotentialFollowsTheSites() {
    var profile = CompositionProfile.sample()
    for k in 0..<24 {
      let share = Double(profile.ironShare[k]) * 1e-6
      profile.overpotential.series[k] = Int32(100_000 * (1 + 1.5 * share))
      profile.overpotential.fast[k] = 0
      profile.overpotential.slow[k] = 0
    }
    var arithmetic = SaturatingArithmetic()
    let oracle = OracleComposition(profile)
    for edge in 0..<24 {
      let made = Double(profile.ironShare[edge]) * 1e-6
      for share in [0, 0.3, 1, made] {
        let fixed = Int64((share * 0x1p40).rounded())
        let drop = real(
          profile.drop(Format.one / 20, edge: edge, ironShare: fixed, &arithmetic))
        #expect(abs(drop - oracle.drop(0.05, edge: edge, ironShare: share)) < 1e-6)
        if share == made { #expect(abs(drop - 0.05) < 1e-6) }
      }
    }
    // Half of the sodium gone: the window's lower part is reached with the iron full.
    var m = oracle.fresh
    m[10] -= 0.5 * m[10] + 0.1
    let low = profile.edges[2]
    let fresh = oracle.ironShare(
      atVoltage: Double(low) * 1e-6, oracle.fresh, oracle.window(oracle.fresh))
    let worn = oracle.ironShare(atVoltage: Double(low) * 1e-6, m, oracle.window(m))
    let integers = fixed(m)
    let own = profile.ironShare(
      atVoltage: Format.millionths(low, &arithmetic), integers,
      profile.window(integers, &arithmetic), &arithmetic)
    #expect(abs(real(own) - worn) < 1e-6)
    #expect(worn < fresh)
    #expect(arithmetic.saturations == 0)
  }
}

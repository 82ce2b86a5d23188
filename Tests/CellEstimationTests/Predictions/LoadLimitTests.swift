// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import DeterministicMath
import Quantities
import TestSupport
import Testing

private let profile = CellProfile.sample()
private let circuit = OracleCircuit(profile)

private func bounds(amperes: Int32 = 20) -> LoadBounds {
  LoadBounds(
    lowestVoltage: .millivolts(2_000), highestVoltage: .millivolts(4_200),
    greatestCharge: .microamperes(amperes * 1_000_000),
    greatestDischarge: .microamperes(amperes * 1_000_000),
    coldestCharge: .degreesCelsius(0), hottestCharge: .degreesCelsius(45),
    coldestDischarge: .degreesCelsius(-20), hottestDischarge: .degreesCelsius(60))
}

private func estimator(_ place: Double, deviation: Int32 = 10_000) -> StateEstimator {
  StateEstimator(
    profile: profile, stateOfCharge: .partsPerMillion(Int32(place * 1e6)), deviation: deviation)
}

/// An estimator that has seen a temperature and nothing else.
private func estimator(celsius millidegrees: Int32) -> StateEstimator {
  var cell = estimator(0.5)
  cell.step(
    at: .microseconds(0),
    Measurement(temperature: .millidegreesCelsius(millidegrees)))
  return cell
}

/// The voltage after a time from rest, and 1.96 deviations of it, in Double.
private func loaded(_ place: Double, _ c: Double, _ seconds: Double) -> (Double, Double) {
  let way = c * seconds / 3_600
  let there = place + way
  let fastKept = DeterministicMath.exp(-seconds / 15)
  let slowKept = DeterministicMath.exp(-seconds / 350)
  let swing = DeterministicMath.exp(-25 * abs(way))
  let lag = (1 - slowKept) * c
  let reach = circuit.read(profile.displacement, there)
  let displaced = there + reach * lag
  let low = max(there - 1.0 / 64, -0.05)
  let high = min(there + 1.0 / 64, 1.05)
  let below = low + circuit.read(profile.displacement, low) * lag
  let above = high + circuit.read(profile.displacement, high) * lag
  let rise = max(circuit.openCircuit(above) - circuit.openCircuit(below), 0)
  let slope = min(rise / (high - low), 20)
  let local = min(rise / max(above - below, 1.0 / 256), 20)
  let series = circuit.read(profile.series, there) * circuit.currentFactor(c)
  let fast = circuit.read(profile.fast, there)
  let slow = circuit.read(profile.slow, there)
  let half = circuit.read(profile.hysteresis, there)
  let volts =
    circuit.openCircuit(displaced) + series * c + fast * (1 - fastKept) * c
    + slow * (1 - slowKept) * c + half * (1 - swing) * (c > 0 ? 1 : -1)
  let t = profile.tuning
  func part(_ sensitivity: Double, _ millionths: Int32) -> Double {
    sensitivity * Double(millionths) * 1e-6
  }
  let parts = [
    part(slope, 10_000), half * swing / 3.0.squareRoot(), part(fast * fastKept, t.fastPrior),
    part((slow + reach * local) * slowKept, t.slowPrior), part(1, t.modelError),
    part(series * c, t.resistancePrior), part(slope * way, t.capacityPrior),
    part(series, t.offsetPrior), part(1, t.voltageNoiseFloor), part(c, t.voltageNoisePerC),
  ]
  return (volts, 1.96 * parts.reduce(0) { $0 + $1 * $1 }.squareRoot())
}

@Suite struct LoadLimitTests {
  /// Where the voltage limits, the pessimistic voltage at the limit is the bound: within 0.1 mV.
  @Test(arguments: [0.15, 0.5, 0.9], [Int32(2), 10, 30])
  func limitsMeetTheVoltage(place: Double, seconds: Int32) {
    let cell = estimator(place)
    for charging in [false, true] {
      let limit = cell.limit(charging: charging, over: seconds, bounds(amperes: 200))
      #expect(limit.reason == .voltage)
      let c = Double(limit.current.microamperes) / 1.5e6
      let (volts, reach) = loaded(place, c, Double(seconds))
      let worst = charging ? volts + reach : volts - reach
      #expect(abs(worst - (charging ? 4.2 : 2.0)) < 1e-4, "\(charging) \(c) C: \(worst)")
      let watts = Double(limit.current.microamperes) * 1e-6 * (volts - reach)
      #expect(abs(Double(limit.microwatts) * 1e-6 - watts) < 1e-3 * abs(watts))
    }
  }

  /// A longer time and a worse-known state never allow more.
  @Test(arguments: [true, false])
  func limitsFallWithTimeAndDoubt(charging: Bool) {
    var last = Int32.max
    for seconds: Int32 in [2, 10, 30] {
      let magnitude = abs(
        estimator(0.3).limit(charging: charging, over: seconds, bounds(amperes: 200))
          .current.microamperes)
      #expect(magnitude <= last)
      last = magnitude
    }
    let unsure = estimator(0.3, deviation: 150_000)
      .limit(charging: charging, over: 30, bounds(amperes: 200))
    #expect(abs(unsure.current.microamperes) < last)
  }

  /// What board and cell can take bounds what the voltage would allow.
  @Test func boardLimits() {
    let limit = estimator(0.5).limit(charging: false, over: 2, bounds(amperes: 1))
    #expect(limit.current == .microamperes(-1_000_000))
    #expect(limit.reason == .current)
  }

  /// The current falls to 0 over the last 5 °C inside the temperatures and is 0 beyond.
  @Test(arguments: [
    (Int32(2_500), Int32(500_000)), (0, 0), (-10_000, 0), (42_500, 500_000), (50_000, 0),
    (25_000, 1_000_000),
  ])
  func temperatureLimitsCharging(millidegrees: Int32, microamperes: Int32) {
    let limit = estimator(celsius: millidegrees).limit(
      charging: true, over: 2, bounds(amperes: 1))
    #expect(limit.current.microamperes == microamperes)
    #expect((limit.reason == .temperature) == (microamperes < 1_000_000))
  }

  /// An empty cell gives nothing, a full one takes nothing.
  @Test func endsGiveNothing() {
    let empty = estimator(-0.0, deviation: 30_000).limit(
      charging: false, over: 30, bounds())
    #expect(empty.current.microamperes == 0)
    #expect(empty.reason == .voltage)
    #expect(empty.microwatts == 0)
  }

  /// Any bounds have an answer.
  @Test func extremeBoundsAreAnswered() {
    var wild = bounds()
    wild.greatestCharge = .microamperes(.max)
    wild.greatestDischarge = .microamperes(.min)
    wild.derating = .min
    wild.lowestVoltage = .microvolts(.min)
    wild.highestVoltage = .microvolts(.max)
    for seconds in [Int32.min, 0, 60, .max] {
      let charge = estimator(0.5).limit(charging: true, over: seconds, wild)
      #expect(charge.current.microamperes == .max)
      let discharge = estimator(0.5).limit(charging: false, over: seconds, wild)
      #expect(discharge.current.microamperes == 0)
    }
  }
}

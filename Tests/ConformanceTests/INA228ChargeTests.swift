// SPDX-License-Identifier: Apache-2.0

import ChipDrivers
import ChipEmulators
import DeterministicMath
import Quantities
import TestSupport
import Testing

/// The INA228's CHARGE, from the pin to nanocoulombs.
///
/// The oracle follows SLYS021A, section 8.1.2: CURRENT_LSB = SHUNT_CAL / (13107.2e6 · R), four times
/// finer in the narrow range; CHARGE counts CURRENT_LSB · 1 s (INA229, table 8-4) and takes
/// CURRENT · dt at every conversion cycle. That CURRENT is VSHUNT · 4096 / SHUNT_CAL follows from
/// the same example; no table states it.
@Suite struct INA228ChargeTests {
  /// What the chip must have counted and the driver handed out, in exact integers.
  struct Ledger {
    let configuration: INA228.Configuration
    let partsPerMillion: Int64
    let cycle: Int64
    let start: Int64
    var cycles: Int64 = 0
    /// Sum of code · cycles.
    var codes: Int128 = 0

    init(_ bench: INA228Bench, partsPerMillion: Int64) {
      configuration = bench.driver.configuration
      self.partsPerMillion = partsPerMillion
      cycle = Int64(configuration.conversionMicroseconds)
      start = bench.now
    }

    /// Takes the cycles that end by `now` at a code.
    mutating func add(_ code: Int32, until now: Int64) {
      // The chip's clock passes (1e6 + ppm) ps in a µs.
      let passed = Int128(now - start) * Int128(1_000_000 + partsPerMillion)
      let all = Int64(passed / (Int128(cycle) * 1_000_000))
      codes += Int128(code) * Int128(all - cycles)
      cycles = all
    }

    /// The register before it wraps: code · 4096 / SHUNT_CAL · cycle, rounded down.
    var counts: Int128 {
      floored(
        codes * 4_096 * Int128(cycle), Int128(configuration.shuntCalibration) * 1_000_000)
    }

    /// The charge by the chip's clock, in nC, rounded down.
    var nanocoulombs: Int128 {
      let divisor: Int128 = configuration.shuntRange == .narrow ? 4 : 1
      let sign: Int128 = configuration.shunt.polarity == .chargePositive ? 1 : -1
      // 1e9 nC · 1e6 µΩ / 13107.2e6 = 1e10 / 131072.
      return floored(
        sign * counts * Int128(configuration.shuntCalibration) * 10_000_000_000,
        131_072 * Int128(configuration.shunt.resistance.microohms) * divisor)
    }

    private func floored(_ numerator: Int128, _ denominator: Int128) -> Int128 {
      let quotient = numerator / denominator
      return quotient * denominator > numerator ? quotient - 1 : quotient
    }
  }

  /// A shunt, and an oscillator with what the driver was told of it.
  struct Wiring: Sendable {
    let microohms: Int32
    let microamperes: Int32
    let polarity: Shunt.Polarity
    let partsPerMillion: Int64
    let correction: Int32
  }

  static let wirings = [
    Wiring(
      microohms: 15_000, microamperes: 10_000_000, polarity: .chargePositive, partsPerMillion: 0,
      correction: 0),
    Wiring(
      microohms: 7_919, microamperes: 5_003_000, polarity: .dischargePositive,
      partsPerMillion: 5_000, correction: -4_975),
    Wiring(
      microohms: 137, microamperes: 999_000_000, polarity: .chargePositive,
      partsPerMillion: -10_000, correction: 10_101),
    Wiring(
      microohms: 9_999_991, microamperes: 16_000, polarity: .dischargePositive,
      partsPerMillion: 7, correction: 15_000),
  ]

  /// Random currents for random times, up to ten days between two readings, so that the counter
  /// wraps often in both directions; to the last nanocoulomb.
  @Test(arguments: wirings.indices, [1, 2] as [UInt64])
  func everyCountIsHandedOut(index: Int, seed: UInt64) throws {
    let wiring = Self.wirings[index]
    let configuration = try INA228Tests.configuration(
      microohms: wiring.microohms, microamperes: wiring.microamperes, polarity: wiring.polarity)
    var bench = try INA228Bench(
      configuration, errors: INA228Errors(clockPartsPerMillion: wiring.partsPerMillion),
      correction: ClockCorrection(partsPerMillion: wiring.correction))
    try bench.bringUp()
    var ledger = Ledger(bench, partsPerMillion: wiring.partsPerMillion)
    // The largest current in codes.
    let largest = Int32(configuration.shuntCalibration) * 128 - 128
    let step = configuration.shuntRange == .narrow ? 78.125e-9 : 312.5e-9
    var random = SeededRandom(seed: seed)
    var total: Int128 = 0
    var wraps = 0
    for reading in 0..<8_000 {
      // Long stretches of one direction, so that the counter goes round.
      let bias = reading % 100 < 50 ? -largest...largest / 2 : -largest / 2...largest
      let code = Int32.random(in: bias, using: &random)
      bench.shuntVolts = Double(code) * step
      // Longer than 5 s, so that nothing is learned and the correction stays.
      bench.pass(Int64.random(in: 5_000_001...864_000_000_000, using: &random))
      let before = ledger.counts
      ledger.add(code, until: bench.now)
      if (before + 1 << 39) >> 40 != (ledger.counts + 1 << 39) >> 40 { wraps += 1 }
      guard case .counted(let charge) = try bench.read().charge else {
        Issue.record("seed \(seed), reading \(reading): not counted")
        return
      }
      total += Int128(charge.nanocoulombs)
      let counted = ledger.nanocoulombs
      let corrected = counted * Int128(1_000_000 + wiring.correction)
      let expected = corrected >= 0 ? corrected / 1_000_000 : (corrected - 999_999) / 1_000_000
      guard total == expected else {
        Issue.record("seed \(seed), reading \(reading): \(total), expected \(expected)")
        return
      }
    }
    #expect(wraps > 500, "the counter went round \(wraps) times")
  }

  /// Back and forth over the edge at which the 40-bit register changes its sign.
  @Test(arguments: [(1, 1), (-1, 2)] as [(Int128, UInt64)])
  func backAndForthOverTheEdge(sign: Int128, seed: UInt64) throws {
    var bench = try INA228Bench(INA228Tests.configuration())
    try bench.bringUp()
    var ledger = Ledger(bench, partsPerMillion: 0)
    var total: Int128 = 0
    func step(_ code: Int32, _ microseconds: Int64) throws {
      bench.shuntVolts = Double(code) * 312.5e-9
      bench.pass(microseconds)
      ledger.add(code, until: bench.now)
      let reading = try bench.read().charge
      guard case .counted(let charge) = reading else {
        Issue.record("seed \(seed): \(reading)")
        return
      }
      total += Int128(charge.nanocoulombs)
      #expect(total == ledger.nanocoulombs, "seed \(seed) at \(ledger.counts)")
    }
    let edge = sign << 39
    // Up to it: 475200 codes are 519045 counts a second.
    while (edge - ledger.counts).magnitude > 1 << 22 {
      let seconds = min(Int64((edge - ledger.counts).magnitude / 519_046), 3_600)
      try step(Int32(sign) * 475_200, max(seconds, 6) * 1_000_000)
    }
    var random = SeededRandom(seed: seed)
    var crossings = 0
    for _ in 0..<2_000 {
      let before = ledger.counts
      let towards: Int32 = before < edge ? 1 : -1
      // From none to 24,000 counts.
      try step(towards * Int32.random(in: 0...4_000, using: &random), 5_500_000)
      if (before < edge) != (ledger.counts < edge) { crossings += 1 }
    }
    #expect(crossings > 500, "\(crossings) crossings")
  }

  /// Forty days near full scale carry the counter round; the clock's error was learned in an hour.
  @Test(arguments: [-10_000, -4_321, 0, 5_000, 10_000] as [Int64], [9.9, -9.9])
  func chargeIsTrueAcrossTheWrap(partsPerMillion: Int64, amperes: Double) throws {
    var bench = try INA228Bench(
      INA228Tests.configuration(shunt: .microseconds540),
      errors: INA228Errors(clockPartsPerMillion: partsPerMillion))
    try bench.bringUp()
    bench.shuntVolts = amperes.sign == .minus ? -0.03 : 0.03
    for _ in 0..<3_600 {
      bench.pass(1_000_000)
      _ = try bench.read()
    }
    // 59 windows of a quarter each leave nothing of the start. One conversion (640 µs) of the last
    // window of 60 s is 11 ppm, and a quarter of less than 2 ppm is rounded away.
    let exact = (1 / (1 + Double(partsPerMillion) / 1e6) - 1) * 1e6
    let learned = Double(bench.driver.clockCorrection.partsPerMillion)
    #expect(abs(learned - exact) <= 13, "learned \(learned), exact \(exact)")

    bench.shuntVolts = amperes * 0.015
    var total: Int64 = 0
    let hours = 40 * 24
    for hour in 0..<hours {
      bench.pass(3_600_000_000)
      guard case .counted(let charge) = try bench.read().charge else {
        Issue.record("hour \(hour): not counted")
        return
      }
      total += charge.nanocoulombs
    }
    let truth = amperes * 3_600 * Double(hours)
    let relative = Double(total) / 1e9 / truth - 1
    // 13 ppm as above, and half a ppm by which the correction is whole.
    #expect(abs(relative) <= 13.5e-6, "\(relative * 1e6) ppm")
    // Once round is 2^40 counts of 10 A · s / 2^19.
    #expect(abs(truth) > 10 * 2_097_152)
  }

  /// A current beyond the shunt's largest makes CURRENT overflow in the chip: the count is not
  /// trusted, and the next interval is.
  @Test func currentBeyondTheLargest() throws {
    var bench = try INA228Bench(INA228Tests.configuration(microamperes: 5_000_000))
    try bench.bringUp()
    bench.shuntVolts = 0.015
    bench.pass(7_500_000)
    _ = try bench.read()
    // 7.5 A: within the converter's range, beyond CURRENT's.
    bench.shuntVolts = 0.1125
    bench.pass(7_500_000)
    let beyond = try bench.read()
    #expect(beyond.current == .milliamperes(7_500))
    #expect(beyond.charge == .overflow)
    bench.shuntVolts = 0.015
    bench.pass(7_500_000)
    #expect(try bench.read().charge == .counted(.nanocoulombs(7_500_000_000)))
    // 5 A is 2^19 codes of CURRENT, one beyond its end; one code of the shunt less, 20.8 µA, fits.
    bench.shuntVolts = 0.075
    bench.pass(7_500_000)
    #expect(try bench.read().charge == .overflow)
    bench.shuntVolts = 0.075 - 312.5e-9
    bench.pass(7_500_000)
    guard case .counted = try bench.read().charge else {
      Issue.record("a current below the largest is not counted")
      return
    }
  }
}

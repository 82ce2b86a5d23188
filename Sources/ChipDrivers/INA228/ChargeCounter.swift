// SPDX-License-Identifier: Apache-2.0

internal import Quantities

/// Turns readings of the 40-bit CHARGE accumulator into charge, losing nothing.
///
/// One count is CURRENT_LSB coulombs (datasheet table 8-4), with the CURRENT_LSB that SHUNT_CAL
/// really gives: c · 312.5 nV / (4096 · R), a quarter of that in the narrow range. In nanocoulombs
/// that is c · 9,765,625 / (128 · R[µΩ] · range divisor), an exact rational; what does not make a
/// whole nanocoulomb stays in the remainder.
struct ChargeCounter: Equatable, Sendable {
  private let numerator: Int64
  private let denominator: Int64
  private var lastWord: UInt64 = 0
  private var lastTime = MonotonicTime.microseconds(0)
  /// 0 ≤ remainder < denominator. Unit: nC / denominator.
  private var remainder: Int64 = 0

  init(configuration: INA228.Configuration) {
    numerator = configuration.shunt.oriented(Int64(configuration.shuntCalibration) * 9_765_625)
    denominator =
      128 * Int64(configuration.shunt.resistance.microohms) * configuration.shuntRange.divisor
  }

  /// Starts to count from zero, as after RSTACC; the remainder is kept.
  mutating func restart(at time: MonotonicTime) {
    lastWord = 0
    lastTime = time
  }

  /// What one reading says.
  struct Step {
    /// By the chip's clock.
    var charge: Charge
    /// Since the last reading. Unit: µs of the host.
    var elapsed: Int64
    var isPlausible: Bool
  }

  /// Takes the next reading and returns the charge since the last one.
  mutating func advance(to word: UInt64, at time: MonotonicTime) -> Step {
    // The difference modulo 2^40, sign-extended: right across the wrap in either direction.
    let counts = Int64(bitPattern: (word &- lastWord) << 24) >> 24
    let elapsed = time.microseconds(since: lastTime)
    lastWord = word
    lastTime = time
    return Step(
      charge: .nanocoulombs(nanocoulombs(of: counts)), elapsed: elapsed,
      isPlausible: ChargeCounter.isPlausible(counts, within: elapsed))
  }

  /// Scales in two steps of 20 bits, so that every product fits 64 bits.
  private mutating func nanocoulombs(of counts: Int64) -> Int64 {
    let high = flooredQuotient((counts >> 20) * numerator, denominator)
    let low = flooredQuotient(
      high.remainder << 20 + (counts & 0xF_FFFF) * numerator + remainder, denominator)
    remainder = low.remainder
    return high.quotient << 20 + low.quotient
  }

  /// Whether the chip could count so much: |CURRENT| ≤ 2^19, so at most 2^19 counts a second, 2 %
  /// more for the oscillator (±1 % over temperature), and one conversion (at most 12.4 ms) because
  /// the accumulator moves in such steps. Once the limit reaches half the counter's range, a wrap
  /// could hide, and nothing is plausible.
  private static func isPlausible(_ counts: Int64, within elapsed: Int64) -> Bool {
    // 2^19 · 1.02 counts/s · 1 ms = 534.77376; 2^39 counts then take 1,028,000 s.
    guard elapsed >= 0, elapsed < 1_000_000_000_000 else { return false }
    let limit = (elapsed / 1_000 + 14) * 53_477_376 / 100_000
    return counts.magnitude <= limit.magnitude
  }
}

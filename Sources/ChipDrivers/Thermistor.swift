// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// A thermistor with a negative coefficient from the measured pin to ground, and a resistor from the
/// pin to the reference.
///
/// Ratiometric: only the ratio of the two voltages counts, so a drifting supply does not matter.
/// The Beta formula 1/T = 1/T25 + ln(R/R25) / Beta is evaluated in integers; against the exact
/// formula the error is below 0.01 °C from −20 to 60 °C. How well the formula fits the part is
/// another matter: ±1 % of Beta is about ±0.4 °C at 60 °C.
public struct Thermistor: Equatable, Sendable {
  private let pullUp: Int64
  private let nominal: Int64
  private let beta: Int64

  /// Describes a thermistor.
  ///
  /// - Parameters:
  ///   - nominal: resistance at 25 °C, 100…1,000,000 Ω.
  ///   - beta: 1000…6000 K.
  ///   - pullUp: the resistor to the reference, 100…1,000,000 Ω.
  /// - Returns: nil if a value is outside its range.
  public init?(nominalOhms nominal: Int32, betaKelvin beta: Int32, pullUpOhms pullUp: Int32) {
    let resistances: ClosedRange<Int32> = 100...1_000_000
    let betas: ClosedRange<Int32> = 1_000...6_000
    guard resistances.contains(nominal), resistances.contains(pullUp), betas.contains(beta)
    else { return nil }
    self.nominal = Int64(nominal)
    self.beta = Int64(beta)
    self.pullUp = Int64(pullUp)
  }

  /// The temperature for the voltage over the thermistor and that of the reference, both before any
  /// divider; rounded to nearest m°C.
  ///
  /// - Throws: `.thermistorOpen` below −40 °C, `.thermistorShorted` above 125 °C: there a broken
  ///   wire and a real temperature look alike.
  public func temperature(
    thermistor: Voltage, reference: Voltage
  ) throws(ChipError) -> Temperature {
    let over = Int64(thermistor.microvolts)
    let remaining = Int64(reference.microvolts) - over
    // A reference that is absent or negative leaves nothing to divide by: as a broken wire.
    guard remaining > 0 else { throw .thermistorOpen }
    guard over > 0 else { throw .thermistorShorted }
    // R / R25 = (pull-up · V) / (R25 · (Vref − V)); each product is below 2^52.
    let ratio =
      BinaryLogarithm.of(UInt64(pullUp * over)) - BinaryLogarithm.of(UInt64(nominal * remaining))
    let millikelvin = try temperature(logarithmOfRatio: ratio)
    guard millikelvin >= 233_150 else { throw .thermistorOpen }
    guard millikelvin <= 398_150 else { throw .thermistorShorted }
    return .millidegreesCelsius(Int32(millikelvin - 273_150))
  }

  /// T = T25 · Beta / (Beta + T25 · ln(R/R25)). Unit: mK.
  private func temperature(logarithmOfRatio ratio: Int64) throws(ChipError) -> Int64 {
    // ln 2 = 0.693147180560 in 32 bits of fraction; |ratio| < 2^30, so the product fits.
    let natural = (ratio * 2_977_044_472) >> 32
    // Both sides in K · 2^20 · 1000: 298.15 K · ln, with ln from 24 to 20 bits of fraction.
    let slope = (298_150 * natural) >> 4
    let denominator = beta * 1_000 << 20 + slope
    // At the hottest the line through 1/T passes zero: far beyond 125 °C.
    guard denominator > 0 else { throw .thermistorShorted }
    return roundedQuotient(298_150 * beta * 1_000 << 20, denominator)
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// What distinguishes one INA219 from an ideal one.
public struct INA219Errors: Equatable, Sendable {
  /// An ideal chip: no error, no noise, an exact oscillator.
  public static let none = INA219Errors()

  /// The shunt input. Unit: V.
  public var shunt: ChannelErrors
  /// The bus input. Unit: V.
  public var bus: ChannelErrors
  /// The noise relative to the assumed; 0 for none.
  public var noiseScale: Double
  /// How much the oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(
    shunt: ChannelErrors = .none, bus: ChannelErrors = .none, noiseScale: Double = 0,
    clockPartsPerMillion: Int64 = 0
  ) {
    self.shunt = shunt
    self.bus = bus
    self.noiseScale = noiseScale
    self.clockPartsPerMillion = clockPartsPerMillion
  }

  /// Draws one part within the limits of the A grade, as recalled and unverified: shunt offset ±10 µV
  /// typical, ±100 µV at most, 0.1 µV/°C; gain 0.2 and 0.5 %; bus gain 0.2 and 0.5 %; oscillator
  /// ±10 % (typical 3 % assumed).
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> INA219Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return INA219Errors(
      shunt: ChannelErrors(
        offset: random.error(typical: 10e-6, limit: 100e-6),
        offsetDrift: random.error(typical: 0.1e-6, limit: 0.1e-6),
        gain: random.error(typical: 0.002, limit: 0.005)),
      bus: ChannelErrors(gain: random.error(typical: 0.002, limit: 0.005)),
      noiseScale: 1,
      clockPartsPerMillion: Int64(random.error(typical: 30_000, limit: 100_000).rounded()))
  }

  /// The deviation of one result: 0.5 codes for one sample, assumed, as the datasheet gives none.
  static func noise(samples: Int) -> Double { 0.5 / Double(samples).squareRoot() }
}

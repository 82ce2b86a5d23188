// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// What distinguishes one TMP117 from an ideal one.
public struct TMP117Errors: Equatable, Sendable {
  /// An ideal chip: no error, no noise, an exact oscillator.
  public static let none = TMP117Errors()

  /// The thermometer. Unit: °C.
  public var temperature: ChannelErrors
  /// The noise relative to the datasheet's; 0 for none.
  public var noiseScale: Double
  /// How much the oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(
    temperature: ChannelErrors = .none, noiseScale: Double = 0, clockPartsPerMillion: Int64 = 0
  ) {
    self.temperature = temperature
    self.noiseScale = noiseScale
    self.clockPartsPerMillion = clockPartsPerMillion
  }

  /// Draws one part within the datasheet's limits.
  ///
  /// Limit: ±0.1 °C from −20 to 50 °C, kept by an offset of at most 0.08 °C and a slope that adds
  /// at most 0.02 °C over 45 °C. The oscillator's ±10 % is assumed, as for other TI converters.
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> TMP117Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return TMP117Errors(
      temperature: ChannelErrors(
        offset: random.error(typical: 0.03, limit: 0.08),
        offsetDrift: random.error(typical: 0.0002, limit: 0.00044)),
      noiseScale: 1,
      clockPartsPerMillion: Int64(random.error(typical: 30_000, limit: 100_000).rounded()))
  }

  /// The noise of one 15.5 ms conversion: a repeatability of ±1 code with eight averages, taken for
  /// two deviations. Unit: codes. Unverified: from memory.
  static let noise = 1.4
}

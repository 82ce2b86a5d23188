// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// What distinguishes one ADS1115 from an ideal one.
public struct ADS1115Errors: Equatable, Sendable {
  /// An ideal chip: no error, no noise, an exact oscillator.
  public static let none = ADS1115Errors()

  /// The offset, the same at every range. Unit: codes.
  public var offsetCodes: Double
  /// The relative gain error.
  public var gain: Double
  /// The noise relative to the datasheet's; 0 for none.
  public var noiseScale: Double
  /// How much the oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(
    offsetCodes: Double = 0, gain: Double = 0, noiseScale: Double = 0,
    clockPartsPerMillion: Int64 = 0
  ) {
    self.offsetCodes = offsetCodes
    self.gain = gain
    self.noiseScale = noiseScale
    self.clockPartsPerMillion = clockPartsPerMillion
  }

  /// Draws one part within the datasheet's limits.
  ///
  /// Offset ±3 codes, gain 0.01 % typical and 0.15 % at most, data rate ±10 % (unverified: from
  /// memory). Typical offset and data rate are a third of their limits, assumed.
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> ADS1115Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return ADS1115Errors(
      offsetCodes: random.error(typical: 1, limit: 3),
      gain: random.error(typical: 0.0001, limit: 0.0015),
      noiseScale: 1,
      clockPartsPerMillion: Int64(random.error(typical: 30_000, limit: 100_000).rounded()))
  }

  /// The noise of one conversion, by data-rate code. Unit: codes.
  ///
  /// About one code peak to peak up to 128 samples a second, a deviation of 0.3, and rising with
  /// the root of the rate above. Unverified: from memory.
  static let noise: [Double] = [0.3, 0.3, 0.3, 0.3, 0.3, 0.42, 0.58, 0.78]
}

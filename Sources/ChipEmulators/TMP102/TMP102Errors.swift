// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// What distinguishes one TMP102 from an ideal one. Its noise is below its step, and is left out.
public struct TMP102Errors: Equatable, Sendable {
  /// An ideal chip: no error, an exact oscillator.
  public static let none = TMP102Errors()

  /// The thermometer. Unit: °C.
  public var temperature: ChannelErrors
  /// How much the oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(temperature: ChannelErrors = .none, clockPartsPerMillion: Int64 = 0) {
    self.temperature = temperature
    self.clockPartsPerMillion = clockPartsPerMillion
  }

  /// Draws one part within the datasheet's limits: ±0.5 °C typical and ±2 °C from −25 to 85 °C, kept
  /// by an offset of at most 1.8 °C and a slope that adds at most 0.2 °C over 60 °C. A conversion may
  /// take 35 ms instead of 26: the oscillator may be 25 % slow.
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> TMP102Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return TMP102Errors(
      temperature: ChannelErrors(
        offset: random.error(typical: 0.45, limit: 1.8),
        offsetDrift: random.error(typical: 0.001, limit: 0.0033)),
      clockPartsPerMillion: Int64(random.error(typical: 80_000, limit: 250_000).rounded()))
  }
}

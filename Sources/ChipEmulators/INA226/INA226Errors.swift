// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// What distinguishes one INA226 from an ideal one.
public struct INA226Errors: Equatable, Sendable {
  /// An ideal chip: no error, no noise, an exact oscillator.
  public static let none = INA226Errors()

  /// The shunt input. Unit: V.
  public var shunt: ChannelErrors
  /// The bus input. Unit: V.
  public var bus: ChannelErrors
  /// The noise relative to the datasheet's; 0 for none.
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

  /// Draws one part within the datasheet's limits.
  ///
  /// Electrical characteristics, revision B, typical and limit: shunt ±2.5 and ±10 µV, 0.02 and
  /// 0.1 µV/°C; bus ±1.25 and ±7.5 mV, 10 and 40 µV/°C; gain 0.02 and 0.1 %, 10 and 50 ppm/°C;
  /// oscillator ±10 % (typical 3 % assumed).
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> INA226Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return INA226Errors(
      shunt: ChannelErrors(
        offset: random.error(typical: 2.5e-6, limit: 10e-6),
        offsetDrift: random.error(typical: 0.02e-6, limit: 0.1e-6),
        gain: random.error(typical: 0.0002, limit: 0.001),
        gainDrift: random.error(typical: 10e-6, limit: 50e-6)),
      bus: ChannelErrors(
        offset: random.error(typical: 1.25e-3, limit: 7.5e-3),
        offsetDrift: random.error(typical: 10e-6, limit: 40e-6),
        gain: random.error(typical: 0.0002, limit: 0.001),
        gainDrift: random.error(typical: 10e-6, limit: 50e-6)),
      noiseScale: 1,
      clockPartsPerMillion: Int64(random.error(typical: 30_000, limit: 100_000).rounded()))
  }

  /// The noise of one conversion, by conversion-time code. Unit: codes.
  ///
  /// One to two codes peak to peak at 1.1 ms, taken as a deviation of 0.3, and falling with the
  /// root of the time. Unverified: from memory.
  static let noise: [Double] = [0.84, 0.70, 0.55, 0.41, 0.30, 0.22, 0.154, 0.11]
}

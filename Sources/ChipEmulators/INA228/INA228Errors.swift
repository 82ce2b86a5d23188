// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// What distinguishes one INA228 from an ideal one.
public struct INA228Errors: Equatable, Sendable {
  /// An ideal chip: no error, no noise, an exact oscillator.
  public static let none = INA228Errors()

  /// The shunt input. Unit: V.
  public var shunt: ChannelErrors
  /// The bus input. Unit: V.
  public var bus: ChannelErrors
  /// The die thermometer. Unit: °C.
  public var die: ChannelErrors
  /// The noise relative to the datasheet's; 0 for none.
  public var noiseScale: Double
  /// How much the oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(
    shunt: ChannelErrors = .none, bus: ChannelErrors = .none, die: ChannelErrors = .none,
    noiseScale: Double = 0, clockPartsPerMillion: Int64 = 0
  ) {
    self.shunt = shunt
    self.bus = bus
    self.die = die
    self.noiseScale = noiseScale
    self.clockPartsPerMillion = clockPartsPerMillion
  }

  /// Draws one part within the datasheet's limits.
  ///
  /// Limits: shunt ±1 µV, ±0.01 µV/°C, gain ±0.05 %, ±20 ppm/°C (INA228-Q1 summary page); bus
  /// ±2.5 mV, 40 µV/°C, gain ±0.05 %, die ±1 °C, oscillator ±0.5 % at 25 °C (unverified: from
  /// memory). Typical values are assumed near a third of the limits.
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> INA228Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return INA228Errors(
      shunt: ChannelErrors(
        offset: random.error(typical: 0.3e-6, limit: 1e-6),
        offsetDrift: random.error(typical: 0.003e-6, limit: 0.01e-6),
        gain: random.error(typical: 0.0001, limit: 0.0005),
        gainDrift: random.error(typical: 5e-6, limit: 20e-6)),
      bus: ChannelErrors(
        offset: random.error(typical: 1e-3, limit: 2.5e-3),
        offsetDrift: random.error(typical: 10e-6, limit: 40e-6),
        gain: random.error(typical: 0.0001, limit: 0.0005),
        gainDrift: random.error(typical: 5e-6, limit: 20e-6)),
      die: ChannelErrors(offset: random.error(typical: 0.3, limit: 1)),
      noiseScale: 1,
      clockPartsPerMillion: Int64(random.error(typical: 1500, limit: 5000).rounded()))
  }

  /// The noise of one conversion, by conversion-time code. Unit: codes at ADCRANGE 0.
  ///
  /// From noise-free bits of the 20: 12.5 at 50 µs, 14.6 at 280 µs, 15.6 at 1052 µs, 16.6 at
  /// 4120 µs, half a bit per doubling between them; deviation = 2^(20 − bits) / 6.6. Unverified: the
  /// table is from memory.
  static let noise: [Double] = [27.4, 14.7, 9.7, 6.4, 4.5, 3.2, 2.26, 1.6]
}

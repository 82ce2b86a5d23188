// SPDX-License-Identifier: Apache-2.0

import ChipEmulators
import Testing

/// Offset, gain, their drifts, and noise, on the inputs that the noise tests of the INA228's shunt do
/// not reach.
@Suite struct PartErrorTests {
  /// 1.5 mV and 0.1 %; for each °C above 25 °C 40 µV and 50 ppm more. The die is half a degree off.
  @Test(arguments: [(25.0, 1.0), (45, 1), (5, 1), (25, -1), (45, -1)])
  func ina228BusAndDie(celsius: Double, sign: Double) throws {
    var errors = INA228Errors()
    errors.bus = ChannelErrors(
      offset: sign * 1.5e-3, offsetDrift: sign * 40e-6, gain: sign * 0.001,
      gainDrift: sign * 50e-6)
    errors.die = ChannelErrors(offset: sign * 0.5)
    var bench = try INA228Bench(errors)
    bench.run(10_000, bus: 4, die: celsius)
    let warmer = celsius - 25
    let volts = 4 + sign * (4 * (0.001 + 50e-6 * warmer) + 1.5e-3 + 40e-6 * warmer)
    #expect(try bench.bus.signed20(0x40, 0x05) == Int64((volts / 195.3125e-6).rounded()))
    #expect(try bench.bus.signed16(0x40, 0x06) == Int16((celsius + sign * 0.5) * 128))
  }

  @Test func ina226() throws {
    var errors = INA226Errors()
    errors.shunt = ChannelErrors(offset: 10e-6, gain: 0.001)
    errors.bus = ChannelErrors(offset: -7.5e-3, gain: -0.001)
    var bench = try INA226Bench(errors)
    bench.run(10_000, shunt: -0.05, bus: 4)
    // −50.05 mV + 10 µV = −50.04 mV; 3.996 V − 7.5 mV = 3.9885 V, 3190.8 steps.
    #expect(try bench.signed(0x01) == -20_016)
    #expect(try bench.signed(0x02) == 3_191)
  }

  @Test(arguments: [(25.0, 25.08), (-20, -20.28), (50, 50.28)])
  func tmp117(celsius: Double, shown: Double) throws {
    var errors = TMP117Errors()
    // 0.08 °C and 0.008 °C per °C, far more than a part may have, to be seen in steps of 1/128 °C.
    errors.temperature = ChannelErrors(offset: 0.08, offsetDrift: 0.008)
    var bench = try TMP117Bench(errors)
    bench.run(126_500, at: celsius)
    #expect(try bench.bus.signed16(0x49, 0x00) == Int16((shown * 128).rounded()))
  }

  /// Ten times the noise, so that rounding is a small part of it: a deviation of 3 codes up to 128
  /// samples a second, and √(860 / 128) times that at 860.
  @Test(arguments: [(4, 3.0), (7, 7.8)] as [(UInt16, Double)], [1, 2] as [UInt64])
  func ads1115Noise(rate: (code: UInt16, deviation: Double), seed: UInt64) throws {
    var bench = try ADS1115Bench(ADS1115Errors(noiseScale: 10), seed: seed)
    bench.inputs[0] = 1.000_02
    var statistics = Statistics()
    for _ in 0..<2_000 {
      try bench.set(1, 0xC303 | rate.code << 5)
      bench.run(10_000)
      statistics.add(Double(try bench.result()))
    }
    let variance = rate.deviation * rate.deviation + 1.0 / 12
    // Five deviations of a mean and of a variance of 2000.
    #expect(abs(statistics.mean - 8_000.16) < 5 * (variance / 2_000).squareRoot())
    #expect(abs(statistics.variance / variance - 1) < 5 * (2.0 / 2_000).squareRoot())
  }

  /// One, 8 and 64 averages: the deviation falls with their root. Ten times the noise.
  @Test(arguments: [(0, 1.0), (1, 8), (3, 64)] as [(UInt16, Double)], [1, 2] as [UInt64])
  func tmp117Noise(average: (code: UInt16, count: Double), seed: UInt64) throws {
    var bench = try TMP117Bench(TMP117Errors(noiseScale: 10), seed: seed)
    try bench.set(0x1, average.code << 5)
    var statistics = Statistics()
    for _ in 0..<2_000 {
      bench.run(1_000_000)
      statistics.add(Double(try bench.bus.signed16(0x49, 0x00)))
    }
    let variance = 14.0 * 14 / average.count + 1.0 / 12
    #expect(abs(statistics.mean - 3_200) < 5 * (variance / 2_000).squareRoot())
    #expect(abs(statistics.variance / variance - 1) < 5 * (2.0 / 2_000).squareRoot())
  }

  /// Another seed is another part with another noise; the same seed the same.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func aSeedIsAPart(seed: UInt64) {
    #expect(INA226Errors.typical(seed: seed) == INA226Errors.typical(seed: seed))
    #expect(INA226Errors.typical(seed: seed) != INA226Errors.typical(seed: seed + 1))
    #expect(ADS1115Errors.typical(seed: seed) == ADS1115Errors.typical(seed: seed))
    #expect(ADS1115Errors.typical(seed: seed) != ADS1115Errors.typical(seed: seed + 1))
    #expect(TMP117Errors.typical(seed: seed) == TMP117Errors.typical(seed: seed))
    #expect(TMP117Errors.typical(seed: seed) != TMP117Errors.typical(seed: seed + 1))
    #expect(INA228Errors.typical(seed: seed, stream: 1) != INA228Errors.typical(seed: seed))
  }
}

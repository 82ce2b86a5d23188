// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// Mean and variance of a series.
struct Statistics {
  private(set) var count = 0.0
  private(set) var mean = 0.0
  private var squares = 0.0

  mutating func add(_ value: Double) {
    count += 1
    let away = value - mean
    mean += away / count
    squares += away * (value - mean)
  }

  var variance: Double { squares / (count - 1) }
  /// The deviation of the mean.
  var meanError: Double { (variance / count).squareRoot() }
}

/// What both ways of converting must agree on: charge, energy and shunt result of each step.
struct NoiseRun {
  var charge = Statistics()
  var energy = Statistics()
  var shunt = Statistics()
}

@Suite struct INA228NoiseTests {
  /// Settings in which a step holds a whole number of cycles.
  struct Setting: Sendable, CustomTestStringConvertible {
    let adcConfig: UInt16
    let cyclesPerStep: Int64
    let cycleTime: Int64
    let noiseScale: Double
    /// The deviation of one conversion. Unit: codes.
    let noise: Double
    let average: Double
    let level: Double
    var testDescription: String { "level \(level), noise \(noise), average \(average)" }
  }

  static let settings: [Setting] = [
    Setting(
      adcConfig: 0xB000, cyclesPerStep: 100, cycleTime: 100, noiseScale: 1, noise: 27.4,
      average: 1, level: 1000.3),
    Setting(
      adcConfig: 0xB000, cyclesPerStep: 100, cycleTime: 100, noiseScale: 1, noise: 27.4,
      average: 1, level: 0),
    Setting(
      adcConfig: 0xB000, cyclesPerStep: 100, cycleTime: 100, noiseScale: 1, noise: 27.4,
      average: 1, level: -21.6),
    // The least noise of which sums are drawn at once, at a level where rounding would show.
    Setting(
      adcConfig: 0xB1C0, cyclesPerStep: 50, cycleTime: 4170, noiseScale: 0.4, noise: 0.64,
      average: 1, level: 5000.25),
    Setting(
      adcConfig: 0xB002, cyclesPerStep: 32, cycleTime: 100, noiseScale: 1, noise: 27.4,
      average: 16, level: 300.5),
  ]

  private func run(
    _ setting: Setting, individually: Bool, steps: Int = 800, seed: UInt64
  ) throws -> NoiseRun {
    var bench = try INA228Bench(INA228Errors(noiseScale: setting.noiseScale), seed: seed)
    bench.chip.individualConversions = individually ? .max : 1
    // A divisor of 1 makes the accumulators' own rounding small.
    try bench.set(0x02, 1)
    try bench.set(0x01, setting.adcConfig)
    var result = NoiseRun()
    var (charge, energy) = (0 as Int64, 0 as Int64)
    for _ in 0..<steps {
      bench.run(
        setting.cyclesPerStep * setting.cycleTime, shunt: setting.level * 312.5e-9, bus: 3.0)
      let newCharge = try bench.bus.signed40(0x40, 0x0A)
      let newEnergy = Int64(try bench.get(0x09, 5))
      result.charge.add(Double(newCharge - charge))
      result.energy.add(Double(newEnergy - energy))
      result.shunt.add(Double(try bench.bus.signed20(0x40, 0x04)))
      (charge, energy) = (newCharge, newEnergy)
    }
    return result
  }

  /// Five deviations apart is a difference; for a variance one deviation is √(2/n) = 5 %.
  private func expectEqual(_ one: Statistics, _ other: Statistics, _ what: Comment) {
    let error = (one.meanError * one.meanError + other.meanError * other.meanError).squareRoot()
    #expect(abs(one.mean - other.mean) < 5 * error, what)
    #expect(abs(one.variance / other.variance - 1) < 5 * 0.05 * 2.0.squareRoot(), what)
  }

  @Test(arguments: settings.indices, [1, 2] as [UInt64])
  func sumsAgreeWithSingleConversions(_ index: Int, seed: UInt64) throws {
    let setting = Self.settings[index]
    let single = try run(setting, individually: true, seed: seed)
    let summed = try run(setting, individually: false, seed: seed &+ 100)
    expectEqual(single.charge, summed.charge, "charge")
    expectEqual(single.energy, summed.energy, "energy")
    expectEqual(single.shunt, summed.shunt, "shunt")
  }

  @Test(arguments: settings.indices, [3, 4] as [UInt64])
  func sumsAgreeWithTheory(_ index: Int, seed: UInt64) throws {
    let setting = Self.settings[index]
    let steps = 4000
    let summed = try run(setting, individually: false, steps: steps, seed: seed)
    let n = Double(setting.cyclesPerStep)
    let gain = 4096 * Double(setting.cycleTime) * 1e-6
    let variance = n * (setting.noise * setting.noise + 1.0 / 12) * gain * gain
    #expect(
      abs(summed.charge.mean - n * setting.level * gain) < 5
        * (variance / Double(steps)).squareRoot() + 0.01)
    // Five deviations; without the roundings' share the least noise would be 17 % short.
    let bound = 5 * (2 / Double(steps)).squareRoot()
    #expect(abs(summed.charge.variance / variance - 1) < bound)
    let resultVariance = setting.noise * setting.noise / setting.average + 1.0 / 12
    #expect(abs(summed.shunt.variance / resultVariance - 1) < bound)
  }

  /// Below the least noise each conversion is done, so that rounding to one code stays visible.
  @Test func littleNoiseIsRoundedAway() throws {
    var bench = try INA228Bench(INA228Errors(noiseScale: 0.05))
    try bench.set(0x01, 0xA1C0)
    // Noise of 0.08 codes, 0.1 codes above a whole one: the sum still counts whole codes.
    for _ in 0..<100 { bench.run(412_000, shunt: 1000.1 * 312.5e-9) }
    // 10 000 conversions of 4120 µs.
    #expect(try bench.bus.signed40(0x40, 0x0A) == 41_200)
  }
}

@Suite struct ChipErrorTests {
  @Test(arguments: 1...200 as ClosedRange<UInt64>) func partsKeepTheDatasheetLimits(seed: UInt64) {
    let ina228 = INA228Errors.typical(seed: seed)
    #expect(abs(ina228.shunt.offset) <= 1e-6)
    #expect(abs(ina228.shunt.gain) <= 0.0005)
    #expect(abs(ina228.bus.offset) <= 2.5e-3)
    #expect(abs(ina228.clockPartsPerMillion) <= 5_000)
    let ina226 = INA226Errors.typical(seed: seed)
    #expect(abs(ina226.shunt.offset) <= 10e-6)
    #expect(abs(ina226.bus.gain) <= 0.001)
    #expect(abs(ina226.clockPartsPerMillion) <= 100_000)
    let ads1115 = ADS1115Errors.typical(seed: seed)
    #expect(abs(ads1115.offsetCodes) <= 3)
    #expect(abs(ads1115.gain) <= 0.0015)
    let tmp117 = TMP117Errors.typical(seed: seed)
    for celsius in [-20.0, 25, 50] {
      let error =
        tmp117.temperature.offset + tmp117.temperature.offsetDrift * (celsius - 25)
      #expect(abs(error) <= 0.1)
    }
    #expect(ina228 == INA228Errors.typical(seed: seed))
    #expect(ina228 != INA228Errors.typical(seed: seed &+ 1))
  }

  @Test func offsetGainAndDriftAdd() throws {
    let shunt = ChannelErrors(offset: 1e-6, offsetDrift: 1e-8, gain: 0.0005, gainDrift: 20e-6)
    var bench = try INA228Bench(INA228Errors(shunt: shunt))
    bench.run(10_000, shunt: 0.1, die: 45)
    // 100 mV · (1 + 0.0005 + 0.0004) + 1 µV + 0.2 µV = 100.0912 mV = 320 291.84 codes
    #expect(try bench.bus.signed20(0x40, 0x04) == 320_292)
  }
}

@Suite struct DeterminismTests {
  /// Every register of four noisy chips after some steps.
  private func trace(seed: UInt64) throws -> [UInt64] {
    var ina228 = try INA228Bench(INA228Errors.typical(seed: seed), seed: seed)
    var ina226 = try INA226Bench(INA226Errors.typical(seed: seed), seed: seed)
    var ads1115 = try ADS1115Bench(ADS1115Errors.typical(seed: seed), seed: seed)
    var tmp117 = try TMP117Bench(TMP117Errors.typical(seed: seed), seed: seed)
    try ads1115.set(1, 0x42E3)
    var answers: [UInt64] = []
    for step in 0..<20 as Range<Int64> {
      let level = Double(step) * 0.001
      ina228.run(100_000 + step, shunt: level, bus: 3 + level)
      ina226.run(100_000 + step, shunt: level, bus: 3 + level)
      ads1115.inputs = [level, 1, 2, 3]
      ads1115.run(100_000 + step)
      tmp117.run(500_000, at: 25 + level)
      for (pointer, count, _, _) in INA228RegisterTests.map {
        answers.append(try ina228.get(pointer, count))
      }
      for pointer in [1, 2, 3, 4] as [UInt8] { answers.append(try ina226.get(pointer)) }
      answers.append(try ads1115.get(0))
      answers.append(try tmp117.get(0))
    }
    return answers
  }

  @Test(arguments: [1, 99] as [UInt64]) func sameSeedSameBytes(seed: UInt64) throws {
    #expect(try trace(seed: seed) == trace(seed: seed))
    #expect(try trace(seed: seed) != trace(seed: seed &+ 1))
  }

  @Test func aSnapshotRunsOnAlike() throws {
    var bench = try INA228Bench(INA228Errors.typical(seed: 5), seed: 5)
    bench.run(1_000_000, shunt: 0.01, bus: 3)
    let snapshot = bench.chip.state
    bench.run(1_000_000, shunt: 0.01, bus: 3)
    let charge = try bench.get(0x0A, 5)
    let bus = try bench.get(0x05, 3)
    bench.chip.state = snapshot
    #expect(try bench.get(0x0A, 5) < charge)
    bench.now = 1_000_000
    bench.run(1_000_000, shunt: 0.01, bus: 3)
    #expect(try bench.get(0x0A, 5) == charge)
    #expect(try bench.get(0x05, 3) == bus)
  }
}

@Suite struct INA226NoiseTests {
  /// Averaging 1 and 16 conversions: the deviation falls to a quarter, rounding stays.
  @Test(arguments: [(0x4127, 0.3), (0x4527, 0.075)] as [(UInt16, Double)], [1, 2] as [UInt64])
  func averaging(setting: (config: UInt16, noise: Double), seed: UInt64) throws {
    var bench = try INA226Bench(INA226Errors(noiseScale: 10), seed: seed)
    try bench.set(0x00, setting.config)
    var statistics = Statistics()
    for _ in 0..<2000 {
      bench.run(100_000, shunt: 1000.4 * 2.5e-6)
      statistics.add(Double(try bench.signed(0x01)))
    }
    // Ten times the datasheet's noise, so that rounding is a small part of it.
    let variance = 100 * setting.noise * setting.noise + 1.0 / 12
    #expect(abs(statistics.mean - 1000.4) < 5 * (variance / 2000).squareRoot())
    #expect(abs(statistics.variance / variance - 1) < 5 * (2.0 / 2000).squareRoot())
  }
}

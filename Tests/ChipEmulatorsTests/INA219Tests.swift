// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// An INA219 alone on a bus at 0x42.
struct INA219Bench {
  let chip: INA219Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(_ errors: INA219Errors = .none, seed: UInt64 = 1) throws {
    chip = INA219Emulator(address: I2CAddress(0x42), errors: errors, seed: seed)
    try bus.attach(chip)
  }

  mutating func run(_ microseconds: Int64, shunt: Double = 0, bus volts: Double = 0) {
    now += microseconds
    chip.advance(toMicroseconds: now, shuntVolts: shunt, busVolts: volts, dieCelsius: 25)
  }

  func get(_ pointer: UInt8) throws -> UInt64 { try bus.register(0x42, pointer) }
  func signed(_ pointer: UInt8) throws -> Int16 { try bus.signed16(0x42, pointer) }
  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x42, pointer, value) }
}

@Suite struct INA219EmulatorTests {
  /// Address, power-on value, what it reads after writing 0x7FFF and after writing 0.
  static let map: [(UInt8, UInt64, UInt64, UInt64)] = [
    (0x00, 0x399F, 0x3FFF, 0), (0x01, 0, 0, 0), (0x02, 0, 0, 0), (0x03, 0, 0, 0), (0x04, 0, 0, 0),
    (0x05, 0, 0x7FFE, 0), (0x06, 0, 0, 0),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (pointer, reset, ones, zeros) = Self.map[index]
    let bench = try INA219Bench()
    #expect(try bench.get(pointer) == reset)
    try bench.set(pointer, 0x7FFF)
    #expect(try bench.get(pointer) == ones)
    try bench.set(pointer, 0)
    #expect(try bench.get(pointer) == zeros)
    try bench.set(0x00, 0x8000)
    #expect(try bench.get(pointer) == reset)
    try bench.set(pointer, 0x7FFF)
    bench.chip.powerCycle()
    #expect(try bench.get(pointer) == reset)
  }

  /// The scripts of the Linux driver: shunt / 100 mV, (bus >> 3) · 4 mV, CURRENT = SHUNT at 4096.
  @Test func voltagesCurrentAndPower() throws {
    var bench = try INA219Bench()
    bench.run(1_064, shunt: -0.1, bus: 8.2)
    #expect(try bench.signed(0x01) == -10_000)
    #expect(try bench.get(0x02) == 2_050 << 3 | 2)
    #expect(try bench.get(0x04) == 0, "no calibration, no current")
    try bench.set(0x05, 0x1000)
    bench.run(1_064, shunt: -0.1, bus: 8.2)
    #expect(try bench.signed(0x04) == -10_000)
    // 10000 · 2050 / 5000
    #expect(try bench.get(0x03) == 4_100)
  }

  @Test func mathOverflow() throws {
    var bench = try INA219Bench()
    try bench.set(0x05, 0xFFFE)
    bench.run(1_064, shunt: 0.3, bus: 20)
    #expect(try bench.get(0x02) & 1 == 1)
    #expect(try bench.signed(0x04) == 32_767)
    try bench.set(0x05, 0x1000)
    bench.run(1_064, shunt: 0.3, bus: 20)
    #expect(try bench.get(0x02) & 1 == 0)
    // 30000 · 5000 / 5000
    #expect(try bench.get(0x03) == 30_000)
  }

  /// PG and BRNG clip.
  @Test(arguments: 0..<4 as Range<UInt16>) func ranges(gain: UInt16) throws {
    var bench = try INA219Bench()
    let fullScale = Int16(4_000) << Int16(gain)
    for bus: UInt16 in [0, 1] {
      try bench.set(0x00, bus << 13 | gain << 11 | 0x019F)
      bench.run(1_064, shunt: 0.4, bus: 40)
      #expect(try bench.signed(0x01) == fullScale)
      #expect(try bench.get(0x02) >> 3 == (bus == 0 ? 4_000 : 8_000))
      bench.run(1_064, shunt: -0.4, bus: -1)
      #expect(try bench.signed(0x01) == -fullScale)
      #expect(try bench.get(0x02) >> 3 == 0)
    }
  }

  /// The settings of BADC and SADC with their times in µs and the codes in a step.
  static let settings: [(UInt16, Int64, Int16)] = [
    (0, 84, 8), (1, 148, 4), (2, 276, 2), (3, 532, 1), (7, 532, 1), (8, 532, 1), (9, 1_060, 1),
    (10, 2_130, 1), (11, 4_260, 1), (12, 8_510, 1), (13, 17_020, 1), (14, 34_050, 1),
    (15, 68_100, 1),
  ]

  @Test(arguments: settings.indices) func conversionTime(_ index: Int) throws {
    let (code, time, step) = Self.settings[index]
    var bench = try INA219Bench()
    // Shunt alone, then bus alone, then both; CNVR clears when the power is read.
    for (mode, count) in [(5, 1), (6, 1), (7, 2)] as [(UInt16, Int64)] {
      try bench.set(0x00, 0x1800 | code << 7 | code << 3 | mode)
      for _ in 0..<2 {
        bench.run(count * time - 1, shunt: 0.012_35, bus: 3)
        #expect(try bench.get(0x02) & 2 == 0)
        bench.run(1, shunt: 0.012_35, bus: 3)
        #expect(try bench.get(0x02) & 2 == 2)
        #expect(try bench.get(0x02) & 2 == 2, "reading the voltage clears nothing")
        _ = try bench.get(0x03)
        #expect(try bench.get(0x02) & 2 == 0)
      }
    }
    #expect(try bench.signed(0x01) == 1_235 / step * step)
  }

  @Test func triggeredThenIdle() throws {
    var bench = try INA219Bench()
    try bench.set(0x00, 0x199B)
    bench.run(1_064, shunt: 0.01, bus: 3)
    bench.run(1_000_000, shunt: 0.02, bus: 4)
    #expect(try bench.signed(0x01) == 1_000)
    #expect(try bench.get(0x02) == 750 << 3 | 2)
    // Power-down keeps the flag; another mode clears it.
    try bench.set(0x00, 0x1998)
    bench.run(1_000_000, shunt: 0.02, bus: 4)
    #expect(try bench.get(0x02) == 750 << 3 | 2)
    try bench.set(0x00, 0x199B)
    #expect(try bench.get(0x02) == 750 << 3)
  }

  @Test func partErrorsAndClock() throws {
    var errors = INA219Errors(clockPartsPerMillion: 100_000)
    errors.shunt = ChannelErrors(offset: 100e-6, gain: 0.005)
    errors.bus = ChannelErrors(gain: -0.005)
    var bench = try INA219Bench(errors)
    bench.run(967, shunt: 0.1, bus: 8)
    #expect(try bench.get(0x01) == 0)
    bench.run(1, shunt: 0.1, bus: 8)
    #expect(try bench.signed(0x01) == 10_060)
    #expect(try bench.get(0x02) >> 3 == 1_990)
  }

  /// 0.5 codes for a sample and its rounding; five deviations of a mean and a variance of 4000.
  @Test(arguments: [(3, 0.5), (10, 0.25)] as [(UInt16, Double)], [1, 2] as [UInt64])
  func noise(setting: (code: UInt16, deviation: Double), seed: UInt64) throws {
    // Ten times the noise, so that rounding is a small part of it.
    var bench = try INA219Bench(INA219Errors(noiseScale: 10), seed: seed)
    try bench.set(0x00, 0x1800 | setting.code << 3 | 5)
    var statistics = Statistics()
    for _ in 0..<4_000 {
      bench.run(2_130, shunt: 0.01)
      statistics.add(Double(try bench.signed(0x01)))
    }
    let variance = 100 * setting.deviation * setting.deviation + 1.0 / 12
    #expect(abs(statistics.mean - 1_000) < 5 * (variance / 4_000).squareRoot())
    #expect(abs(statistics.variance / variance - 1) < 5 * (2.0 / 4_000).squareRoot())
  }
}

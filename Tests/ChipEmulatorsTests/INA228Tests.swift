// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// An INA228 alone on a bus at 0x40.
struct INA228Bench {
  let chip: INA228Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(_ errors: INA228Errors = .none, seed: UInt64 = 1) throws {
    chip = INA228Emulator(address: I2CAddress(0x40), errors: errors, seed: seed)
    try bus.attach(chip)
  }

  mutating func run(
    _ microseconds: Int64, shunt: Double = 0, bus volts: Double = 0, die: Double = 25
  ) {
    now += microseconds
    chip.advance(toMicroseconds: now, shuntVolts: shunt, busVolts: volts, dieCelsius: die)
  }

  func get(_ pointer: UInt8, _ count: Int = 2) throws -> UInt64 {
    try bus.register(0x40, pointer, count: count)
  }

  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x40, pointer, value) }
}

@Suite struct INA228RegisterTests {
  /// Address, bytes, power-on value, bits that keep what is written.
  static let map: [(UInt8, Int, UInt64, UInt16)] = [
    (0x00, 2, 0x0000, 0x3FF0), (0x01, 2, 0xFB68, 0xFFFF), (0x02, 2, 0x1000, 0x7FFF),
    (0x03, 2, 0x0000, 0x3FFF), (0x04, 3, 0, 0), (0x05, 3, 0, 0), (0x06, 2, 0, 0),
    (0x07, 3, 0, 0), (0x08, 3, 0, 0), (0x09, 5, 0, 0), (0x0A, 5, 0, 0),
    (0x0B, 2, 0x0001, 0xF000), (0x0C, 2, 0x7FFF, 0xFFFF), (0x0D, 2, 0x8000, 0xFFFF),
    (0x0E, 2, 0x7FFF, 0x7FFF), (0x0F, 2, 0x0000, 0x7FFF), (0x10, 2, 0x7FFF, 0xFFFF),
    (0x11, 2, 0xFFFF, 0xFFFF), (0x3E, 2, 0x5449, 0), (0x3F, 2, 0x2281, 0),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (pointer, count, reset, mask) = Self.map[index]
    let bench = try INA228Bench()
    #expect(try bench.get(pointer, count) == reset)
    // 0x3FFF leaves the self-clearing bits of CONFIG alone; the top bits are tried elsewhere.
    let probe: UInt16 = pointer == 0 ? 0x3FFF : 0xFFFF
    try bench.set(pointer, probe)
    let fixed = mask == 0 ? reset : UInt64(probe & mask) | (pointer == 0x0B ? 1 : 0)
    #expect(try bench.get(pointer, count) == fixed)
    try bench.set(pointer, 0)
    let cleared = mask == 0 ? reset : (pointer == 0x0B ? 1 : 0)
    #expect(try bench.get(pointer, count) == cleared)
    bench.chip.powerCycle()
    #expect(try bench.get(pointer, count) == reset)
  }

  @Test func shortReadGivesTheMostSignificantBytes() throws {
    var bench = try INA228Bench()
    bench.run(10_000, shunt: -0.0972)
    #expect(try bench.get(0x04, 3) == 0xB41000)
    #expect(try bench.get(0x04, 2) == 0xB410)
    #expect(try bench.get(0x04, 1) == 0xB4)
    #expect(try bench.bus.read(0x40, [0x04], count: 4)[0..<3] == [0xB4, 0x10, 0x00])
  }

  @Test func pointerStaysBetweenReads() throws {
    let bench = try INA228Bench()
    #expect(try bench.get(0x3E) == 0x5449)
    #expect(try bench.bus.read(0x40, [], count: 2) == [0x54, 0x49])
  }

  @Test func halfAWriteChangesNothing() throws {
    let bench = try INA228Bench()
    try bench.bus.write(0x40, [0x02, 0x0F])
    #expect(try bench.get(0x02) == 0x1000)
    try bench.bus.write(0x40, [0x02, 0x0F, 0xD2, 0x55])
    #expect(try bench.get(0x02) == 0x0FD2)
  }

  @Test func resetBitClearsItselfAndAllRegisters() throws {
    var bench = try INA228Bench()
    try bench.set(0x02, 4050)
    try bench.set(0x0C, 0x0100)
    bench.run(1_000_000, shunt: 0.05, bus: 3)
    #expect(try bench.bus.signed40(0x40, 0x0A) > 0)
    try bench.set(0x00, 0x8000)
    for (pointer, count, reset, _) in Self.map {
      #expect(try bench.get(pointer, count) == reset)
    }
  }

  @Test func accumulatorResetKeepsTheRest() throws {
    var bench = try INA228Bench()
    try bench.set(0x00, 0x0010)
    bench.run(1_000_000, shunt: 0.01, bus: 3)
    #expect(try bench.bus.signed40(0x40, 0x0A) > 0)
    #expect(try bench.get(0x09, 5) > 0)
    try bench.set(0x00, 0x4010)
    #expect(try bench.get(0x0A, 5) == 0)
    #expect(try bench.get(0x09, 5) == 0)
    #expect(try bench.get(0x00) == 0x0010)
    #expect(try bench.bus.signed20(0x40, 0x04) == 128_000)
  }

  @Test func memoryFaultShows() throws {
    let bench = try INA228Bench()
    bench.chip.memoryIsIntact = false
    #expect(try bench.get(0x0B) & 1 == 0)
  }
}

@Suite struct INA228ArithmeticTests {
  /// The example of the INA229 datasheet, table 8-4: 48 V and 6 A in 16.2 mΩ for one hour.
  @Test func datasheetExample() throws {
    var bench = try INA228Bench()
    try bench.set(0x02, 4050)
    // The cycle must divide the hour for whole counts: temperature off, 50 µs each.
    try bench.set(0x01, 0xB000)
    for _ in 0..<3600 { bench.run(1_000_000, shunt: 0.0972, bus: 48) }
    #expect(try bench.bus.signed20(0x40, 0x04) == 311_040)
    #expect(try bench.bus.signed20(0x40, 0x07) == 314_572)
    #expect(try bench.bus.signed20(0x40, 0x05) == 245_760)
    #expect(try bench.get(0x08, 3) == 4_718_592)
    #expect(try bench.bus.signed40(0x40, 0x0A) == 1_132_462_080)
    #expect(try bench.get(0x09, 5) == 1_061_683_200)
  }

  @Test func dieTemperature() throws {
    var bench = try INA228Bench()
    bench.run(10_000, die: 25)
    #expect(try bench.get(0x06) == 3200)
    bench.run(10_000, die: -40)
    #expect(try bench.bus.signed16(0x40, 0x06) == -5120)
  }

  @Test func negativeCurrentDischarges() throws {
    var bench = try INA228Bench()
    try bench.set(0x02, 4050)
    try bench.set(0x01, 0xB000)
    bench.run(1_000_000, shunt: -0.0972, bus: 48)
    #expect(try bench.bus.signed20(0x40, 0x07) == -314_572)
    #expect(try bench.get(0x08, 3) == 4_718_592)
    // 314 572.8 counts, rounded down.
    #expect(try bench.bus.signed40(0x40, 0x0A) == -314_573)
    #expect(try bench.get(0x09, 5) == 294_912)
  }

  @Test func narrowRangeHasFinerSteps() throws {
    var bench = try INA228Bench()
    try bench.set(0x00, 0x0010)
    bench.run(10_000, shunt: 0.001)
    #expect(try bench.bus.signed20(0x40, 0x04) == 12_800)
    bench.run(10_000, shunt: 0.1)
    #expect(try bench.get(0x04, 3) == 0x7FFFF0)
    bench.run(10_000, shunt: -0.1)
    #expect(try bench.get(0x04, 3) == 0x800000)
  }

  @Test func busNeverReadsNegative() throws {
    var bench = try INA228Bench()
    bench.run(10_000, bus: -0.3)
    #expect(try bench.get(0x05, 3) == 0)
  }

  @Test func zeroCalibrationSilencesCurrent() throws {
    var bench = try INA228Bench()
    bench.run(1_000_000, shunt: 0.01, bus: 3)
    try bench.set(0x02, 0)
    bench.run(1_000_000, shunt: 0.01, bus: 3)
    for (pointer, count) in [(0x07, 3), (0x08, 3), (0x09, 5), (0x0A, 5)] as [(UInt8, Int)] {
      #expect(try bench.get(pointer, count) == 0)
    }
    #expect(try bench.bus.signed20(0x40, 0x04) == 32_000)
  }

  @Test func mathOverflowSetsAndClears() throws {
    var bench = try INA228Bench()
    try bench.set(0x02, 1000)
    bench.run(10_000, shunt: 0.15)
    #expect(try bench.get(0x0B) & 0x0200 != 0)
    bench.run(10_000, shunt: 0.01)
    #expect(try bench.get(0x0B) & 0x0200 == 0)
  }

  /// 100 ppm/°C at 75 °C: the shunt is 0.5 % larger, so the current is lower.
  @Test func temperatureCompensation() throws {
    var bench = try INA228Bench()
    try bench.set(0x03, 100)
    try bench.set(0x00, 0x0020)
    bench.run(10_000, shunt: 0.1, die: 75)
    #expect(try bench.bus.signed20(0x40, 0x04) == 320_000)
    // 320 000 / 1.005 = 318 407.96
    #expect(try bench.bus.signed20(0x40, 0x07) == 318_407)
  }
}

@Suite struct INA228AccumulatorTests {
  /// A cell's hour: 1 A in 15 mΩ, default settings, one step a second.
  @Test(arguments: [0, 5000, -5000] as [Int64]) func hourAtConstantCurrent(ppm: Int64) throws {
    var bench = try INA228Bench(INA228Errors(clockPartsPerMillion: ppm))
    try bench.set(0x02, 3750)
    for _ in 0..<3600 { bench.run(1_000_000, shunt: 0.015, bus: 3.0) }
    let currentLSB = 10.0 / 524_288
    let coulombs = Double(try bench.bus.signed40(0x40, 0x0A)) * currentLSB
    let joules = Double(try bench.get(0x09, 5)) * 16 * 3.2 * currentLSB
    let clock = 1 + Double(ppm) * 1e-6
    // One conversion (3.156 ms) may be outside the hour at each end; 3 V is 15 360 codes exactly.
    #expect(abs(coulombs - 3600 * clock) < 0.007)
    #expect(abs(joules - 10_800 * clock) < 0.022)
  }

  @Test func chargeWrapsAtTwoToThe39() throws {
    var bench = try INA228Bench()
    // 524 287 · 4096 / 1 counts a second would overflow CURRENT; the accumulator takes it all.
    try bench.set(0x02, 16)
    try bench.set(0x01, 0xA000)
    let perSecond = 320_000 * 4096 / 16 as Int64
    let steps = (1 << 39) / perSecond as Int64
    for _ in 0..<steps { bench.run(1_000_000, shunt: 0.1) }
    let before = try bench.bus.signed40(0x40, 0x0A)
    #expect(before > (1 << 39) - 2 * perSecond)
    #expect(try bench.get(0x0B) & 0x0400 == 0)
    bench.run(2_000_000, shunt: 0.1)
    #expect(try bench.get(0x0B) & 0x0400 != 0)
    let after = try bench.bus.signed40(0x40, 0x0A)
    #expect(after == before + 2 * perSecond - (1 << 40))
    #expect(try bench.get(0x0B) & 0x0400 == 0, "reading CHARGE clears its flag")
  }

  @Test func energyWrapsAtTwoToThe40() throws {
    var bench = try INA228Bench()
    try bench.set(0x02, 16)
    try bench.set(0x01, 0xB000)
    var previous: UInt64 = 0
    var wrapped = false
    for _ in 0..<1000 where !wrapped {
      bench.run(100_000_000, shunt: -0.1, bus: 85)
      wrapped = try bench.get(0x0B) & 0x0800 != 0
      let energy = try bench.get(0x09, 5)
      #expect(wrapped == (energy < previous))
      previous = energy
    }
    #expect(wrapped)
    #expect(try bench.get(0x0B) & 0x0800 == 0, "reading ENERGY clears its flag")
  }

  @Test func onlyContinuousModesAccumulate() throws {
    var bench = try INA228Bench()
    for mode in [0x7, 0x0, 0x8, 0x9, 0xC] as [UInt16] {
      try bench.set(0x01, mode << 12 | 0x0B68)
      bench.run(1_000_000, shunt: 0.01, bus: 3)
      #expect(try bench.get(0x0A, 5) == 0)
    }
    try bench.set(0x01, 0xAB68)
    bench.run(1_000_000, shunt: 0.01)
    #expect(try bench.get(0x0A, 5) > 0)
  }

  @Test func accumulatorsOutliveAModeChange() throws {
    var bench = try INA228Bench()
    bench.run(1_000_000, shunt: 0.01)
    let charge = try bench.get(0x0A, 5)
    try bench.set(0x01, 0x0000)
    bench.run(1_000_000, shunt: 0.01)
    #expect(try bench.get(0x0A, 5) == charge)
  }

  /// 5000 ppm/°C and a die that warms from −40 to 85 °C, in 500 steps.
  @Test func temperatureCompensationOfCharge() throws {
    var bench = try INA228Bench()
    try bench.set(0x02, 3750)
    try bench.set(0x03, 5_000)
    try bench.set(0x00, 0x0020)
    // Shunt and temperature of 50 µs each: 10 000 cycles a second.
    try bench.set(0x01, 0xE000)
    func current(_ die: Double) -> Double { 32_000 * 4096 / 3750 / (1 + (die - 25) * 0.005) }
    var expected = 0.0
    // DIETEMP is 0 °C at power-on; each step's first cycle still uses the last result.
    var last = current(0)
    for step in 0..<500 {
      let die = -40 + 0.25 * Double(step)
      bench.run(1_000_000, shunt: 0.01, die: die)
      expected += last * 1e-4 + current(die) * 0.9999
      last = current(die)
    }
    #expect(abs(Double(try bench.bus.signed40(0x40, 0x0A)) - expected) < 1)
    #expect(abs(Double(try bench.bus.signed20(0x40, 0x07)) - last) < 1)
  }

  /// How time is cut into steps changes nothing without noise.
  @Test func stepsDoNotMatterWithoutNoise() throws {
    var long = try INA228Bench(INA228Errors(clockPartsPerMillion: 1234))
    var short = try INA228Bench(INA228Errors(clockPartsPerMillion: 1234))
    short.chip.individualConversions = .max
    for bench in [long, short] {
      try bench.set(0x02, 3750)
      try bench.set(0x01, 0xFB6A)
    }
    for _ in 0..<10 {
      long.run(1_000_000, shunt: 0.0123456, bus: 3.21)
      for _ in 0..<1000 { short.run(1_000, shunt: 0.0123456, bus: 3.21) }
    }
    for (pointer, count, _, _) in INA228RegisterTests.map {
      #expect(try long.get(pointer, count) == short.get(pointer, count))
    }
  }
}

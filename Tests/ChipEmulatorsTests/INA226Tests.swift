// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// An INA226 alone on a bus at 0x45.
struct INA226Bench {
  let chip: INA226Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(_ errors: INA226Errors = .none, seed: UInt64 = 1) throws {
    chip = INA226Emulator(address: I2CAddress(0x45), errors: errors, seed: seed)
    try bus.attach(chip)
  }

  mutating func run(_ microseconds: Int64, shunt: Double = 0, bus volts: Double = 0) {
    now += microseconds
    chip.advance(toMicroseconds: now, shuntVolts: shunt, busVolts: volts, dieCelsius: 25)
  }

  func get(_ pointer: UInt8) throws -> UInt64 { try bus.register(0x45, pointer) }
  func signed(_ pointer: UInt8) throws -> Int16 { try bus.signed16(0x45, pointer) }
  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x45, pointer, value) }
}

@Suite struct INA226RegisterTests {
  /// Address, power-on value, what it reads after writing 0x7FFF and after writing 0.
  static let map: [(UInt8, UInt64, UInt64, UInt64)] = [
    (0x00, 0x4127, 0x4FFF, 0x4000), (0x01, 0, 0, 0), (0x02, 0, 0, 0), (0x03, 0, 0, 0),
    (0x04, 0, 0, 0), (0x05, 0, 0x7FFF, 0), (0x06, 0, 0x7C03, 0), (0x07, 0, 0x7FFF, 0),
    (0xFE, 0x5449, 0x5449, 0x5449), (0xFF, 0x2260, 0x2260, 0x2260),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (pointer, reset, ones, zeros) = Self.map[index]
    let bench = try INA226Bench()
    #expect(try bench.get(pointer) == reset)
    try bench.set(pointer, 0x7FFF)
    #expect(try bench.get(pointer) == ones)
    try bench.set(pointer, 0)
    #expect(try bench.get(pointer) == zeros)
    try bench.set(0x00, 0x8000)
    #expect(try bench.get(pointer) == reset)
  }

  @Test func topBits() throws {
    let bench = try INA226Bench()
    try bench.set(0x05, 0x8000)
    #expect(try bench.get(0x05) == 0)
    try bench.set(0x06, 0x8000)
    #expect(try bench.get(0x06) == 0x8000)
    try bench.set(0x07, 0x8000)
    #expect(try bench.get(0x07) == 0x8000)
  }

  @Test func powerCycleResets() throws {
    var bench = try INA226Bench()
    try bench.set(0x05, 2048)
    bench.run(10_000, shunt: 0.01, bus: 3)
    bench.chip.powerCycle()
    for (pointer, reset, _, _) in Self.map { #expect(try bench.get(pointer) == reset) }
  }

  @Test func cloneRevision() throws {
    let bench = try INA226Bench()
    bench.chip.dieID = 0x2261
    #expect(try bench.get(0xFF) == 0x2261)
  }
}

@Suite struct INA226ArithmeticTests {
  @Test func voltages() throws {
    var bench = try INA226Bench()
    bench.run(10_000, shunt: -0.01, bus: 3.0575)
    #expect(try bench.signed(0x01) == -4000)
    #expect(try bench.get(0x02) == 2446)
    #expect(try bench.get(0x04) == 0, "no calibration, no current")
    #expect(try bench.get(0x03) == 0)
  }

  /// With 2048 the current register is the shunt register.
  @Test func unityCalibration() throws {
    var bench = try INA226Bench()
    try bench.set(0x05, 2048)
    bench.run(10_000, shunt: -0.01, bus: 3.0575)
    #expect(try bench.signed(0x04) == -4000)
    // 4000 · 2446 / 20000 = 489.2
    #expect(try bench.get(0x03) == 489)
  }

  /// 2 mΩ and 1 mA: 10 A are 20 mV, and 12 V give 120 W in steps of 25 mW.
  @Test func twoMilliohms() throws {
    var bench = try INA226Bench()
    try bench.set(0x05, 2560)
    bench.run(10_000, shunt: 0.02, bus: 12)
    #expect(try bench.get(0x01) == 8000)
    #expect(try bench.get(0x02) == 9600)
    #expect(try bench.get(0x04) == 10_000)
    #expect(try bench.get(0x03) == 4800)
  }

  @Test func roundsCurrentTowardZero() throws {
    var bench = try INA226Bench()
    try bench.set(0x05, 1706)
    bench.run(10_000, shunt: -0.0025)
    // −1000 · 1706 / 2048 = −833.008
    #expect(try bench.signed(0x04) == -833)
  }

  @Test func saturation() throws {
    var bench = try INA226Bench()
    bench.run(10_000, shunt: 0.1, bus: 50)
    #expect(try bench.get(0x01) == 0x7FFF)
    #expect(try bench.get(0x02) == 0x7FFF)
    bench.run(10_000, shunt: -0.1, bus: -1)
    #expect(try bench.get(0x01) == 0x8000)
    #expect(try bench.get(0x02) == 0)
  }

  @Test func overflowFlagFollowsTheResult() throws {
    var bench = try INA226Bench()
    try bench.set(0x05, 0x7FFF)
    bench.run(10_000, shunt: 0.01)
    #expect(try bench.get(0x06) & 4 == 4)
    bench.run(10_000, shunt: 0.001)
    #expect(try bench.get(0x06) & 4 == 0)
  }
}

@Suite struct INA226TimingTests {
  static let cycles: [(UInt16, Int64)] = [
    (0x4127, 2200), (0x4007, 280), (0x4005, 140), (0x400D, 204), (0x4016, 140), (0x4086, 332),
    (0x41FE, 8244), (0x4527, 35_200), (0x4E05, 140 * 1024), (0x4303, 4 * (1100 + 140)),
  ]

  @Test(arguments: cycles.indices) func conversionReady(_ index: Int) throws {
    let (setting, time) = Self.cycles[index]
    var bench = try INA226Bench()
    try bench.set(0x00, setting)
    bench.run(time - 1)
    #expect(try bench.get(0x06) & 8 == 0)
    bench.run(1)
    #expect(try bench.get(0x06) & 8 == 8)
    #expect(try bench.get(0x06) & 8 == 0, "reading Mask/Enable clears CVRF")
  }

  @Test func configWriteClearsReadyUnlessItPowersDown() throws {
    var bench = try INA226Bench()
    bench.run(2200)
    try bench.set(0x00, 0x4120)
    #expect(try bench.get(0x06) & 8 == 8)
    try bench.set(0x00, 0x4127)
    bench.run(2200)
    try bench.set(0x00, 0x4127)
    #expect(try bench.get(0x06) & 8 == 0)
  }

  @Test func triggeredConvertsOnce() throws {
    var bench = try INA226Bench()
    try bench.set(0x00, 0x4123)
    bench.run(1_000_000, shunt: 0.01)
    bench.run(1_000_000, shunt: 0.02)
    #expect(try bench.get(0x01) == 4000)
    try bench.set(0x00, 0x4123)
    bench.run(2200, shunt: 0.02)
    #expect(try bench.get(0x01) == 8000)
  }

  @Test func powerDownHolds() throws {
    var bench = try INA226Bench()
    bench.run(2200, shunt: 0.01)
    for mode in [0x4120, 0x4124] as [UInt16] {
      try bench.set(0x00, mode)
      bench.run(1_000_000, shunt: 0.02)
      #expect(try bench.get(0x01) == 4000)
    }
  }

  @Test func slowClock() throws {
    var bench = try INA226Bench(INA226Errors(clockPartsPerMillion: -100_000))
    // 2200 / 0.9 = 2444.4
    bench.run(2444)
    #expect(try bench.get(0x06) & 8 == 0)
    bench.run(1)
    #expect(try bench.get(0x06) & 8 == 8)
  }
}

@Suite struct INA226AlertTests {
  /// Function bit, limit, an input beyond it and one that just keeps it.
  static let functions: [(UInt16, UInt16, (Double, Double), (Double, Double))] = [
    (0x8000, 4000, (0.010_003, 3), (0.01, 3)),
    (0x4000, 0xF060, (-0.010_003, 3), (-0.01, 3)),
    (0x2000, 3360, (0, 4.2013), (0, 4.2)),
    (0x1000, 1600, (0, 1.9987), (0, 2)),
    (0x0800, 480, (-0.01, 3.0575), (-0.01, 3)),
  ]

  @Test(arguments: functions.indices, [false, true])
  func limit(_ index: Int, latched: Bool) throws {
    let (function, value, beyond, inside) = Self.functions[index]
    var bench = try INA226Bench()
    try bench.set(0x05, 2048)
    try bench.set(0x07, value)
    try bench.set(0x06, function | (latched ? 1 : 0))
    bench.run(10_000, shunt: inside.0, bus: inside.1)
    #expect(try bench.get(0x06) & 0x10 == 0)
    #expect(bench.chip.alertLine)
    bench.run(10_000, shunt: beyond.0, bus: beyond.1)
    #expect(!bench.chip.alertLine)
    bench.run(10_000, shunt: inside.0, bus: inside.1)
    #expect(bench.chip.alertLine == !latched)
    #expect(try bench.get(0x06) & 0x10 == (latched ? 0x10 : 0))
    #expect(bench.chip.alertLine)
    #expect(try bench.get(0x06) & 0x10 == 0)
  }

  @Test func highestFunctionWins() throws {
    var bench = try INA226Bench()
    // Bus over 1 code is true all the time, but shunt over speaks first.
    try bench.set(0x07, 1)
    try bench.set(0x06, 0xA000)
    bench.run(10_000, shunt: 0, bus: 3)
    #expect(bench.chip.alertLine)
    bench.run(10_000, shunt: 0.001, bus: 0)
    #expect(!bench.chip.alertLine)
  }

  @Test func readyOnPinAndPolarity() throws {
    var bench = try INA226Bench()
    try bench.set(0x06, 0x0402)
    #expect(!bench.chip.alertLine)
    bench.run(2200)
    #expect(bench.chip.alertLine)
    #expect(bench.chip.alertActivations == 1)
    _ = try bench.get(0x06)
    #expect(!bench.chip.alertLine)
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// A MAX17055 alone on a bus, over 10 mΩ.
struct MAX17055Bench {
  let chip: MAX17055Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0
  var volts = 3.8
  var amperes = 0.0
  var celsius = 25.0

  init(_ errors: MAX17055Errors = .none) throws {
    chip = MAX17055Emulator(cellVolts: 3.8, errors: errors)
    try bus.attach(chip)
  }

  mutating func run(_ seconds: Double) {
    now += Int64((seconds * 1e6).rounded())
    chip.advance(
      toMicroseconds: now, cellVolts: volts, shuntVolts: amperes * 0.01, celsius: celsius)
  }

  func get(_ register: UInt8) throws -> UInt16 {
    let bytes = try bus.read(0x36, [register], count: 2)
    return UInt16(bytes[1]) << 8 | UInt16(bytes[0])
  }

  func set(_ register: UInt8, _ word: UInt16) throws {
    try bus.write(0x36, [register, UInt8(word & 0xFF), UInt8(word >> 8)])
  }

  func percent() throws -> Double { Double(try get(0x06)) / 256 }
}

@Suite struct MAX17055EmulatorTests {
  /// Address, power-on value, what it reads after writing 0xFFFF and after writing 0.
  static let map: [(UInt8, UInt16, UInt16, UInt16)] = [
    (0x00, 0x0002, 0x0002, 0), (0x01, 0xFF00, 0xFFFF, 0), (0x02, 0x7F80, 0xFFFF, 0),
    (0x03, 0xFF00, 0xFFFF, 0), (0x08, 0, 0, 0), (0x09, 0, 0, 0), (0x0A, 0, 0, 0),
    (0x1B, 0x00FF, 0xFFFF, 0), (0x1D, 0x2210, 0xFFFF, 0), (0x1E, 0x0640, 0xFFFF, 0),
    (0x21, 0x4010, 0x4010, 0x4010), (0x29, 0x0EA4, 0xFFFF, 0), (0x2B, 0x3870, 0xFFFF, 0),
    (0x2E, 0x0400, 0xFFFF, 0), (0x3A, 0xA561, 0xFFFF, 0), (0x3D, 0x0001, 0x0001, 0x0001),
    (0xBA, 0x870C, 0xFFFF, 0), (0xBB, 0x3658, 0xFFFF, 0),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (register, reset, ones, zeros) = Self.map[index]
    let bench = try MAX17055Bench()
    #expect(try bench.get(register) == reset)
    try bench.set(register, 0xFFFF)
    #expect(try bench.get(register) == ones)
    try bench.set(register, 0)
    #expect(try bench.get(register) == zeros)
    bench.chip.powerCycle()
    #expect(try bench.get(register) == reset)
  }

  @Test func theAddressMovesByWords() throws {
    let bench = try MAX17055Bench()
    try bench.bus.write(0x36, [0x01, 0x11, 0x22, 0x33, 0x44])
    #expect(try bench.bus.read(0x36, [0x01], count: 4) == [0x11, 0x22, 0x33, 0x44])
    try bench.bus.write(0x36, [0x01, 0x55])
    #expect(try bench.get(0x01) == 0x2211, "half a word changes nothing")
  }

  @Test func measurements() throws {
    var bench = try MAX17055Bench()
    bench.volts = 3.056_875
    bench.amperes = -0.320_937_5
    bench.celsius = 25.5
    bench.run(0.175_799)
    #expect(try bench.get(0x09) == 0)
    bench.run(0.000_001)
    #expect(try bench.get(0x09) == 0x98D8)
    #expect(try bench.bus.read(0x36, [0x0A], count: 2) == [0xFA, 0xF7])
    #expect(try bench.get(0x08) == 0x1980)
    #expect(try bench.get(0x3D) == 1, "no results yet")
    bench.run(0.6)
    #expect(try bench.get(0x3D) == 0)
    bench.volts = 4.21
    bench.run(0.2)
    #expect(try bench.get(0x1B) == 210 << 8 | 152)
  }

  @Test func partErrorsAndClock() throws {
    var errors = MAX17055Errors(clockPartsPerMillion: 10_000)
    errors.cell = ChannelErrors(offset: 7.5e-3)
    errors.shunt = ChannelErrors(offset: 1.5625e-6, gain: 0.01)
    var bench = try MAX17055Bench(errors)
    bench.volts = 3
    bench.amperes = 1
    bench.run(0.174_059)
    #expect(try bench.get(0x09) == 0)
    bench.run(0.000_001)
    #expect(try bench.get(0x09) == 38_496)
    #expect(try bench.get(0x0A) == 6_465)
  }

  /// 3.8 V is half a lithium cell; 1500 mAh of design, 0.75 A for an hour are a half more. The voltage
  /// draws it back with 10 h.
  @Test func counts() throws {
    var bench = try MAX17055Bench()
    bench.run(1)
    #expect(try bench.percent() == 50)
    #expect(try bench.get(0x05) == 1_500)
    bench.amperes = 0.75
    for _ in 0..<360 { bench.run(10) }
    // 50 % + 50 % · 10 · (1 − e^−0.1)
    #expect(abs(try bench.percent() - 97.58) < 0.1)
    #expect(abs(Double(try bench.get(0x4D)) - 1_500) <= 1)
    #expect(try bench.get(0x00) & 0x0080 == 0x0080, "whole percents have passed")
  }

  @Test func emptyAndRecovered() throws {
    var bench = try MAX17055Bench()
    for (volts, isEmpty) in [(3.31, false), (3.29, true), (3.87, true), (3.89, false)] {
      bench.volts = volts
      bench.run(1)
      #expect((try bench.get(0x06) == 0) == isEmpty, "\(volts) V")
    }
  }

  @Test func refreshTakesTheDesign() throws {
    var bench = try MAX17055Bench()
    bench.run(1)
    try bench.set(0x18, 2_800)
    try bench.set(0xDB, 0x8000)
    bench.volts = 4.0
    bench.run(0.2)
    #expect(try bench.get(0xDB) == 0x8000)
    bench.run(0.2)
    #expect(try bench.get(0xDB) == 0)
    #expect(try bench.get(0x10) == 2_800)
    #expect(try bench.percent() == 80)
  }

  /// Status bits and the pin, for the greatest and the least of voltage, temperature and charge.
  @Test func alerts() throws {
    var bench = try MAX17055Bench()
    try bench.set(0x1D, 0x0004)
    bench.run(1)
    #expect(bench.chip.alertLine)
    let cases: [(UInt8, UInt16, UInt16)] = [
      (0x01, 0xBD00, 0x1000), (0x01, 0xFFBF, 0x0100), (0x02, 0x1880, 0x2000),
      (0x02, 0x7F1A, 0x0200), (0x03, 0x3100, 0x4000), (0x03, 0xFF33, 0x0400),
    ]
    let open: [UInt8: UInt16] = [0x01: 0xFF00, 0x02: 0x7F80, 0x03: 0xFF00]
    for (register, thresholds, bit) in cases {
      try bench.set(register, thresholds)
      bench.run(1)
      #expect(try bench.get(0x00) & 0x7700 == bit)
      #expect(!bench.chip.alertLine)
      try bench.set(register, #require(open[register]))
      bench.run(1)
      #expect(bench.chip.alertLine, "not sticky")
      // Sticky: until the host clears it.
      try bench.set(0x1D, 0x3804)
      try bench.set(register, thresholds)
      bench.run(1)
      try bench.set(register, #require(open[register]))
      bench.run(1)
      #expect(!bench.chip.alertLine)
      try bench.set(0x00, 0)
      #expect(bench.chip.alertLine)
      try bench.set(0x1D, 0x0004)
    }
    try bench.set(0x1D, 0)
    try bench.set(0x01, 0xBD00)
    bench.run(1)
    #expect(bench.chip.alertLine, "alerts are not enabled")
  }

  @Test func supply() throws {
    var bench = try MAX17055Bench()
    try bench.set(0x00, 0)
    bench.volts = 2.31
    bench.run(1)
    #expect(try bench.get(0x00) & 2 == 0)
    bench.volts = 2.29
    bench.run(1)
    #expect(throws: I2CError.noAcknowledge) { try bench.get(0x00) }
    #expect(bench.chip.alertLine)
    bench.volts = 3
    bench.run(0.1)
    #expect(try bench.get(0x00) == 2)
    #expect(try bench.get(0x1B) == 0x00FF)
  }
}

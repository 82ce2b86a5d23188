// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct LTC2959EmulatorTests {
  /// A cell over 10 mΩ.
  struct Bench {
    let chip: LTC2959Emulator
    let bus = EmulatedI2CBus()
    var now: Int64 = 0
    var volts = 3.1
    var amperes = 0.0
    var celsius = 25.0
    var pinVolts = 0.0

    init(errors: LTC2943Errors = .none) throws {
      chip = LTC2959Emulator(batteryVolts: 3.1, errors: errors)
      try bus.attach(chip)
    }

    mutating func pass(_ seconds: Double) {
      now += Int64(seconds * 1e6)
      chip.advance(
        toMicroseconds: now, batteryVolts: volts, shuntVolts: amperes * 0.01, celsius: celsius,
        pinVolts: pinVolts)
    }

    func count() throws -> UInt32 { UInt32(try bus.register(0x63, 0x03, count: 4)) }
    func word(_ register: UInt8) throws -> UInt16 { UInt16(try bus.register(0x63, register)) }
    func byte(_ register: UInt8) throws -> UInt8 { try bus.read(0x63, [register], count: 1)[0] }
    func write(_ register: UInt8, _ bytes: UInt8...) throws {
      try bus.write(0x63, [register] + bytes)
    }
  }

  @Test func resetValues() throws {
    let bench = try Bench()
    let all = try bench.bus.read(0x63, [0x00], count: 0x2F)
    #expect(all[..<3] == [0x01, 0x18, 0x50])
    #expect(all[3..<15] == [0x80, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
    let words: [(UInt8, UInt16)] = [
      (0x0F, 0), (0x11, 0xFFFF), (0x13, 0), (0x15, 0), (0x19, 0), (0x1B, 0x7FFF), (0x1D, 0x8000),
      (0x1F, 0x8000), (0x21, 0x7FFF), (0x23, 0), (0x25, 0xFFFF), (0x27, 0), (0x2B, 0x7FFF),
      (0x2D, 0x8000),
    ]
    for (register, word) in words { #expect(try bench.word(register) == word) }
    #expect(try bench.byte(0x00) == 0, "the status is cleared by being read")
    #expect(try bench.byte(0x2F) == 0xFF)
  }

  /// 2.665 µAh over 10 mΩ.
  @Test func sizeOfACount() throws {
    var bench = try Bench()
    bench.amperes = 2.6651
    bench.pass(3_600)
    #expect(try bench.count() == 0x8000_0000 + 1_000_037)
    bench.amperes = -2.6651
    bench.pass(7_200)
    #expect(try bench.count() == 0x8000_0000 - 1_000_037)
  }

  /// Below 20 µV, 2 mA here, nothing is counted unless the dead band is taken away.
  @Test(arguments: [(0x50, 2.0), (0x90, 4), (0xD0, 8), (0x10, 0)] as [(UInt8, Double)])
  func deadBand(control: UInt8, milliamperes: Double) throws {
    var bench = try Bench()
    try bench.write(0x02, control)
    if milliamperes > 0 {
      bench.amperes = milliamperes * 0.99e-3
      bench.pass(36_000)
      #expect(try bench.count() == 0x8000_0000)
    }
    bench.amperes = max(milliamperes, 0.1) * 1.01e-3
    bench.pass(36_000)
    #expect(try bench.count() > 0x8000_0000)
    try bench.write(0x02, control | 0x08)
    let before = try bench.count()
    bench.pass(36_000)
    #expect(try bench.count() == before, "it was told not to count")
  }

  @Test func theCountWrapsAndSaysSo() throws {
    for (start, amperes) in [([0xFF, 0xFF, 0xFF, 0xF0], 1.0), ([0, 0, 0, 0x10], -1)]
      as [([UInt8], Double)]
    {
      var bench = try Bench()
      try bench.bus.write(0x63, [0x03] + start)
      _ = try bench.byte(0x00)
      bench.amperes = amperes
      bench.pass(1)
      #expect(try bench.byte(0x00) & 0x20 != 0)
      #expect((try bench.count() < 0x8000_0000) == (amperes > 0))
    }
  }

  @Test func voltageCurrentAndTemperature() throws {
    var bench = try Bench()
    try bench.write(0x01, 0xD8)
    bench.volts = 31.3
    bench.amperes = 4.875
    bench.celsius = 412.5 - 273.15
    bench.pass(1)
    // Half of 62.6 V, of 97.5 mV and of 825 K.
    #expect(try bench.word(0x0F) == 0x8000)
    #expect(try bench.word(0x19) == 0x4000)
    #expect(try bench.word(0x23) == 0x8000)
    bench.amperes = -20
    bench.volts = 3
    bench.pass(1)
    #expect(try bench.word(0x19) == 0x8000)
    // The records keep the greatest and the least.
    #expect(try bench.word(0x15) == 0x8000)
    #expect(try bench.word(0x17) == 0x0C45)
    #expect(try bench.word(0x1F) == 0x4000)
    #expect(try bench.word(0x21) == 0x8000)
  }

  @Test(
    arguments: [
      (0, false, false, false), (2, true, false, false), (3, false, true, false),
      (4, true, true, false), (5, true, true, true), (6, true, true, true),
    ] as [(UInt8, Bool, Bool, Bool)])
  func modes(mode: UInt8, voltage: Bool, current: Bool, temperature: Bool) throws {
    var bench = try Bench()
    try bench.write(0x01, mode << 5 | 0x18)
    bench.amperes = 1
    bench.pinVolts = 0.78
    bench.pass(1)
    #expect((try bench.word(0x0F) != 0) == voltage)
    #expect((try bench.word(0x19) != 0) == current)
    #expect((try bench.word(0x23) != 0) == temperature)
    #expect(try bench.word(0x29) == (mode == 0 ? 0 : 0x4000), "half of 1.56 V at the pin")
    #expect(try bench.byte(0x01) == (mode == 5 ? 0x18 : mode << 5 | 0x18))
  }

  @Test func smartSleep() throws {
    var bench = try Bench()
    try bench.write(0x01, 0x38)
    bench.pass(51)
    #expect(try bench.word(0x0F) == 0)
    bench.pass(2)
    #expect(try bench.word(0x0F) != 0)
  }

  @Test func alerts() throws {
    for (register, bytes, flag) in [
      (0x11, [0x01, 0x00], 0x02), (0x13, [0xF0, 0x00], 0x02), (0x1B, [0xFF, 0x00], 0x40),
      (0x1D, [0x01, 0x00], 0x40), (0x25, [0x01, 0x00], 0x10), (0x27, [0xF0, 0x00], 0x10),
      (0x0B, [0x7F, 0x00, 0x00, 0x00], 0x08), (0x07, [0x90, 0x00, 0x00, 0x00], 0x04),
    ] as [(UInt8, [UInt8], UInt8)] {
      var bench = try Bench()
      try bench.write(0x01, 0xC0)
      _ = try bench.byte(0x00)
      bench.amperes = 0.01
      bench.pass(1)
      #expect(bench.chip.alertLine)
      try bench.bus.write(0x63, [register] + bytes)
      bench.pass(1)
      #expect(!bench.chip.alertLine, "register \(register)")
      #expect(try bench.byte(0x00) == flag, "register \(register)")
      #expect(bench.chip.alertLine)
    }
    var bench = try Bench()
    // The pin as a bipolar input of 97.5 mV.
    try bench.write(0x01, 0xD0)
    try bench.write(0x2B, 0x10, 0x00)
    _ = try bench.byte(0x00)
    bench.pinVolts = 0.04875
    bench.pass(1)
    #expect(try bench.word(0x29) == 0x4000)
    #expect(try bench.byte(0x00) == 0x80)
    #expect(bench.chip.alertLine, "the pin is an input")
  }

  /// It counts down to 1.8 V; below it is silent, and comes back as new.
  @Test func dropOut() throws {
    var bench = try Bench()
    try bench.write(0x01, 0xD8)
    try bench.write(0x02, 0x10)
    bench.volts = 1.81
    bench.amperes = -0.1
    bench.pass(3_600)
    #expect(try bench.count() < 0x8000_0000)
    bench.volts = 1.79
    bench.pass(1)
    #expect(throws: I2CError.noAcknowledge) { try bench.byte(0x01) }
    bench.volts = 2
    bench.amperes = 0
    bench.pass(1)
    #expect(try bench.word(0x01) == 0x1850)
    #expect(try bench.count() == 0x8000_0000)
    #expect(try bench.byte(0x00) == 0x01)
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct LTC2943EmulatorTests {
  /// An 8 V pack over 50 mΩ, for which the datasheet states the size of a count.
  struct Bench {
    let chip: LTC2943Emulator
    let bus = EmulatedI2CBus()
    var now: Int64 = 0
    var volts = 8.0
    var amperes = 0.0
    var celsius = 25.0
    var isChargeComplete = false

    init(_ variant: LTC2943Emulator.Variant = .ltc2943, errors: LTC2943Errors = .none) throws {
      chip = LTC2943Emulator(variant: variant, packVolts: 8, errors: errors)
      try bus.attach(chip)
    }

    mutating func pass(_ seconds: Double) {
      now += Int64(seconds * 1e6)
      chip.advance(
        toMicroseconds: now, packVolts: volts, shuntVolts: amperes * 0.05, celsius: celsius,
        isChargeComplete: isChargeComplete)
    }

    func word(_ register: UInt8) throws -> UInt16 { UInt16(try bus.register(0x64, register)) }
    func byte(_ register: UInt8) throws -> UInt8 {
      try bus.read(0x64, [register], count: 1)[0]
    }
    func write(_ register: UInt8, _ bytes: UInt8...) throws {
      try bus.write(0x64, [register] + bytes)
    }
  }

  @Test func resetValues() throws {
    let bench = try Bench()
    let all = try bench.bus.read(0x64, [0x00], count: 0x18)
    #expect(
      all == [
        0x01, 0x3C, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0,
        0, 0xFF, 0,
      ])
    #expect(try bench.byte(0x00) == 0, "the status is cleared by being read")
    #expect(try bench.byte(0x18) == 0xFF)
  }

  /// 0.340 mAh over 50 mΩ with the largest prescaler, and 4 to the power of the code.
  @Test(arguments: [(0, 1), (1, 4), (2, 16), (3, 64), (4, 256), (5, 1_024), (6, 4_096), (7, 4_096)])
  func sizeOfACount(code: UInt8, divisor: Double) throws {
    var bench = try Bench()
    try bench.write(0x01, code << 3)
    // A thousand counts and a half, in and out.
    let seconds = 3_600.0
    bench.amperes = 1_000.5 * 0.340e-3 * divisor / 4_096 / (seconds / 3_600)
    bench.pass(seconds)
    #expect(try bench.word(0x02) == 0x7FFF + 1_000)
    bench.amperes = -2 * bench.amperes
    bench.pass(seconds)
    #expect(try bench.word(0x02) == 0x7FFF - 1_000)
    #expect(try bench.byte(0x00) == 0x01)
  }

  @Test func theCountStopsAtItsEnds() throws {
    for (amperes, end) in [(1.0, 0xFFFF), (-1, 0)] as [(Double, UInt16)] {
      var bench = try Bench()
      try bench.write(0x01, 0)
      _ = try bench.byte(0x00)
      bench.amperes = amperes
      // A count is 0.2988 mC.
      bench.pass(9)
      #expect(try bench.word(0x02) != end)
      bench.pass(2)
      #expect(try bench.word(0x02) == end)
      #expect(try bench.byte(0x00) & 0x20 != 0)
      bench.amperes = -amperes
      bench.pass(1)
      #expect(try bench.word(0x02) != end)
      #expect(try bench.byte(0x00) & 0x20 == 0)
    }
  }

  /// The count can be written only while the analogue part is off; then nothing counts or converts.
  @Test func writingTheCount() throws {
    var bench = try Bench()
    try bench.write(0x02, 0x12, 0x34)
    #expect(try bench.word(0x02) == 0x7FFF)
    try bench.write(0x01, 0xF9)
    try bench.write(0x02, 0x12, 0x34)
    bench.amperes = 1
    bench.pass(1_000)
    #expect(try bench.word(0x02) == 0x1234)
    #expect(try bench.word(0x08) == 0)
    try bench.write(0x01, 0xF8)
    bench.pass(10)
    #expect(try bench.word(0x02) == 0x1234 + 8, "1 A for 10 s are 2.8 mAh")
    #expect(try bench.word(0x08) != 0)
  }

  @Test func voltageCurrentAndTemperature() throws {
    for (variant, volts, code) in [
      (LTC2943Emulator.Variant.ltc2943, 23.6, 0xFFFC), (.ltc2943, 11.8, 0x8000),
      (.ltc2944, 35.4, 0x8000), (.ltc2944, 4, 0x0E78),
    ] as [(LTC2943Emulator.Variant, Double, UInt16)] {
      var bench = try Bench(variant)
      try bench.write(0x01, 0xC0)
      bench.volts = volts
      bench.pass(1)
      #expect(try bench.word(0x08) == code, "\(volts) V")
    }
    // 12 bits of 60 mV or 64 mV either way, around 7FFFh.
    for (variant, millivolts, code) in [
      (LTC2943Emulator.Variant.ltc2943, 0.0, 0x8000), (.ltc2943, 30, 0xC000),
      (.ltc2943, -30, 0x4000),
      (.ltc2943, 70, 0xFFF0), (.ltc2943, -70, 0), (.ltc2944, 32, 0xC000), (.ltc2944, -32, 0x4000),
    ] as [(LTC2943Emulator.Variant, Double, UInt16)] {
      var bench = try Bench(variant)
      try bench.write(0x01, 0xC0)
      bench.amperes = millivolts / 50
      bench.pass(1)
      #expect(try bench.word(0x0E) == code, "\(millivolts) mV")
    }
    var bench = try Bench()
    try bench.write(0x01, 0xC0)
    // 255 K are half of 510 K.
    bench.celsius = 255 - 273.15
    bench.pass(1)
    #expect(try bench.word(0x14) == 0x8000)
  }

  @Test func modes() throws {
    var bench = try Bench()
    bench.pass(100)
    #expect(try bench.word(0x08) == 0, "asleep")
    try bench.write(0x01, 0x7C)
    bench.pass(1)
    #expect(try bench.byte(0x01) == 0x3C, "once, then asleep again")
    let first = try bench.word(0x08)
    #expect(first != 0)
    bench.volts = 9
    bench.pass(100)
    #expect(try bench.word(0x08) == first)
    try bench.write(0x01, 0xBC)
    bench.pass(9)
    #expect(try bench.word(0x08) == first)
    bench.pass(2)
    #expect(try bench.word(0x08) > first)
    try bench.write(0x01, 0xFE)
    #expect(try bench.byte(0x01) == 0xF8, "the pin cannot be both")
  }

  @Test func alerts() throws {
    var bench = try Bench()
    try bench.write(0x01, 0xFC)
    _ = try bench.byte(0x00)
    bench.pass(1)
    #expect(try bench.byte(0x00) == 0)
    #expect(bench.chip.alertLine)
    try bench.write(0x0A, 0x60, 0x00)
    bench.volts = 9
    bench.pass(1)
    #expect(!bench.chip.alertLine)
    #expect(try bench.byte(0x00) == 0x02)
    #expect(bench.chip.alertLine)
    bench.pass(1)
    #expect(!bench.chip.alertLine, "the cause is still there")
    #expect(try bench.byte(0x00) == 0x02)
    bench.volts = 8
    bench.pass(1)
    #expect(try bench.byte(0x00) == 0)
    for (register, bytes, flag) in [
      (0x04, [0x7F, 0x00], 0x08), (0x06, [0x80, 0x00], 0x04), (0x10, [0x70, 0x00], 0x40),
      (0x16, [0x60, 0x00], 0x10),
    ] as [(UInt8, [UInt8], UInt8)] {
      var bench = try Bench()
      try bench.write(0x01, 0xFC)
      _ = try bench.byte(0x00)
      try bench.bus.write(0x64, [register] + bytes)
      bench.pass(1)
      #expect(!bench.chip.alertLine)
      #expect(try bench.byte(0x00) & flag == flag, "register \(register)")
    }
  }

  /// The pin as an input: a charger that is done sets the count to its end.
  @Test func chargeComplete() throws {
    var bench = try Bench()
    bench.isChargeComplete = true
    bench.pass(1)
    #expect(try bench.word(0x02) == 0x7FFF, "the pin is an output")
    try bench.write(0x01, 0x3A)
    bench.pass(1)
    #expect(try bench.word(0x02) == 0xFFFF)
  }

  /// Below 3.6 V it is silent, and comes back as new.
  @Test func dropOut() throws {
    var bench = try Bench()
    try bench.write(0x01, 0xC0)
    bench.volts = 3.5
    bench.pass(1)
    #expect(throws: I2CError.noAcknowledge) { try bench.byte(0x01) }
    #expect(bench.chip.alertLine)
    bench.volts = 3.7
    bench.pass(1)
    #expect(try bench.byte(0x01) == 0x3C)
    #expect(try bench.byte(0x00) == 0x01)
    #expect(!LTC2943Emulator(variant: .ltc2943, packVolts: 3.5).isPresent)
  }

  @Test func errors() throws {
    var bench = try Bench(
      errors: LTC2943Errors(
        voltage: ChannelErrors(gain: 0.01), counter: ChannelErrors(gain: -0.01),
        clockPartsPerMillion: 400_000))
    try bench.write(0x01, 0xF8)
    bench.amperes = 0.3401
    bench.pass(3_600)
    #expect(try bench.word(0x02) == 0x7FFF + 990)
    #expect(abs(Double(try bench.word(0x08)) - 8.08 / 23.6 * 65_535) <= 2)
    let drawn = (1...40).map { LTC2943Errors.typical(seed: $0) }
    #expect(drawn.allSatisfy { abs($0.counter.gain) <= 0.01 && abs($0.voltage.gain) <= 0.003 })
    #expect(Set(drawn.map(\.counter.gain)).count == 40)
  }
}

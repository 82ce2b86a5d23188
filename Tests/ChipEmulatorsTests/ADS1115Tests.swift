// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// An ADS1115 alone on a bus at 0x48, with 5 V supply.
struct ADS1115Bench {
  let chip: ADS1115Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0
  var inputs = SIMD4<Double>(0, 0, 0, 0)

  init(_ errors: ADS1115Errors = .none, seed: UInt64 = 1) throws {
    chip = ADS1115Emulator(address: I2CAddress(0x48), errors: errors, seed: seed)
    chip.supplyVolts = 5
    try bus.attach(chip)
  }

  mutating func run(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, inputs: inputs)
  }

  func get(_ pointer: UInt8) throws -> UInt64 { try bus.register(0x48, pointer) }
  func result() throws -> Int16 { try bus.signed16(0x48, 0) }
  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x48, pointer, value) }
}

@Suite struct ADS1115RegisterTests {
  static let map: [(UInt8, UInt64)] = [(0, 0), (1, 0x8583), (2, 0x8000), (3, 0x7FFF)]

  @Test(arguments: map.indices) func resetValues(_ index: Int) throws {
    let (pointer, reset) = Self.map[index]
    let bench = try ADS1115Bench()
    #expect(try bench.get(pointer) == reset)
    #expect(try bench.get(pointer | 0xFC) == reset, "the pointer has two bits")
    try bench.set(pointer, 0x2BCD)
    #expect(try bench.get(pointer) == (pointer == 0 ? 0 : pointer == 1 ? 0xABCD : 0x2BCD))
    bench.chip.powerCycle()
    #expect(try bench.get(pointer) == reset)
  }

  @Test func generalCallResets() throws {
    let bench = try ADS1115Bench()
    try bench.set(2, 0x1234)
    try bench.bus.write(0x00, [0x06])
    #expect(try bench.get(2) == 0x8000)
    #expect(throws: I2CError.noAcknowledge) { try bench.bus.write(0x00, [0x04]) }
  }
}

@Suite struct ADS1115ConversionTests {
  /// Data rate code and the time of one conversion, rounded up, without the 25 µs of waking.
  static let rates: [(UInt16, Int64)] = [
    (0, 125_000), (1, 62_500), (2, 31_250), (3, 15_625), (4, 7_813), (5, 4_000), (6, 2_106),
    (7, 1_163),
  ]

  @Test(arguments: rates.indices) func singleShotTime(_ index: Int) throws {
    let (code, time) = Self.rates[index]
    var bench = try ADS1115Bench()
    bench.inputs[1] = 1
    try bench.set(1, 0xD303 | code << 5)
    #expect(try bench.get(1) & 0x8000 == 0, "OS reads 0 while converting")
    bench.run(time + 24)
    #expect(try bench.get(1) & 0x8000 == 0)
    #expect(try bench.result() == 0)
    bench.run(1)
    #expect(try bench.get(1) == UInt64(0xD303 | code << 5))
    #expect(try bench.result() == 8000)
    bench.inputs[1] = 2
    bench.run(1_000_000)
    #expect(try bench.result() == 8000, "it rests after one conversion")
  }

  @Test(
    arguments: [
      (0, 6.144), (1, 4.096), (2, 2.048), (3, 1.024), (4, 0.512), (5, 0.256),
      (6, 0.256), (7, 0.256),
    ] as [(UInt16, Double)])
  func rangesAndSaturation(code: UInt16, fullScale: Double) throws {
    var bench = try ADS1115Bench()
    func convert(_ first: Double, _ second: Double) throws -> Int16 {
      bench.inputs = [first, second, 0, 0]
      try bench.set(1, 0x8183 | code << 9)
      bench.run(10_000)
      return try bench.result()
    }
    #expect(try convert(fullScale / 2, 0) == 16_384)
    #expect(try convert(0, fullScale / 4) == -8192)
    if fullScale < 5 {
      #expect(try convert(fullScale, 0) == 32_767)
      #expect(try convert(0, fullScale * 1.01) == -32_768)
    }
  }

  @Test(
    arguments: [(0, -1), (1, -3), (2, -2), (3, -1), (4, 1), (5, 2), (6, 3), (7, 4)]
      as [(UInt16, Int16)])
  func multiplexer(code: UInt16, tenths: Int16) throws {
    var bench = try ADS1115Bench()
    bench.inputs = [0.1, 0.2, 0.3, 0.4]
    try bench.set(1, 0x8583 | code << 12)
    bench.run(10_000)
    #expect(try bench.result() == tenths * 1600)
  }

  /// 4.2 V at a chip on 3.3 V: the input diode conducts.
  @Test func inputsAreClampedToTheSupply() throws {
    var bench = try ADS1115Bench()
    bench.chip.supplyVolts = 3.3
    bench.inputs[0] = 4.2
    try bench.set(1, 0xC183)
    bench.run(10_000)
    #expect(try bench.result() == 19_200)
  }

  /// After a change of input in continuous mode the running conversion still belongs to the old one.
  @Test func settingsHoldForTheRunningConversion() throws {
    var bench = try ADS1115Bench()
    bench.inputs = [1, 2, 0, 0]
    try bench.set(1, 0x44E3)
    bench.run(1_200)
    #expect(try bench.result() == 16_000)
    try bench.set(1, 0x54E3)
    bench.run(1_163)
    #expect(try bench.result() == 16_000)
    bench.run(1_163)
    #expect(try bench.result() == 32_000)
    try bench.set(1, 0x4383)
    #expect(try bench.get(1) & 0x8000 == 0)
    bench.run(10_000)
    #expect(try bench.get(1) & 0x8000 == 0x8000, "single-shot mode ends after the conversion")
  }

  @Test func clockAndGainErrors() throws {
    var bench = try ADS1115Bench(
      ADS1115Errors(offsetCodes: 3, gain: 0.0015, clockPartsPerMillion: -100_000))
    bench.inputs[0] = 1
    try bench.set(1, 0xC503)
    // (125 000 + 25) / 0.9 = 138 916.7
    bench.run(138_916)
    #expect(try bench.get(1) & 0x8000 == 0)
    bench.run(1)
    #expect(try bench.result() == 16_027)
  }
}

@Suite struct ADS1115ComparatorTests {
  /// 860 samples a second, ±2.048 V, AIN0: thresholds at 1 V and 0.5 V.
  private func bench(_ comparator: UInt16) throws -> ADS1115Bench {
    let bench = try ADS1115Bench()
    try bench.set(3, 16_000)
    try bench.set(2, 8_000)
    try bench.set(1, 0x44E0 | comparator)
    return bench
  }

  @Test func traditionalWithHysteresis() throws {
    var bench = try bench(0x00)
    for (volts, isHigh) in [(0.7, true), (1.1, false), (0.7, false), (0.4, true), (0.7, true)] {
      bench.inputs[0] = volts
      bench.run(3_000)
      #expect(bench.chip.alertLine == isHigh)
    }
  }

  @Test func window() throws {
    var bench = try bench(0x10)
    for (volts, isHigh) in [(0.7, true), (1.1, false), (0.7, true), (0.4, false), (0.7, true)] {
      bench.inputs[0] = volts
      bench.run(3_000)
      #expect(bench.chip.alertLine == isHigh)
    }
  }

  @Test func latchIsReleasedByReadingTheResult() throws {
    var bench = try bench(0x0C)
    bench.inputs[0] = 1.1
    bench.run(3_000)
    #expect(bench.chip.alertLine, "active high")
    bench.inputs[0] = 0.1
    bench.run(3_000)
    #expect(bench.chip.alertLine)
    _ = try bench.result()
    #expect(!bench.chip.alertLine)
  }

  @Test(arguments: [(0, 1), (1, 2), (2, 4)] as [(UInt16, Int64)])
  func queue(code: UInt16, conversions: Int64) throws {
    var bench = try bench(code)
    bench.inputs[0] = 1.1
    bench.run(25 + 1_163 * (conversions - 1))
    #expect(bench.chip.alertLine)
    bench.run(1_163)
    #expect(!bench.chip.alertLine)
  }

  @Test func disabledPinIsReleased() throws {
    var bench = try bench(0x00)
    bench.inputs[0] = 1.1
    bench.run(3_000)
    #expect(!bench.chip.alertLine)
    try bench.set(1, 0x44E3)
    #expect(bench.chip.alertLine)
  }

  @Test func readyPin() throws {
    var bench = try ADS1115Bench()
    try bench.set(3, 0x8000)
    try bench.set(2, 0x0000)
    try bench.set(1, 0xC5E0)
    #expect(bench.chip.alertLine)
    bench.run(1_200)
    #expect(!bench.chip.alertLine)
    try bench.set(1, 0xC5E0)
    #expect(bench.chip.alertLine)
    bench.run(1_200)
    #expect(bench.chip.alertActivations == 2)
    try bench.set(1, 0x44E0)
    bench.run(25 + 116_280)
    #expect(bench.chip.alertActivations == 102)
    #expect(bench.chip.alertLine)
  }
}

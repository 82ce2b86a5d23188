// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// A TMP117 alone on a bus at 0x49.
struct TMP117Bench {
  let chip: TMP117Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(_ errors: TMP117Errors = .none, seed: UInt64 = 1) throws {
    chip = TMP117Emulator(address: I2CAddress(0x49), errors: errors, seed: seed)
    try bus.attach(chip)
  }

  mutating func run(_ microseconds: Int64, at celsius: Double = 25) {
    now += microseconds
    chip.advance(toMicroseconds: now, celsius: celsius)
  }

  func get(_ pointer: UInt8) throws -> UInt64 { try bus.register(0x49, pointer) }
  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x49, pointer, value) }
}

@Suite struct TMP117RegisterTests {
  /// Address, power-on value, what it reads after writing 0xFFFD and after 0. EEPROM is locked.
  static let map: [(UInt8, UInt64, UInt64, UInt64)] = [
    (0x0, 0x8000, 0x8000, 0x8000), (0x1, 0x0220, 0x0FFC, 0x0000), (0x2, 0x6000, 0xFFFD, 0),
    (0x3, 0x8000, 0xFFFD, 0), (0x4, 0, 0x8000, 0), (0x5, 0, 0, 0), (0x6, 0, 0, 0),
    (0x7, 0, 0xFFFD, 0), (0x8, 0, 0, 0), (0xF, 0x0117, 0x0117, 0x0117),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (pointer, reset, ones, zeros) = Self.map[index]
    let bench = try TMP117Bench()
    #expect(try bench.get(pointer) == reset)
    try bench.set(pointer, 0xFFFD)
    #expect(try bench.get(pointer) == ones)
    try bench.set(pointer, 0)
    #expect(try bench.get(pointer) == zeros)
    bench.chip.powerCycle()
    // The write to 0x4 above unlocked the memory only for itself.
    #expect(try bench.get(pointer) == reset)
  }

  @Test func softResetAndGeneralCall() throws {
    let bench = try TMP117Bench()
    for reset in [false, true] {
      try bench.set(0x2, 0x1111)
      if reset { try bench.set(0x1, 0x0002) } else { try bench.bus.write(0x00, [0x06]) }
      #expect(try bench.get(0x2) == 0x6000)
      #expect(try bench.get(0x1) == 0x0220)
    }
  }

  @Test func memoryIsLoadedByAReset() throws {
    var bench = try TMP117Bench()
    try bench.set(0x4, 0x8000)
    try bench.set(0x7, 0x0010)
    #expect(try bench.get(0x4) == 0xC000, "busy")
    try bench.set(0x2, 0x1111)
    bench.run(7_000)
    #expect(try bench.get(0x4) == 0x8000)
    try bench.set(0x5, 0xBEEF)
    bench.chip.powerCycle()
    #expect(try bench.get(0x7) == 0x0010)
    #expect(try bench.get(0x5) == 0xBEEF)
    #expect(try bench.get(0x2) == 0x6000, "written while the memory was busy")
  }
}

@Suite struct TMP117ConversionTests {
  @Test func firstConversion() throws {
    var bench = try TMP117Bench()
    bench.run(1_500 + 124_999)
    #expect(try bench.get(0x0) == 0x8000)
    #expect(try bench.get(0x1) & 0x2000 == 0)
    bench.run(1)
    #expect(try bench.get(0x1) & 0x2000 == 0x2000)
    #expect(try bench.get(0x1) & 0x2000 == 0, "reading CONFIG clears Data_Ready")
    #expect(try bench.get(0x0) == 3200)
    bench.run(999_999, at: -10)
    #expect(try bench.get(0x0) == 3200)
    bench.run(1, at: -10)
    #expect(try bench.get(0x0) == 0xFB00)
    #expect(try bench.get(0x1) & 0x2000 == 0, "so does reading the temperature")
  }

  /// CONV and AVG codes and the cycle they make.
  static let cycles: [(UInt16, UInt16, Int64)] = [
    (0, 0, 15_500), (0, 1, 125_000), (0, 2, 500_000), (0, 3, 1_000_000), (1, 0, 125_000),
    (2, 1, 250_000), (3, 2, 500_000), (4, 0, 1_000_000), (5, 3, 4_000_000), (6, 1, 8_000_000),
    (7, 0, 16_000_000),
  ]

  @Test(arguments: cycles.indices) func cycle(_ index: Int) throws {
    let (conv, avg, time) = Self.cycles[index]
    var bench = try TMP117Bench()
    try bench.set(0x1, conv << 7 | avg << 5)
    bench.run([15_500, 125_000, 500_000, 1_000_000][Int(avg)])
    #expect(try bench.get(0x1) & 0x2000 == 0x2000)
    bench.run(time - 1)
    #expect(try bench.get(0x1) & 0x2000 == 0)
    bench.run(1)
    #expect(try bench.get(0x1) & 0x2000 == 0x2000)
  }

  @Test func oneShotThenShutdown() throws {
    var bench = try TMP117Bench()
    try bench.set(0x1, 0x0420)
    bench.run(10_000_000)
    #expect(try bench.get(0x0) == 0x8000)
    try bench.set(0x1, 0x0C20)
    bench.run(125_000, at: 30)
    #expect(try bench.get(0x1) == 0x2420, "Data_Ready, and back in shutdown")
    bench.run(10_000_000, at: 40)
    #expect(try bench.get(0x0) == 3840)
  }

  @Test(
    arguments: [
      (25.0, 0x0080, 3328), (25.0, 0xFF80, 3072), (255.5, 0x7FFF, 0x7FFF),
      (-250.0, 0x8000, 0x8000),
    ] as [(Double, UInt16, UInt64)])
  func offset(celsius: Double, offset: UInt16, code: UInt64) throws {
    var bench = try TMP117Bench()
    try bench.set(0x7, offset)
    bench.run(126_500, at: celsius)
    #expect(try bench.get(0x0) == code)
  }

  @Test func clockError() throws {
    var bench = try TMP117Bench(TMP117Errors(clockPartsPerMillion: 100_000))
    bench.run(114_999)
    #expect(try bench.get(0x0) == 0x8000)
    bench.run(1)
    #expect(try bench.get(0x0) == 3200)
  }
}

@Suite struct TMP117AlertTests {
  /// Limits 45 °C and −10 °C, 15.5 ms cycle.
  private func bench(_ config: UInt16) throws -> TMP117Bench {
    let bench = try TMP117Bench()
    try bench.set(0x2, 5760)
    try bench.set(0x3, 0xFB00)
    try bench.set(0x1, config)
    return bench
  }

  @Test func alertModeHoldsUntilConfigIsRead() throws {
    var bench = try bench(0x0000)
    bench.run(20_000, at: 45)
    #expect(bench.chip.alertLine)
    bench.run(20_000, at: 45.01)
    #expect(!bench.chip.alertLine)
    bench.run(20_000, at: 25)
    #expect(!bench.chip.alertLine)
    #expect(try bench.get(0x1) & 0xC000 == 0x8000)
    #expect(bench.chip.alertLine)
    bench.run(20_000, at: -10.01)
    #expect(try bench.get(0x1) & 0xC000 == 0x4000)
  }

  @Test func thermostatHasHysteresis() throws {
    var bench = try bench(0x0018)
    for (celsius, isOn) in [(25, false), (46, true), (0, true), (-11, false), (0, false)] {
      bench.run(20_000, at: Double(celsius))
      #expect(bench.chip.alertLine == isOn, "active high")
      #expect(try bench.get(0x1) & 0xC000 == (isOn ? 0x8000 : 0))
      #expect(bench.chip.alertLine == isOn, "reading CONFIG changes nothing")
    }
  }

  @Test func readyPin() throws {
    var bench = try bench(0x0004)
    bench.run(20_000, at: 50)
    #expect(!bench.chip.alertLine)
    _ = try bench.get(0x0)
    #expect(bench.chip.alertLine)
  }
}

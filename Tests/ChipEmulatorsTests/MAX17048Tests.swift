// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// A MAX17048 alone on a bus.
struct MAX17048Bench {
  let chip: MAX17048Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(volts: Double = 3.8, errors: ChannelErrors = .none, clock: Int64 = 0) throws {
    chip = MAX17048Emulator(
      cellVolts: volts, voltageErrors: errors, clockPartsPerMillion: clock)
    try bus.attach(chip)
  }

  mutating func run(_ seconds: Double, volts: Double) {
    now += Int64(seconds * 1e6)
    chip.advance(toMicroseconds: now, cellVolts: volts, celsius: 25)
  }

  func get(_ pointer: UInt8) throws -> UInt64 { try bus.register(0x36, pointer) }
  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x36, pointer, value) }
  func percent() throws -> Double { Double(try get(0x04)) / 256 }
}

@Suite struct MAX17048EmulatorTests {
  /// Address, power-on value, what it reads after writing 0xFFDF and after writing 0.
  static let map: [(UInt8, UInt64, UInt64, UInt64)] = [
    (0x02, 0, 0, 0), (0x04, 0, 0, 0), (0x08, 0x0012, 0x0012, 0x0012), (0x0A, 0x8030, 0xFFDF, 0),
    (0x0C, 0x971C, 0xFFDF, 0), (0x14, 0x00FF, 0xFFDF, 0), (0x16, 0, 0, 0),
    (0x18, 0x9600, 0xFF00, 0), (0x1A, 0x0100, 0x4100, 0),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (pointer, reset, ones, zeros) = Self.map[index]
    let bench = try MAX17048Bench()
    #expect(try bench.get(pointer) == reset)
    try bench.set(pointer, 0xFFDF)
    #expect(try bench.get(pointer) == ones)
    try bench.set(pointer, 0)
    #expect(try bench.get(pointer) == zeros)
    #expect(throws: I2CError.noAcknowledge) { try bench.set(0xFE, 0x5400) }
    #expect(try bench.get(pointer) == reset)
    try bench.set(pointer, 0)
    bench.chip.powerCycle()
    #expect(try bench.get(pointer) == reset)
  }

  @Test func thePointerMovesByBytes() throws {
    let bench = try MAX17048Bench()
    try bench.bus.write(0x36, [0x0A, 0x12, 0x34, 0x56, 0x1C])
    #expect(try bench.bus.read(0x36, [0x0A], count: 4) == [0x12, 0x34, 0x56, 0x1C])
    #expect(try bench.bus.read(0x36, [0x0B], count: 2) == [0x34, 0x56])
  }

  /// Steps of 1.25 mV, 16 codes of 78.125 µV; every 250 ms.
  @Test func voltage() throws {
    var bench = try MAX17048Bench()
    bench.run(0.249_999, volts: 3.05688)
    #expect(try bench.get(0x02) == 0)
    bench.run(0.000_001, volts: 3.05688)
    #expect(try bench.get(0x02) == 2_446 << 4)
    var slow = try MAX17048Bench(errors: ChannelErrors(offset: 7.5e-3), clock: -35_000)
    slow.run(0.259_067, volts: 3.05)
    #expect(try slow.get(0x02) == 0)
    slow.run(0.000_001, volts: 3.05)
    #expect(try slow.get(0x02) == 2_446 << 4)
  }

  /// The lithium model: full at 4.2 V, half at 3.80 V, empty at 3.2 V, and the first estimate after 1 s.
  @Test(
    arguments: [(4.3, 100.0), (4.2, 100), (4.0, 80), (3.8, 50), (3.61, 10), (3.2, 0), (2.4, 0)])
  func firstEstimate(volts: Double, percent: Double) throws {
    var bench = try MAX17048Bench()
    bench.run(0.999_999, volts: volts)
    #expect(try bench.get(0x04) == 0)
    bench.run(0.000_001, volts: volts)
    #expect(abs(try bench.percent() - percent) < 0.5, "a step of the voltage")
  }

  /// Then it follows with its time constant, and tells the rate; a quick start does not wait.
  @Test func followsAndStartsAnew() throws {
    var bench = try MAX17048Bench()
    bench.run(1, volts: 3.8)
    bench.run(600, volts: 4.0)
    // 80 % less 30 % / e
    #expect(abs(try bench.percent() - 68.96) < 0.1)
    bench.run(0.25, volts: 4.0)
    // 11.04 % in 600 s, at the first moment: 66.2 %/h
    #expect(abs(Double(try bench.bus.signed16(0x36, 0x16)) * 0.208 - 66.2) < 0.5)
    try bench.set(0x06, 0x4000)
    bench.run(0.25, volts: 3.61)
    #expect(abs(try bench.percent() - 10) < 0.5)
  }

  /// By default each visit below 3.0 V resets the chip when the voltage is back.
  @Test func resetVoltage() throws {
    var bench = try MAX17048Bench()
    bench.run(1, volts: 3.8)
    try bench.set(0x1A, 0)
    try bench.set(0x0A, 0x1111)
    bench.run(10, volts: 2.99)
    #expect(try bench.get(0x0A) == 0x1111, "not while it is low")
    bench.run(0.1, volts: 3.01)
    #expect(try bench.get(0x0A) == 0x8030)
    #expect(try bench.get(0x1A) == 0x0900)
    #expect(try bench.get(0x02) == 0)
    // 2.28 V is the lowest setting: 2.29 V leaves everything alone, below 2.2 V nothing answers.
    try bench.set(0x18, 0x7200)
    try bench.set(0x1A, 0)
    bench.run(10, volts: 2.29)
    bench.run(10, volts: 3.8)
    #expect(try bench.get(0x18) == 0x7200)
    #expect(try bench.get(0x1A) & 0x0100 == 0)
    bench.run(10, volts: 2.19)
    #expect(throws: I2CError.noAcknowledge) { try bench.get(0x02) }
    bench.run(10, volts: 2.25)
    #expect(try bench.get(0x18) == 0x9600)
    #expect(try bench.get(0x1A) & 0x0900 == 0x0100)
  }

  @Test func alerts() throws {
    var bench = try MAX17048Bench()
    // 3.0 V, 4.0 V; empty at 4 %.
    try bench.set(0x14, 0x96C8)
    bench.run(1, volts: 3.8)
    #expect(bench.chip.alertLine)
    for (volts, cause) in [(4.05, UInt64(0x0200)), (2.95, 0x0400)] {
      bench.run(0.25, volts: volts)
      #expect(!bench.chip.alertLine)
      #expect(try bench.get(0x1A) & 0x3E00 == cause)
      bench.run(0.25, volts: 3.8)
      #expect(!bench.chip.alertLine, "held until the host clears it")
      try bench.set(0x1A, 0)
      #expect(!bench.chip.alertLine)
      try bench.set(0x0C, 0x971C)
      #expect(bench.chip.alertLine)
      if cause == 0x0200 { try bench.set(0x18, 0x7200) }
    }
    bench.run(10_000, volts: 3.3)
    bench.run(10_000, volts: 3.25)
    #expect(try bench.get(0x1A) & 0x1000 == 0x1000)
    #expect(!bench.chip.alertLine)
  }

  @Test func sleep() throws {
    var bench = try MAX17048Bench()
    bench.run(1, volts: 3.8)
    try bench.set(0x0C, 0x979C)
    bench.run(10, volts: 4.0)
    #expect(try bench.get(0x02) == 3_200 << 4, "EnSleep is not set")
    try bench.set(0x06, 0x2000)
    bench.run(10, volts: 3.6)
    #expect(try bench.get(0x02) == 3_200 << 4)
  }
}

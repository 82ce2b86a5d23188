// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// A BQ27441 or BQ27427 alone on a bus.
struct BQ27441Bench {
  let chip: BQ27441Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0
  var volts = 3.8
  var amperes = 0.0
  var celsius = 25.0

  init(_ variant: BQ27441Emulator.Variant = .bq27441, clock: Int64 = 0) throws {
    chip = BQ27441Emulator(variant: variant, cellVolts: 3.8, clockPartsPerMillion: clock)
    try bus.attach(chip)
  }

  mutating func run(_ seconds: Double) {
    now += Int64(seconds * 1e6)
    chip.advance(toMicroseconds: now, cellVolts: volts, amperes: amperes, celsius: celsius)
  }

  func get(_ command: UInt8) throws -> Int {
    let bytes = try bus.read(0x55, [command], count: 2)
    return Int(Int16(bitPattern: UInt16(bytes[1]) << 8 | UInt16(bytes[0])))
  }

  func set(_ bytes: [UInt8]) throws { try bus.write(0x55, bytes) }

  func control(_ subcommand: UInt16) throws {
    try set([0x00, UInt8(subcommand & 0xFF), UInt8(subcommand >> 8)])
  }

  func unseal() throws {
    try control(0x8000)
    try control(0x8000)
  }

  mutating func enterConfiguration() throws {
    try unseal()
    try control(0x0013)
    run(1)
  }

  /// Fetches a block into the window.
  mutating func select(_ dataClass: UInt8, block: UInt8 = 0) throws {
    try set([0x61, 0])
    try set([0x3E, dataClass])
    try set([0x3F, block])
    run(0.001)
  }

  func block() throws -> [UInt8] { try bus.read(0x55, [0x40], count: 32) }
  func checksum() throws -> UInt8 { try bus.read(0x55, [0x60], count: 1)[0] }

  /// Writes into the window, then the right checksum.
  func change(_ offset: UInt8, _ bytes: [UInt8]) throws {
    try set([0x40 + offset] + bytes)
    try set([0x60, checksum()])
  }

  mutating func leaveConfiguration() throws {
    try control(0x0042)
    run(1)
  }

  var flags: Int { get throws { try get(0x06) } }
}

@Suite struct BQ27441ControlTests {
  @Test(arguments: [(.bq27441, 0x0421), (.bq27427, 0x0427)] as [(BQ27441Emulator.Variant, Int)])
  func deviceType(variant: BQ27441Emulator.Variant, type: Int) throws {
    let bench = try BQ27441Bench(variant)
    try bench.control(0x0001)
    #expect(try bench.get(0x00) == type)
  }

  @Test func resetFlags() throws {
    var bench = try BQ27441Bench()
    #expect(try bench.flags == 0x0128, "ITPOR, battery, charging allowed")
    bench.run(1)
    #expect(try bench.flags == 0x01A8, "the voltage is taken for one at rest")
    try bench.control(0x0000)
    #expect(try bench.get(0x00) == 0x2082)
  }

  /// The key counts twice in a row, with nothing in between.
  @Test func unsealing() throws {
    var bench = try BQ27441Bench()
    func isSealed() throws -> Bool {
      try bench.control(0x0000)
      return try bench.get(0x00) & 0x2000 != 0
    }
    try bench.control(0x0013)
    bench.run(2)
    #expect(try bench.flags & 0x10 == 0, "sealed")
    try bench.control(0x8000)
    #expect(try isSealed())
    try bench.control(0x8000)
    _ = try bench.flags
    try bench.control(0x8000)
    #expect(try isSealed())
    try bench.unseal()
    #expect(try !isSealed())
    try bench.control(0x0020)
    #expect(try isSealed())
  }

  @Test func configurationMode() throws {
    var bench = try BQ27441Bench()
    bench.run(1)
    try bench.unseal()
    try bench.control(0x0013)
    bench.run(0.999_999)
    #expect(try bench.flags & 0x10 == 0)
    bench.run(0.000_001)
    #expect(try bench.flags & 0x30 == 0x30)
    try bench.control(0x0042)
    bench.run(0.999_999)
    #expect(try bench.flags & 0x30 == 0x30)
    bench.run(0.000_001)
    #expect(try bench.flags & 0x30 == 0, "configured: ITPOR is gone")
    // It ends by itself after four minutes.
    try bench.control(0x0013)
    bench.run(1)
    bench.run(239.999)
    #expect(try bench.flags & 0x10 == 0x10)
    bench.run(0.001)
    #expect(try bench.flags & 0x10 == 0)
    try bench.control(0x0041)
    #expect(try bench.flags & 0x20 == 0x20, "RESET is as a power-on")
  }
}

@Suite struct BQ27441MemoryTests {
  /// Class and offset with their defaults.
  static let defaults: [(BQ27441Emulator.Variant, UInt8, Int, [UInt8])] = [
    (.bq27441, 2, 0, [0x02, 0x26, 0, 0, 0, 50]), (.bq27441, 49, 0, [10, 15, 2, 5]),
    (.bq27441, 64, 0, [0x25, 0xF8]), (.bq27441, 81, 0, [0, 167, 0, 100, 0, 250]),
    (.bq27441, 82, 0, [0x40, 0x00, 0, 0, 0, 0x81]), (.bq27441, 82, 10, [0x05, 0x3C, 0x13, 0x60]),
    (.bq27441, 82, 16, [0x0C, 0x80]), (.bq27441, 105, 4, [0x7F, 0x74, 0x20, 0x5C]),
    (.bq27427, 64, 0, [0x64, 0x78]), (.bq27427, 82, 6, [0x05, 0x3C, 0x13, 0x60, 0x0C, 0x80]),
    (.bq27427, 105, 4, [0x7F, 0xB4, 0x65, 0x4E]), (.bq27441, 77, 0, [0, 0, 0]),
  ]

  @Test(arguments: defaults.indices) func defaultValues(_ index: Int) throws {
    let (variant, dataClass, offset, bytes) = Self.defaults[index]
    var bench = try BQ27441Bench(variant)
    try bench.unseal()
    try bench.select(dataClass)
    let block = try bench.block()
    #expect(Array(block[offset..<offset + bytes.count]) == bytes)
    let sum = block.reduce(0) { $0 + Int($1) }
    #expect(Int(try bench.checksum()) == 255 - sum % 256)
  }

  @Test func theWindowNeedsTimeAndAnOpenSeal() throws {
    var bench = try BQ27441Bench()
    try bench.select(64)
    #expect(try bench.block()[0] == 0, "sealed")
    try bench.unseal()
    try bench.set([0x61, 0])
    try bench.set([0x3E, 64, 0])
    bench.run(0.000_999)
    #expect(try bench.block()[0] == 0, "not yet")
    bench.run(0.000_001)
    #expect(try bench.block()[0] == 0x25)
  }

  /// A block is stored with the right checksum, in configuration, and is lost with the supply.
  @Test func writing() throws {
    var bench = try BQ27441Bench()
    try bench.unseal()
    try bench.select(82)
    try bench.change(10, [0x05, 0xDC])
    try bench.select(82)
    #expect(try bench.block()[10...11] == [0x05, 0x3C], "not in configuration")
    try bench.control(0x0013)
    bench.run(1)
    try bench.select(82)
    try bench.set([0x4A, 0x05, 0xDC])
    try bench.set([0x60, bench.checksum() &+ 1])
    try bench.select(82)
    #expect(try bench.block()[10...11] == [0x05, 0x3C], "a wrong checksum")
    try bench.change(10, [0x05, 0xDC])
    // The second half of the class is another block.
    try bench.select(82, block: 1)
    #expect(try bench.block()[1...2] == [0x10, 0x5E], "V at Chg Term, 4190 mV, at 33")
    try bench.select(82)
    #expect(try bench.block()[10...11] == [0x05, 0xDC])
    try bench.leaveConfiguration()
    #expect(try bench.get(0x3C) == 1_500)
    bench.volts = 2.1
    bench.run(1)
    #expect(throws: I2CError.noAcknowledge) { try bench.flags }
    bench.volts = 3.0
    bench.run(1)
    #expect(try bench.get(0x3C) == 1_340)
    #expect(try bench.flags & 0x20 == 0x20)
  }
}

@Suite struct BQ27441GaugeTests {
  @Test func measurements() throws {
    var bench = try BQ27441Bench(clock: 10_000)
    bench.volts = 3.057
    bench.amperes = -0.321
    bench.celsius = 25.05
    bench.run(0.990_099)
    #expect(try bench.get(0x04) == 0)
    bench.run(0.000_001)
    #expect(try bench.get(0x04) == 3_057)
    #expect(try bench.get(0x10) == -321)
    #expect(try bench.get(0x18) == -981)
    #expect(try bench.get(0x02) == 2_982)
    #expect(try bench.flags & 1 == 1, "discharging")
    #expect(try bench.get(0x1C) == 0, "a lithium cell would be empty")
  }

  /// 3.8 V is half of a lithium cell; then the current counts, 1340 mAh to the full cell.
  @Test(arguments: [(.bq27441, 1.0), (.bq27427, -1)] as [(BQ27441Emulator.Variant, Double)])
  func counts(variant: BQ27441Emulator.Variant, sign: Double) throws {
    var bench = try BQ27441Bench(variant)
    bench.run(1)
    #expect(try bench.get(0x1C) == 50)
    #expect(try bench.get(0x0C) == 670)
    bench.amperes = -0.67
    bench.run(1_800)
    // The factory's gain of the BQ27427 is negative: a discharge looks like a charge.
    #expect(try bench.get(0x10) == Int(-670 * sign))
    #expect(try bench.get(0x0C) == Int(670 - 335 * sign))
    #expect(try bench.get(0x1C) == (sign > 0 ? 25 : 75))
    guard variant == .bq27427 else { return }
    try bench.enterConfiguration()
    try bench.select(105)
    try bench.change(5, [0x34])
    try bench.leaveConfiguration()
    bench.run(2)
    #expect(try bench.get(0x10) == -670)
  }

  @Test func restEndAndFull() throws {
    var bench = try BQ27441Bench()
    bench.run(1)
    bench.volts = 4.0
    bench.run(1_799)
    #expect(try bench.get(0x1C) == 50)
    bench.run(1)
    #expect(try bench.get(0x1C) == 80, "half an hour of rest")
    bench.amperes = 0.1
    bench.volts = 4.15
    bench.run(79)
    #expect(try bench.flags & 0x0300 == 0x0100)
    bench.run(1)
    #expect(try bench.get(0x1C) == 100)
    #expect(try bench.flags & 0x0300 == 0x0200)
    bench.amperes = -1
    bench.volts = 3.19
    bench.run(1)
    #expect(try bench.get(0x1C) == 0, "below Terminate Voltage")
    #expect(try bench.flags & 0x0306 == 0x0106, "SOC1 and SOCF")
  }

  @Test func temperatureFlags() throws {
    var bench = try BQ27441Bench()
    for (celsius, flags) in [
      (54.9, 0), (55, 0x8000), (50.1, 0x8000), (50, 0), (0.1, 0), (0, 0x4000), (4.9, 0x4000),
      (5, 0),
    ] as [(Double, Int)] {
      bench.celsius = celsius
      bench.run(1)
      #expect(try bench.flags & 0xC000 == flags, "\(celsius) °C")
    }
  }

  /// BATLOWEN and GPIOPOL; without the first, pulses.
  @Test(arguments: [false, true]) func output(activeHigh: Bool) throws {
    var bench = try BQ27441Bench()
    bench.run(1)
    #expect(bench.chip.outputPulses == 1)
    bench.amperes = -1.34
    bench.run(72)
    #expect(bench.chip.outputPulses == 2, "a step of two percent is one pulse")
    #expect(bench.chip.outputLine)
    try bench.enterConfiguration()
    try bench.select(64)
    try bench.change(0, [activeHigh ? 0x2D : 0x25, 0xFC])
    try bench.leaveConfiguration()
    bench.volts = 3.8
    bench.run(1)
    #expect(bench.chip.outputLine == !activeHigh)
    bench.volts = 3.0
    bench.run(1)
    #expect(bench.chip.outputLine == activeHigh)
    bench.chip.isWired = false
    #expect(bench.chip.outputLine)
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct BQ76920EmulatorTests {
  /// A chip with four cells, awake.
  struct Bench {
    let chip: BQ76920Emulator
    let bus = EmulatedI2CBus()
    var now: Int64 = 0
    var inputs = BQ76920Inputs(cellVolts: [3.1, 3.1, 3.1, 0, 3.1])

    init(errors: BQ76920Errors = .none) throws {
      chip = BQ76920Emulator(errors: errors)
      try bus.attach(chip)
      chip.boot()
    }

    mutating func pass(_ microseconds: Int64) {
      now += microseconds
      chip.advance(toMicroseconds: now, inputs)
    }

    /// The bytes from a register on; their checksums are dropped.
    func read(_ register: UInt8, count: Int = 1) throws -> [UInt8] {
      let frame = try bus.read(0x08, [register], count: 2 * count)
      return stride(from: 0, to: frame.count, by: 2).map { frame[$0] }
    }

    /// CRC-8 by its definition.
    static func checksum(_ bytes: [UInt8]) -> UInt8 {
      bytes.reduce(0) { rest, byte in
        (0..<8).reduce(rest ^ byte) { value, _ in
          value & 0x80 != 0 ? value << 1 ^ 0x07 : value << 1
        }
      }
    }

    func write(_ register: UInt8, _ byte: UInt8) throws {
      try bus.write(0x08, [register, byte, Self.checksum([0x10, register, byte])])
    }
  }

  @Test func checksumsOnTheWire() throws {
    let bench = try Bench()
    // TI forum, thread 752518: SYS_CTRL2 ← 40h goes with 24h and comes back with 85h.
    try bench.bus.write(0x08, [0x05, 0x40, 0x24])
    #expect(try bench.bus.read(0x08, [0x05], count: 2) == [0x40, 0x85])
    // 10 04 18 BE.
    try bench.bus.write(0x08, [0x04, 0x18, 0xBE])
    #expect(try bench.read(0x04) == [0x18])
    // Only the first byte's checksum covers the address: 12h, 34h as OV_TRIP and UV_TRIP.
    try bench.write(0x09, 0x12)
    try bench.write(0x0A, 0x34)
    #expect(try bench.bus.read(0x08, [0x09], count: 4) == [0x12, 0x3C, 0x34, 0x8C])
    // Two bytes in one write: the second has a checksum of its own.
    try bench.bus.write(0x08, [0x09, 0x55, Bench.checksum([0x10, 0x09, 0x55]), 0x34, 0x8C])
    #expect(try bench.read(0x09, count: 2) == [0x55, 0x34])
  }

  @Test func wrongChecksumIsRefused() throws {
    let bench = try Bench()
    for bit in 0..<24 {
      var frame: [UInt8] = [0x09, 0xB0, Bench.checksum([0x10, 0x09, 0xB0])]
      frame[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      #expect(throws: I2CError.noAcknowledge) { try bench.bus.write(0x08, frame) }
    }
    #expect(try bench.read(0x00, count: 12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0xAC, 0x97, 0])
  }

  @Test func resetValuesAndReadOnlyRegisters() throws {
    let bench = try Bench()
    #expect(try bench.read(0x50, count: 2) == [0x04, 0x30])
    #expect(try bench.read(0x59) == [0x80])
    for register in UInt8(0)...0x5F where ![0x00, 0x04].contains(register) {
      try bench.write(register, 0xFF)
    }
    #expect(
      try bench.read(0x01, count: 12)
        == [0x1F, 0, 0, 0, 0xE3, 0x9F, 0x7F, 0xF0, 0xFF, 0xFF, 0x3F, 0])
    #expect(try bench.read(0x50, count: 2) == [0x04, 0x30])
  }

  @Test func measures() throws {
    var bench = try Bench()
    bench.inputs.cellVolts = [2.0, 2.131302, 3.1, 0, 4.2]
    bench.inputs.shuntVolts = -321 * 8.44e-6
    bench.pass(2_000_000)
    #expect(try bench.read(0x0C, count: 2) == [0, 0], "the converter is off")
    #expect(try bench.read(0x00) == [0])
    try bench.write(0x04, 0x18)
    try bench.write(0x05, 0x40)
    bench.pass(249_999)
    #expect(try bench.read(0x0E, count: 2) == [0, 0])
    bench.pass(1)
    // (V − 48 mV) / 377 µV; an input below the offset is at 0.
    #expect(
      try bench.read(0x0C, count: 10)
        == [0x14, 0x3A, 0x15, 0x96, 0x1F, 0x9F, 0x00, 0x00, 0x2B, 0x05])
    #expect(try bench.read(0x32, count: 2) == [0xFE, 0xBF])
    #expect(try bench.read(0x00) == [0x80])
    #expect(bench.chip.alertLine)
    try bench.write(0x00, 0x80)
    #expect(try bench.read(0x00) == [0])
    #expect(!bench.chip.alertLine)
    bench.pass(1_750_000)
    // 1.65 V of the thermistor in 382 µV: 4319.
    #expect(try bench.read(0x2C, count: 2) == [0x10, 0xDF])
    // (11.431302 V − 0.192 V) / 1508 µV = 7453.
    #expect(try bench.read(0x2A, count: 2) == [0x1D, 0x1D])
    // The die at 25 °C: 1.2 V, 3141 steps.
    try bench.write(0x04, 0x10)
    bench.pass(2_000_000)
    #expect(try bench.read(0x2C, count: 2) == [0x0C, 0x45])
  }

  @Test func oneShotCurrent() throws {
    var bench = try Bench()
    bench.inputs.shuntVolts = 8.44e-4
    try bench.write(0x05, 0x20)
    bench.pass(250_000)
    #expect(try bench.read(0x32, count: 2) == [0, 100])
    #expect(try bench.read(0x05) == [0])
    try bench.write(0x00, 0x80)
    bench.pass(1_000_000)
    #expect(try bench.read(0x00) == [0])
  }

  /// 4.2 V and 2.0 V, B0h and 43h, are compared as 2B08h and 1430h: 4.201032 V and 1.996336 V.
  @Test(arguments: 0..<4) func overAndUndervoltage(delay: Int) throws {
    let highDelays: [Int64] = [1, 2, 4, 8]
    let lowDelays: [Int64] = [1, 4, 8, 16]
    for (volts, fault, switches, seconds): (Double, UInt8, UInt8, Int64) in [
      (4.2014, 0x04, 0x02, highDelays[delay]), (1.9958, 0x08, 0x01, lowDelays[delay]),
    ] {
      var bench = try Bench()
      for (register, byte): (UInt8, UInt8) in [
        (0x04, 0x10), (0x05, 0x03), (0x09, 0xB0), (0x0A, 0x43),
        (0x08, UInt8(delay) << 6 | UInt8(delay) << 4),
      ] { try bench.write(register, byte) }
      // At the limit nothing happens.
      bench.inputs.cellVolts[2] = fault == 0x04 ? 4.201032 : 1.996336
      bench.pass(20_000_000)
      #expect(try bench.read(0x00) == [0])
      bench.inputs.cellVolts[2] = volts
      bench.pass(seconds * 1_000_000 - 1)
      #expect(try bench.read(0x00) == [0])
      bench.pass(1)
      #expect(try bench.read(0x00) == [fault])
      #expect(try bench.read(0x05) == [switches])
      #expect(bench.chip.alertLine)
      // While it is noted, the switch stays open; back within the limits it is not closed by itself.
      try bench.write(0x05, 0x03)
      #expect(try bench.read(0x05) == [switches])
      bench.inputs.cellVolts[2] = 3.1
      bench.pass(20_000_000)
      #expect(try bench.read(0x05) == [switches])
      try bench.write(0x00, fault)
      #expect(try bench.read(0x00) == [0])
      #expect(try bench.read(0x05) == [switches])
      try bench.write(0x05, 0x03)
      #expect(bench.chip.isChargeOn && bench.chip.isDischargeOn)
    }
  }

  /// A cell below half a volt looks like an unused input: no undervoltage.
  @Test func deadCellIsNotSeen() throws {
    var bench = try Bench()
    try bench.write(0x04, 0x10)
    bench.inputs.cellVolts[0] = 0.53
    bench.pass(1_000_000)
    #expect(try bench.read(0x00) == [0])
    bench.inputs.cellVolts[0] = 0.55
    bench.pass(1_000_000)
    #expect(try bench.read(0x00) == [0x08])
  }

  /// Every threshold in both ranges, and every delay, from just below to just above.
  @Test func overcurrentAndShortCircuit() throws {
    let over: [[Double]] = [
      [8, 11, 14, 17, 19, 22, 25, 28, 31, 33, 36, 39, 42, 44, 47, 50],
      [17, 22, 28, 33, 39, 44, 50, 56, 61, 67, 72, 78, 83, 89, 94, 100],
    ]
    let short: [[Double]] = [
      [22, 33, 44, 56, 67, 78, 89, 100], [44, 67, 89, 111, 133, 155, 178, 200],
    ]
    let overDelays: [Int64] = [8, 20, 40, 80, 160, 320, 640, 1_280]
    let shortDelays: [Int64] = [70, 100, 200, 400]
    for range in 0...1 {
      for code in 0..<16 {
        var bench = try Bench()
        try bench.write(0x05, 0x03)
        // The short circuit at its highest and slowest, out of the way.
        try bench.write(0x06, UInt8(range << 7 | 0x1F))
        try bench.write(0x07, UInt8((code % 8) << 4 | code))
        bench.inputs.shuntVolts = -(over[range][code] - 0.01) * 1e-3
        bench.pass(2_000_000)
        #expect(try bench.read(0x00) == [0])
        bench.inputs.shuntVolts = -(over[range][code] - 0.01 + 0.02) * 1e-3
        guard over[range][code] < short[range][7] else { continue }
        bench.pass(overDelays[code % 8] * 1_000 - 1)
        #expect(try bench.read(0x00) == [0])
        bench.pass(1)
        #expect(try bench.read(0x00) == [0x01], "range \(range), code \(code)")
        #expect(bench.chip.isChargeOn && !bench.chip.isDischargeOn)
      }
      for code in 0..<8 {
        var bench = try Bench()
        try bench.write(0x05, 0x03)
        try bench.write(0x06, UInt8(range << 7 | (code % 4) << 3 | code))
        try bench.write(0x07, 0x7F)
        bench.inputs.shuntVolts = -(short[range][code] - 0.01) * 1e-3
        bench.pass(1_000)
        #expect(try bench.read(0x00) == [0])
        bench.inputs.shuntVolts = -(short[range][code] + 0.01) * 1e-3
        bench.pass(shortDelays[code % 4] - 1)
        #expect(try bench.read(0x00) == [0])
        bench.pass(1)
        #expect(try bench.read(0x00) == [0x02], "range \(range), code \(code)")
        #expect(bench.chip.isChargeOn && !bench.chip.isDischargeOn)
      }
    }
  }

  @Test func noDelay() throws {
    var bench = try Bench()
    try bench.write(0x05, 0x83)
    bench.inputs.shuntVolts = -0.0231
    bench.pass(1)
    #expect(try bench.read(0x00) == [0x03])
  }

  @Test func alertIsAnInputToo() throws {
    var bench = try Bench()
    try bench.write(0x05, 0x03)
    bench.inputs.isAlertForced = true
    bench.pass(1)
    #expect(try bench.read(0x00) == [0x10])
    #expect(try bench.read(0x05) == [0])
    // The chip itself drives the line for everything else.
    #expect(!bench.chip.alertLine)
  }

  @Test func internalFault() throws {
    let bench = try Bench()
    try bench.write(0x01, 0x15)
    try bench.write(0x05, 0x03)
    #expect(bench.chip.balancedInputs == 0x15)
    bench.chip.failInside()
    #expect(try bench.read(0x00, count: 2) == [0x20, 0x00])
    #expect(try bench.read(0x05) == [0])
    #expect(bench.chip.alertLine)
  }

  @Test func balancingHalvesTheRate() throws {
    var bench = try Bench()
    try bench.write(0x04, 0x10)
    try bench.write(0x01, 0x01)
    bench.pass(499_999)
    #expect(try bench.read(0x0C, count: 2) == [0, 0])
    bench.pass(1)
    #expect(try bench.read(0x0C, count: 2) != [0, 0])
  }

  @Test func loadIsSeenWhileChargingIsOff() throws {
    var bench = try Bench()
    bench.inputs.hasLoad = true
    bench.pass(1)
    #expect(try bench.read(0x04) == [0x80])
    try bench.write(0x05, 0x01)
    bench.pass(1)
    #expect(try bench.read(0x04) == [0x00])
  }

  @Test func shipAndSupply() throws {
    var bench = try Bench()
    func isSilent() -> Bool {
      do { _ = try bench.read(0x00) } catch { return true }
      return false
    }
    try bench.write(0x05, 0x03)
    // Another order does not put it to sleep.
    for byte: UInt8 in [0, 2, 1, 0, 1, 3, 2] { try bench.write(0x04, byte) }
    #expect(!isSilent())
    for byte: UInt8 in [0, 1, 2] { try bench.write(0x04, byte) }
    #expect(isSilent())
    #expect(!bench.chip.isChargeOn && !bench.chip.isDischargeOn)
    bench.chip.boot()
    #expect(!isSilent())
    #expect(try bench.read(0x05) == [0])
    // Four cells at their end, 8 V, are enough; without a supply not even a pulse wakes it.
    bench.inputs.cellVolts = [2.0, 2.0, 2.0, 0, 2.0]
    bench.pass(1_000_000)
    #expect(!isSilent())
    try bench.write(0x05, 0x03)
    bench.inputs.cellVolts = [0.89, 0.89, 0.89, 0, 0.89]
    bench.pass(1)
    #expect(isSilent())
    bench.chip.boot()
    #expect(isSilent())
    bench.inputs.cellVolts = [3.1, 3.1, 3.1, 0, 3.1]
    bench.pass(1)
    #expect(isSilent())
    bench.chip.boot()
    #expect(try bench.read(0x05) == [0])
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// A TMP102 alone on a bus at 0x4A.
struct TMP102Bench {
  let chip: TMP102Emulator
  let bus = EmulatedI2CBus()
  var now: Int64 = 0

  init(_ errors: TMP102Errors = .none) throws {
    chip = TMP102Emulator(address: I2CAddress(0x4A), errors: errors)
    try bus.attach(chip)
  }

  mutating func run(_ microseconds: Int64, at celsius: Double = 25) {
    now += microseconds
    chip.advance(toMicroseconds: now, celsius: celsius)
  }

  func get(_ pointer: UInt8) throws -> UInt64 { try bus.register(0x4A, pointer) }
  func set(_ pointer: UInt8, _ value: UInt16) throws { try bus.setRegister(0x4A, pointer, value) }
}

@Suite struct TMP102EmulatorTests {
  /// Address, power-on value, what it reads after writing 0xFEFF and after writing 0.
  static let map: [(UInt8, UInt64, UInt64, UInt64)] = [
    (0x0, 0, 1, 0), (0x1, 0x60A0, 0x7ED0, 0x6020), (0x2, 0x4B00, 0xFEFF, 0),
    (0x3, 0x5000, 0xFEFF, 0),
  ]

  @Test(arguments: map.indices) func resetValueAndMask(_ index: Int) throws {
    let (pointer, reset, ones, zeros) = Self.map[index]
    let bench = try TMP102Bench()
    for reset6 in [true, false] {
      #expect(try bench.get(pointer) == reset)
      #expect(try bench.get(pointer | 0xFC) == reset, "the pointer has two bits")
      try bench.set(pointer, 0xFEFF)
      if pointer == 0 { try bench.set(1, 0x0010) }
      #expect(try bench.get(pointer) == ones)
      try bench.set(pointer, 0)
      if pointer == 0 { try bench.set(1, 0) }
      #expect(try bench.get(pointer) == zeros)
      if reset6 { try bench.bus.write(0x00, [0x06]) } else { bench.chip.powerCycle() }
    }
    #expect(try bench.get(pointer) == reset)
  }

  /// The datasheet's table of 12-bit words.
  @Test(
    arguments: [
      (128, 0x7FF0), (127.9375, 0x7FF0), (100, 0x6400), (80, 0x5000), (75, 0x4B00), (50, 0x3200),
      (25, 0x1900), (0.25, 0x0040), (0, 0), (-0.25, 0xFFC0), (-25, 0xE700), (-55, 0xC900),
    ] as [(Double, UInt64)])
  func shortFormat(celsius: Double, word: UInt64) throws {
    var bench = try TMP102Bench()
    bench.run(26_000, at: celsius)
    #expect(try bench.get(0x0) == word)
  }

  /// The datasheet's table of 13-bit words, with the bit that tells the format.
  @Test(
    arguments: [
      (150, 0x4B01), (128, 0x4001), (127.9375, 0x3FF9), (25, 0x0C81), (0.25, 0x0021), (0, 0x0001),
      (-0.25, 0xFFE1), (-25, 0xF381), (-55, 0xE481),
    ] as [(Double, UInt64)])
  func longFormat(celsius: Double, word: UInt64) throws {
    var bench = try TMP102Bench()
    try bench.set(0x1, 0x6090)
    bench.run(26_000, at: celsius)
    #expect(try bench.get(0x0) == word)
  }

  @Test(
    arguments: [(0, 4_000_000), (1, 1_000_000), (2, 250_000), (3, 125_000)] as [(UInt16, Int64)])
  func rate(code: UInt16, period: Int64) throws {
    var bench = try TMP102Bench()
    try bench.set(0x1, code << 6)
    bench.run(25_999)
    #expect(try bench.get(0x0) == 0)
    bench.run(1)
    #expect(try bench.get(0x0) == 0x1900)
    bench.run(period - 1, at: 30)
    #expect(try bench.get(0x0) == 0x1900)
    bench.run(1, at: 30)
    #expect(try bench.get(0x0) == 0x1E00)
  }

  @Test func slowClockAndOffset() throws {
    var errors = TMP102Errors(clockPartsPerMillion: -250_000)
    errors.temperature = ChannelErrors(offset: -1.8)
    var bench = try TMP102Bench(errors)
    bench.run(34_666)
    #expect(try bench.get(0x0) == 0)
    bench.run(1)
    // 23.2 °C, 371.2 steps
    #expect(try bench.get(0x0) == 371 << 4)
  }

  @Test func singleConversion() throws {
    var bench = try TMP102Bench()
    try bench.set(0x1, 0x0180)
    #expect(try bench.get(0x1) == 0xE1A0)
    bench.run(1_000_000)
    #expect(try bench.get(0x0) == 0)
    try bench.set(0x1, 0x8180)
    #expect(try bench.get(0x1) == 0x61A0)
    bench.run(26_000, at: 30)
    #expect(try bench.get(0x1) == 0xE1A0)
    bench.run(1_000_000, at: 40)
    #expect(try bench.get(0x0) == 0x1E00)
  }

  /// High at 80 °C, low below 75 °C, after 1, 2, 4 or 6 results.
  @Test(arguments: [(0, 1), (1, 2), (2, 4), (3, 6)] as [(UInt16, Int)], [false, true])
  func comparator(queue: (code: UInt16, length: Int), activeHigh: Bool) throws {
    var bench = try TMP102Bench()
    try bench.set(0x1, queue.code << 11 | (activeHigh ? 0x0400 : 0) | 0x00C0)
    bench.run(26_000)
    func expectAlert(_ isOn: Bool) throws {
      #expect(bench.chip.alertLine == (isOn == activeHigh))
      #expect(try bench.get(0x1) & 0x20 == (isOn == activeHigh ? 0x20 : 0))
    }
    for (celsius, isOnAfter) in [(80.0, true), (75, true), (74.9, false), (79.9, false)] {
      let wasOn = bench.chip.alertLine == activeHigh
      for result in 1...6 {
        bench.run(125_000, at: celsius)
        try expectAlert(result >= queue.length ? isOnAfter : wasOn)
      }
    }
    // A result between the faults starts the count again.
    for _ in 1..<queue.length { bench.run(125_000, at: 90) }
    bench.run(125_000, at: 20)
    for _ in 1..<queue.length { bench.run(125_000, at: 90) }
    try expectAlert(false)
  }

  @Test func interruptsEndWhenRead() throws {
    var bench = try TMP102Bench()
    try bench.set(0x1, 0x02C0)
    for celsius in [81.0, 74] {
      bench.run(125_000, at: celsius)
      #expect(!bench.chip.alertLine)
      bench.run(125_000, at: 78)
      #expect(!bench.chip.alertLine)
      _ = try bench.get(0x0)
      #expect(bench.chip.alertLine)
      bench.run(125_000, at: celsius)
      #expect(bench.chip.alertLine, "only the other crossing alerts next")
    }
    bench.chip.isPresent = false
    #expect(bench.chip.alertLine)
  }
}

// SPDX-License-Identifier: Apache-2.0

import ChipDrivers
import ChipEmulators
import DeterministicMath
import Quantities
import TestSupport
import Testing

/// ADS1115: from the pins to the quantity. The oracle uses the steps of the datasheet's table of
/// full-scale ranges (PGA field of Config), full scale / 2^15.
@Suite struct ADS1115Tests {
  static let steps: [(range: ADS1115.Range, picovolts: Int64)] = [
    (.millivolts6144, 187_500_000), (.millivolts4096, 125_000_000),
    (.millivolts2048, 62_500_000), (.millivolts1024, 31_250_000),
    (.millivolts512, 15_625_000), (.millivolts256, 7_812_500),
  ]

  /// The positive and the negative pin of each multiplexer setting; 4 is ground.
  static let pins: [(ADS1115.Multiplexer, Int, Int)] = [
    (.input0Against1, 0, 1), (.input0Against3, 0, 3), (.input1Against3, 1, 3),
    (.input2Against3, 2, 3), (.input0, 0, 4), (.input1, 1, 4), (.input2, 2, 4), (.input3, 3, 4),
  ]

  /// The datasheet's table of output codes: FS/2, one step, zero, minus one step, and both ends.
  @Test func workedExamples() throws {
    var bench = try ADS1115Bench()
    bench.chip.supplyVolts = 5
    try bench.bringUp()
    let input = ADS1115.Input(multiplexer: .input0Against1, range: .millivolts4096)
    let cases: [(Double, Int32)] = [
      (2.048, 2_048_000), (0.000_125, 125), (0, 0), (-0.000_125, -125), (-2.048, -2_048_000),
    ]
    for (volts, microvolts) in cases {
      bench.pins = [max(volts, 0), max(-volts, 0), 0, 0]
      try bench.start(input)
      bench.pass(10_000)
      #expect(try bench.read() == .microvolts(microvolts))
    }
    for volts in [4.096, -4.096] {
      bench.pins = [max(volts, 0), max(-volts, 0), 0, 0]
      try bench.start(input)
      bench.pass(10_000)
      let error = thrown { () throws(ChipError) in try bench.read() }
      #expect(error == .overflow(register: 0x00, positive: volts > 0))
    }
  }

  /// A 4.2 V cell behind 10 kΩ over 20 kΩ, at a chip on 3.3 V.
  @Test func cellBehindItsDivider() throws {
    var bench = try ADS1115Bench()
    try bench.bringUp()
    let input = ADS1115.Input(
      multiplexer: .input0, range: .millivolts4096,
      divider: try #require(ADS1115.Divider(upperOhms: 10_000, lowerOhms: 20_000)))
    bench.pins[0] = 2.8
    try bench.start(input)
    bench.pass(10_000)
    #expect(try bench.read() == .microvolts(4_200_000))
  }

  /// All 65,536 words in every range, through all settings of the multiplexer.
  @Test(arguments: steps.indices) func everyWord(index: Int) throws {
    let (range, picovolts) = Self.steps[index]
    var bench = try ADS1115Bench()
    // More than the chip stands, so that every word of ±6.144 V occurs.
    bench.chip.supplyVolts = 7
    try bench.bringUp()
    for code in Int64(Int16.min)...Int64(Int16.max) {
      // No pin goes far below ground, so a negative word needs two.
      let choice = Int(code & 0x7FFF) % (code < 0 ? 4 : 8)
      let (multiplexer, positive, negative) = Self.pins[choice]
      let volts = Double(code) * Double(picovolts) * 1e-12
      bench.pins = SIMD4(repeating: 0)
      if code >= 0 { bench.pins[positive] = volts } else { bench.pins[negative] = -volts }
      try bench.start(
        ADS1115.Input(multiplexer: multiplexer, range: range, dataRate: .perSecond860))
      bench.pass(1_188)
      do throws(ChipError) {
        let voltage = try bench.read()
        let expected = nearestQuotient(Int128(code) * Int128(picovolts), 1_000_000)
        guard Int128(voltage.microvolts) == expected, code > -0x8000, code < 0x7FFF else {
          Issue.record("code \(code): \(voltage)")
          return
        }
      } catch {
        let isAtTheEnd = code == -0x8000 || code == 0x7FFF
        guard isAtTheEnd, error == .overflow(register: 0x00, positive: code > 0) else {
          Issue.record("code \(code): \(error)")
          return
        }
      }
    }
  }

  /// Data rates of the datasheet's DR field, each ±10 %, and 25 µs to wake.
  @Test(arguments: [0, 100_000, -100_000] as [Int64])
  func resultsComeWhenTheDatasheetSays(partsPerMillion: Int64) throws {
    let rates: [Int64] = [8, 16, 32, 64, 128, 250, 475, 860]
    for (code, rate) in rates.enumerated() {
      let dataRate = try #require(ADS1115.DataRate(rawValue: UInt16(code)))
      let input = ADS1115.Input(
        multiplexer: .input0, range: .millivolts4096, dataRate: dataRate)
      var bench = try ADS1115Bench(errors: ADS1115Errors(clockPartsPerMillion: partsPerMillion))
      bench.pins[0] = 1
      try bench.bringUp()
      // 1 / rate is a whole number of ps or a little more; one µs covers it.
      let speed = 1_000_000 + partsPerMillion
      let picoseconds = 1_000_000_000_000 / rate + 25_000_000
      let due = (picoseconds + speed - 1) / speed
      try bench.start(input)
      bench.pass(due - 1)
      let early = thrown { () throws(ChipError) in try bench.read() }
      #expect(early == .conversionNotReady, "\(rate) per second")
      bench.pass(1)
      #expect(try bench.read() == .millivolts(1_000), "\(rate) per second")
      // What the driver calls the longest holds for the slowest oscillator, and not much longer.
      #expect(due <= dataRate.longestMicroseconds)
      if partsPerMillion == -100_000 { #expect(dataRate.longestMicroseconds - due <= 1) }

      try bench.start(input, mode: .continuous)
      bench.pass(2 * dataRate.longestMicroseconds - 1)
      let unsettled = thrown { () throws(ChipError) in try bench.read() }
      #expect(unsettled == .conversionNotReady)
      bench.pass(1)
      #expect(try bench.read() == .millivolts(1_000), "\(rate) per second")
    }
  }

  /// Inputs and modes are changed at any moment, also during a conversion, with clocks of any error:
  /// a voltage that is returned is always that of the input that was asked for.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func inputsAreNeverMistaken(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let errors = ADS1115Errors(clockPartsPerMillion: Int64(random.uniform(-1e5, 1e5)))
    var bench = try ADS1115Bench(errors: errors)
    bench.pins = [0.4, 0.8, 1.2, 1.6]
    try bench.bringUp()
    var asked: Int?
    var found = 0
    for step in 0..<2_000 {
      bench.pass(Int64.random(in: 0...(random.chance(0.5) ? 3_000 : 300_000), using: &random))
      do throws(ChipError) {
        switch Int.random(in: 0..<20, using: &random) {
        case 0:
          asked = nil
          try bench.driver.reset(on: &bench.bus)
          bench.pass(5_000)
          try bench.driver.configure(on: &bench.bus)
        case 1..<9:
          let number = Int.random(in: 0..<4, using: &random)
          let rate = UInt16.random(in: 0..<8, using: &random)
          guard let dataRate = ADS1115.DataRate(rawValue: rate) else { continue }
          let input = ADS1115.Input(
            multiplexer: Self.pins[4 + number].0, range: .millivolts2048, dataRate: dataRate)
          try bench.start(input, mode: random.chance(0.3) ? .continuous : .singleShot)
          asked = number
        default:
          let voltage = try bench.read()
          found += 1
          guard let asked, voltage == .millivolts(Int32(400 * (asked + 1))) else {
            Issue.record("seed \(seed), step \(step): \(voltage) of \(asked ?? -1)")
            return
          }
        }
      } catch {
        let isExpected =
          error == .conversionNotReady || error == .notConfigured || isBusy(error)
        guard isExpected else {
          Issue.record("seed \(seed), step \(step): \(error)")
          return
        }
      }
    }
    #expect(found > 100, "\(found) voltages")
  }

  /// Whether configuring was refused because a conversion still ran.
  private func isBusy(_ error: ChipError) -> Bool {
    guard case .resetIncomplete(register: 0x01, let found) = error else { return false }
    return found & 0x8000 == 0
  }

  /// A supply dip before any transfer of any operation never becomes a voltage.
  @Test(arguments: [1.5, 0.0]) func brownOutAnywhere(volts: Double) throws {
    // The input that the chip selects after a reset is the hardest to tell.
    let input = ADS1115.Input(multiplexer: .input0Against1, range: .millivolts2048)
    for nth in 1...13 {
      var bench = try ADS1115Bench()
      bench.pins = [volts, 0, 0, 0]
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      var failure = thrown { () throws(ChipError) in
        try bench.driver.reset(on: &bus)
        bench.pass(1_000)
        try bench.driver.configure(on: &bus)
        try bench.driver.start(input, on: &bus, at: .microseconds(bench.now))
        bench.pass(10_000)
        let isHeld = try bench.driver.isConfigured(on: &bus)
        let voltage = try bench.driver.readVoltage(on: &bus, at: .microseconds(bench.now))
        #expect(isHeld, "transfer \(nth)")
        #expect(voltage == .microvolts(Int32(volts * 1e6)), "transfer \(nth)")
      }
      // 2 transfers reset, 5 configure, 1 start, 1 check, 2 or 3 read. What the dip erases before
      // the start is written again or was at its reset value; but the first configuration word is
      // looked at twice, and must not be lost between its writing and the second look.
      let last = volts == 0 ? 12 : 11
      let isHarmless = nth == 1 || 4...8 ~= nth || nth > last
      #expect((failure == nil) == isHarmless, "transfer \(nth): \(String(describing: failure))")
      failure = thrown { () throws(ChipError) in try bench.bringUp() }
      #expect(failure == nil)
      try bench.start(input)
      bench.pass(10_000)
      #expect(try bench.read() == .microvolts(Int32(volts * 1e6)), "transfer \(nth)")
    }
  }

  /// A part within the datasheet's limits: 3 codes, 0.15 %, six deviations of the noise.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func partsKeepTheirLimits(seed: UInt64) throws {
    var bench = try ADS1115Bench(errors: .typical(seed: seed), seed: seed)
    try bench.bringUp()
    bench.pins[0] = 3
    for _ in 0..<20 {
      try bench.start(ADS1115.Input(multiplexer: .input0, range: .millivolts4096))
      bench.pass(10_000)
      let volts = Double(try bench.read().microvolts) / 1e6
      // (3 + 6 · 0.3 + 0.5) · 125 µV + 4.5 mV
      #expect(abs(volts - 3) <= 0.005_2)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// TMP117: from the temperature to the quantity. The oracle uses the step of the datasheet's
/// temperature register, 7.8125 m°C, and its range of operation, −55…150 °C.
@Suite struct TMP117Tests {
  /// The datasheet's table of temperature words.
  @Test(
    arguments: [
      (150.0, 150_000), (100, 100_000), (25, 25_000), (1, 1_000), (0.125, 125), (0.0078125, 8),
      (0, 0), (-0.0078125, -8), (-0.125, -125), (-25, -25_000), (-40, -40_000), (-55, -55_000),
    ] as [(Double, Int32)])
  func workedExample(celsius: Double, millidegrees: Int32) throws {
    var bench = try TMP117Bench(.milliseconds125)
    bench.celsius = celsius
    try bench.bringUp()
    bench.pass(125_000)
    #expect(try bench.read() == .millidegreesCelsius(millidegrees))
  }

  /// All 65,536 words; those the chip cannot mean are refused.
  @Test func everyWord() throws {
    var bench = try TMP117Bench(.milliseconds125)
    try bench.bringUp()
    for word in UInt16.min...UInt16.max {
      let code = Int16(bitPattern: word)
      bench.celsius = Double(code) * 0.0078125
      bench.pass(125_000)
      do throws(ChipError) {
        let temperature = try bench.read()
        let expected = nearestQuotient(Int128(code) * 78_125, 10_000)
        guard Int128(temperature.millidegreesCelsius) == expected, -55...150 ~= bench.celsius
        else {
          Issue.record("word \(word): \(temperature)")
          return
        }
      } catch {
        let isRefused =
          word == 0x8000
          ? error == .conversionNotReady
          : error == .rawValueOutOfRange(register: 0x00, found: UInt32(word))
        guard isRefused, !(-55...150 ~= bench.celsius) else {
          Issue.record("word \(word): \(error)")
          return
        }
      }
    }
  }

  /// The datasheet's table of cycle times, at eight averages; the oscillator is ±10 %.
  @Test(
    arguments: [
      (.milliseconds125, 125), (.milliseconds250, 250), (.milliseconds500, 500), (.seconds1, 1_000),
    ] as [(TMP117.Cycle, Int64)], [0, 100_000, -100_000] as [Int64])
  func resultsComeWhenTheDatasheetSays(
    cycle: (code: TMP117.Cycle, milliseconds: Int64), partsPerMillion: Int64
  ) throws {
    var bench = try TMP117Bench(
      cycle.code, errors: TMP117Errors(clockPartsPerMillion: partsPerMillion))
    try bench.bringUp()
    // The conversion of 125 ms comes first, the rest after it. Configuring restarts them, but for the
    // cycle that the chip has after a reset, which began 2 ms after the reset.
    let begin: Int64 = cycle.code == .seconds1 ? 2_000 : 0
    let first = hostTime(of: begin + 125_000, partsPerMillion) - begin
    let later = begin + 125_000 + cycle.milliseconds * 1_000
    let second = hostTime(of: later, partsPerMillion) - begin
    for wait in [first, second - first] {
      bench.pass(wait - 1)
      #expect(thrown { () throws(ChipError) in try bench.read() } == .conversionNotReady)
      bench.pass(1)
      #expect(try bench.read() == .degreesCelsius(25))
    }
  }

  /// A part whose owner programmed other settings into its memory is configured all the same.
  @Test func programmedMemory() throws {
    var bench = try TMP117Bench(.milliseconds250)
    var bus = bench.bus
    let address = bench.driver.address
    func write(_ register: UInt8, _ high: UInt8, _ low: UInt8) throws {
      let bytes = [register, high, low]
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: address, writing: bytes.span, reading: &nothing)
    }
    // Unlocked: shutdown, 16 s, 64 averages, active high; while that is stored the chip is busy.
    try write(0x04, 0x80, 0x00)
    try write(0x01, 0x07, 0xE8)
    let busy = thrown { () throws(ChipError) in try bench.driver.configure(on: &bus) }
    #expect(busy == .resetIncomplete(register: 0x01, found: 0x17E8))
    bench.pass(7_000)
    try write(0x04, 0x00, 0x00)
    try bench.bringUp()
    bench.pass(125_000)
    #expect(try bench.read() == .degreesCelsius(25))
  }

  /// The periodic check takes the chip's ready flag; the reading after it must not miss it.
  @Test func checkingCostsNoResult() throws {
    var bench = try TMP117Bench(.milliseconds125)
    try bench.bringUp()
    bench.pass(125_000)
    #expect(try bench.isConfigured())
    #expect(try bench.read() == .degreesCelsius(25))
    #expect(thrown { () throws(ChipError) in try bench.read() } == .conversionNotReady)
  }

  /// A supply dip before any transfer of any operation never becomes a temperature, even with the
  /// cycle that the chip has after a reset.
  @Test(arguments: [.milliseconds125, .seconds1] as [TMP117.Cycle])
  func brownOutAnywhere(cycle: TMP117.Cycle) throws {
    for nth in 1...10 {
      var bench = try TMP117Bench(cycle)
      bench.celsius = 31
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      let failure = thrown { () throws(ChipError) in
        try bench.driver.reset(on: &bus)
        bench.pass(2_000)
        try bench.driver.configure(on: &bus)
        bench.pass(200_000)
        let isHeld = try bench.driver.isConfigured(on: &bus)
        let temperature = try bench.driver.readTemperature(on: &bus)
        #expect(isHeld, "transfer \(nth)")
        #expect(temperature == .degreesCelsius(31), "transfer \(nth)")
      }
      // 2 transfers reset, 4 configure, 1 check, 2 read; the fifth writes all there is to lose.
      let isHarmless = nth <= 5 || nth == 10
      #expect((failure == nil) == isHarmless, "transfer \(nth): \(String(describing: failure))")
      try bench.bringUp()
      bench.pass(200_000)
      #expect(try bench.read() == .degreesCelsius(31), "transfer \(nth)")
    }
  }

  /// A part within the datasheet's limit of ±0.1 °C, six deviations of the noise and the rounding.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func partsKeepTheirLimits(seed: UInt64) throws {
    var bench = try TMP117Bench(.milliseconds125, errors: .typical(seed: seed), seed: seed)
    try bench.bringUp()
    for celsius in [-20.0, 0, 25, 50] {
      bench.celsius = celsius
      bench.pass(300_000)
      let found = Double(try bench.read().millidegreesCelsius) / 1_000
      // 0.1 °C + (6 · 1.4 / √8 + 0.5) / 128 °C
      #expect(abs(found - celsius) <= 0.1272)
    }
  }
}

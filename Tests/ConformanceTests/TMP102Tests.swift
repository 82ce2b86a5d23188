// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// A TMP102 and its driver on a bus of their own.
struct TMP102Bench {
  let chip: TMP102Emulator
  var bus = EmulatedI2CBus()
  var driver: TMP102
  var now: Int64 = 0
  var celsius = 25.0

  init(_ rate: TMP102.Rate = .perSecond8, errors: TMP102Errors = .none) throws {
    let address = I2CAddress(0x48)
    chip = TMP102Emulator(address: address, errors: errors)
    driver = TMP102(address: address, rate: rate)
    try bus.attach(chip)
  }

  /// Lets time pass at the present temperature.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, celsius: celsius)
  }

  mutating func configure() throws(ChipError) {
    try driver.configure(on: &bus, at: .microseconds(now))
  }

  mutating func read() throws(ChipError) -> Temperature {
    try driver.readTemperature(on: &bus, at: .microseconds(now))
  }
}

@Suite struct TMP102Tests {
  /// All codes of 13 bits; the oracle uses the datasheet's step of 0.0625 °C and −55…150 °C.
  @Test func everyCode() throws {
    var bench = try TMP102Bench()
    try bench.configure()
    bench.pass(5_500_000)
    for code in -4_096...4_095 {
      bench.celsius = Double(code) * 0.0625
      bench.pass(125_000)
      do throws(ChipError) {
        let temperature = try bench.read()
        let expected = nearestQuotient(Int128(code) * 625, 10)
        #expect(
          Int128(temperature.millidegreesCelsius) == expected && -55...150 ~= bench.celsius)
      } catch {
        let word = UInt16(truncatingIfNeeded: code << 3 | 1)
        #expect(error == .rawValueOutOfRange(register: 0x00, found: UInt32(word)))
        #expect(!(-55...150 ~= bench.celsius))
      }
    }
  }

  /// What a part measured before it was configured is never handed out, at any rate and clock.
  @Test(
    arguments: [.every4Seconds, .perSecond1, .perSecond4, .perSecond8] as [TMP102.Rate],
    [-250_000, 0, 250_000] as [Int64])
  func oldResultsAreNotRead(rate: TMP102.Rate, partsPerMillion: Int64) throws {
    for before in stride(from: Int64(0), through: 400_000, by: 20_000) {
      var bench = try TMP102Bench(rate, errors: TMP102Errors(clockPartsPerMillion: partsPerMillion))
      bench.celsius = 40
      bench.pass(before)
      try bench.configure()
      bench.celsius = 10
      bench.pass(5_499_999)
      #expect(thrown { () throws(ChipError) in try bench.read() } == .conversionNotReady)
      bench.pass(1)
      #expect(try bench.read() == .degreesCelsius(10), "configured after \(before) µs")
    }
  }

  /// A supply dip before any transfer of any operation never becomes a temperature.
  @Test func brownOutAnywhere() throws {
    for nth in 1...6 {
      var bench = try TMP102Bench(.perSecond4)
      bench.celsius = 31
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      let failure = thrown { () throws(ChipError) in
        try bench.driver.configure(on: &bus, at: .microseconds(bench.now))
        bench.pass(6_000_000)
        let isHeld = try bench.driver.isConfigured(on: &bus)
        let temperature = try bench.driver.readTemperature(on: &bus, at: .microseconds(bench.now))
        #expect(isHeld, "transfer \(nth)")
        #expect(temperature == .degreesCelsius(31), "transfer \(nth)")
      }
      // 3 transfers configure, 1 checks, 1 reads. Before the write there is nothing to lose; a dip
      // before the check or the reading is told, and one after the last transfer comes too late.
      let isHarmless = nth <= 2 || nth == 6
      #expect((failure == nil) == isHarmless, "transfer \(nth): \(String(describing: failure))")
    }
  }

  /// ±2 °C and the rounding.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func partsKeepTheirLimits(seed: UInt64) throws {
    var bench = try TMP102Bench(errors: .typical(seed: seed))
    try bench.configure()
    for celsius in [-25.0, 25, 85] {
      bench.celsius = celsius
      bench.pass(6_000_000)
      let found = Double(try bench.read().millidegreesCelsius) / 1_000
      #expect(abs(found - celsius) <= 2.032)
    }
  }
}

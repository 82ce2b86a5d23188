// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

@Suite struct LTC2959Tests {
  /// A cell over 10 mΩ, and its driver.
  struct Bench {
    let chip: LTC2959Emulator
    var bus = EmulatedI2CBus()
    var driver: LTC2959
    var now: Int64 = 0
    var volts = 3.1
    var amperes = 0.0
    var celsius = 25.0

    init(errors: LTC2943Errors = .none) throws {
      chip = LTC2959Emulator(batteryVolts: 3.1, errors: errors)
      driver = LTC2959(
        configuration: try LTC2959.Configuration(
          shunt: Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(9_000))))
      try bus.attach(chip)
    }

    mutating func pass(_ seconds: Double) {
      now += Int64(seconds * 1e6)
      chip.advance(
        toMicroseconds: now, batteryVolts: volts, shuntVolts: amperes * 0.01, celsius: celsius)
    }

    mutating func configure() throws(ChipError) {
      try driver.configure(on: &bus, at: .microseconds(now))
    }
    mutating func read() throws(ChipError) -> LTC2959.Measurement {
      try driver.readMeasurement(on: &bus, at: .microseconds(now))
    }
  }

  /// Over a sodium-ion cell's whole window.
  @Test func configureAndRead() throws {
    var bench = try Bench()
    try bench.configure()
    #expect(try bench.driver.isConfigured(on: &bench.bus))
    #expect(thrown { () throws(ChipError) in try bench.read() } == .conversionNotReady)
    for (volts, amperes, celsius) in [(2.0, -6.0, -20.0), (3.1, 0, 25), (4.2, 8.9, 60)] {
      (bench.volts, bench.amperes, bench.celsius) = (volts, amperes, celsius)
      bench.pass(1)
      let reading = try bench.read()
      // Half a step of 955 µV, of 298 µA, of 12.6 mK.
      #expect(abs(Double(reading.voltage.microvolts) * 1e-6 - volts) <= 0.478e-3)
      #expect(abs(Double(reading.current.microamperes) * 1e-6 - amperes) <= 0.149e-3)
      #expect(abs(Double(reading.dieTemperature.millidegreesCelsius) * 1e-3 - celsius) <= 0.007)
    }
    bench.amperes = 9.8
    bench.pass(1)
    #expect(
      thrown { () throws(ChipError) in try bench.read() }
        == .overflow(register: 0x19, positive: true))
  }

  /// Every code of the current.
  @Test func everyCode() throws {
    var bench = try Bench()
    try bench.configure()
    for code in Int128(-32_767)...32_766 {
      bench.amperes = Double(code) * 0.0975 / 32_768 / 0.01
      bench.pass(0.1)
      let found = Int128(try bench.read().current.microamperes)
      guard found == nearestQuotient(code * 97_500_000_000, 32_768 * 10_000) else {
        Issue.record("code \(code): \(found)")
        return
      }
    }
  }

  /// A microampere is counted as well: the dead band is gone.
  @Test(arguments: [(1e-6, 864_000), (-0.002, 86_400), (5, 3_600)] as [(Double, Int)])
  func everyChargeIsCounted(amperes: Double, seconds: Int) throws {
    var bench = try Bench()
    try bench.configure()
    bench.amperes = amperes
    var counted: Int64 = 0
    for step in 0..<100 {
      bench.pass(Double(seconds) / 100)
      guard case .counted(let part) = try bench.read().charge else {
        Issue.record("step \(step)")
        return
      }
      counted += part.nanocoulombs
    }
    // One count is 9.594 mC.
    #expect(abs(Double(counted) * 1e-9 - amperes * Double(seconds)) <= 0.0096)
  }

  /// The cell goes below 1.8 V and comes back.
  @Test func dropOut() throws {
    var bench = try Bench()
    try bench.configure()
    bench.volts = 1.79
    bench.pass(1)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.volts = 2
    bench.pass(1)
    #expect(
      thrown { () throws(ChipError) in try bench.read() }
        == .configurationLost(register: 0x01, expected: 0xD810, found: 0x1850))
    #expect(try bench.driver.isConfigured(on: &bench.bus) == false)
    try bench.configure()
    bench.pass(1)
    #expect(try bench.read().charge == .counted(.nanocoulombs(0)))
  }

  @Test func resetAnywhere() throws {
    try expectResetsAreNoticed(transfers: 5) { try Bench() }
  }
}

extension LTC2959Tests.Bench: ChipBench {
  var dip: () -> Void { { [chip] in chip.powerCycle() } }
  mutating func configure<Bus: I2CBus>(on bus: inout Bus) throws(ChipError) {
    try driver.configure(on: &bus, at: .microseconds(now))
  }
  mutating func settle() { pass(1) }
  mutating func readOnce() throws(ChipError) { _ = try read() }
  func isConfigured() throws(ChipError) -> Bool {
    var bus = bus
    return try driver.isConfigured(on: &bus)
  }
}

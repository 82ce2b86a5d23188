// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

@Suite struct LTC2943Tests {
  /// A pack over 20 mΩ, and its driver.
  struct Bench {
    let chip: LTC2943Emulator
    var bus = EmulatedI2CBus()
    var driver: LTC2943
    var now: Int64 = 0
    var volts = 12.4
    var amperes = 0.0
    var celsius = 25.0

    init(
      _ model: LTC2943.Model = .ltc2943, capacity: Int64 = 1_500, errors: LTC2943Errors = .none
    ) throws {
      chip = LTC2943Emulator(
        variant: model == .ltc2943 ? .ltc2943 : .ltc2944, packVolts: 12.4, errors: errors)
      let configuration = try #require(
        try LTC2943.Configuration(
          shunt: Shunt(resistance: .microohms(20_000), maximumCurrent: .milliamperes(2_500)),
          capacity: .milliampereHours(capacity)))
      driver = LTC2943(model: model, configuration: configuration)
      try bus.attach(chip)
    }

    mutating func pass(_ seconds: Double) {
      now += Int64(seconds * 1e6)
      chip.advance(
        toMicroseconds: now, packVolts: volts, shuntVolts: amperes * 0.02, celsius: celsius)
    }

    mutating func configure() throws(ChipError) {
      try driver.configure(on: &bus, at: .microseconds(now))
    }
    mutating func read() throws(ChipError) -> LTC2943.Measurement {
      try driver.readMeasurement(on: &bus, at: .microseconds(now))
    }
  }

  @Test(arguments: [LTC2943.Model.ltc2943, .ltc2944]) func configureAndRead(
    model: LTC2943.Model
  ) throws {
    var bench = try Bench(model)
    try bench.configure()
    #expect(try bench.driver.isConfigured(on: &bench.bus))
    #expect(thrown { () throws(ChipError) in try bench.read() } == .conversionNotReady)
    for (volts, amperes, celsius) in [(8.0, -1.0, -20.0), (12.4, 0, 25), (16.8, 2.4, 60)] {
      (bench.volts, bench.amperes, bench.celsius) = (volts, amperes, celsius)
      bench.pass(1)
      let reading = try bench.read()
      // Half a step of 14 bits, of 12 bits over 20 mΩ, of 11 bits.
      let (volt, ampere) = model == .ltc2943 ? (0.73e-3, 0.74e-3) : (2.17e-3, 0.79e-3)
      #expect(abs(Double(reading.voltage.microvolts) * 1e-6 - volts) <= volt)
      #expect(abs(Double(reading.current.microamperes) * 1e-6 - amperes) <= ampere)
      #expect(abs(Double(reading.dieTemperature.millidegreesCelsius) * 1e-3 - celsius) <= 0.126)
    }
    bench.amperes = 3.3
    bench.pass(1)
    #expect(
      thrown { () throws(ChipError) in try bench.read() }
        == .overflow(register: 0x0E, positive: true))
  }

  /// Hours in and out, read at odd moments: the sum is the charge, but for one count of 53 µAh.
  @Test(arguments: [1, 7, 60, 600]) func everyChargeIsCounted(seconds: Int) throws {
    var bench = try Bench()
    try bench.configure()
    var charge = 0.0
    var counted: Int64 = 0
    for step in 0..<(14_400 / seconds) {
      bench.amperes = step * seconds / 3_600 % 2 == 0 ? -1.3 : 1.1
      bench.pass(Double(seconds))
      charge += bench.amperes * Double(seconds)
      guard case .counted(let part) = try bench.read().charge else {
        Issue.record("step \(step)")
        return
      }
      counted += part.nanocoulombs
    }
    #expect(abs(Double(counted) * 1e-9 - charge) <= 0.192)
  }

  /// A small range is left again and again: the driver sets the count back to the middle in time.
  @Test func theCountNeverEnds() throws {
    // A count of 0.21 µAh, and 6.8 mAh to an end.
    var bench = try Bench(capacity: 6)
    #expect(bench.driver.configuration.prescalerCode == 0)
    try bench.configure()
    bench.amperes = -1
    var counted: Int64 = 0
    for second in 0..<600 {
      bench.pass(1)
      guard case .counted(let part) = try bench.read().charge else {
        Issue.record("second \(second)")
        return
      }
      counted += part.nanocoulombs
    }
    #expect(abs(Double(counted) * 1e-9 + 600) < 0.1)
    // Away for longer than the range holds, it ends, and says so.
    bench.pass(60)
    #expect(try bench.read().charge == .overflow)
    bench.pass(1)
    guard case .counted = try bench.read().charge else {
      Issue.record("it counts again")
      return
    }
  }

  /// Below 3.6 V the chip is away, and what comes back is noticed for a reset.
  @Test func dropOut() throws {
    var bench = try Bench()
    try bench.configure()
    bench.volts = 3.5
    bench.pass(1)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.volts = 8
    bench.pass(1)
    #expect(
      thrown { () throws(ChipError) in try bench.read() }
        == .configurationLost(register: 0x01, expected: 0xE0, found: 0x3C))
    #expect(try bench.driver.isConfigured(on: &bench.bus) == false)
    try bench.configure()
    bench.pass(1)
    #expect(try bench.read().charge == .counted(.nanocoulombs(0)))
  }

  @Test func resetAnywhere() throws {
    try expectResetsAreNoticed(transfers: 6) { try Bench() }
  }
}

extension LTC2943Tests.Bench: ChipBench {
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

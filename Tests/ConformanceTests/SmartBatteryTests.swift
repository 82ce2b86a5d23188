// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

@Suite struct SmartBatteryTests {
  /// A battery of four cells and its driver.
  struct Bench {
    let battery = SmartBatteryEmulator(seriesCells: 4, designCapacity: 1_500, stackVolts: 15.2)
    var bus = EmulatedI2CBus()
    var driver = SmartBattery()
    var now: Int64 = 0
    var stackVolts = 15.2
    var amperes = 0.0
    var celsius = 25.0

    init() throws { try bus.attach(battery) }

    mutating func pass(_ seconds: Int64) {
      now += seconds * 1_000_000
      battery.advance(
        toMicroseconds: now, stackVolts: stackVolts, amperes: amperes, celsius: celsius)
    }

    mutating func configure() throws(ChipError) { try driver.configure(on: &bus) }
    mutating func read() throws(ChipError) -> SmartBattery.Reading { try driver.read(on: &bus) }
  }

  @Test func configureAndRead() throws {
    var bench = try Bench()
    try bench.configure()
    #expect(thrown { () throws(ChipError) in try bench.read() } == .dataNotValid)
    bench.amperes = -0.75
    bench.celsius = -10.05
    bench.pass(1)
    let reading = try bench.read()
    #expect(reading.voltage == .millivolts(15_200))
    #expect(reading.current == .milliamperes(-750))
    #expect(reading.temperature == .millidegreesCelsius(-10_050))
    #expect(reading.stateOfCharge == .partsPerMillion(500_000))
    #expect(reading.remainingCapacity == .milliampereHours(750))
    #expect(reading.fullChargeCapacity == .milliampereHours(1_500))
    #expect(reading.alarms == [])
    #expect(try bench.driver.isConfigured(on: &bench.bus))
  }

  /// Every word of the current, and of the voltage while the battery has one.
  @Test func everyWord() throws {
    var bench = try Bench()
    try bench.configure()
    for code in Int32(-32_768)...32_767 {
      let millivolts = 10_000 + (code + 32_768) % 55_536
      bench.stackVolts = Double(millivolts) / 1_000
      bench.amperes = Double(code) / 1_000
      bench.pass(1)
      let reading = try bench.read()
      guard reading.current == .milliamperes(code), reading.voltage == .millivolts(millivolts)
      else {
        Issue.record("code \(code): \(reading)")
        return
      }
    }
  }

  /// Half-full sodium cells are empty for the battery, and it warns; below 2.5 V a cell it is silent.
  @Test func sodiumCells() throws {
    var bench = try Bench()
    try bench.configure()
    bench.stackVolts = 11.9
    bench.pass(2)
    let reading = try bench.read()
    #expect(reading.stateOfCharge == .partsPerMillion(0))
    #expect(reading.alarms == [.terminateDischarge, .remainingCapacity])
    bench.stackVolts = 9.9
    bench.pass(1)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.stackVolts = 12.4
    bench.pass(1)
    let lost = ChipError.configurationLost(register: 0x03, expected: 0x4000, found: 0)
    #expect(thrown { () throws(ChipError) in try bench.read() } == lost)
    try bench.configure()
    #expect(try bench.read().voltage == .millivolts(12_400))
  }

  @Test func resetAnywhere() throws {
    var nth = 0
    var transfers = 0
    repeat {
      nth += 1
      var bench = try Bench()
      let battery = bench.battery
      var bus = InterruptedBus(bench.bus, before: nth) { battery.powerCycle() }
      var driver = bench.driver
      var failure = thrown { () throws(ChipError) in
        try driver.configure(on: &bus)
        bench.pass(1)
        _ = try driver.read(on: &bus)
      }
      transfers = bus.transferCount
      // One that came before the mode was written undid nothing.
      if nth > 3, nth <= transfers { #expect(failure != nil, "transfer \(nth)") }
      failure = thrown { () throws(ChipError) in
        try driver.configure(on: &bus)
        bench.pass(1)
        _ = try driver.read(on: &bus)
      }
      #expect(failure == nil, "transfer \(nth)")
    } while nth <= transfers
    #expect(transfers == 12)
  }
}

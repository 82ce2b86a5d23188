// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// A MAX17055 on a cell, over 10 mΩ, and its driver.
struct MAX17055Bench {
  let chip: MAX17055Emulator
  var bus = EmulatedI2CBus()
  var driver: MAX17055
  var now: Int64 = 0
  var volts = 3.8
  var amperes = 0.0
  var celsius = 25.0

  init(polarity: Shunt.Polarity = .chargePositive) throws {
    chip = MAX17055Emulator(cellVolts: volts)
    let shunt = Shunt(
      resistance: .microohms(10_000), maximumCurrent: .milliamperes(5_000), polarity: polarity)
    let configuration = try #require(
      try MAX17055.Configuration(shunt: shunt, designCapacity: 1_400, chargeTermination: 50))
    driver = MAX17055(configuration: configuration)
    try bus.attach(chip)
  }

  /// Lets time pass at the present inputs.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(
      toMicroseconds: now, cellVolts: volts, shuntVolts: amperes * 0.01, celsius: celsius)
  }

  /// As the firmware does: a step each 20 ms, for at most 5 s.
  mutating func configure<Bus: I2CBus>(on bus: inout Bus) throws(ChipError) -> Bool {
    for _ in 0..<250 {
      let isDone = try driver.configure(on: &bus)
      if isDone { return true }
      pass(20_000)
    }
    return false
  }

  mutating func bringUp() throws(ChipError) {
    var wire = bus
    let isDone = try configure(on: &wire)
    #expect(isDone)
  }

  mutating func read() throws(ChipError) -> MAX17055.Reading { try driver.read(on: &bus) }
}

@Suite struct MAX17055Tests {
  @Test func configureAndRead() throws {
    var bench = try MAX17055Bench()
    bench.amperes = -0.5
    bench.celsius = -12.5
    try bench.bringUp()
    bench.pass(175_800)
    let reading = try bench.read()
    #expect(reading.cellVoltage == .millivolts(3_800))
    #expect(reading.current == .milliamperes(-500))
    #expect(reading.temperature == .millidegreesCelsius(-12_500))
    // Half a lithium cell, less a second of 0.5 A: 0.14 mAh, below a step of the charge, 0.5 mAh.
    #expect(abs(reading.stateOfCharge.partsPerMillion - 500_000) <= 200)
    #expect(reading.remainingCapacity == .milliampereHours(700))
    #expect(try bench.driver.isConfigured(on: &bench.bus))
  }

  /// All 65,536 codes of the current, with every second code of the voltage while the chip runs.
  @Test(arguments: [.chargePositive, .dischargePositive] as [Shunt.Polarity])
  func everyCode(polarity: Shunt.Polarity) throws {
    var bench = try MAX17055Bench(polarity: polarity)
    try bench.bringUp()
    let sign: Int128 = polarity == .chargePositive ? 1 : -1
    for code in Int128(-32_768)...32_767 {
      // From 2.35 V to 4.95 V.
      let voltageCode = 30_080 + (code + 32_768) % 33_280
      bench.volts = Double(voltageCode) * 78.125e-6
      bench.amperes = Double(code) * 156.25e-6
      bench.pass(175_800)
      do throws(ChipError) {
        let reading = try bench.read()
        guard Int128(reading.current.microamperes) == nearestQuotient(sign * code * 15_625, 100),
          Int128(reading.cellVoltage.microvolts) == nearestQuotient(voltageCode * 625, 8),
          -32_768 < code, code < 32_767
        else {
          Issue.record("code \(code): \(reading)")
          return
        }
      } catch {
        guard error == .overflow(register: 0x0A, positive: sign * code > 0),
          code == -32_768 || code == 32_767
        else {
          Issue.record("code \(code): \(error)")
          return
        }
      }
    }
  }

  @Test func everyTemperature() throws {
    var bench = try MAX17055Bench()
    try bench.bringUp()
    for code in Int128(-55 * 256)...125 * 256 {
      bench.celsius = Double(code) / 256
      bench.pass(175_800)
      let found = Int128(try bench.read().temperature.millidegreesCelsius)
      guard found == nearestQuotient(code * 1_000, 256) else {
        Issue.record("code \(code): \(found)")
        return
      }
    }
  }

  /// A sodium cell at 3.1 V is half full, and empty for the gauge. Below 2.3 V it forgets all.
  @Test func sodiumCell() throws {
    var bench = try MAX17055Bench()
    bench.volts = 3.1
    try bench.bringUp()
    bench.pass(1_000_000)
    #expect(try bench.read().stateOfCharge == .partsPerMillion(0))
    bench.volts = 2.0
    bench.pass(1_000_000)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.volts = 3.1
    bench.pass(1_000_000)
    let lost = thrown { () throws(ChipError) in try bench.read() }
    #expect(lost == .configurationLost(register: 0x00, expected: 0, found: 0x0002))
    bench.driver.restart()
    try bench.bringUp()
    #expect(try bench.read().cellVoltage == .millivolts(3_100))
  }

  /// A supply dip before any transfer: it is noticed, then or when read, and the configuration, begun
  /// again, succeeds.
  @Test func brownOutAnywhere() throws {
    var nth = 0
    var transfers = 0
    repeat {
      nth += 1
      var bench = try MAX17055Bench()
      bench.amperes = 0.5
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      var isDone = false
      let failure = thrown { () throws(ChipError) in isDone = try bench.configure(on: &bus) }
      transfers = bus.transferCount
      if isDone, failure == nil {
        bench.pass(1_000_000)
        switch Result(catching: { () throws(ChipError) in try bench.read().current }) {
        case .success(let current): #expect(current == .milliamperes(500), "transfer \(nth)")
        case .failure(let error):
          #expect(
            error == .configurationLost(register: 0x00, expected: 0, found: 0x0002),
            "transfer \(nth)")
        }
      }
      bench.driver.restart()
      try bench.bringUp()
      bench.pass(1_000_000)
      #expect(try bench.read().current == .milliamperes(500), "transfer \(nth)")
      // 700 mAh, half of the configured 1400.
      #expect(abs(try bench.read().remainingCapacity.nanocoulombs / 3_600_000 - 700_000) <= 1_000)
    } while nth <= transfers
    // 35 polls for the first results, two transfers each; then the configuration.
    #expect(transfers > 90)
  }
}

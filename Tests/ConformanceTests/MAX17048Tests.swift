// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// A MAX17048 on a cell, and its driver.
struct MAX17048Bench {
  let chip: MAX17048Emulator
  var bus = EmulatedI2CBus()
  var driver = MAX17048()
  var now: Int64 = 0
  var volts: Double

  init(volts: Double) throws {
    self.volts = volts
    chip = MAX17048Emulator(cellVolts: volts)
    try bus.attach(chip)
  }

  /// Lets time pass at the present voltage.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, cellVolts: volts, celsius: 25)
  }

  mutating func bringUp() throws(ChipError) {
    try driver.reset(on: &bus)
    pass(1_000_000)
    try driver.configure(on: &bus)
  }

  mutating func read() throws(ChipError) -> MAX17048.Reading { try driver.read(on: &bus) }
}

@Suite struct MAX17048Tests {
  /// Every step of 1.25 mV at which the chip answers.
  @Test func everyVoltage() throws {
    var bench = try MAX17048Bench(volts: 3.8)
    try bench.bringUp()
    for step in stride(from: Int32(4_080), through: 1_824, by: -1) {
      bench.volts = Double(step) * 0.00125
      bench.pass(250_000)
      #expect(try bench.read().cellVoltage == .microvolts(step * 1_250))
    }
  }

  /// On a sodium cell: with 3.1 V, the middle of its range, a lithium model sees an empty cell.
  @Test func theChargeIsThatOfALithiumCell() throws {
    var bench = try MAX17048Bench(volts: 3.1)
    try bench.bringUp()
    #expect(try bench.read().stateOfCharge == .partsPerMillion(0))
    bench.volts = 3.8
    bench.pass(3_600_000_000)
    bench.pass(250_000)
    // 50 %, less 50 % · e^-6 and a step of 1/256 %.
    let reading = try bench.read()
    #expect(abs(reading.stateOfCharge.partsPerMillion - 498_760) < 40)
    #expect(reading.ratePartsPerMillionPerHour > 0)
  }

  /// A deep discharge to 2.3 V is survived; the default of 3.0 V would have reset the chip. Below
  /// the chip's own limit it is silent, and comes back reset.
  @Test func deepDischarge() throws {
    var bench = try MAX17048Bench(volts: 3.8)
    try bench.bringUp()
    for volts in [2.9, 2.3, 3.1] {
      bench.volts = volts
      bench.pass(250_000)
      #expect(try bench.read().cellVoltage == .millivolts(Int32(volts * 1_000)))
    }
    bench.volts = 2.0
    bench.pass(250_000)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.volts = 3.1
    bench.pass(250_000)
    let lost = thrown { () throws(ChipError) in try bench.read() }
    #expect(lost == .configurationLost(register: 0x1A, expected: 0, found: 0x0100))
    #expect(try bench.driver.isConfigured(on: &bench.bus) == false)
    try bench.bringUp()
    #expect(try bench.read().cellVoltage == .millivolts(3_100))
  }

  /// A supply dip before any transfer of any operation never becomes a reading.
  @Test func brownOutAnywhere() throws {
    for nth in 1...16 {
      var bench = try MAX17048Bench(volts: 4.0)
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      let failure = thrown { () throws(ChipError) in
        try bench.driver.reset(on: &bus)
        bench.pass(1_000_000)
        try bench.driver.configure(on: &bus)
        bench.pass(1_000_000)
        let isHeld = try bench.driver.isConfigured(on: &bus)
        let reading = try bench.driver.read(on: &bus)
        #expect(isHeld, "transfer \(nth)")
        #expect(reading.cellVoltage == .millivolts(4_000), "transfer \(nth)")
        #expect(reading.stateOfCharge == .partsPerMillion(800_000), "transfer \(nth)")
      }
      // 2 transfers reset, 7 configure, 2 check, 4 read; the sixth takes the reset's mark away.
      let isHarmless = nth <= 6 || nth == 16
      #expect((failure == nil) == isHarmless, "transfer \(nth): \(String(describing: failure))")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

@Suite struct BQ34Z100Tests {
  /// Four cells over a divider of 20 and 10 mΩ, and the driver.
  struct Bench {
    let chip = BQ34Z100Emulator()
    var bus = EmulatedI2CBus()
    var driver: BQ34Z100
    var now: Int64 = 0
    var cellVolts = 3.8
    var amperes = 0.0
    var supply = 3.3

    init() throws {
      driver = BQ34Z100(
        configuration: try #require(
          BQ34Z100.Configuration(
            designCapacity: 1_500, designEnergy: 18_600, seriesCells: 4, terminateVoltage: 2_000,
            voltageDivider: 20_000)))
      try bus.attach(chip)
    }

    mutating func pass(_ seconds: Double) {
      now += Int64(seconds * 1e6)
      chip.advance(
        toMicroseconds: now, pinVolts: 4 * cellVolts / 20, shuntVolts: amperes * 0.01, celsius: 25,
        supplyVolts: supply)
    }

    /// Step after step, 20 ms apart, which is shorter than the flash takes.
    ///
    /// - Returns: how many steps it took.
    mutating func configure() throws(ChipError) -> Int {
      for step in 1...200 {
        pass(0.02)
        if try driver.configure(on: &bus, at: .microseconds(now)) { return step }
      }
      return 0
    }
    mutating func read() throws(ChipError) -> BQ34Z100.Reading { try driver.read(on: &bus) }
  }

  /// The flash is written once; a chip that was told before is told nothing.
  @Test func configureAndRead() throws {
    var bench = try Bench()
    #expect(try bench.configure() > 0)
    #expect(bench.chip.programmedBlocks == 4)
    #expect(try bench.driver.isConfigured(on: &bench.bus))
    bench.amperes = -0.75
    bench.pass(1)
    let reading = try bench.read()
    #expect(reading.voltage == .millivolts(15_200))
    #expect(reading.current == .milliamperes(-750))
    #expect(reading.temperature == .millidegreesCelsius(25_050))
    #expect(reading.stateOfCharge == .partsPerMillion(500_000))
    #expect(reading.remainingCapacity == .milliampereHours(750))
    bench.driver.restart()
    #expect(thrown { () throws(ChipError) in try bench.read() } == .notConfigured)
    #expect(try bench.configure() == 9)
    #expect(bench.chip.programmedBlocks == 4)
    bench.chip.powerCycle()
    bench.pass(1)
    #expect(try bench.read().voltage == .millivolts(15_200), "the flash keeps what it was told")
  }

  /// Half-full sodium cells are nearly empty for a lithium gauge.
  @Test func sodiumCells() throws {
    var bench = try Bench()
    bench.cellVolts = 3.1
    #expect(try bench.configure() > 0)
    bench.pass(1)
    #expect(try bench.read().stateOfCharge == .partsPerMillion(0))
    #expect(try bench.read().voltage == .millivolts(12_400))
  }

  /// Without its rail it is away; it comes back with what it was told.
  @Test func dropOut() throws {
    var bench = try Bench()
    #expect(try bench.configure() > 0)
    bench.supply = 2.6
    bench.pass(1)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.supply = 3.3
    bench.pass(1)
    #expect(try bench.read().voltage == .millivolts(15_200))
  }

  /// A reset at any moment of the configuration: it is noticed, or the next configuration is right.
  @Test func resetAnywhere() throws {
    var nth = 0
    var transfers = 0
    repeat {
      nth += 1
      var bench = try Bench()
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      var isDone = false
      for _ in 0..<200 where !isDone {
        bench.pass(0.02)
        do throws(ChipError) {
          isDone = try bench.driver.configure(on: &bus, at: .microseconds(bench.now))
        } catch {
          continue
        }
      }
      transfers = bus.transferCount
      #expect(isDone, "transfer \(nth)")
      bench.pass(1)
      let reading = try bench.read()
      #expect(reading.voltage == .millivolts(15_200), "transfer \(nth)")
      #expect(reading.remainingCapacity == .milliampereHours(750), "transfer \(nth)")
    } while nth <= transfers
  }

  /// Another gauge at the same address shows by its type.
  @Test func anotherGauge() throws {
    var bench = try Bench()
    let other = EmulatedI2CBus()
    let chip = BQ27441Emulator(variant: .bq27441, cellVolts: 3.8)
    try other.attach(chip)
    bench.bus = other
    let error = thrown { () throws(ChipError) in try bench.configure() }
    #expect(error == .unexpectedIdentity(expected: 0x0100, found: 0x0421))
  }
}

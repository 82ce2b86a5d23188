// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import ChipEmulators
import Firmware
import Quantities
import TestSupport
import Testing

/// Firmware on four cells behind an emulated BQ76920, whose switches it drives over the bus.
private final class Bench {
  let chip = BQ76920Emulator()
  let bus = EmulatedI2CBus()
  var firmware: Firmware<EmulatedI2CBus, EmulatedLine, EmulatedLine, NoMemory, StateEstimator>
  var inputs = BQ76920Inputs(cellVolts: [3.1, 3.1, 3.1, 0, 3.1])
  /// What a load draws or a charger gives while the switches let it. Unit: A.
  var asked = 0.0
  var now: Int64 = 0

  init() throws {
    let configuration = try #require(
      try BQ76920.Configuration(
        cellCount: 4,
        shunt: Shunt(resistance: .microohms(5_000), maximumCurrent: .milliamperes(20_000)),
        overvoltage: .millivolts(4_300), undervoltage: .millivolts(1_900),
        overcurrent: .milliamperes(7_500), shortCircuit: .milliamperes(18_000)))
    let thermistor = try #require(
      Thermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000))
    try bus.attach(chip)
    chip.boot()
    firmware = Firmware(
      FirmwareConfiguration(
        monitor: .bq76920(
          StackMonitor(BQ76920(configuration: configuration), thermistor: thermistor)),
        thermometer: .monitor, currentRange: .milliamperes(20_000),
        protection: ProtectionTable(
          lowerCutoff: .millivolts(2_000), upperCutoff: .millivolts(4_200),
          chargeLimit: .milliamperes(3_000), dischargeLimit: .milliamperes(6_000)),
        seriesCells: 4),
      estimator: StateEstimator(
        profile: .sample(), stateOfCharge: .partsPerMillion(500_000), deviation: 300_000),
      bus: bus, chargeSwitch: EmulatedLine(), dischargeSwitch: EmulatedLine())
  }

  var switches: [Bool] { [chip.isChargeOn, chip.isDischargeOn] }

  func live(_ microseconds: Int64) {
    now += microseconds
    let flows = asked < 0 ? chip.isDischargeOn : chip.isChargeOn
    let amperes = flows ? asked : 0
    var seen = inputs
    seen.shuntVolts = amperes * 0.005
    // 10 mΩ a cell.
    for cell in [0, 1, 2, 4] { seen.cellVolts[cell] += amperes * 0.01 }
    chip.advance(toMicroseconds: now, seen)
  }

  /// Ticks every 100 ms for a while.
  @discardableResult
  func tick(seconds: Double = 0.1) -> Report {
    var report: Report
    var left = Int64((seconds * 10).rounded())
    repeat {
      live(100_000)
      report = firmware.tick(at: .microseconds(now))
      left -= 1
    } while left > 0
    return report
  }
}

@Suite struct StackFirmwareTests {
  /// Nothing is on before everything was measured once; then the mean of the cells is the cell.
  @Test func bringUp() throws {
    let bench = try Bench()
    bench.inputs.cellVolts = [3.0, 3.1, 3.2, 0, 3.3]
    #expect(!bench.tick(seconds: 2).allowsCharge)
    #expect(bench.switches == [false, false])
    bench.asked = -1
    let report = bench.tick(seconds: 2)
    #expect(bench.switches == [true, true])
    #expect(report.protections == [])
    let measured = report.measurement
    // Half a step of 377 µV, of 8.44 µV over 5 mΩ, and of 382 µV of the thermistor.
    #expect(abs(try #require(measured.voltage).microvolts - 3_140_000) <= 189)
    #expect(abs(try #require(measured.current).microamperes + 1_000_000) <= 844)
    #expect(abs(try #require(measured.temperature).millidegreesCelsius - 25_000) <= 50)
    #expect(bench.firmware.busFaults == BusFaultCounts())
  }

  /// One cell is enough, though the mean is far from its limits: 4.25 V for half a second, 2.0 V for two.
  @Test(arguments: [(4.26, 0.8, Protection.overVoltage), (1.99, 2.5, .underVoltage)])
  func oneCellIsEnough(volts: Double, seconds: Double, protection: Protection) throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    bench.inputs.cellVolts[2] = volts
    let report = bench.tick(seconds: seconds)
    #expect(report.protections == ProtectionSet(protection))
    #expect(bench.switches == (protection == .overVoltage ? [false, true] : [true, false]))
    #expect(abs(try #require(report.measurement.voltage).microvolts - 3_100_000) < 400_000)
    bench.inputs.cellVolts[2] = 3.1
    #expect(bench.tick(seconds: 2).protections == [])
    #expect(bench.switches == [true, true])
  }

  /// What the chip opens by itself is a protection of the firmware's, and closed again with its end.
  @Test func aShortCircuit() throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    for trip in 1...3 {
      bench.asked = -50
      bench.live(1_000)
      #expect(bench.switches == [true, false], "the chip needs no firmware")
      bench.asked = 0
      let report = bench.tick()
      #expect(report.tripped == ProtectionSet(.overCurrentDischarge))
      #expect(!report.allowsDischarge)
      #expect(!bench.tick(seconds: 29).allowsDischarge)
      #expect(bench.tick(seconds: 2).allowsDischarge == (trip < 3), "trip \(trip)")
      #expect(bench.switches == [true, trip < 3])
    }
    // Three within an hour need a person.
    #expect(!bench.tick(seconds: 600).allowsDischarge)
    bench.firmware.clear(.overCurrentDischarge)
    #expect(bench.tick(seconds: 1).allowsDischarge)
    #expect(bench.switches == [true, true])
  }

  /// The chip acts where the firmware cannot: no tick comes while a cell goes beyond its second limit.
  @Test(arguments: [(4.31, Protection.overVoltage), (1.88, .underVoltage)])
  func theSecondLimit(volts: Double, protection: Protection) throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    bench.inputs.cellVolts[0] = volts
    for _ in 0..<8 { bench.live(250_000) }
    #expect(bench.switches == (protection == .overVoltage ? [false, true] : [true, false]))
    bench.inputs.cellVolts[0] = 3.1
    bench.live(250_000)
    #expect(bench.tick().tripped == ProtectionSet(protection))
    #expect(bench.tick(seconds: 2).protections == [])
    #expect(bench.switches == [true, true])
  }

  /// A fault inside the chip opens both, and is given 3 s before it is cleared.
  @Test func aFaultInside() throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    bench.chip.failInside()
    #expect(bench.switches == [false, false])
    #expect(bench.tick().tripped == ProtectionSet(.sensorImplausible))
    bench.tick(seconds: 2.7)
    #expect(bench.switches == [false, false])
    bench.tick(seconds: 0.5)
    #expect(bench.switches == [true, true])
  }

  /// A chip that lost its configuration is configured anew, its own protection first; until then both of
  /// its switches are off.
  @Test func aReset() throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    bench.chip.powerCycle()
    bench.chip.boot()
    #expect(bench.switches == [false, false])
    bench.tick()
    #expect(bench.switches == [false, false])
    let report = bench.tick(seconds: 5)
    #expect(bench.switches == [true, true])
    #expect(report.protections == [])
    #expect(report.measurement.voltage != nil)
    #expect(bench.firmware.busFaults.lostConfiguration >= 1)
  }

  /// A stop reaches the chip without another tick, even one that does not answer the firmware's reads.
  @Test(arguments: [false, true]) func aStop(whileLost: Bool) throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    if whileLost {
      bench.chip.isWired = false
      bench.tick(seconds: 1)
      bench.chip.isWired = true
      #expect(bench.switches == [true, true])
    }
    bench.firmware.stop()
    #expect(bench.switches == [false, false])
    bench.tick(seconds: 5)
    #expect(bench.switches == [false, false])
  }

  /// A transfer of the switches that fails is tried again with the next tick, whichever it is.
  @Test(arguments: 1...12) func aLostTransfer(nth: Int) throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    bench.inputs.cellVolts[2] = 4.26
    bench.tick(seconds: 0.4)
    bench.chip.isWired = false
    bench.tick(seconds: 0.1 * Double(nth % 3 + 1))
    bench.chip.isWired = true
    bench.tick(seconds: 4)
    #expect(bench.switches[0] == false)
  }

  /// A program that died left the switches on: whoever comes next turns them off.
  @Test func turnOff() throws {
    let bench = try Bench()
    bench.tick(seconds: 5)
    var bus = bench.bus
    try BQ76920.turnOff(on: &bus)
    #expect(bench.switches == [false, false])
  }
}

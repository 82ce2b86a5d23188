// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Quantities
import Testing

/// Sensors that answer with what cannot be, and sensors that do not answer.
@Suite struct SensorFaultTests {
  /// Ticks until a protection begins; nil if it does not.
  private func ticksToTrip(
    _ bench: Bench, _ protection: Protection, within limit: Int
  ) -> Int? {
    for tick in 0..<limit where bench.tick().protections.contains(protection) { return tick }
    return nil
  }

  /// A broken board: what it shows and why it is not believed.
  struct Broken: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var set = SensorSet.ina228TMP117
    var reason: Implausibility
    var show: @Sendable (TestBoard) -> Void
    /// The last state that is still believed.
    var nearly: (@Sendable (TestBoard) -> Void)?
  }

  static let broken: [Broken] = [
    Broken(
      testDescription: "voltage below the window", reason: .voltageOutOfRange,
      show: { $0.microvolts = 1_496_875 }, nearly: { $0.microvolts = 1_500_000 }),
    Broken(
      testDescription: "voltage above the window", reason: .voltageOutOfRange,
      show: { $0.microvolts = 4_603_125 }, nearly: { $0.microvolts = 4_596_875 }),
    Broken(
      testDescription: "charging current at the rail", reason: .currentSaturated,
      show: { $0.microamperes = 6_250_000 }, nearly: { $0.microamperes = 6_249_975 }),
    Broken(
      testDescription: "discharging current at the rail", reason: .currentSaturated,
      show: { $0.microamperes = -6_250_000 }, nearly: { $0.microamperes = -6_249_975 }),
    Broken(
      testDescription: "temperature above its range", reason: .temperatureOutOfRange,
      show: { $0.millidegrees = 120_125 }, nearly: { $0.millidegrees = 120_000 }),
    Broken(
      testDescription: "temperature below its range", reason: .temperatureOutOfRange,
      show: { $0.millidegrees = -50_125 }, nearly: { $0.millidegrees = -50_000 }),
    Broken(
      testDescription: "zero dropout", reason: .zeroDropout,
      show: {
        $0.microvolts = 0
        $0.microamperes = 0
        $0.dithers = false
      }),
    Broken(
      testDescription: "two voltages that disagree", set: .ina226ADS1115,
      reason: .voltagesDisagree, show: { $0.secondMicrovolts = 2_600_000 },
      nearly: { $0.secondMicrovolts = 2_750_000 }),
  ]

  /// What cannot be is left out and said at once; after five seconds both directions stop; a second
  /// after it has healed they are allowed again. The last plausible value is believed for good.
  @Test(arguments: broken)
  func implausibleReadingsStopBothDirections(fault: Broken) throws {
    var table = ProtectionTable.sample
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let other = Protection(rawValue: raw), other != .sensorLost,
        other != .sensorImplausible
      else { continue }
      table[other].delay = .max  // only the sensors are on trial
    }
    let bench = try Bench(fault.set, table: table)
    bench.board.dithers = true
    _ = bench.bringUp()
    if let nearly = fault.nearly {
      nearly(bench.board)
      for _ in 0..<60 {
        let report = bench.tick()
        #expect(report.implausibility == [] && report.protections == [])
      }
    }
    fault.show(bench.board)
    // The ADS1115 looks at the cell every third tick.
    let lateness = fault.reason == .voltagesDisagree ? 3 : 0
    var report = bench.tick()
    for _ in 0..<lateness { report = bench.tick() }
    #expect(report.implausibility == fault.reason)
    switch fault.reason {
    case .voltageOutOfRange: #expect(report.measurement.voltage == nil)
    case .currentSaturated: #expect(report.measurement.current == nil)
    case .temperatureOutOfRange: #expect(report.measurement.temperature == nil)
    case .zeroDropout:
      #expect(report.measurement.voltage == nil && report.measurement.current == nil)
    default: break
    }
    let ticks = try #require(ticksToTrip(bench, .sensorImplausible, within: 200))
    #expect((49 - lateness...49).contains(ticks))
    #expect(!bench.chargeSwitch.isOn && !bench.dischargeSwitch.isOn)
    bench.board.microvolts = 3_200_000
    bench.board.microamperes = 0
    bench.board.millidegrees = 25_000
    bench.board.secondMicrovolts = nil
    bench.board.dithers = true
    var healing = 0
    while bench.tick().protections.contains(.sensorImplausible), healing < 100 { healing += 1 }
    #expect((10...10 + lateness).contains(healing))
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
  }

  /// A voltage that stands still while the current swings is a frozen converter.
  @Test func aStuckVoltageCodeIsNotBelieved() throws {
    let bench = try Bench()
    _ = bench.bringUp()
    var first: Int?
    for tick in 0..<100 {
      // C/5 of 1.5 Ah is 0.3 A; the swing must be larger.
      bench.board.microamperes = tick % 2 == 0 ? 0 : 300_025
      let report = bench.tick()
      if report.implausibility == .voltageFrozen {
        #expect(report.measurement.voltage == nil)
        first = first ?? tick
      }
    }
    #expect(first == 4 || first == 3, "five equal readings: \(String(describing: first))")
    #expect(bench.tick().protections.contains(.sensorImplausible))
    bench.board.dithers = true
    for _ in 0..<12 { bench.tick() }
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
  }

  /// The same voltage at rest, or while the current moves by no more than C/5, is a quiet cell.
  @Test func aQuietCellIsNotFrozen() throws {
    let bench = try Bench()
    _ = bench.bringUp()
    for tick in 0..<100 {
      bench.board.microamperes = tick % 2 == 0 ? 0 : 300_000
      #expect(bench.tick().implausibility == [], "tick \(tick)")
    }
  }

  /// A lost sensor stops both directions after five seconds, and a second after its return allows
  /// them again.
  @Test(arguments: SensorSet.allCases, [UInt8(0x40), 0x48])
  func aLostSensorStopsBothDirections(set: SensorSet, address: UInt8) throws {
    if address == 0x48, set == .ina228Alone || set == .ina226Alone { return }
    let bench = try Bench(set)
    _ = bench.bringUp()
    bench.board.silent = [address]
    #expect(ticksToTrip(bench, .sensorLost, within: 200) == 50)
    #expect(!bench.chargeSwitch.isOn && !bench.dischargeSwitch.isOn)
    for _ in 0..<100 { bench.tick() }
    #expect(!bench.chargeSwitch.isOn && !bench.dischargeSwitch.isOn)
    bench.board.silent = []
    var healing = 0
    while bench.tick().protections.contains(.sensorLost), healing < 100 { healing += 1 }
    #expect(healing == (address == 0x48 && set == .ina226ADS1115 ? 14 : 12))
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
  }

  /// An implausible sensor that also fails to answer now and then is still implausible.
  @Test func missingReadingsDoNotClearAnImplausibleSensor() throws {
    let bench = try Bench()
    bench.board.dithers = true
    _ = bench.bringUp()
    bench.board.microvolts = 4_900_000
    var report = bench.tick()
    for tick in 0..<60 {
      bench.board.silent = tick % 10 == 9 ? [0x40] : []
      report = bench.tick()
    }
    #expect(report.protections.contains(.sensorImplausible))
    // Silence afterwards proves nothing either.
    bench.board.silent = [0x40]
    for _ in 0..<30 { report = bench.tick() }
    #expect(report.protections.contains(.sensorImplausible))
  }

  @Test func aBrokenThermistorWireIsALostSensor() throws {
    let bench = try Bench(.ina226ADS1115)
    _ = bench.bringUp()
    bench.board.thermistorIsOpen = true
    let ticks = try #require(ticksToTrip(bench, .sensorLost, within: 200))
    #expect((50...53).contains(ticks))
    bench.board.thermistorIsOpen = false
    for _ in 0..<20 { bench.tick() }
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
  }

  /// Without a thermometer the estimate says that its temperature is stale.
  @Test func withoutAThermometerTheTemperatureIsStale() throws {
    let bench = try Bench(.ina228Alone)
    #expect(bench.bringUp().estimate.conditions.contains(.temperatureStale))
    let other = try Bench(.ina228TMP117)
    #expect(!other.bringUp().estimate.conditions.contains(.temperatureStale))
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Quantities
import TestSupport
import Testing

@Suite struct BringUpTests {
  /// Both switches are told to open at once, and stay open until everything was read once.
  @Test(arguments: SensorSet.allCases)
  func noOutputBeforeTheFirstCompleteMeasurement(set: SensorSet) throws {
    let bench = try Bench(set)
    #expect(bench.chargeSwitch.orders == [false])
    #expect(bench.dischargeSwitch.orders == [false])
    let hasThermometer = set != .ina228Alone && set != .ina226Alone
    var ticks = 0
    while !bench.chargeSwitch.isOn, ticks < 20 {
      let report = bench.tick()
      ticks += 1
      let seen = report.measurement
      let isComplete =
        seen.current != nil && seen.voltage != nil && (seen.temperature != nil) == hasThermometer
      #expect(bench.chargeSwitch.isOn == isComplete, "tick \(ticks)")
      #expect(bench.dischargeSwitch.isOn == isComplete, "tick \(ticks)")
      #expect(report.allowsCharge == isComplete)
      #expect(report.allowsDischarge == isComplete)
    }
    // Reset, configure, read; the ADS1115 needs three conversions.
    #expect(ticks == (set == .ina226ADS1115 ? 5 : 3))
    #expect(bench.firmware.busFaults == BusFaultCounts())
  }

  @Test(arguments: SensorSet.allCases, [UInt8(0x40), 0x48])
  func aChipThatIsNotThereKeepsTheOutputsOff(set: SensorSet, address: UInt8) throws {
    if address == 0x48, set == .ina228Alone || set == .ina226Alone { return }
    let bench = try Bench(set)
    bench.board.silent = [address]
    var report = bench.tick()
    for _ in 0..<100 { report = bench.tick() }
    #expect(!bench.chargeSwitch.orders.contains(true))
    #expect(!bench.dischargeSwitch.orders.contains(true))
    #expect(report.protections.contains(.sensorLost))
    bench.board.silent = []
    #expect(bench.bringUp().protections.contains(.sensorLost), "it ends only after a second")
    for _ in 0..<20 { report = bench.tick() }
    #expect(report.protections == [])
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
  }

  /// What is read at the start but cannot be true is no measurement.
  @Test(arguments: [Int32(0), 1_400_000, 4_700_000])
  func anImplausibleStartKeepsTheOutputsOff(microvolts: Int32) throws {
    let bench = try Bench()
    bench.board.microvolts = microvolts
    for _ in 0..<100 { bench.tick() }
    #expect(!bench.chargeSwitch.orders.contains(true))
    #expect(!bench.dischargeSwitch.orders.contains(true))
  }

  @Test func aBrokenThermistorWireKeepsTheOutputsOff() throws {
    let bench = try Bench(.ina226ADS1115)
    bench.board.thermistorIsOpen = true
    var report = bench.tick()
    for _ in 0..<100 { report = bench.tick() }
    #expect(report.measurement.temperature == nil)
    #expect(!bench.chargeSwitch.orders.contains(true))
    #expect(report.protections.contains(.sensorLost))
  }

  /// A TMP117 with a result every half second is healthy at ten ticks a second.
  @Test func aSlowChipIsNotStartedAnewBetweenItsResults() throws {
    let bench = try Bench()
    _ = bench.bringUp()
    var missing = 0
    for tick in 0..<200 {
      bench.board.unready = tick % 5 == 4 ? [] : [0x48]
      let report = bench.tick()
      missing = report.measurement.temperature == nil ? missing + 1 : 0
      #expect(missing < 5, "tick \(tick)")
      #expect(report.protections == [], "tick \(tick)")
    }
  }

  /// A chip that answers but never finishes a conversion hangs: it is started anew, and stops both
  /// directions as a lost one does, 1.5 s later.
  @Test(arguments: SensorSet.allCases, [UInt8(0x40), 0x48])
  func aChipThatStopsConvertingIsLost(set: SensorSet, address: UInt8) throws {
    if address == 0x48, set == .ina228Alone || set == .ina226Alone { return }
    let bench = try Bench(set)
    _ = bench.bringUp()
    bench.board.unready = [address]
    var ticks = 0
    while !bench.tick().protections.contains(.sensorLost), ticks < 200 { ticks += 1 }
    #expect((50...66).contains(ticks))
    for _ in 0..<100 { #expect(bench.tick().protections.contains(.sensorLost)) }
    #expect(!bench.chargeSwitch.isOn && !bench.dischargeSwitch.isOn)
    bench.board.unready = []
    for _ in 0..<30 { bench.tick() }
    #expect(bench.chargeSwitch.isOn && bench.dischargeSwitch.isOn)
    #expect(bench.firmware.busFaults.lostConfiguration == 0, "it was reset by order")
  }

  /// Damaged tables would be believed; the programmer's error traps, in every build.
  @Test func aDamagedProfileTraps() async {
    await #expect(processExitsWith: .failure) {
      var profile = CellProfile.sample()
      profile.series[7] += 1
      _ = Firmware(
        try FirmwareConfiguration.sample(.ina228TMP117),
        estimator: StateEstimator.sample(profile: profile),
        bus: TestBoard(.ina228TMP117), chargeSwitch: TestSwitch(), dischargeSwitch: TestSwitch())
    }
  }

  /// The same with intact tables ends well: it is the damage that traps.
  @Test func anIntactProfileDoesNotTrap() async {
    await #expect(processExitsWith: .success) {
      _ = Firmware(
        try FirmwareConfiguration.sample(.ina228TMP117), estimator: StateEstimator.sample(),
        bus: TestBoard(.ina228TMP117), chargeSwitch: TestSwitch(), dischargeSwitch: TestSwitch())
    }
  }
}

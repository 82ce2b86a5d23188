// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import CellSimulation
import ChipDrivers
import ChipEmulators
import Firmware
import Quantities
import Simulation
import Testing

/// A load's capacitors are filled through a resistor before the discharge switch closes.
@Suite struct PrechargeTests {
  private static let profile = Result { try ProfileMaker.profile(for: TestCells.circuit) }
  private static let path = BoardPrecharge(
    line: BoardLine(name: "P"), ohms: 100, loadFarads: 0.001)

  private static func board(_ precharge: BoardPrecharge?) -> BoardDescription {
    var chips = [
      BoardChip(
        kind: .ina228, address: 0x40, roles: .monitor, shuntOhms: 0.015, rangeAmperes: 5),
      BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer),
    ]
    if precharge != nil {
      chips.append(
        BoardChip(
          kind: .ina226, address: 0x41, roles: .loadVoltage, shuntOhms: 0.01, rangeAmperes: 5))
    }
    return BoardDescription(
      name: "test", source: "assumed", cell: "circuit", bus: BoardBus(device: nil), chips: chips,
      chargeSwitch: BoardLine(name: "C"), dischargeSwitch: BoardLine(name: "D"),
      precharge: precharge, limits: BoardLimits(chargeAmperes: 2, dischargeAmperes: 3))
  }

  /// A board with its firmware.
  private final class Bench {
    private var board: EmulatedBoard
    var firmware:
      Firmware<
        EmulatedI2CBus, EmulatedLine, PrechargedSwitch<EmulatedLine, EmulatedLine>, NoMemory,
        StateEstimator
      >
    let period: Int64
    var now: Int64 = 0

    init(
      _ precharge: BoardPrecharge? = PrechargeTests.path, load: LoadCapacitor, period: Int64
    ) throws {
      var setup = EmulationSetup(cell: TestCells.circuit, seed: 1)
      setup.load = load
      let description = PrechargeTests.board(precharge)
      let board = try EmulatedBoard(description, setup)
      firmware = Firmware(
        try description.firmwareConfiguration(cell: TestCells.circuit),
        estimator: StateEstimator(
          profile: try PrechargeTests.profile.get(), stateOfCharge: .partsPerMillion(600_000)),
        bus: board.bus, chargeSwitch: board.chargeSwitch, dischargeSwitch: board.dischargeOutput)
      self.board = board
      self.period = period
    }

    /// The load's capacitors as they are.
    var filled: LoadCapacitor? { board.load }
    /// Whether neither the switch nor the path is on.
    var isOpen: Bool { !board.prechargeSwitch.isActive && !board.dischargeSwitch.isActive }

    func setPresent(_ isPresent: Bool, chipAt address: UInt8) -> Bool {
      board.setPresent(isPresent, chipAt: address)
    }

    func tick() -> Report {
      now += period
      board.advance(to: now)
      let report = firmware.tick(at: .microseconds(now))
      let (path, main) = (board.prechargeSwitch.isActive, board.dischargeSwitch.isActive)
      #expect(!(path && main))
      #expect(report.isPrecharging == path && report.allowsDischarge == main)
      return report
    }

    /// Ticks until something holds; the seconds that took.
    func seconds(atMost limit: Double, until holds: (Report) -> Bool) -> Double? {
      let start = now
      while Double(now - start) * 1e-6 < limit {
        if holds(tick()) { return Double(now - start) * 1e-6 }
      }
      return nil
    }
  }

  private static let load = LoadCapacitor(farads: 0.001, pathOhms: 100)

  /// 3.3 V over 100 Ω are 33 mA; over the switch's 20 mΩ they are 165 A.
  @Test(arguments: [100_000, 1_000_000] as [Int64]) func theInrushIsAvoided(period: Int64) throws {
    let bench = try Bench(load: Self.load, period: period)
    let filling = bench.seconds(atMost: 20) { $0.isPrecharging }
    #expect(filling != nil)
    // Within 5 % after 3 R·C, which are 0.3 s; the voltmeter and the tick come on top.
    let closed = try #require(bench.seconds(atMost: 2) { $0.allowsDischarge })
    #expect(closed <= 2 * Double(period) * 1e-6 + 0.4)
    for _ in 0..<10 { #expect(bench.tick().protections == []) }
    let filled = try #require(bench.filled)
    // What is left, 5 % of 3.3 V, still goes through the switch: 8 A for microseconds.
    #expect(filled.largestAmperes < 0.06 * 3.5 / 0.02)
    let without = try Bench(nil, load: Self.load, period: period)
    #expect(without.seconds(atMost: 20) { $0.allowsDischarge } != nil)
    _ = without.tick()
    let struck = try #require(without.filled)
    #expect(struck.largestAmperes > 150)
  }

  /// A path that is broken: three tries, and then only somebody who clears it gets another one.
  @Test(arguments: [100_000, 1_000_000] as [Int64]) func aLoadThatStaysEmptyLatches(
    period: Int64
  ) throws {
    let bench = try Bench(
      load: LoadCapacitor(farads: 0.001, pathOhms: nil), period: period)
    var trips = 0
    var open: Double?
    for _ in 0..<Int(60_000_000 / period) {
      let report = bench.tick()
      #expect(!report.allowsDischarge)
      if report.tripped.contains(.prechargeFailed) {
        trips += 1
        open = Double(bench.now) * 1e-6
      }
    }
    #expect(trips == 3)
    let opened = try #require(open)
    #expect(opened < 20)
    let report = bench.tick()
    #expect(report.protections == ProtectionSet(.prechargeFailed))
    #expect(report.allowsCharge && !report.isPrecharging)
    bench.firmware.clear(.prechargeFailed)
    #expect(bench.seconds(atMost: 3) { $0.isPrecharging } != nil)
    // Of the three tries one had to be waited for in full.
    #expect(bench.seconds(atMost: 5) { $0.tripped.contains(.prechargeFailed) } != nil)
  }

  /// Without a voltage of the load nothing is assumed of it.
  @Test func aVoltmeterThatIsSilentClosesNothing() throws {
    let bench = try Bench(load: Self.load, period: 100_000)
    #expect(bench.setPresent(false, chipAt: 0x41))
    #expect(bench.seconds(atMost: 30) { $0.allowsDischarge } == nil)
    #expect(bench.tick().protections == ProtectionSet(.prechargeFailed))
    #expect(bench.setPresent(true, chipAt: 0x41))
    bench.firmware.clear(.prechargeFailed)
    #expect(bench.seconds(atMost: 5) { $0.allowsDischarge } != nil)
  }

  /// What stops discharging stops the filling, too, and so does a stop of the firmware.
  @Test func whatStopsDischargingStopsTheFilling() throws {
    let bench = try Bench(
      load: LoadCapacitor(farads: 0.01, pathOhms: 100), period: 100_000)
    #expect(bench.seconds(atMost: 20) { $0.isPrecharging } != nil)
    #expect(bench.setPresent(false, chipAt: 0x40))
    #expect(bench.seconds(atMost: 10) { $0.protections.contains(.sensorLost) } != nil)
    #expect(!bench.tick().isPrecharging)
    let other = try Bench(load: Self.load, period: 100_000)
    #expect(other.seconds(atMost: 20) { $0.isPrecharging } != nil)
    other.firmware.stop()
    #expect(other.isOpen)
    _ = other.tick()
  }
}

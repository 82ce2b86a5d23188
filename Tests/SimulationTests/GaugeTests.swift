// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import ChipEmulators
import Firmware
import Quantities
import Simulation
import Testing

/// A gauge on a board is shown beside the estimate, and nothing depends on it.
@Suite struct GaugeTests {
  private static let profile = Result { try ProfileMaker.profile(for: TestCells.circuit) }

  static let gauges: [BoardChip] = [
    BoardChip(kind: .max17048, address: 0x36, roles: .gauge),
    BoardChip(
      kind: .max17055, address: 0x36, roles: .gauge, shuntOhms: 0.01, rangeAmperes: 5),
    BoardChip(kind: .bq27441, address: 0x55, roles: .gauge),
    BoardChip(kind: .bq27427, address: 0x55, roles: .gauge),
    BoardChip(
      kind: .bq34z100, address: 0x55, roles: .gauge,
      divider: BoardDivider(upperOhms: 40_000, lowerOhms: 10_000)),
    BoardChip(kind: .smartBattery, address: 0x0B, roles: .gauge),
  ]

  private static func board(_ gauge: BoardChip?) -> BoardDescription {
    BoardDescription(
      name: "test", source: "assumed", cell: "circuit", bus: BoardBus(device: nil),
      chips: [
        BoardChip(
          kind: .ina228, address: 0x40, roles: .monitor, shuntOhms: 0.015, rangeAmperes: 10),
        BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer),
      ] + (gauge.map { [$0] } ?? []),
      chargeSwitch: BoardLine(name: "C"), dischargeSwitch: BoardLine(name: "D"),
      limits: BoardLimits(chargeAmperes: 3, dischargeAmperes: 6))
  }

  /// Half an hour at 1 A, a tick a second; the gauge is taken away after 20 minutes.
  private static func run(_ gauge: BoardChip?, away: Bool = false) throws -> [Report] {
    var setup = EmulationSetup(cell: TestCells.circuit, seed: 3)
    setup.stateOfCharge = 0.8
    let description = board(gauge)
    var board = try EmulatedBoard(description, setup)
    var firmware = Firmware(
      try description.firmwareConfiguration(cell: TestCells.circuit),
      estimator: StateEstimator(
        profile: try profile.get(), stateOfCharge: .partsPerMillion(500_000), deviation: 300_000),
      bus: board.bus, chargeSwitch: board.chargeSwitch, dischargeSwitch: board.dischargeSwitch)
    board.ask(for: .current(amperes: -1))
    return (0..<1_800).map { second in
      if away, second == 1_200, let gauge { _ = board.setPresent(false, chipAt: gauge.address) }
      board.advance(to: Int64(second) * 1_000_000)
      return firmware.tick(at: .microseconds(Int64(second) * 1_000_000))
    }
  }

  @Test(arguments: gauges) func aGaugeIsShownAndChangesNothing(_ gauge: BoardChip) throws {
    let alone = try Self.run(nil)
    let beside = try Self.run(gauge, away: true)
    #expect(alone.allSatisfy { $0.gaugeStateOfCharge == nil })
    #expect(alone.map(\.estimate) == beside.map(\.estimate))
    #expect(alone.map(\.protections) == beside.map(\.protections))
    // Within 40 s the slowest is set up.
    #expect(beside[40..<1_200].allSatisfy { $0.gaugeStateOfCharge != nil })
    #expect(beside[1_201...].allSatisfy { $0.gaugeStateOfCharge == nil })
    // It has the charge that a lithium cell at this voltage would have: far from ours.
    let shown = Double(try #require(beside[1_199].gaugeStateOfCharge).partsPerMillion) * 1e-6
    let ours = Double(beside[1_199].estimate.stateOfCharge.partsPerMillion) * 1e-6
    #expect(abs(shown - ours) > 0.15, "\(shown) \(ours)")
  }
}

/// The closed loop on boards with chips of their own.
@Suite struct BoardRigTests {
  private static func pack(_ kind: ChipKind, series: Int) -> BoardDescription {
    let isFrontEnd = kind == .bq76920
    return BoardDescription(
      name: "pack", source: "assumed", cell: "circuit", seriesCells: series,
      bus: BoardBus(device: nil),
      chips: [
        BoardChip(
          kind: kind, address: kind.addresses[0], roles: [.monitor, .thermometer],
          shuntOhms: kind == .smartBattery ? nil : 0.005, rangeAmperes: 10,
          thermistor: isFrontEnd
            ? BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000) : nil)
      ],
      chargeSwitch: isFrontEnd ? nil : BoardLine(name: "C"),
      dischargeSwitch: isFrontEnd ? nil : BoardLine(name: "D"),
      limits: BoardLimits(
        lowerVolts: kind == .smartBattery ? 2.5 : nil, chargeAmperes: 1.5, dischargeAmperes: 3))
  }

  /// Loads and chargers keep to what the firmware allows, so that nothing trips, whatever they want.
  @Test(
    arguments: [(ChipKind.bq76920, 4), (.smartBattery, 2), (.ltc2943, 4), (.ltc2959, 1)],
    [101, 102] as [UInt64])
  func aPackRunsWithinItsLimits(_ chip: (kind: ChipKind, series: Int), seed: UInt64) throws {
    var rig = try Rig(
      RigSetup(
        board: Self.pack(chip.kind, series: chip.series), cell: TestCells.circuit, seed: seed))
    var least = 0.0
    var greatest = 0.0
    var tripped: ProtectionSet = []
    var moment = rig.step()
    for _ in 0..<7_200 {
      moment = rig.step()
      least = min(least, moment.amperes)
      greatest = max(greatest, moment.amperes)
      tripped.formUnion(moment.report.tripped)
    }
    #expect(tripped == [], "\(tripped.rawValue)")
    #expect(least < -0.5 && least >= -3)
    #expect(greatest <= 1.5)
    let error =
      Double(moment.report.estimate.stateOfCharge.partsPerMillion) * 1e-6 - moment.stateOfCharge
    #expect(abs(error) < 0.1, "\(error)")
  }

  /// A board that the firmware cannot use is refused with its reason.
  @Test func aBoardThatCannotRunIsRefused() {
    let board = Self.pack(.bq76920, series: 6)
    do throws(CellError) {
      _ = try Rig(RigSetup(board: board, cell: TestCells.circuit, seed: 1))
      Issue.record("it was built")
    } catch {
      #expect("\(error)".contains("the wiring of the BQ76920 is outside what its driver takes"))
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import CellSimulation
import ChipEmulators
import Firmware
import Quantities
import Simulation
import Testing

/// A switch that says of itself what it is, and is not what it was told.
@Suite struct SwitchFeedbackTests {
  private static let description = BoardDescription(
    name: "test", source: "assumed", cell: "circuit", bus: BoardBus(device: nil),
    chips: [
      BoardChip(
        kind: .ina228, address: 0x40, roles: .monitor, shuntOhms: 0.015, rangeAmperes: 5),
      BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer),
    ],
    chargeSwitch: BoardLine(name: "C"), dischargeSwitch: BoardLine(name: "D"),
    dischargeFeedback: BoardLine(name: "F", isActiveLow: true),
    limits: BoardLimits(chargeAmperes: 2, dischargeAmperes: 3))

  /// Welded contacts are seen before any current flows through them, as soon as the switch is told to be off.
  @Test(arguments: [false, true]) func weldedContactsAreSeen(isWelded: Bool) throws {
    var board = try EmulatedBoard(
      Self.description, EmulationSetup(cell: TestCells.circuit, seed: 1))
    var firmware = Firmware(
      try Self.description.firmwareConfiguration(cell: TestCells.circuit),
      estimator: StateEstimator(
        profile: try ProfileMaker.profile(for: TestCells.circuit),
        stateOfCharge: .partsPerMillion(600_000)),
      bus: board.bus, chargeSwitch: board.chargeSwitch, dischargeSwitch: board.dischargeSwitch)
    var last: Report?
    for tick in Int64(1)...200 {
      board.advance(to: tick * 100_000)
      // At 10 s the contacts weld; at 12 s the monitor is lost, and both switches are to be off.
      if tick == 100 { board.isDischargeWelded = isWelded }
      if tick == 120 || tick == 190 {
        let isThere = board.setPresent(tick == 190, chipAt: 0x40)
        #expect(isThere)
      }
      let (charge, discharge) = board.feedback
      #expect(charge == nil)
      let level = board.level(of: .dischargeFeedback)
      guard let isOn = discharge else {
        Issue.record("no feedback")
        return
      }
      #expect(level != isOn, "active low")
      firmware.setFeedback(
        charge: last?.allowsCharge ?? false, discharge: isOn)
      let report = firmware.tick(at: .microseconds(tick * 100_000))
      if tick == 119 { #expect(report.allowsDischarge && report.protections == []) }
      last = report
    }
    #expect(last?.protections.contains(.switchDisagrees) == isWelded)
  }
}

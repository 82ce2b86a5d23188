// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import ChipEmulators
import Firmware
import Quantities
import Simulation
import Testing

/// The firmware on emulated boards: every chip in every role it can play.
@Suite struct BoardFirmwareTests {
  private static let profile = Result { try ProfileMaker.profile(for: TestCells.circuit) }

  /// A board with a monitor, and a thermometer of its own or none.
  private static func board(
    _ monitor: BoardChip, _ thermometer: BoardChip? = nil, series: Int = 1
  ) -> BoardDescription {
    BoardDescription(
      name: "test", source: "assumed", cell: "circuit", seriesCells: series,
      bus: BoardBus(device: nil), chips: [monitor] + (thermometer.map { [$0] } ?? []),
      chargeSwitch: monitor.kind.hasSwitches ? nil : BoardLine(name: "C"),
      dischargeSwitch: monitor.kind.hasSwitches ? nil : BoardLine(name: "D"),
      limits: BoardLimits(
        lowerVolts: monitor.kind.volts(cells: series).map {
          max($0.lowerBound / Double(series), 2)
        },
        chargeAmperes: 2, dischargeAmperes: 3))
  }

  private static func shunt(_ kind: ChipKind, _ ohms: Double) -> BoardChip {
    BoardChip(
      kind: kind, address: 0x40, roles: .monitor, shuntOhms: ohms, rangeAmperes: 5)
  }

  private static let thermometers: [BoardChip] = [
    BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer),
    BoardChip(kind: .tmp102, address: 0x49, roles: .thermometer),
    BoardChip(
      kind: .ads1115, address: 0x4A, roles: [.thermometer, .secondVoltage],
      divider: BoardDivider(upperOhms: 10_000, lowerOhms: 20_000),
      thermistor: BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000)),
  ]

  private static let boards: [BoardDescription] = [
    board(shunt(.ina228, 0.015), thermometers[0]), board(shunt(.ina226, 0.01), thermometers[1]),
    board(shunt(.ina219, 0.05), thermometers[2]),
    board(
      BoardChip(
        kind: .bq27441, address: 0x55, roles: [.monitor, .thermometer], rangeAmperes: 5)),
    board(
      BoardChip(
        kind: .bq27427, address: 0x55, roles: [.monitor, .thermometer], rangeAmperes: 5)),
    board(
      BoardChip(
        kind: .max17048, address: 0x36, roles: .monitor, assumedAmperes: -1)),
    board(shunt(.ina219, 0.05), series: 2),
    board(shunt(.ina226, 0.01), series: 3),
    board(stack([.monitor, .thermometer], thermometer: true), series: 4),
    board(stack(.monitor), thermometers[0], series: 3), board(stack(.monitor), series: 5),
    board(
      BoardChip(
        kind: .smartBattery, address: 0x0B, roles: [.monitor, .thermometer], rangeAmperes: 5),
      series: 2),
    board(
      BoardChip(
        kind: .bq34z100, address: 0x55, roles: [.monitor, .thermometer], rangeAmperes: 5,
        divider: BoardDivider(upperOhms: 190_000, lowerOhms: 10_000)), series: 4),
    board(counter(.ltc2943), series: 4), board(counter(.ltc2944), series: 8),
    board(counter(.ltc2959)),
  ]

  private static func stack(_ roles: ChipRoles, thermometer: Bool = false) -> BoardChip {
    BoardChip(
      kind: .bq76920, address: 0x08, roles: roles, shuntOhms: 0.005, rangeAmperes: 20,
      thermistor: thermometer
        ? BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000) : nil)
  }

  private static func counter(_ kind: ChipKind) -> BoardChip {
    BoardChip(
      kind: kind, address: kind.addresses[0], roles: [.monitor, .thermometer], shuntOhms: 0.01,
      rangeAmperes: 5)
  }

  /// A run of 20 minutes at 1 A from 80 %; the firmware thinks 50 % at first.
  private struct Run {
    var report: Report
    var truth: CellTruth
    var faults: BusFaultCounts
  }

  private static func run(
    _ description: BoardDescription, period: Int64 = 500_000, seconds: Int64 = 1_200,
    before: (inout EmulatedBoard, Int64) -> Void = { _, _ in }
  ) throws -> Run {
    var setup = EmulationSetup(cell: TestCells.circuit, seed: 1)
    setup.stateOfCharge = 0.8
    setup.mismatch = 0
    var board = try EmulatedBoard(description, setup)
    let profile = try Self.profile.get()
    var firmware = Firmware(
      try description.firmwareConfiguration(cell: TestCells.circuit),
      estimator: StateEstimator(profile: profile, stateOfCharge: .partsPerMillion(500_000)),
      bus: board.bus, chargeSwitch: board.chargeSwitch, dischargeSwitch: board.dischargeSwitch)
    board.ask(for: .current(amperes: -1))
    var report = firmware.tick(at: .microseconds(0))
    for tick in 1...(seconds * 1_000_000 / period) {
      before(&board, tick)
      board.advance(to: tick * period)
      report = firmware.tick(at: .microseconds(tick * period))
    }
    return Run(report: report, truth: board.truth, faults: firmware.busFaults)
  }

  @Test(arguments: boards) func theFirmwareRunsOnEveryBoard(
    _ description: BoardDescription
  ) throws {
    let run = try Self.run(description)
    let monitor = try #require(description.chip(.monitor))
    #expect(run.report.allowsDischarge)
    #expect(run.report.protections == [])
    #expect(run.truth.amperes == -1)
    // 2 mV of the board and a few of each chip's; the INA219's step is 4 mV.
    let volts = Double(try #require(run.report.measurement.voltage).microvolts) * 1e-6
    #expect(abs(volts - run.truth.volts) < 0.03, "\(volts) \(run.truth.volts)")
    let amperes = Double(try #require(run.report.measurement.current).microamperes) * 1e-6
    #expect(abs(amperes + 1) < 0.03, "\(amperes)")
    let stateOfCharge = Double(run.report.estimate.stateOfCharge.partsPerMillion) * 1e-6
    #expect(
      abs(stateOfCharge - run.truth.stateOfCharge) < (monitor.kind.lacksCurrent ? 0.1 : 0.05),
      "\(monitor.kind.rawValue): \(stateOfCharge) \(run.truth.stateOfCharge)")
    if description.chip(.thermometer) != nil {
      let celsius = Double(try #require(run.report.measurement.temperature).millidegreesCelsius)
      #expect(abs(celsius * 1e-3 - run.truth.celsius) < 3)
    } else {
      #expect(run.report.measurement.temperature == nil)
    }
  }

  /// A chip that goes and comes back is brought up again; while it is away the switches open.
  @Test(arguments: boards) func aMonitorThatGoesOpensTheSwitches(
    _ description: BoardDescription
  ) throws {
    let address = description.chips[0].address
    let away = try Self.run(description, seconds: 60) { board, tick in
      if tick == 80 { _ = board.setPresent(false, chipAt: address) }
    }
    #expect(!away.report.allowsDischarge)
    #expect(away.report.protections.contains(.sensorLost))
    #expect(away.report.measurement.voltage == nil)
    #expect(away.report.measurement.current == nil)
    #expect(away.truth.amperes == 0)
    let back = try Self.run(description, seconds: 60) { board, tick in
      if tick == 40 { _ = board.setPresent(false, chipAt: address) }
      if tick == 70 { _ = board.setPresent(true, chipAt: address) }
    }
    #expect(back.report.allowsDischarge)
    #expect(back.report.protections == [])
    #expect(back.truth.amperes == -1)
  }

  /// A gauge that lost its supply for a moment is configured anew.
  @Test(arguments: boards) func aBrownOutIsRecovered(_ description: BoardDescription) throws {
    let run = try Self.run(description, seconds: 60) { board, tick in
      if tick == 60 { _ = board.powerCycle(chipAt: description.chips[0].address) }
    }
    #expect(run.report.allowsDischarge)
    #expect(run.report.measurement.voltage != nil)
    // The BQ34Z100 keeps what it was told in its flash.
    #expect(run.faults.lostConfiguration >= (description.chips[0].kind == .bq34z100 ? 0 : 1))
  }

  @Test func whatTheFirmwareCannotUseIsRefused() throws {
    func refusal(_ description: BoardDescription) -> BoardUnsupported? {
      do throws(BoardUnsupported) {
        _ = try description.firmwareConfiguration(cell: TestCells.circuit)
        return nil
      } catch { return error }
    }
    // The chip takes three to five cells; a thermometer is no monitor.
    #expect(refusal(Self.board(Self.stack(.monitor), series: 6)) == .wiring(.bq76920))
    #expect(
      refusal(Self.board(BoardChip(kind: .tmp117, address: 0x48, roles: .monitor)))
        == .chip(.tmp117, role: "monitor"))
    #expect(refusal(Self.board(Self.shunt(.ina228, 0.5))) == .wiring(.ina228))
    #expect(
      refusal(Self.board(BoardChip(kind: .ds3231, address: 0x68, roles: .clock))) == .noMonitor)
  }
}

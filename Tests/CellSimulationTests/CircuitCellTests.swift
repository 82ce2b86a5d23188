// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Foundation
import Testing

@Suite struct CircuitCellTests {
  @Test func pulseAndRelaxationAreExponential() throws {
    var cell = try Cell(TestCells.circuit, stateOfCharge: 0.5)
    let rest = cell.terminalVolts
    cell.step(.current(amperes: -1), seconds: 0)
    #expect((cell.terminalVolts - rest + 0.03).magnitude < 1e-9)
    cell.step(.current(amperes: -1), seconds: 2)
    let turnover = 2.0 / 5400
    let expected =
      rest - turnover * 0.5 / 0.7 - 0.03 - 0.02 * (1 - exp(-0.2)) - 0.01 * (1 - exp(-0.01))
      - 0.02 * (1 - exp(-50 * turnover))
    // The circuit warms by a few mK: 1e-5 of 50 mV.
    #expect((cell.terminalVolts - expected).magnitude < 2e-6)
  }

  @Test func voltageAndPowerAreHeld() throws {
    var cell = try Cell(TestCells.circuit, stateOfCharge: 0.5)
    for _ in 0..<5 {
      cell.step(.voltage(volts: 3.4), seconds: 1)
      #expect((cell.terminalVolts - 3.4).magnitude < 1e-8)
    }
    for _ in 0..<5 {
      cell.step(.power(watts: -6), seconds: 1)
      #expect((cell.terminalVolts * cell.currentAmperes + 6).magnitude < 1e-6)
    }
    #expect(cell.step(.power(watts: -500), seconds: 1).reason == .unreachable)
  }

  @Test func chargeAndCutOffsAgree() throws {
    var cell = try Cell(TestCells.circuit, stateOfCharge: 0.5)
    let outcome = cell.step(
      .current(amperes: -0.5), seconds: 36000, until: CellLimits(lowerVolts: 2))
    #expect(outcome.reason == .lowerVolts)
    #expect((cell.terminalVolts - 2).magnitude < 1e-6)
    #expect((cell.stateOfCharge - (0.5 - 0.5 * outcome.seconds / 5400)).magnitude < 1e-9)
  }

  /// A cell whose series resistance is charge transfer.
  private static let transfer: CellDescription = {
    var cell = TestCells.circuit
    guard case .circuit(var circuit) = cell.model else { return cell }
    circuit.chargeTransferAmperes = 0.5
    cell.model = .circuit(circuit)
    return cell
  }()

  @Test(arguments: [-6, -0.5, -1e-3, -1e-5, 1e-4, 0.3, 3])
  func chargeTransferFollowsButlerAndVolmer(amperes: Double) throws {
    var cell = try Cell(Self.transfer, stateOfCharge: 0.5)
    let rest = cell.terminalVolts
    cell.step(.current(amperes: amperes), seconds: 0)
    let expected = 0.03 * 0.5 * asinh(amperes / 0.5)
    #expect((cell.terminalVolts - rest - expected).magnitude < 1e-12)
  }

  @Test func voltageAndPowerAreHeldOverChargeTransfer() throws {
    var cell = try Cell(Self.transfer, stateOfCharge: 0.5)
    for volts in [3.4, 3.1, 3.25] {
      cell.step(.voltage(volts: volts), seconds: 1)
      #expect((cell.terminalVolts - volts).magnitude < 1e-8)
    }
    cell.step(.power(watts: -6), seconds: 1)
    #expect((cell.terminalVolts * cell.currentAmperes + 6).magnitude < 1e-6)
  }

  @Test(arguments: [0, -1, .nan, .infinity])
  func aChargeTransferCurrentIsPositive(amperes: Double) throws {
    var cell = Self.transfer
    guard case .circuit(var circuit) = cell.model else { return }
    circuit.chargeTransferAmperes = amperes
    cell.model = .circuit(circuit)
    #expect(throws: CellError.self) { try Cell(cell, stateOfCharge: 0.5) }
  }
}

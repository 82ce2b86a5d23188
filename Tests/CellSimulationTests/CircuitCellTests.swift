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

  /// A cell whose surfaces run ahead by 200 A·s per ampere.
  private static let led: CellDescription = {
    var cell = TestCells.circuit
    guard case .circuit(var circuit) = cell.model else { return cell }
    circuit.surfaceLeadSeconds = 200
    cell.model = .circuit(circuit)
    return cell
  }()

  /// A long load is seen as if 200 s more of it had passed; a long rest forgets it.
  @Test(arguments: [-0.2, 0.3]) func surfacesRunAhead(amperes: Double) throws {
    guard case .circuit(let circuit) = Self.led.model else { return }
    var plain = try Cell(TestCells.circuit, stateOfCharge: 0.5)
    var cell = try Cell(Self.led, stateOfCharge: 0.5)
    plain.step(.current(amperes: amperes), seconds: 5_000)
    cell.step(.current(amperes: amperes), seconds: 5_000)
    #expect((cell.stateOfCharge - plain.stateOfCharge).magnitude < 1e-12)
    let capacity = 3_600 * TestCells.circuit.ratedCapacityAmpereHours
    let ahead = cell.stateOfCharge + 200 * amperes / capacity
    let expected =
      circuit.openCircuitVolts(ahead) - circuit.openCircuitVolts(cell.stateOfCharge)
    // The lead's heat warms the cell by 0.05 K, which takes 0.1 % from 20 mV over the resistances.
    #expect((cell.terminalVolts - plain.terminalVolts - expected).magnitude < 5e-5)
    #expect(expected.magnitude > 2e-3)
    let slowest = try #require(circuit.pairs.last).seconds
    plain.step(.current(amperes: 0), seconds: 30 * slowest)
    cell.step(.current(amperes: 0), seconds: 30 * slowest)
    #expect((cell.terminalVolts - plain.terminalVolts).magnitude < 1e-9)
  }

  @Test(arguments: [-1, .nan, .infinity]) func aLeadIsNotNegative(seconds: Double) throws {
    var cell = Self.led
    guard case .circuit(var circuit) = cell.model else { return }
    circuit.surfaceLeadSeconds = seconds
    cell.model = .circuit(circuit)
    #expect(throws: CellError.self) { try Cell(cell, stateOfCharge: 0.5) }
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

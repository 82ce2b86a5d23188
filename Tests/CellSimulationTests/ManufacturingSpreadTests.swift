// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Testing

@Suite struct ManufacturingSpreadTests {
  @Test(arguments: [TestCells.electrodes, TestCells.circuit])
  func noMismatchIsIdentity(description: CellDescription) {
    var random = SeededRandom(seed: 1)
    #expect(description.drawn(using: &random, mismatch: 0) == description)
  }

  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6]) func drawnCellsDifferAndSpanTheirWindow(seed: UInt64)
    throws
  {
    var random = SeededRandom(seed: seed)
    let nominal = try CellEquilibrium(TestCells.electrodes)
    let one = try CellEquilibrium(TestCells.electrodes.drawn(using: &random, mismatch: 1))
    let other = try CellEquilibrium(TestCells.electrodes.drawn(using: &random, mismatch: 1))
    #expect(one.capacityAmpereHours != other.capacityAmpereHours)
    for cell in [one, other] {
      #expect((cell.capacityAmpereHours / nominal.capacityAmpereHours - 1).magnitude < 0.12)
      #expect((cell.volts(stateOfCharge: 0) - 2).magnitude < 1e-6)
      #expect((cell.volts(stateOfCharge: 1) - 4.2).magnitude < 1e-6)
      let shift = cell.volts(stateOfCharge: 0.6) - nominal.volts(stateOfCharge: 0.6)
      #expect(shift.magnitude < 0.05 && shift != 0)
    }
  }

  @Test(arguments: [UInt64(1), 2, 3, 4]) func circuitsKeepARisingCurve(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let drawn = TestCells.circuit.drawn(using: &random, mismatch: 2)
    #expect(drawn != TestCells.circuit)
    #expect(throws: Never.self) { try drawn.validate() }
  }

  @Test func theSameSeedDrawsTheSameCell() {
    var one = SeededRandom(seed: 9)
    var other = SeededRandom(seed: 9)
    #expect(
      TestCells.electrodes.drawn(using: &one, mismatch: 1)
        == TestCells.electrodes.drawn(using: &other, mismatch: 1))
    #expect(one.next() == other.next())
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Testing

@Suite struct CellBatchTests {
  /// Cells that differ in every number, every third of them old.
  private func cells(_ count: Int, seed: UInt64) -> [CellDescription] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { index in
      let cell = TestCells.electrodes.drawn(using: &random, mismatch: 1)
      guard index % 3 == 0 else { return cell }
      return cell.aged(by: .after(cycles: 20 * Double(index), hours: 1_000, cell))
    }
  }

  private func bits(_ batch: CellBatch) -> [UInt64] {
    (0..<batch.count).flatMap {
      [batch.terminalVolts($0), batch.temperatureCelsius($0), batch.netChargeAmpereHours($0)]
        .map(\.bitPattern)
    }
  }

  @Test(arguments: [0.3, 0.5, 0.9]) func eachCellIsThatOfCell(soc: Double) throws {
    let descriptions = cells(6, seed: 1)
    var batch = try CellBatch(descriptions, stateOfCharge: soc)
    let amperes = TestCells.drive(seed: 2, seconds: 480).map { 0.5 * $0 }
    batch.run(.shared(amperes))
    for (index, description) in descriptions.enumerated() {
      var cell = try Cell(description, stateOfCharge: soc)
      for current in amperes { cell.step(.current(amperes: current), seconds: 1) }
      let error = batch.terminalVolts(index) - cell.terminalVolts
      #expect(error.magnitude < 0.1e-3, "cell \(index): \(error) V")
      let warmth = batch.temperatureCelsius(index) - cell.temperatureCelsius
      #expect(warmth.magnitude < 1e-3, "cell \(index): \(warmth) K")
      let charge = batch.netChargeAmpereHours(index) - cell.netChargeAmpereHours
      #expect(charge.magnitude < 1e-9)
    }
  }

  @Test func howCellsAreCutChangesNoBit() throws {
    let batch = try CellBatch(cells(11, seed: 3), stateOfCharge: 0.6)
    let profiles = (0..<11).map { TestCells.drive(seed: UInt64($0), seconds: 240) }
    var whole = batch
    whole.run(.own(profiles))
    for size in [1, 2, 3, 5] {
      var parted: [UInt64] = []
      for start in stride(from: 0, to: 11, by: size) {
        let range = start..<min(start + size, 11)
        var part = batch.part(range)
        part.run(.own(Array(profiles[range])))
        parted += bits(part)
      }
      #expect(parted == bits(whole), "in parts of \(size)")
    }
  }

  /// Where a current jumps too far to be foreseen, the cells beside it are not touched.
  @Test(arguments: [5, 20, 40, 80, 160, 320, 640.0]) func aNeighboursJumpChangesNoBit(
    amperes: Double
  ) throws {
    let batch = try CellBatch(cells(4, seed: 7), stateOfCharge: 0.5)
    let violent = (0..<60).map { $0 / 5 % 2 == 0 ? amperes : -amperes }
    let gentle = (0..<60).map { $0 / 5 % 2 == 0 ? 0.2 : -0.1 }
    var mixed = batch
    mixed.run(.own([gentle, violent, gentle, gentle]))
    var alike = batch
    alike.run(.shared(gentle))
    for cell in [0, 2, 3] {
      #expect(
        mixed.terminalVolts(cell).bitPattern == alike.terminalVolts(cell).bitPattern, "cell \(cell)"
      )
    }
  }

  @Test func aRunGoesOnWhereItStopped() throws {
    var whole = try CellBatch(cells(5, seed: 4), stateOfCharge: 0.5)
    var halves = whole
    let amperes = TestCells.drive(seed: 5, seconds: 160)
    whole.run(.shared(amperes))
    halves.run(.shared(Array(amperes[..<13])))
    halves.run(.shared(Array(amperes[13...])))
    #expect(bits(halves) == bits(whole))
  }

  /// A cell that runs out is lost, and no other with it.
  @Test func aCellThatRunsOutLeavesItsNeighbours() throws {
    let batch = try CellBatch(cells(4, seed: 6), stateOfCharge: 0.5)
    let rest = [Double](repeating: 0, count: 4_000)
    let drain = [Double](repeating: -3, count: 4_000)
    var mixed = batch
    mixed.run(.own([rest, drain, rest, rest]))
    #expect(mixed.terminalVolts(1).isNaN)
    var resting = batch
    resting.run(.shared(rest))
    for cell in [0, 2, 3] {
      #expect(mixed.terminalVolts(cell) == resting.terminalVolts(cell))
      #expect(mixed.terminalVolts(cell) > 2)
    }
  }

  @Test func whatDoesNotLieSideBySideIsRefused() throws {
    #expect(throws: CellError.self) { try CellBatch([], stateOfCharge: 0.5) }
    #expect(throws: CellError.self) { try CellBatch([TestCells.circuit], stateOfCharge: 0.5) }
    let others = [TestCells.electrodes, CellDescription.hu2024MPBHardCarbonCoin]
    #expect(throws: CellError.self) { try CellBatch(others, stateOfCharge: 0.5) }
    #expect(throws: CellError.stateOfChargeOutOfRange(-1)) {
      try CellBatch([TestCells.electrodes], stateOfCharge: -1)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Descriptions
import Testing

@Suite struct AgeFileTests {
  private static let cell = CellDescription.hu2024NFMPB1HardCarbon

  /// A history that a cell has lived: no number in it is round.
  private static func lived() throws -> AgeingState {
    var cell = try Cell(cell, age: .after(cycles: 20, hours: 77, cell), restingAtVolts: 2.6)
    cell.step(.current(amperes: 1.5), seconds: 1000)
    return try #require(cell.age)
  }

  private static func parse(_ text: String) -> Result<AgeingState, DescriptionProblems> {
    AgeFile.parse(text: text, file: "age.yaml", for: cell)
  }

  @Test func whatIsWrittenIsReadBitForBit() throws {
    let age = try Self.lived()
    let text = AgeFile.yaml(for: age, of: Self.cell)
    #expect(try Self.parse(text).get() == age)
    let health = try Self.cell.health(after: age)
    #expect(text.contains("\n  capacity: \(health.capacity)\n"))
    #expect(text.contains("\n  sodium_lost: \(health.lossOfSodiumInventory)\n"))
    // Without the part that is only to be read, it is the same history.
    let doses = text.prefix(upTo: try #require(text.firstRange(of: "\nhealth:")).lowerBound)
    #expect(try Self.parse(String(doses)).get() == age)
  }

  @Test func aCellOfWhichNothingIsLeftIsWritten() throws {
    let age = AgeingState.after(cycles: 900_000, hours: 9e6, Self.cell)
    #expect(try Self.parse(AgeFile.yaml(for: age, of: Self.cell)).get() == age)
  }

  @Test(arguments: [
    ("schema: 1", "schema: 2", "2:9: schema is '2'"),
    ("cell: \"nfm", "cell: \"other-nfm", "3:1: this is the history of 'other-nfm-pb-1-hc'"),
    ("calendar_hours: ", "calendar_hours: -", "4:17: calendar_hours is -"),
    ("calendar_hours", "calender_hours", "did you mean 'calendar_hours'?"),
    ("\"C1\"", "\"C9\"", "7:5: name is 'C9'; expected 'C1' here"),
    ("centres: [0.", "centres: [1.", "centres is 1."),
    ("  capacity: 0", "  capacity: 1", "capacity is 1."),
    ("cycles: [", "cycles: [1, ", "has 4 numbers; expected a list of 3 numbers"),
    ("sites: [0", "sites: [2", "follows from the doses"),
  ])
  func whatIsWrongIsPointedAt(old: String, new: String, message: String) throws {
    let text = AgeFile.yaml(for: try Self.lived(), of: Self.cell)
    #expect(text.contains(old), "\(text)")
    var changed = text
    changed.replace(old, with: new, maxReplacements: 1)
    switch Self.parse(changed) {
    case .success: Issue.record("read")
    case .failure(let problems):
      #expect(problems.problems.contains { $0.description.contains(message) }, "\(problems)")
    }
  }

  @Test func anotherFileIsRefused() {
    for text in ["", "a", "[1]", "schema: 1\nname: x\n"] {
      switch Self.parse(text) {
      case .success: Issue.record("read")
      case .failure(let problems): #expect(!problems.problems.isEmpty)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import CellSimulation

@Suite struct PaperTests {
  /// The rows of Data/hu2024.csv that are usable and name a system, by their name.
  private static func table() throws -> [String: [String]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let file = folder.appendingPathComponent("../../Data/hu2024.csv")
    let text = try String(contentsOf: file, encoding: .utf8)
    var rows: [String: [String]] = [:]
    for line in text.split(whereSeparator: \.isNewline).dropFirst() {
      let fields = Self.fields(line)
      guard fields.count == 9, fields[8] == "yes", fields[1] != "all" else { continue }
      rows[fields[0]] = fields
    }
    return rows
  }

  /// A line of CSV with quotes.
  private static func fields(_ line: Substring) -> [String] {
    var fields = [""]
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
    }
    return fields
  }

  @Test func everyUsableRowIsThereWithItsValue() throws {
    let table = try Self.table()
    #expect(table.count > 60)
    #expect(Set(table.keys) == Set(PaperRow.all.map(\.id)))
    for row in PaperRow.all {
      let fields = try #require(table[row.id], "\(row.id)")
      guard case .number(let published) = row.published else { continue }
      #expect(Double(fields[4]) == published, "\(row.id)")
      #expect(fields[1].hasPrefix(row.systems[0].rawValue), "\(row.id)")
    }
  }

  @Test func rowsAreNamedOnceAndInOrder() {
    let names = PaperRow.all.map(\.id)
    #expect(Set(names).count == names.count)
    #expect(names == names.sorted())
  }

  /// Some rows of every material are kept out of the fit.
  @Test(arguments: [PaperSystem.mPB, .nfmPB1]) func someRowsAreHeldOut(system: PaperSystem) {
    let rows = PaperRow.all.filter { $0.systems[0] == system }
    #expect(rows.contains { $0.role == .predicted } && rows.contains { $0.role == .fitted })
  }

  /// A value for 100, judged.
  private func verdict(
    _ value: Double, _ tolerance: PaperRow.Tolerance, _ role: PaperRow.Role
  ) throws -> PaperRow.Verdict {
    var laboratory = PaperLaboratory()
    let row = PaperRow(
      id: "T", systems: [.mPB], experiment: "", quantity: "", published: .number(100), unit: "",
      tolerance: tolerance, role: role
    ) { (_: inout PaperLaboratory) throws(CellError) -> PaperRow.Emulated in .number(value) }
    return try row.evaluate(in: &laboratory).verdict
  }

  @Test func fittedResultsAreJudgedByTheirTolerance() throws {
    for value in [103.0, 97] { #expect(try verdict(value, .share(0.03), .fitted) == .pass) }
    for value in [103.1, .nan] { #expect(try verdict(value, .share(0.03), .fitted) == .miss) }
    #expect(try verdict(102, .amount(2), .fitted) == .pass)
    #expect(try verdict(102.1, .amount(2), .fitted) == .miss)
    for value in [310.0, 32] { #expect(try verdict(value, .factor(3.16), .fitted) == .pass) }
    #expect(try verdict(20, .factor(3.16), .fitted) == .miss)
  }

  /// Rows kept out of the fit may be off by three times as much, which is told from a pass.
  @Test func predictedResultsMayBeNear() throws {
    #expect(try verdict(102, .amount(2), .predicted) == .pass)
    for value in [102.1, 106, 94] {
      #expect(try verdict(value, .amount(2), .predicted) == .near)
    }
    for value in [106.1, 93.9, .nan] {
      #expect(try verdict(value, .amount(2), .predicted) == .miss)
    }
    #expect(try verdict(109, .share(0.03), .predicted) == .near)
    #expect(try verdict(109.1, .share(0.03), .predicted) == .miss)
    for value in [700.0, 13] { #expect(try verdict(value, .factor(2), .predicted) == .near) }
    for value in [801.0, 12] { #expect(try verdict(value, .factor(2), .predicted) == .miss) }
  }

  /// A changed parameter changes what depends on it, and nothing is remembered of before.
  @Test func overridesReachTheCell() throws {
    let change = try #require(ParameterOverride("NFM-PB-1:Fe_HS.capacity=30"))
    var description = PaperSystem.nfmPB1.description
    #expect(change.apply(to: &description))
    var laboratory = PaperLaboratory()
    let before = try laboratory.firstCycle(.nfmPB1).discharge.capacity
    laboratory.replace(.nfmPB1, with: description)
    let after = try laboratory.firstCycle(.nfmPB1).discharge.capacity
    // What Fe_HS held more: 12.6 mAh/g, nearly all of it reached.
    #expect((before - after - 12.5).magnitude < 0.5, "\(before) and \(after)")
  }

  @Test(arguments: ["", "M-PB", "M-PB:Mn_HS=1", "M-PB:Mn_HS.width=x", "X:Mn_HS.width=1", "a=b=c"])
  func unreadableOverridesAreRefused(text: String) {
    #expect(ParameterOverride(text) == nil)
  }

  @Test(arguments: [
    "M-PB:Mn_HS.colour=1", "M-PB:Co_LS.width=1", "M-PB:interphase.growth=1",
    "NFM-PB-1:coupling.cycles=1",
  ]) func overridesWithoutAPlaceAreRefused(text: String) throws {
    let change = try #require(ParameterOverride(text))
    var description = change.system.description
    let before = description
    #expect(!change.apply(to: &description))
    #expect(description == before)
  }

  @Test(arguments: [
    "M-PB:all.diffusion=1000", "M-PB:coupling.shift=0.1", "NFM-PB-1:cathode.spread=1",
    "NFM-PB-1||HC:interphase.growth=0.01", "NFM-PB-1||HC:cell.sodium=120",
    "M-PB:Mn_HS.hourLoss=1e-5",
  ]) func everyPlaceCanBeChanged(text: String) throws {
    let change = try #require(ParameterOverride(text))
    var description = change.system.description
    let before = description
    #expect(change.apply(to: &description))
    #expect(description != before)
  }
}

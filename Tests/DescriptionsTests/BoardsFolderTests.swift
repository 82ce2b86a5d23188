// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Descriptions
import Foundation
import Simulation
import Testing

@Suite struct BoardsFolderTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Boards")

  static let names: [String] = {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return entries.sorted().filter {
      FileManager.default.fileExists(
        atPath: root.appendingPathComponent($0).appendingPathComponent("board.yaml").path)
    }
  }()

  @Test func thereAreBoards() { #expect(Self.names.count >= 8) }

  /// Every board that comes with the project is one that the project reads, and that fits its cell.
  @Test(arguments: names) func everyBoardParsesAndFitsItsCell(_ name: String) throws {
    let folder = Self.root.appendingPathComponent(name)
    let text = try String(
      contentsOf: folder.appendingPathComponent("board.yaml"), encoding: .utf8)
    let file = try BoardFile.parse(text: text, file: "board.yaml").get()
    var cell = CellDescription.hu2024NFMPB1HardCarbon
    if file.board.cell != cell.name {
      let path = folder.appendingPathComponent(file.board.cell)
      cell = try CellFile.parse(
        text: String(contentsOf: path, encoding: .utf8), file: file.board.cell
      ).get()
    }
    #expect(file.contradictions(with: cell) == [])
  }

  /// The built-in emulated board is the one of the folder.
  @Test func theEmulatedBoardIsBuiltIn() throws {
    let text = try String(
      contentsOf: Self.root.appendingPathComponent("emulated/board.yaml"), encoding: .utf8)
    #expect(
      try BoardFile.parse(text: text, file: "board.yaml").get().board == BoardDescription.emulated)
  }

  /// What a README expects i2cdetect to print is what the description has.
  @Test(arguments: names) func everyReadmeShowsTheBoardsAddresses(_ name: String) throws {
    let folder = Self.root.appendingPathComponent(name)
    let text = try String(
      contentsOf: folder.appendingPathComponent("board.yaml"), encoding: .utf8)
    let board = try BoardFile.parse(text: text, file: "board.yaml").get().board
    let readme = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    let rows = readme.split(separator: "\n").filter { row in
      (0..<8).contains { row.hasPrefix("\($0)0: ") }
    }
    let shown = rows.flatMap { $0.dropFirst(3).split(separator: " ") }
      .compactMap { UInt8($0, radix: 16) }
    #expect(shown == board.chips.map(\.address).sorted())
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Descriptions
import Foundation
import Testing

@Suite struct CellsFolderTests {
  /// Every cell that comes with the project is one that the project reads.
  @Test func everyCellParses() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appendingPathComponent("Cells")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }
    #expect(names.count >= 2)
    for name in names {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      switch CellFile.parse(text: text, file: name) {
      case .success(let cell):
        #expect("\(cell.name).yaml" == name)
        #expect(try CellFile.parse(text: CellFile.yaml(for: cell), file: name).get() == cell)
      case .failure(let problems): Issue.record("\(problems)")
      }
    }
  }
}

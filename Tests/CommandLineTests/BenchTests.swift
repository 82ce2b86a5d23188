// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Nothing here depends on how fast the machine is.
@Suite struct BenchTests {
  @Test func theJSONIsAListOfFigures() throws {
    let outcome = try Program.run(
      "bench", "--filter", "start", "--repetitions", "3", "--format", "json")
    #expect(outcome.code == 0)
    let figures = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
    #expect(figures.map { $0["name"] as? String } == ["start", "start.memory"])
    #expect(figures.map { $0["unit"] as? String } == ["ms", "MiB"])
    for figure in figures {
      #expect(keys(figure) == ["high", "low", "median", "name", "unit"])
      #expect(try value(figure, "low") > 0)
      #expect(try value(figure, "low") <= value(figure, "median"))
      #expect(try value(figure, "median") <= value(figure, "high"))
    }
  }

  @Test func theTableHasOnlyWhatIsAskedFor() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(
      "bench", "--filter", "csv.write", "--repetitions", "1", in: folder.url)
    #expect(outcome.code == 0)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.last?.hasPrefix("csv.write ") == true)
    #expect(try folder.contents.isEmpty)
  }
}

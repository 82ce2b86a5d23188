// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The tables of a make take seconds without optimisation, so a program's run is shared by checks.
@Suite struct EvaluateTests {
  private static let short = [
    "evaluate", "--quick", "--fleet", "2", "--seed", "3", "--tests",
    "wrong-start-plateau,wrong-start-low,P9-micro", "--format", "json",
  ]

  @Test func threadsAndInterruptionsChangeNothing() throws {
    let folder = try TemporaryFolder()
    let alone = try Program.run(Self.short + ["--threads", "1", "--results", folder.path("a")])
    #expect(alone.code == 0)
    #expect(alone.errors.isEmpty)
    let together = try Program.run(Self.short + ["--threads", "2"])
    #expect(together.output == alone.output)

    // Cut in the middle of a line, as a killed run leaves it.
    let whole = try String(contentsOf: folder.url.appending(path: "a"), encoding: .utf8)
    let lines = whole.split(separator: "\n", omittingEmptySubsequences: false)
    let torn = lines.prefix(2).joined(separator: "\n") + "\n" + lines[2].prefix(60)
    try folder.write(torn, to: "b")
    let resumed = try Program.run(Self.short + ["--threads", "1", "--results", folder.path("b")])
    #expect(resumed.output == alone.output)
    let completed = try String(contentsOf: folder.url.appending(path: "b"), encoding: .utf8)
    #expect(completed.split(separator: "\n").sorted() == whole.split(separator: "\n").sorted())

    // A file of other settings is not continued.
    let other = try Program.run(
      Self.short + ["--mismatch", "0.5", "--results", folder.path("a")])
    #expect(other.code == 65)
    #expect(other.errorLines.count == 1)

    try check(alone.object())
  }

  private func check(_ object: [String: Any]) throws {
    let rows = try #require(object["rows"] as? [[String: Any]])
    // Three tests, five estimators.
    #expect(rows.count == 15)
    for row in rows {
      #expect(
        keys(row) == [
          "capacityError", "cells", "convergenceSeconds", "coverage50", "coverage80",
          "coverage95", "estimator", "maxError", "meanHalfWidth", "modeErrors", "p95", "rmse",
          "test",
        ])
      #expect(try value(row, "rmse") <= value(row, "maxError"))
    }
    let targets = try #require(object["targets"] as? [[String: Any]])
    let verdicts = Set(targets.compactMap { $0["verdict"] as? String })
    #expect(verdicts.contains("not measured"))
    // Counting from a start that is 30 % wrong cannot be right.
    let counting = try #require(
      rows.first {
        $0["test"] as? String == "wrong-start-low"
          && $0["estimator"] as? String == "coulomb-counting"
      })
    #expect(try value(counting, "rmse") > 0.1)
    #expect(counting["convergenceSeconds"] is NSNull)
  }

  @Test(arguments: [
    ["--fleet", "0"], ["--tests", "P11"], ["--threads", "0"], ["--ageing", "rust"],
    ["--mismatch", "3"],
  ])
  func aMistakeIsOneLine(arguments: [String]) throws {
    let outcome = try Program.run(["evaluate"] + arguments)
    #expect(outcome.code == 64)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.output.isEmpty)
  }
}

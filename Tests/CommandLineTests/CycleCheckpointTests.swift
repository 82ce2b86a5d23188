// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite struct CycleCheckpointTests {
  /// A cycle, whose rows fill more than the file's buffer.
  private static let steps = [
    "Charge at 1C for 6 min or until 4 V", "Discharge at 1C for 6 min or until 2.5 V",
    "Rest for 1 min",
  ]

  private static func arguments(
    record: String, cycles: Int = 20, format: String = "json"
  ) -> [String] {
    ["cycle"] + steps + [
      "--repeat", "\(cycles)", "--wear", "--age", "30cycles", "--start-state-of-charge", "50%",
      "--output",
      "test.csv", "--summary", "cycles.csv", "--save-age", "age.yaml", "--period", "0.5s",
      "--record", record, "--format", format,
    ]
  }

  private static let files = ["age.yaml", "cycles.csv", "test.csv"]

  /// The files' bytes, and what is on standard output but for the clock's part.
  private static func result(_ folder: TemporaryFolder, _ output: String) throws -> [Data] {
    var run = try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    #expect(run["completed"] as? Bool == true)
    run["wallSeconds"] = nil
    return try files.map { try Data(contentsOf: folder.url.appending(path: $0)) }
      + [try JSONSerialization.data(withJSONObject: run, options: .sortedKeys)]
  }

  /// Runs until the file has so many bytes and then stops the process by a signal.
  private static func run(
    _ arguments: [String], in folder: TemporaryFolder, signal: Int32, atBytes bytes: Int
  ) throws -> Program.Outcome {
    let running = try Program.start(arguments, in: folder.url)
    func size() throws -> Int {
      let path = folder.path("test.csv")
      guard FileManager.default.fileExists(atPath: path) else { return 0 }
      return try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }
    while running.process.isRunning, try size() < bytes { usleep(500) }
    kill(running.process.processIdentifier, signal)
    return try running.finish()
  }

  /// Stopped in and between cycles, gently and not, and taken up again until it is done.
  @Test(arguments: ["all", "2,5", "last"]) func aStoppedRunEndsInTheSameBytes(record: String) throws
  {
    let whole = try TemporaryFolder()
    let reference = try Program.run(Self.arguments(record: record), in: whole.url)
    #expect(reference.code == 0, "\(reference.errors)")
    let expected = try Self.result(whole, reference.output)
    #expect(expected.allSatisfy { $0.count > 500 })

    let folder = try TemporaryFolder()
    var arguments = Self.arguments(record: record) + ["--checkpoint", "run.checkpoint"]
    var stops = 0
    var bytes = 1
    for signal in [SIGTERM, SIGKILL, SIGINT, SIGTERM, SIGKILL, SIGKILL, SIGINT] {
      let outcome = try Self.run(arguments, in: folder, signal: signal, atBytes: bytes)
      guard FileManager.default.fileExists(atPath: folder.path("run.checkpoint")) else { continue }
      arguments = ["cycle", "--continue", "run.checkpoint"]
      // Killed before it could say anything, stopped gently, or done before the signal came.
      guard outcome.code != 0 else { continue }
      stops += 1
      bytes += 150_000
      // A signal before the process watches for it kills, too.
      guard outcome.code != signal else { continue }
      #expect(outcome.code == (signal == SIGINT ? 130 : 143))
      #expect(outcome.errorLines.count == 1)
      #expect(outcome.errors.contains("; go on with: sodalite cycle --continue run.checkpoint"))
    }
    #expect(stops > 0)
    let last = try Program.run(["cycle", "--continue", "run.checkpoint"], in: folder.url)
    #expect(last.code == 0, "\(last.errors)")
    #expect(try Self.result(folder, last.output) == expected)
    // A run that is done tells the same again.
    let again = try Program.run(["cycle", "--continue", "run.checkpoint"], in: folder.url)
    #expect(try Self.result(folder, again.output) == expected)
    #expect(try folder.contents == (Self.files + ["run.checkpoint"]).sorted())
  }

  /// Without a checkpoint there is what was made so far, in whole rows.
  @Test func aStopWithoutACheckpointIsTidy() throws {
    let folder = try TemporaryFolder()
    let arguments = Self.arguments(record: "all", cycles: 2_000, format: "table")
    let outcome = try Self.run(arguments, in: folder, signal: SIGINT, atBytes: 100_000)
    #expect(outcome.code == 130)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.hasPrefix("sodalite: SIGINT: stopped after step "))
    #expect(outcome.output.contains("\nstate of health "))
    #expect(try folder.contents == Self.files)
    let rows = try String(contentsOfFile: folder.path("test.csv"), encoding: .utf8)
    #expect(rows.last == "\n")
    let commas = Set(rows.split(separator: "\n").map { $0.filter { $0 == "," }.count })
    #expect(commas == [6])
  }

  /// A short run with a checkpoint on a cell and a protocol in files.
  private static func finished() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let cell = try String(
      contentsOf: Program.package.appending(path: "Cells/hakadi-18650.yaml"), encoding: .utf8)
    try folder.write(cell, to: "cell.yaml")
    try folder.write(
      "schema: 1\nname: p\nsteps:\n  - Discharge at 1C for 60 s\n  - Follow current from a.csv\n",
      to: "protocol.yaml")
    try folder.write("Time / s,Current / A\n0,1\n10,-1\n20,0\n", to: "a.csv")
    let outcome = try Program.run(
      "cycle", "--protocol", "protocol.yaml", "--cell", "cell.yaml", "--output", "test.csv",
      "--checkpoint", "c", in: folder.url)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return folder
  }

  /// What does not fit is refused in one line, and no file is touched.
  @Test(arguments: [
    ("protocol.yaml", "60 s", "61 s", "protocol.yaml: the protocol is not what it was"),
    ("a.csv", "10,-1", "10,-2", "protocol.yaml: the protocol is not what it was"),
    ("cell.yaml", "lower_cutoff: ", "lower_cutoff: 0", "cell.yaml: the cell or its age is not"),
    ("test.csv", "Test", "Text", "test.csv: not what the run had written; it is left as it is"),
    ("c", "sodalite", "Sodalite", "c: not a checkpoint of sodalite cycle"),
    ("c", "point 1", "point 2", "c: a checkpoint of version 2; this sodalite reads 1"),
    ("c", "--output", "--0utput", "c: damaged: its checksum does not fit"),
  ])
  func whatIsNotTheRunIsRefused(file: String, old: String, new: String, message: String) throws {
    let folder = try Self.finished()
    let url = folder.url.appending(path: file)
    var data = try Data(contentsOf: url)
    let range = try #require(data.range(of: Data(old.utf8)), "\(file) has no \(old)")
    data.replaceSubrange(range, with: Data(new.utf8))
    if new == "lower_cutoff: 0" {
      // The same voltage written otherwise is the same cell; another one is not.
      let same = data
      try same.write(to: url)
      #expect(try Program.run("cycle", "--continue", "c", in: folder.url).code == 0)
      let capacity = try #require(data.range(of: Data("capacity: 1".utf8)))
      data.replaceSubrange(capacity, with: Data("capacity: 2".utf8))
    }
    try data.write(to: url)
    let before = try Data(contentsOf: folder.url.appending(path: "test.csv"))
    let outcome = try Program.run("cycle", "--continue", "c", in: folder.url)
    #expect(outcome.code == 65)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(try Data(contentsOf: folder.url.appending(path: "test.csv")) == before)
  }

  @Test func aCutOffCheckpointIsRefused() throws {
    let folder = try Self.finished()
    let url = folder.url.appending(path: "c")
    let data = try Data(contentsOf: url)
    for count in [0, 10, 26, 27, 28, 100, data.count - 8, data.count - 1] {
      try data.prefix(count).write(to: url)
      let outcome = try Program.run("cycle", "--continue", "c", in: folder.url)
      #expect(outcome.code == 65, "\(count) bytes: \(outcome.errors)")
      #expect(outcome.errorLines.count == 1)
    }
  }

  @Test func whatCameAfterTheCheckpointIsCutBack() throws {
    let folder = try Self.finished()
    let url = folder.url.appending(path: "test.csv")
    let data = try Data(contentsOf: url)
    try (data + Data("17,half a r".utf8)).write(to: url)
    #expect(try Program.run("cycle", "--continue", "c", in: folder.url).code == 0)
    #expect(try Data(contentsOf: url) == data)
  }

  @Test(arguments: [
    (["--continue", "c", "--wear"], 64, "--continue takes all options from its file"),
    (["--continue", "c", "Rest for 1 s"], 64, "--continue takes all options from its file"),
    (["--continue", "nothing"], 66, "nothing: cannot open"),
    (["Rest for 1 s", "--output", "a", "--checkpoint", "a"], 64, "a name of its own"),
    (["Rest for 1 s", "--output", "/dev/null", "--checkpoint", "x"], 64, "/dev/null cannot be"),
    (["Rest for 1 s", "--checkpoint", "/nonexistent/x"], 74, "/nonexistent/x: cannot write"),
    (["Rest for 1 s", "--save-age", "x.yaml"], 64, "add --wear or --age"),
    (["Rest for 1 s", "--wear", "--save-age", "x"], 64, "ends with .yaml"),
    (["Rest for 1 s", "--age", "nothing.yaml"], 66, "nothing.yaml: cannot open"),
    (
      ["Rest for 1 s", "--age", "protocol.yaml"], 78, "protocol.yaml:1:1: the history has no 'cell'"
    ),
  ])
  func mistakesAreToldInLines(arguments: [String], code: Int32, message: String) throws {
    let folder = try Self.finished()
    let outcome = try Program.run(["cycle"] + arguments, in: folder.url)
    #expect(outcome.code == code)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.first?.contains(message) ?? false, "\(outcome.errors)")
  }

  /// A cell that goes on with a written history is as old as the one that lived it.
  @Test func aSavedAgeCanBeGivenToACell() throws {
    let folder = try TemporaryFolder()
    let first = try Program.run(
      "cycle", "Discharge at 1C for 10 min", "--age", "100cycles,400h", "--wear", "--save-age",
      "age.yaml", "--format", "json", in: folder.url)
    #expect(first.code == 0, "\(first.errors)")
    let second = try Program.run(
      "cycle", "Rest for 1 s", "--age", "age.yaml", "--save-age", "again.yaml", in: folder.url)
    #expect(second.code == 0, "\(second.errors)")
    let texts = try ["age.yaml", "again.yaml"].map {
      try String(contentsOfFile: folder.path($0), encoding: .utf8)
    }
    #expect(texts[0] == texts[1])
  }
}

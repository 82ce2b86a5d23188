// SPDX-License-Identifier: Apache-2.0

import Foundation
import Telemetry
import Testing

@Suite struct CycleProtocolTests {
  @Test(arguments: ["rate-test", "gitt", "formation"])
  func theExamplesRun(name: String) throws {
    let run = try Program.run(
      "cycle", "--protocol", "Protocols/\(name).yaml", "--format", "json")
    #expect(run.code == 0, "\(run.errors)")
    #expect(try run.object()["completed"] as? Bool == true)
  }

  /// The longest example, on the cell that takes the least time.
  @Test func threeHundredCyclesRun() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(
      "cycle", "--protocol", "Protocols/300-cycles.yaml", "--cell", "Cells/hakadi-18650.yaml",
      "--record", "1,300", "--format", "json", "--output", folder.path("test.csv"), "--summary",
      folder.path("cycles.csv"))
    #expect(outcome.code == 0, "\(outcome.errors)")
    let run = try outcome.object()
    #expect(run["completed"] as? Bool == true)
    #expect((run["cycles"] as? [Any])?.count == 301)
    let rows = try String(contentsOfFile: folder.path("cycles.csv"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(rows[0][0] == "Cycle Count / 1" && rows[0][4] == "Discharging Capacity / Ah")
    #expect(rows.dropFirst().map { String($0[0]) } == (0...300).map(String.init))
    let seconds = try #require(Double(rows[301][1]))
    #expect((seconds - (try value(run, "simulatedSeconds"))).magnitude < 1e-6)
    let test = try String(contentsOfFile: folder.path("test.csv"), encoding: .utf8)
    let recorded = Set(test.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[3] })
    #expect(recorded == ["1", "300"])
  }

  /// The same example ends where the health it names is reached.
  @Test func aWornCellEndsTheCyclesEarly() throws {
    let outcome = try Program.run(
      "cycle", "--protocol", "Protocols/300-cycles.yaml", "--wear", "--age", "450cycles",
      "--record", "last", "--format", "json")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let run = try outcome.object()
    let cycles = try #require(run["cycles"] as? [[String: Any]])
    #expect(cycles.count > 3 && cycles.count < 30)
    #expect(try value(cycles[cycles.count - 1], "health") < 0.7)
    #expect(try value(cycles[cycles.count - 2], "health") >= 0.7)
    let last = try #require((run["steps"] as? [[String: Any]])?.last)
    #expect(last["text"] as? String == "Charge at C/2 until 3.2 V or 500 mAh")
  }

  /// Of many cycles people are shown some, always the first and the last; programs get all.
  @Test(arguments: [(40, 40), (41, 6), (120, 13), (510, 12)])
  func manyCyclesAreShownInPart(cycles: Int, shown: Int) throws {
    let outcome = try Program.run(
      "cycle", "Discharge at 1C for 2 s", "Charge at 1C for 2 s", "--cell",
      "Cells/hakadi-18650.yaml", "--start-state-of-charge", "50%", "--repeat", "\(cycles)")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    let head = try #require(lines.firstIndex { $0.hasPrefix("cycle ") })
    let rows = lines[(head + 2)...].prefix { !$0.isEmpty }
    let numbers = rows.compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
    #expect(numbers.first == 1 && numbers.last == cycles)
    #expect(numbers.count == shown, "\(numbers)")
  }

  @Test func wearAndAgeAreTold() throws {
    let arguments = [
      "cycle", "Charge at 1C to 4.2 V until C/20", "Discharge at 1C until 2 V", "--repeat", "3",
      "--format", "json", "--record", "last", "--start-state-of-charge", "10%",
    ]
    func healths(_ more: [String]) throws -> [Double] {
      let run = try Program.run(arguments + more).object()
      #expect((run["steps"] as? [Any])?.count == 3)
      let cycles = try #require(run["cycles"] as? [[String: Any]])
      return try cycles.map { try value($0, "health") }
    }
    let new = try healths(["--wear"])
    #expect(new[0] > new[1] && new[1] > new[2] && new[0] < 1 && new[2] > 0.98)
    let old = try healths(["--wear", "--age", "200cycles"])
    #expect(old[0] < new[2] - 0.05 && old[0] > old[2])
    let table = try Program.run(Array(arguments.prefix(3)) + ["--age", "300cycles,1000h"])
    #expect(table.code == 0)
    #expect(table.output.contains("\ncathode, Fe_HS "))
  }

  @Test func allThatIsWrongWithAFileIsToldAtOnce() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      """
      schema: 1
      name: wrong
      steps:
        - Charge at 1X until 4 V
        - cycels: 3
          steps:
            - "Rest for 5 V"
      """, to: "wrong.yaml")
    let outcome = try Program.run("cycle", "--protocol", file, in: folder.url)
    #expect(outcome.code == 78)
    let places = outcome.errorLines.map { String($0.prefix { $0 != "\"" && $0 != "u" }) }
    #expect(
      places == [
        "sodalite: wrong.yaml:4:15: ", "sodalite: wrong.yaml:5:5: ", "sodalite: wrong.yaml:7:19: ",
      ], "\(outcome.errors)")
    let cell = try folder.write(
      "schema: 1\nname: far\nsteps:\n  - Charge at 1C until 9 V\n  - Go to x\n", to: "far.yaml")
    let far = try Program.run("cycle", "--protocol", cell, in: folder.url)
    #expect(far.code == 78)
    #expect(
      far.errorLines.map { $0.prefix(22) } == ["sodalite: far.yaml:4:5", "sodalite: far.yaml:5:5"])
  }

  @Test func onlyTheCyclesAskedForAreWritten() throws {
    let folder = try TemporaryFolder()
    func rows(_ record: String) throws -> [String] {
      let outcome = try Program.run(
        "cycle", "Discharge at 1C for 60 s", "Charge at 1C for 60 s", "--repeat", "4", "--record",
        record, "--start-state-of-charge", "50%", "--output", folder.path("test.csv"))
      #expect(outcome.code == 0, "\(outcome.errors)")
      let text = try String(contentsOfFile: folder.path("test.csv"), encoding: .utf8)
      return text.split(separator: "\n").map(String.init)
    }
    let all = try rows("all")
    func of(_ cycles: [String]) -> [String] {
      all.filter { cycles.contains(String($0.split(separator: ",")[3])) }
    }
    #expect(Array(try rows("2,3").dropFirst()) == of(["2", "3"]))
    #expect(Array(try rows("last").dropFirst()) == of(["4"]))
  }
}

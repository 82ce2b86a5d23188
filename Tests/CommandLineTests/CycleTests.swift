// SPDX-License-Identifier: Apache-2.0

import Foundation
import Telemetry
import Testing

@Suite struct CycleTests {
  private static let steps = [
    "Discharge at 1C until 2.0 V", "Rest for 1 hour", "Charge at C/2 until 4.2 V",
    "Hold at 4.2 V until C/20",
  ]

  @Test func aCycleIsToldStepByStep() throws {
    let outcome = try Program.run(["cycle"] + Self.steps)
    #expect(outcome.code == 0)
    #expect(outcome.errors.isEmpty)
    for step in Self.steps { #expect(outcome.output.contains("\n\(step) "), "\(step)") }
    let head = try #require(
      outcome.output.split(separator: "\n").first { $0.hasPrefix("step") })
    let titles = "step h:mm:ss Ah Wh end V end A max °C ended by"
    #expect(head.split(whereSeparator: \.isWhitespace).joined(separator: " ") == titles)
  }

  @Test func theJSONSaysTheSame() throws {
    let run = try Program.run(["cycle", "--repeat", "2", "--format", "json"] + Self.steps).object()
    #expect(
      keys(run) == [
        "ambientCelsius", "cell", "completed", "cycles", "endStateOfCharge", "simulatedSeconds",
        "startStateOfCharge", "steps", "wallSeconds",
      ])
    let steps = try #require(run["steps"] as? [[String: Any]])
    #expect(
      keys(steps[0]) == [
        "chargeAmpereHours", "cycle", "end", "endAmperes", "endVolts", "energyWattHours",
        "highestCelsius", "seconds", "step", "text",
      ])
    #expect(steps.map { $0["text"] as? String } == Self.steps + Self.steps)
    let ends = steps.map { $0["end"] as? String }
    #expect(ends == ["limit", "time", "limit", "limit", "limit", "time", "limit", "limit"])
    #expect((try value(steps[0], "endVolts") - 2).magnitude < 1e-5)
    #expect((try value(steps[3], "endAmperes") - 0.075).magnitude < 1e-5)
    #expect(try value(steps[1], "seconds") == 3_600)
    let cycles = try #require(run["cycles"] as? [[String: Any]])
    #expect(
      keys(cycles[0]) == [
        "chargedAmpereHours", "chargedWattHours", "coulombicEfficiency", "cycle",
        "dischargedAmpereHours", "dischargedWattHours", "energyEfficiency", "health",
        "highestCelsius", "seconds",
      ])
    // From the end of one charge to the end of the next nothing is lost: the cell has no side
    // reactions here, and 1 % is room for the rest that the first cycle begins with.
    #expect((try value(cycles[1], "coulombicEfficiency") - 1).magnitude < 0.01)
    #expect(try value(cycles[1], "energyEfficiency") < 0.99)
    let total = try steps.reduce(0) { try $0 + value($1, "seconds") }
    #expect((try value(run, "simulatedSeconds") - total).magnitude < 1e-6)
  }

  @Test func theFileHasTheTest() throws {
    let folder = try TemporaryFolder()
    let arguments = [
      "cycle", "Discharge at 1C for 95 s", "Rest for 1 min", "--cell", "Cells/hakadi-18650.yaml",
      "--repeat", "2", "--period", "30s", "--ambient", "-10", "--start-state-of-charge", "80%",
      "--output", folder.path("test.csv"),
    ]
    #expect(try Program.run(arguments).code == 0)
    var log = try LogReader.open(folder.path("test.csv"))
    var samples: [LogSample] = []
    while let sample = try log.next() { samples.append(sample) }
    let once: [Double] = [0, 30, 60, 90, 95, 95, 125, 155]
    #expect(samples.map(\.seconds) == once + once.map { $0 + 155 })
    #expect(samples[0].stateOfCharge == 0.8)
    #expect(samples[0].celsius == -10)
    // 1C is the capacity in the description.
    #expect((samples[1].amperes + 1.4937).magnitude < 1e-3)
    #expect(try folder.contents == ["test.csv"])
  }

  @Test func theWrongWordIsPointedAt() throws {
    let outcome = try Program.run("cycle", "Rest for 1 hour", "Discharge at 1X until 2.0 V")
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty)
    #expect(
      outcome.errors == """
        sodalite: step 2, column 14: "1X" is not a rate; expected a current, C-rate, power or \
        resistance, such as 1.5 A, 300 mA, 10 mA/g, 1C, C/2, 2 W or 5 ohm
          Discharge at 1X until 2.0 V
                       ^

        """)
  }

  @Test(arguments: [
    ("Discharge at 1C until 0.5 V", "0.5 V is outside the 1.0 V to 4.7 V"),
    ("Charge at 1C", "the step ends too early"), ("Dischrge at 1C until 2 V", "column 1"),
    ("Hold at 4.2 V until 3 V", "column 21"), ("", "column 1"),
  ])
  func stepsThatMakeNoSenseAreRefused(step: String, message: String) throws {
    let outcome = try Program.run("cycle", step)
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines[0].contains(message), "\(outcome.errors)")
  }

  @Test func aStepThatTheCellCannotDoStopsTheRun() throws {
    let outcome = try Program.run(
      "cycle", "Charge at 1C for 10 hours", "Rest for 1 hour", "--format", "json")
    #expect(outcome.code == 65)
    let run = try outcome.object()
    #expect(run["completed"] as? Bool == false)
    #expect((run["steps"] as? [Any])?.count == 1)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.contains("step 1 'Charge at 1C for 10 hours' stopped at "))
  }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Telemetry
import Testing

/// The circuit cell is used where any cell would do: its tables need no virtual experiments, which
/// take seconds without optimisation.
@Suite struct SimulateTests {
  private static let short = [
    "simulate", "--cell", "Cells/hakadi-18650.yaml", "--duration", "10min",
  ]

  private func object(_ arguments: String...) throws -> [String: Any] {
    let outcome = try Program.run(Self.short + ["--format", "json"] + arguments)
    #expect(outcome.code == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.split(separator: "\n").count == 1)
    return try outcome.object()
  }

  @Test func theJSONHasTheKeysThatOthersRead() throws {
    let run = try object("--seed", "7")
    #expect(
      keys(run) == [
        "busFaults", "capacity", "cell", "estimateHash", "prognosis", "protectionEvents",
        "saturations", "seed",
        "simulatedSeconds", "stateOfCharge", "ticks", "wallSeconds",
      ])
    #expect(keys(run["stateOfCharge"]) == ["coverage95", "maxError", "p95", "rmse"])
    #expect(
      keys(run["capacity"]) == ["coverage95", "estimatedAmpereHours", "trueAmpereHours"])
    #expect(
      keys(run["prognosis"]) == [
        "charge10s", "discharge10s", "meanAmperes", "secondsToEmpty", "secondsToFull",
        "stateOfHealth",
      ])
    #expect(run["cell"] as? String == "hakadi-18650")
    #expect(run["protectionEvents"] is [Any])
    #expect(try value(run, "seed") == 7)
    #expect(try value(run, "ticks") == 600)
    #expect(try value(run, "simulatedSeconds") == 600)
    #expect((run["estimateHash"] as? String)?.wholeMatch(of: /[0-9a-f]{16}/) != nil)
    // Fractions, not percent.
    #expect(try value(run, "stateOfCharge", "rmse") < 0.3)
    #expect(try value(run, "stateOfCharge", "rmse") <= value(run, "stateOfCharge", "maxError"))
  }

  @Test func aRunIsItsSeed() throws {
    let folder = try TemporaryFolder()
    var hashes: [String] = []
    var files: [Data] = []
    for (name, seed) in [("a.csv", "3"), ("b.csv", "3"), ("c.csv", "4")] {
      let run = try object("--seed", seed, "--output", folder.path(name))
      hashes.append(try #require(run["estimateHash"] as? String))
      files.append(try Data(contentsOf: folder.url.appending(path: name)))
    }
    #expect(hashes[0] == hashes[1])
    #expect(files[0] == files[1])
    #expect(hashes[0] != hashes[2])
    #expect(files[0] != files[2])
  }

  @Test(arguments: [("0.1", 60), ("1", 600), ("10", 6_000)])
  func theRateIsTicksPerSecond(rate: String, ticks: Double) throws {
    let folder = try TemporaryFolder()
    let run = try object("--rate", rate, "--output", folder.path("run.csv"))
    #expect(try value(run, "ticks") == ticks)
    #expect(try value(run, "simulatedSeconds") == 600)
    var log = try LogReader.open(folder.path("run.csv"))
    #expect(log.hasTruth && log.hasTemperature)
    var rows = 0.0
    var last: LogSample?
    while let sample = try log.next() {
      rows += 1
      last = sample
      #expect((0...1).contains(sample.stateOfCharge ?? -1))
    }
    #expect(rows == ticks)
    #expect(last?.seconds == 600)
    #expect(try folder.contents == ["run.csv"])
  }

  @Test func everyBoardRuns() throws {
    var hashes: Set<String> = []
    for chips in ["ina228+tmp117", "ina226+tmp117", "ina226+ads1115"] {
      let run = try object("--chips", chips)
      hashes.insert(try #require(run["estimateHash"] as? String))
      #expect(try value(run, "stateOfCharge", "maxError") < 0.3)
    }
    #expect(hashes.count == 3)
  }

  @Test(arguments: [("30%", "60.00 %"), ("-5%", "95.00 %"), ("-0.3", "100.00 %"), ("0", "90.00 %")])
  func theFirstGuessIsOffAsAsked(error: String, guess: String) throws {
    let outcome = try Program.run(Self.short + ["--initial-error", error])
    #expect(outcome.output.contains("\(guess) believed, 90.00 % true"), "\(outcome.output)")
  }

  @Test func faultsOnTheBusAreMet() throws {
    let none = try object()
    let some = try object("--bus-faults", "0.02")
    let kinds = try #require(some["busFaults"] as? [String: Double])
    #expect(try #require(none["busFaults"] as? [String: Double]).values.allSatisfy { $0 == 0 })
    #expect(kinds["noAcknowledge", default: 0] > 0)
    #expect(none["estimateHash"] as? String != some["estimateHash"] as? String)
  }

  /// Ten minutes say nothing about the level; that it is measured is what counts here.
  @Test func whatFaultsOnTheBusCostIsTold() throws {
    let outcome = try Program.run(
      Self.short + ["--faults", "bus", "--seeds", "101-102", "--format", "json"])
    #expect(outcome.code == 0 || outcome.code == 1)
    let cost = try outcome.object()
    #expect(
      keys(cost) == [
        "added", "allowed", "corrupted", "failed", "isMet", "rmse", "rmseWithFaults", "runs",
        "transfers",
      ])
    #expect(try value(cost, "failed") > 0)
    #expect(try value(cost, "allowed") == 0.002)
    #expect(cost["isMet"] as? Bool == (outcome.code == 0))
  }

  @Test func reactionsAreTold() throws {
    let outcome = try Program.run(
      ["simulate", "--cell", "Cells/hakadi-18650.yaml", "--faults", "reaction", "--runs", "2"])
    #expect(outcome.code == 0, "\(outcome.output)")
    #expect(outcome.output.contains("switchDisagrees"))
    #expect(!outcome.output.contains("late") && !outcome.output.contains("never"))
  }

  @Test func severalSeedsArePooled() throws {
    let pooled = try object("--seeds", "101-102")
    #expect(keys(pooled) == ["pooled", "runs"])
    let runs = try #require(pooled["runs"] as? [[String: Any]])
    #expect(runs.compactMap { $0["seed"] as? Int } == [101, 102])
    let alone = try object("--seed", "102")
    #expect(runs[1]["estimateHash"] as? String == alone["estimateHash"] as? String)
    let largest = try runs.map { try value($0, "stateOfCharge", "maxError") }.max()
    #expect(try value(pooled, "pooled", "maxError") == largest)
  }

  @Test func withoutACellItIsTheBuiltInOne() throws {
    let outcome = try Program.run("simulate", "--duration", "1min")
    #expect(outcome.code == 0)
    for row in ["cell ", "simulated ", "error after 0.01 h", "protection ", "speed "] {
      #expect(outcome.output.contains("\n\(row)"), "\(row)")
    }
    #expect(outcome.output.contains("nfm-pb-1-hc"))
  }

  /// Where the electrodes are described the run tells which of them is fading, and the estimates are those
  /// of the estimator that does not know.
  @Test func whatIsFading() throws {
    let arguments = ["simulate", "--duration", "1min", "--format", "json"]
    let tracking = try Program.run(arguments).object()
    let prognosis = try #require(tracking["prognosis"] as? [String: Any])
    #expect(
      keys(prognosis["electrodes"]) == [
        "accessibleIron", "anode", "capacity", "chargesThatTaught", "coupling", "isLearning",
        "joint", "learningChargeAdvised", "secondsSinceCoupling", "secondsSinceIron",
      ])
    #expect(try value(prognosis, "electrodes", "coupling", "value") > 0.3)
    let electrodes = try #require(prognosis["electrodes"] as? [String: Any])
    #expect(
      electrodes["learningChargeAdvised"] as? String == "no charge has taught anything yet")
    #expect(electrodes["secondsSinceIron"] is NSNull)
    let plain = try Program.run(arguments + ["--estimator", "plain"]).object()
    #expect(plain["estimateHash"] as? String == tracking["estimateHash"] as? String)
    #expect((plain["prognosis"] as? [String: Any])?["electrodes"] == nil)
  }

  @Test func aCellWithoutElectrodesHasNoModes() throws {
    let outcome = try Program.run(Self.short + ["--estimator", "lifelong"])
    #expect(outcome.code == 78)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.contains("describes no electrodes; take plain"))
  }

  /// An aged cell has less capacity; the run says so, and that the firmware does not know.
  @Test func theTrueCellCanBeOld() throws {
    let arguments = ["simulate", "--duration", "10s", "--mismatch", "0"]
    let new = try Program.run(arguments + ["--format", "json"]).object()
    #expect(new["health"] == nil)
    let old = try Program.run(arguments + ["--format", "json", "--age", "300cycles"]).object()
    let health = try value(old, "health", "capacity")
    #expect(health > 0.7 && health < 0.85)
    let left =
      try value(old, "capacity", "trueAmpereHours") / value(new, "capacity", "trueAmpereHours")
    // A discharge at C/20 gives a little less than the equilibrium that health is about.
    #expect((left - health).magnitude < 0.02, "\(left) and \(health)")
    #expect(
      try value(old, "capacity", "estimatedAmpereHours")
        > 1.1 * value(old, "capacity", "trueAmpereHours"))
  }

  @Test func aCellThatDoesNotAgeIsRefused() throws {
    let outcome = try Program.run(Self.short + ["--age", "10cycles"])
    #expect(outcome.code == 64)
    #expect(outcome.errorLines == ["sodalite: nothing is known about how hakadi-18650 ages"])
  }
}

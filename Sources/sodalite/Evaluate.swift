// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Foundation
import Simulation
import Telemetry

/// The ageing paths by their names on the command line.
enum AgeingArgument: String, CaseIterable, ExpressibleByArgument {
  case iron
  case sodium
  case coupling

  var path: AgeingPath {
    switch self {
    case .iron: .iron
    case .sodium: .sodium
    case .coupling: .coupling
    }
  }
}

/// `sodalite evaluate`: the estimators on a fleet of cells that none of them knows.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Compare Sodalite's estimators with simple ones on a fleet of mismatched, worn cells.",
    discussion: """
      Every cell is drawn by seed and differs from the make in its sites, potentials, widths, \
      resistances and hysteresis; its voltage has a ripple, an hour-slow diffusion mode and play \
      hysteresis that no estimator's model has. All estimators get the same readings. The same seeds \
      give the same table at any number of threads. With --results a run that was stopped goes on \
      where it was.
      """)

  @Option(help: "How many cells.") var fleet = 60
  @Option(parsing: .unconditional, help: "The seed of the first cell; the others follow.")
  var seed: UInt64 = 101
  @Flag(help: "Three cells and shortened tests: minutes become seconds, levels mean little.")
  var quick = false
  @Option(help: "How cells wear: iron, sodium or coupling. (default: by seed)")
  var ageing: AgeingArgument?
  @Option(help: "Tests by name, with commas between. (default: all)") var tests: String?
  @Option(help: "How far the cells are from the make; 0 equal, 1 usual.") var mismatch = 1.0
  @Option(help: "How many cells are worked on at once. (default: one for each core)")
  var threads: Int?
  @Option(help: "A file of finished parts, which is continued where it exists.")
  var results: String?
  @Option(help: "A folder for the tables as CSV.") var output: String?
  @Option(help: "A folder for figures; needs gnuplot.") var plot: String?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard (1...1_000).contains(fleet) else {
      throw ValidationError("--fleet \(fleet): 1 to 1000 would be right")
    }
    guard seed <= UInt64(Int64.max) - 1_000 else {
      throw ValidationError("--seed \(seed): 0 to \(Int64.max - 1_000) would be right")
    }
    guard (0...2).contains(mismatch) else {
      throw ValidationError("--mismatch \(mismatch): 0 to 2 would be right")
    }
    guard threads.map({ (1...256).contains($0) }) ?? true else {
      throw ValidationError("--threads \(threads ?? 0): 1 to 256 would be right")
    }
    _ = try chosenTests()
  }

  private func chosenTests() throws -> [EvaluationTest] {
    guard let tests else { return EvaluationTest.allCases }
    let wanted = tests.split(separator: ",").map(String.init)
    for name in wanted where EvaluationTest(rawValue: name) == nil {
      let names = EvaluationTest.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--tests \(name): one of \(names) would be right")
    }
    // In the trial's own order, so that a list's order changes nothing.
    return EvaluationTest.allCases.filter { wanted.contains($0.rawValue) }
  }

  func run() throws {
    let cells = UInt64(quick ? min(fleet, 3) : fleet)
    var trials = EvaluationTrial.fleet(try chosenTests(), seeds: seed...(seed + cells - 1))
    for index in trials.indices {
      trials[index].mismatch = mismatch
      trials[index].path = ageing?.path
      if quick { trials[index].share = 0.2 }
    }
    let settings =
      "sodalite-evaluate 1 mismatch \(mismatch) ageing \(ageing?.rawValue ?? "by-seed")"
      + " share \(trials.first?.share ?? 1)"
    let bench = try EvaluateBench(trials)
    let begin = wallSeconds()
    let outcomes = try bench.run(
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, results: results,
      settings: settings)
    var evaluation = EvaluationReport()
    for (trial, outcomes) in zip(trials, outcomes) {
      for (test, outcome) in zip(trial.tests, outcomes) { evaluation.add(test, outcome) }
    }
    if let output { try EvaluateTables.write(evaluation, into: output) }
    switch format {
    case .json: try report(EvaluateTables.json(evaluation, seed: seed).text + "\n")
    case .table:
      try report(
        "\(cells) cells, seeds \(seed)-\(seed + cells - 1), "
          + "\(number(wallSeconds() - begin, 1)) s\n\n" + EvaluateTables.text(evaluation))
    }
    if let plot {
      try EvaluatePlots.draw(evaluation, bench.tables, seed: seed, quick: quick, into: plot)
    }
  }
}

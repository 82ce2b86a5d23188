// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellEstimation
import CellSimulation
import Quantities
import Simulation
import Telemetry

/// `sodalite replay`: a recorded log through the estimator.
struct ReplayLog: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run a recorded log through the estimator.",
    discussion: """
      Reads BDF CSV, or any CSV with --columns time=...,current=...,voltage=...; a unit may follow a \
      name in brackets, as in time=time[ms]. The file is streamed: its size does not matter.
      """)

  @Argument(help: "The log.") var file: String
  @Option(help: "A built-in cell or the path of a .yaml description.") var cell = "nfm-pb-1-hc"
  @Option(help: "Which column is what: time=NAME,current=NAME,voltage=NAME[,temperature=,truth=].")
  var columns: String?
  @Flag(name: .customLong("discharge-positive"), help: "Positive current discharges in this log.")
  var dischargePositive = false
  @Option(
    name: .customLong("initial-error"),
    help: "How much too low the estimator's first state of charge is, such as 30% or -0.2.")
  var initialError = ShareArgument(fraction: 0)
  @Option(help: "Estimates before this time are not in the error after convergence.")
  var settle = DurationArgument(seconds: 3_600)
  @Option(help: "table or json.") var format = OutputFormat.table

  func run() throws {
    let description = try Cells.find(cell)
    let profile: CellProfile
    do {
      profile = try ProfileMaker.profile(for: description)
    } catch {
      throw UserMistake.exit("\(cell): \(error)", code: 78)
    }
    let started = wallSeconds()
    var replay: Replay?
    var gaps = 0
    do {
      let places: LogColumns =
        if let columns {
          try LogColumns(specification: columns, dischargePositive: dischargePositive)
        } else {
          LogColumns(dischargePositive: dischargePositive)
        }
      var log = try LogReader.open(file, columns: places)
      while let row = try log.next() {
        if row.gap != nil { gaps += 1 }
        try feed(row, to: &replay, profile)
      }
    } catch let problem as DataProblem {
      throw UserMistake.exit(problem.description, code: problem.exitCode)
    }
    guard var replay else { throw UserMistake.exit("\(file): the log has no rows", code: 65) }
    replay.finish()
    let wall = wallSeconds() - started
    print(
      format == .json
        ? json(replay, profile, wall, gaps) : table(replay, description, wall, gaps))
  }

  /// Feeds one row; the first one starts the replay.
  private func feed(_ row: LogSample, to replay: inout Replay?, _ profile: CellProfile) throws {
    var running: Replay
    if let replay {
      running = replay
    } else {
      let guess = row.stateOfCharge ?? Self.openCircuitGuess(row.volts, profile)
      running = Replay(
        profile: profile, stateOfCharge: guess - initialError.fraction, deviation: 0.3,
        settleSeconds: settle.seconds)
    }
    replay = nil
    do throws(Replay.OutOfRange) {
      _ = try running.feed(
        Replay.Sample(
          seconds: row.seconds, amperes: row.amperes, volts: row.volts, celsius: row.celsius,
          stateOfCharge: row.stateOfCharge))
    } catch {
      throw UserMistake.exit("\(file):\(row.line): \(error.message)", code: 65)
    }
    replay = running
  }

  private static func openCircuitGuess(_ volts: Double, _ profile: CellProfile) -> Double {
    let microvolts = Int32(min(max((volts * 1e6).rounded(), -2e9), 2e9))
    let guess = StateEstimator.stateOfCharge(atOpenCircuit: .microvolts(microvolts), profile)
    return Double(guess.partsPerMillion) * 1e-6
  }

  private func table(
    _ replay: Replay, _ cell: CellDescription, _ wall: Double, _ gaps: Int
  ) -> String {
    var table = TableText([("", .left), ("", .left)])
    table.add(["log", file])
    table.add(["cell", cell.name])
    table.add([
      "length",
      "\(replay.samples) samples, \(DecimalNumber.text(replay.duration / 3_600, decimals: 2)) h",
    ])
    if let estimate = replay.estimate {
      table.add(["state of charge at the end", Self.text(estimate)])
    }
    if replay.score.count > 0 {
      table.add([
        "error after \(DecimalNumber.text(settle.seconds / 60, decimals: 0)) min",
        "RMSE \(percent(replay.score.rmse)), largest \(percent(replay.score.maxError)), "
          + "interval covers \(percent(replay.score.coverage))",
      ])
    }
    for landmark in replay.landmarks {
      table.add([
        "\(landmark.kind == .endOfCharge ? "charged" : "discharged") at "
          + "\(DecimalNumber.text(landmark.seconds, decimals: 0)) s",
        Self.text(landmark.estimate),
      ])
    }
    table.add(["implausible samples", "\(replay.implausible)"])
    table.add(["gaps of a day or more", "\(gaps)"])
    table.add(["estimate hash", hexadecimal(replay.hash)])
    return table.text
  }

  private static func text(_ estimate: Estimate) -> String {
    func share(_ value: StateOfCharge) -> String { percent(Double(value.partsPerMillion) * 1e-6) }
    return "\(share(estimate.stateOfCharge)) (\(share(estimate.lowestStateOfCharge)) to "
      + "\(share(estimate.highestStateOfCharge)))"
  }

  private func json(
    _ replay: Replay, _ profile: CellProfile, _ wall: Double, _ gaps: Int
  ) -> String {
    func fraction(_ value: StateOfCharge) -> JSONText {
      .number(Double(value.partsPerMillion) * 1e-6)
    }
    return JSONText.object([
      .init("cell", .string(cell)), .init("ticks", .integer(replay.samples)),
      .init("simulatedSeconds", .number(replay.duration)), .init("wallSeconds", .number(wall)),
      .init("stateOfCharge", RunSummary.json(of: replay.score)),
      .init("estimateHash", .string(hexadecimal(replay.hash))),
      .init(
        "landmarks",
        .array(
          replay.landmarks.map {
            .object([
              .init("kind", .string($0.kind.rawValue)), .init("seconds", .number($0.seconds)),
              .init("estimated", fraction($0.estimate.stateOfCharge)),
              .init("low", fraction($0.estimate.lowestStateOfCharge)),
              .init("high", fraction($0.estimate.highestStateOfCharge)),
            ])
          })),
      .init("implausible", .integer(replay.implausible)), .init("gaps", .integer(Int64(gaps))),
      .init("saturations", .integer(Int64(replay.saturations))),
    ]).text
  }
}

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
    name: .customLong("initial-error"), parsing: .unconditional,
    help: "How much too low the first state of charge is told; below 0 is too high. (default: 0%)",
    transform: ShareArgument.init(argument:))
  var initialError = ShareArgument(fraction: 0)
  @Option(
    help: "Estimates before this time are not in the error after convergence. (default: 1h)",
    transform: DurationArgument.init(argument:))
  var settle = DurationArgument(seconds: 3_600)
  @Option(help: "Write the log with estimate and interval to a BDF CSV file.") var output: String?
  @Option(help: "table or json.") var format = OutputFormat.table

  func run() throws {
    let description = try Cells.find(cell)
    let started = wallSeconds()
    var result = ReplayReport(file: file, cell: description.name, settleSeconds: settle.seconds)
    do throws(DataProblem) {
      // Before the cell's tables, which take a moment: a wrong file name shows at once.
      var log = try openLog()
      try replay(&log, with: try profile(of: description), into: &result)
    } catch {
      throw UserMistake.exit(error)
    }
    result.wallSeconds = wallSeconds() - started
    try report(format == .json ? result.json.text + "\n" : result.table)
  }

  private func openLog() throws(DataProblem) -> LogReader {
    let places: LogColumns =
      if let columns {
        try LogColumns(specification: columns, dischargePositive: dischargePositive)
      } else {
        LogColumns(dischargePositive: dischargePositive)
      }
    return try LogReader.open(file, columns: places)
  }

  private func profile(of description: CellDescription) throws(DataProblem) -> CellProfile {
    do {
      return try ProfileMaker.profile(for: description)
    } catch {
      throw DataProblem(.configuration, file: cell, message: error.description)
    }
  }

  private func replay(
    _ log: inout LogReader, with profile: CellProfile, into result: inout ReplayReport
  ) throws(DataProblem) {
    var writer: BDFWriter? = nil
    if let output {
      var columns: [BDFWriter.Column] = [.estimate, .interval]
      if log.hasTruth { columns.insert(.truth, at: 0) }
      if log.hasTemperature { columns.insert(.temperature, at: 0) }
      writer = try BDFWriter(path: output, columns: columns)
    }
    var replay: Replay?
    var bar = ProgressBar.standardError()
    defer { bar.finish() }
    let started = wallSeconds()
    while let row = try log.next() {
      if row.line & 0x3FF == 0 {
        bar.update(
          fraction: log.fractionRead, simulatedSeconds: replay?.duration ?? .nan,
          elapsedSeconds: wallSeconds() - started)
      }
      if let gap = row.gap { note(gap, at: row, &result) }
      var running = replay.take() ?? begin(at: row, profile, &result)
      let estimate: Estimate
      do throws(Replay.OutOfRange) {
        estimate = try running.feed(
          Replay.Sample(
            seconds: row.seconds, amperes: row.amperes, volts: row.volts, celsius: row.celsius,
            stateOfCharge: row.stateOfCharge))
      } catch {
        throw DataProblem(.badData, file: file, line: row.line, message: error.message)
      }
      replay = running
      guard writer != nil else { continue }
      var values: [Double?] = [estimate.middle, estimate.halfWidth]
      if log.hasTruth { values.insert(row.stateOfCharge, at: 0) }
      if log.hasTemperature { values.insert(row.celsius, at: 0) }
      try writer?.append(
        seconds: row.seconds, amperes: row.amperes, volts: row.volts, values: values)
    }
    replay?.finish()
    result.replay = replay
    try writer?.finish()
  }

  /// Starts a replay from its first row: from the truth where the log has it, else from the voltage,
  /// and off by what the user asked for.
  private func begin(
    at row: LogSample, _ profile: CellProfile, _ result: inout ReplayReport
  ) -> Replay {
    let likely = row.stateOfCharge ?? Self.openCircuitGuess(row.volts, profile)
    let guess = min(max(likely - initialError.fraction, 0), 1)
    result.firstGuess = guess
    result.firstTruth = row.stateOfCharge
    return Replay(
      profile: profile, stateOfCharge: guess, deviation: 0.3, settleSeconds: settle.seconds)
  }

  private func note(_ gap: Double, at row: LogSample, _ result: inout ReplayReport) {
    result.gaps += 1
    guard result.gaps <= 5 else { return }
    StandardError.write(
      "sodalite: \(file):\(row.line): \(number(gap / 86_400, 1)) days without a sample; "
        + "the estimate goes on as after a rest of unknown load\n")
  }

  private static func openCircuitGuess(_ volts: Double, _ profile: CellProfile) -> Double {
    let microvolts = Int32(min(max((volts * 1e6).rounded(), -2e9), 2e9))
    let guess = StateEstimator.stateOfCharge(atOpenCircuit: .microvolts(microvolts), profile)
    return Double(guess.partsPerMillion) * 1e-6
  }
}

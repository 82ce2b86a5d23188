// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellFitting
import Descriptions
import Foundation
import Telemetry

/// `sodalite fit`: a cell description from a user's cycler data.
struct Fit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Make a cell description from cycler data.",
    discussion: """
      Reads BDF CSV, or any CSV with --columns, as 'replay' does; all files are of one cell. Best are a \
      slow discharge and charge over the whole window and pulses with rests; at least a step of the \
      current is needed. What the data do not determine is held near a prior and named. Positive current \
      charges.

      EXAMPLE: sodalite fit slow.csv pulses.csv --lower-cutoff 2V --upper-cutoff 4.2V --output cell.yaml
      """)

  @Argument(help: "The records of one cell.") var files: [String]
  @Option(help: "The description's name; the first file's by default.") var name: String?
  @Option(help: "Where the data come from, for the description.") var source: String?
  @Option(help: "Which column is what: time=NAME,current=NAME,voltage=NAME[,temperature=,truth=].")
  var columns: String?
  @Flag(
    name: .customLong("discharge-positive"), help: "Positive current discharges in these files.")
  var dischargePositive = false
  @Option(
    name: .customLong("lower-cutoff"), help: "Such as 2V. (default: the lowest voltage recorded)",
    transform: QuantityArgument.volts)
  var lowerCutoff: Double?
  @Option(
    name: .customLong("upper-cutoff"),
    help: "Such as 4.2V. (default: the highest voltage recorded)",
    transform: QuantityArgument.volts)
  var upperCutoff: Double?
  @Option(
    help:
      "The charge between the cut-offs at rest, such as 1.5Ah, where it is known from elsewhere.",
    transform: QuantityArgument.ampereHours)
  var capacity: Double?
  @Option(
    help: "The cathode's half-cell curve: FILE, or FILE:CONTENT,VOLTAGE with its columns' names.")
  var cathode: String?
  @Option(
    help: "The anode's half-cell curve: FILE, or FILE:CONTENT,VOLTAGE with its columns' names.")
  var anode: String?
  @Option(help: "Write the description to a YAML file.") var output: String?
  @Option(help: "Draw the fit into a folder, with gnuplot.") var plot: String?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    if (cathode == nil) != (anode == nil) {
      throw ValidationError("--cathode and --anode go together: one half-cell curve tells nothing")
    }
  }

  func run() throws {
    let result: FitResult
    var bar = ProgressBar.standardError()
    let started = wallSeconds()
    do throws(DataProblem) {
      let records = try read(&bar, started)
      bar.finish()
      result = try fit(records)
    } catch {
      bar.finish()
      throw UserMistake.exit(error)
    }
    let reports = FitReport(result: result, files: files)
    if let output { try write(FitDescription.yaml(of: result), to: output) }
    try report(format == .json ? reports.json.text + "\n" : reports.table)
    if let plot { try FitPlots.draw(result, into: plot) }
  }

  private func read(
    _ bar: inout ProgressBar, _ started: Double
  ) throws(DataProblem) -> [FitRecord] {
    let places: LogColumns =
      if let columns {
        try LogColumns(specification: columns, dischargePositive: dischargePositive)
      } else {
        LogColumns(dischargePositive: dischargePositive)
      }
    var records: [FitRecord] = []
    for (index, file) in files.enumerated() {
      var log = try LogReader.open(file, columns: places)
      var samples: [FitRecord.Sample] = []
      while let row = try log.next() {
        if row.line & 0xFFF == 0 {
          bar.update(
            fraction: (Double(index) + log.fractionRead) / Double(files.count),
            simulatedSeconds: .nan, elapsedSeconds: wallSeconds() - started)
        }
        samples.append(
          FitRecord.Sample(
            seconds: row.seconds, amperes: row.amperes, volts: row.volts, line: row.line))
      }
      records.append(FitRecord(name: file, samples: samples))
    }
    return records
  }

  private func fit(_ records: [FitRecord]) throws(DataProblem) -> FitResult {
    let first = URL(fileURLWithPath: files[0]).deletingPathExtension().lastPathComponent
    let names = files.map { URL(fileURLWithPath: $0).lastPathComponent }.joined(separator: ", ")
    var request = CellFit.Request(
      name: name ?? first, source: source ?? "fitted to \(names)", lowerCutoffVolts: lowerCutoff,
      upperCutoffVolts: upperCutoff, capacityAmpereHours: capacity)
    if let cathode, let anode {
      request.halfCells = (
        try HalfCellFile.read(cathode, option: "--cathode"),
        try HalfCellFile.read(anode, option: "--anode")
      )
    }
    do throws(FitRefusal) {
      return try CellFit.run(records, request) { step in
        if isTerminal { StandardError.write("fitting: \(step)\n") }
      }
    } catch {
      throw DataProblem(
        .badData, file: error.record ?? files.joined(separator: ", "), line: error.line,
        message: error.message)
    }
  }

  /// Progress is for people; a log has no use for it.
  private var isTerminal: Bool { isatty(2) == 1 }

  private func write(_ text: String, to path: String) throws {
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw UserMistake.exit("\(path): cannot write: \(error.localizedDescription)", code: 74)
    }
  }
}

/// Quantities with units on the command line.
enum QuantityArgument {
  static func volts(_ text: String) throws -> Double { try value(text, .voltage, "2.5V") }
  static func ampereHours(_ text: String) throws -> Double { try value(text, .charge, "1.5Ah") }

  private static func value(
    _ text: String, _ kind: QuantityKind, _ example: String
  ) throws -> Double {
    guard case .success(let value) = QuantityText.parse(text, as: kind), value > 0 else {
      throw ValidationError("a positive number with a unit would be right, such as \(example)")
    }
    return value
  }
}

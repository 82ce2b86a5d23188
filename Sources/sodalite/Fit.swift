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

  @Argument(
    help: "The records of one cell; FILE@TIME, such as log.csv@12h, is a file's rows before a time."
  )
  var files: [String]
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
    help: ArgumentHelp(
      "The cathode's half-cell curve: FILE, FILE:CONTENT,VOLTAGE with its columns' names, or "
        + HalfCellFile.names.cathode.joined(separator: ", ") + "."))
  var cathode: String?
  @Option(
    help: "The anode's half-cell curve: FILE, FILE:CONTENT,VOLTAGE, or hard-carbon.")
  var anode: String?
  @Option(help: "What the description is made of: circuit or electrodes. (default: circuit)")
  var model: DescriptionForm = .circuit
  @Option(help: "Write the description to a YAML file.") var output: String?
  @Option(help: "Draw the fit into a folder, with gnuplot.") var plot: String?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    if (cathode == nil) != (anode == nil) {
      throw ValidationError("--cathode and --anode go together: one half-cell curve tells nothing")
    }
    if model == .electrodes, cathode == nil {
      throw ValidationError(
        "--model electrodes needs half-cell curves: a full cell alone does not tell its electrodes "
          + "apart; give --cathode and --anode")
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
    if let output {
      try write(FitDescription.yaml(of: result, command: CommandLine.arguments), to: output)
    }
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
    for (index, argument) in files.enumerated() {
      let (file, end) = try Self.part(argument)
      var log = try LogReader.open(file, columns: places)
      var samples: [FitRecord.Sample] = []
      while let row = try log.next(), row.seconds < end {
        if row.line & 0xFFF == 0 {
          bar.update(
            fraction: (Double(index) + log.fractionRead) / Double(files.count),
            simulatedSeconds: .nan, elapsedSeconds: wallSeconds() - started)
        }
        samples.append(
          FitRecord.Sample(
            seconds: row.seconds, amperes: row.amperes, volts: row.volts, line: row.line,
            celsius: row.celsius))
      }
      records.append(FitRecord(name: file, samples: samples))
    }
    return records
  }

  /// A file, and the time before which its rows count.
  private static func part(_ argument: String) throws(DataProblem) -> (file: String, end: Double) {
    guard let sign = argument.lastIndex(of: "@"),
      !FileManager.default.fileExists(atPath: argument)
    else { return (argument, .infinity) }
    let text = String(argument[argument.index(after: sign)...])
    do {
      return (
        String(argument[..<sign]), try DurationArgument(argument: text).seconds
      )
    } catch {
      throw DataProblem(
        .usage, file: argument, message: "'\(text)' is no time; expected one such as 12h or 600s")
    }
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
      request.form = model == .electrodes ? .electrodes : .circuit
    }
    var progress = FitProgress()
    do throws(FitRefusal) {
      return try CellFit.run(records, request) { progress.tell($0) }
    } catch {
      throw DataProblem(
        .badData, file: error.record ?? files.joined(separator: ", "), line: error.line,
        message: error.message)
    }
  }

  private func write(_ text: String, to path: String) throws {
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw UserMistake.exit("\(path): cannot write: \(error.localizedDescription)", code: 74)
    }
  }
}

/// Says what a fit is doing: at once on a terminal, and in a log only of a fit that takes long.
private struct FitProgress {
  private let started = wallSeconds()
  private var told = wallSeconds()
  private let isTerminal = isatty(2) == 1
  /// A log is told no more often. Unit: s.
  private static let longest = 20.0

  mutating func tell(_ step: String) {
    let now = wallSeconds()
    guard isTerminal || now - told > Self.longest else { return }
    told = now
    StandardError.write("sodalite: fitting, \(number(now - started, 0)) s: \(step)\n")
  }
}

/// What a description is made of.
enum DescriptionForm: String, CaseIterable, ExpressibleByArgument {
  case circuit
  case electrodes
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

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Telemetry

/// `sodalite cycle`: the cell alone under a cycler protocol.
struct Cycle: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a cell alone under a cycler protocol, as a laboratory would.",
    discussion: """
      Each step is one argument in quotes, as PyBaMM's users write them: "Charge at C/2 until 4.2 V", \
      "Discharge at 1.5 A for 30 minutes or until 2.5 V", "Hold at 4.2 V until 50 mA", "Rest for 1 \
      hour", "Discharge at 2 W until 2 V or 10 minutes". 1C is the cell's rated capacity in an hour. \
      No chance is involved: the same steps give the same result.
      """)

  @Argument(help: ArgumentHelp("What to do, in this order.", valueName: "step"))
  var steps: [String]
  @Option(help: "A built-in cell or the path of a .yaml description.") var cell = "nfm-pb-1-hc"
  @Option(name: .customLong("repeat"), help: "How many times to run the whole list.")
  var rounds = 1
  @Option(
    name: .customLong("start-state-of-charge"), parsing: .unconditional,
    help: "How full the rested cell is at first. (default: 100%)",
    transform: ShareArgument.init(argument:))
  var start = ShareArgument(fraction: 1)
  @Option(
    parsing: .unconditional, help: "The temperature around the cell in degrees Celsius, -30 to 60.")
  var ambient = 25.0
  @Option(help: "Write the test to a BDF CSV file.") var output: String?
  @Option(
    help: "The time between rows of the file. (default: 10s)",
    transform: DurationArgument.init(argument:))
  var period = DurationArgument(seconds: 10)
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard (1...100_000).contains(rounds) else {
      throw ValidationError("--repeat \(rounds): 1 to 100000 would be right")
    }
    guard start.fraction >= 0 else {
      throw ValidationError("--start-state-of-charge \(start): 0% to 100% would be right")
    }
    guard (-30...60).contains(ambient) else {
      throw ValidationError("--ambient \(ambient): -30 to 60 would be right")
    }
  }

  func run() throws {
    let steps = try readSteps()
    let description = try Cells.find(cell)
    var cycler: CyclerRun
    var cell: Cell
    do {
      cycler = try CyclerRun(steps: steps, for: description)
      cell = try Cell(
        description, stateOfCharge: start.fraction, temperatureCelsius: ambient)
    } catch let problem as CyclerProtocolError {
      throw UserMistake.exit(
        "step \(problem.step) '\(self.steps[problem.step - 1])': \(problem.message)", code: 64)
    } catch {
      throw UserMistake.exit("\(self.cell): \(error)", code: 78)
    }
    cycler.samplingSeconds = period.seconds
    var result = CycleReport(
      cell: description, steps: steps, startStateOfCharge: start.fraction, ambientCelsius: ambient)
    let started = wallSeconds()
    do {
      try run(cycler, on: &cell, into: &result)
    } catch {
      throw UserMistake.exit(error)
    }
    result.endStateOfCharge = cell.stateOfCharge
    result.wallSeconds = wallSeconds() - started
    try report(format == .json ? result.json.text + "\n" : result.table)
    if let stop = result.stop { throw UserMistake.exit(stop, code: 65) }
  }

  /// Reads the steps; the first that is wrong is shown with a mark under the wrong word.
  private func readSteps() throws -> [CyclerStep] {
    var steps: [CyclerStep] = []
    for (index, text) in self.steps.enumerated() {
      do {
        steps.append(try CyclerStep.parse(text))
      } catch {
        let shown = text.map { $0.isWhitespace ? " " : String($0) }.joined()
        throw UserMistake.exit(
          "step \(index + 1), column \(error.column): \(error.message); expected \(error.expected)\n"
            + "  \(shown)\n  \(String(repeating: " ", count: error.column - 1))^", code: 64)
      }
    }
    return steps
  }

  private func run(
    _ cycler: CyclerRun, on cell: inout Cell, into result: inout CycleReport
  ) throws(DataProblem) {
    var writer: BDFWriter? = nil
    if let output { writer = try BDFWriter(path: output, columns: Self.columns) }
    var bar = ProgressBar.standardError()
    defer { bar.finish() }
    let started = wallSeconds()
    var samples = 0
    for round in 1...rounds {
      let offset = result.seconds
      let summaries = try cycler.run(on: &cell, ambientCelsius: ambient) {
        (sample: CyclerSample) throws(DataProblem) in
        try writer?.append(
          seconds: offset + sample.testSeconds, amperes: sample.amperes, volts: sample.volts,
          Double(round), Double(sample.step), sample.temperatureCelsius, sample.stateOfCharge)
        samples += 1
        if samples & 0x3F == 0 {
          let done = Double(sample.step - 1) / Double(cycler.steps.count)
          bar.update(
            fraction: (Double(round - 1) + done) / Double(rounds),
            simulatedSeconds: offset + sample.testSeconds, elapsedSeconds: wallSeconds() - started)
        }
      }
      result.add(round: round, summaries)
      if result.stop != nil { break }
    }
    try writer?.finish()
  }

  private static let columns: [BDFWriter.Column] = [
    .init("Cycle Count / 1", decimals: 0), .init("Step Count / 1", decimals: 0), .temperature,
    .truth,
  ]
}

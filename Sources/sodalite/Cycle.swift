// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Telemetry

/// `sodalite cycle`: the cell alone under a cycler protocol.
struct Cycle: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a cell alone under a cycler protocol, as a laboratory would.",
    discussion: """
      Each step is one argument in quotes: "Charge at C/2 until 4.2 V", "Charge at C/2 to 4.2 V until \
      C/20" (with a hold at 4.2 V), "Discharge at 1.5 A for 30 minutes or until 2.5 V", "Discharge at \
      10 mA/g until 500 mAh", "Discharge at 2 W until 2 V or above 45 degC", "Discharge at 5 ohm until \
      2 V and 10 minutes", "Hold at 4.2 V until 50 mA", "Rest for 1 hour", "Sweep to 4.2 V at 0.1 \
      mV/s", "Discharge at C/20 in pulses of 20 min with rests of 2 hours until 2 V", "Follow reversed \
      current from us06.csv", "Label cool", "Go to cool if above 45 degC". 1C is the cell's rated \
      capacity in an hour. A protocol file in YAML has the same steps and blocks of them with "repeat" \
      or "cycles"; see Protocols. No chance is involved: the same steps give the same result.
      """)

  @Argument(help: ArgumentHelp("What to do, in this order.", valueName: "step"))
  var steps: [String] = []
  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp("Take the steps from a YAML file.", valueName: "file"))
  var file: String?
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
  @Option(help: "The cycles to write and to tell of in full: all, last, or 1,10,100.")
  var record = RecordArgument.all
  @Option(
    help: "Begin with a history, such as 200cycles, 2y or 200cycles,365d.",
    transform: AgeArgument.init(argument:))
  var age: AgeArgument?
  @Flag(help: "Let the cell wear during the run.") var wear = false
  @Option(help: "The cathode's active mass in g, for values per gram.") var mass: Double?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard steps.isEmpty != (file == nil) else {
      throw ValidationError("steps or --protocol FILE would be right, one of them")
    }
    if let mass, !(mass > 0 && mass <= 1e6) {
      throw ValidationError("--mass \(mass): a mass above 0 g would be right")
    }
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
    var plan = try file.map(CycleProtocol.init(file:)) ?? CycleProtocol(words: steps)
    if rounds > 1 { plan.repeatAll(rounds) }
    let description = try Cells.find(cell)
    var cycler = try plan.run(for: description, cathodeGrams: mass)
    cycler.samplingSeconds = output == nil ? .infinity : period.seconds
    var cell = try makeCell(description)
    var result = CycleReport(
      cell: description, steps: cycler.steps, startStateOfCharge: start.fraction,
      ambientCelsius: ambient, keepsSteps: record.keeps)
    let started = wallSeconds()
    do {
      try run(cycler, on: &cell, into: &result)
    } catch {
      throw UserMistake.exit(error)
    }
    result.endStateOfCharge = cell.stateOfCharge
    if let age = try cell.age ?? age?.state(of: description) {
      do {
        result.health = try description.healthText(after: age)
      } catch {
        result.health = "nothing is left of the cell: \(error)\n"
      }
    }
    result.wallSeconds = wallSeconds() - started
    try report(format == .json ? result.json.text + "\n" : result.table)
    if let stop = result.stop { throw UserMistake.exit(stop, code: 65) }
  }

  /// The cell at rest, as old as it is said to be.
  private func makeCell(_ description: CellDescription) throws -> Cell {
    do {
      guard wear || age != nil else {
        return try Cell(
          description, stateOfCharge: start.fraction, temperatureCelsius: ambient)
      }
      let age = try (self.age ?? AgeArgument(argument: "0h")).state(of: description)
      let old = description.aged(by: age)
      guard wear else {
        return try Cell(old, stateOfCharge: start.fraction, temperatureCelsius: ambient)
      }
      let volts = try CellEquilibrium(old).volts(stateOfCharge: start.fraction)
      return try Cell(
        description, age: age,
        restingAtVolts: min(max(volts, description.lowerCutoffVolts), description.upperCutoffVolts),
        temperatureCelsius: ambient)
    } catch let error as CellError {
      throw UserMistake.exit("\(cell): \(error)", code: 78)
    }
  }

  private func run(
    _ cycler: CyclerRun, on cell: inout Cell, into result: inout CycleReport
  ) throws(DataProblem) {
    var writer: BDFWriter? = nil
    if let output { writer = try BDFWriter(path: output, columns: Self.columns) }
    var bar = ProgressBar.standardError()
    defer { bar.finish() }
    let started = wallSeconds()
    var progress = cycler.start
    // The rows of the present cycle, where only the last one is asked for.
    var waiting: [CyclerSample] = []
    while true {
      let step = try cycler.next(&progress, on: &cell, ambientCelsius: ambient) {
        (sample: CyclerSample) throws(DataProblem) in
        if record == .last {
          if waiting.last.map({ $0.cycle != sample.cycle }) ?? false { waiting.removeAll() }
          if output != nil { waiting.append(sample) }
        } else if record.keeps(sample.cycle) {
          try Self.write(sample, to: &writer)
        }
      }
      guard let step else { break }
      result.add(step)
      if cycler.isAtCycleEnd(progress) { result.setHealth(cycler.health(of: cell)) }
      bar.update(
        fraction: Double(step.cycle) / Double(max(cycler.plannedCycles, 1)),
        simulatedSeconds: progress.testSeconds, elapsedSeconds: wallSeconds() - started,
        note: note(step, cycler, result))
      if !step.end.isExpected { break }
    }
    for sample in waiting { try Self.write(sample, to: &writer) }
    try writer?.finish()
  }

  private func note(
    _ step: CyclerStepSummary, _ cycler: CyclerRun, _ result: CycleReport
  ) -> String {
    let health = result.cycles.last?.health ?? result.cycles.dropLast().last?.health
    return "cycle \(step.cycle) of \(cycler.plannedCycles)"
      + (health.map { ", health \(number($0 * 100, 1)) %" } ?? "")
  }

  private static func write(
    _ sample: CyclerSample, to writer: inout BDFWriter?
  ) throws(DataProblem) {
    try writer?.append(
      seconds: sample.testSeconds, amperes: sample.amperes, volts: sample.volts,
      Double(sample.cycle), Double(sample.step), sample.temperatureCelsius, sample.stateOfCharge)
  }

  private static let columns: [BDFWriter.Column] = [
    .init("Cycle Count / 1", decimals: 0), .init("Step Count / 1", decimals: 0), .temperature,
    .truth,
  ]
}

/// Which cycles are written and told of in full.
enum RecordArgument: ExpressibleByArgument, Equatable {
  case all
  case last
  case some([Int])

  init?(argument: String) {
    switch argument {
    case "all": self = .all
    case "last": self = .last
    default:
      let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
      let numbers = parts.compactMap { Int($0) }
      guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
      self = .some(numbers)
    }
  }

  var defaultValueDescription: String { "all" }

  /// Whether a cycle is kept when the next one begins.
  func keeps(_ cycle: Int) -> Bool {
    switch self {
    case .all: true
    case .last: false
    case .some(let cycles): cycles.contains(cycle)
    }
  }
}

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
  @Option(help: "Write the test to a BDF CSV file as it is made.") var output: String?
  @Option(help: "Write a row for each cycle to a CSV file as it is made.") var summary: String?
  @Option(
    help: "The time between rows of the file. (default: 10s)",
    transform: DurationArgument.init(argument:))
  var period = DurationArgument(seconds: 10)
  @Option(help: "The cycles to write and to tell of in full: all, last, or 1,10,100.")
  var record = RecordArgument.all
  @Option(
    help:
      "Begin with a history, such as 200cycles, 2y or 200cycles,365d, or one from a .yaml file.",
    transform: AgeArgument.init(argument:))
  var age: AgeArgument?
  @Flag(help: "Let the cell wear during the run.") var wear = false
  @Option(
    name: .customLong("save-age"),
    help: ArgumentHelp("Write the history at the end to a .yaml file.", valueName: "file"))
  var ageFile: String?
  @Option(
    help: ArgumentHelp(
      "Keep the state of the run in a file, at ends of cycles and when it is stopped.",
      valueName: "file"))
  var checkpoint: String?
  @Option(
    name: .customLong("continue"),
    help: ArgumentHelp(
      "Go on with a run from its checkpoint, to the same bytes; takes no other options.",
      valueName: "file"))
  var continuation: String?
  @Option(help: "The cathode's active mass in g, for values per gram.") var mass: Double?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard continuation != nil || steps.isEmpty != (file == nil) else {
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
    try validateFiles()
  }

  private func validateFiles() throws {
    if let ageFile {
      guard ageFile.hasSuffix(".yaml") || ageFile.hasSuffix(".yml") else {
        throw ValidationError("--save-age \(ageFile): a name that ends with .yaml would be right")
      }
      guard wear || age != nil else {
        throw ValidationError("--save-age takes a cell with a history: add --wear or --age")
      }
    }
    let files = [output, summary, ageFile, checkpoint].compactMap { $0 }
    guard Set(files).count == files.count else {
      throw ValidationError("each file needs a name of its own")
    }
    guard checkpoint != nil else { return }
    for file in [output, summary].compactMap({ $0 }) where GrowingLog.isDevice(file) {
      throw ValidationError(
        "\(file) cannot be gone on with; with --checkpoint an ordinary file would be right")
    }
  }

  func run() throws {
    StopRequest.watch()
    let given = Array(CommandLine.arguments.dropFirst(2))
    guard let continuation else {
      var session = try CycleSession.make(CycleSetup(self, arguments: given), from: nil)
      return try session.run()
    }
    guard given == ["--continue", continuation] || given == ["--continue=\(continuation)"] else {
      throw ValidationError("--continue takes all options from its file; leave out the others")
    }
    let kept: CycleCheckpoint
    do {
      kept = try CycleCheckpoint(reading: continuation)
    } catch {
      throw UserMistake.exit(error)
    }
    var command = try Self.parse(kept.arguments)
    command.checkpoint = continuation
    let setup = try CycleSetup(command, arguments: kept.arguments)
    try setup.check(kept)
    var session = try CycleSession.make(setup, from: kept)
    try session.run()
  }
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

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellEstimation
import CellSimulation
import ChipEmulators
import Firmware
import Quantities
import Simulation
import Telemetry

/// The chips by their names on the command line.
enum ChipArgument: String, CaseIterable, ExpressibleByArgument {
  case ina228TMP117 = "ina228+tmp117"
  case ina226TMP117 = "ina226+tmp117"
  case ina226ADS1115 = "ina226+ads1115"

  var set: ChipSet {
    switch self {
    case .ina228TMP117: .ina228TMP117
    case .ina226TMP117: .ina226TMP117
    case .ina226ADS1115: .ina226ADS1115
    }
  }
}

/// `sodalite simulate`: firmware, emulated chips and cell in one loop.
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run firmware, emulated chips and a cell in one loop; compare estimate with truth.",
    discussion: """
      Without options: eight mixed cycles (drive, full and partial charges, rests), 34 h at 1 Hz, on \
      a 1.5 Ah sodium-ion cell with an INA228 and a TMP117, started 30 % wrong. The same seed gives \
      the same result on every machine.
      """)

  @Option(parsing: .unconditional, help: "The seed of everything random.") var seed: UInt64 = 1
  @Option(help: "Run the seeds A-B instead and pool their errors.") var seeds: String?
  @Option(
    help: "Simulated time, such as 90min or 3600s. (default: 34h)",
    transform: DurationArgument.init(argument:))
  var duration = DurationArgument(seconds: 122_400)
  @Option(help: "A built-in cell or the path of a .yaml description.") var cell = "nfm-pb-1-hc"
  @Option(help: "The chips on the board.") var chips = ChipArgument.ina228TMP117
  @Option(
    help:
      "A board with its own chips, cell and limits instead: a name, or the path of a board.yaml.")
  var board: String?
  @Option(
    name: .customLong("initial-error"), parsing: .unconditional,
    help:
      "How much too low the firmware's first state of charge is; below 0 is too high. (default: 30%)",
    transform: ShareArgument.init(argument:))
  var initialError = ShareArgument(fraction: 0.3)
  @Option(help: EstimatorArgument.help) var estimator: EstimatorArgument?
  @Flag(
    name: .customLong("age-unknown"),
    help: "Tell the estimator that the cell can be of any age; it believes in a new one.")
  var ageUnknown = false
  @Option(help: "Ticks per second, 0.1 to 10.") var rate = 1.0
  @Option(help: "How far the true cell is from the nominal one; 0 equal, 1 usual.")
  var mismatch = 1.0
  @Option(
    help: """
      Give the true cell a history, such as 200cycles, 2y or 200cycles,365d, or one from a .yaml file; \
      the firmware is told nothing of it.
      """,
    transform: AgeArgument.init(argument:))
  var age: AgeArgument?
  @Option(
    parsing: .unconditional, help: "The temperature around the cell in degrees Celsius, -30 to 60.")
  var ambient = 25.0
  @Option(name: .customLong("bus-faults"), help: "The probability of each kind of transfer fault.")
  var busFaults = 0.0
  @Option(
    help: """
      swarm: many runs from --seed on, in each of which something else goes wrong. bus: what it costs \
      the estimate that 1 % of the transfers fail and 0.1 % are corrupted. reaction: how long each \
      protection takes, beside what is stated.
      """)
  var faults: FaultArgument?
  @Option(help: "How many runs, with --faults.") var runs = 100
  @Option(help: "Write every tick to a BDF CSV file.") var output: String?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard (0.1...10).contains(rate) else {
      throw ValidationError("--rate \(rate): 0.1 to 10 ticks per second would be right")
    }
    guard (0...2).contains(mismatch) else {
      throw ValidationError("--mismatch \(mismatch): 0 to 2 would be right")
    }
    guard (-30...60).contains(ambient) else {
      throw ValidationError("--ambient \(ambient): -30 to 60 would be right")
    }
    guard (0...0.15).contains(busFaults) else {
      throw ValidationError("--bus-faults \(busFaults): 0 to 0.15 would be right")
    }
    guard seed <= Int64.max else {
      throw ValidationError("--seed \(seed): 0 to \(Int64.max) would be right")
    }
    _ = try seedRange()
    guard (1...10_000_000).contains(runs) else {
      throw ValidationError("--runs \(runs): 1 to 10000000 would be right")
    }
    let isSwarm = faults == .swarm || faults == .reaction
    guard board == nil || (cell == "nfm-pb-1-hc" && chips == .ina228TMP117 && !isSwarm) else {
      throw ValidationError(
        "--board has its own cell and chips; leave out --cell, --chips, and --faults swarm or reaction"
      )
    }
    guard !isSwarm || (seeds == nil && output == nil && age == nil) else {
      throw ValidationError(
        "--faults swarm and reaction take --seed and --runs; leave out --seeds, --output and --age")
    }
    guard faults != .bus || (output == nil && busFaults == 0) else {
      throw ValidationError(
        "--faults bus has its own rates and runs; leave out --bus-faults and --output")
    }
    guard output == nil || seeds == nil else {
      throw ValidationError("--output takes one run; leave out --seeds")
    }
  }

  private func seedRange() throws -> ClosedRange<UInt64> {
    guard let seeds else { return seed...seed }
    let parts = seeds.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = UInt64(parts[0]), let last = UInt64(parts[1]),
      first <= last, last - first < 1_000
    else {
      throw ValidationError("--seeds \(seeds): A-B with A <= B would be right, as in 101-120")
    }
    return first...last
  }

  func run() throws {
    let choice = try board.map(BoardChoice.find)
    let description = try choice?.cell ?? Cells.find(cell)
    let runSeeds = seed..<seed + UInt64(runs)
    if faults == .swarm {
      return try SwarmCommand(description: description, seeds: runSeeds, format: format).run()
    }
    if faults == .reaction {
      return try ReactionCommand(description: description, seeds: runSeeds, format: format).run()
    }
    let age = try age?.state(of: description)
    let range = try seedRange()
    let tables = try EstimatorTables(
      description, named: choice?.board.name ?? cell, estimator ?? .usual(for: description))
    if faults == .bus {
      return try BusFaultCommand(seeds: range, format: format).run { seed, rates in
        try runOne(description, choice, age, tables, seed: seed, faults: rates)
      }
    }
    let rates = busFaults > 0 ? FaultRates.all(busFaults) : nil
    var pooled = AccuracyScore()
    var results: [JSONText] = []
    for seed in range {
      let summary = try runOne(description, choice, age, tables, seed: seed, faults: rates)
      pooled.add(summary.score)
      if format == .json {
        results.append(summary.json)
      } else {
        try report(seeds == nil ? summary.table : summary.line + "\n")
      }
    }
    guard seeds != nil else {
      if format == .json { try report(results.map { $0.text + "\n" }.joined()) }
      return
    }
    if format == .json {
      let members: [JSONText.Member] = [
        .init("runs", .array(results)), .init("pooled", RunSummary.json(of: pooled)),
      ]
      try report(JSONText.object(members).text + "\n")
    } else {
      try report("pooled: \(RunSummary.text(of: pooled))\n")
    }
  }

  private func runOne(
    _ description: CellDescription, _ choice: BoardChoice?, _ age: AgeingState?,
    _ tables: EstimatorTables, seed: UInt64, faults: FaultProbabilities?
  ) throws -> RunSummary {
    var setup =
      choice.map { RigSetup(board: $0.board, cell: description, seed: seed) }
      ?? RigSetup(cell: description, seed: seed)
    setup.age = age
    setup.chips = chips.set
    setup.mismatch = mismatch
    setup.period = 1 / rate
    setup.initialError = -initialError.fraction
    setup.ambientCelsius = ambient
    setup.faults = faults
    let health = try age.map(description.health)
    if let lifelong = tables.lifelong(
      setup.firstGuess, deviation: RigSetup.guessDeviation, isNew: !ageUnknown)
    {
      return try play(setup, lifelong, health)
    }
    return try play(
      setup, tables.plain(setup.firstGuess, deviation: RigSetup.guessDeviation), health)
  }

  private func play<Estimator: FirmwareEstimator>(
    _ setup: RigSetup, _ estimator: Estimator, _ health: AgeingHealth?
  ) throws -> RunSummary {
    let started = wallSeconds()
    var rig: Rig<Estimator>
    do {
      rig = try Rig(setup, estimator: estimator)
    } catch {
      throw UserMistake.exit("\(board ?? cell): \(error)", code: 78)
    }
    let ticks = max(Int((duration.seconds * rate).rounded()), 1)
    var summary = RunSummary(seed: setup.seed, cell: setup.cell.name, seconds: duration.seconds)
    summary.firstGuess = Double(setup.firstGuess.partsPerMillion) * 1e-6
    summary.firstTruth = setup.startStateOfCharge
    summary.trueCapacity = rig.capacityAmpereHours
    summary.health = health
    var bar = ProgressBar.standardError()
    var writer: BDFWriter? = nil
    do {
      if let output {
        writer = try BDFWriter(
          path: output, columns: [.temperature, .truth, .estimate, .interval])
      }
      for tick in 0..<ticks {
        let moment = rig.step()
        summary.add(moment)
        try writer?.append(
          seconds: moment.seconds, amperes: moment.amperes, volts: moment.volts, moment.celsius,
          moment.stateOfCharge, summary.lastEstimate, summary.lastHalfWidth)
        if tick & 0x3FF == 0x3FF {
          bar.update(
            fraction: Double(tick) / Double(ticks), simulatedSeconds: moment.seconds,
            elapsedSeconds: wallSeconds() - started)
        }
      }
      try writer?.finish()
    } catch {
      bar.finish()
      throw UserMistake.exit(error)
    }
    bar.finish()
    summary.ticks = ticks
    summary.wallSeconds = wallSeconds() - started
    summary.faults = rig.seenFaults
    summary.injected = rig.injected
    summary.saturations = rig.saturations
    summary.prognosis = rig.prognosis()
    return summary
  }
}

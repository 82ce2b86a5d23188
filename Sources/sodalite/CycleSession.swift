// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Descriptions
import Telemetry

/// What a run of `cycle` is made of, and what does not change while it goes on.
struct CycleSetup {
  let command: Cycle
  /// The arguments from which the command was made.
  let arguments: [String]
  let description: CellDescription
  /// The history the cell begins with; nil for a new cell that does not wear.
  let age: AgeingState?
  let cycler: CyclerRun
  /// What cell and protocol are, so that no others take their place when the run goes on.
  let cellHash: UInt64
  let protocolHash: UInt64

  init(_ command: Cycle, arguments: [String]) throws {
    self.command = command
    self.arguments = arguments
    var plan =
      try command.file.map(CycleProtocol.init(file:)) ?? CycleProtocol(words: command.steps)
    if command.rounds > 1 { plan.repeatAll(command.rounds) }
    description = try Cells.find(command.cell)
    var cycler = try plan.run(for: description, cathodeGrams: command.mass)
    cycler.samplingSeconds = command.output == nil ? .infinity : command.period.seconds
    self.cycler = cycler
    age = try command.startAge(of: description)
    // The text of a value has all of its fields, and numbers in it are exact.
    cellHash = WordsFile.hash("\(description) \(String(describing: age))")
    protocolHash = WordsFile.hash(cycler.identity)
  }

  /// Refuses a checkpoint of another run.
  func check(_ checkpoint: CycleCheckpoint) throws {
    guard checkpoint.cellHash == cellHash else {
      throw UserMistake.exit(
        "\(command.cell): the cell or its age is not what it was when the run began", code: 65)
    }
    guard checkpoint.protocolHash == protocolHash else {
      throw UserMistake.exit(
        "\(command.file ?? "the steps"): the protocol is not what it was when the run began",
        code: 65)
    }
  }
}

/// One run of `cycle`, from its first step or from where it was stopped.
struct CycleSession: ~Copyable {
  private let setup: CycleSetup
  private var command: Cycle { setup.command }
  private var cycler: CyclerRun { setup.cycler }

  private var cell: Cell
  private var progress: CyclerRun.Progress
  private var result: CycleReport
  private var files: CycleFiles

  /// The time that passed before this process took over, and when it did. Unit: s.
  private var earlierSeconds = 0.0
  private let started = wallSeconds()
  private var lastCheckpoint = -Double.infinity
  /// A stop without notice costs no more than this. Unit: s.
  private static let checkpointSeconds = 1.0

  /// Begins a run, or takes up the one of a checkpoint.
  static func make(_ setup: CycleSetup, from checkpoint: CycleCheckpoint?) throws -> CycleSession {
    let cell = try setup.command.makeCell(setup.description, age: setup.age)
    let files: CycleFiles
    do {
      files = try CycleFiles(setup.command, at: checkpoint?.positions)
    } catch {
      throw UserMistake.exit(error)
    }
    var session = CycleSession(setup, cell, files)
    guard let checkpoint else { return session }
    var words = StateWords(reading: checkpoint.state)
    session.exchange(&words)
    guard words.isComplete else {
      throw UserMistake.exit("the checkpoint is of another version of sodalite", code: 65)
    }
    return session
  }

  private init(_ setup: CycleSetup, _ cell: Cell, _ files: consuming CycleFiles) {
    self.setup = setup
    self.cell = cell
    self.files = files
    progress = setup.cycler.start
    result = CycleReport(
      cell: setup.description, steps: setup.cycler.steps,
      startStateOfCharge: setup.command.start.fraction, ambientCelsius: setup.command.ambient,
      record: setup.command.record, isForPrograms: setup.command.format == .json)
  }

  /// Passes all that changes while the run goes on.
  private mutating func exchange(_ words: inout StateWords) {
    cell.exchange(&words)
    progress.exchange(&words)
    result.exchange(&words)
    files.exchange(&words)
    var seconds = earlierSeconds + (words.isReading ? 0 : wallSeconds() - started)
    words.field(&seconds)
    if words.isReading { earlierSeconds = seconds }
  }

  /// Runs to the end of the protocol, or until a signal asks to stop; tells how it went.
  mutating func run() throws {
    let request: StopRequest?
    do throws(DataProblem) {
      try keepCheckpoint()
      request = try runSteps()
      try keepCheckpoint()
      if let last = result.cycles.last { try files.add(last, testSeconds: result.seconds) }
      try files.finish()
    } catch {
      throw UserMistake.exit(error)
    }
    result.isInterrupted = request != nil
    try saveAge()
    try tell()
    if let request { throw stopped(by: request) }
    if let stop = result.stop { throw UserMistake.exit(stop, code: 65) }
  }

  private mutating func runSteps() throws(DataProblem) -> StopRequest? {
    var bar = ProgressBar.standardError()
    defer { bar.finish() }
    // A run that stopped by itself does not go on after its last step.
    while progress.last?.end.isExpected ?? true {
      if let request = StopRequest.received { return request }
      guard let step = try next() else { return nil }
      let secondsBefore = result.seconds
      if let over = result.add(step) { try files.add(over, testSeconds: secondsBefore) }
      if cycler.isAtCycleEnd(progress) {
        result.setHealth(cycler.health(of: cell))
        try files.flush()
        if wallSeconds() - lastCheckpoint > Self.checkpointSeconds { try keepCheckpoint() }
      }
      bar.update(
        fraction: cycler.share(of: progress), simulatedSeconds: progress.testSeconds,
        elapsedSeconds: earlierSeconds + wallSeconds() - started, note: note(step))
    }
    return nil
  }

  private mutating func next() throws(DataProblem) -> CyclerStepSummary? {
    try cycler.next(&progress, on: &cell, ambientCelsius: command.ambient) {
      (sample: CyclerSample) throws(DataProblem) in
      try files.add(sample)
    }
  }

  private func note(_ step: CyclerStepSummary) -> String {
    let health = result.cycles.last?.health ?? result.cycles.dropLast().last?.health
    return "cycle \(step.cycle) of \(cycler.plannedCycles)"
      + (health.map { ", health \(number($0 * 100, 1)) %" } ?? "")
  }

  /// Writes where the run stands, after what it refers to is on the disk.
  private mutating func keepCheckpoint() throws(DataProblem) {
    guard let path = command.checkpoint else { return }
    let positions = try files.synchronize()
    var words = StateWords()
    exchange(&words)
    let checkpoint = CycleCheckpoint(
      arguments: setup.arguments, protocolHash: setup.protocolHash, cellHash: setup.cellHash,
      positions: positions,
      state: words.words)
    try checkpoint.write(to: path)
    lastCheckpoint = wallSeconds()
  }

  private mutating func tell() throws {
    result.endStateOfCharge = cell.stateOfCharge
    result.wallSeconds = earlierSeconds + wallSeconds() - started
    if let age = cell.age ?? setup.age {
      do {
        result.health = try setup.description.healthText(after: age)
      } catch {
        result.health = "nothing is left of the cell: \(error)\n"
      }
    }
    guard command.format == .json else { return try report(result.table) }
    try result.json(report)
  }

  private func saveAge() throws {
    guard let path = command.ageFile, let age = cell.age ?? setup.age else { return }
    do {
      try WholeFile.write(Array(AgeFile.yaml(for: age, of: setup.description).utf8), to: path)
    } catch {
      throw UserMistake.exit(error)
    }
  }

  private func stopped(by request: StopRequest) -> ExitCode {
    let place =
      progress.last.map { "after step \($0.step) in cycle \($0.cycle) of \(cycler.plannedCycles)" }
      ?? "before the first step"
    let next =
      command.checkpoint.map { "; go on with: sodalite cycle --continue \($0)" }
      ?? "; what came before is told and written"
    return UserMistake.exit(
      "\(request.name): stopped \(place)\(next)", code: request.exitCode)
  }
}

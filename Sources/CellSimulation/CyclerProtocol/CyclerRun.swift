// SPDX-License-Identifier: Apache-2.0

/// A checked protocol for one kind of cell.
public struct CyclerRun: Sendable {
  /// The steps in the order they are written; a step's number is its place here, from 1.
  public var steps: [CyclerStep] { program.steps }
  /// How many cycles there are if no condition changes the way; 1 where no block counts them.
  public let plannedCycles: Int
  /// The time between samples; infinite for the beginning and the end of each step only. Results do
  /// not depend on it. Unit: s.
  public var samplingSeconds = 1.0
  /// How long one step may take. Unit: s.
  public var maximumStepSeconds = 3_600_000.0
  /// How long the test may take. Unit: s.
  public var maximumTestSeconds = 1e9

  let program: CyclerProgram
  let fit: CyclerFit
  private let countsCycles: Bool
  /// How many jumps, or steps without time, may follow each other before it is clear that no time will ever pass.
  private static let longestCircle = 1000

  /// Checks that a protocol can be run on a cell.
  ///
  /// - Parameters:
  ///   - elements: what to do, in order; at least one step.
  ///   - description: the cell it is meant for; gives 1C and the sane voltages, from 1 V below the
  ///     lower to 0.5 V above the upper cut-off.
  ///   - cathodeGrams: what rates and capacities per gram refer to. Unit: g.
  ///   - profiles: the profiles by the names the steps give them.
  /// - Throws: `CyclerProblems` with all that does not fit.
  public init(
    _ elements: [CyclerElement], for description: CellDescription, cathodeGrams: Double? = nil,
    profiles: [String: CyclerProfile] = [:]
  ) throws(CyclerProblems) {
    program = CyclerProgram(elements)
    fit = CyclerFit(cell: description, cathodeGrams: cathodeGrams, profiles: profiles)
    countsCycles = program.loops.contains(where: \.isCycle)
    plannedCycles = countsCycles ? program.cycles : 1
    var problems = program.problems
    for (step, entry) in zip(program.steps, program.entries) {
      problems += fit.problems(of: step).map { .init(entry: entry, message: $0) }
    }
    problems += Self.problems(ofJumps: elements, fit)
    if problems.isEmpty { return }
    var seen: [CyclerProblems.Problem] = []
    for problem in problems where !seen.contains(problem) { seen.append(problem) }
    throw CyclerProblems(problems: seen.sorted { $0.entry < $1.entry })
  }

  private static func problems(
    ofJumps elements: [CyclerElement], _ fit: CyclerFit
  ) -> [CyclerProblems.Problem] {
    elements.flatMap { element -> [CyclerProblems.Problem] in
      switch element.content {
      case .goTo(_, let conditions):
        conditions.flatMap(fit.problems(of:)).map { .init(entry: element.entry, message: $0) }
      case .loop(_, _, let body): problems(ofJumps: body, fit)
      case .step, .label, .leave: []
      }
    }
  }

  /// Where a run stands between two steps: with the cell, all that a later run needs to go on.
  public struct Progress: Sendable, Equatable {
    /// The instruction that comes next.
    public var instruction = 0
    /// How often each block has run.
    public var passes: [Int]
    /// The cycle; 0 for what comes before the first.
    public var cycle: Int
    /// The time since the protocol began. Unit: s.
    public var testSeconds = 0.0
    /// How many steps have passed without any time.
    public var idleSteps = 0
    /// The step before; nil at the beginning.
    public var last: CyclerStepSummary?
  }

  /// Where a run begins.
  public var start: Progress {
    Progress(passes: program.loops.map { _ in 0 }, cycle: countsCycles ? 0 : 1)
  }

  /// Runs all that is left on a cell.
  ///
  /// - Parameters:
  ///   - cell: the cell under test; keeps the state of the end.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - record: takes each sample; what it throws ends the run.
  /// - Returns: one summary per step; one whose end is not expected is the last.
  public func run<Failure: Error>(
    on cell: inout Cell, ambientCelsius: Double = 25,
    record: (CyclerSample) throws(Failure) -> Void
  ) throws(Failure) -> [CyclerStepSummary] {
    var progress = start
    var summaries: [CyclerStepSummary] = []
    while let summary = try next(
      &progress, on: &cell, ambientCelsius: ambientCelsius, record: record)
    {
      summaries.append(summary)
      if !summary.end.isExpected { break }
    }
    return summaries
  }

  /// Runs all that is left on a cell, without a record.
  public func run(on cell: inout Cell, ambientCelsius: Double = 25) -> [CyclerStepSummary] {
    run(on: &cell, ambientCelsius: ambientCelsius) { _ in }
  }

  /// Goes to the next step and runs it.
  ///
  /// Samples come at the start of the step (after its current has begun to flow), then at the
  /// sampling interval, and at its end, which lies at the limit that ended it.
  /// - Parameters:
  ///   - progress: where the run stands; goes past the step.
  ///   - cell: the cell under test; keeps the state of the end.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - record: takes each sample; what it throws ends the run.
  /// - Returns: how the step went; nil at the end of the protocol.
  public func next<Failure: Error>(
    _ progress: inout Progress, on cell: inout Cell, ambientCelsius: Double = 25,
    record: (CyclerSample) throws(Failure) -> Void
  ) throws(Failure) -> CyclerStepSummary? {
    precondition(samplingSeconds > 0 && maximumStepSeconds > 0, "times are above 0 s")
    for _ in 0..<Self.longestCircle {
      guard progress.instruction < program.instructions.count else { return nil }
      guard let index = follow(&progress, cell) else { continue }
      var summary = try run(
        index, on: &cell, progress, ambientCelsius: ambientCelsius, record)
      progress.testSeconds += summary.seconds
      if progress.testSeconds > maximumTestSeconds, summary.end.isExpected {
        summary.end = .tooLong
      }
      progress.idleSteps = summary.seconds > 0 ? 0 : progress.idleSteps + 1
      if progress.idleSteps > Self.longestCircle, summary.end.isExpected { summary.end = .circling }
      progress.last = summary
      return summary
    }
    var summary =
      progress.last ?? CyclerStepSummary(cycle: 0, step: 1, highestCelsius: 0, end: .circling)
    (summary.seconds, summary.end) = (0, .circling)
    summary.chargedAmpereHours = 0
    summary.dischargedAmpereHours = 0
    summary.chargedWattHours = 0
    summary.dischargedWattHours = 0
    return summary
  }

  /// Follows one instruction; gives the step if it is one.
  private func follow(_ progress: inout Progress, _ cell: Cell) -> Int? {
    let instruction = program.instructions[progress.instruction]
    progress.instruction += 1
    switch instruction {
    case .step(let index): return index
    case .begin(let loop):
      progress.passes[loop] = 0
      if program.loops[loop].isCycle { progress.cycle += 1 }
    case .end(let loop):
      progress.passes[loop] += 1
      guard progress.passes[loop] < program.loops[loop].times else { return nil }
      progress.instruction = program.loops[loop].begin + 1
      if program.loops[loop].isCycle { progress.cycle += 1 }
    case .jump(let target, let conditions):
      if conditions.allSatisfy({ holds($0, progress, cell) }) { progress.instruction = target }
    case .leave(let loop):
      if progress.last?.end != .time { progress.instruction = program.loops[loop].end + 1 }
    }
    return nil
  }

  /// Whether a condition after "if" holds after the step before.
  private func holds(_ condition: CyclerCondition, _ progress: Progress, _ cell: Cell) -> Bool {
    let last = progress.last
    let (value, limit): (Double?, Double?) =
      switch condition.amount {
      case .volts(let volts): (last?.endVolts, volts)
      case .current(let rate): (last?.endAmperes.magnitude, fit.amperes(rate))
      case .charge(let charge): (last?.chargeAmpereHours.magnitude, charge)
      case .specificCharge(let specific):
        (last?.chargeAmpereHours.magnitude, fit.cathodeGrams.map { specific * $0 / 1000 })
      case .seconds(let seconds): (last?.seconds, seconds)
      case .celsius(let celsius): (last?.endCelsius, celsius)
      case .health(let share): (health(of: cell), share)
      case .cycle(let number): (Double(progress.cycle), number)
      }
    guard let value, let limit else { return false }
    return condition.side == .below ? value <= limit : value >= limit
  }

  /// Whether the step before was the last of its cycle, or of the protocol, if no jump is taken.
  public func isAtCycleEnd(_ progress: Progress) -> Bool {
    for instruction in program.instructions.dropFirst(progress.instruction) {
      switch instruction {
      case .jump, .leave: continue
      case .step, .begin: return false
      case .end(let loop):
        if program.loops[loop].isCycle { return true }
        if progress.passes[loop] + 1 < program.loops[loop].times { return false }
      }
    }
    return true
  }

  /// The equilibrium capacity of a cell that wears, relative to a new one's; nil for one that does
  /// not. 0 where nothing is left.
  public func health(of cell: Cell) -> Double? {
    guard let age = cell.age else { return nil }
    do {
      return try fit.cell.health(after: age).capacity
    } catch {
      return 0
    }
  }
}

// MARK: - One step

extension CyclerRun {
  private func run<Failure: Error>(
    _ index: Int, on cell: inout Cell, _ progress: Progress, ambientCelsius: Double,
    _ record: (CyclerSample) throws(Failure) -> Void
  ) throws(Failure) -> CyclerStepSummary {
    var failure: Failure?
    let keep = { (sample: CyclerSample) in
      guard failure == nil else { return }
      do throws(Failure) { try record(sample) } catch { failure = error }
    }
    var step = StepUnderway(
      steps[index], fit, cell, ambientCelsius: ambientCelsius,
      meter: CyclerMeter(
        cell, cycle: progress.cycle, step: index + 1, testSeconds: progress.testSeconds,
        samplingSeconds: samplingSeconds), longestSeconds: maximumStepSeconds)
    let end = step.run(on: &cell, keep)
    step.meter.finish(end, keep)
    if let failure { throw failure }
    return step.meter.summary
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
public import CellSimulation
import DeterministicMath
import Quantities

/// One cell of the fleet under one question; a function of the seed alone.
public struct EvaluationTrial: Sendable {
  /// The tests that one run answers together, in the order of `run`'s outcomes.
  public let tests: [EvaluationTest]
  /// The cell's seed.
  public let seed: UInt64
  /// How far the cell is from the make.
  public var mismatch = 1.0
  /// The share of each test's length that is played; below 1 for a quick look.
  public var share = 1.0
  /// How the cell wears in the tests that wear it; nil chooses by seed.
  public var path: AgeingPath?

  /// Makes a trial.
  public init(tests: [EvaluationTest], seed: UInt64) {
    self.tests = tests
    self.seed = seed
  }

  /// All trials of a fleet: every test on its cells, the three views of a life in one run.
  public static func fleet(
    _ tests: [EvaluationTest], seeds: ClosedRange<UInt64>
  ) -> [EvaluationTrial] {
    let lives = tests.filter(\.isLife)
    var trials: [EvaluationTrial] = []
    for seed in seeds {
      for test in tests where !test.isLife {
        guard test.usesWholeFleet || (seed - seeds.lowerBound).isMultiple(of: 3) else { continue }
        trials.append(EvaluationTrial(tests: [test], seed: seed))
      }
      if !lives.isEmpty { trials.append(EvaluationTrial(tests: lives, seed: seed)) }
    }
    return trials
  }

  /// Runs the trial; the tables must have been made for the test's cut-off.
  ///
  /// - Throws: `CellError` if a drawn description cannot be a cell.
  public func run(_ tables: EvaluationTables) throws(CellError) -> [EvaluationOutcome] {
    var random = SeededRandom(seed: seed, stream: 30)
    let fresh = tables.make.drawn(using: &random, mismatch: mismatch)
    if tests[0].isLife { return try life(tables, fresh) }
    return [try single(tests[0], tables, fresh, &random)]
  }

  func ageingPath() -> AgeingPath {
    path ?? AgeingPath.allCases[Int(seed % UInt64(AgeingPath.allCases.count))]
  }

  // MARK: One question

  private func single(
    _ test: EvaluationTest, _ tables: EvaluationTables, _ fresh: CellDescription,
    _ random: inout SeededRandom
  ) throws(CellError) -> EvaluationOutcome {
    let isWorn = test == .cutoff20 || test == .cutoff15
    let health = isWorn ? 0.73 : 1
    let actual = try ageingPath().worn(fresh, health: health)
    let start = test.startStateOfCharge
    // Ten minutes within 3 % do not fit into less than the whole of a short test.
    let length = test.seconds > 3_600 ? test.seconds * share : test.seconds
    let wrong = random.chance(0.5) ? 0.3 : -0.3
    let guess = start + wrong > 1 || start + wrong < 0 ? start - wrong : start + wrong
    var play = try EvaluationPlay(
      tables, actual, seed: seed, mismatch: mismatch, start: start, guess: guess,
      celsius: test.celsius, isFresh: !isWorn)
    play.cell.fault = test.fault
    let lower = tables.make.lowerCutoffVolts
    if isWorn || test == .afterOneCharge {
      // Use that lets the filter find its sensors, and a charge that teaches the modes.
      play.run(Self.morning(tables.make), seconds: 60_000, once: true, scored: false)
      play.run(
        Self.nearlyFull(tables.make, from: lower + 0.05), seconds: 100_000, once: true,
        scored: false)
      play.look(health: health, actual, isAfterFullCharge: true)
    } else {
      play.settleSeconds = min(10_800, 0.25 * length)
    }
    let schedule = EvaluationProfile.schedule(test, make: tables.make, random: &random)
    play.run(
      schedule, seconds: length, once: false, scored: true, period: test.period)
    if !isWorn, test != .afterOneCharge {
      play.look(health: health, actual, isAfterFullCharge: false)
    }
    return play.finish()
  }

  private static func morning(_ make: CellDescription) -> LoadSchedule {
    let lower = make.lowerCutoffVolts
    return LoadSchedule(steps: [
      .drive(meanC: 0.3, untilVolts: lower + 0.4, seconds: 3_600), .rest(seconds: 1_800),
      .charge(c: 0.5, volts: make.upperCutoffVolts, untilC: 0.05), .rest(seconds: 1_800),
      .drive(meanC: 0.3, untilVolts: lower + 0.4, seconds: 5_400),
    ])
  }

  private static func nearlyFull(_ make: CellDescription, from volts: Double) -> LoadSchedule {
    LoadSchedule(steps: [
      .current(c: -0.33, untilVolts: volts, seconds: 1e9), .rest(seconds: 1_800),
      .charge(c: 0.2, volts: make.upperCutoffVolts, untilC: 0.05), .rest(seconds: 1_800),
      .drive(meanC: 0.3, untilVolts: make.lowerCutoffVolts + 0.4, seconds: 3_600),
    ])
  }

  // MARK: A life

  /// Sixteen stages of 2 % fade; nearly full charges in six of them, four stages above 2.9 V.
  ///
  /// The stages are those of the study of modes, section 1: a partial cycle begins its charge at about
  /// 0.55, 0.40 or 0.25. Ageing jumps between stages; the cell
  /// goes on at its resting voltage and the estimators are told nothing.
  private func life(
    _ tables: EvaluationTables, _ fresh: CellDescription
  ) throws(CellError) -> [EvaluationOutcome] {
    var play = try EvaluationPlay(
      tables, fresh, seed: seed, mismatch: mismatch, start: 0.9, guess: 0.6, celsius: 25,
      isFresh: true)
    play.settleSeconds = 10_800
    var outcomes = [EvaluationOutcome](repeating: EvaluationOutcome(), count: tests.count)
    // A quick look skips stages evenly; every part of a life is still met.
    let skip = share < 1 ? 2 : 1
    for stage in stride(from: share < 1 ? 1 : 0, to: 16, by: skip) {
      let health = 1 - 0.02 * Double(stage)
      let actual = try ageingPath().worn(fresh, health: health)
      if stage > 0 { try play.cell.wear(to: actual) }
      let full = [0, 2, 5, 7, 13, 15]
      let isFull = full.contains(stage)
      let isHigh = (8...11).contains(stage)
      play.run(
        Self.stage(tables.make, isFull: isFull, isHigh: isHigh, depth: (stage + Int(seed % 3)) % 3),
        seconds: 150_000,
        once: true, scored: true)
      // Within 2 % of fade: in this stage or the one before.
      play.look(
        health: health, actual, isAfterFullCharge: isFull || full.contains(stage - 1))
      let done = play.takeOutcome()
      for (index, test) in tests.enumerated() where Self.belongs(stage, to: test) {
        outcomes[index].add(done)
      }
    }
    return outcomes
  }

  private static func belongs(_ stage: Int, to test: EvaluationTest) -> Bool {
    switch test {
    case .life95: stage <= 5
    case .life86: (6...7).contains(stage)
    case .above29: (8...11).contains(stage)
    default: stage >= 12
    }
  }

  private static func stage(
    _ make: CellDescription, isFull: Bool, isHigh: Bool, depth: Int
  ) -> LoadSchedule {
    let upper = make.upperCutoffVolts
    // 2.9 V at rest, with room for the load's drop.
    let low = isHigh ? 2.95 : make.lowerCutoffVolts + 0.4
    var steps: [LoadSchedule.Step] = [
      .drive(meanC: 0.3, untilVolts: low, seconds: [5_400, 7_200, 9_000][depth]),
      .rest(seconds: 1_200), .charge(c: 0.33, volts: upper, untilC: 0.05), .rest(seconds: 900),
      .drive(meanC: 0.3, untilVolts: low, seconds: 3_000), .rest(seconds: 900),
      .current(c: 0.4, untilVolts: upper, seconds: 2_400),
    ]
    if isFull {
      steps += [
        .current(c: -0.33, untilVolts: make.lowerCutoffVolts + 0.05, seconds: 1e9),
        .rest(seconds: 1_200), .charge(c: 0.2, volts: upper, untilC: 0.05),
      ]
    }
    // A rest: what the last charge taught is worked out in slices, one a reading.
    return LoadSchedule(steps: steps + [.rest(seconds: 1_200)])
  }
}

extension EvaluationOutcome {
  /// Adds another part of the same test.
  mutating func add(_ other: EvaluationOutcome) {
    for index in rows.indices {
      rows[index].score.add(other.rows[index].score)
      rows[index].capacityErrors += other.rows[index].capacityErrors
      rows[index].convergenceSeconds =
        rows[index].convergenceSeconds ?? other.rows[index].convergenceSeconds
    }
    looks += other.looks
    largestStep = max(largestStep, other.largestStep)
  }
}

/// What all estimators said at one moment, for a plot.
public struct EvaluationMoment: Sendable {
  /// Since the start. Unit: s.
  public var seconds: Double
  /// The truth.
  public var stateOfCharge: Double
  /// In the order of `Contestant.allCases`.
  public var estimates: [Double]
  /// Of the 95 % intervals; nil where none is claimed.
  public var halfWidths: [Double?]
}

extension EvaluationTrial {
  /// The fleet's mixed cycles on this trial's cell, a moment a minute.
  ///
  /// - Throws: `CellError` if a drawn description cannot be a cell.
  public func trace(_ tables: EvaluationTables) throws(CellError) -> [EvaluationMoment] {
    var random = SeededRandom(seed: seed, stream: 30)
    let fresh = tables.make.drawn(using: &random, mismatch: mismatch)
    var play = try EvaluationPlay(
      tables, fresh, seed: seed, mismatch: mismatch, start: 0.9, guess: 0.6, celsius: 25,
      isFresh: true)
    play.traceSeconds = 60
    let schedule = LoadSchedule.mixedCycles(
      lower: tables.make.lowerCutoffVolts, upper: tables.make.upperCutoffVolts)
    play.run(schedule, seconds: 122_400 * share, once: false, scored: false)
    return play.trace
  }

  /// Voltage over charge of this trial's cell at C/20, charging, at a share of its fresh capacity.
  ///
  /// - Throws: `CellError` if a drawn description cannot be a cell.
  public func slowCharge(
    _ tables: EvaluationTables, health: Double
  ) throws(CellError) -> (ampereHours: [Double], volts: [Double]) {
    var random = SeededRandom(seed: seed, stream: 30)
    let fresh = tables.make.drawn(using: &random, mismatch: mismatch)
    let test = try ReferenceTest(ageingPath().worn(fresh, health: health))
    return (test.chargeVolts.x.map { $0 * test.capacityAmpereHours }, test.chargeVolts.y)
  }
}

/// A cell and all estimators, played and scored.
struct EvaluationPlay {
  var cell: EvaluationCell
  private var contestants: Contestants
  private let tables: EvaluationTables
  private var outcome = EvaluationOutcome()
  private var convergence = InlineArray<5, Convergence>(repeating: Convergence())
  private var seconds = 0.0
  private var lastCharge: Double?
  /// Nothing is scored before. Unit: s since the start.
  var settleSeconds = 0.0
  /// Seconds between the moments that are kept for a plot; 0 keeps none.
  var traceSeconds = 0.0
  private(set) var trace: [EvaluationMoment] = []

  init(
    _ tables: EvaluationTables, _ actual: CellDescription, seed: UInt64, mismatch: Double,
    start: Double, guess: Double, celsius: Double, isFresh: Bool
  ) throws(CellError) {
    self.tables = tables
    cell = try EvaluationCell(
      actual, make: tables.make, seed: seed, mismatch: mismatch, stateOfCharge: start,
      celsius: celsius)
    contestants = Contestants(tables, guess: guess, deviation: 0.3, isFresh: isFresh)
  }

  /// Plays a schedule for a time, or until it has been played once.
  mutating func run(
    _ schedule: LoadSchedule, seconds length: Double, once: Bool, scored: Bool,
    period: Double = 1
  ) {
    var player = LoadPlayer(schedule, ratedAmpereHours: tables.make.ratedCapacityAmpereHours)
    var elapsed = 0.0
    while elapsed < length {
      let reading = cell.next(&player, seconds: period)
      if once, player.rounds > 0 { return }
      elapsed += period
      seconds += period
      contestants.step(at: reading.time, reading.measurement)
      note(reading.stateOfCharge, isScored: scored && seconds > settleSeconds)
    }
  }

  @inline(__always)
  private mutating func note(_ truth: Double, isScored: Bool) {
    for index in 0..<5 {
      let belief = contestants.beliefs[index]
      let error = belief.stateOfCharge - min(max(truth, 0), 1)
      convergence[index].add(seconds: seconds, error: error)
      if isScored { outcome.rows[index].score.add(error: error, halfWidth: belief.halfWidth) }
    }
    let charge = contestants.beliefs[1].stateOfCharge
    if let lastCharge, contestants.modes.learnedCharges > 0 {
      outcome.largestStep = max(outcome.largestStep, abs(charge - lastCharge))
    }
    lastCharge = charge
    if traceSeconds > 0, seconds >= traceSeconds * Double(trace.count + 1) { keep(truth) }
  }

  private mutating func keep(_ truth: Double) {
    let beliefs = contestants.beliefs
    trace.append(
      EvaluationMoment(
        seconds: seconds, stateOfCharge: truth,
        estimates: (0..<5).map { beliefs[$0].stateOfCharge },
        halfWidths: (0..<5).map { beliefs[$0].halfWidth }))
  }

  /// Notes the identified modes and the capacities beside the true ones.
  mutating func look(health: Double, _ actual: CellDescription, isAfterFullCharge: Bool) {
    let rated = tables.make.ratedCapacityAmpereHours
    for (index, contestant) in Contestant.allCases.enumerated() {
      outcome.rows[index].capacityErrors.append(
        (contestants.capacity(contestant, ratedAmpereHours: rated) - cell.capacityAmpereHours)
          / rated)
    }
    guard contestants.modes.learnedCharges > 0,
      let truth = ModeTrial.TrueModes(actual, make: tables.make, tables.composition)
    else { return }
    let report = contestants.modes.health
    func triple(_ measured: Measured, _ truth: Double) -> [Double] {
      [Double(measured.value) * 1e-6, Double(measured.deviation) * 1e-6, truth]
    }
    let iron = triple(report.iron, truth.iron)
    let slip = triple(report.slippage, truth.iron - truth.stock)
    let a = (iron[0] - iron[2]) / max(iron[1], 1e-9)
    let b = (slip[0] - slip[2]) / max(slip[1], 1e-9)
    let r = min(max(Double(report.correlation) * 1e-3, -0.999), 0.999)
    outcome.looks.append(
      EvaluationOutcome.ModeLook(
        health: health, coupling: triple(report.coupling, truth.coupling),
        iron: triple(report.accessibleIron, truth.accessibleIron),
        capacity: triple(report.capacity, cell.capacityAmpereHours / rated),
        jointDistance: (a * a - 2 * r * a * b + b * b) / (1 - r * r),
        isAfterFullCharge: isAfterFullCharge,
        learned: Double(contestants.modes.learnedCharges),
        refused: Double(contestants.modes.refusedCharges)))
  }

  /// What was scored since the last call.
  mutating func takeOutcome() -> EvaluationOutcome {
    let done = finish()
    outcome = EvaluationOutcome()
    return done
  }

  /// All that was scored.
  func finish() -> EvaluationOutcome {
    var done = outcome
    for index in 0..<5 { done.rows[index].convergenceSeconds = convergence[index].seconds }
    return done
  }
}

extension ModeTrial.TrueModes {
  /// The modes behind a description, in the units of the make's tables; nil without electrodes.
  init?(
    _ actual: CellDescription, make: CellDescription, _ composition: CompositionProfile
  ) {
    guard case .electrodes(let pair) = actual.model, case .electrodes(let nominal) = make.model
    else { return nil }
    let made = ComposedCurve(nominal)
    var curve = ComposedCurve(pair)
    let fresh = composition.fresh
    let scale = Double(fresh.coupling) * 1e-6 / made.coupling
    func size(_ table: Int32, _ truth: Double, _ nominal: Double) -> Double {
      nominal > 0 ? Double(table) * 1e-6 * truth / nominal : 0
    }
    let stock = Double(fresh.stock) * 1e-6 + (curve.stock - made.stock) * scale
    curve.coupling = size(fresh.coupling, curve.coupling, made.coupling)
    curve.iron = size(fresh.iron, curve.iron, made.iron)
    curve.remainder = size(fresh.remainder, curve.remainder, made.remainder)
    curve.anode = size(fresh.anode, curve.anode, made.anode)
    curve.stock = stock
    let window = curve.window(
      Double(composition.lowerVoltage) * 1e-6, Double(composition.upperVoltage) * 1e-6)
    self.init(
      coupling: curve.coupling, iron: curve.iron, accessibleIron: -window.empty,
      anode: curve.anode, stock: curve.stock, span: window.span)
  }
}

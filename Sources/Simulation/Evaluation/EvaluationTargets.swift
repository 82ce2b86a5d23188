// SPDX-License-Identifier: Apache-2.0

/// A level that was asked for, and what was measured.
public struct EvaluationTarget: Sendable {
  /// What is asked.
  public var question: String
  /// What was measured; nil where it was not.
  public var measured: Double?
  /// The unit that `measured` is shown in.
  public var unit: Unit
  /// The level that passes.
  public var pass: Double
  /// The level of the best.
  public var aim: Double
  /// Whether more is better.
  public var isAtLeast = false

  /// How a value is shown.
  public enum Unit: Sendable {
    /// A fraction, shown in percent.
    case percent
    /// Seconds, shown in minutes.
    case minutes
    /// A plain number.
    case count
  }

  /// What became of a target.
  public enum Verdict: String, Sendable {
    /// The best level was reached.
    case aimMet = "met, aim met"
    /// The level that passes was reached.
    case met
    /// It was not.
    case missed
    /// Nothing was measured.
    case notMeasured = "not measured"
  }

  /// Makes a target.
  public init(
    _ question: String, _ measured: Double?, _ unit: Unit, pass: Double, aim: Double,
    isAtLeast: Bool = false
  ) {
    self.question = question
    self.measured = measured
    self.unit = unit
    self.pass = pass
    self.aim = aim
    self.isAtLeast = isAtLeast
  }

  /// Whether the level was reached; a value that is no number misses.
  public var verdict: Verdict {
    guard let measured else { return .notMeasured }
    func reaches(_ level: Double) -> Bool { isAtLeast ? measured >= level : measured <= level }
    if reaches(aim) { return .aimMet }
    return reaches(pass) ? .met : .missed
  }
}

extension EvaluationReport {
  /// Every level that the trial was asked for; `pass` and `aim` are the project's.
  public var targets: [EvaluationTarget] {
    fleetTargets + lifeTargets + modeTargets + faultTargets + baselineTargets
  }

  private func score(_ test: EvaluationTest, _ who: Contestant) -> EvaluationScore? {
    row(test, who).map(\.score)
  }

  private var fleetTargets: [EvaluationTarget] {
    let fleet = score(.fleet, .sodalite)
    let charged = score(.afterOneCharge, .sodaliteModes)
    func off(_ coverage: Double?, _ wanted: Double) -> Double? {
      coverage.map { abs($0 - wanted) }
    }
    return [
      .init("fleet, no per-cell fit: RMSE", fleet?.rmse, .percent, pass: 0.012, aim: 0.008),
      .init("fleet, no per-cell fit: p95", fleet?.p95, .percent, pass: 0.025, aim: 0.016),
      .init("fleet, no per-cell fit: max", fleet?.maxError, .percent, pass: 0.06, aim: 0.04),
      .init("after one charge: RMSE", charged?.rmse, .percent, pass: 0.008, aim: 0.005),
      .init("after one charge: max", charged?.maxError, .percent, pass: 0.04, aim: 0.025),
      .init(
        "fleet: 50 % interval off by", off(fleet?.coverage50, 0.5), .percent, pass: 0.04,
        aim: 0.02),
      .init(
        "fleet: 80 % interval off by", off(fleet?.coverage80, 0.8), .percent, pass: 0.04,
        aim: 0.02),
      .init(
        "fleet: 95 % interval off by", off(fleet?.coverage95, 0.95), .percent, pass: 0.04,
        aim: 0.02),
      .init(
        "30 % wrong start on the plateau: p90 to 3 %",
        row(.startPlateau, .sodalite)?.convergence90, .minutes, pass: 600, aim: 60),
      .init(
        "30 % wrong start elsewhere: p90 to 3 %", row(.startLow, .sodalite)?.convergence90,
        .minutes, pass: 120, aim: 30),
    ]
  }

  private var lifeTargets: [EvaluationTarget] {
    let middle = score(.life86, .sodaliteModes)
    let old = score(.life73, .sodaliteModes)
    let high = score(.above29, .sodaliteModes)
    let lives = EvaluationTest.lives
    let errors = lives.flatMap { row($0, .sodaliteModes)?.capacityErrors ?? [] }
    let worst = errors.map { abs($0) }.max()
    let steps = lives.compactMap { row($0, .sodaliteModes)?.largestStep }.max()
    return [
      .init("life, health 0.86: RMSE", middle?.rmse, .percent, pass: 0.008, aim: 0.005),
      .init("life, health 0.86: max", middle?.maxError, .percent, pass: 0.07, aim: 0.03),
      .init("life, health 0.73: RMSE", old?.rmse, .percent, pass: 0.012, aim: 0.006),
      .init("life, health 0.73: max", old?.maxError, .percent, pass: 0.07, aim: 0.03),
      .init("charges above 2.9 V: RMSE", high?.rmse, .percent, pass: 0.025, aim: 0.015),
      .init(
        "charges above 2.9 V: 95 % coverage", high?.coverage95, .percent, pass: 0.85, aim: 0.93,
        isAtLeast: true),
      .init("capacity over a life: rms", rms(errors), .percent, pass: 0.02, aim: 0.01),
      .init("capacity over a life: worst", worst, .percent, pass: 0.09, aim: 0.04),
      .init("largest step of the reported SoC", steps, .percent, pass: 0.005, aim: 0.002),
    ]
  }

  private var modeTargets: [EvaluationTarget] {
    let lives = EvaluationTest.lives
    var all = Row(test: .life86, estimator: .sodaliteModes)
    all.looks = lives.flatMap { row($0, .sodaliteModes)?.looks ?? [] }
    let near = all.modeErrors { $0.isAfterFullCharge }
    let far = all.modeErrors { !$0.isAfterFullCharge }
    let middle = row(.life86, .sodaliteModes)?.modeErrors()
    let old = row(.life73, .sodaliteModes)?.modeErrors()
    let joint = lives.compactMap { row($0, .sodaliteModes)?.modeErrors()?.joint }
    return [
      .init(
        "coupling capacity after a near-full charge: rms", near?.coupling, .percent, pass: 0.02,
        aim: 0.01),
      .init("coupling capacity otherwise: rms", far?.coupling, .percent, pass: 0.06, aim: 0.03),
      .init(
        "accessible iron, health 0.86: rms", middle?.accessibleIron, .percent, pass: 0.04,
        aim: 0.02),
      .init(
        "accessible iron, health 0.73: rms", old?.accessibleIron, .percent, pass: 0.07,
        aim: 0.04),
      .init(
        "joint 95 % region of the modes: least coverage", joint.min(), .percent, pass: 0.92,
        aim: 0.93, isAtLeast: true),
      .init(
        "joint 95 % region of the modes: most coverage", joint.max(), .percent, pass: 1,
        aim: 0.98),
    ]
  }

  private var faultTargets: [EvaluationTarget] {
    var targets: [EvaluationTarget] = []
    for test in [EvaluationTest.zeroDropouts, .stuckBursts, .spikes] {
      let score = score(test, .sodalite)
      targets += [
        .init("\(test.rawValue): RMSE", score?.rmse, .percent, pass: 0.02, aim: 0.014),
        .init(
          "\(test.rawValue): 95 % coverage", score?.coverage95, .percent, pass: 0.90, aim: 0.94,
          isAtLeast: true),
      ]
    }
    for test in [EvaluationTest.cold, .cool, .hot] {
      let score = score(test, .sodalite)
      targets.append(
        .init("\(test.rawValue): RMSE", score?.rmse, .percent, pass: 0.02, aim: 0.012))
    }
    return targets
  }

  /// The firmware's better informed estimator against every opponent in every test.
  private var baselineTargets: [EvaluationTarget] {
    var compared = 0
    var won = 0
    for row in rows where !row.estimator.isOurs {
      guard let ours = self.row(row.test, .sodaliteModes) else { continue }
      compared += 1
      if ours.beats(row) { won += 1 }
    }
    let share = compared > 0 ? Double(won) / Double(compared) : nil
    return [
      .init(
        "tests and baselines beaten on RMSE, max and coverage", share, .percent, pass: 1, aim: 1,
        isAtLeast: true)
    ]
  }
}

extension EvaluationReport.Row {
  /// Whether this row is better in root mean square, maximum and coverage of the 95 % interval.
  ///
  /// Coverage is better where it is nearer to 95 %; who claims no interval is beaten there.
  public func beats(_ other: EvaluationReport.Row) -> Bool {
    guard let mine = score.rmse, let theirs = other.score.rmse, mine < theirs,
      score.maxError < other.score.maxError
    else { return false }
    guard let theirCoverage = other.score.coverage95 else { return true }
    guard let myCoverage = score.coverage95 else { return false }
    return abs(myCoverage - 0.95) < abs(theirCoverage - 0.95)
  }
}

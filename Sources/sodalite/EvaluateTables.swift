// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation
import Telemetry

/// The trial's report as tables, CSV and JSON.
enum EvaluateTables {
  private static let columns: [(title: String, alignment: TableText.Alignment)] = [
    ("test", .left), ("estimator", .left), ("cells", .right), ("RMSE", .right), ("p95", .right),
    ("max", .right), ("in 50 %", .right), ("in 80 %", .right), ("in 95 %", .right),
    ("± 95 %", .right), ("to 3 %, p90", .right), ("capacity", .right),
  ]

  /// Every table, for people.
  static func text(_ evaluation: EvaluationReport) -> String {
    var text = ""
    for (title, isIn) in questions {
      var table = TableText(columns)
      let rows = evaluation.rows.filter { isIn($0.test) }
      guard !rows.isEmpty else { continue }
      for row in rows { table.add(cells(row)) }
      text += "\(title)\n\n\(table.text)\n"
    }
    return text + modesText(evaluation) + targetsText(evaluation)
      + """
      The 50 and 80 % intervals are the 95 % ones scaled as a normal distribution's. Every estimator \
      gets the same readings after the firmware's plausibility check. Not measured here: integers \
      against Double (Tests/CellEstimationTests), time for each step (sodalite bench).

      """
  }

  private static var questions: [(String, (EvaluationTest) -> Bool)] {
    [
      ("How well on cells that nobody has measured?", { $0 == .fleet || $0 == .afterOneCharge }),
      ("How well over a life?", \.isLife),
      ("How soon after a wrong start?", { $0 == .startPlateau || $0 == .startLow }),
      (
        "How well with faulty sensors?",
        { $0 == .zeroDropouts || $0 == .stuckBursts || $0 == .spikes }
      ),
      ("How well in cold and heat?", { $0 == .cold || $0 == .cool || $0 == .hot }),
      ("What does a lower cut-off buy, at 73 %?", { $0 == .cutoff20 || $0 == .cutoff15 }),
      ("How well in each profile?", { $0.rawValue.hasPrefix("P") }),
    ]
  }

  private static func cells(_ row: EvaluationReport.Row) -> [String] {
    let score = row.score
    return [
      row.test.rawValue, row.estimator.rawValue, "\(row.cells)", percent(score.rmse),
      percent(score.p95), percent(score.count > 0 ? score.maxError : nil),
      percent(score.coverage50), percent(score.coverage80), percent(score.coverage95),
      percent(score.meanHalfWidth), minutes(row.convergence90), percent(row.capacityError),
    ]
  }

  private static func minutes(_ seconds: Double?) -> String {
    guard let seconds else { return "-" }
    return seconds.isFinite ? "\(number(seconds / 60, 1)) min" : "never"
  }

  private static func modesText(_ evaluation: EvaluationReport) -> String {
    var table = TableText([
      ("test", .left), ("health", .right), ("looks", .right), ("coupling", .right),
      ("accessible iron", .right), ("capacity", .right), ("joint region covers", .right),
      ("charges learned", .right),
      ("refused", .right),
    ])
    var isEmpty = true
    for row in evaluation.rows where row.estimator == .sodaliteModes {
      let healths = Set(row.looks.map(\.health)).sorted(by: >)
      for health in healths {
        guard let errors = row.modeErrors(where: { $0.health == health }) else { continue }
        isEmpty = false
        let looks = row.looks.filter { $0.health == health }
        func mean(_ value: (EvaluationOutcome.ModeLook) -> Double) -> String {
          number(looks.reduce(0) { $0 + value($1) } / Double(looks.count), 1)
        }
        table.add([
          row.test.rawValue, number(health, 2), "\(looks.count)", percent(errors.coupling),
          percent(errors.accessibleIron), percent(errors.capacity), percent(errors.joint),
          mean(\.learned), mean(\.refused),
        ])
      }
    }
    return isEmpty
      ? "" : "How well are the modes known? (rms, of the rated capacity)\n\n\(table.text)\n"
  }

  private static func targetsText(_ evaluation: EvaluationReport) -> String {
    var table = TableText([
      ("what was asked", .left), ("pass", .right), ("aim", .right), ("measured", .right),
      ("verdict", .left),
    ])
    for target in evaluation.targets {
      let sign = target.isAtLeast ? "≥ " : "≤ "
      table.add([
        target.question, sign + shown(target.pass, target.unit),
        sign + shown(target.aim, target.unit),
        target.measured.map { shown($0, target.unit) } ?? "-", target.verdict.rawValue,
      ])
    }
    return "Were the levels met?\n\n\(table.text)\n"
  }

  private static func shown(_ value: Double, _ unit: EvaluationTarget.Unit) -> String {
    switch unit {
    case .percent: percent(value)
    case .minutes: minutes(value)
    case .count: number(value, 0)
    }
  }

  // MARK: Files

  /// Writes `rows.csv`, `modes.csv` and `targets.csv`; fractions, not percent.
  static func write(_ evaluation: EvaluationReport, into folder: String) throws {
    let head =
      "test,estimator,cells,rmse,p95,max_error,coverage50,coverage80,coverage95,"
      + "mean_half_width,convergence_seconds,capacity_error"
    let rows = evaluation.rows.map { row in
      let score = row.score
      let numbers: [Double?] = [
        score.rmse, score.p95, score.maxError, score.coverage50, score.coverage80,
        score.coverage95, score.meanHalfWidth, row.convergence90, row.capacityError,
      ]
      return "\(row.test.rawValue),\(row.estimator.rawValue),\(row.cells),"
        + numbers.map(csv).joined(separator: ",")
    }
    var modes = [
      "test,health,after_full_charge,coupling,coupling_deviation,coupling_true,iron,"
        + "iron_deviation,iron_true,capacity,capacity_deviation,capacity_true,joint_distance,"
        + "learned,refused"
    ]
    for row in evaluation.rows where row.estimator == .sodaliteModes {
      for look in row.looks {
        let numbers =
          look.coupling + look.iron + look.capacity
          + [look.jointDistance, look.learned, look.refused]
        modes.append(
          "\(row.test.rawValue),\(look.health),\(look.isAfterFullCharge ? 1 : 0),"
            + numbers.map(csv).joined(separator: ","))
      }
    }
    let targets = evaluation.targets.map {
      "\"\($0.question)\",\($0.pass),\($0.aim),\(csv($0.measured)),\($0.verdict.rawValue.replacing(",", with: ";"))"
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (name, lines) in [
        ("rows", [head] + rows), ("modes", modes),
        ("targets", ["question,pass,aim,measured,verdict"] + targets),
      ] {
        try (lines.joined(separator: "\n") + "\n").write(
          toFile: "\(folder)/\(name).csv", atomically: true, encoding: .utf8)
      }
    } catch {
      throw UserMistake.exit(
        "\(folder): cannot be written: \(error.localizedDescription)", code: 74)
    }
  }

  private static func csv(_ value: Double?) -> String {
    value.map { $0.isFinite ? "\($0)" : "" } ?? ""
  }

  /// The report as one object.
  static func json(_ evaluation: EvaluationReport, seed: UInt64) -> JSONText {
    .object([
      .init("seed", .integer(Int64(seed))), .init("rows", .array(evaluation.rows.map(json))),
      .init("targets", .array(evaluation.targets.map(json))),
    ])
  }

  private static func json(_ row: EvaluationReport.Row) -> JSONText {
    let score = row.score
    var modes: [JSONText.Member] = []
    if let errors = row.modeErrors() {
      modes = [
        .init("coupling", .number(errors.coupling)),
        .init("accessibleIron", .number(errors.accessibleIron)),
        .init("capacity", .number(errors.capacity)),
        .init("jointCoverage95", .number(errors.joint)),
      ]
    }
    return .object([
      .init("test", .string(row.test.rawValue)),
      .init("estimator", .string(row.estimator.rawValue)),
      .init("cells", .integer(Int64(row.cells))), .init("rmse", JSONText(score.rmse)),
      .init("p95", JSONText(score.p95)), .init("maxError", .number(score.maxError)),
      .init("coverage50", JSONText(score.coverage50)),
      .init("coverage80", JSONText(score.coverage80)),
      .init("coverage95", JSONText(score.coverage95)),
      .init("meanHalfWidth", JSONText(score.meanHalfWidth)),
      .init("convergenceSeconds", JSONText(row.convergence90)),
      .init("capacityError", JSONText(row.capacityError)),
      .init("modeErrors", .object(modes)),
    ])
  }

  private static func json(_ target: EvaluationTarget) -> JSONText {
    .object([
      .init("question", .string(target.question)), .init("pass", .number(target.pass)),
      .init("aim", .number(target.aim)), .init("measured", JSONText(target.measured)),
      .init("verdict", .string(target.verdict.rawValue)),
    ])
  }
}

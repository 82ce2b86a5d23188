// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Simulation
import Telemetry

/// The trial's figures, drawn by gnuplot.
enum EvaluatePlots {
  /// - Parameters:
  ///   - folder: made where it is missing; takes a script, an SVG and a PNG for each figure.
  static func draw(
    _ evaluation: EvaluationReport, _ tables: EvaluationTables, seed: UInt64, quick: Bool,
    into folder: String
  ) throws {
    var trial = EvaluationTrial(tests: [.fleet], seed: seed)
    if quick { trial.share = 0.2 }
    var figures = [coverage(evaluation)]
    do throws(CellError) {
      figures.append(errors(try trial.trace(tables), seed: seed))
      figures.append(try incrementalCapacity(trial, tables, seed: seed))
    } catch {
      throw UserMistake.exit("\(error)", code: 78)
    }
    if let modes = modes(evaluation) { figures.append(modes) }
    // Standard output may carry the report as JSON.
    try PaperPlots.write(figures, into: folder) { StandardError.write("\($0)\n") }
  }

  private static func errors(_ moments: [EvaluationMoment], seed: UInt64) -> PaperFigure {
    let hours = moments.map { $0.seconds / 3_600 }
    let panels = [0, 1, 4].map { index in
      let errors = moments.map { 100 * ($0.estimates[index] - $0.stateOfCharge) }
      let widths = moments.map { 100 * ($0.halfWidths[index] ?? 0) }
      return PaperFigure.Panel(
        title: "\(Contestant.allCases[index].rawValue), seed \(seed)", xLabel: "time / h",
        yLabel: "error of the state of charge / %",
        curves: [
          .init(title: "95 % interval", colour: 5, x: hours, y: widths),
          .init(title: "", colour: 5, x: hours, y: widths.map { -$0 }),
          .init(title: "error", colour: 1, x: hours, y: errors),
        ], yRange: -10...10)
    }
    return PaperFigure(name: "errors", panels: panels)
  }

  private static func coverage(_ evaluation: EvaluationReport) -> PaperFigure {
    var curves: [PaperFigure.Curve] = [
      .init(title: "as claimed", colour: 6, look: .dashed, x: [40, 100], y: [40, 100])
    ]
    let wanted: [(EvaluationTest, Contestant)] = [
      (.fleet, .sodalite), (.fleet, .sodaliteModes), (.fleet, .textbookEKF),
      (.life73, .sodaliteModes), (.life73, .textbookEKF),
    ]
    for (colour, pair) in wanted.enumerated() {
      guard let score = evaluation.row(pair.0, pair.1)?.score, let half = score.coverage50,
        let most = score.coverage80, let all = score.coverage95
      else { continue }
      curves.append(
        .init(
          title: "\(pair.0.rawValue): \(pair.1.rawValue)", colour: colour, look: .lineWithPoints,
          x: [50, 80, 95], y: [100 * half, 100 * most, 100 * all]))
    }
    return PaperFigure(
      name: "coverage",
      panels: [
        .init(
          title: "How often the interval holds the truth", xLabel: "claimed / %",
          yLabel: "measured / %", curves: curves, xRange: 45...100, yRange: 0...100,
          key: "outside right top")
      ])
  }

  /// The identified modes less the true ones, as the mean over cells of each health.
  private static func modes(_ evaluation: EvaluationReport) -> PaperFigure? {
    let tests = EvaluationTest.lives
    let looks = tests.flatMap { evaluation.row($0, .sodaliteModes)?.looks ?? [] }
    let healths = Set(looks.map(\.health)).sorted(by: >)
    guard healths.count > 1 else { return nil }
    typealias Look = EvaluationOutcome.ModeLook
    let parts: [(String, (Look) -> [Double])] = [
      ("coupling plateau", \.coupling), ("accessible iron", \.iron), ("capacity", \.capacity),
    ]
    let fade = healths.map { 100 * (1 - $0) }
    let panels = parts.enumerated().map { colour, part in
      func mean(_ value: ([Double]) -> Double) -> [Double] {
        healths.map { health in
          let at = looks.filter { $0.health == health }.map { value(part.1($0)) }
          return 100 * at.reduce(0, +) / Double(at.count)
        }
      }
      return PaperFigure.Panel(
        title: part.0, xLabel: "capacity lost / %", yLabel: "share of the rated capacity / %",
        curves: [
          .init(title: "true", colour: 6, look: .dashed, x: fade, y: mean { $0[2] }),
          .init(
            title: "identified", colour: colour, look: .lineWithPoints, x: fade,
            y: mean { $0[0] }),
          .init(title: "± 1 deviation", colour: 5, x: fade, y: mean { $0[0] + $0[1] }),
          .init(title: "", colour: 5, x: fade, y: mean { $0[0] - $0[1] }),
        ])
    }
    return PaperFigure(name: "modes", panels: panels)
  }

  private static func incrementalCapacity(
    _ trial: EvaluationTrial, _ tables: EvaluationTables, seed: UInt64
  ) throws(CellError) -> PaperFigure {
    var curves: [PaperFigure.Curve] = []
    for (colour, health) in [1, 0.86, 0.73].enumerated() {
      let charge = try trial.slowCharge(tables, health: health)
      var x: [Double] = []
      var y: [Double] = []
      var last = 0
      // Charge over steps of 20 mV: a difference of neighbours would show the recorder's steps.
      for index in charge.volts.indices where charge.volts[index] - charge.volts[last] >= 0.02 {
        let volts = charge.volts[index] - charge.volts[last]
        x.append((charge.volts[index] + charge.volts[last]) / 2)
        y.append((charge.ampereHours[index] - charge.ampereHours[last]) / volts)
        last = index
      }
      curves.append(.init(title: "health \(number(health, 2))", colour: colour, x: x, y: y))
    }
    return PaperFigure(
      name: "incremental-capacity",
      panels: [
        .init(
          title: "Charge at C/20, seed \(seed)", xLabel: "voltage / V", yLabel: "dQ/dV / Ah V^{-1}",
          curves: curves, key: "top left")
      ])
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import Firmware
import Quantities
import Simulation
import Telemetry

extension BenchSubject {
  /// What tracking the modes adds to a step, and how long the longest slice of learning is.
  ///
  /// A step is measured three times and its fastest counts: the longest slice must not be one that the
  /// machine was interrupted in.
  static var modes: BenchSubject {
    var recorded: [(time: MonotonicTime, measurement: CellEstimation.Measurement)] = []
    var made: LifelongEstimator?
    return BenchSubject(
      figures: [
        BenchFigure("modes.step", "µs", "one measurement into the estimator with modes"),
        BenchFigure("modes.slice", "µs", "the same with a slice of learning, after a charge"),
        BenchFigure("modes.longest", "µs", "the longest of those slices"),
      ]
    ) {
      if recorded.isEmpty { (recorded, made) = try chargeThatTeaches() }
      guard let made else { return [] }
      var fastest = [Duration](repeating: .seconds(1), count: recorded.count)
      var learns = [Bool](repeating: false, count: recorded.count)
      for _ in 0..<3 {
        var estimator = made
        for (index, row) in recorded.enumerated() {
          let wasLearning = estimator.isLearning
          let begin = ContinuousClock.now
          estimator.step(at: row.time, row.measurement)
          fastest[index] = min(fastest[index], ContinuousClock.now - begin)
          learns[index] = wasLearning || estimator.isLearning
        }
      }
      let steps = fastest.indices.filter { !learns[$0] }.map { fastest[$0] / .microseconds(1) }
      let slices = fastest.indices.filter { learns[$0] }.map { fastest[$0] / .microseconds(1) }
      return [
        steps.reduce(0, +) / Double(steps.count), slices.reduce(0, +) / Double(slices.count),
        slices.max() ?? 0,
      ]
    }
  }

  /// A discharge, a charge and the rest after it, of a cell whose age is not known: then every age is
  /// tried, and the curve is replaced.
  private static func chargeThatTeaches() throws -> (
    [(time: MonotonicTime, measurement: CellEstimation.Measurement)], LifelongEstimator?
  ) {
    let cell = CellDescription.hu2024NFMPB1HardCarbon
    let tables = try EstimatorTables(cell, named: cell.name, .lifelong)
    var setup = RigSetup(cell: cell, seed: 1)
    setup.schedule = LoadSchedule(steps: [
      .current(c: -0.5, untilVolts: cell.lowerCutoffVolts + 0.05, seconds: 1e9),
      .rest(seconds: 1_800), .charge(c: 0.5, volts: cell.upperCutoffVolts, untilC: 0.05),
      .rest(seconds: 3_600),
    ])
    let made = tables.lifelong(
      setup.firstGuess, deviation: RigSetup.guessDeviation, isNew: false)
    guard var estimator = made else { return ([], nil) }
    var rig = try Rig(setup)
    var rows: [(time: MonotonicTime, measurement: CellEstimation.Measurement)] = []
    while estimator.rebuilds == 0, rows.count < 40_000 {
      let report = rig.step().report
      rows.append((report.time, report.measurement))
      estimator.step(at: report.time, report.measurement)
    }
    guard estimator.rebuilds > 0 else {
      throw UserMistake.exit("the bench's charge taught the modes nothing", code: 70)
    }
    return (rows, made)
  }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellEstimation
import CellSimulation
import Simulation
import Telemetry

/// `sodalite mode-study`: worn cells with and without the identification of modes; not for users yet.
struct ModeStudy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mode-study",
    abstract: "Compare estimates of worn cells with and without degradation modes.",
    shouldDisplay: false)

  @Option(help: "The seeds A-B of the cells.") var seeds = "1-4"
  @Option(help: "Shares of the fresh capacity, as 1,0.86,0.73.") var health = "1,0.86,0.73"
  @Option(help: "The learning charge's current in C.") var rate = 0.2
  @Option(help: "The voltage that it starts from.") var from = 2.05
  @Option(help: "The ripple's amplitude over the design's.") var ripple = 1.0
  @Option(help: "How far the cells are from the make.") var mismatch = 1.0

  func run() throws {
    let cell = CellDescription.hu2024NFMPB1HardCarbon
    let profile = try ProfileMaker.profile(for: cell)
    guard let composition = try CompositionMaker.composition(for: cell, profile: profile) else {
      throw ValidationError("the cell has no electrodes")
    }
    let ends = seeds.split(separator: "-").compactMap { UInt64($0) }
    guard let first = ends.first, let last = ends.last, first <= last else {
      throw ValidationError("--seeds \(seeds): a range such as 1-4 would be right")
    }
    print(
      "health path      without: rmse max cover  with: rmse max cover step | errors rms: "
        + "coupling accessible-iron anode capacity | within 1.96 deviations | in the joint 95 % region"
    )
    for share in health.split(separator: ",").compactMap({ Double($0) }) {
      for path in AgeingPath.allCases where share < 1 || path == .iron {
        var row = StudyRow()
        for seed in first...last {
          var trial = ModeTrial(
            make: cell, seed: seed, health: share, path: path, mismatch: mismatch)
          trial.charges = [(c: rate, fromVolts: from)]
          trial.ripple = (0.006 * ripple, 0.0042 * ripple)
          row.add(
            try trial.run(profile: profile, composition: composition),
            ratedAmpereHours: cell.ratedCapacityAmpereHours)
        }
        print("\(share) \(share < 1 ? path.rawValue : "fresh") \(row.text)")
      }
    }
  }
}

/// The pooled results of one health and path.
private struct StudyRow {
  var plain = AccuracyScore()
  var modes = AccuracyScore()
  var step = 0.0
  var refused = 0
  var saturations: UInt32 = 0
  var squares = [0.0, 0, 0, 0]
  var inside = [0.0, 0, 0, 0]
  var joint = 0.0
  var count = 0.0

  mutating func add(_ result: ModeTrial.Result, ratedAmpereHours: Double) {
    plain.add(result.plain)
    modes.add(result.modes)
    step = max(step, result.largestStep)
    refused += result.refused
    saturations += result.saturations
    guard let health = result.health else { return }
    count += 1
    if result.jointHolds { joint += 1 }
    let pairs = [
      (health.coupling, result.truth.coupling),
      (health.accessibleIron, result.truth.accessibleIron),
      (health.anode, result.truth.anode),
      (health.capacity, result.capacity / ratedAmpereHours),
    ]
    for (index, pair) in pairs.enumerated() {
      let error = Double(pair.0.value) * 1e-6 - pair.1
      squares[index] += error * error
      if abs(error) <= 1.96 * Double(pair.0.deviation) * 1e-6 { inside[index] += 1 }
    }
  }

  var text: String {
    func percent(_ value: Double?) -> String {
      let hundredths = Int(((value ?? 0) * 10_000).rounded())
      return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)"
    }
    let errors = squares.map { percent(($0 / count).squareRoot()) }.joined(separator: " ")
    let covered = inside.map { percent($0 / count) }.joined(separator: " ")
    return "\(percent(plain.rmse)) \(percent(plain.maxError)) \(percent(plain.coverage))  "
      + "\(percent(modes.rmse)) \(percent(modes.maxError)) \(percent(modes.coverage)) "
      + "\(percent(step)) | \(errors) | \(covered) | joint \(percent(joint / count)) | refused \(refused) clamped \(saturations)"
  }
}

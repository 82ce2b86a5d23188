// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellFitting
import CellSimulation
import Telemetry

/// `sodalite fit-study`: fits of made-up cells against what they were made of; not for users.
struct FitStudy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit-study",
    abstract: "Fit made-up cells and compare with what they were made of.", shouldDisplay: false)

  @Option(help: "The seeds A-B of the cells.") var seeds = "1-4"
  @Flag(help: "Print each number that its interval misses.") var misses = false
  @Option(help: "Only the shape of this number, from 1.") var shape: Int?

  func run() throws {
    let ends = seeds.split(separator: "-").compactMap { UInt64($0) }
    guard let first = ends.first, let last = ends.last, first <= last else {
      throw ValidationError("a range of seeds such as 1-4 would be right")
    }
    var table = TableText([
      ("", .left), ("inside 95 %", .right), ("determined", .right), ("rms error", .right),
    ])
    for (place, shape) in FittingTrial.shapes.enumerated()
    where self.shape == nil || self.shape == place + 1 {
      var scores: [FitScore] = []
      for seed in first...last { try add(shape, seed, to: &scores) }
      table.add([shape.name, "", "", ""])
      for score in scores { table.add(score.row) }
    }
    try report("made-up cells, seeds \(first) to \(last)\n\n" + table.text)
  }

  private func add(_ shape: CellDescription, _ seed: UInt64, to scores: inout [FitScore]) throws {
    let trial = try FittingTrial(shape: shape, seed: seed)
    let truth = trial.truth
    let result = try CellFit.run(
      [trial.record],
      CellFit.Request(
        name: truth.name, source: truth.source, lowerCutoffVolts: truth.lowerCutoffVolts,
        upperCutoffVolts: truth.upperCutoffVolts))
    if misses { print(FitReport(result: result, files: [shape.name]).table) }
    for parameter in result.parameters {
      guard let expected = Self.expected(parameter.name, truth) else { continue }
      let place =
        scores.firstIndex { $0.name == parameter.name }
        ?? {
          scores.append(FitScore(name: parameter.name))
          return scores.count - 1
        }()
      scores[place].add(parameter, expected)
      if misses, !parameter.interval.contains(expected) {
        print(
          "\(shape.name) seed \(seed) \(parameter.name): \(expected) is not in "
            + "\(parameter.interval.lowerBound) to \(parameter.interval.upperBound)")
      }
    }
    var curve = FitScore(name: "open-circuit voltage, 5 to 95 %")
    curve = scores.first { $0.name == curve.name } ?? curve
    scores.removeAll { $0.name == curve.name }
    guard case .circuit(let circuit) = truth.model else { return }
    for place in stride(from: 0.05, through: 0.951, by: 0.05) {
      let value = result.curves[0].value(at: place)
      let half = 1.96 * result.curves[0].deviation(at: place)
      curve.add(
        FittedParameter(
          name: curve.name, unit: "V", value: value, interval: value - half...value + half),
        circuit.openCircuitVolts(place))
    }
    scores.append(curve)
  }

  /// What a parameter was made with; nil where the truth has no such number.
  private static func expected(_ name: String, _ truth: CellDescription) -> Double? {
    guard case .circuit(let circuit) = truth.model else { return nil }
    switch name {
    case "capacity": return truth.ratedCapacityAmpereHours
    case "fast time constant": return circuit.pairs[0].seconds
    case "slow time constant": return circuit.pairs[1].seconds
    case "charge arriving per charge counted": return 1
    default: break
    }
    for percent in [20, 50, 80] where name.hasSuffix(" at \(percent) %") {
      let place = Double(percent) / 100
      if name.hasPrefix("series") { return circuit.seriesOhms(place) }
      if name.hasPrefix("fast") { return circuit.pairs[0].ohms(place) }
      if name.hasPrefix("slow") { return circuit.pairs[1].ohms(place) }
      if name.hasPrefix("hysteresis") { return circuit.hysteresisVolts(place) }
    }
    return nil
  }
}

/// How often an interval held the truth.
private struct FitScore {
  let name: String
  var count = 0
  var inside = 0
  var determined = 0
  var squares = 0.0
  var unit = ""

  init(name: String) { self.name = name }

  mutating func add(_ parameter: FittedParameter, _ expected: Double) {
    count += 1
    if parameter.interval.contains(expected) { inside += 1 }
    if parameter.isDetermined { determined += 1 }
    // Voltages by themselves, the rest by its size.
    let isVoltage = parameter.unit == "V"
    let error = (parameter.value - expected) / (isVoltage ? 1e-3 : expected / 100)
    squares += error * error
    unit = isVoltage ? "mV" : "%"
  }

  var row: [String] {
    [
      "  \(name)", "\(inside) of \(count)", "\(determined)",
      "\(number((squares / Double(max(count, 1))).squareRoot(), 1)) \(unit)",
    ]
  }
}

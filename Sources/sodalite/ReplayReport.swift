// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities
import Simulation
import Telemetry

/// What is told of a log that went through the estimator.
struct ReplayReport {
  let file: String
  let cell: String
  let settleSeconds: Double
  var firstGuess = 0.0
  /// The true state of charge of the first row, where the log has it.
  var firstTruth: Double?
  /// How many times the log is silent for a day or more.
  var gaps = 0
  var wallSeconds = 0.0
  var replay: Replay?

  init(file: String, cell: String, settleSeconds: Double) {
    self.file = file
    self.cell = cell
    self.settleSeconds = settleSeconds
  }

  var table: String {
    guard let replay, let estimate = replay.estimate else { return "" }
    var table = TableText([("", .left), ("", .left)])
    table.add(["log", file])
    table.add(["cell", cell])
    table.add([
      "length",
      "\(grouped(Double(replay.samples))) samples, \(number(replay.duration / 3_600, 2)) h",
    ])
    let truth = firstTruth.map { ", \(percent($0)) true" } ?? ""
    table.add(["state of charge, at first", "\(percent(firstGuess)) believed\(truth)"])
    for landmark in replay.landmarks {
      let end = landmark.kind == .endOfCharge ? "charged" : "discharged"
      table.add(["\(end) at \(grouped(landmark.seconds)) s", landmark.estimate.text])
    }
    table.add(["state of charge, at last", estimate.text])
    if replay.score.count > 0 {
      let after = "after \(number(settleSeconds / 60, 0)) min"
      table.add([
        "error \(after)",
        "RMSE \(percent(replay.score.rmse)), largest \(percent(replay.score.maxError))",
      ])
      table.add([
        "95 % interval \(after)", "covers the truth \(percent(replay.score.coverage)) of the time",
      ])
    }
    table.add(["capacity", "\(charge(estimate.capacityAmpereHours)) believed"])
    table.add(["implausible samples", "\(grouped(Double(replay.implausible)))"])
    if gaps > 0 { table.add(["gaps of a day or more", "\(gaps)"]) }
    table.add(["estimate hash", hexadecimal(replay.hash)])
    return table.text
  }

  /// As `simulate` says it, without what a log cannot know.
  var json: JSONText {
    guard let replay, let estimate = replay.estimate else { return .null }
    var members: [JSONText.Member] = [
      .init("cell", .string(cell)), .init("ticks", .integer(replay.samples)),
      .init("simulatedSeconds", .number(replay.duration)),
      .init("wallSeconds", .number(wallSeconds)),
    ]
    if replay.score.count > 0 {
      members.append(.init("stateOfCharge", RunSummary.json(of: replay.score)))
    }
    members += [
      .init(
        "capacity",
        .object([.init("estimatedAmpereHours", .number(estimate.capacityAmpereHours))])),
      .init("estimateHash", .string(hexadecimal(replay.hash))),
      .init("saturations", .integer(Int64(replay.saturations))),
      .init("first", .object([.init("estimated", .number(firstGuess))])),
      .init("landmarks", .array(replay.landmarks.map(Self.json))),
      .init("last", .object(estimate.members)),
      .init("implausible", .integer(replay.implausible)), .init("gaps", .integer(Int64(gaps))),
    ]
    return .object(members)
  }

  private static func json(_ landmark: Replay.Landmark) -> JSONText {
    .object(
      [
        .init("kind", .string(landmark.kind.rawValue)),
        .init("seconds", .number(landmark.seconds)),
      ] + landmark.estimate.members)
  }
}

extension Estimate {
  /// The state of charge as a fraction.
  var middle: Double { Self.fraction(stateOfCharge) }
  /// Half the width of its 95 % interval.
  var halfWidth: Double {
    (Self.fraction(highestStateOfCharge) - Self.fraction(lowestStateOfCharge)) / 2
  }
  /// The charge between empty and full. Unit: Ah.
  var capacityAmpereHours: Double { Double(fullChargeCapacity.nanocoulombs) / 3.6e12 }

  /// The state of charge with its interval.
  fileprivate var text: String {
    "\(percent(middle)) believed, \(percent(Self.fraction(lowestStateOfCharge))) to "
      + "\(percent(Self.fraction(highestStateOfCharge))) at 95 %"
  }

  fileprivate var members: [JSONText.Member] {
    [
      .init("estimated", .number(middle)),
      .init("low", .number(Self.fraction(lowestStateOfCharge))),
      .init("high", .number(Self.fraction(highestStateOfCharge))),
    ]
  }

  private static func fraction(_ value: StateOfCharge) -> Double {
    Double(value.partsPerMillion) * 1e-6
  }
}

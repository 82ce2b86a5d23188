// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Telemetry

/// What is told of a run under a cycler protocol.
struct CycleReport {
  let cell: CellDescription
  let steps: [CyclerStep]
  let startStateOfCharge: Double
  let ambientCelsius: Double
  var endStateOfCharge = 0.0
  var wallSeconds = 0.0
  private(set) var seconds = 0.0
  private(set) var rounds: [Round] = []

  /// The whole list of steps, run once.
  struct Round {
    var number: Int
    var summaries: [CyclerStepSummary]

    var seconds: Double { summaries.reduce(0) { $0 + $1.seconds } }

    /// What went in, or came out, in all steps; both positive.
    func charge(_ way: FloatingPointSign) -> Double { sum(\.chargeAmpereHours, way) }
    func energy(_ way: FloatingPointSign) -> Double { sum(\.energyWattHours, way) }
    var highestCelsius: Double { summaries.map(\.highestCelsius).max() ?? 0 }

    private func sum(
      _ value: KeyPath<CyclerStepSummary, Double>, _ way: FloatingPointSign
    ) -> Double {
      summaries.reduce(0) { $0 + max(way == .plus ? $1[keyPath: value] : -$1[keyPath: value], 0) }
    }

    /// What came out for what went in; nil where nothing went in.
    var coulombicEfficiency: Double? { ratio(charge(.minus), charge(.plus)) }
    var energyEfficiency: Double? { ratio(energy(.minus), energy(.plus)) }

    private func ratio(_ out: Double, _ into: Double) -> Double? { into > 0 ? out / into : nil }
  }

  init(
    cell: CellDescription, steps: [CyclerStep], startStateOfCharge: Double, ambientCelsius: Double
  ) {
    self.cell = cell
    self.steps = steps
    self.startStateOfCharge = startStateOfCharge
    self.ambientCelsius = ambientCelsius
  }

  mutating func add(round: Int, _ summaries: [CyclerStepSummary]) {
    rounds.append(Round(number: round, summaries: summaries))
    seconds += summaries.reduce(0) { $0 + $1.seconds }
  }

  /// Why the run did not come to its end; nil if it did.
  var stop: String? {
    guard let round = rounds.last, let last = round.summaries.last else { return nil }
    let reason: String
    switch last.end {
    case .time, .limit, .limitAlreadyMet: return nil
    case .unreachable: reason = "the cell can take or give no more like this"
    case .outOfRange: reason = "voltage or temperature left the model's range"
    case .tooLong: reason = "it did not end within 1000 h"
    }
    let cycle = rounds.count > 1 ? "cycle \(round.number), " : ""
    return "\(cycle)step \(last.step) '\(steps[last.step - 1].text)' stopped at "
      + "\(number(last.endVolts, 3)) V: \(reason); nothing was run after it"
  }
}

// MARK: - For people

extension CycleReport {
  var table: String {
    var text = "\(cell.name), 1C = \(number(cell.ratedCapacityAmpereHours * scale, 3)) \(milli)A, "
    text += "\(number(ambientCelsius, 1)) °C; state of charge \(percent(startStateOfCharge)) "
    text += "at the start, \(percent(endStateOfCharge)) at the end\n"
    if rounds.count > 1 { text += "\n\(roundTable)\nsteps of cycle \(rounds.count)\n" }
    text += "\n\(stepTable)\n"
    let speed = grouped(seconds / max(wallSeconds, 1e-9))
    return text + "\(number(seconds / 3_600, 2)) h simulated, \(speed) x real time\n"
  }

  /// Currents, charges and energies of a small cell are told in thousandths.
  private var isSmall: Bool { cell.ratedCapacityAmpereHours < 0.1 }
  private var scale: Double { isSmall ? 1_000 : 1 }
  private var milli: String { isSmall ? "m" : "" }

  private var stepTable: String {
    var table = TableText([
      ("step", .left), ("h:mm:ss", .right), ("\(milli)Ah", .right), ("\(milli)Wh", .right),
      ("end V", .right), ("end \(milli)A", .right), ("max °C", .right), ("ended by", .left),
    ])
    for summary in rounds.last?.summaries ?? [] {
      let step = steps[summary.step - 1]
      table.add([
        step.text, Self.clock(summary.seconds), signed(summary.chargeAmpereHours * scale, 4),
        signed(summary.energyWattHours * scale, 4), number(summary.endVolts, 3),
        signed(summary.endAmperes * scale, 3), number(summary.highestCelsius, 1),
        Self.reason(summary.end, step),
      ])
    }
    return table.text
  }

  private var roundTable: String {
    var table = TableText([
      ("cycle", .right), ("h:mm:ss", .right), ("\(milli)Ah in", .right),
      ("\(milli)Ah out", .right), ("Ah out/in", .right), ("\(milli)Wh in", .right),
      ("\(milli)Wh out", .right), ("Wh out/in", .right), ("max °C", .right),
    ])
    for round in rounds {
      table.add([
        "\(round.number)", Self.clock(round.seconds), number(round.charge(.plus) * scale, 4),
        number(round.charge(.minus) * scale, 4), percent(round.coulombicEfficiency),
        number(round.energy(.plus) * scale, 4), number(round.energy(.minus) * scale, 4),
        percent(round.energyEfficiency), number(round.highestCelsius, 1),
      ])
    }
    return table.text
  }

  /// A number with its sign: positive charges.
  private func signed(_ value: Double, _ decimals: Int) -> String {
    let text = number(value, decimals)
    return value > 0 && text.contains { ("1"..."9").contains($0) } ? "+\(text)" : text
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(whole / 3_600):\(two(whole / 60 % 60)):\(two(whole % 60))"
  }

  private static func reason(_ end: CyclerStepSummary.End, _ step: CyclerStep) -> String {
    switch end {
    case .time: "time"
    case .limit: limit(step)
    case .limitAlreadyMet: "\(limit(step)), met before it began"
    case .unreachable: "no more possible"
    case .outOfRange: "out of the model's range"
    case .tooLong: "longer than allowed"
    }
  }

  private static func limit(_ step: CyclerStep) -> String {
    switch step.until {
    case .volts: "voltage"
    case .rate: "current"
    case nil: "limit"
    }
  }
}

// MARK: - For programs

extension CycleReport {
  var json: JSONText {
    .object([
      .init("cell", .string(cell.name)), .init("ambientCelsius", .number(ambientCelsius)),
      .init("startStateOfCharge", .number(startStateOfCharge)),
      .init("endStateOfCharge", .number(endStateOfCharge)),
      .init("simulatedSeconds", .number(seconds)), .init("wallSeconds", .number(wallSeconds)),
      .init("completed", .boolean(stop == nil)),
      .init("steps", .array(rounds.flatMap { round in round.summaries.map { json($0, round) } })),
      .init("cycles", .array(rounds.map(Self.json))),
    ])
  }

  private func json(_ summary: CyclerStepSummary, _ round: Round) -> JSONText {
    .object([
      .init("cycle", .integer(Int64(round.number))), .init("step", .integer(Int64(summary.step))),
      .init("text", .string(steps[summary.step - 1].text)),
      .init("seconds", .number(summary.seconds)),
      .init("chargeAmpereHours", .number(summary.chargeAmpereHours)),
      .init("energyWattHours", .number(summary.energyWattHours)),
      .init("endVolts", .number(summary.endVolts)),
      .init("endAmperes", .number(summary.endAmperes)),
      .init("highestCelsius", .number(summary.highestCelsius)),
      .init("end", .string("\(summary.end)")),
    ])
  }

  private static func json(_ round: Round) -> JSONText {
    .object([
      .init("cycle", .integer(Int64(round.number))), .init("seconds", .number(round.seconds)),
      .init("chargedAmpereHours", .number(round.charge(.plus))),
      .init("dischargedAmpereHours", .number(round.charge(.minus))),
      .init("coulombicEfficiency", JSONText(round.coulombicEfficiency)),
      .init("chargedWattHours", .number(round.energy(.plus))),
      .init("dischargedWattHours", .number(round.energy(.minus))),
      .init("energyEfficiency", JSONText(round.energyEfficiency)),
      .init("highestCelsius", .number(round.highestCelsius)),
    ])
  }
}

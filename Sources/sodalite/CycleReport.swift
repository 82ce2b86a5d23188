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
  /// Whether the run was stopped from outside.
  var isInterrupted = false
  /// The state of health at the end, mode by mode; nil for a cell that has no history.
  var health: String?
  private(set) var seconds = 0.0
  /// The cycles that are told of.
  private(set) var cycles: [CyclerCycleSummary] = []
  /// The steps of the cycles asked for; always those of the last.
  private(set) var summaries: [CyclerStepSummary] = []
  private let record: RecordArgument
  /// Programs are told of all cycles, people of some: what is not told is not kept.
  private let isForPrograms: Bool

  init(
    cell: CellDescription, steps: [CyclerStep], startStateOfCharge: Double,
    ambientCelsius: Double, record: RecordArgument, isForPrograms: Bool
  ) {
    self.cell = cell
    self.steps = steps
    self.startStateOfCharge = startStateOfCharge
    self.ambientCelsius = ambientCelsius
    self.record = record
    self.isForPrograms = isForPrograms
  }

  /// Adds a step; returns the cycle that was over before it.
  mutating func add(_ step: CyclerStepSummary) -> CyclerCycleSummary? {
    let last = cycles.last
    let isNew = last.map { $0.cycle != step.cycle } ?? true
    if isNew {
      if let last, !(isForPrograms && record.keeps(last.cycle)) {
        summaries.removeAll { $0.cycle == last.cycle }
      }
      cycles.append(CyclerCycleSummary(cycle: step.cycle))
      if !isForPrograms { dropCycles() }
    }
    cycles[cycles.count - 1].add(step)
    summaries.append(step)
    seconds += step.seconds
    return isNew ? last : nil
  }

  /// Of many cycles people are shown fifty at most: every tenth, fiftieth, hundredth and so on.
  private mutating func dropCycles() {
    guard let last = cycles.last?.cycle, last > 40 else { return }
    // Each divides the next: what a longer run shows, a shorter one has kept.
    let spacing = [10, 50, 100, 500, 1_000, 5_000].first { last <= 50 * $0 } ?? 50_000
    cycles.removeAll { $0.cycle > 1 && $0.cycle % spacing != 0 && $0.cycle != last }
  }

  /// Passes what was added.
  mutating func exchange(_ words: inout StateWords) {
    words.field(&seconds)
    words.field(&cycles, standard: CyclerCycleSummary(cycle: 0)) { $0.exchange(&$1) }
    words.field(&summaries, standard: CyclerStepSummary()) { $0.exchange(&$1) }
  }

  /// Says how healthy the cell is after the cycle that came last.
  mutating func setHealth(_ health: Double?) {
    if !cycles.isEmpty { cycles[cycles.count - 1].health = health }
  }

  /// Whether the run came to the end of its protocol.
  private var isCompleted: Bool { stop == nil && !isInterrupted }

  /// Why the cell did not come to the protocol's end; nil if it did, or was only stopped on its way.
  var stop: String? {
    guard let last = summaries.last else { return nil }
    let reason: String
    switch last.end {
    case .time, .limit, .limitAlreadyMet: return nil
    case .unreachable: reason = "the cell can take or give no more like this"
    case .outOfRange: reason = "voltage or temperature left the model's range"
    case .tooLong: reason = "it did not end within 1000 h, or the test within 30 years"
    case .circling: reason = "the protocol goes in circles without any time passing"
    }
    let cycle = cycles.count > 1 ? "cycle \(last.cycle), " : ""
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
    if cycles.count > 1, let last = cycles.last {
      text += "\n\(cycleTable)\nsteps of cycle \(last.cycle)\n"
    }
    text += "\n\(stepTable)\n"
    if let health { text += "\(health)\n" }
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
    for summary in summaries where summary.cycle == cycles.last?.cycle {
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

  private var cycleTable: String {
    let wears = cycles.contains { $0.health != nil }
    var table = TableText(
      [
        ("cycle", .right), ("h:mm:ss", .right), ("\(milli)Ah in", .right),
        ("\(milli)Ah out", .right), ("Ah out/in", .right), ("\(milli)Wh in", .right),
        ("\(milli)Wh out", .right), ("Wh out/in", .right), ("max °C", .right),
      ] + (wears ? [("health", .right)] : []))
    for cycle in cycles {
      table.add(
        [
          "\(cycle.cycle)", Self.clock(cycle.seconds),
          number(cycle.chargedAmpereHours * scale, 4),
          number(cycle.dischargedAmpereHours * scale, 4), percent(cycle.coulombicEfficiency),
          number(cycle.chargedWattHours * scale, 4),
          number(cycle.dischargedWattHours * scale, 4), percent(cycle.energyEfficiency),
          number(cycle.highestCelsius, 1),
        ] + (wears ? [percent(cycle.health)] : []))
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
    case .limit(let index): limit(index, step)
    case .limitAlreadyMet(let index): "\(limit(index, step)), met before it began"
    case .unreachable: "no more possible"
    case .outOfRange: "out of the model's range"
    case .tooLong: "longer than allowed"
    case .circling: "in circles"
    }
  }

  private static func limit(_ index: Int?, _ step: CyclerStep) -> String {
    guard let index else { return "voltage" }
    return step.ends[index].conditions.map(\.amount.name).joined(separator: " and ")
  }
}

// MARK: - For programs

extension CycleReport {
  /// The JSON in pieces, so that a long run's is never whole in memory.
  func json(_ write: (String) throws -> Void) throws {
    let head = JSONText.object([
      .init("cell", .string(cell.name)), .init("ambientCelsius", .number(ambientCelsius)),
      .init("startStateOfCharge", .number(startStateOfCharge)),
      .init("endStateOfCharge", .number(endStateOfCharge)),
      .init("simulatedSeconds", .number(seconds)), .init("wallSeconds", .number(wallSeconds)),
      .init("completed", .boolean(isCompleted)),
    ])
    try write(head.text.dropLast() + ",\"steps\":[")
    for (place, summary) in summaries.enumerated() {
      try write((place > 0 ? "," : "") + json(summary).text)
    }
    try write("],\"cycles\":[")
    for (place, cycle) in cycles.enumerated() {
      try write((place > 0 ? "," : "") + Self.json(cycle).text)
    }
    try write("]}\n")
  }

  private func json(_ summary: CyclerStepSummary) -> JSONText {
    .object([
      .init("cycle", .integer(Int64(summary.cycle))), .init("step", .integer(Int64(summary.step))),
      .init("text", .string(steps[summary.step - 1].text)),
      .init("seconds", .number(summary.seconds)),
      .init("chargeAmpereHours", .number(summary.chargeAmpereHours)),
      .init("energyWattHours", .number(summary.energyWattHours)),
      .init("endVolts", .number(summary.endVolts)),
      .init("endAmperes", .number(summary.endAmperes)),
      .init("highestCelsius", .number(summary.highestCelsius)),
      .init("end", .string(Self.word(summary.end))),
    ])
  }

  private static func word(_ end: CyclerStepSummary.End) -> String {
    switch end {
    case .time: "time"
    case .limit: "limit"
    case .limitAlreadyMet: "limitAlreadyMet"
    case .unreachable: "unreachable"
    case .outOfRange: "outOfRange"
    case .tooLong: "tooLong"
    case .circling: "circling"
    }
  }

  private static func json(_ cycle: CyclerCycleSummary) -> JSONText {
    .object([
      .init("cycle", .integer(Int64(cycle.cycle))), .init("seconds", .number(cycle.seconds)),
      .init("chargedAmpereHours", .number(cycle.chargedAmpereHours)),
      .init("dischargedAmpereHours", .number(cycle.dischargedAmpereHours)),
      .init("coulombicEfficiency", JSONText(cycle.coulombicEfficiency)),
      .init("chargedWattHours", .number(cycle.chargedWattHours)),
      .init("dischargedWattHours", .number(cycle.dischargedWattHours)),
      .init("energyEfficiency", JSONText(cycle.energyEfficiency)),
      .init("highestCelsius", .number(cycle.highestCelsius)),
      .init("health", JSONText(cycle.health)),
    ])
  }
}

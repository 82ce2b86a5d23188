// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Foundation
import Telemetry

/// `sodalite paper`: the paper's experiments on every cell of the paper.
struct Paper: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay the paper's experiments; the published value beside the emulated one.",
    discussion: """
      The paper: Hu et al., Angew. Chem. Int. Ed. 2024, e202410420, CC BY 4.0. Rows and citation are \
      in Data/hu2024.csv. A row that is missed says so. Roles: fitted rows were used to find the \
      parameters, predicted ones were not and may be off by three times the tolerance (those beyond \
      one are called near), ordinal ones are statements that hold or do not.
      """)

  @Option(help: "Only this row, such as P036; may be repeated.") var row: [String] = []
  @Option(help: "Only rows of this system, such as NFM-PB-1 or 'M-PB||HC'.") var system: String?
  @Option(help: "table or json.") var format = OutputFormat.table
  @Option(help: "Draw the paper's figures as SVG and PNG into this folder, with gnuplot.")
  var plot: String?
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change a parameter: SYSTEM:PLACE.FIELD=VALUE; for identification.", visibility: .hidden))
  var overrides: [String] = []

  func run() throws {
    let rows = try chosenRows()
    var laboratory = try changedLaboratory()
    if let plot {
      try PaperPlots.draw(into: plot, &laboratory)
      return
    }
    var results: [PaperRow.Result] = []
    for row in rows {
      do {
        results.append(try row.evaluate(in: &laboratory))
      } catch {
        throw UserMistake.exit("\(row.id): \(error)", code: 78)
      }
    }
    print(format == .json ? json(results) : table(results))
  }

  private func chosenRows() throws -> [PaperRow] {
    var rows = PaperRow.all
    if !row.isEmpty {
      for name in row where !rows.contains(where: { $0.id == name.uppercased() }) {
        throw UserMistake.exit(
          "no usable row '\(name)'; the first is \(rows[0].id), the last \(rows[rows.count - 1].id)",
          code: 64)
      }
      let wanted = row.map { $0.uppercased() }
      rows = rows.filter { wanted.contains($0.id) }
    }
    if let system {
      guard let wanted = PaperSystem(rawValue: system) else {
        let names = PaperSystem.allCases.map(\.rawValue).joined(separator: ", ")
        throw UserMistake.exit("unknown system '\(system)'; there are \(names)", code: 64)
      }
      rows = rows.filter { $0.systems[0] == wanted }
    }
    return rows
  }

  private func changedLaboratory() throws -> PaperLaboratory {
    var laboratory = PaperLaboratory()
    for text in overrides {
      guard let change = ParameterOverride(text) else {
        throw UserMistake.exit(
          "--set \(text): SYSTEM:PLACE.FIELD=VALUE would be right, as in M-PB:Mn_HS.potential=3.32",
          code: 64)
      }
      var description = laboratory.specimen(change.system).description
      guard change.apply(to: &description) else {
        throw UserMistake.exit(
          "--set \(text): there is no \(change.place).\(change.field)", code: 64)
      }
      laboratory.replace(change.system, with: description)
    }
    return laboratory
  }
}

// MARK: - Output

extension Paper {
  private func json(_ results: [PaperRow.Result]) -> String {
    JSONText.array(
      results.map { result in
        .object([
          .init("id", .string(result.row.id)),
          .init("system", .string(result.row.systems[0].rawValue)),
          .init("quantity", .string("\(result.row.experiment): \(result.row.quantity)")),
          .init("published", Self.json(result.row.published)),
          .init("emulated", Self.json(result.emulated)),
          .init("error", JSONText(result.error)),
          .init("tolerance", JSONText(result.allowed)),
          .init("passes", .boolean(result.passes)),
          .init("role", .string(result.row.role.rawValue)),
        ])
      }
    ).text
  }

  private static func json(_ published: PaperRow.Published) -> JSONText {
    switch published {
    case .number(let value): .number(value)
    case .statement(let text): .string(text)
    }
  }

  private static func json(_ emulated: PaperRow.Emulated) -> JSONText {
    switch emulated {
    case .number(let value): .number(value)
    case .statement(let text, _): .string(text)
    }
  }

  private func table(_ results: [PaperRow.Result]) -> String {
    var text = ""
    for system in PaperSystem.allCases {
      let group = results.filter { $0.row.systems[0] == system }
      guard !group.isEmpty else { continue }
      text += "\(system.rawValue)\n\n"
      text += Self.numbers(group) + Self.statements(group)
      let off = group.filter { $0.verdict != .pass }
      for result in off {
        let reason = result.row.reason ?? "no reason known"
        text += "  \(result.row.id) is \(result.passes ? "only near" : "missed"): \(reason)\n"
      }
      if !off.isEmpty { text += "\n" }
    }
    return text + Self.summary(results)
  }

  private static func numbers(_ results: [PaperRow.Result]) -> String {
    var table = TableText([
      ("row", .left), ("experiment", .left), ("quantity", .left), ("published", .right),
      ("emulated", .right), ("error", .right), ("tolerance", .right), ("unit", .left),
      ("role", .left), ("verdict", .left), ("alone", .left),
    ])
    var isEmpty = true
    for result in results {
      guard case .number(let published) = result.row.published,
        case .number(let emulated) = result.emulated
      else { continue }
      isEmpty = false
      table.add([
        result.row.id, result.row.experiment, result.row.quantity, number(published, result.row),
        number(emulated, result.row), error(result), tolerance(result), result.row.unit,
        result.row.role.rawValue, verdict(result), alone(result.row),
      ])
    }
    return isEmpty ? "" : table.text + "\n"
  }

  private static func statements(_ results: [PaperRow.Result]) -> String {
    var table = TableText([
      ("row", .left), ("experiment", .left), ("quantity", .left), ("published", .left),
      ("emulated", .left), ("verdict", .left), ("alone", .left),
    ])
    var isEmpty = true
    for result in results {
      guard case .statement(let published) = result.row.published,
        case .statement(let emulated, _) = result.emulated
      else { continue }
      isEmpty = false
      table.add([
        result.row.id, result.row.experiment, result.row.quantity, published, emulated,
        result.passes ? "holds" : "FAILS", alone(result.row),
      ])
    }
    return isEmpty ? "" : table.text + "\n"
  }

  private static func alone(_ row: PaperRow) -> String { "sodalite paper --row \(row.id)" }

  private static func number(_ value: Double, _ row: PaperRow) -> String {
    switch row.unit {
    case "cm2/s":
      let power = log10(value).rounded(.down)
      return "\(DecimalNumber.text(value / pow(10, power), decimals: 2))e\(Int(power))"
    case "V": return DecimalNumber.text(value, decimals: 3)
    case "-": return DecimalNumber.text(value, decimals: 4)
    default: return DecimalNumber.text(value, decimals: 2)
    }
  }

  private static func error(_ result: PaperRow.Result) -> String {
    guard let error = result.error, case .number(let published) = result.row.published else {
      return "-"
    }
    switch result.row.tolerance {
    case .share: return "\(DecimalNumber.text(100 * error / published, decimals: 1)) %"
    case .factor: return "x\(DecimalNumber.text(1 + error / published, decimals: 2))"
    case .amount, .exact: return number(error, result.row)
    }
  }

  private static func verdict(_ result: PaperRow.Result) -> String {
    switch result.verdict {
    case .pass: "pass"
    case .near: "near"
    case .miss: "MISS"
    }
  }

  private static func tolerance(_ result: PaperRow.Result) -> String {
    switch result.row.allowance {
    case .share(let share): "\(DecimalNumber.text(100 * share, decimals: 0)) %"
    case .factor(let factor): "x/ \(DecimalNumber.text(factor, decimals: 2))"
    case .amount(let amount): number(amount, result.row)
    case .exact: "-"
    }
  }

  private static func summary(_ results: [PaperRow.Result]) -> String {
    let counts = [PaperRow.Role.fitted, .predicted, .ordinal].map { role in
      let group = results.filter { $0.row.role == role }
      return "\(role.rawValue) \(group.count { $0.verdict == .pass }) of \(group.count)"
    }
    let passed = results.count { $0.verdict == .pass }
    let near = results.count { $0.verdict == .near }
    return "\(passed) of \(results.count) rows pass"
      + (near == 0 ? "" : ", \(near) \(near == 1 ? "is" : "are") near")
      + ": \(counts.joined(separator: ", "))"
  }
}

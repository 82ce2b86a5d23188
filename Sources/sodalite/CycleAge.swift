// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Descriptions
import Telemetry

/// A history on the command line: "200cycles", "5000h", "200cycles,365d", or the path of a file.
struct AgeArgument {
  private var history: History
  /// Histories are some kilobytes long; what is far beyond that is something else.
  private static let largestFile = 1 << 20

  private enum History {
    case doses(cycles: Double, hours: Double)
    case file(String)
  }

  /// A new cell.
  static let fresh = AgeArgument(history: .doses(cycles: 0, hours: 0))

  private init(history: History) { self.history = history }

  /// Full cycles at 1C take two hours; without a time the history is as long as its cycles.
  init(argument: String) throws {
    guard !argument.hasSuffix(".yaml"), !argument.hasSuffix(".yml") else {
      history = .file(argument)
      return
    }
    var cycles = 0.0
    var hours: Double?
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let units = [("cycles", 0.0), ("cycle", 0), ("h", 1), ("d", 24), ("y", 8766)]
      guard let (unit, scale) = units.first(where: { part.hasSuffix($0.0) }),
        let value = DecimalNumber.parse(String(part.dropLast(unit.count))),
        value >= 0, value <= 1e6
      else {
        throw ValidationError(
          "a history would be right, such as 200cycles, 5000h, 2y or 200cycles,365d, "
            + "or the path of a .yaml file")
      }
      if scale == 0 { cycles = value } else { hours = (hours ?? 0) + value * scale }
    }
    history = .doses(cycles: cycles, hours: hours ?? 2 * cycles)
  }

  /// The cell's state after this history.
  func state(of cell: CellDescription) throws -> AgeingState {
    guard cell.ageing != nil else {
      throw UserMistake.exit("nothing is known about how \(cell.name) ages", code: 64)
    }
    switch history {
    case .doses(let cycles, let hours):
      return AgeingState.after(cycles: cycles, hours: hours, cell)
    case .file(let path): return try Self.read(path, cell)
    }
  }

  private static func read(_ path: String, _ cell: CellDescription) throws -> AgeingState {
    let text: String
    do {
      text = try WholeFile.text(of: path, atMost: largestFile)
    } catch {
      throw UserMistake.exit(error.description, code: error.category == .noInput ? 66 : 78)
    }
    switch AgeFile.parse(text: text, file: path, for: cell) {
    case .success(let age): return age
    case .failure(let problems):
      let lines = problems.problems.map(\.description).joined(separator: "\nsodalite: ")
      throw UserMistake.exit(lines, code: problems.exitCode)
    }
  }
}

extension Cycle {
  /// The history the cell begins with; nil for a new one that does not wear.
  func startAge(of description: CellDescription) throws -> AgeingState? {
    try age?.state(of: description) ?? (wear ? AgeArgument.fresh.state(of: description) : nil)
  }

  /// The cell at rest, as old as it is said to be.
  func makeCell(_ description: CellDescription, age: AgeingState?) throws -> Cell {
    do {
      guard let age else {
        return try Cell(
          description, stateOfCharge: start.fraction, temperatureCelsius: ambient)
      }
      let old = description.aged(by: age)
      guard wear else {
        return try Cell(old, stateOfCharge: start.fraction, temperatureCelsius: ambient)
      }
      let volts = try CellEquilibrium(old).volts(stateOfCharge: start.fraction)
      return try Cell(
        description, age: age,
        restingAtVolts: min(max(volts, description.lowerCutoffVolts), description.upperCutoffVolts),
        temperatureCelsius: ambient)
    } catch {
      throw UserMistake.exit("\(cell): \(error)", code: 78)
    }
  }
}

extension CellDescription {
  /// The states of health after a history, in one line each.
  func healthText(after age: AgeingState) throws(CellError) -> String {
    let health = try health(after: age)
    var rows = [
      ("capacity", percent(health.capacity)),
      ("sodium lost", percent(health.lossOfSodiumInventory)),
      ("contact resistance", percent(health.resistance)),
    ]
    if case .electrodes(let pair) = model {
      for (site, left) in zip(pair.cathode.sites, health.cathodeSites) {
        rows.append(("cathode, \(site.name)", percent(left)))
      }
    }
    if health.coupling > 0 { rows.append(("coupled", percent(health.coupling))) }
    var table = TableText([("state of health", .left), ("of a new cell", .right)])
    for row in rows { table.add([row.0, row.1]) }
    return table.text
  }
}

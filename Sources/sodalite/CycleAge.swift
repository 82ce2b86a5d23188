// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Telemetry

/// A history on the command line: "200cycles", "5000h", "200cycles,365d".
struct AgeArgument {
  var cycles = 0.0
  var hours = 0.0

  /// Full cycles at 1C take two hours; without a time the history is as long as its cycles.
  init(argument: String) throws {
    var givenHours: Double?
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let units = [("cycles", 0.0), ("cycle", 0), ("h", 1), ("d", 24), ("y", 8766)]
      guard let (unit, scale) = units.first(where: { part.hasSuffix($0.0) }),
        let value = DecimalNumber.parse(String(part.dropLast(unit.count))),
        value >= 0, value <= 1e6
      else {
        throw ValidationError(
          "a history would be right, such as 200cycles, 5000h, 2y or 200cycles,365d")
      }
      if scale == 0 { cycles = value } else { givenHours = (givenHours ?? 0) + value * scale }
    }
    hours = givenHours ?? 2 * cycles
  }

  /// The cell's state after this history.
  func state(of cell: CellDescription) throws -> AgeingState {
    guard cell.ageing != nil else {
      throw UserMistake.exit("nothing is known about how \(cell.name) ages", code: 64)
    }
    return AgeingState.after(cycles: cycles, hours: hours, cell)
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

// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

/// Something that a board asks for and cannot have.
public struct BoardContradiction: Equatable, Sendable {
  /// Where in the description, such as "chips/0/shunt" or "limits/upper_voltage".
  public var path: String
  /// What is wrong and what would be right.
  public var message: String
}

extension BoardDescription {
  /// What the board asks that a cell, or its own chips, cannot do; empty when all fits.
  ///
  /// Found before anything is switched on: a limit that no chip can see is a limit that is not kept.
  public func contradictions(with cell: CellDescription) -> [BoardContradiction] {
    windowContradictions(cell) + chips.indices.flatMap { contradictions(at: $0, cell) }
      + prechargeContradictions(cell) + feedbackContradictions
  }

  private var feedbackContradictions: [BoardContradiction] {
    let pairs = [
      ("charge", chargeFeedback, chargeSwitch), ("discharge", dischargeFeedback, dischargeSwitch),
    ]
    return pairs.compactMap { name, feedback, line in
      guard feedback != nil, line == nil else { return nil }
      return BoardContradiction(
        path: "switches/\(name)_feedback",
        message: "\(name)_feedback is of a switch that the board does not drive; expected \(name)")
    }
  }

  private func prechargeContradictions(_ cell: CellDescription) -> [BoardContradiction] {
    let voltmeter = chips.firstIndex { $0.roles.contains(.loadVoltage) }
    guard let precharge else {
      return voltmeter.map {
        [
          BoardContradiction(
            path: "chips/\($0)/role",
            message: "load voltage is read for a precharge; expected one, or another role")
        ]
      } ?? []
    }
    var found: [BoardContradiction] = []
    func add(_ key: String, _ message: String) {
      found.append(BoardContradiction(path: "precharge/\(key)", message: message))
    }
    if dischargeSwitch == nil {
      add("line", "precharge has no discharge switch to close after it; expected one in switches")
    }
    if voltmeter == nil {
      add("line", "no chip has the role 'load voltage'; expected one behind the discharge switch")
    }
    let filling = precharge.fillingSeconds
    if filling >= precharge.limitSeconds {
      add(
        "time_limit",
        "time_limit is \(precharge.limitSeconds) s; through this resistor the load takes "
          + "\((filling * 1e3).rounded(.up) / 1e3) s")
    }
    let most = window(of: cell).upperBound * Double(seriesCells) / precharge.ohms
    if most > limits.dischargeAmperes {
      add(
        "resistor",
        "resistor lets \((most * 1e3).rounded(.up) / 1e3) A into an empty load; discharge_current is "
          + "\(limits.dischargeAmperes) A")
    }
    return found
  }

  /// Where discharging and charging stop, a cell. Unit: V.
  public func window(of cell: CellDescription) -> ClosedRange<Double> {
    let lower = limits.lowerVolts ?? cell.lowerCutoffVolts
    return lower...max(limits.upperVolts ?? cell.upperCutoffVolts, lower)
  }

  private func windowContradictions(_ cell: CellDescription) -> [BoardContradiction] {
    var found: [BoardContradiction] = []
    if let lower = limits.lowerVolts, lower < cell.lowerCutoffVolts {
      found.append(
        BoardContradiction(
          path: "limits/lower_voltage",
          message: "lower_voltage is \(lower) V; the cell ends at \(cell.lowerCutoffVolts) V"))
    }
    if let upper = limits.upperVolts, upper > cell.upperCutoffVolts {
      found.append(
        BoardContradiction(
          path: "limits/upper_voltage",
          message: "upper_voltage is \(upper) V; the cell ends at \(cell.upperCutoffVolts) V"))
    }
    let lower = limits.lowerVolts ?? cell.lowerCutoffVolts
    let upper = limits.upperVolts ?? cell.upperCutoffVolts
    if lower >= upper {
      found.append(
        BoardContradiction(
          path: limits.upperVolts == nil ? "limits/lower_voltage" : "limits/upper_voltage",
          message: "discharging stops at \(lower) V and charging at \(upper) V; expected less"))
    }
    return found
  }

  private func contradictions(at index: Int, _ cell: CellDescription) -> [BoardContradiction] {
    let chip = chips[index]
    let window = window(of: cell)
    let series = Double(seriesCells)
    let pack = window.lowerBound * series...window.upperBound * series
    var found = voltageContradictions(index, pack)
    if let divider = chip.divider, pack.upperBound * divider.ratio > chip.kind.dividedVolts {
      found.append(
        BoardContradiction(
          path: "chips/\(index)/divider",
          message: "divider leaves \(pack.upperBound * divider.ratio) V of the cell; "
            + "an input of the \(chip.kind.rawValue) takes \(chip.kind.dividedVolts) V at most"))
    }
    if chip.roles.contains(.monitor), let range = chip.rangeAmperes {
      found += currentContradictions(index, range)
    }
    if chip.kind == .bq76920, chip.roles.contains(.monitor) {
      found += protectionContradictions(index)
    }
    return found
  }

  private func voltageContradictions(
    _ index: Int, _ pack: ClosedRange<Double>
  ) -> [BoardContradiction] {
    let chip = chips[index]
    guard let seen = chip.kind.volts(cells: seriesCells) else { return [] }
    let path = "chips/\(index)/kind"
    var found: [BoardContradiction] = []
    // A gauge that is only compared may be blind for a while; what guards the cell may not.
    if chip.roles.contains(.monitor), pack.lowerBound < seen.lowerBound {
      found.append(
        BoardContradiction(
          path: path,
          message: "the \(chip.kind.rawValue) measures from \(seen.lowerBound) V; discharging goes "
            + "on to \(pack.lowerBound) V: a lower_voltage in limits of "
            + "\(seen.lowerBound / Double(seriesCells)) V would be right"))
    }
    if pack.upperBound > seen.upperBound {
      found.append(
        BoardContradiction(
          path: path,
          message: "the \(chip.kind.rawValue) takes up to \(seen.upperBound) V; "
            + "charging goes on to \(pack.upperBound) V"))
    }
    return found
  }

  private func currentContradictions(_ index: Int, _ range: Double) -> [BoardContradiction] {
    let limits = [
      ("charge_current", self.limits.chargeAmperes),
      ("discharge_current", self.limits.dischargeAmperes),
    ]
    return limits.compactMap { name, limit in
      // At its end the chip's reading is not believed, so a limit must be well before it.
      guard limit > 0.95 * range else { return nil }
      return BoardContradiction(
        path: "limits/\(name)",
        message: "\(name) is \(limit) A; the \(chips[index].kind.rawValue) shows \(range) A and "
          + "is believed up to 95 % of it")
    }
  }

  /// The chip trips a quarter above the firmware's limit, and from 8 mV over the shunt on.
  private func protectionContradictions(_ index: Int) -> [BoardContradiction] {
    let least = 0.008 / 1.25 / (chips[index].shuntOhms ?? 1)
    guard (limits.dischargeAmperes * 1e6).rounded() < (least * 1e6).rounded() else { return [] }
    return [
      BoardContradiction(
        path: "limits/discharge_current",
        message: "discharge_current is \(limits.dischargeAmperes) A; over this shunt the "
          + "\(chips[index].kind.rawValue) protects from \((least * 1e3).rounded(.up) / 1e3) A on")
    ]
  }
}

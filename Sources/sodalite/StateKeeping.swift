// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import CellSimulation
import ChipDrivers
import Firmware
import Simulation
import Telemetry

/// Where a run keeps what it knows of the cell.
enum StateKeeping {
  case nowhere
  case file(path: String)
  case fram(MB85RC256V)
  case eeprom(AT24C32)

  /// What a memory that wears is to last, at the fastest saving that the rule allows. Unit: years.
  private static let years: Int64 = 10

  /// As asked for; otherwise in the board's memory chip.
  init(_ asked: String?, _ board: BoardDescription) {
    if let asked {
      self = asked == "none" ? .nowhere : .file(path: asked)
      return
    }
    switch board.chip(.memory) {
    case let chip? where chip.kind == .mb85rc256v:
      self = .fram(MB85RC256V(address: I2CAddress(chip.address)))
    case let chip? where chip.kind == .at24c32:
      self = .eeprom(AT24C32(address: I2CAddress(chip.address)))
    default: self = .nowhere
    }
  }

  /// Saves no faster than the memory lasts.
  func configuration<Kept: KeptEstimator>(
    _ configuration: FirmwareConfiguration, for kept: Kept.Type
  ) -> FirmwareConfiguration {
    var configuration = configuration
    configuration.saving = rule(for: kept)
    return configuration
  }

  private func rule<Kept: KeptEstimator>(for kept: Kept.Type) -> SaveRule {
    switch self {
    case .eeprom:
      .lasting(
        years: Self.years, writeCycles: AT24C32.writeCycles,
        generations: StateLayout(in: AT24C32.self, of: kept).generations)
    case .fram:
      .lasting(
        years: Self.years, writeCycles: MB85RC256V.writeCycles,
        generations: StateLayout(in: MB85RC256V.self, of: kept).generations)
    case .nowhere, .file: SaveRule()
    }
  }

  /// What a person is told of the estimator that a cell usually gets; nil if nothing is kept.
  func text(for cell: CellDescription) -> String? {
    EstimatorArgument.usual(for: cell) == .plain
      ? text(for: EstimatorSnapshot.self) : text(for: LifelongSnapshot.self)
  }

  /// What a person is told; nil if nothing is kept.
  func text<Kept: KeptEstimator>(for kept: Kept.Type) -> String? {
    switch self {
    case .nowhere: nil
    case .file(let path):
      "the state is kept in \(path): "
        + Self.text(StateLayout(in: StateFile.self, of: kept), rule(for: kept))
    case .fram(let chip):
      text(
        "MB85RC256V", chip.address, StateLayout(in: MB85RC256V.self, of: kept), rule(for: kept),
        MB85RC256V.writeCycles)
    case .eeprom(let chip):
      text(
        "AT24C32", chip.address, StateLayout(in: AT24C32.self, of: kept), rule(for: kept),
        AT24C32.writeCycles)
    }
  }

  private func text(
    _ name: String, _ address: I2CAddress, _ layout: StateLayout, _ rule: SaveRule,
    _ writeCycles: Int64
  ) -> String {
    let place = "0x\(String(address.rawValue, radix: 16, uppercase: true))"
    var text = "the state is kept in the \(name) at \(place): " + Self.text(layout, rule)
    let years = rule.yearsUntilWorn(writeCycles: writeCycles, generations: layout.generations)
    if years < 100 { text += ", so it wears out after \(years) years at the soonest" }
    return text
  }

  private static func text(_ layout: StateLayout, _ rule: SaveRule) -> String {
    let form = layout.isCompact ? "compact states" : "states"
    let seconds = number((Double(rule.spacing) * 1e-6).rounded(.up), 0)
    return "\(layout.generations) \(form) in turn, at most one in \(seconds) s"
  }
}

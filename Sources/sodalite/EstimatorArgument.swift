// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellEstimation
import CellSimulation
import Quantities
import Simulation

/// Which estimator the firmware gets, by its name on the command line.
enum EstimatorArgument: String, CaseIterable, ExpressibleByArgument {
  /// It tracks the degradation modes; its curve is a new cell's for life.
  case tracking
  /// It tracks the degradation modes, and its curve follows them.
  case lifelong
  /// Its curve is a new cell's for life.
  case plain

  static let help: ArgumentHelp = """
    tracking tells which part of the cell is fading; lifelong also measures the state of charge on the \
    curve of the faded cell; plain, for a microcontroller, knows neither. (default: tracking where the \
    cell's electrodes are described)
    """

  /// The default for a cell.
  static func usual(for cell: CellDescription) -> EstimatorArgument {
    if case .electrodes = cell.model { .tracking } else { .plain }
  }
}

/// What an estimator is made of, for a cell.
struct EstimatorTables {
  let profile: CellProfile
  /// Not for `plain`.
  let composition: CompositionProfile?
  private let choice: EstimatorArgument

  /// Makes the tables; a cell that cannot have them is its user's mistake.
  init(
    _ cell: CellDescription, named name: String, _ choice: EstimatorArgument
  ) throws {
    self.choice = choice
    do throws(CellError) {
      profile = try ProfileMaker.profile(for: cell)
      composition =
        choice == .plain
        ? nil : try CompositionMaker.composition(for: cell, profile: profile)
    } catch {
      throw UserMistake.exit("\(name): \(error)", code: 78)
    }
    guard choice == .plain || composition != nil else {
      throw UserMistake.exit(
        "--estimator \(choice.rawValue): \(name) describes no electrodes; take plain", code: 78)
    }
  }

  func plain(_ start: StateOfCharge, deviation: Int32) -> StateEstimator {
    StateEstimator(profile: profile, stateOfCharge: start, deviation: deviation)
  }

  func lifelong(
    _ start: StateOfCharge, deviation: Int32, isNew: Bool
  ) -> LifelongEstimator? {
    guard let composition else { return nil }
    var estimator = LifelongEstimator(
      profile: profile, composition: composition, stateOfCharge: start, deviation: deviation,
      isFresh: isNew)
    estimator.replacesCurve = choice == .lifelong
    return estimator
  }
}

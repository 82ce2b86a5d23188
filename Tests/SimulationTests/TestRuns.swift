// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import ChipEmulators
import Firmware
import Quantities
import Simulation

/// Cells the tests share.
enum TestCells {
  /// A cell whose loop is quick to build and to step, even in a debug build.
  static let circuit = CellDescription(
    name: "circuit", source: "assumed, because it only serves tests",
    ratedCapacityAmpereHours: 1.5, lowerCutoffVolts: 2, upperCutoffVolts: 4,
    model: .circuit(
      EquivalentCircuit(
        openCircuitVolts: Curve(x: [0, 0.1, 0.3, 0.8, 0.95, 1], y: [2, 2.6, 3, 3.4, 3.7, 4]),
        seriesOhms: .constant(0.03),
        pairs: [
          .init(ohms: .constant(0.02), seconds: 10), .init(ohms: .constant(0.01), seconds: 200),
        ],
        hysteresisVolts: .constant(0.01), hysteresisRate: 50, activationJoulesPerMole: 20_000)),
    thermal: ThermalDescription(heatCapacityJoulesPerKelvin: 40, conductanceWattsPerKelvin: 0.05))

  /// The same cell, larger or smaller: currents and resistances go with the capacity.
  static func circuit(ampereHours: Double) throws -> CellDescription {
    struct NoCircuit: Error {}
    var cell = circuit
    guard case .circuit(var model) = cell.model else { throw NoCircuit() }
    let scale = cell.ratedCapacityAmpereHours / ampereHours
    model.seriesOhms = .constant(0.03 * scale)
    model.pairs = [
      .init(ohms: .constant(0.02 * scale), seconds: 10),
      .init(ohms: .constant(0.01 * scale), seconds: 200),
    ]
    cell.ratedCapacityAmpereHours = ampereHours
    cell.model = .circuit(model)
    return cell
  }

  static let electrodes = CellDescription.hu2024NFMPB1HardCarbon
}

/// What a run of the loop left behind.
struct Run {
  var moments: [Moment] = []
  var hash = StableHash()
  var score = AccuracyScore()
  let injected: FaultCounts
  let struck: InjectedFaults
  let seen: BusFaultCounts
  let saturations: UInt32

  /// Runs the loop for some ticks; estimates after the first `settling` ticks are scored.
  init(_ setup: RigSetup, ticks: Int, settling: Int = 0) throws {
    var rig = try Rig(setup)
    for tick in 0..<ticks {
      let moment = rig.step()
      moments.append(moment)
      let estimate = moment.report.estimate
      estimate.combine(into: &hash)
      guard tick >= settling else { continue }
      let low = Double(estimate.lowestStateOfCharge.partsPerMillion) * 1e-6
      let high = Double(estimate.highestStateOfCharge.partsPerMillion) * 1e-6
      let truth = moment.stateOfCharge
      score.add(
        error: Double(estimate.stateOfCharge.partsPerMillion) * 1e-6 - truth,
        covered: low <= truth && truth <= high)
    }
    injected = rig.injectedFaults
    struck = rig.injected
    seen = rig.seenFaults
    saturations = rig.saturations
  }
}

extension RigSetup {
  /// The quick cell, started in the middle with a usual error.
  static func quick(seed: UInt64) -> RigSetup {
    var setup = RigSetup(cell: TestCells.circuit, seed: seed)
    setup.startStateOfCharge = 0.8
    setup.initialError = -0.2
    return setup
  }
}

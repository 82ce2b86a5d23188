// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// Cells the tests share.
enum TestCells {
  static let electrodes = CellDescription.hu2024NFMPB1HardCarbon

  /// The same cell whose temperature does not move: a test of rates then sees rates only.
  static let isothermal: CellDescription = {
    var cell = electrodes
    cell.thermal = ThermalDescription(
      heatCapacityJoulesPerKelvin: 1e15, conductanceWattsPerKelvin: 0)
    return cell
  }()

  /// The paper's cell per kilogram of cathode, so that ampere are mA/g, without contact resistance.
  static let perKilogram: CellDescription = {
    var cell = isothermal
    guard case .electrodes(var pair) = cell.model else { return cell }
    // 133.6496 mAh/g is the sum of the cathode's sites.
    let scale = 133.6496 / pair.cathode.capacityAmpereHours
    for index in pair.cathode.sites.indices {
      pair.cathode.sites[index].capacityAmpereHours *= scale
    }
    for index in pair.anode.sites.indices {
      pair.anode.sites[index].capacityAmpereHours *= scale
    }
    pair.cyclableSodiumAmpereHours *= scale
    pair.contactResistanceOhms = 0
    cell.ratedCapacityAmpereHours *= scale
    cell.model = .electrodes(pair)
    return cell
  }()

  static let circuit = CellDescription(
    name: "circuit", source: "assumed, because it only serves tests",
    ratedCapacityAmpereHours: 1.5, lowerCutoffVolts: 2, upperCutoffVolts: 4,
    model: .circuit(
      EquivalentCircuit(
        openCircuitVolts: Curve(x: [0, 0.2, 0.9, 1], y: [2, 3, 3.5, 4]),
        seriesOhms: .constant(0.03),
        pairs: [
          .init(ohms: .constant(0.02), seconds: 10), .init(ohms: .constant(0.01), seconds: 200),
        ],
        hysteresisVolts: .constant(0.02), hysteresisRate: 50, activationJoulesPerMole: 20_000)),
    thermal: ThermalDescription(heatCapacityJoulesPerKelvin: 40, conductanceWattsPerKelvin: 0.05))

  /// A drive profile: currents held for 4 s, both signs, mean zero. Unit: A.
  static func drive(seed: UInt64, seconds: Int) -> [Double] {
    var random = SeededRandom(seed: seed)
    return (0..<seconds / 4).map { _ in random.uniform(-2, 2) }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A cell of another chemistry.
extension CellDescription {
  /// NVPF, a sodium vanadium fluorophosphate, against hard carbon, 3 mAh: its published
  /// open-circuit voltage with resistances found from the traces that Cells/nvpf-hc.yaml is fitted to.
  ///
  /// A circuit: the traces behind it come from a porous-electrode model and carry neither hysteresis
  /// nor wear. Assumed, because the traces are isothermal: activation energy, heat capacity and
  /// conductance (a coin cell of 3 g).
  public static let chayambuka2022NVPFHardCarbon = CellDescription(
    name: "nvpf-hc",
    source: "Chayambuka et al., Electrochim. Acta 404 (2022) 139764, "
      + "doi:10.1016/j.electacta.2021.139764, as simulated with PyBaMM",
    ratedCapacityAmpereHours: 2.904e-3, lowerCutoffVolts: 2.0, upperCutoffVolts: 4.2,
    model: .circuit(
      EquivalentCircuit(
        openCircuitVolts: Curve(x: Chayambuka2022.places, y: Chayambuka2022.openCircuitVolts),
        seriesOhms: Curve(x: Chayambuka2022.resistancePlaces, y: Chayambuka2022.seriesOhms),
        pairs: [
          .init(
            ohms: Curve(x: Chayambuka2022.resistancePlaces, y: Chayambuka2022.fastOhms),
            seconds: 20),
          .init(
            ohms: Curve(x: Chayambuka2022.resistancePlaces, y: Chayambuka2022.slowOhms),
            seconds: 400),
        ],
        hysteresisVolts: .constant(0), hysteresisRate: 1, activationJoulesPerMole: 20_000)),
    thermal: ThermalDescription(
      heatCapacityJoulesPerKelvin: 3, conductanceWattsPerKelvin: 0.005))
}

/// The tables behind it.
private enum Chayambuka2022 {
  /// States of charge of the open-circuit voltage, thinned to keep it within 0.5 mV.
  static let places: [Double] = [
    0.000, 0.001, 0.008, 0.010, 0.011, 0.032, 0.037, 0.064, 0.095, 0.121, 0.136, 0.181, 0.205,
    0.247, 0.286, 0.341, 0.401, 0.430, 0.478, 0.488, 0.489, 0.495, 0.496, 0.500, 0.508, 0.509,
    0.529, 0.530, 0.574, 0.612, 0.645, 0.732, 0.836, 0.853, 0.931, 0.950, 0.987, 0.988, 0.999,
    1.000,
  ]
  static let openCircuitVolts: [Double] = [
    2.00000, 2.40934, 2.52330, 2.55468, 2.56031, 2.65229, 2.67235, 2.81422, 2.94699, 3.04670,
    3.10005, 3.22279, 3.27311, 3.36274, 3.42510, 3.51676, 3.56714, 3.58714, 3.59762, 3.62863,
    3.63700, 3.71127, 3.73824, 3.84919, 3.94855, 3.95950, 4.02320, 4.02524, 4.06322, 4.07324,
    4.07982, 4.09212, 4.11459, 4.11587, 4.12629, 4.12982, 4.13399, 4.13527, 4.16757, 4.20000,
  ]
  /// States of charge of the resistances; not 0.5, where the voltage has a step.
  static let resistancePlaces: [Double] = [
    0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80,
    0.85, 0.90, 0.95, 1.00,
  ]
  static let seriesOhms: [Double] = [
    530.9, 460.1, 382.9, 265.8, 202.1, 167.8, 145.4, 125.8, 109.4, 108.6, 103.8, 112.3, 127.6,
    146.3, 163.5, 166.8, 143.5, 118.8, 108.4,
  ]
  static let fastOhms: [Double] = [
    451.2, 391.0, 325.3, 225.9, 171.8, 142.6, 123.6, 106.9, 92.9, 92.3, 88.2, 95.4, 108.4, 124.3,
    139.0, 141.7, 122.0, 101.0, 92.1,
  ]
  static let slowOhms: [Double] = [
    39.5, 34.2, 28.5, 19.8, 15.0, 12.5, 10.8, 9.4, 8.1, 8.1, 7.7, 8.3, 9.5, 10.9, 12.2, 12.4,
    10.7, 8.8, 8.1,
  ]
}

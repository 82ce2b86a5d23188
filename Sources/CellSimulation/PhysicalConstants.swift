// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// Constants of nature and the reference temperature; CODATA 2018, exact in the SI of 2019.
enum PhysicalConstants {
  /// The gas constant. Unit: J/(mol·K).
  static let gas = 8.314462618
  /// The Faraday constant. Unit: C/mol.
  static let faraday = 96485.33212
  /// 0 °C. Unit: K.
  static let zeroCelsius = 273.15
  /// The temperature of all given rate constants, 25 °C. Unit: K.
  static let reference = 298.15

  /// RT/F. Unit: V.
  static func thermalVolts(kelvin: Double) -> Double { gas * kelvin / faraday }

  /// How much faster than at 25 °C an activated process is at `kelvin` (Arrhenius).
  static func acceleration(activationJoulesPerMole: Double, kelvin: Double) -> Double {
    DeterministicMath.exp(activationJoulesPerMole / gas * (1 / reference - 1 / kelvin))
  }
}

// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
import DeterministicMath
import Quantities

extension CellProfile {
  /// A made-up 1.5 Ah sodium-ion cell with a steep foot, a plateau and a knee; for tests only.
  public static func sample(tuning: FilterTuning = FilterTuning()) -> CellProfile {
    func volts(_ z: Double) -> Double {
      2.0 + 1.05 * DeterministicMath.tanh(4 * z) + 0.35 * z
        + 0.4 * (1 + DeterministicMath.tanh(30 * (z - 0.99)))
    }
    var openCircuit = InlineArray<257, Int32>(repeating: 0)
    for i in 0..<257 {
      openCircuit[i] = Int32((volts(-0.05 + 1.1 * Double(i) / 256) * 1e6).rounded())
    }
    var series = InlineArray<65, Int32>(repeating: 0)
    var relaxation = InlineArray<65, Int32>(repeating: 0)
    var hysteresis = InlineArray<65, Int32>(repeating: 0)
    var perKelvin = InlineArray<65, Int32>(repeating: 0)
    var displacement = InlineArray<65, Int32>(repeating: 0)
    for i in 0..<65 {
      let z = -0.05 + 1.1 * Double(i) / 64
      series[i] = Int32(60_000 - 20_000 * z)
      relaxation[i] = Int32(30_000 - 10_000 * z)
      hysteresis[i] = Int32(15_000 - 8_000 * z)
      perKelvin[i] = Int32(300 - 500 * z)
      displacement[i] = Int32(10_000 + 40_000 * min(max(z, 0), 0.5))
    }
    var cold = InlineArray<25, Int32>(repeating: 0)
    for i in 0..<25 {
      let kelvin = 233.15 + 5 * Double(i)
      cold[i] = Int32(65_536 * DeterministicMath.exp(3_000 * (1 / kelvin - 1 / 298.15)))
    }
    return CellProfile(
      ratedCapacity: .milliampereHours(1_500), lowerCutoff: .millivolts(2_000),
      upperCutoff: .millivolts(4_200), openCircuit: openCircuit, openCircuitPerKelvin: perKelvin,
      series: series, fast: relaxation, slow: relaxation, displacement: displacement,
      hysteresis: hysteresis, fastMilliseconds: 15_000, slowMilliseconds: 350_000,
      hysteresisRateThousandths: 25_000, seriesTemperatureFactor: cold,
      relaxationTemperatureFactor: cold, timeTemperatureFactor: InlineArray(repeating: 65_536),
      displacementTemperatureFactor: cold, seriesCurrentFactor: InlineArray(repeating: 65_536),
      tuning: tuning)
  }
}

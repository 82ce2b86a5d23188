// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities

extension CellProfile {
  /// A 1.5 Ah cell whose open-circuit voltage is a straight line from 2.0 V to 4.2 V.
  ///
  /// No real cell, and none is needed: it is made from integers alone, so that the processor can
  /// make it, and it takes the estimator through its tables.
  @inline(never) static func straight() -> CellProfile {
    var openCircuit = InlineArray<257, Int32>(repeating: 0)
    for i in 0..<257 { openCircuit[i] = 1_890_000 + 2_420_000 / 256 * Int32(i) }
    var factor = InlineArray<25, Int32>(repeating: 0)
    for i in 0..<25 { factor[i] = 131_072 - 5_041 * Int32(i) }
    return CellProfile(
      ratedCapacity: .milliampereHours(1_500), lowerCutoff: .millivolts(2_000),
      upperCutoff: .millivolts(4_200), openCircuit: openCircuit,
      openCircuitPerKelvin: InlineArray(repeating: 100), series: InlineArray(repeating: 60_000),
      fast: InlineArray(repeating: 30_000), slow: InlineArray(repeating: 30_000),
      displacement: InlineArray(repeating: 30_000),
      hysteresis: InlineArray(repeating: 12_000), fastMilliseconds: 15_000,
      slowMilliseconds: 350_000, hysteresisRateThousandths: 25_000, seriesTemperatureFactor: factor,
      relaxationTemperatureFactor: factor, timeTemperatureFactor: InlineArray(repeating: 65_536),
      displacementTemperatureFactor: factor,
      seriesCurrentFactor: InlineArray(repeating: 65_536), tuning: FilterTuning())
  }
}

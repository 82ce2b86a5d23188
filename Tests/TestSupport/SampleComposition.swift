// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
import DeterministicMath

extension CompositionProfile {
  /// Made-up electrodes of a 1.5 Ah sodium-ion cell; for tests only.
  public static func sample(tuning: ModeTuning = ModeTuning()) -> CompositionProfile {
    func table(_ centre: Double, _ width: Double) -> SiteTable {
      var values = InlineArray<257, Int32>(repeating: 0)
      for i in 0..<257 {
        let distance = 12 * (Double(i) / 128 - 1)
        values[i] = Int32((0x1p30 / (1 + DeterministicMath.exp(-distance))).rounded())
      }
      return SiteTable(
        centre: Int32(centre * 1e6), reach: Int32(12 * width * 1e6), emptied: values)
    }
    var residual = InlineArray<257, Int32>(repeating: 0)
    for i in 0..<257 {
      let place = Double(i) / 256
      residual[i] = Int32((40_000 * place * (1 - place) * (place - 0.4)).rounded())
    }
    var edges = InlineArray<24, Int32>(repeating: 0)
    var iron = InlineArray<24, Int32>(repeating: 0)
    for k in 0..<24 {
      edges[k] = Int32(2_100_000 + 63_000 * k)
      iron[k] = k < 12 ? 900_000 : 50_000
    }
    var sample = CompositionProfile(
      coupling: table(3.43, 0.05), iron: table(2.95, 0.035), remainder: table(3.8, 0.14),
      anodeSlope: table(0.25, 0.19), anodePlateau: table(0.06, 0.02), anodeSlopeShare: 380_000,
      fresh: Capacities(
        coupling: 730_000, iron: 290_000, remainder: 20_000, anode: 1_250_000, stock: 310_000),
      lowerVoltage: 2_020_000, upperVoltage: 3_650_000, residual: residual, edges: edges,
      overpotential: Overpotentials(
        series: InlineArray(repeating: 80_000), fast: InlineArray(repeating: 40_000),
        slow: InlineArray(repeating: 0), hysteresis: InlineArray(repeating: 10_000)),
      ironShare: iron, tuning: tuning)
    for k in 0..<72 { sample.correction[k] = Int32(3_000 - 100 * (k % 24) + 40 * (k / 24)) }
    sample.freshSpan = 1_010_000
    sample.upperFall = 160_000
    sample.lowerRise = 60_000
    sample.seal()
    return sample
  }
}

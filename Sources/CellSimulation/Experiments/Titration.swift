// SPDX-License-Identifier: Apache-2.0

/// One pulse of a galvanostatic intermittent titration (GITT) with the rest after it.
public struct TitrationPulse: Sendable, Equatable {
  /// The resting voltage before the pulse. Unit: V.
  public var restVolts: Double
  /// The jump of the voltage in the pulse's first second, a magnitude. Unit: V.
  public var resistiveVolts: Double
  /// The change of the voltage in the rest of the pulse (ΔEτ), a magnitude. Unit: V.
  public var pulseVolts: Double
  /// The change of the resting voltage from before to after (ΔEs), a magnitude. Unit: V.
  public var steadyVolts: Double
  /// The duration of the pulse. Unit: s.
  public var seconds: Double

  /// The apparent diffusivity by Weppner and Huggins, 4/(πτ)·L²·(ΔEs/ΔEτ)².
  ///
  /// It holds for pulses short against L²/D and one phase; an experimenter applies it anyway, and so
  /// does this. Source: W. Weppner, R. A. Huggins, J. Electrochem. Soc. 124 (1977) 1569.
  /// - Parameter length: the volume of active material over its surface, R/3 for spheres. Unit: cm.
  /// - Returns: the diffusivity. Unit: cm²/s.
  public func diffusivity(length: Double) -> Double {
    let ratio = steadyVolts / pulseVolts
    return 4 / (Double.pi * seconds) * length * length * ratio * ratio
  }
}

extension Specimen {
  /// Discharges in pulses with rests until the lower cut-off.
  ///
  /// - Parameters:
  ///   - milliamperesPerGram: the magnitude of the pulses' current.
  ///   - pulseSeconds: their duration; the paper's is not printed: 20 min is usual.
  ///   - restSeconds: the rest after each; assumed as usual.
  ///   - cell: a charged cell of this specimen.
  public func titration(
    milliamperesPerGram: Double = 10, pulseSeconds: Double = 1200, restSeconds: Double = 7200,
    on cell: inout Cell
  ) -> [TitrationPulse] {
    let amperes = -milliamperesPerGram * cathodeGrams / 1000
    let limits = CellLimits(lowerVolts: description.lowerCutoffVolts)
    var pulses: [TitrationPulse] = []
    rest(restSeconds, on: &cell)
    for _ in 0..<1000 {
      let before = cell.terminalVolts
      cell.step(.current(amperes: amperes), seconds: 1)
      let first = cell.terminalVolts
      let outcome = cell.step(
        .current(amperes: amperes), seconds: pulseSeconds - 1, until: limits)
      let last = cell.terminalVolts
      rest(restSeconds, on: &cell)
      guard outcome.reason == .completed else { break }
      pulses.append(
        TitrationPulse(
          restVolts: before, resistiveVolts: before - first, pulseVolts: first - last,
          steadyVolts: (before - cell.terminalVolts).magnitude, seconds: pulseSeconds))
    }
    return pulses
  }
}

/// The middle of a list; of the two middle ones the mean. NaN for an empty list.
func median(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return .nan }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle])
}

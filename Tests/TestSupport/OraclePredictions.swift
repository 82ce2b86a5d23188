// SPDX-License-Identifier: Apache-2.0

public import CellEstimation

/// A profile's circuit in Double, at 25 °C: what predictions are compared with.
public struct OracleCircuit: Sendable {
  private let profile: CellProfile

  /// Reads the profile.
  public init(_ profile: CellProfile) { self.profile = profile }

  /// The open-circuit voltage.
  public func openCircuit(_ place: Double) -> Double {
    let position = min(max((place + 0.05) / 1.1 * 256, 0), 256)
    let index = min(Int(position), 255)
    let low = Double(profile.openCircuit[index])
    return (low + (Double(profile.openCircuit[index + 1]) - low) * (position - Double(index)))
      * 1e-6
  }

  /// A coarse table's value.
  public func read(_ table: InlineArray<65, Int32>, _ place: Double) -> Double {
    let position = min(max((place + 0.05) / 1.1 * 64, 0), 64)
    let index = min(Int(position), 63)
    let low = Double(table[index])
    return (low + (Double(table[index + 1]) - low) * (position - Double(index))) * 1e-6
  }

  /// The factor of the series overpotential at a current in C.
  public func currentFactor(_ c: Double) -> Double {
    let magnitude = abs(c)
    let place = magnitude < 1 ? magnitude * 8 : min(8 + magnitude - 1, 15.999_999)
    let index = Int(place)
    let low = Double(profile.seriesCurrentFactor[index])
    return (low + (Double(profile.seriesCurrentFactor[index + 1]) - low) * (place - Double(index)))
      / 65_536
  }

  /// The terminal voltage after everything has relaxed.
  public func steady(_ place: Double, _ c: Double, resistance: Double = 1) -> Double {
    let drop = read(profile.series, place) * currentFactor(c) * resistance
    let hysteresis = read(profile.hysteresis, place) * (c > 0 ? 1 : (c < 0 ? -1 : 0))
    return openCircuit(place + read(profile.displacement, place) * c)
      + (drop + read(profile.fast, place) + read(profile.slow, place)) * c + hysteresis
  }

  /// The place where the steady voltage is `volts`.
  public func place(_ volts: Double, _ c: Double) -> Double {
    var low = -0.05
    var high = 1.05
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if steady(middle, c) < volts { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

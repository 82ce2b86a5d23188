// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

/// A way in which a cell wears: how its sites, its anode and its sodium shrink together.
///
/// Ageing is not simulated: a description is scaled until its window holds a given share of the fresh
/// capacity. The three mixes are those of the project's study of modes (section 1).
public enum AgeingPath: String, CaseIterable, Sendable {
  /// Mostly high-spin iron is lost.
  case iron
  /// Mostly cyclable sodium is lost.
  case sodium
  /// Mostly the coupling plateau is lost.
  case coupling

  /// What a unit of wear takes: shares of the sites and of the anode, and sodium over rated capacity.
  private var losses: (coupling: Double, iron: Double, anode: Double, sodium: Double) {
    switch self {
    case .iron: (0.3, 2.1, 0.1, 10 / 124.905)
    case .sodium: (0.2, 0.4, 0.1, 95 / 124.905)
    case .coupling: (1.15, 0.35, 0.15, 4 / 124.905)
    }
  }

  /// A cell of electrodes worn until its equilibrium capacity is `health` times that of `fresh`.
  ///
  /// Resistances and rates wear along. Circuits come back as they are: they have no sites.
  /// - Throws: `CellError` if a description cannot be a cell.
  public func worn(
    _ fresh: CellDescription, health: Double
  ) throws(CellError) -> CellDescription {
    guard health < 1, case .electrodes = fresh.model else { return fresh }
    let wanted = try CellEquilibrium(fresh).capacityAmpereHours * health
    var low = 0.0
    var high = 0.45
    for _ in 0..<40 {
      let middle = (low + high) / 2
      let capacity = try CellEquilibrium(worn(fresh, by: middle)).capacityAmpereHours
      if capacity > wanted { low = middle } else { high = middle }
    }
    return worn(fresh, by: (low + high) / 2)
  }

  /// A description after so much wear.
  func worn(_ fresh: CellDescription, by wear: Double) -> CellDescription {
    guard case .electrodes(var pair) = fresh.model else { return fresh }
    let slippage = pair.cathode.capacityAmpereHours - pair.cyclableSodiumAmpereHours
    let lowest = pair.cathode.sites.map(\.potentialVolts).min() ?? 0
    let slower = 1 + 1.5 * wear
    for index in pair.cathode.sites.indices {
      let isIron = pair.cathode.sites[index].potentialVolts == lowest
      pair.cathode.sites[index].capacityAmpereHours *=
        1 - (isIron ? losses.iron : losses.coupling) * wear
      pair.cathode.sites[index].rateConstant /= slower
    }
    for index in pair.anode.sites.indices {
      pair.anode.sites[index].capacityAmpereHours *= 1 - losses.anode * wear
      pair.anode.sites[index].rateConstant /= slower
    }
    pair.contactResistanceOhms *= slower
    pair.cyclableSodiumAmpereHours =
      pair.cathode.capacityAmpereHours - slippage
      - losses.sodium * wear * fresh.ratedCapacityAmpereHours
    var worn = fresh
    worn.model = .electrodes(pair)
    return worn
  }
}

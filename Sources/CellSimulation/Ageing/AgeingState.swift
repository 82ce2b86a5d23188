// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// What a cell has been through: the doses from which every loss follows.
///
/// A plain value: read from a running cell, written down, and given to another cell of the same
/// make, which then starts as old.
public struct AgeingState: Sendable, Equatable {
  /// Full strain cycles of each cathode site, one per class of particle size.
  public var siteCycles: [[Double]]
  /// The content about which each site and class has been cycled of late.
  public var siteCentres: [[Double]]
  /// Hours of waiting, weighted to 25 °C and 3.4 V of the cathode.
  public var calendarHours: Double
  /// The sodium the interphase has bound since formation, per anode capacity.
  public var interphaseShare: Double

  /// Makes a history from its doses; the lists have one entry per site, each with one per class.
  public init(
    siteCycles: [[Double]], siteCentres: [[Double]], calendarHours: Double, interphaseShare: Double
  ) {
    self.siteCycles = siteCycles
    self.siteCentres = siteCentres
    self.calendarHours = calendarHours
    self.interphaseShare = interphaseShare
  }

  /// A new cell.
  ///
  /// - Parameter description: for which cell; a circuit has no sites.
  public static func fresh(_ description: CellDescription) -> AgeingState {
    after(cycles: 0, hours: 0, description)
  }

  /// A history in two numbers: full cycles, and hours at 25 °C and middle potentials.
  ///
  /// - Parameters:
  ///   - cycles: full charges and discharges, 0 or more.
  ///   - hours: the age, with the time of the cycles in it, 0 or more.
  ///   - description: for which cell.
  public static func after(
    cycles: Double, hours: Double, _ description: CellDescription
  ) -> AgeingState {
    precondition(cycles >= 0 && hours >= 0, "a history is not negative")
    guard case .electrodes(let pair) = description.model else {
      return AgeingState(
        siteCycles: [], siteCentres: [], calendarHours: hours, interphaseShare: 0)
    }
    let classes = pair.cathode.classWeights.count
    let sites = pair.cathode.sites.count
    var share = 0.0
    if let interphase = description.ageing?.interphase {
      let formed = interphase.formedShare
      let growth = interphase.growthPerRootHour
      share = (formed * formed + growth * growth * hours).squareRoot() - formed
      share +=
        interphase.chargeShare * cycles * description.ratedCapacityAmpereHours
        / pair.anode.capacityAmpereHours
    }
    return AgeingState(
      siteCycles: Array(repeating: Array(repeating: cycles, count: classes), count: sites),
      siteCentres: Array(repeating: Array(repeating: 0.5, count: classes), count: sites),
      calendarHours: hours, interphaseShare: share)
  }
}

/// How healthy a cell is, mode by mode; 1 is new.
public struct AgeingHealth: Sendable, Equatable {
  /// What is left of each cathode site's own capacity, in the description's order. A gallery that
  /// grows counts what it holds per cathode capacity.
  public var cathodeSites: [Double]
  /// The sodium lost to the interphase per rated capacity.
  public var lossOfSodiumInventory: Double
  /// The contact resistance relative to a new cell's.
  public var resistance: Double
  /// χ, the share of the sources that couples.
  public var coupling: Double
  /// The equilibrium charge between the cut-offs relative to a new cell's.
  public var capacity: Double
}

extension SiteAgeing {
  /// What is left of the site's capacity. Unit: -.
  func remaining(cycles: Double, hours: Double) -> Double {
    let settled = earlyLoss * (1 - DeterministicMath.exp(-cycles / earlyCycles))
    return DeterministicMath.exp(-(settled + fatigue(cycles) + hourLoss * hours))
  }

  private func fatigue(_ cycles: Double) -> Double {
    if cycleExponent == 1 || cycles <= 0 { return cycleLoss * max(cycles, 0) }
    return cycleLoss * DeterministicMath.exp(cycleExponent * DeterministicMath.log(cycles))
  }

  /// The rate constant relative to a new site's.
  func rate(remaining: Double) -> Double {
    kineticExponent == 0
      ? 1 : DeterministicMath.exp(kineticExponent * DeterministicMath.log(remaining))
  }
}

extension CouplingGrowth {
  /// χ after so many cycles.
  func share(cycles: Double) -> Double {
    finalShare * (1 - DeterministicMath.exp(-cycles / self.cycles))
  }
}

extension CellDescription {
  /// The cell as its history has left it, as a description of its own.
  ///
  /// Classes of particle size that have worn differently are averaged. A description without ageing
  /// does not age.
  public func aged(by state: AgeingState) -> CellDescription {
    guard let ageing, case .electrodes(var pair) = model else { return self }
    let weights = pair.cathode.classWeights
    var capacities = pair.cathode.sites.map { _ in 0.0 }
    var coupling = 0.0
    for (place, weight) in weights.enumerated() {
      let remaining = pair.cathode.sites.indices.map {
        ageing.cathodeSites[$0].remaining(
          cycles: state.siteCycles[$0][place], hours: state.calendarHours)
      }
      var parts = pair.cathode.sites.indices.map {
        pair.cathode.sites[$0].capacityAmpereHours * remaining[$0]
      }
      coupling += weight * ageing.couple(&parts) { state.siteCycles[$0][place] }
      for index in parts.indices { capacities[index] += weight * parts[index] }
    }
    for index in capacities.indices {
      let fresh = pair.cathode.sites[index].capacityAmpereHours
      pair.cathode.sites[index].capacityAmpereHours = capacities[index]
      let cycles = zip(weights, state.siteCycles[index]).reduce(0) { $0 + $1.0 * $1.1 }
      let remaining = ageing.cathodeSites[index].remaining(
        cycles: cycles, hours: state.calendarHours)
      if fresh > 0 {
        pair.cathode.sites[index].rateConstant *= ageing.cathodeSites[index].rate(
          remaining: remaining)
      }
    }
    if let first = ageing.coupling?.sources.first {
      pair.cathode.sites[first].potentialVolts +=
        coupling * (ageing.coupling?.sourceShiftVolts ?? 0)
    }
    if let interphase = ageing.interphase {
      pair.cyclableSodiumAmpereHours -= state.interphaseShare * pair.anode.capacityAmpereHours
      pair.contactResistanceOhms *= 1 + interphase.resistanceGrowth * state.interphaseShare
    }
    var aged = self
    aged.model = .electrodes(pair)
    return aged
  }

  /// The state of health of every mode after a history.
  ///
  /// - Throws: `CellError` if the description, or what is left of it, is no cell.
  public func health(after state: AgeingState) throws(CellError) -> AgeingHealth {
    let old = aged(by: state)
    let capacity =
      try CellEquilibrium(old).capacityAmpereHours / CellEquilibrium(self).capacityAmpereHours
    guard let ageing, case .electrodes(let before) = model, case .electrodes(let after) = old.model
    else {
      return AgeingHealth(
        cathodeSites: [], lossOfSodiumInventory: 0, resistance: 1, coupling: 0, capacity: capacity)
    }
    let weights = before.cathode.classWeights
    let coupling = ageing.coupling.map { growth in
      zip(weights, state.siteCycles[growth.sources[0]])
        .reduce(0) { $0 + $1.0 * growth.share(cycles: $1.1) }
    }
    let shares = before.cathode.sites.indices.map { index in
      let fresh = before.cathode.sites[index].capacityAmpereHours
      let left = after.cathode.sites[index].capacityAmpereHours
      return left / (fresh > 0 ? fresh : before.cathode.capacityAmpereHours)
    }
    return AgeingHealth(
      cathodeSites: shares,
      lossOfSodiumInventory: state.interphaseShare * before.anode.capacityAmpereHours
        / ratedCapacityAmpereHours,
      resistance: before.contactResistanceOhms > 0
        ? after.contactResistanceOhms / before.contactResistanceOhms : 1,
      coupling: coupling ?? 0, capacity: capacity)
  }
}

extension AgeingDescription {
  /// Moves capacity from the sources to the gallery; returns χ.
  ///
  /// - Parameters:
  ///   - capacities: of the cathode's sites.
  ///   - cycles: the cycles of a site.
  func couple(_ capacities: inout [Double], cycles: (Int) -> Double) -> Double {
    guard let coupling, let first = coupling.sources.first else { return 0 }
    let share = coupling.share(cycles: cycles(first))
    for source in coupling.sources {
      capacities[coupling.gallery] += share * capacities[source]
      capacities[source] *= 1 - share
    }
    return share
  }
}

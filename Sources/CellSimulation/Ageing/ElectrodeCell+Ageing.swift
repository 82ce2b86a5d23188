// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// The rates that act in every step: plain numbers, so that a step touches no reference counts.
struct WearRates: Sendable {
  /// One less than the exponent of strain.
  var strainPower = 0.0
  var calendarVoltsPerFold = 1.0
  /// The anode's capacity; 0 without an interphase. Unit: A·s.
  var anodeAmpereSeconds = 0.0
  var formedShare = 1.0
  /// k²/2. Unit: 1/h.
  var halfSquareGrowth = 0.0
  var referenceVolts = 0.0
  var voltsPerFold = 1.0
  var chargeShare = 0.0

  init() {}

  init(_ ageing: AgeingDescription, anode: Electrode) {
    strainPower = ageing.strainExponent - 1
    calendarVoltsPerFold = ageing.calendarVoltsPerFold
    guard let interphase = ageing.interphase else { return }
    anodeAmpereSeconds = 3600 * anode.capacityAmpereHours
    formedShare = interphase.formedShare
    halfSquareGrowth = 0.5 * interphase.growthPerRootHour * interphase.growthPerRootHour
    referenceVolts = interphase.referenceVolts
    voltsPerFold = interphase.voltsPerFold
    chargeShare = interphase.chargeShare
  }
}

/// The wear of a running cell: what its lanes were when new, and its rates.
struct Wear: Sendable {
  let ageing: AgeingDescription
  let classes: Int
  /// The lanes of the new cell.
  let fresh: InlineArray<8, LaneConstants>
  let freshContactOhms: Double
  /// The doses at which the lanes were last brought up to date.
  var appliedHours = -1.0
}

extension ElectrodeCell {
  var isWearing: Bool { !wear.isEmpty }

  /// Lets the cell wear from now on, beginning with a history.
  ///
  /// - Parameters:
  ///   - ageing: the rates.
  ///   - age: the history with which the lanes already agree.
  ///   - pair: the new cell's electrodes.
  mutating func beginWear(
    _ ageing: AgeingDescription, _ age: AgeingState, freshPair pair: ElectrodePair
  ) {
    var fresh = InlineArray<8, LaneConstants>(repeating: LaneConstants())
    let cathode = Self.lanes(of: pair.cathode)
    for block in cathode.indices { fresh[block] = cathode[block] }
    let classes = pair.cathode.classWeights.count
    wear = [
      Wear(
        ageing: ageing, classes: classes, fresh: fresh,
        freshContactOhms: pair.contactResistanceOhms)
    ]
    wearRates = WearRates(ageing, anode: pair.anode)
    activation.siteWear = ageing.siteActivationJoulesPerMole
    activation.interphase = ageing.interphase?.activationJoulesPerMole ?? 0
    state.doses.calendarHours = age.calendarHours
    state.doses.interphaseShare = age.interphaseShare
    for site in pair.cathode.sites.indices {
      for place in 0..<classes {
        let lane = site * classes + place
        state.lanes[lane / 4].cycles[lane % 4] = age.siteCycles[site][place]
        state.lanes[lane / 4].centre[lane % 4] = age.siteCentres[site][place]
      }
    }
    applyWear()
  }

  /// The history so far; nil for a cell that does not wear.
  var age: AgeingState? {
    guard let wear = wear.first else { return nil }
    func values(_ value: (Int) -> Double) -> [[Double]] {
      wear.ageing.cathodeSites.indices.map { site in
        (0..<wear.classes).map { value(site * wear.classes + $0) }
      }
    }
    return AgeingState(
      siteCycles: values { state.lanes[$0 / 4].cycles[$0 % 4] },
      siteCentres: values { state.lanes[$0 / 4].centre[$0 % 4] },
      calendarHours: state.doses.calendarHours, interphaseShare: state.doses.interphaseShare)
  }

  /// Brings capacities, potentials, rates and resistance up to the doses.
  ///
  /// Done where the control changes, where turnover is solved anew: within a step the lanes stay what
  /// they are, so charge is conserved, and how a step is divided changes nothing.
  mutating func applyWear() {
    guard let wear = wear.first, wear.appliedHours != state.doses.calendarHours else { return }
    let ageing = wear.ageing
    let hours = state.doses.calendarHours
    for place in 0..<wear.classes {
      let firstLane = ageing.coupling.flatMap { $0.sources.first } ?? 0
      let lane = firstLane * wear.classes + place
      let share = ageing.coupling?.share(cycles: state.lanes[lane / 4].cycles[lane % 4]) ?? 0
      var coupled = 0.0
      var coupledSodium = 0.0
      for site in ageing.cathodeSites.indices where site != ageing.coupling?.gallery {
        let gives = ageing.coupling?.sources.contains(site) ?? false
        let moved = applyWear(site, place, wear, hours: hours, share: gives ? share : 0)
        coupled += moved.capacity
        coupledSodium += moved.sodium
      }
      if let coupling = ageing.coupling {
        let lane = coupling.gallery * wear.classes + place
        grow(lane, wear, hours: hours, to: coupled, newSodium: coupledSodium)
        let source = coupling.sources[0] * wear.classes + place
        constants[source / 4].potential[source % 4] =
          wear.fresh[source / 4].potential[source % 4] + share * coupling.sourceShiftVolts
      }
    }
    if let interphase = ageing.interphase {
      activation.contactOhms =
        wear.freshContactOhms
        * (1 + interphase.resistanceGrowth * state.doses.interphaseShare)
    }
    factors.update(kelvin: state.kelvin, activation)
    self.wear[0].appliedHours = hours
  }

  /// Brings one lane up to its doses; returns what it has given to the gallery in all, and the sodium
  /// in what it gives now.
  private mutating func applyWear(
    _ site: Int, _ place: Int, _ wear: Wear, hours: Double, share: Double
  ) -> (capacity: Double, sodium: Double) {
    let lane = site * wear.classes + place
    let (block, index) = (lane / 4, lane % 4)
    let rates = wear.ageing.cathodeSites[site]
    let left = rates.remaining(cycles: state.lanes[block].cycles[index], hours: hours)
    let whole = wear.fresh[block].capacity[index] * left
    let before = constants[block].capacity[index]
    constants[block].capacity[index] = whole * (1 - share)
    constants[block].rateConstant[index] =
      wear.fresh[block].rateConstant[index] * rates.rate(remaining: left)
    return (whole * share, max(before - whole * (1 - share), 0) * state.lanes[block].mean[index])
  }

  /// Grows the gallery's lane; what comes new brings the sodium it held.
  private mutating func grow(
    _ lane: Int, _ wear: Wear, hours: Double, to coupled: Double, newSodium: Double
  ) {
    let (block, index) = (lane / 4, lane % 4)
    let before = constants[block].capacity[index]
    let rise = coupled - before
    constants[block].capacity[index] = coupled
    guard rise > 0, coupled > 0 else { return }
    // What the sources lost altogether went to the gallery and to nothing, in one proportion.
    let mean = state.lanes[block].mean[index]
    let incoming = min(newSodium, rise)
    state.lanes[block].mean[index] = (before * mean + incoming) / coupled
  }

  /// Adds a step to the doses.
  ///
  /// - Parameters:
  ///   - seconds: the length of the step.
  ///   - cathodeVolts: the cathode's mean potential in the step.
  mutating func addDoses(seconds: Double, cathodeVolts: Double) {
    let fold = DeterministicMath.exp((cathodeVolts - 3.4) / wearRates.calendarVoltsPerFold)
    state.doses.calendarHours += factors.siteWear * fold * seconds / 3600
    guard wearRates.anodeAmpereSeconds > 0 else { return }
    // The current that was bound: a straight line from the last to this step's rate, as turnover is.
    let bound = 0.5 * (state.doses.boundAmperes + sideAmperes) * seconds
    state.doses.interphaseShare += bound / wearRates.anodeAmpereSeconds
    state.doses.boundAmperes = sideAmperes
  }

  /// Adds the turnover of four cathode lanes in a step to their doses.
  ///
  /// A full swing about its middle counts 1: m|2x|^(m−1)·|dθ|/2 at x from the centre, integrated
  /// exactly, so that long steps count what short ones do.
  @inline(__always)
  mutating func addStrain(_ block: Int, before: Lanes, change: Lanes) {
    let lane = state.lanes[block]
    // The centre follows within about ten turnovers: assumed, because nothing in the paper shows it.
    let shift = 0.1 * (before + 0.5 * change - lane.centre) * Self.magnitude(change)
    let centre = lane.centre + 0.5 * shift
    let done = strain(before + change - centre) - strain(before - centre)
    state.lanes[block].cycles = lane.cycles + factors.siteWear * Self.magnitude(done)
    state.lanes[block].centre = lane.centre + shift
  }

  /// The integral of the damage from the centre to `off` it: ±¼|2x|^m.
  @inline(__always)
  private func strain(_ off: Lanes) -> Lanes {
    var depth = 2 * Self.magnitude(off)
    depth.replace(with: 1e-9, where: depth .< 1e-9)
    let power = wearRates.strainPower + 1
    return Self.signed(
      0.25 * DeterministicMath.exp(power * DeterministicMath.log(depth)), like: off)
  }

  /// The current the interphase binds now. Unit: A.
  func interphaseAmperes(charging amperes: Double) -> Double {
    guard wearRates.anodeAmpereSeconds > 0 else { return 0 }
    let fold = DeterministicMath.exp(
      (wearRates.referenceVolts - state.anodeVolts) / wearRates.voltsPerFold)
    let thickness = wearRates.formedShare + state.doses.interphaseShare
    let perHour = wearRates.halfSquareGrowth * factors.interphase * fold / thickness
    return perHour / 3600 * wearRates.anodeAmpereSeconds
      + wearRates.chargeShare * max(amperes, 0)
  }
}

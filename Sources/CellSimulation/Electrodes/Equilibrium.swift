// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

extension RedoxSite {
  /// The site's content in equilibrium with `volts` against Na/Na+, without hysteresis; 1 is full.
  func equilibriumContent(volts: Double, thermalVolts: Double) -> Double {
    let slope = width * thermalVolts
    var logit = (potentialVolts - volts) / slope
    if interactionVolts > 0 {
      // E − ωφy − g(θ−½) falls in y, with a slope between −ωφ − g/4 and −ωφ: Newton from the middle
      // of the bracket, kept inside it.
      var low = min(logit, logit - 0.5 * interactionVolts / slope) - 1
      var high = max(logit, logit + 0.5 * interactionVolts / slope) + 1
      for _ in 0..<60 {
        let content = Self.logistic(logit)
        let excess =
          potentialVolts - slope * logit - interactionVolts * (content - 0.5) - volts
        if excess > 0 { low = logit } else { high = logit }
        let step = excess / (slope + interactionVolts * content * (1 - content))
        let next = logit + step
        logit = next > low && next < high ? next : 0.5 * (low + high)
        if step.magnitude < 1e-14 * (1 + logit.magnitude) { break }
      }
    }
    return Self.logistic(logit)
  }

  /// 1/(1 + e^−y), without overflow.
  static func logistic(_ logit: Double) -> Double {
    let tail = DeterministicMath.exp(-logit.magnitude)
    return logit < 0 ? tail / (1 + tail) : 1 / (1 + tail)
  }
}

extension Electrode {
  /// The weights of the size classes: Gauss–Hermite, at 0 and ±√3 deviations of the logarithm. Their
  /// number is part of the identified model.
  var classWeights: [Double] { radiusSpread == 0 ? [1] : [2.0 / 3, 1.0 / 6, 1.0 / 6] }

  var sphere: SpherePoles { diffusionOrder == .sixPoles ? .six : .four }

  /// The charge held in equilibrium with `volts` against Na/Na+. Unit: Ah.
  func equilibriumAmpereHours(volts: Double, thermalVolts: Double) -> Double {
    var sum = 0.0
    for site in sites {
      sum +=
        site.capacityAmpereHours
        * site.equilibriumContent(volts: volts, thermalVolts: thermalVolts)
    }
    return sum
  }

  /// The potential at which the electrode holds `ampereHours` in equilibrium. Unit: V.
  func equilibriumVolts(ampereHours: Double, thermalVolts: Double) -> Double {
    if let constantVolts { return constantVolts }
    return fallingRoot(from: -20, to: 20) {
      equilibriumAmpereHours(volts: $0, thermalVolts: thermalVolts) - ampereHours
    }
  }
}

/// Where the falling `function` crosses 0 between `low` and `high`; the nearer end if it does not.
func fallingRoot(from low: Double, to high: Double, _ function: (Double) -> Double) -> Double {
  var low = low
  var high = high
  for _ in 0..<200 {
    let middle = 0.5 * (low + high)
    if middle <= low || middle >= high { break }
    if function(middle) > 0 { low = middle } else { high = middle }
  }
  return 0.5 * (low + high)
}

/// The equilibrium of an electrode pair between the cut-off voltages.
struct PairEquilibrium: Sendable {
  let pair: ElectrodePair
  /// RT/F at the temperature of this equilibrium. Unit: V.
  let thermalVolts: Double
  /// The cut-offs. Unit: V.
  let lowerVolts: Double
  let upperVolts: Double
  /// The cathode's sodium at the lower cut-off (state of charge 0). Unit: Ah.
  let emptyAmpereHours: Double
  /// The cathode's sodium at the upper cut-off (state of charge 1). Unit: Ah.
  let fullAmpereHours: Double

  /// Finds the window at `kelvin`.
  init(_ pair: ElectrodePair, lowerVolts: Double, upperVolts: Double, kelvin: Double) {
    let thermalVolts = PhysicalConstants.thermalVolts(kelvin: kelvin)
    self.pair = pair
    self.thermalVolts = thermalVolts
    self.lowerVolts = lowerVolts
    self.upperVolts = upperVolts
    emptyAmpereHours = Self.cathodeAmpereHours(pair, cellVolts: lowerVolts, thermalVolts)
    fullAmpereHours = Self.cathodeAmpereHours(pair, cellVolts: upperVolts, thermalVolts)
  }

  /// The charge between the cut-offs. Unit: Ah.
  var capacityAmpereHours: Double { emptyAmpereHours - fullAmpereHours }

  /// The potentials of cathode and anode at a state of charge in 0…1. Unit: V.
  func potentials(stateOfCharge: Double) -> (cathode: Double, anode: Double) {
    let cathode = emptyAmpereHours - stateOfCharge * capacityAmpereHours
    let anode = pair.cyclableSodiumAmpereHours - cathode
    let cathodeVolts = pair.cathode.equilibriumVolts(
      ampereHours: cathode, thermalVolts: thermalVolts)
    if let metal = pair.anode.constantVolts {
      // At its ends a half cell is fuller or emptier than a number can tell.
      return (min(max(cathodeVolts, metal + lowerVolts), metal + upperVolts), metal)
    }
    return (
      cathodeVolts,
      pair.anode.equilibriumVolts(ampereHours: anode, thermalVolts: thermalVolts)
    )
  }

  /// The cathode's sodium when the resting cell has `cellVolts`: one potential closes the balance.
  private static func cathodeAmpereHours(
    _ pair: ElectrodePair, cellVolts: Double, _ thermalVolts: Double
  ) -> Double {
    let anodeVolts = anodeVolts(pair, cellVolts: cellVolts, thermalVolts)
    return pair.cathode.equilibriumAmpereHours(
      volts: anodeVolts + cellVolts, thermalVolts: thermalVolts)
  }

  /// The anode's potential when the resting cell has `cellVolts`. Unit: V.
  static func anodeVolts(
    _ pair: ElectrodePair, cellVolts: Double, _ thermalVolts: Double
  ) -> Double {
    pair.anode.constantVolts
      ?? fallingRoot(from: -20, to: 20) {
        pair.cathode.equilibriumAmpereHours(volts: $0 + cellVolts, thermalVolts: thermalVolts)
          + pair.anode.equilibriumAmpereHours(volts: $0, thermalVolts: thermalVolts)
          - pair.cyclableSodiumAmpereHours
      }
  }
}

/// Continues a curve on 0…1 a little beyond its ends by point reflection, so that it stays finite,
/// smooth and rising where an electrode would have run out of sodium.
func mirrored(_ place: Double, _ curve: (Double) -> Double) -> Double {
  if place < 0 { return 2 * curve(0) - curve(min(-place, 1)) }
  if place > 1 { return 2 * curve(1) - curve(max(2 - place, 0)) }
  return curve(place)
}

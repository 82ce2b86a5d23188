// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// What a cell is made of and what it may be exposed to; a plain value without state.
///
/// Made by a built-in parameter set or read from a YAML file. Units: SI, with capacities in Ah and
/// temperatures in °C as the field uses them.
public struct CellDescription: Sendable, Equatable {
  /// A short name, such as `nfm-pb-1-hc`.
  public var name: String
  /// Where the numbers come from: a citation, or the words "assumed, because".
  public var source: String
  /// The capacity printed on the cell; 1C is this capacity in one hour. Unit: Ah.
  public var ratedCapacityAmpereHours: Double
  /// The voltage at which a discharge ends and the state of charge is 0 at equilibrium. Unit: V.
  public var lowerCutoffVolts: Double
  /// The voltage at which a charge ends and the state of charge is 1 at equilibrium. Unit: V.
  public var upperCutoffVolts: Double
  /// How the cell's voltage arises.
  public var model: Model
  /// How the cell warms and cools.
  public var thermal: ThermalDescription
  /// How the cell wears; nil where nothing is known. A cell wears only if it is asked to.
  public var ageing: AgeingDescription?

  /// The two ways to describe a cell.
  public enum Model: Sendable, Equatable {
    /// Two electrodes with redox sites, kinetics, diffusion and hysteresis.
    case electrodes(ElectrodePair)
    /// A measured full-cell open-circuit voltage with an equivalent circuit.
    case circuit(EquivalentCircuit)
  }

  /// Makes a description from its parts.
  public init(
    name: String, source: String, ratedCapacityAmpereHours: Double, lowerCutoffVolts: Double,
    upperCutoffVolts: Double, model: Model, thermal: ThermalDescription,
    ageing: AgeingDescription? = nil
  ) {
    self.ageing = ageing
    self.name = name
    self.source = source
    self.ratedCapacityAmpereHours = ratedCapacityAmpereHours
    self.lowerCutoffVolts = lowerCutoffVolts
    self.upperCutoffVolts = upperCutoffVolts
    self.model = model
    self.thermal = thermal
  }
}

/// A cathode against an anode, with the sodium they share and the resistance between them.
public struct ElectrodePair: Sendable, Equatable {
  /// The positive electrode.
  public var cathode: Electrode
  /// The negative electrode.
  public var anode: Electrode
  /// The sodium that moves between the electrodes: cathode content + anode content; without meaning
  /// against sodium metal, of which there is always enough. Unit: Ah.
  public var cyclableSodiumAmpereHours: Double
  /// Electrolyte, foil and contact resistance at 25 °C. Unit: Ω.
  public var contactResistanceOhms: Double
  /// The activation energy of that resistance's conductance. Unit: J/mol.
  public var contactActivationJoulesPerMole: Double

  /// Makes a pair from its parts.
  public init(
    cathode: Electrode, anode: Electrode, cyclableSodiumAmpereHours: Double,
    contactResistanceOhms: Double, contactActivationJoulesPerMole: Double
  ) {
    self.cathode = cathode
    self.anode = anode
    self.cyclableSodiumAmpereHours = cyclableSodiumAmpereHours
    self.contactResistanceOhms = contactResistanceOhms
    self.contactActivationJoulesPerMole = contactActivationJoulesPerMole
  }
}

extension ElectrodePair {
  /// A half cell: an electrode against sodium metal, without contact resistance.
  ///
  /// Its state of charge counts from the content at the lower to that at the upper cut-off.
  public static func halfCell(_ cathode: Electrode) -> ElectrodePair {
    ElectrodePair(
      cathode: cathode, anode: .sodiumMetal,
      cyclableSodiumAmpereHours: cathode.capacityAmpereHours, contactResistanceOhms: 0,
      contactActivationJoulesPerMole: 0)
  }
}

/// An electrode: redox sites that share one potential at their particles' contact.
public struct Electrode: Sendable, Equatable {
  /// The material, such as `NFM-PB-1`.
  public var name: String
  /// The redox sites, in any order.
  public var sites: [RedoxSite]
  /// The standard deviation of the logarithm of the particle radius; 0 is one size. Three classes
  /// (Gauss–Hermite nodes 0, ±√3, weights 2/3, 1/6, 1/6) stand for the distribution.
  public var radiusSpread: Double
  /// The activation energy of charge transfer (rate constant). Unit: J/mol.
  public var kineticActivationJoulesPerMole: Double
  /// The activation energy of solid diffusion. Unit: J/mol.
  public var diffusionActivationJoulesPerMole: Double
  /// How finely diffusion is resolved.
  public var diffusionOrder = DiffusionOrder.fourPoles
  /// The potential of an electrode without sites, whatever flows: sodium metal, of which there is
  /// always enough. Nil for an electrode that takes up sodium. Unit: V.
  public var constantVolts: Double?

  /// How many poles stand for the diffusion into a sphere.
  public enum DiffusionOrder: Int, Sendable, CaseIterable {
    /// Within 1.3 % of the surface's rise.
    case fourPoles = 4
    /// Within 0.17 %, for particles that are slow compared with the test.
    case sixPoles = 6
  }

  /// Makes an electrode that takes up sodium from its parts.
  public init(
    name: String, sites: [RedoxSite], radiusSpread: Double,
    kineticActivationJoulesPerMole: Double, diffusionActivationJoulesPerMole: Double,
    diffusionOrder: DiffusionOrder = .fourPoles
  ) {
    self.diffusionOrder = diffusionOrder
    self.name = name
    self.sites = sites
    self.radiusSpread = radiusSpread
    self.kineticActivationJoulesPerMole = kineticActivationJoulesPerMole
    self.diffusionActivationJoulesPerMole = diffusionActivationJoulesPerMole
  }

  /// Sodium metal, against which half cells are measured: 0 V, without limit and without
  /// overpotential. Assumed, because the paper's half cells do not tell the two electrodes apart.
  public static let sodiumMetal: Electrode = {
    var metal = Electrode(
      name: "sodium", sites: [], radiusSpread: 0, kineticActivationJoulesPerMole: 0,
      diffusionActivationJoulesPerMole: 0)
    metal.constantVolts = 0
    return metal
  }()

  /// The charge that all sites hold when full of sodium. Unit: Ah.
  public var capacityAmpereHours: Double { sites.reduce(0) { $0 + $1.capacityAmpereHours } }
}

/// One redox site (gallery) of an electrode; equations (1) to (4) of the cell model.
public struct RedoxSite: Sendable, Equatable {
  /// The site's name, such as `Fe_HS`.
  public var name: String
  /// The charge it holds. Unit: Ah.
  public var capacityAmpereHours: Double
  /// The potential at half filling against Na/Na+. Unit: V.
  public var potentialVolts: Double
  /// The width of its step relative to an ideal Nernstian one (ω).
  public var width: Double
  /// The mean-field interaction, added as −g·(θ − ½). Unit: V.
  public var interactionVolts: Double
  /// Half the gap between charge and discharge at zero current. Unit: V.
  public var hysteresisVolts: Double
  /// How much turnover of the site swings the hysteresis: 1/γ of its capacity.
  public var hysteresisRate: Double
  /// The rate constant of charge transfer at 25 °C. Unit: 1/s.
  public var rateConstant: Double
  /// The effective Tafel factor (α).
  public var transferCoefficient: Double
  /// The diffusion time R²/D of the middle particle size at 25 °C. Unit: s.
  public var diffusionSeconds: Double

  /// Makes a site from its parts.
  public init(
    name: String, capacityAmpereHours: Double, potentialVolts: Double, width: Double,
    interactionVolts: Double, hysteresisVolts: Double, hysteresisRate: Double,
    rateConstant: Double, transferCoefficient: Double, diffusionSeconds: Double
  ) {
    self.name = name
    self.capacityAmpereHours = capacityAmpereHours
    self.potentialVolts = potentialVolts
    self.width = width
    self.interactionVolts = interactionVolts
    self.hysteresisVolts = hysteresisVolts
    self.hysteresisRate = hysteresisRate
    self.rateConstant = rateConstant
    self.transferCoefficient = transferCoefficient
    self.diffusionSeconds = diffusionSeconds
  }
}

/// A measured open-circuit voltage with a series resistance, relaxation pairs and hysteresis.
public struct EquivalentCircuit: Sendable, Equatable {
  /// The open-circuit voltage (V) over state of charge, rising from the lower to the upper cut-off.
  public var openCircuitVolts: Curve
  /// The series resistance at 25 °C and small currents (Ω) over state of charge.
  public var seriesOhms: Curve
  /// The current beyond which the series resistance falls, for it is charge transfer: its voltage
  /// grows with asinh(I / this), the Butler–Volmer law of equal transfer coefficients. Nil where it is
  /// ohmic. Unit: A.
  public var chargeTransferAmperes: Double?
  /// The relaxation pairs, fastest first.
  public var pairs: [RelaxationPair]
  /// How far the particles' surfaces, whose voltage the terminals see, run ahead of their means: the
  /// charge per ampere of a current that follows the cell's as the slowest pair does. Under load a step
  /// of the open-circuit voltage is met that much earlier. 0 for a cell without pairs. Unit: s (A·s/A).
  public var surfaceLeadSeconds = 0.0
  /// Half the gap between charge and discharge curves at rest (V) over state of charge.
  public var hysteresisVolts: Curve
  /// How fast the hysteresis swings over: 1/γ of the capacity.
  public var hysteresisRate: Double
  /// The activation energy of all resistances' conductance. Unit: J/mol.
  public var activationJoulesPerMole: Double

  /// A resistance that builds its voltage with a time constant.
  public struct RelaxationPair: Sendable, Equatable {
    /// The resistance at 25 °C (Ω) over state of charge.
    public var ohms: Curve
    /// The time constant. Unit: s.
    public var seconds: Double

    /// Makes a pair from its parts.
    public init(ohms: Curve, seconds: Double) {
      self.ohms = ohms
      self.seconds = seconds
    }
  }

  /// Makes a circuit from its parts.
  public init(
    openCircuitVolts: Curve, seriesOhms: Curve, chargeTransferAmperes: Double? = nil,
    pairs: [RelaxationPair], hysteresisVolts: Curve, hysteresisRate: Double,
    activationJoulesPerMole: Double
  ) {
    self.openCircuitVolts = openCircuitVolts
    self.seriesOhms = seriesOhms
    self.chargeTransferAmperes = chargeTransferAmperes
    self.pairs = pairs
    self.hysteresisVolts = hysteresisVolts
    self.hysteresisRate = hysteresisRate
    self.activationJoulesPerMole = activationJoulesPerMole
  }
}

extension EquivalentCircuit {
  /// The series resistance at a current over that at small ones: 1, or less where it is charge
  /// transfer.
  public func seriesFactor(amperes: Double) -> Double {
    guard let chargeTransferAmperes else { return 1 }
    let x = amperes.magnitude / chargeTransferAmperes
    // Below, the logarithm would cancel; the series' next term is 8e-14.
    guard x > 1e-3 else { return 1 - x * x / 6 }
    return DeterministicMath.log(x + (x * x + 1).squareRoot()) / x
  }

  /// The slope of the series voltage over the current, over the resistance at small currents.
  func seriesSlopeFactor(amperes: Double) -> Double {
    guard let chargeTransferAmperes else { return 1 }
    let x = amperes / chargeTransferAmperes
    return 1 / (1 + x * x).squareRoot()
  }
}

/// A function of one variable given by points; linear between them, constant outside.
public struct Curve: Sendable, Equatable {
  /// The places, strictly increasing; at least one.
  public let x: [Double]
  /// The values at those places.
  public let y: [Double]

  /// Makes a curve; unequal counts, no points or places that do not increase trap.
  public init(x: [Double], y: [Double]) {
    precondition(!x.isEmpty && x.count == y.count, "a curve needs one value per place")
    precondition(zip(x, x.dropFirst()).allSatisfy { $0 < $1 }, "places must increase")
    self.x = x
    self.y = y
  }

  /// A curve with the same value everywhere.
  public static func constant(_ value: Double) -> Curve { Curve(x: [0], y: [value]) }

  /// The value at `place`.
  public func callAsFunction(_ place: Double) -> Double {
    guard place > x[0] else { return y[0] }
    guard place < x[x.count - 1] else { return y[y.count - 1] }
    var low = 0
    var high = x.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if x[middle] <= place { low = middle } else { high = middle }
    }
    let fraction = (place - x[low]) / (x[high] - x[low])
    return y[low] + fraction * (y[high] - y[low])
  }
}

/// A lumped heat balance: one temperature, losses to the surroundings in proportion to the excess.
public struct ThermalDescription: Sendable, Equatable {
  /// The heat capacity of the cell. Unit: J/K.
  public var heatCapacityJoulesPerKelvin: Double
  /// The heat conductance to the surroundings. Unit: W/K.
  public var conductanceWattsPerKelvin: Double

  /// Makes a heat balance from its parts.
  public init(heatCapacityJoulesPerKelvin: Double, conductanceWattsPerKelvin: Double) {
    self.heatCapacityJoulesPerKelvin = heatCapacityJoulesPerKelvin
    self.conductanceWattsPerKelvin = conductanceWattsPerKelvin
  }
}

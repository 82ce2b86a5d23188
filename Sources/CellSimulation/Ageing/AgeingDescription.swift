// SPDX-License-Identifier: Apache-2.0

/// How a cell wears: the rates of its mechanisms at 25 °C. Part of a cell's description.
///
/// Nothing here depends on the time step. Losses are functions of doses that are integrated over the
/// path: how often a site was strained, how long it waited at what potential and temperature, and how
/// much sodium the interphase has bound.
public struct AgeingDescription: Sendable, Equatable {
  /// One entry per site of the cathode, in the description's order.
  public var cathodeSites: [SiteAgeing]
  /// How damage grows with the depth of a cycle: a swing of share x counts x to this power of a full
  /// one. Assumed 2.8, because that is what the paper's two materials show between fade and strain of
  /// the lattice (Δc 0.239 Å against 0.119 Å); they differ in more than strain.
  public var strainExponent: Double
  /// The activation energy of all losses of active material. Unit: J/mol.
  public var siteActivationJoulesPerMole: Double
  /// By how many volts the cathode's potential must rise for its loss with time to grow e-fold.
  public var calendarVoltsPerFold: Double
  /// The growth of the anode's interphase; nil against metal.
  public var interphase: InterphaseAgeing?
  /// The growth of a coupled gallery; nil where there is none.
  public var coupling: CouplingGrowth?

  /// Makes a description from its parts.
  public init(
    cathodeSites: [SiteAgeing], strainExponent: Double = 2.8,
    siteActivationJoulesPerMole: Double, calendarVoltsPerFold: Double,
    interphase: InterphaseAgeing?, coupling: CouplingGrowth?
  ) {
    self.cathodeSites = cathodeSites
    self.strainExponent = strainExponent
    self.siteActivationJoulesPerMole = siteActivationJoulesPerMole
    self.calendarVoltsPerFold = calendarVoltsPerFold
    self.interphase = interphase
    self.coupling = coupling
  }
}

/// How one site loses active material:
/// Q = Q₀ · exp(−[A(1 − exp(−n/n₀)) + c·nᵖ + d·t]) with n full strain cycles and t hours.
public struct SiteAgeing: Sendable, Equatable {
  /// A: what is lost while the material settles.
  public var earlyLoss: Double
  /// n₀: how many cycles settling takes.
  public var earlyCycles: Double
  /// c: the loss by strain at the first cycle.
  public var cycleLoss: Double
  /// p: 1 for fatigue that goes on evenly, below 1 for damage that comes early.
  public var cycleExponent: Double
  /// d: the loss per hour at 25 °C and 3.4 V against Na/Na+.
  public var hourLoss: Double
  /// How much faster the rate constant falls than the capacity: k = k₀ · (Q/Q₀)^this.
  public var kineticExponent: Double

  /// Makes an entry; what is left out does not act.
  public init(
    earlyLoss: Double = 0, earlyCycles: Double = 25, cycleLoss: Double = 0,
    cycleExponent: Double = 1, hourLoss: Double = 0, kineticExponent: Double = 0
  ) {
    self.earlyLoss = earlyLoss
    self.earlyCycles = earlyCycles
    self.cycleLoss = cycleLoss
    self.cycleExponent = cycleExponent
    self.hourLoss = hourLoss
    self.kineticExponent = kineticExponent
  }
}

/// How hard carbon's interphase binds sodium. With s the sodium it holds per anode capacity:
/// ds/dt = k²/(2s) · exp((U₀ − U)/v) + c·|I|/Q while charging, so that s grows with √t at rest.
public struct InterphaseAgeing: Sendable, Equatable {
  /// s after formation, which the description's sodium has already lost.
  public var formedShare: Double
  /// k at 25 °C and U₀. Unit: per √h.
  public var growthPerRootHour: Double
  /// U₀, the anode potential to which `growthPerRootHour` refers. Unit: V.
  public var referenceVolts: Double
  /// v: by how many volts the anode's potential must fall for k² to grow e-fold.
  public var voltsPerFold: Double
  /// c: the share of the charging current that cracks and repairs the interphase.
  public var chargeShare: Double
  /// The activation energy of k². Unit: J/mol.
  public var activationJoulesPerMole: Double
  /// By how much the contact resistance grows, relative to its size, per share s beyond formation.
  public var resistanceGrowth: Double

  /// Makes an entry.
  public init(
    formedShare: Double, growthPerRootHour: Double, referenceVolts: Double, voltsPerFold: Double,
    chargeShare: Double, activationJoulesPerMole: Double, resistanceGrowth: Double
  ) {
    self.formedShare = formedShare
    self.growthPerRootHour = growthPerRootHour
    self.referenceVolts = referenceVolts
    self.voltsPerFold = voltsPerFold
    self.chargeShare = chargeShare
    self.activationJoulesPerMole = activationJoulesPerMole
    self.resistanceGrowth = resistanceGrowth
  }
}

/// How sites lose capacity to a coupled gallery while the cathode gives off its water:
/// χ = χ∞(1 − exp(−n/n₁)) of the sources belongs to the gallery after n cycles.
public struct CouplingGrowth: Sendable, Equatable {
  /// The sites that give, as places in the cathode; the first one's cycles count.
  public var sources: [Int]
  /// The gallery that takes, as a place in the cathode; empty in a fresh cell.
  public var gallery: Int
  /// χ∞: where the growth ends, tied to the water there was.
  public var finalShare: Double
  /// n₁: the cycles that it takes.
  public var cycles: Double
  /// By how much the first source's potential rises per χ. Unit: V.
  public var sourceShiftVolts: Double

  /// Makes an entry.
  public init(
    sources: [Int], gallery: Int, finalShare: Double, cycles: Double, sourceShiftVolts: Double
  ) {
    self.sources = sources
    self.gallery = gallery
    self.finalShare = finalShare
    self.cycles = cycles
    self.sourceShiftVolts = sourceShiftVolts
  }
}

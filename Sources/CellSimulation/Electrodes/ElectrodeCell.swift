// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// A cell of two electrodes: redox sites as lanes, with kinetics, diffusion, hysteresis and heat.
///
/// The sites of an electrode lie in parallel and exchange sodium through their common potential.
/// Source: the project's reduced cell model, equations (1) to (5); every lane has
/// 1. θs = A + B·i (four diffusion poles, exact for a turnover that changes linearly in the step),
/// 2. w = E − ωφy − g(θs−½) + H·h − (φ/α)·asinh(i(u+1/u)/2k) with y = logit θs and u = exp(y/2),
/// 3. h' = −γ|i|(h + sgn i), implicit,
/// and the lanes of an electrode share w and add up to the current. Inside, i > 0 takes up sodium.
struct ElectrodeCell: Sendable {
  /// The electrodes and the window, at 25 °C.
  let equilibrium: PairEquilibrium
  let thermal: ThermalDescription
  var activation: Activation
  let blockCount: Int
  /// The first block of the anode; the cathode has those before it.
  let anodeBlock: Int
  let hasHysteresis: (cathode: Bool, anode: Bool)
  let spheres: (cathode: SpherePoles, anode: SpherePoles)
  let hasSixPoles: Bool
  var constants: InlineArray<8, LaneConstants>
  var state: State

  /// The factors of the present temperature.
  var factors: TemperatureFactors
  /// The response to a step of `responseSeconds` at `responseKelvin`.
  var responses: InlineArray<8, LaneResponse>
  var responseSeconds = 0.0
  var responseKelvin = 0.0
  var thermalDecay = 1.0
  /// Those to other lengths, and which of them is given up next.
  var recalled: [StepResponse] = []
  var nextRecalled = 0
  static let mostRecalled = 8
  /// How the cell wears: one element, or none for a cell that stays as it is.
  var wear: [Wear] = []
  var wearRates = WearRates()
  /// The current that the anode's interphase binds in the step being solved. Unit: A.
  var sideAmperes = 0.0
  /// Whether `trial` looks ahead from the instant after a change of control, which was just found.
  var hasLeapt = false
  /// Where the solver works.
  var trial: InlineArray<8, LaneTrial>

  /// Everything that changes with time and that a step taken back restores.
  struct State: Sendable {
    var lanes: InlineArray<8, LaneState>
    /// The potentials of cathode and anode against Na/Na+. Unit: V.
    var cathodeVolts: Double
    var anodeVolts: Double
    /// How fast these potentials moved in the last step. Unit: V/s.
    var cathodeRate = 0.0
    var anodeRate = 0.0
    /// Positive charges the cell. Unit: A.
    var amperes = 0.0
    var terminalVolts: Double
    /// The slope of the terminal voltage over the current at the last solution. Unit: Ω.
    var slopeOhms = 0.0
    var kelvin: Double
    /// The heat set free since the start. Unit: J.
    var heatJoules = 0.0
    /// The charge that went in less that which came out since the start. Unit: A·s.
    var chargeAmpereSeconds = 0.0
    /// The charge that went in and that which came out since the start. Unit: A·s.
    var throughputAmpereSeconds = 0.0
    /// The control of the step before; nil before the first.
    var control: CellControl? = nil
    var doses = Doses()

    /// What wear has added up besides the lanes' cycles.
    struct Doses: Sendable {
      var calendarHours = 0.0
      var interphaseShare = 0.0
      /// The current the interphase bound at the end of the last step. Unit: A.
      var boundAmperes = 0.0
    }
  }

  /// What temperature acts on: plain numbers, so that a step touches no reference counts.
  struct Activation: Sendable {
    let cathodeKinetics: Double
    let anodeKinetics: Double
    let cathodeDiffusion: Double
    let anodeDiffusion: Double
    let contact: Double
    var contactOhms: Double
    /// 0 for a cell that does not wear.
    var siteWear = 0.0
    var interphase = 0.0

    init(_ pair: ElectrodePair) {
      cathodeKinetics = pair.cathode.kineticActivationJoulesPerMole
      anodeKinetics = pair.anode.kineticActivationJoulesPerMole
      cathodeDiffusion = pair.cathode.diffusionActivationJoulesPerMole
      anodeDiffusion = pair.anode.diffusionActivationJoulesPerMole
      contact = pair.contactActivationJoulesPerMole
      contactOhms = pair.contactResistanceOhms
    }
  }

  /// How temperature changes the parameters.
  struct TemperatureFactors: Sendable {
    var kelvin = 0.0
    /// φ = RT/F. Unit: V.
    var thermalVolts = 0.0
    /// How much faster than at 25 °C charge transfer is.
    var cathodeRate = 1.0
    var anodeRate = 1.0
    var contactOhms = 0.0
    /// How much faster sites and interphase wear.
    var siteWear = 1.0
    var interphase = 1.0
    /// How much longer than at 25 °C diffusion takes, at `diffusionKelvin`.
    var cathodeDiffusion = 1.0
    var anodeDiffusion = 1.0
    var diffusionKelvin = 0.0

    init(kelvin: Double, _ activation: Activation) { update(kelvin: kelvin, activation) }

    /// Follows the temperature; diffusion in steps of 0.02 K (0.1 % of the diffusion time at
    /// 40 kJ/mol), because each costs the responses of all lanes anew.
    mutating func update(kelvin: Double, _ activation: Activation) {
      self.kelvin = kelvin
      thermalVolts = PhysicalConstants.thermalVolts(kelvin: kelvin)
      let inverse = (1 / PhysicalConstants.reference - 1 / kelvin) / PhysicalConstants.gas
      let faster = DeterministicMath.exp(
        inverse
          * Lanes(
            activation.cathodeKinetics, activation.anodeKinetics, -activation.contact,
            activation.siteWear))
      cathodeRate = faster[0]
      anodeRate = faster[1]
      contactOhms = activation.contactOhms * faster[2]
      siteWear = faster[3]
      interphase = DeterministicMath.exp(inverse * activation.interphase)
      if (kelvin - diffusionKelvin).magnitude > 0.02 {
        diffusionKelvin = kelvin
        cathodeDiffusion = DeterministicMath.exp(-inverse * activation.cathodeDiffusion)
        anodeDiffusion = DeterministicMath.exp(-inverse * activation.anodeDiffusion)
      }
    }
  }

  /// Makes a cell at rest in equilibrium; the description has been checked.
  init(
    _ pair: ElectrodePair, equilibrium: PairEquilibrium, thermal: ThermalDescription,
    stateOfCharge: Double, kelvin: Double
  ) throws(CellError) {
    self.equilibrium = equilibrium
    self.thermal = thermal
    activation = Activation(pair)
    let cathode = Self.lanes(of: pair.cathode)
    let anode = Self.lanes(of: pair.anode)
    guard cathode.count + anode.count <= maximumBlocks else {
      throw .tooManyLanes(
        count: 4 * (cathode.count + anode.count), limit: 4 * maximumBlocks)
    }
    anodeBlock = cathode.count
    blockCount = cathode.count + anode.count
    hasHysteresis = (
      pair.cathode.sites.contains { $0.hysteresisVolts != 0 },
      pair.anode.sites.contains { $0.hysteresisVolts != 0 }
    )
    spheres = (pair.cathode.sphere, pair.anode.sphere)
    hasSixPoles = spheres.cathode.count == 6 || spheres.anode.count == 6
    constants = InlineArray(repeating: LaneConstants())
    responses = InlineArray(repeating: LaneResponse())
    trial = InlineArray(repeating: LaneTrial())
    factors = TemperatureFactors(kelvin: kelvin, activation)
    state = State(
      lanes: InlineArray(repeating: LaneState()), cathodeVolts: 0, anodeVolts: 0,
      terminalVolts: 0, kelvin: kelvin)
    for block in 0..<blockCount {
      constants[block] = block < anodeBlock ? cathode[block] : anode[block - anodeBlock]
    }
    rest(stateOfCharge: stateOfCharge)
  }

  /// Puts every lane in equilibrium at the present temperature.
  private mutating func rest(stateOfCharge: Double) {
    let pair = equilibrium.pair
    let cathode =
      equilibrium.emptyAmpereHours - stateOfCharge * equilibrium.capacityAmpereHours
    state.cathodeVolts = pair.cathode.equilibriumVolts(
      ampereHours: cathode, thermalVolts: factors.thermalVolts)
    state.anodeVolts = pair.anode.equilibriumVolts(
      ampereHours: pair.cyclableSodiumAmpereHours - cathode, thermalVolts: factors.thermalVolts)
    if pair.anode.constantVolts != nil {
      state.cathodeVolts = equilibrium.potentials(stateOfCharge: stateOfCharge).cathode
    }
    fillLanes()
  }

  /// Puts every lane in equilibrium with a resting voltage of the cell at the present temperature.
  mutating func rest(volts: Double) {
    state.anodeVolts = PairEquilibrium.anodeVolts(
      equilibrium.pair, cellVolts: volts, factors.thermalVolts)
    state.cathodeVolts = state.anodeVolts + volts
    fillLanes()
  }

  /// Puts every lane in equilibrium with the potential of its electrode.
  private mutating func fillLanes() {
    state.terminalVolts = state.cathodeVolts - state.anodeVolts
    for block in 0..<blockCount {
      let volts = block < anodeBlock ? state.cathodeVolts : state.anodeVolts
      for lane in 0..<4 {
        let site = constants[block].site(lane)
        let content = site.equilibriumContent(volts: volts, thermalVolts: factors.thermalVolts)
        state.lanes[block].mean[lane] = content
        // The potential is exact where the content has lost its digits near 1.
        state.lanes[block].logit[lane] =
          (site.potentialVolts - volts - site.interactionVolts * (content - 0.5))
          / (site.width * factors.thermalVolts)
      }
    }
  }

  /// The lanes of an electrode, sites × size classes, in blocks of four.
  static func lanes(of electrode: Electrode) -> [LaneConstants] {
    let reach = 3.0.squareRoot() * electrode.radiusSpread
    let radii = [1, DeterministicMath.exp(-reach), DeterministicMath.exp(reach)]
    let classes = zip(electrode.classWeights, radii).map { (weight: $0, radius: $1) }
    var blocks: [LaneConstants] = []
    var lane = 4
    for site in electrode.sites {
      for size in classes {
        if lane == 4 {
          // Lanes left over at the end repeat this one without capacity: they follow it, carry no
          // current and need no special case.
          blocks.append(
            LaneConstants(repeating: site, weight: 0, radius: size.radius))
          lane = 0
        }
        blocks[blocks.count - 1].set(lane, site, weight: size.weight, radius: size.radius)
        lane += 1
      }
    }
    return blocks
  }
}

extension LaneConstants {
  /// Four equal lanes.
  init(repeating site: RedoxSite, weight: Double, radius: Double) {
    for lane in 0..<4 { set(lane, site, weight: weight, radius: radius) }
  }

  /// Sets one lane: a site in a size class; diffusion goes with the area, kinetics with 1/radius.
  mutating func set(_ lane: Int, _ site: RedoxSite, weight: Double, radius: Double) {
    capacity[lane] = 3600 * site.capacityAmpereHours * weight
    potential[lane] = site.potentialVolts
    width[lane] = site.width
    interaction[lane] = site.interactionVolts
    hysteresis[lane] = site.hysteresisVolts
    hysteresisRate[lane] = site.hysteresisRate
    rateConstant[lane] = site.rateConstant / radius
    inverseTransfer[lane] = 1 / site.transferCoefficient
    diffusionSeconds[lane] = site.diffusionSeconds * (radius * radius)
  }

  /// One lane as a site.
  func site(_ lane: Int) -> RedoxSite {
    RedoxSite(
      name: "", capacityAmpereHours: capacity[lane] / 3600, potentialVolts: potential[lane],
      width: width[lane], interactionVolts: interaction[lane], hysteresisVolts: hysteresis[lane],
      hysteresisRate: hysteresisRate[lane], rateConstant: rateConstant[lane],
      transferCoefficient: 1 / inverseTransfer[lane], diffusionSeconds: diffusionSeconds[lane])
  }
}

// SPDX-License-Identifier: Apache-2.0

public import CellSimulation
import Yams

/// Cell descriptions as YAML text.
///
/// Every key is required but these: `pairs` (none), `charge_transfer_current` (the series resistance
/// is ohmic), `surface_lead` (0 s), `hysteresis` (0 V, and then `hysteresis_rate` is 1 and without
/// effect), and of an electrode `radius_spread` (0: one size) and of a site `width` (1:
/// ideal) and `interaction` (0 V). A quantity always has its unit: "1.5 Ah", "2 mohm", "350 s".
public enum CellFile {
  /// Reads a description.
  ///
  /// - Parameters:
  ///   - text: the YAML.
  ///   - file: the name for messages.
  /// - Returns: the cell, or all that is wrong with the text.
  public static func parse(
    text: String, file: String
  ) -> Result<CellDescription, DescriptionProblems> {
    let list = ProblemList(file: file)
    let cell = StrictYAML.compose(text, list).flatMap { CellReader(list: list).cell($0) }
    guard list.problems.isEmpty, let cell else { return .failure(list.sorted) }
    return .success(cell)
  }
}

/// Reads the parts of a cell; nil always comes with a problem in the list.
private struct CellReader {
  let list: ProblemList

  func cell(_ node: Node) -> CellDescription? {
    let keys = [
      "schema", "name", "source", "capacity", "lower_cutoff", "upper_cutoff", "thermal",
      "electrodes", "circuit",
    ]
    guard let map = MappingReader(node, "the description", keys: keys, list) else { return nil }
    map.checkSchema()
    let name = map.text("name")
    let source = map.text("source")
    let capacity = map.quantity("capacity", .charge, Limits(positiveTo: 10_000))
    let lower = map.quantity("lower_cutoff", .voltage, Limits(0, 10))
    let upper = map.quantity("upper_cutoff", .voltage, Limits(0, 10))
    if let lower, let upper, lower >= upper {
      map.add(
        "upper_cutoff", "upper_cutoff is \(upper) V; expected more than lower_cutoff, \(lower) V")
    }
    let thermal = thermal(map)
    let model = model(map, lower, upper)
    guard let name, let source, let capacity, let lower, let upper, let thermal, let model else {
      return nil
    }
    return CellDescription(
      name: name, source: source, ratedCapacityAmpereHours: capacity, lowerCutoffVolts: lower,
      upperCutoffVolts: upper, model: model, thermal: thermal)
  }

  private func thermal(_ map: MappingReader) -> ThermalDescription? {
    guard let node = map.node("thermal", expected: "heat_capacity and conductance"),
      let thermal = MappingReader(
        node, "thermal", keys: ["heat_capacity", "conductance"], list)
    else { return nil }
    let capacity = thermal.quantity("heat_capacity", .heatCapacity, Limits(positiveTo: 1e6))
    let conductance = thermal.quantity("conductance", .heatConductance, Limits(0, 1e4))
    guard let capacity, let conductance else { return nil }
    return ThermalDescription(
      heatCapacityJoulesPerKelvin: capacity, conductanceWattsPerKelvin: conductance)
  }

  private func model(
    _ map: MappingReader, _ lower: Double?, _ upper: Double?
  ) -> CellDescription.Model? {
    switch (map.has("electrodes"), map.has("circuit")) {
    case (true, true):
      map.add("circuit", "the description has electrodes and a circuit; expected one of them")
      return nil
    case (false, false) where map.isMisspelt("electrodes") || map.isMisspelt("circuit"): return nil
    case (false, false):
      list.add(
        map.mark, "the description has neither electrodes nor a circuit; expected one of them")
      return nil
    case (true, false):
      return map.node("electrodes", expected: "").flatMap { electrodes($0) }.map { .electrodes($0) }
    case (false, true):
      return map.node("circuit", expected: "").flatMap { circuit($0, lower, upper) }
        .map { .circuit($0) }
    }
  }
}

// MARK: - Circuit

extension CellReader {
  /// How far the open-circuit voltage may pass a cut-off: a measured curve has noise. Unit: V.
  private var cutoffMargin: Double { 0.1 }

  private func circuit(_ node: Node, _ lower: Double?, _ upper: Double?) -> EquivalentCircuit? {
    let keys = [
      "ocv", "series_resistance", "charge_transfer_current", "pairs", "surface_lead", "hysteresis",
      "hysteresis_rate", "activation_energy",
    ]
    guard let map = MappingReader(node, "circuit", keys: keys, list) else { return nil }
    let openCircuit = openCircuit(map, lower, upper)
    let series = map.curve("series_resistance", .resistance, Limits(0, 1e6))
    let hasTransfer = map.has("charge_transfer_current")
    let transfer =
      hasTransfer
      ? map.quantity("charge_transfer_current", .current, Limits(positiveTo: 1e6)) : nil
    let pairs = map.has("pairs") ? pairs(map) : []
    let lead = map.has("surface_lead") ? map.quantity("surface_lead", .time, Limits(0, 1e6)) : 0
    if map.has("surface_lead"), pairs?.isEmpty ?? false {
      map.add("surface_lead", "surface_lead needs pairs, for it follows the current as the slowest")
    }
    let hysteresis = map.curve("hysteresis", .voltage, Limits(0, 1), standard: .constant(0))
    let rate = map.number(
      "hysteresis_rate", Limits(positiveTo: 1e4), standard: map.has("hysteresis") ? nil : 1)
    let activation = map.quantity("activation_energy", .molarEnergy, Limits(0, 200_000))
    guard let openCircuit, let series, let pairs, let lead, let hysteresis, let rate,
      let activation
    else { return nil }
    var circuit = EquivalentCircuit(
      openCircuitVolts: openCircuit, seriesOhms: series, chargeTransferAmperes: transfer,
      pairs: pairs, hysteresisVolts: hysteresis, hysteresisRate: rate,
      activationJoulesPerMole: activation)
    circuit.surfaceLeadSeconds = lead
    return circuit
  }

  private func openCircuit(_ map: MappingReader, _ lower: Double?, _ upper: Double?) -> Curve? {
    let expected = "a table from state of charge 0 to 1, such as [[0, 2 V], [1, 4 V]]"
    guard let rows = map.items("ocv", expected: expected) else { return nil }
    let limits = Limits((lower ?? 0) - cutoffMargin, (upper ?? 10) + cutoffMargin)
    guard
      let curve = map.table(rows, "ocv", .voltage, limits, mark: map.mark(of: "ocv"))
    else { return nil }
    if curve.x.first != 0 || curve.x.last != 1 {
      map.add(
        "ocv",
        "ocv goes from state of charge \(curve.x[0]) to \(curve.x[curve.x.count - 1]); "
          + "expected 0 to 1")
    }
    for place in curve.y.indices.dropFirst() where curve.y[place] <= curve.y[place - 1] {
      list.add(
        rows[place].mark,
        "ocv is \(curve.y[place]) V after \(curve.y[place - 1]) V; expected it to increase")
    }
    return curve
  }

  private func pairs(_ map: MappingReader) -> [EquivalentCircuit.RelaxationPair]? {
    let expected = "a list of {resistance, time_constant}"
    guard let items = map.items("pairs", expected: expected) else { return nil }
    var pairs: [EquivalentCircuit.RelaxationPair] = []
    for item in items {
      guard
        let pair = MappingReader(item, "a pair", keys: ["resistance", "time_constant"], list)
      else { continue }
      let ohms = pair.curve("resistance", .resistance, Limits(0, 1e6))
      let seconds = pair.quantity("time_constant", .time, Limits(positiveTo: 1e6))
      guard let ohms, let seconds else { continue }
      if let last = pairs.last, seconds <= last.seconds {
        pair.add(
          "time_constant",
          "time_constant is \(seconds) s after \(last.seconds) s; expected the fastest pair first")
      }
      pairs.append(EquivalentCircuit.RelaxationPair(ohms: ohms, seconds: seconds))
    }
    return pairs.count == items.count ? pairs : nil
  }
}

// MARK: - Electrodes

extension CellReader {
  private func electrodes(_ node: Node) -> ElectrodePair? {
    let keys = [
      "cathode", "anode", "cyclable_sodium", "sodium_loss", "contact_resistance",
      "contact_activation_energy",
    ]
    guard let map = MappingReader(node, "electrodes", keys: keys, list) else { return nil }
    let cathode = electrode(map, "cathode")
    let anode = electrode(map, "anode")
    let sodium = sodium(map, cathode, anode)
    let resistance = map.quantity("contact_resistance", .resistance, Limits(0, 1e6))
    let activation = map.quantity("contact_activation_energy", .molarEnergy, Limits(0, 200_000))
    guard let cathode, let anode, let sodium, let resistance, let activation else { return nil }
    return ElectrodePair(
      cathode: cathode, anode: anode, cyclableSodiumAmpereHours: sodium,
      contactResistanceOhms: resistance, contactActivationJoulesPerMole: activation)
  }

  /// The sodium that moves: given, or what a full cathode holds less `sodium_loss`.
  private func sodium(
    _ map: MappingReader, _ cathode: Electrode?, _ anode: Electrode?
  ) -> Double? {
    let limits = Limits(positiveTo: 10_000)
    let most = (cathode?.capacityAmpereHours ?? 1e9) + (anode?.capacityAmpereHours ?? 1e9)
    switch (map.has("cyclable_sodium"), map.has("sodium_loss")) {
    case (true, false):
      guard let sodium = map.quantity("cyclable_sodium", .charge, limits) else { return nil }
      if sodium <= most { return sodium }
      map.add("cyclable_sodium", "cyclable_sodium is \(sodium) Ah; the electrodes hold \(most) Ah")
    case (false, true):
      guard let loss = map.quantity("sodium_loss", .charge, Limits(0, 10_000)),
        let full = cathode?.capacityAmpereHours
      else { return nil }
      if loss < full { return full - loss }
      map.add("sodium_loss", "sodium_loss is \(loss) Ah; the cathode holds only \(full) Ah")
    case (false, false) where map.isMisspelt("cyclable_sodium") || map.isMisspelt("sodium_loss"):
      return nil
    default:
      list.add(map.mark, "electrodes need either cyclable_sodium or sodium_loss, and not both")
    }
    return nil
  }

  private func electrode(_ parent: MappingReader, _ key: String) -> Electrode? {
    let keys = [
      "name", "mass", "sites", "radius_spread", "kinetic_activation_energy",
      "diffusion_activation_energy",
    ]
    guard let node = parent.node(key, expected: "an electrode with its sites"),
      let map = MappingReader(node, key, keys: keys, list)
    else { return nil }
    let name = map.text("name")
    let hasMass = map.has("mass")
    let mass = hasMass ? map.quantity("mass", .mass, Limits(positiveTo: 1e6)) : nil
    let sites = sites(map, mass, hasMass: hasMass)
    let spread = map.number("radius_spread", Limits(0, 3), standard: 0)
    let energies = Limits(0, 200_000)
    let kinetic = map.quantity("kinetic_activation_energy", .molarEnergy, energies)
    let diffusion = map.quantity("diffusion_activation_energy", .molarEnergy, energies)
    guard let name, let sites, let spread, let kinetic, let diffusion else { return nil }
    return Electrode(
      name: name, sites: sites, radiusSpread: spread, kineticActivationJoulesPerMole: kinetic,
      diffusionActivationJoulesPerMole: diffusion)
  }

  private func sites(_ map: MappingReader, _ mass: Double?, hasMass: Bool) -> [RedoxSite]? {
    guard let items = map.items("sites", expected: "a list of redox sites") else { return nil }
    let sites = items.compactMap { site($0, mass, hasMass: hasMass) }
    return sites.count == items.count ? sites : nil
  }

  private func site(_ node: Node, _ mass: Double?, hasMass: Bool) -> RedoxSite? {
    let keys = [
      "name", "capacity", "potential", "width", "interaction", "hysteresis", "hysteresis_rate",
      "rate_constant", "transfer_coefficient", "diffusion_time",
    ]
    guard let map = MappingReader(node, "a site", keys: keys, list) else { return nil }
    let name = map.text("name")
    let capacity = siteCapacity(map, mass, hasMass: hasMass)
    let potential = map.quantity("potential", .voltage, Limits(-5, 10))
    let width = map.number("width", Limits(positiveTo: 100), standard: 1)
    let interaction = map.quantity("interaction", .voltage, Limits(-2, 2), standard: 0)
    let hysteresis = map.quantity("hysteresis", .voltage, Limits(0, 1), standard: 0)
    let hysteresisRate = map.number(
      "hysteresis_rate", Limits(positiveTo: 1e4), standard: map.has("hysteresis") ? nil : 1)
    let rate = map.quantity("rate_constant", .rate, Limits(positiveTo: 1e6))
    let transfer = map.number("transfer_coefficient", Limits(positiveTo: 2))
    let diffusion = map.quantity("diffusion_time", .time, Limits(positiveTo: 1e9))
    guard let name, let capacity, let potential, let width, let interaction, let hysteresis,
      let hysteresisRate, let rate, let transfer, let diffusion
    else { return nil }
    return RedoxSite(
      name: name, capacityAmpereHours: capacity, potentialVolts: potential, width: width,
      interactionVolts: interaction, hysteresisVolts: hysteresis, hysteresisRate: hysteresisRate,
      rateConstant: rate, transferCoefficient: transfer, diffusionSeconds: diffusion)
  }

  /// A site's charge: in Ah, or in mAh/g of the electrode's `mass`.
  private func siteCapacity(_ map: MappingReader, _ mass: Double?, hasMass: Bool) -> Double? {
    guard let node = map.node("capacity", expected: "a charge in Ah, or in mAh/g with a mass")
    else {
      return nil
    }
    guard case .scalar(let scalar) = node, scalar.string.hasSuffix("/g") else {
      return map.quantity(node, "capacity", .charge, Limits(positiveTo: 10_000))
    }
    let specific = map.quantity(node, "capacity", .specificCharge, Limits(positiveTo: 10_000))
    guard hasMass else {
      list.add(
        node.mark, "capacity is '\(scalar.string)'; expected a mass in the electrode with it")
      return nil
    }
    guard let specific, let mass else { return nil }
    return specific * mass / 1000
  }
}

// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

extension CellFile {
  /// Writes a description so that `parse` gives back the same value, bit for bit.
  ///
  /// - Parameter cell: a description that obeys the limits of `parse`.
  /// - Returns: YAML text with all keys.
  public static func yaml(for cell: CellDescription) -> String {
    var text = YAMLText()
    text.line(0, "schema: 1")
    text.line(0, "name: \(quoted(cell.name))")
    text.line(0, "source: \(quoted(cell.source))")
    text.line(0, "capacity: \(cell.ratedCapacityAmpereHours) Ah")
    text.line(0, "lower_cutoff: \(cell.lowerCutoffVolts) V")
    text.line(0, "upper_cutoff: \(cell.upperCutoffVolts) V")
    text.line(0, "thermal:")
    text.line(1, "heat_capacity: \(cell.thermal.heatCapacityJoulesPerKelvin) J/K")
    text.line(1, "conductance: \(cell.thermal.conductanceWattsPerKelvin) W/K")
    switch cell.model {
    case .electrodes(let pair): text.add(pair)
    case .circuit(let circuit): text.add(circuit)
    }
    return text.text
  }

  /// A double-quoted YAML scalar; everything that is not plainly printable is escaped.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      // A star could be taken for an alias, which `parse` refuses even inside quotes.
      case "*": result += "\\U0000002A"
      case " "..."~", "\u{A1}"..."\u{1FFF}": result.unicodeScalars.append(scalar)
      default: result += "\\U" + hexadecimal(scalar.value)
      }
    }
    return result + "\""
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

/// Lines of YAML, indented by level.
private struct YAMLText {
  var text = ""

  mutating func line(_ level: Int, _ content: String) {
    text += String(repeating: "  ", count: level) + content + "\n"
  }

  mutating func add(_ circuit: EquivalentCircuit) {
    line(0, "circuit:")
    add("ocv", circuit.openCircuitVolts, "V", isTable: true)
    add("series_resistance", circuit.seriesOhms, "ohm")
    if let amperes = circuit.chargeTransferAmperes {
      line(1, "charge_transfer_current: \(amperes) A")
    }
    if !circuit.pairs.isEmpty { line(1, "pairs:") }
    for pair in circuit.pairs {
      line(2, "- time_constant: \(pair.seconds) s")
      add("resistance", pair.ohms, "ohm", level: 3)
    }
    if circuit.surfaceLeadSeconds > 0 {
      line(1, "surface_lead: \(circuit.surfaceLeadSeconds) s")
    }
    add("hysteresis", circuit.hysteresisVolts, "V")
    line(1, "hysteresis_rate: \(circuit.hysteresisRate)")
    line(1, "activation_energy: \(circuit.activationJoulesPerMole) J/mol")
  }

  mutating func add(
    _ key: String, _ curve: Curve, _ unit: String, isTable: Bool = false, level: Int = 1
  ) {
    if !isTable, curve.x == [0] {
      return line(level, "\(key): \(curve.y[0]) \(unit)")
    }
    line(level, "\(key):")
    for (place, value) in zip(curve.x, curve.y) {
      line(level + 1, "- [\(place), \(value) \(unit)]")
    }
  }

  mutating func add(_ pair: ElectrodePair) {
    line(0, "electrodes:")
    line(1, "cyclable_sodium: \(pair.cyclableSodiumAmpereHours) Ah")
    line(1, "contact_resistance: \(pair.contactResistanceOhms) ohm")
    line(1, "contact_activation_energy: \(pair.contactActivationJoulesPerMole) J/mol")
    add("cathode", pair.cathode)
    add("anode", pair.anode)
  }

  mutating func add(_ key: String, _ electrode: Electrode) {
    line(1, "\(key):")
    line(2, "name: \(CellFile.quoted(electrode.name))")
    line(2, "radius_spread: \(electrode.radiusSpread)")
    line(2, "kinetic_activation_energy: \(electrode.kineticActivationJoulesPerMole) J/mol")
    line(2, "diffusion_activation_energy: \(electrode.diffusionActivationJoulesPerMole) J/mol")
    line(2, "sites:")
    for site in electrode.sites { add(site) }
  }

  mutating func add(_ site: RedoxSite) {
    line(3, "- name: \(CellFile.quoted(site.name))")
    line(4, "capacity: \(site.capacityAmpereHours) Ah")
    line(4, "potential: \(site.potentialVolts) V")
    line(4, "width: \(site.width)")
    line(4, "interaction: \(site.interactionVolts) V")
    line(4, "hysteresis: \(site.hysteresisVolts) V")
    line(4, "hysteresis_rate: \(site.hysteresisRate)")
    line(4, "rate_constant: \(site.rateConstant) 1/s")
    line(4, "transfer_coefficient: \(site.transferCoefficient)")
    line(4, "diffusion_time: \(site.diffusionSeconds) s")
  }
}

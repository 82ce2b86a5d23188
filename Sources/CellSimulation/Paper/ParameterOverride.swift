// SPDX-License-Identifier: Apache-2.0

/// One changed number of one system, written `SYSTEM:PLACE.FIELD=VALUE`, such as
/// `M-PB:Mn_HS.potential=3.32`; how identification tries parameters.
///
/// PLACE is a site of the cathode (or `all` of them), `cathode`, `coupling`, `interphase` or `cell`.
/// Fields of a site: capacity (mAh/g), potential (V), width, interaction (V), hysteresis (V), rate (1/s),
/// transfer, diffusion (s); of its wear: earlyLoss, cycleLoss, cycleExponent, hourLoss,
/// kineticExponent. `cathode.spread`; `coupling.finalShare`, `.cycles`, `.shift` (V);
/// `interphase.growth` (per √h), `.chargeShare`; `cell.sodium` (mAh/g) is the cyclable sodium.
public struct ParameterOverride: Sendable, Equatable {
  /// The system.
  public var system: PaperSystem
  /// Site or part.
  public var place: String
  /// The number's name.
  public var field: String
  /// The new value.
  public var value: Double

  /// Reads an override; nil if it is not written as above.
  public init?(_ text: String) {
    let sides = text.split(separator: "=", omittingEmptySubsequences: false)
    guard sides.count == 2, let value = Double(sides[1]), value.isFinite else { return nil }
    let parts = sides[0].split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let system = PaperSystem(rawValue: String(parts[0])) else { return nil }
    let names = parts[1].split(separator: ".", omittingEmptySubsequences: false)
    guard names.count == 2 else { return nil }
    self.system = system
    place = String(names[0])
    field = String(names[1])
    self.value = value
  }

  /// Changes a description of one gram of cathode.
  ///
  /// - Returns: false if there is no such place or field.
  public func apply(to description: inout CellDescription) -> Bool {
    guard case .electrodes(var pair) = description.model else { return false }
    var isKnown = false
    switch (place, field) {
    case ("cathode", "spread"):
      pair.cathode.radiusSpread = value
      isKnown = true
    case ("cell", "sodium"):
      pair.cyclableSodiumAmpereHours = value / 1000
      isKnown = true
    case ("coupling", _): isKnown = applyCoupling(&description.ageing)
    case ("interphase", _): isKnown = applyInterphase(&description.ageing)
    default:
      for index in pair.cathode.sites.indices
      where place == "all" || pair.cathode.sites[index].name == place {
        if let path = Self.siteFields[field] {
          let scale = field == "capacity" ? 1e-3 : 1
          pair.cathode.sites[index][keyPath: path] = scale * value
          isKnown = true
        } else if let path = Self.wearFields[field], description.ageing != nil {
          description.ageing?.cathodeSites[index][keyPath: path] = value
          isKnown = true
        }
      }
    }
    description.model = .electrodes(pair)
    return isKnown
  }

  private func applyCoupling(_ ageing: inout AgeingDescription?) -> Bool {
    guard let path = Self.couplingFields[field], ageing?.coupling != nil else { return false }
    ageing?.coupling?[keyPath: path] = value
    return true
  }

  private func applyInterphase(_ ageing: inout AgeingDescription?) -> Bool {
    guard let path = Self.interphaseFields[field], ageing?.interphase != nil else { return false }
    ageing?.interphase?[keyPath: path] = value
    return true
  }

  // Sendable, because a key path of stored properties holds nothing but the way to them.
  private typealias Path<Root> = WritableKeyPath<Root, Double> & Sendable

  private static let siteFields: [String: any Path<RedoxSite>] = [
    "capacity": \.capacityAmpereHours, "potential": \.potentialVolts, "width": \.width,
    "interaction": \.interactionVolts, "hysteresis": \.hysteresisVolts, "rate": \.rateConstant,
    "transfer": \.transferCoefficient, "diffusion": \.diffusionSeconds,
  ]
  private static let wearFields: [String: any Path<SiteAgeing>] = [
    "earlyLoss": \.earlyLoss, "cycleLoss": \.cycleLoss, "cycleExponent": \.cycleExponent,
    "hourLoss": \.hourLoss, "kineticExponent": \.kineticExponent,
  ]
  private static let couplingFields: [String: any Path<CouplingGrowth>] = [
    "finalShare": \.finalShare, "cycles": \.cycles, "shift": \.sourceShiftVolts,
  ]
  private static let interphaseFields: [String: any Path<InterphaseAgeing>] = [
    "growth": \.growthPerRootHour, "chargeShare": \.chargeShare,
  ]
}

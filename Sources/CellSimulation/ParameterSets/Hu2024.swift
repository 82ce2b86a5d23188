// SPDX-License-Identifier: Apache-2.0

/// The cells of Hu et al., Angew. Chem. Int. Ed. 2024, doi:10.1002/anie.202410420.
extension CellDescription {
  /// NFM-PB-1, the Prussian-blue cathode whose iron and manganese couple, against hard carbon, as a
  /// cell of 1.5 Ah between 2.0 and 4.2 V.
  ///
  /// Every capacity is the paper's per gram of cathode times one cathode mass. The mass makes the
  /// C/20 discharge between the cut-offs, at 25 °C and with the contact resistance below, 1.5 Ah.
  /// Source of the cathode: a joint fit of 14 parameters to the paper's capacities, voltammograms
  /// and titration (set "N_I" of the project's cell-parameters table).
  public static let hu2024NFMPB1HardCarbon = Hu2024.cell(
    contactOhms: Hu2024.contactOhms, cathodeGrams: Hu2024.cathodeGrams)
}

/// The parameters behind the paper's cells.
enum Hu2024 {
  /// The cathode mass. Unit: g. Assumed, because it is what makes the C/20 discharge 1.5 Ah: that
  /// discharge gives 120.6 mAh per gram of cathode in this model.
  static let cathodeGrams = 12.438

  /// Electrolyte, foil and contact resistance. Unit: Ω. Assumed, because the half cells behind the
  /// fit identify none (R_s went to 0) and 1.5 Ah sodium-ion cells of size 18650 are sold with a
  /// total of 20 to 50 mΩ at 1 kHz.
  static let contactOhms = 0.025

  /// The capacity to which the paper's full cell refers (10 mA/g, first cycle). Unit: mAh/g.
  static let referenceCapacity = 131.0

  /// Negative to positive capacity. Assumed, because the paper does not give it.
  static let negativeToPositive = 1.15

  /// The share of the first charge that comes back, tuned to the 88.9 mAh/g of the paper's full cell
  /// at 1 A/g (so it also stands for what hard-carbon kinetics would explain).
  static let firstCycleEfficiency = 0.965669

  /// A cell with so much cathode.
  static func cell(contactOhms: Double, cathodeGrams: Double) -> CellDescription {
    CellDescription(
      name: "nfm-pb-1-hc",
      source: "Hu et al., Angew. Chem. Int. Ed. 2024, doi:10.1002/anie.202410420; fit N_I",
      ratedCapacityAmpereHours: 1.5,
      // The paper's half-cell window; the full cell's is not printed: assumed the same.
      lowerCutoffVolts: 2.0, upperCutoffVolts: 4.2,
      model: .electrodes(pair(contactOhms: contactOhms, cathodeGrams: cathodeGrams)),
      thermal: ThermalDescription(
        // Assumed, because an 18650 of 40 g at 0.95 J/(g·K) holds 38 J/K.
        heatCapacityJoulesPerKelvin: 38,
        // Assumed, because its 42 cm² lose about 10 W/(m²·K) to still air.
        conductanceWattsPerKelvin: 0.042),
      ageing: nfmPB1Ageing(interphase: interphase))
  }

  /// The electrodes; the sodium is that of the full cathode less the loss of the first charge.
  static func pair(contactOhms: Double, cathodeGrams: Double) -> ElectrodePair {
    let cathode = nfmPB1(ampereHoursPerUnit: cathodeGrams / 1000)
    let reference = referenceCapacity * cathodeGrams / 1000
    return ElectrodePair(
      cathode: cathode,
      anode: hardCarbon(capacityAmpereHours: negativeToPositive * reference),
      cyclableSodiumAmpereHours: cathode.capacityAmpereHours
        - (1 - firstCycleEfficiency) * reference,
      contactResistanceOhms: contactOhms,
      // Recalled for electrolytes, not looked up: assumed.
      contactActivationJoulesPerMole: 18_000)
  }

  /// NFM-PB-1: the coupled Fe/Mn plateau as a slow sharp (C1) and a fast broad gallery (C2), and
  /// high-spin iron. Fit N_I; hysteresis and interaction were not needed and are fixed at 0.
  static func nfmPB1(ampereHoursPerUnit: Double) -> Electrode {
    func site(
      _ name: String, _ capacity: Double, _ potential: Double, _ width: Double, _ rate: Double,
      _ seconds: Double
    ) -> RedoxSite {
      RedoxSite(
        name: name, capacityAmpereHours: capacity * ampereHoursPerUnit, potentialVolts: potential,
        width: width, interactionVolts: 0, hysteresisVolts: 0,
        hysteresisRate: 25,  // assumed, because nothing in the paper shows it
        rateConstant: rate, transferCoefficient: 0.317266, diffusionSeconds: seconds)
    }
    return Electrode(
      name: "NFM-PB-1",
      sites: [
        site("C1", 55.3545, 3.43714, 1.27722, 0.00035268, 598.372),
        site("C2", 36.2495, 3.43714, 2.81144, 0.0055395, 598.372),
        // The ratio of the diffusion times, 0.21, is fixed in the fit.
        site("Fe_HS", 42.0456, 2.93833, 1.29687, 0.000199078, 127.93),
      ],
      radiusSpread: 1.18787,
      // Recalled for insertion cathodes, not looked up: assumed.
      kineticActivationJoulesPerMole: 50_000, diffusionActivationJoulesPerMole: 35_000)
  }

  /// Hard carbon: four galleries fitted to the open-circuit potential of Chayambuka et al.,
  /// Electrochim. Acta 404 (2022) 139764, doi:10.1016/j.electacta.2021.139764 (rms 0.013 in filling).
  static func hardCarbon(capacityAmpereHours: Double) -> Electrode {
    func site(_ name: String, _ fraction: Double, _ potential: Double, _ width: Double)
      -> RedoxSite
    {
      RedoxSite(
        name: name, capacityAmpereHours: fraction * capacityAmpereHours,
        potentialVolts: potential, width: width, interactionVolts: 0,
        // Assumed, because public cells show open-circuit gaps of 20 mV on the plateau.
        hysteresisVolts: 0.01, hysteresisRate: 25,
        // Assumed, because the diffusion of the source (6e3 to 5e4 s) could not give the paper's
        // full-cell capacity at 1 A/g.
        rateConstant: 0.003, transferCoefficient: 0.5, diffusionSeconds: 100)
    }
    return Electrode(
      name: "hard carbon",
      sites: [
        site("g0", 0.0614377, 0.9108, 3.422),
        site("g1", 0.32091, 0.2257, 7.324),
        site("g2", 0.118538, 0.067, 0.169),
        site("g3", 0.499115, 0.0592, 0.867),
      ],
      radiusSpread: 0,
      kineticActivationJoulesPerMole: 50_000,  // assumed, as for the cathode
      // Second-hand: a public PyBaMM script citing Bowen et al., Batteries 2022, 8, 108.
      diffusionActivationJoulesPerMole: 16_100)
  }
}

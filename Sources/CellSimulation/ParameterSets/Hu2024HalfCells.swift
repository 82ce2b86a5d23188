// SPDX-License-Identifier: Apache-2.0

/// The paper's cathodes against sodium metal, as cells with one gram of cathode.
///
/// The mass is assumed, because the paper gives none and nothing here depends on it: the fits need no
/// resistance. So 1 mA/g is 1 mA.
extension CellDescription {
  /// M-PB, the manganese Prussian blue: Mn_HS and Fe_LS apart, and a coupled gallery that grows as
  /// the cell ages. Source: fit "M_H", 12 parameters found by Tools/identify on 11 rows of the paper;
  /// it began at fit "M_G" of the project's cell-parameters table, and now every experiment wears.
  public static let hu2024MPB = Hu2024.halfCell(
    "m-pb", Hu2024.mPB(), "fit M_H", ageing: Hu2024.mPBAgeing(interphase: nil))

  /// NM-PB, with nickel on the surface. Its rate test ends below that of M-PB where the paper sees
  /// them about equal: the paper gives no number to hold it to.
  public static let hu2024NMPB = Hu2024.halfCell(
    "nm-pb", Hu2024.nmPB(), "M-PB moved to its printed peaks; the rest assumed as M-PB",
    ageing: Hu2024.mPBAgeing(interphase: nil))

  /// FeMn-PB, with high-spin iron beside the manganese: uncoupled.
  public static let hu2024FeMnPB = Hu2024.halfCell(
    "femn-pb", Hu2024.feMnPB(),
    "assumed, because the paper only says that it behaves as M-PB: half of the manganese is Fe_HS",
    ageing: Hu2024.feMnPBAgeing())

  /// NFM-PB-0, iron-manganese Prussian blue with the least nickel of the three.
  public static let hu2024NFMPB0 = Hu2024.halfCell(
    "nfm-pb-0", Hu2024.nfmPB0(), "NFM-PB-1 scaled to the printed capacity; the rest assumed",
    ageing: Hu2024.nfmPB1Ageing(interphase: nil))

  /// NFM-PB-1, whose iron and manganese couple. Source: fit "N_J": ten parameters found by
  /// Tools/identify on 17 rows of the paper, the others those of fit "N_I", at which it began.
  public static let hu2024NFMPB1 = Hu2024.halfCell(
    "nfm-pb-1", Hu2024.nfmPB1Worn(), "fit N_J",
    ageing: Hu2024.nfmPB1Ageing(interphase: nil))

  /// NFM-PB-2, with the most nickel of the three.
  public static let hu2024NFMPB2 = Hu2024.halfCell(
    "nfm-pb-2", Hu2024.nfmPB2(),
    "assumed, because the paper only orders it: NFM-PB-1 with less of both",
    ageing: Hu2024.nfmPB1Ageing(interphase: nil))
}

extension Hu2024 {
  static let citation = "Hu et al., Angew. Chem. Int. Ed. 2024, doi:10.1002/anie.202410420"

  /// A coin cell with so much cathode that the heat it makes hardly warms it. Assumed, because coin
  /// cells of 3 g with 2 mg of cathode hold 3 J/K and lose 5 mW/K: per gram of cathode.
  static let coinCell = ThermalDescription(
    heatCapacityJoulesPerKelvin: 1500, conductanceWattsPerKelvin: 2.5)

  /// A cathode of one gram against sodium; 1C is the paper's 100 mA/g.
  static func halfCell(
    _ name: String, _ cathode: Electrode, _ source: String, ageing: AgeingDescription
  ) -> CellDescription {
    CellDescription(
      name: name, source: "\(citation); \(source)", ratedCapacityAmpereHours: 0.1,
      lowerCutoffVolts: 2.0, upperCutoffVolts: 4.2, model: .electrodes(.halfCell(cathode)),
      thermal: coinCell, ageing: ageing)
  }

  /// M-PB, fit M_H. The rate constant and transfer coefficient of Fe_LS are fixed in the fit. The
  /// width of Fe_LS is at its bound: a wider one fits the rows a little better but blurs the peaks and windows
  /// that the paper sees apart.
  static func mPB() -> Electrode {
    Electrode(
      name: "M-PB",
      sites: [
        manganese(75.9486, 3.30811),
        lowSpinIron(49.0483, 3.64214),
        // Hand-chosen in the project's cell study; empty in a fresh cell.
        RedoxSite(
          name: "coupled", capacityAmpereHours: 0, potentialVolts: 3.43, width: 1.2,
          interactionVolts: 0, hysteresisVolts: 0, hysteresisRate: 25, rateConstant: 1e-4,
          transferCoefficient: 0.340225, diffusionSeconds: 7807.3),
      ],
      radiusSpread: 0,
      // Recalled for insertion cathodes, not looked up: assumed.
      kineticActivationJoulesPerMole: 50_000, diffusionActivationJoulesPerMole: 35_000,
      diffusionOrder: .sixPoles)
  }

  /// Mn_HS of M-PB, at its fitted width, rate and diffusion time.
  static func manganese(_ milliampereHours: Double, _ volts: Double) -> RedoxSite {
    RedoxSite(
      name: "Mn_HS", capacityAmpereHours: milliampereHours / 1000, potentialVolts: volts,
      width: 1.19131, interactionVolts: 0, hysteresisVolts: 0, hysteresisRate: 25,
      rateConstant: 6.74369e-05, transferCoefficient: 0.377016, diffusionSeconds: 7807.3)
  }

  /// Fe_LS of M-PB, at its fitted width, hysteresis and diffusion time.
  static func lowSpinIron(_ milliampereHours: Double, _ volts: Double) -> RedoxSite {
    RedoxSite(
      name: "Fe_LS", capacityAmpereHours: milliampereHours / 1000, potentialVolts: volts,
      width: 1.8, interactionVolts: 0, hysteresisVolts: 0.0887165, hysteresisRate: 25,
      rateConstant: 0.01, transferCoefficient: 0.5, diffusionSeconds: 7807.3)
  }

  static func nmPB() -> Electrode {
    var electrode = mPB()
    electrode.name = "NM-PB"
    // Three numbers found by Tools/identify on three rows.
    electrode.sites[0].potentialVolts = 3.36426
    electrode.sites[0].rateConstant = 8.51356e-05
    electrode.sites[1].capacityAmpereHours = 0.0379159
    // Assumed, because the paper only says that its oxidation peak is gone: near enough to manganese.
    electrode.sites[1].potentialVolts = 3.60
    return electrode
  }

  static func feMnPB() -> Electrode {
    var electrode = mPB()
    electrode.name = "FeMn-PB"
    var iron = nfmPB1(ampereHoursPerUnit: 1e-3).sites[2]
    iron.capacityAmpereHours = 0.5 * electrode.sites[0].capacityAmpereHours
    electrode.sites[0].capacityAmpereHours *= 0.5
    electrode.sites.append(iron)
    return electrode
  }

  /// As M-PB, with high-spin iron that wears as in NFM-PB-1.
  static func feMnPBAgeing() -> AgeingDescription {
    var ageing = mPBAgeing(interphase: nil)
    ageing.cathodeSites.append(nfmPB1Ageing(interphase: nil).cathodeSites[2])
    return ageing
  }

  static func nfmPB0() -> Electrode { nfmPB1(named: "NFM-PB-0", coupled: 0.93, iron: 0.97) }

  static func nfmPB2() -> Electrode { nfmPB1(named: "NFM-PB-2", coupled: 0.9, iron: 0.9) }

  /// NFM-PB-1, fit N_J, one gram. It differs from the set of the built-in product cell because every
  /// experiment now wears the cell, five cycles per rate in the rate test; the product keeps fit N_I,
  /// which the estimator's tables were made from.
  static func nfmPB1Worn() -> Electrode {
    var electrode = nfmPB1(ampereHoursPerUnit: 1e-3)
    electrode.sites[0].capacityAmpereHours = 0.05236865
    electrode.sites[1].capacityAmpereHours = 0.03791548
    electrode.sites[2].capacityAmpereHours = 0.04258332
    electrode.sites[0].rateConstant = 0.000349479
    electrode.sites[1].rateConstant = 0.00214988
    electrode.sites[2].rateConstant = 0.000197638
    electrode.sites[0].diffusionSeconds = 366.056
    electrode.sites[1].diffusionSeconds = 366.056
    // The ratio of the diffusion times, 0.2138, is fixed in the fit.
    electrode.sites[2].diffusionSeconds = 78.2617
    electrode.radiusSpread = 1.27219
    return electrode
  }

  /// NFM-PB-1 with other shares of the coupled plateau and of high-spin iron.
  static func nfmPB1(named name: String, coupled: Double, iron: Double) -> Electrode {
    var electrode = nfmPB1Worn()
    electrode.name = name
    electrode.sites[0].capacityAmpereHours *= coupled
    electrode.sites[1].capacityAmpereHours *= coupled
    electrode.sites[2].capacityAmpereHours *= iron
    return electrode
  }
}

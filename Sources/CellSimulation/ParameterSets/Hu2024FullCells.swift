// SPDX-License-Identifier: Apache-2.0

/// The paper's full cells, with one gram of cathode and without contact resistance.
///
/// The built-in `nfm-pb-1-hc` is the same electrodes as a product of 1.5 Ah.
extension CellDescription {
  /// NFM-PB-1 against hard carbon as a laboratory cell.
  public static let hu2024NFMPB1HardCarbonCoin = Hu2024.fullCell(
    "nfm-pb-1-hc-coin", Hu2024.nfmPB1Worn(), reference: 131.0,
    "fit N_J; window and N/P assumed, because the paper does not print them",
    Hu2024.nfmPB1Ageing(interphase: Hu2024.interphase))

  /// M-PB against hard carbon as a laboratory cell.
  public static let hu2024MPBHardCarbonCoin = Hu2024.fullCell(
    "m-pb-hc-coin", Hu2024.mPB(), reference: 114.6,
    "fit M_H; N/P and first-cycle efficiency assumed as for NFM-PB-1",
    Hu2024.mPBAgeing(interphase: Hu2024.interphase))
}

extension Hu2024 {
  /// The share of the first charge that comes back in a laboratory cell. Found by Tools/identify with
  /// the interphase's growth from 88.9 mAh/g at 1 A/g and 79.35 % after 250 cycles, and at its bound,
  /// which is almost no loss: it also stands for what hard-carbon kinetics would explain. The product
  /// cell has another, found without wear.
  static let laboratoryEfficiency = 0.9934

  /// A cathode of one gram against hard carbon.
  ///
  /// - Parameter reference: the capacity to which N/P and the first cycle's loss refer. Unit: mAh/g.
  static func fullCell(
    _ name: String, _ cathode: Electrode, reference: Double, _ source: String,
    _ ageing: AgeingDescription
  ) -> CellDescription {
    let reference = reference / 1000
    return CellDescription(
      name: name, source: "\(citation); \(source)", ratedCapacityAmpereHours: 0.1,
      lowerCutoffVolts: 2.0, upperCutoffVolts: 4.2,
      model: .electrodes(
        ElectrodePair(
          cathode: cathode,
          anode: hardCarbon(capacityAmpereHours: negativeToPositive * reference),
          cyclableSodiumAmpereHours: cathode.capacityAmpereHours
            - (1 - laboratoryEfficiency) * reference,
          contactResistanceOhms: 0, contactActivationJoulesPerMole: 0)),
      thermal: coinCell, ageing: ageing)
  }
}

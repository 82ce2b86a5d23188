// SPDX-License-Identifier: Apache-2.0

/// How the paper's cathodes and their hard carbon wear.
extension Hu2024 {
  /// Recalled for insertion cathodes, not looked up: assumed.
  static let siteActivation = 40_000.0

  /// Assumed, because no source tells how these cathodes keep at which potential: from 3.4 to 4.2 V the
  /// loss with time grows fivefold.
  static let calendarVoltsPerFold = 0.5

  /// NFM-PB-1: high-spin iron first. Fit N_J: the loss per cycle and per hour meet the paper's 87.64 %
  /// after 300 cycles at 1C and 85.19 % after 1000 at 5C together with its rate test.
  ///
  /// Assumed: A = 0.08 within about 25 cycles on Fe_HS alone (the paper: loss within 25 cycles is
  /// primarily Fe_HS), and 1.6 times the coupled plateau's loss on Fe_HS after that; the two
  /// retentions do not tell these apart.
  static func nfmPB1Ageing(interphase: InterphaseAgeing?) -> AgeingDescription {
    let coupled = SiteAgeing(cycleLoss: 0.000103918, hourLoss: 0.000103342)
    let iron = SiteAgeing(
      earlyLoss: 0.08, cycleLoss: 1.6 * coupled.cycleLoss, hourLoss: 1.6 * coupled.hourLoss)
    return AgeingDescription(
      cathodeSites: [coupled, coupled, iron], siteActivationJoulesPerMole: siteActivation,
      calendarVoltsPerFold: calendarVoltsPerFold, interphase: interphase, coupling: nil)
  }

  /// M-PB: damage that comes early, as strain of 0.239 Å does, and a coupled gallery that grows as the
  /// water leaves. Fit M_H. Assumed: damage with the root of the cycles; the gallery was chosen by
  /// hand.
  static func mPBAgeing(interphase: InterphaseAgeing?) -> AgeingDescription {
    let site = SiteAgeing(cycleLoss: 0.0759919, cycleExponent: 0.5)
    return AgeingDescription(
      cathodeSites: [site, site, SiteAgeing()], siteActivationJoulesPerMole: siteActivation,
      calendarVoltsPerFold: calendarVoltsPerFold, interphase: interphase,
      coupling: CouplingGrowth(
        sources: [0, 1], gallery: 2, finalShare: 0.3, cycles: 8, sourceShiftVolts: 0.2))
  }

  /// The interphase of hard carbon. Tools/identify found `growthPerRootHour` from the full cell's
  /// 79.35 % after 250 cycles; the other numbers are assumed.
  static let interphase = InterphaseAgeing(
    // What the first charge of the product cell has lost, per anode capacity: assumed for all.
    formedShare: (1 - firstCycleEfficiency) / negativeToPositive,
    growthPerRootHour: 0.00715906, referenceVolts: 0.1,
    // Assumed, because storage at low potential is known to be worse and no source gives by how much.
    voltsPerFold: 0.25,
    // Assumed: 2 in 10,000 of the charge.
    chargeShare: 2e-4,
    // Recalled for interphases, not looked up: assumed.
    activationJoulesPerMole: 45_000,
    // Assumed, because no source gives it: a tenth of the anode's sodium doubles the resistance.
    resistanceGrowth: 10)
}

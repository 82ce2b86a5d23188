// SPDX-License-Identifier: Apache-2.0

extension CellDescription {
  /// Checks that every number is finite and in its range.
  ///
  /// - Throws: `CellError.invalidValue` naming the first that is not.
  public func validate() throws(CellError) {
    // A million Ah is as far as charges in nC go with room to spare; a µAh is far below any cell.
    try require(
      ratedCapacityAmpereHours >= 1e-6 && ratedCapacityAmpereHours <= 1e6,
      "the rated capacity must be in 1e-6…1e6 Ah")
    try require(
      lowerCutoffVolts < upperCutoffVolts && lowerCutoffVolts.isFinite
        && upperCutoffVolts.isFinite,
      "the lower cut-off voltage must be below the upper one")
    try require(
      thermal.heatCapacityJoulesPerKelvin > 0, "the heat capacity must be above 0 J/K")
    try require(
      thermal.conductanceWattsPerKelvin >= 0 && thermal.conductanceWattsPerKelvin.isFinite,
      "the heat conductance must be 0 W/K or more")
    switch model {
    case .electrodes(let pair): try pair.validate()
    case .circuit(let circuit): try circuit.validate()
    }
  }
}

/// Throws `what` unless the condition holds; NaN makes every comparison false and so is caught.
private func require(_ holds: Bool, _ what: @autoclosure () -> String) throws(CellError) {
  if !holds { throw .invalidValue(what()) }
}

extension ElectrodePair {
  fileprivate func validate() throws(CellError) {
    try cathode.validate()
    try anode.validate()
    try require(
      contactResistanceOhms >= 0 && contactResistanceOhms.isFinite,
      "the contact resistance must be 0 Ω or more")
    try require(
      contactActivationJoulesPerMole >= 0 && contactActivationJoulesPerMole <= 200_000,
      "the contact's activation energy must be in 0…200000 J/mol")
    try require(
      cathode.constantVolts == nil, "\(cathode.name): the cathode must take up sodium")
    let isBounded =
      cyclableSodiumAmpereHours > 0
      && cyclableSodiumAmpereHours < cathode.capacityAmpereHours + anode.capacityAmpereHours
    try require(
      anode.constantVolts != nil || isBounded,
      "the cyclable sodium must be above 0 Ah and below what both electrodes hold")
  }
}

extension Electrode {
  fileprivate func validate() throws(CellError) {
    if let constantVolts {
      try require(sites.isEmpty, "\(name): a metal electrode has no sites")
      try require(
        constantVolts.magnitude < 8, "\(name): the metal's potential must be in −8…8 V")
      return
    }
    try require(!sites.isEmpty, "\(name): an electrode needs a site")
    try require(
      radiusSpread >= 0 && radiusSpread <= 2, "\(name): the radius spread must be in 0…2")
    for energy in [kineticActivationJoulesPerMole, diffusionActivationJoulesPerMole] {
      try require(
        energy >= 0 && energy <= 200_000,
        "\(name): activation energies must be in 0…200000 J/mol")
    }
    for site in sites { try site.validate(in: name) }
    try require(capacityAmpereHours > 0, "\(name): an electrode needs capacity")
  }
}

extension RedoxSite {
  fileprivate func validate(in electrode: String) throws(CellError) {
    let place = "\(electrode), \(name)"
    try require(
      capacityAmpereHours >= 0 && capacityAmpereHours.isFinite,
      "\(place): the capacity must be 0 Ah or more")
    try require(
      potentialVolts > -2 && potentialVolts < 8, "\(place): the potential must be in −2…8 V")
    try require(width >= 0.05 && width <= 50, "\(place): the width must be in 0.05…50")
    try require(
      interactionVolts >= 0 && interactionVolts <= 2,
      "\(place): the interaction must be in 0…2 V (an attraction has no single content)")
    try require(
      hysteresisVolts >= 0 && hysteresisVolts <= 1, "\(place): the hysteresis must be in 0…1 V")
    try require(
      hysteresisRate >= 0 && hysteresisRate <= 10_000,
      "\(place): the hysteresis rate must be in 0…10000")
    try require(
      rateConstant >= 1e-9 && rateConstant <= 1e3,
      "\(place): the rate constant must be in 1e-9…1000 1/s")
    try require(
      transferCoefficient >= 0.05 && transferCoefficient <= 2,
      "\(place): the transfer coefficient must be in 0.05…2")
    try require(
      diffusionSeconds >= 1e-3 && diffusionSeconds <= 1e9,
      "\(place): the diffusion time must be in 0.001…1e9 s")
  }
}

extension EquivalentCircuit {
  fileprivate func validate() throws(CellError) {
    let open = openCircuitVolts
    try require(
      zip(open.y, open.y.dropFirst()).allSatisfy { $0 < $1 } && open.y.count >= 2,
      "the open-circuit voltage must rise with the state of charge")
    for (curve, name) in [(seriesOhms, "series resistance"), (hysteresisVolts, "hysteresis")] {
      try require(
        curve.y.allSatisfy { $0 >= 0 && $0.isFinite }, "the \(name) must be 0 or more")
    }
    if let chargeTransferAmperes {
      try require(
        chargeTransferAmperes > 0 && chargeTransferAmperes.isFinite,
        "the charge-transfer current must be above 0 A")
    }
    try require(
      surfaceLeadSeconds >= 0 && surfaceLeadSeconds <= 1e6,
      "the surfaces' lead must be in 0…1e6 s")
    try require(
      surfaceLeadSeconds == 0 || !pairs.isEmpty, "the surfaces' lead needs a relaxation pair")
    for pair in pairs {
      try require(
        pair.seconds > 0 && pair.seconds.isFinite,
        "a relaxation pair's time constant must be above 0 s")
      try require(
        pair.ohms.y.allSatisfy { $0 >= 0 && $0.isFinite },
        "a relaxation pair's resistance must be 0 or more")
    }
    try require(
      hysteresisRate >= 0 && hysteresisRate.isFinite, "the hysteresis rate must be 0 or more")
    try require(
      activationJoulesPerMole >= 0 && activationJoulesPerMole <= 200_000,
      "the activation energy must be in 0…200000 J/mol")
  }
}

// SPDX-License-Identifier: Apache-2.0

extension Cell {
  /// Passes all that changes about the cell, so that a cell made anew in the same way goes on to the
  /// same bits.
  ///
  /// What never changes is not in it: the words are for a cell of the same description, made with the
  /// same history. Where they are not, they are rejected or give a cell without meaning; who keeps
  /// them keeps the description's identity beside them.
  /// - Parameter words: where the state goes or comes from.
  public mutating func exchange(_ words: inout StateWords) {
    exchangeModel(&words)
  }
}

extension ElectrodeCell {
  /// Passes state, worn constants and the factors of temperature. The responses of a step are made
  /// anew from these.
  mutating func exchange(_ words: inout StateWords) {
    words.check(blockCount)
    words.check(wear.count)
    state.exchange(&words, blocks: blockCount)
    for block in 0..<blockCount { constants[block].exchangeWorn(&words) }
    words.field(&activation.contactOhms)
    factors.exchange(&words)
    words.field(&sideAmperes)
    for index in wear.indices { words.field(&wear[index].appliedHours) }
    if words.isReading { responseSeconds = 0 }
  }
}

extension ElectrodeCell.State {
  mutating func exchange(_ words: inout StateWords, blocks: Int) {
    for block in 0..<blocks { lanes[block].exchange(&words) }
    words.field(&cathodeVolts)
    words.field(&anodeVolts)
    words.field(&cathodeRate)
    words.field(&anodeRate)
    words.field(&amperes)
    words.field(&terminalVolts)
    words.field(&slopeOhms)
    words.field(&kelvin)
    words.field(&heatJoules)
    words.field(&chargeAmpereSeconds)
    words.field(&throughputAmpereSeconds)
    words.field(&control)
    words.field(&doses.calendarHours)
    words.field(&doses.interphaseShare)
    words.field(&doses.boundAmperes)
  }
}

extension LaneState {
  mutating func exchange(_ words: inout StateWords) {
    words.field(&mean)
    words.field(&slow0)
    words.field(&slow1)
    words.field(&slow2)
    words.field(&slow3)
    words.field(&slow4)
    words.field(&slow5)
    words.field(&logit)
    words.field(&logitRate)
    words.field(&hysteresis)
    words.field(&turnover)
    words.field(&knownContent)
    words.field(&knownLogit)
    words.field(&knownSlope)
    words.field(&cycles)
    words.field(&centre)
  }
}

extension LaneConstants {
  /// Passes what wear changes.
  mutating func exchangeWorn(_ words: inout StateWords) {
    words.field(&capacity)
    words.field(&potential)
    words.field(&rateConstant)
  }
}

extension ElectrodeCell.TemperatureFactors {
  /// Diffusion follows the temperature in steps, so that its factors are part of the state.
  mutating func exchange(_ words: inout StateWords) {
    words.field(&kelvin)
    words.field(&thermalVolts)
    words.field(&cathodeRate)
    words.field(&anodeRate)
    words.field(&contactOhms)
    words.field(&siteWear)
    words.field(&interphase)
    words.field(&cathodeDiffusion)
    words.field(&anodeDiffusion)
    words.field(&diffusionKelvin)
  }
}

extension CircuitCell {
  mutating func exchange(_ words: inout StateWords) {
    words.check(state.pairs.count)
    words.field(&state.stateOfCharge)
    for index in state.pairs.indices { words.field(&state.pairs[index]) }
    words.field(&state.hysteresis)
    // Only where it counts, so that what older versions kept of other cells can be read.
    if circuit.surfaceLeadSeconds > 0 { words.field(&state.surfaceAmperes) }
    words.field(&state.amperes)
    words.field(&state.terminalVolts)
    words.field(&state.slopeOhms)
    words.field(&state.kelvin)
    words.field(&state.heatJoules)
    words.field(&state.chargeAmpereSeconds)
    words.field(&state.throughputAmpereSeconds)
    words.field(&state.control)
  }
}

extension StateWords {
  /// Passes four numbers.
  mutating func field(_ value: inout Lanes) {
    for lane in 0..<4 { field(&value[lane]) }
  }

  /// Passes a control that may be missing: its kind and its value.
  mutating func field(_ control: inout CellControl?) {
    field(&control, standard: .current(amperes: 0)) { control, words in
      var kind =
        switch control {
        case .current: 0
        case .voltage: 1
        case .power: 2
        }
      var value = control.value
      words.field(&kind)
      words.field(&value)
      switch kind {
      case 0: control = .current(amperes: value)
      case 1: control = .voltage(volts: value)
      case 2: control = .power(watts: value)
      default: words.reject()
      }
    }
  }
}

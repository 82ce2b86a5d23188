// SPDX-License-Identifier: Apache-2.0

/// Whether steps fit a cell, and what their numbers mean for it.
struct CyclerFit: Sendable {
  let cell: CellDescription
  let cathodeGrams: Double?
  let profiles: [String: CyclerProfile]

  /// The current of a rate; nil for a power, a resistance, or where the mass is not known. Unit: A.
  func amperes(_ rate: CyclerStep.Rate) -> Double? {
    switch rate {
    case .amperes(let amperes): amperes
    case .cRate(let rate): rate * cell.ratedCapacityAmpereHours
    case .milliamperesPerGram(let specific): cathodeGrams.map { specific * $0 / 1000 }
    case .watts, .ohms: nil
    }
  }

  /// All that makes a step impossible for the cell.
  func problems(of step: CyclerStep) -> [String] {
    var found: [String] = []
    var endsByItself = false
    switch step.action {
    case .rest: break
    case .charge(let rate), .discharge(let rate):
      found += problems(of: rate)
      if case (.charge, .ohms) = (step.action, rate) { found.append("a resistor cannot charge") }
    case .hold(let volts): found += problems(ofVolts: volts)
    case .sweep(let volts, let rate):
      endsByItself = true
      found += problems(ofVolts: volts)
      if !(rate > 0 && rate <= 1) {
        found.append("\(rate) V/s is outside the 0 to 1 V/s of a scan")
      }
    case .follow(let kind, let file, _):
      endsByItself = true
      if let profile = profiles[file] {
        if kind == .voltage { found += profile.values.prefix(1).flatMap(problems(ofVolts:)) }
      } else {
        found.append("the profile \(file) was not read")
      }
    }
    if step.ends.isEmpty, !endsByItself { found.append("the step would never end") }
    for condition in step.ends.flatMap(\.conditions) {
      found += problems(of: condition)
    }
    return found
  }

  /// What makes a condition impossible for the cell.
  func problems(of condition: CyclerCondition) -> [String] {
    switch condition.amount {
    case .volts(let volts): problems(ofVolts: volts)
    case .current(let rate): problems(of: rate)
    case .charge(let charge): charge > 0 ? [] : ["the capacity must be above 0"]
    case .specificCharge: cathodeGrams == nil ? [Self.massIsMissing] : []
    case .seconds(let seconds):
      seconds > 0 && seconds.isFinite ? [] : ["the time must be above 0 s"]
    case .celsius(let celsius):
      (-60...120).contains(celsius)
        ? [] : ["\(celsius) °C is outside the −60 °C to 120 °C in which the model holds"]
    case .health(let share): (0...1).contains(share) ? [] : ["a health is from 0 % to 100 %"]
    case .cycle: []
    }
  }

  private static let massIsMissing = "a value per gram needs the mass of the cathode, in g"

  private func problems(of rate: CyclerStep.Rate) -> [String] {
    switch rate {
    case .amperes(let value), .cRate(let value), .watts(let value), .ohms(let value):
      value > 0 && value.isFinite ? [] : ["the rate must be above 0"]
    case .milliamperesPerGram(let value):
      (cathodeGrams == nil ? [Self.massIsMissing] : [])
        + (value > 0 && value.isFinite ? [] : ["the rate must be above 0"])
    }
  }

  private func problems(ofVolts volts: Double) -> [String] {
    let low = max(cell.lowerCutoffVolts - 1, 0)
    let high = cell.upperCutoffVolts + 0.5
    return volts >= low && volts <= high
      ? [] : ["\(volts) V is outside the \(low) V to \(high) V that make sense for \(cell.name)"]
  }
}

// MARK: - Bounds

extension CyclerFit {
  /// The number of the end that keeps the model in its range.
  static let safety = -1

  /// Where voltage and temperature stop to mean something.
  var safetyBounds: [CellBound] {
    [
      CellBound(.volts, isUpper: false, value: 0, end: Self.safety),
      CellBound(.volts, isUpper: true, value: cell.upperCutoffVolts + 1, end: Self.safety - 1),
      CellBound(.celsius, isUpper: false, value: -60, end: Self.safety - 2),
      CellBound(.celsius, isUpper: true, value: 120, end: Self.safety - 3),
    ]
  }

  /// The bounds of the step's ends that act from a time on.
  ///
  /// - Parameters:
  ///   - step: the step.
  ///   - seconds: the time since it began; ends with a later time in them do not act yet.
  ///   - since: the net charge when the step began. Unit: Ah.
  ///   - startCelsius: the temperature then.
  func bounds(
    of step: CyclerStep, after seconds: Double, since: Double, startCelsius: Double
  ) -> [CellBound] {
    var bounds: [CellBound] = []
    for (index, end) in step.ends.enumerated()
    where !end.isOnlyTime && end.earliestSeconds <= seconds {
      for condition in end.conditions {
        if let bound = bound(
          condition, step.action, end: index, since: since, startCelsius: startCelsius)
        {
          bounds.append(bound)
        }
      }
    }
    return bounds + safetyBounds
  }

  private func bound(
    _ condition: CyclerCondition, _ action: CyclerStep.Action, end: Int, since: Double,
    startCelsius: Double
  ) -> CellBound? {
    func upper(_ reached: Bool) -> Bool {
      switch condition.side {
      case .reached: reached
      case .above: true
      case .below: false
      }
    }
    switch condition.amount {
    case .volts(let volts):
      var rises = false
      if case .charge = action { rises = true }
      return CellBound(.volts, isUpper: upper(rises), value: volts, end: end)
    case .current(let rate):
      return CellBound(
        .currentMagnitude, isUpper: upper(false), value: amperes(rate) ?? .nan, end: end)
    case .charge(let charge):
      return CellBound(
        .chargeMagnitude(since: since), isUpper: upper(true), value: charge, end: end)
    case .specificCharge(let specific):
      return CellBound(
        .chargeMagnitude(since: since), isUpper: upper(true),
        value: specific * (cathodeGrams ?? .nan) / 1000, end: end)
    case .celsius(let celsius):
      return CellBound(.celsius, isUpper: upper(startCelsius < celsius), value: celsius, end: end)
    case .seconds, .health, .cycle: return nil
    }
  }
}

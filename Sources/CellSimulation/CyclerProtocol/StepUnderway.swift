// SPDX-License-Identifier: Apache-2.0

/// One step while it runs.
struct StepUnderway {
  var meter: CyclerMeter
  private let step: CyclerStep
  private let fit: CyclerFit
  private let ambientCelsius: Double
  private let startAmpereHours: Double
  private let startCelsius: Double
  /// The time at which the step ends, and whether that is the time it was given.
  private let duration: Double
  private let hasTime: Bool
  private var elapsed = 0.0

  /// How many parts a full charge or discharge has at least: dQ/dV then shows what the cell does.
  private static let partsPerCapacity = 120.0
  /// The spacing of a sweep's points. Unit: V.
  private static let partVolts = 1e-3
  /// What a step at a resting current may take at once, as everywhere. Unit: s.
  private static let wholeSeconds = 2.0

  init(
    _ step: CyclerStep, _ fit: CyclerFit, _ cell: Cell, ambientCelsius: Double,
    meter: CyclerMeter, longestSeconds: Double
  ) {
    self.step = step
    self.fit = fit
    self.meter = meter
    self.ambientCelsius = ambientCelsius
    startAmpereHours = cell.netChargeAmpereHours
    startCelsius = cell.temperatureCelsius
    let own = step.ends.filter(\.isOnlyTime).map(\.earliestSeconds).min()
    duration = min(own ?? .infinity, longestSeconds)
    hasTime = own.map { $0 <= longestSeconds } ?? false
  }

  mutating func run(
    on cell: inout Cell, _ record: (CyclerSample) -> Void
  ) -> CyclerStepSummary.End {
    switch step.action {
    case .rest: constant(.current(amperes: 0), on: &cell, record)
    case .charge(let rate): galvanostatic(rate, sign: 1, on: &cell, record)
    case .discharge(let rate): galvanostatic(rate, sign: -1, on: &cell, record)
    case .hold(let volts): constant(.voltage(volts: volts), on: &cell, record)
    case .sweep(let volts, let rate): sweep(to: volts, rate, on: &cell, record)
    case .follow(let kind, let file, let isReversed):
      follow(kind, fit.profiles[file], isReversed: isReversed, on: &cell, record)
    }
  }

  private mutating func galvanostatic(
    _ rate: CyclerStep.Rate, sign: Double, on cell: inout Cell, _ record: (CyclerSample) -> Void
  ) -> CyclerStepSummary.End {
    switch rate {
    case .watts(let watts): return constant(.power(watts: sign * watts), on: &cell, record)
    case .ohms(let ohms):
      return inSections { underway, seconds, limits in
        let offset = underway.elapsed
        return cell.trace(
          ohms: ohms, seconds: seconds, ambientCelsius: underway.ambientCelsius, until: limits,
          longestSeconds: underway.longestPart(amperes: cell.terminalVolts / ohms)
        ) { underway.meter.take($0, offset: offset, record) }
      }
    case .amperes, .cRate, .milliamperesPerGram:
      return constant(
        .current(amperes: sign * (fit.amperes(rate) ?? 0)), on: &cell, record)
    }
  }

  private mutating func constant(
    _ control: CellControl, on cell: inout Cell, _ record: (CyclerSample) -> Void
  ) -> CyclerStepSummary.End {
    let amperes =
      switch control {
      case .current(let amperes): amperes
      case .voltage: 0.0
      case .power(let watts): watts / max(cell.terminalVolts, 0.1)
      }
    let start = TracePoint(
      seconds: 0, volts: cell.terminalVolts, amperes: cell.currentAmperes,
      ampereHours: cell.netChargeAmpereHours, celsius: cell.temperatureCelsius)
    let end = inSections { underway, seconds, limits in
      let offset = underway.elapsed
      return cell.trace(
        control, seconds: seconds, ambientCelsius: underway.ambientCelsius, until: limits,
        longestSeconds: underway.longestPart(amperes: amperes)
      ) { underway.meter.take($0, offset: offset, record) }
    }
    guard end == .unreachable, meter.isUntouched else { return end }
    meter.take(start, offset: 0, record)
    // A full cell's voltage is beyond any limit at once; an empty one's below.
    return voltageEnd.map { .limitAlreadyMet($0) } ?? end
  }

  /// The end of a charge or discharge at the voltage that its current drives to.
  private var voltageEnd: Int? {
    step.ends.firstIndex { end in
      guard end.conditions.count == 1, case .volts = end.conditions[0].amount else { return false }
      switch (step.action, end.conditions[0].side) {
      case (.charge, .reached), (.charge, .above), (.discharge, .reached), (.discharge, .below):
        return true
      default: return false
      }
    }
  }

  /// The longest part of a step at a current. Unit: s.
  private func longestPart(amperes: Double) -> Double {
    let whole = 3600 * fit.cell.ratedCapacityAmpereHours / Self.partsPerCapacity
    return min(max(whole / max(amperes.magnitude, 1e-12), 1), 600)
  }

  /// Runs from one time at which an end begins to act to the next, until an end is reached.
  private mutating func inSections(
    _ body: (inout StepUnderway, _ seconds: Double, CellLimits) -> StepOutcome
  ) -> CyclerStepSummary.End {
    while true {
      let later = step.ends.map(\.earliestSeconds).filter { $0 > elapsed }.min()
      let target = min(later ?? duration, duration)
      let (seconds, limits) = (target - elapsed, limits)
      let outcome = body(&self, seconds, limits)
      if let end = end(outcome) { return end }
      elapsed = target
      if elapsed >= duration { return hasTime ? .time : .tooLong }
    }
  }

  private var limits: CellLimits {
    CellLimits(
      bounds: fit.bounds(
        of: step, after: elapsed, since: startAmpereHours, startCelsius: startCelsius))
  }

  /// What an outcome of the cell means; nil if the step goes on.
  private func end(_ outcome: StepOutcome) -> CyclerStepSummary.End? {
    switch outcome.reason {
    case .completed: nil
    case .bound(let index) where index < 0: .outOfRange
    case .bound(let index):
      elapsed == 0 && outcome.seconds == 0 ? .limitAlreadyMet(index) : .limit(index)
    case .lowerVolts, .upperVolts, .currentMagnitude: .limit(nil)
    case .unreachable: .unreachable
    }
  }

  private mutating func sweep(
    to volts: Double, _ rate: Double, on cell: inout Cell, _ record: (CyclerSample) -> Void
  ) -> CyclerStepSummary.End {
    while elapsed < duration {
      let later = step.ends.map(\.earliestSeconds).filter { $0 > elapsed }.min()
      let target = min(later ?? duration, duration)
      let way = volts - cell.terminalVolts
      let reach = min(way.magnitude, rate * (target - elapsed))
      let isLast = reach >= way.magnitude
      let goal = isLast ? volts : cell.terminalVolts + (way < 0 ? -reach : reach)
      let offset = elapsed
      let outcome = cell.sweep(
        toVolts: goal, voltsPerSecond: rate, partVolts: Self.partVolts,
        ambientCelsius: ambientCelsius, until: limits
      ) { meter.take($0, offset: offset, record) }
      if let end = end(outcome) { return end }
      elapsed += outcome.seconds
      if isLast { return way == 0 && offset == 0 ? .limitAlreadyMet(nil) : .limit(nil) }
    }
    return hasTime ? .time : .tooLong
  }

  /// Follows a profile, again and again where the step has an end of its own.
  private mutating func follow(
    _ kind: CyclerProfile.Kind, _ profile: CyclerProfile?, isReversed: Bool,
    on cell: inout Cell, _ record: (CyclerSample) -> Void
  ) -> CyclerStepSummary.End {
    guard let profile, let length = profile.seconds.last else { return .unreachable }
    var begin = 0.0
    repeat {
      for row in profile.seconds.indices.dropLast() {
        let value = isReversed ? -profile.values[row] : profile.values[row]
        let rowEnd = begin + profile.seconds[row + 1]
        while elapsed < rowEnd {
          let later = step.ends.map(\.earliestSeconds).filter { $0 > elapsed }.min()
          let target = min(rowEnd, later ?? duration, duration)
          let outcome = take(kind, value, seconds: target - elapsed, on: &cell, record)
          if let end = end(outcome) { return end }
          elapsed = target
          if elapsed >= duration { return hasTime ? .time : .tooLong }
        }
      }
      begin += length
    } while !step.ends.isEmpty
    return .time
  }

  private mutating func take(
    _ kind: CyclerProfile.Kind, _ value: Double, seconds: Double, on cell: inout Cell,
    _ record: (CyclerSample) -> Void
  ) -> StepOutcome {
    let control: CellControl =
      switch kind {
      case .current: .current(amperes: value)
      case .voltage: .voltage(volts: value)
      case .power: .power(watts: value)
      }
    let offset = elapsed
    return cell.trace(
      control, seconds: seconds, ambientCelsius: ambientCelsius, until: limits,
      longestSeconds: longestPart(amperes: cell.currentAmperes), wholeSeconds: Self.wholeSeconds
    ) { meter.take($0, offset: offset, record) }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A protocol that does not fit a cell.
public struct CyclerProtocolError: Error, Equatable, CustomStringConvertible {
  /// The step, counted from 1.
  public var step: Int
  /// What is wrong with it.
  public var message: String

  /// Makes an error.
  public init(step: Int, message: String) {
    self.step = step
    self.message = message
  }

  /// The error in one line.
  public var description: String { "step \(step): \(message)" }
}

/// What the cycler records at one moment.
public struct CyclerSample: Sendable, Equatable {
  /// The time since the protocol began. Unit: s.
  public var testSeconds: Double
  /// The step, counted from 1.
  public var step: Int
  /// The time since the step began. Unit: s.
  public var stepSeconds: Double
  /// The terminal voltage. Unit: V.
  public var volts: Double
  /// The current, positive charges. Unit: A.
  public var amperes: Double
  /// The temperature of the cell. Unit: °C.
  public var temperatureCelsius: Double
  /// The true state of charge.
  public var stateOfCharge: Double
  /// The charge that went in less that which came out in this step. Unit: Ah.
  public var chargeAmpereHours: Double
}

/// How one step of a protocol went.
public struct CyclerStepSummary: Sendable, Equatable {
  /// The step, counted from 1.
  public var step: Int
  /// How long it took. Unit: s.
  public var seconds: Double
  /// The charge that went in less that which came out. Unit: Ah.
  public var chargeAmpereHours: Double
  /// The energy that went in less that which came out. Unit: Wh.
  public var energyWattHours: Double
  /// The terminal voltage at its end. Unit: V.
  public var endVolts: Double
  /// The current at its end, positive charges. Unit: A.
  public var endAmperes: Double
  /// The highest temperature of the cell in it. Unit: °C.
  public var highestCelsius: Double
  /// Why the step ended.
  public var end: End

  /// Why a step ended.
  public enum End: Sendable, Equatable {
    /// Its time was over.
    case time
    /// The voltage or current of its "until" was reached.
    case limit
    /// The "until" was already met when the step began; no time passed.
    case limitAlreadyMet
    /// The cell could not do what was asked: an electrode ran out, or the power was beyond it.
    case unreachable
    /// The cell left the range in which the model means anything: the run stopped for safety.
    case outOfRange
    /// The step took longer than any step may: the run stopped for safety.
    case tooLong
  }
}

/// A checked protocol for one kind of cell.
public struct CyclerRun: Sendable {
  /// The steps.
  public let steps: [CyclerStep]
  /// The time between samples. Energy and highest temperature do not depend on it: the cell is looked
  /// at every `lookSeconds` or more often. Unit: s.
  public var samplingSeconds = 1.0
  /// The longest time between two looks at the cell. Unit: s.
  public static let lookSeconds = 10.0
  /// How long one step may take. Unit: s.
  public var maximumStepSeconds = 3_600_000.0
  private let description: CellDescription

  /// Checks that steps fit a cell.
  ///
  /// - Parameters:
  ///   - steps: what to do, in order; at least one.
  ///   - description: the cell they are meant for; gives 1C and the sane voltages, from 1 V below
  ///     the lower to 0.5 V above the upper cut-off.
  /// - Throws: `CyclerProtocolError` naming the first step that does not fit.
  public init(
    steps: [CyclerStep], for description: CellDescription
  ) throws(CyclerProtocolError) {
    guard !steps.isEmpty else {
      throw CyclerProtocolError(step: 1, message: "the protocol has no steps")
    }
    for (index, step) in steps.enumerated() {
      if let message = Self.problem(of: step, description) {
        throw CyclerProtocolError(step: index + 1, message: message)
      }
    }
    self.steps = steps
    self.description = description
  }

  /// What makes a step impossible for a cell; nil if nothing does.
  private static func problem(of step: CyclerStep, _ cell: CellDescription) -> String? {
    if step.seconds == nil && step.until == nil { return "the step would never end" }
    if let seconds = step.seconds, !(seconds > 0 && seconds.isFinite) {
      return "the time must be above 0 s"
    }
    var volts: Double?
    switch (step.action, step.until) {
    case (.rest, .some): return "a rest can only end after a time"
    case (.rest, nil): break
    case (.hold(let held), let until):
      volts = held
      if case .volts = until { return "a hold cannot end at a voltage" }
      if case .rate(.watts) = until { return "a hold cannot end at a power" }
      if case .rate(let rate) = until, !isSane(rate) { return "the current must be above 0" }
    case (.charge(let rate), let until), (.discharge(let rate), let until):
      if !isSane(rate) { return "the rate must be above 0" }
      if case .rate = until { return "only a hold can end at a current" }
      if case .volts(let limit) = until { volts = limit }
    }
    let low = max(cell.lowerCutoffVolts - 1, 0)
    let high = cell.upperCutoffVolts + 0.5
    if let volts, !(volts >= low && volts <= high) {
      return "\(volts) V is outside the \(low) V to \(high) V that make sense for \(cell.name)"
    }
    return nil
  }

  private static func isSane(_ rate: CyclerStep.Rate) -> Bool {
    switch rate {
    case .amperes(let value), .cRate(let value), .watts(let value): value > 0 && value.isFinite
    }
  }

  /// Runs all steps on a cell.
  ///
  /// Samples come at the start of each step (after its current has begun to flow), then at the
  /// sampling interval, and at its end, which lies exactly at the limit that ended it.
  /// - Parameters:
  ///   - cell: the cell under test; keeps the state of the end.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - record: takes each sample; what it throws ends the run.
  /// - Returns: one summary per step begun; a step that ends with `unreachable`, `outOfRange` or
  ///   `tooLong` is the last.
  public func run<Failure: Error>(
    on cell: inout Cell, ambientCelsius: Double = 25,
    record: (CyclerSample) throws(Failure) -> Void
  ) throws(Failure) -> [CyclerStepSummary] {
    precondition(samplingSeconds > 0 && maximumStepSeconds > 0, "times are above 0 s")
    var summaries: [CyclerStepSummary] = []
    var testSeconds = 0.0
    for index in steps.indices {
      let summary = try run(
        index, on: &cell, testSeconds: testSeconds, ambientCelsius: ambientCelsius, record)
      summaries.append(summary)
      testSeconds += summary.seconds
      switch summary.end {
      case .time, .limit, .limitAlreadyMet: continue
      case .unreachable, .outOfRange, .tooLong: return summaries
      }
    }
    return summaries
  }

  /// Runs all steps on a cell, without a record.
  ///
  /// - Parameters:
  ///   - cell: the cell under test; keeps the state of the end.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  /// - Returns: as `run(on:ambientCelsius:record:)`.
  public func run(on cell: inout Cell, ambientCelsius: Double = 25) -> [CyclerStepSummary] {
    run(on: &cell, ambientCelsius: ambientCelsius) { _ in }
  }

  /// Runs one step.
  private func run<Failure: Error>(
    _ index: Int, on cell: inout Cell, testSeconds: Double, ambientCelsius: Double,
    _ record: (CyclerSample) throws(Failure) -> Void
  ) throws(Failure) -> CyclerStepSummary {
    let (control, limits) = request(steps[index])
    let duration = min(steps[index].seconds ?? .infinity, maximumStepSeconds)
    let chargeAtStart = cell.netChargeAmpereHours
    var summary = CyclerStepSummary(
      step: index + 1, seconds: 0, chargeAmpereHours: 0, energyWattHours: 0, endVolts: 0,
      endAmperes: 0, highestCelsius: cell.temperatureCelsius, end: .time)
    let begin = cell.step(control, seconds: 0, ambientCelsius: ambientCelsius, until: limits)
    var end = Self.end(begin.reason, isFirst: true)
    try record(sample(of: cell, in: summary, since: testSeconds))
    let looksPerSample = max((samplingSeconds / Self.lookSeconds).rounded(.up), 1)
    var looks = 0.0
    while end == nil {
      looks += 1
      let target = min(looks * samplingSeconds / looksPerSample, duration)
      let volts = cell.terminalVolts
      let charge = cell.netChargeAmpereHours
      let outcome = cell.step(
        control, seconds: max(target - summary.seconds, 0), ambientCelsius: ambientCelsius,
        until: limits)
      summary.seconds = outcome.reason == .completed ? target : summary.seconds + outcome.seconds
      summary.energyWattHours +=
        0.5 * (volts + cell.terminalVolts) * (cell.netChargeAmpereHours - charge)
      summary.chargeAmpereHours = cell.netChargeAmpereHours - chargeAtStart
      summary.highestCelsius = max(summary.highestCelsius, cell.temperatureCelsius)
      end = Self.end(outcome.reason, isFirst: false)
      if end == nil, !isInRange(cell) { end = .outOfRange }
      if end == nil, summary.seconds >= duration {
        end =
          steps[index].seconds == nil || duration < (steps[index].seconds ?? 0) ? .tooLong : .time
      }
      if end != nil || looks.truncatingRemainder(dividingBy: looksPerSample) == 0 {
        try record(sample(of: cell, in: summary, since: testSeconds))
      }
    }
    summary.endVolts = cell.terminalVolts
    summary.endAmperes = cell.currentAmperes
    summary.end = end ?? .time
    return summary
  }

  /// What is recorded at this moment of a step.
  private func sample(
    of cell: borrowing Cell, in summary: CyclerStepSummary, since testSeconds: Double
  ) -> CyclerSample {
    CyclerSample(
      testSeconds: testSeconds + summary.seconds, step: summary.step,
      stepSeconds: summary.seconds, volts: cell.terminalVolts, amperes: cell.currentAmperes,
      temperatureCelsius: cell.temperatureCelsius, stateOfCharge: cell.stateOfCharge,
      chargeAmpereHours: summary.chargeAmpereHours)
  }

  /// What a step asks of the cell.
  private func request(_ step: CyclerStep) -> (CellControl, CellLimits) {
    let rated = description.ratedCapacityAmpereHours
    var volts: Double?
    var current: Double?
    switch step.until {
    case .volts(let limit): volts = limit
    case .rate(let rate): current = rate.amperes(ratedCapacityAmpereHours: rated)
    case nil: break
    }
    switch step.action {
    case .rest: return (.current(amperes: 0), .none)
    case .hold(let held): return (.voltage(volts: held), CellLimits(currentMagnitude: current))
    case .charge(let rate):
      return (Self.control(rate, sign: 1, rated), CellLimits(upperVolts: volts))
    case .discharge(let rate):
      return (Self.control(rate, sign: -1, rated), CellLimits(lowerVolts: volts))
    }
  }

  private static func control(
    _ rate: CyclerStep.Rate, sign: Double, _ rated: Double
  ) -> CellControl {
    if case .watts(let watts) = rate { return .power(watts: sign * watts) }
    return .current(amperes: sign * (rate.amperes(ratedCapacityAmpereHours: rated) ?? 0))
  }

  /// The end of a step that this outcome of the cell means; nil if it goes on.
  private static func end(
    _ reason: StepOutcome.Reason, isFirst: Bool
  ) -> CyclerStepSummary.End? {
    switch reason {
    case .completed: nil
    case .lowerVolts, .upperVolts, .currentMagnitude: isFirst ? .limitAlreadyMet : .limit
    case .unreachable: .unreachable
    }
  }

  /// Whether voltage and temperature still mean something.
  private func isInRange(_ cell: Cell) -> Bool {
    let volts = cell.terminalVolts
    let celsius = cell.temperatureCelsius
    return volts > 0 && volts < description.upperCutoffVolts + 1 && celsius > -60 && celsius < 120
  }
}

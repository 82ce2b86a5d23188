// SPDX-License-Identifier: Apache-2.0

/// Adds up a step from the moments the cell passes, and makes samples at regular times from them.
///
/// The cell's own steps do not depend on the samples: these lie on a straight line between two
/// moments, which is within a quarter of a millivolt of the curve. So a result is the same whatever is
/// recorded.
struct CyclerMeter {
  private(set) var summary: CyclerStepSummary
  private let testSeconds: Double
  private let samplingSeconds: Double
  private let startAmpereHours: Double
  private let startStateOfCharge: Double
  private let capacityAmpereHours: Double
  /// The moment before, its time counted from the step's beginning.
  private var last: TracePoint?
  private var samples = 0.0

  init(
    _ cell: Cell, cycle: Int, step: Int, testSeconds: Double, samplingSeconds: Double
  ) {
    summary = CyclerStepSummary(
      cycle: cycle, step: step, highestCelsius: cell.temperatureCelsius, end: .time)
    self.testSeconds = testSeconds
    self.samplingSeconds = samplingSeconds
    startAmpereHours = cell.netChargeAmpereHours
    startStateOfCharge = cell.stateOfCharge
    capacityAmpereHours = cell.capacityAmpereHours
  }

  /// Whether the step has had no moment yet.
  var isUntouched: Bool { last == nil }

  /// Takes a moment of the step.
  ///
  /// - Parameters:
  ///   - point: the moment, its time counted from `offset`.
  ///   - offset: the time from the step's beginning. Unit: s.
  ///   - record: takes the samples up to it.
  mutating func take(
    _ point: TracePoint, offset: Double, _ record: (CyclerSample) -> Void
  ) {
    var point = point
    point.seconds += offset
    summary.highestCelsius = max(summary.highestCelsius, point.celsius)
    guard let before = last else {
      last = point
      record(sample(point))
      samples = 1
      return
    }
    let charge = point.ampereHours - before.ampereHours
    let energy = 0.5 * (before.volts + point.volts) * charge
    summary.chargedAmpereHours += max(charge, 0)
    summary.dischargedAmpereHours -= min(charge, 0)
    summary.chargedWattHours += charge > 0 ? energy : 0
    summary.dischargedWattHours -= charge < 0 ? energy : 0
    while samples * samplingSeconds <= point.seconds {
      let seconds = samples * samplingSeconds
      samples += 1
      let length = point.seconds - before.seconds
      record(
        sample(length > 0 ? between(before, point, (seconds - before.seconds) / length) : point))
    }
    last = point
  }

  /// Ends the step; the last moment is a sample, too.
  mutating func finish(_ end: CyclerStepSummary.End, _ record: (CyclerSample) -> Void) {
    summary.end = end
    guard let last else { return }
    summary.seconds = last.seconds
    summary.endVolts = last.volts
    summary.endAmperes = last.amperes
    summary.endCelsius = last.celsius
    if last.seconds > 0, (samples - 1) * samplingSeconds < last.seconds || samples == 1 {
      record(sample(last))
    }
  }

  private func between(_ a: TracePoint, _ b: TracePoint, _ share: Double) -> TracePoint {
    if share >= 1 { return b }
    return TracePoint(
      seconds: a.seconds + share * (b.seconds - a.seconds),
      volts: a.volts + share * (b.volts - a.volts),
      amperes: a.amperes + share * (b.amperes - a.amperes),
      ampereHours: a.ampereHours + share * (b.ampereHours - a.ampereHours),
      celsius: a.celsius + share * (b.celsius - a.celsius))
  }

  private func sample(_ point: TracePoint) -> CyclerSample {
    let charge = point.ampereHours - startAmpereHours
    return CyclerSample(
      testSeconds: testSeconds + point.seconds, cycle: summary.cycle, step: summary.step,
      stepSeconds: point.seconds, volts: point.volts, amperes: point.amperes,
      temperatureCelsius: point.celsius,
      stateOfCharge: startStateOfCharge + charge / capacityAmpereHours, chargeAmpereHours: charge)
  }
}

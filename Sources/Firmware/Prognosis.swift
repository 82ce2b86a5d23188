// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
public import Quantities

/// What is expected of the cell, and which part of it is fading.
///
/// To be asked now and then, not in every tick: some hundred table look-ups.
public struct Prognosis: Equatable, Sendable {
  /// The mean current of about the last five minutes; nil before the first reading.
  public var meanCurrent: Current?
  /// When that current will have emptied the cell; nil if it does not discharge.
  public var timeToEmpty: TimeRange?
  /// When it will have filled the cell; nil if it does not charge.
  public var timeToFull: TimeRange?
  /// The most that can flow in for the time asked about.
  public var charge: LoadLimit
  /// The most that can flow out for that time.
  public var discharge: LoadLimit
  /// How worn the cell is, by capacity and by resistance.
  public var stateOfHealth: StateOfHealth
  /// Which part of it is fading; nil where the estimator does not follow that.
  public var electrodes: HealthReport?
  /// What a new cell has of those parts; nil likewise.
  public var newElectrodes: NewElectrodes?
  /// Whether a charge is being worked on, a slice a tick.
  public var isLearning: Bool
}

/// The mean of a current over about five minutes.
struct MeanCurrent: Sendable {
  /// Unit: µA; nil before the first reading.
  private(set) var microamperes: Int64?
  private var last: MonotonicTime?

  /// Unit: µs.
  private static let memory: Int64 = 300_000_000

  mutating func note(_ current: Current?, at time: MonotonicTime) {
    guard let current else { return }
    let new = Int64(current.microamperes)
    // Where the clock steps back the time since the last reading is not known, and counts as none.
    let elapsed = last.map { time < $0 ? 0 : Self.elapsed(from: $0, to: time) } ?? Self.memory
    last = time
    let old = microamperes ?? new
    microamperes = old + (new - old) * min(elapsed, Self.memory) / Self.memory
  }

  private static func elapsed(from: MonotonicTime, to: MonotonicTime) -> Int64 {
    let difference = to.microseconds.subtractingReportingOverflow(from.microseconds)
    return difference.overflow ? memory : difference.partialValue
  }

  var current: Current? { microamperes.map { .microamperes(Int32(clamping: $0)) } }
}

extension ProtectionTable {
  /// What a load must keep so that no protection acts.
  var loadBounds: LoadBounds {
    LoadBounds(
      lowestVoltage: .microvolts(self[.underVoltage].threshold),
      highestVoltage: .microvolts(self[.overVoltage].threshold),
      greatestCharge: .microamperes(self[.sustainedCurrentCharge].threshold),
      greatestDischarge: .microamperes(self[.sustainedCurrentDischarge].threshold),
      coldestCharge: .millidegreesCelsius(self[.underTemperatureCharge].threshold),
      hottestCharge: .millidegreesCelsius(self[.overTemperatureCharge].threshold),
      coldestDischarge: .millidegreesCelsius(self[.underTemperatureDischarge].threshold),
      hottestDischarge: .millidegreesCelsius(self[.overTemperatureDischarge].threshold))
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
public import CellSimulation
import Quantities

/// The estimators of the trial.
public enum Contestant: String, CaseIterable, Sendable {
  /// The firmware's estimator, with the make's curve for life.
  case sodalite
  /// The firmware's estimator whose curve follows the degradation modes.
  case sodaliteModes = "sodalite-modes"
  /// Counting coulombs.
  case coulombCounting = "coulomb-counting"
  /// Counting coulombs, with a reset by the open-circuit curve at rest.
  case countingWithRest = "counting-ocv-rest"
  /// A textbook extended Kalman filter.
  case textbookEKF = "textbook-ekf"

  /// Whether it is of this project.
  public var isOurs: Bool { self == .sodalite || self == .sodaliteModes }
}

/// Everything the estimators are made from; made once for a make.
public struct EvaluationTables: Sendable {
  let make: CellDescription
  let profile: CellProfile
  let composition: CompositionProfile
  let tables: MakeTables

  /// Makes the tables.
  ///
  /// - Throws: `CellError` if the make cannot be a cell, or has no electrodes to evaluate.
  public init(_ make: CellDescription) throws(CellError) {
    let profile = try ProfileMaker.profile(for: make)
    guard let composition = try CompositionMaker.composition(for: make, profile: profile) else {
      throw .invalidValue("\(make.name) has no electrodes, so it cannot be worn and evaluated")
    }
    self.make = make
    self.profile = profile
    self.composition = composition
    tables = MakeTables(profile)
  }
}

/// All estimators on one stream of readings.
///
/// The firmware's plausibility check screens the stream before it reaches any of them: what is
/// compared is estimation, and an opponent must not lose for want of a check that is not its own.
struct Contestants {
  private var sodalite: StateEstimator
  private(set) var modes: LifelongEstimator
  private var counter: CoulombCounter
  private var resting: RestingCounter
  private var filter: TextbookEKF
  private var plausibility: PlausibilityCheck
  private var lastTime: MonotonicTime?
  private var lastCelsius = 25.0
  /// Reused for every reading, so that none asks for memory.
  private(set) var beliefs = InlineArray<5, Belief>(repeating: Belief())

  /// What one estimator says.
  struct Belief {
    var stateOfCharge = 0.0
    /// Of the 95 % interval; nil where none is claimed.
    var halfWidth: Double?
  }

  init(_ tables: EvaluationTables, guess: Double, deviation: Double, isFresh: Bool) {
    let start = StateOfCharge.partsPerMillion(Int32((guess * 1e6).rounded()))
    let wide = Int32((deviation * 1e6).rounded())
    sodalite = StateEstimator(profile: tables.profile, stateOfCharge: start, deviation: wide)
    modes = LifelongEstimator(
      profile: tables.profile, composition: tables.composition, stateOfCharge: start,
      deviation: wide, isFresh: isFresh)
    counter = CoulombCounter(
      ratedAmpereHours: tables.tables.ratedAmpereHours, stateOfCharge: guess)
    resting = RestingCounter(tables.tables, stateOfCharge: guess)
    filter = TextbookEKF(tables.tables, stateOfCharge: guess, deviation: deviation)
    // A sensor for ten times the rated current: the trial has no overloads.
    let range = Int32(clamping: tables.profile.ratedCapacity.nanocoulombs / 360_000)
    plausibility = PlausibilityCheck(tables.profile, currentRange: .microamperes(range))
  }

  mutating func step(at time: MonotonicTime, _ raw: Measurement) {
    var measurement = raw
    _ = plausibility.check(&measurement)
    sodalite.step(at: time, measurement)
    modes.step(at: time, measurement)
    let elapsed = lastTime.map { Double(time.microseconds(since: $0)) * 1e-6 } ?? 0
    lastTime = time
    if let temperature = measurement.temperature {
      lastCelsius = Double(temperature.millidegreesCelsius) * 1e-3
    }
    let reading = BaselineReading(
      seconds: elapsed, amperes: measurement.current.map { Double($0.microamperes) * 1e-6 },
      volts: measurement.voltage.map { Double($0.microvolts) * 1e-6 }, celsius: lastCelsius)
    counter.step(reading)
    resting.step(reading)
    filter.step(reading)
    beliefs[0] = Self.belief(sodalite.estimate)
    beliefs[1] = Self.belief(modes.estimate)
    beliefs[2] = Belief(stateOfCharge: counter.stateOfCharge)
    beliefs[3] = Belief(stateOfCharge: resting.stateOfCharge)
    beliefs[4] = Belief(
      stateOfCharge: filter.stateOfCharge, halfWidth: 1.95996 * filter.deviation)
  }

  private static func belief(_ estimate: Estimate) -> Belief {
    let place = estimate.stateOfCharge.partsPerMillion
    // An end of the range may have cut one side of the interval off.
    let reach = max(
      place - estimate.lowestStateOfCharge.partsPerMillion,
      estimate.highestStateOfCharge.partsPerMillion - place)
    return Belief(stateOfCharge: Double(place) * 1e-6, halfWidth: Double(reach) * 1e-6)
  }

  /// What each says of the capacity; nil where it cannot learn one. Unit: Ah.
  func capacity(_ contestant: Contestant, ratedAmpereHours: Double) -> Double {
    switch contestant {
    case .sodalite: Double(sodalite.estimate.fullChargeCapacity.nanocoulombs) / 3.6e12
    case .sodaliteModes: Double(modes.estimate.fullChargeCapacity.nanocoulombs) / 3.6e12
    default: ratedAmpereHours
    }
  }

  /// Clamped results of the integer estimators.
  var saturations: UInt32 { sodalite.saturations + modes.saturations }
}

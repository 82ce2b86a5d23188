// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

/// What is done with the cell in a run: a list of steps, repeated until the run's time is up.
///
/// Currents are in C and positive for charge; ends are judged by the cell's terminals, as a lab's
/// load or charger would, never by a state of charge.
public struct LoadSchedule: Equatable, Sendable {
  /// One step and what ends it.
  public enum Step: Equatable, Sendable {
    /// The US06 drive, scaled to a mean discharge in C, until the voltage falls to a value or the
    /// time is up.
    case drive(meanC: Double, untilVolts: Double, seconds: Double)
    /// A constant current in C until the voltage reaches a value or the time is up.
    case current(c: Double, untilVolts: Double, seconds: Double)
    /// A charge at a constant current in C up to a voltage, held until the current falls to a
    /// fraction of C.
    case charge(c: Double, volts: Double, untilC: Double)
    /// Nothing, for a time.
    case rest(seconds: Double)
  }

  /// The steps, at least one.
  public var steps: [Step]

  /// Makes a schedule; an empty list traps.
  public init(steps: [Step]) {
    precondition(!steps.isEmpty, "a schedule needs a step")
    self.steps = steps
  }

  /// The main job's eight cycles: drive, full and partial charges and discharges, rests.
  ///
  /// - Parameters:
  ///   - lower: the cell's lower cut-off. Unit: V.
  ///   - upper: the cell's upper cut-off. Unit: V.
  public static func mixedCycles(lower: Double, upper: Double) -> LoadSchedule {
    let window = upper - lower
    let low = lower + 0.08 * window
    let never = 1e9
    var steps: [Step] = []
    for cycle in 0..<8 {
      switch cycle % 4 {
      case 0:
        steps += [
          .drive(meanC: 0.6, untilVolts: low, seconds: never), .rest(seconds: 1_800),
          .charge(c: 0.5, volts: upper, untilC: 0.05), .rest(seconds: 1_200),
        ]
      case 1:
        steps += [
          .current(c: -1, untilVolts: low, seconds: 1_500), .rest(seconds: 1_200),
          .current(c: 0.5, untilVolts: upper, seconds: 1_800), .rest(seconds: 600),
          .drive(meanC: 0.5, untilVolts: low, seconds: 3_600),
          .charge(c: 0.7, volts: upper, untilC: 0.1),
        ]
      case 2:
        steps += [
          .current(c: -0.5, untilVolts: lower + 0.05 * window, seconds: never),
          .rest(seconds: 2_400), .charge(c: 0.5, volts: upper, untilC: 0.05),
          .rest(seconds: 1_800),
        ]
      default:
        steps += [
          .drive(meanC: 0.7, untilVolts: low, seconds: 2_400), .rest(seconds: 900),
          .current(c: 0.4, untilVolts: upper, seconds: 2_700),
          .drive(meanC: 0.6, untilVolts: low, seconds: 3_000), .rest(seconds: 900),
          .charge(c: 0.6, volts: upper, untilC: 0.05),
        ]
      }
    }
    return LoadSchedule(steps: steps)
  }
}

/// Plays a schedule against a cell: says at each moment what the load or the charger asks for.
public struct LoadPlayer: Sendable {
  private let schedule: LoadSchedule
  private let ratedAmpereHours: Double
  private var index = 0
  private var secondsInStep = 0.0
  private var isHolding = false
  /// How many times the whole schedule has been played.
  public private(set) var rounds = 0

  /// Starts at the first step.
  public init(_ schedule: LoadSchedule, ratedAmpereHours: Double) {
    self.schedule = schedule
    self.ratedAmpereHours = ratedAmpereHours
  }

  /// What to apply over the next `seconds`, from what the terminals showed at the last moment.
  ///
  /// - Parameters:
  ///   - volts: the terminal voltage now.
  ///   - amperes: the current that flowed until now.
  public mutating func next(seconds: Double, volts: Double, amperes: Double) -> CellControl {
    // Each pass either returns or moves to another step; a schedule whose every step is already
    // over rests instead of spinning.
    for _ in 0...schedule.steps.count {
      if let control = present(volts: volts, amperes: amperes) {
        secondsInStep += seconds
        return control
      }
      index += 1
      if index == schedule.steps.count {
        index = 0
        rounds += 1
      }
      secondsInStep = 0
      isHolding = false
    }
    return .current(amperes: 0)
  }

  /// The present step's demand, or nil when it is over.
  private mutating func present(volts: Double, amperes: Double) -> CellControl? {
    let started = secondsInStep > 0
    switch schedule.steps[index] {
    case .drive(let mean, let limit, let duration):
      guard secondsInStep < duration, !(started && volts <= limit) else { return nil }
      let second = Int(secondsInStep) % US06.microamperes.count
      let scale = mean / US06.meanAmperes * ratedAmpereHours
      return .current(amperes: Double(US06.microamperes[second]) * 1e-6 * scale)
    case .current(let c, let limit, let duration):
      let reached = started && (c < 0 ? volts <= limit : volts >= limit)
      guard secondsInStep < duration, !reached else { return nil }
      return .current(amperes: c * ratedAmpereHours)
    case .charge(let c, let limit, let end):
      if isHolding {
        guard amperes > end * ratedAmpereHours else { return nil }
        return .voltage(volts: limit)
      }
      guard started, volts >= limit else { return .current(amperes: c * ratedAmpereHours) }
      isHolding = true
      return .voltage(volts: limit)
    case .rest(let duration):
      return secondsInStep < duration ? .current(amperes: 0) : nil
    }
  }
}

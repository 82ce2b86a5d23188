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
          .drive(meanC: 0.3, untilVolts: low, seconds: never), .rest(seconds: 1_800),
          .charge(c: 0.5, volts: upper, untilC: 0.05), .rest(seconds: 1_200),
        ]
      case 1:
        steps += [
          .current(c: -1, untilVolts: low, seconds: 1_500), .rest(seconds: 1_200),
          .current(c: 0.5, untilVolts: upper, seconds: 1_800), .rest(seconds: 600),
          .drive(meanC: 0.3, untilVolts: low, seconds: 3_600),
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
          .drive(meanC: 0.3, untilVolts: low, seconds: 2_400), .rest(seconds: 900),
          .current(c: 0.4, untilVolts: upper, seconds: 2_700),
          .drive(meanC: 0.3, untilVolts: low, seconds: 3_000), .rest(seconds: 900),
          .charge(c: 0.6, volts: upper, untilC: 0.05),
        ]
      }
    }
    return LoadSchedule(steps: steps)
  }
}

/// What a load or a charger does to the terminals for a moment.
public struct LoadDemand: Equatable, Sendable {
  /// What it imposes.
  public var control: CellControl
  /// The voltage at which a charger goes over from current to voltage, even within the moment.
  public var ceilingVolts: Double?

  /// The same, of a load or charger that keeps to limits where it imposes a current.
  ///
  /// - Parameter amperes: from the largest discharging current, negative, to the largest charging one.
  func kept(to amperes: ClosedRange<Double>) -> LoadDemand {
    guard case .current(let asked) = control else { return self }
    var demand = self
    demand.control = .current(amperes: min(max(asked, amperes.lowerBound), amperes.upperBound))
    return demand
  }

  /// Imposes the demand on a cell for a time; a charger that meets its ceiling holds it for the rest.
  public func apply(to cell: inout Cell, seconds: Double, ambientCelsius: Double) {
    guard let ceilingVolts, case .current = control else {
      cell.step(control, seconds: seconds, ambientCelsius: ambientCelsius)
      return
    }
    let outcome = cell.step(
      control, seconds: seconds, ambientCelsius: ambientCelsius,
      until: CellLimits(upperVolts: ceilingVolts))
    guard outcome.seconds < seconds else { return }
    cell.step(
      .voltage(volts: ceilingVolts), seconds: seconds - outcome.seconds,
      ambientCelsius: ambientCelsius)
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
  public mutating func next(seconds: Double, volts: Double, amperes: Double) -> LoadDemand {
    // Each pass either returns or moves to another step; a schedule whose every step is already
    // over rests instead of spinning.
    for _ in 0...schedule.steps.count {
      if let demand = present(volts: volts, amperes: amperes) {
        secondsInStep += seconds
        return demand
      }
      index += 1
      if index == schedule.steps.count {
        index = 0
        rounds += 1
      }
      secondsInStep = 0
      isHolding = false
    }
    return LoadDemand(control: .current(amperes: 0))
  }

  /// The present step's demand, or nil when it is over.
  private mutating func present(volts: Double, amperes: Double) -> LoadDemand? {
    let started = secondsInStep > 0
    switch schedule.steps[index] {
    case .drive(let mean, let limit, let duration):
      guard secondsInStep < duration, !(started && volts <= limit) else { return nil }
      let second = Int(secondsInStep) % US06.microamperes.count
      let scale = mean / US06.meanAmperes * ratedAmpereHours
      return LoadDemand(
        control: .current(amperes: Double(US06.microamperes[second]) * 1e-6 * scale))
    case .current(let c, let limit, let duration):
      let reached = started && (c < 0 ? volts <= limit : volts >= limit - 1e-5)
      guard secondsInStep < duration, !reached else { return nil }
      return LoadDemand(
        control: .current(amperes: c * ratedAmpereHours), ceilingVolts: c > 0 ? limit : nil)
    case .charge(let c, let limit, let end):
      if isHolding {
        guard amperes > end * ratedAmpereHours else { return nil }
        return LoadDemand(control: .voltage(volts: limit))
      }
      guard started, volts >= limit - 1e-5 else {
        return LoadDemand(
          control: .current(amperes: c * ratedAmpereHours), ceilingVolts: limit)
      }
      isHolding = true
      return LoadDemand(control: .voltage(volts: limit))
    case .rest(let duration):
      return secondsInStep < duration ? LoadDemand(control: .current(amperes: 0)) : nil
    }
  }
}

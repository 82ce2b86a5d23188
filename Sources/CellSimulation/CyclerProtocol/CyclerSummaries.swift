// SPDX-License-Identifier: Apache-2.0

/// What the cycler records at one moment.
public struct CyclerSample: Sendable, Equatable {
  /// The time since the protocol began. Unit: s.
  public var testSeconds: Double
  /// The cycle; 0 for what comes before the first.
  public var cycle: Int
  /// The step of the protocol, counted from 1.
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
  /// The cycle; 0 for what comes before the first.
  public var cycle: Int
  /// The step of the protocol, counted from 1.
  public var step: Int
  /// How long it took. Unit: s.
  public var seconds = 0.0
  /// The charge that went in. Unit: Ah.
  public var chargedAmpereHours = 0.0
  /// The charge that came out. Unit: Ah.
  public var dischargedAmpereHours = 0.0
  /// The energy that went in. Unit: Wh.
  public var chargedWattHours = 0.0
  /// The energy that came out. Unit: Wh.
  public var dischargedWattHours = 0.0
  /// The terminal voltage at its end. Unit: V.
  public var endVolts = 0.0
  /// The current at its end, positive charges. Unit: A.
  public var endAmperes = 0.0
  /// The temperature of the cell at its end. Unit: °C.
  public var endCelsius = 0.0
  /// The highest temperature of the cell in it. Unit: °C.
  public var highestCelsius: Double
  /// Why the step ended.
  public var end: End

  /// The charge that went in less that which came out. Unit: Ah.
  public var chargeAmpereHours: Double { chargedAmpereHours - dischargedAmpereHours }
  /// The energy that went in less that which came out. Unit: Wh.
  public var energyWattHours: Double { chargedWattHours - dischargedWattHours }

  /// Why a step ended.
  public enum End: Sendable, Equatable {
    /// Its time was over, or its profile.
    case time
    /// The end with this place in the step's list was reached; nil for the end of a sweep.
    case limit(Int?)
    /// That end was already met when the step began; no time passed.
    case limitAlreadyMet(Int?)
    /// The cell could not do what was asked: an electrode ran out, or the power was beyond it.
    case unreachable
    /// The cell left the range in which the model means anything: the run stopped for safety.
    case outOfRange
    /// The step or the test took longer than any may: the run stopped for safety.
    case tooLong
    /// The protocol goes in circles without any time passing: the run stopped.
    case circling

    /// Whether the run goes on after it.
    public var isExpected: Bool {
      switch self {
      case .time, .limit, .limitAlreadyMet: true
      case .unreachable, .outOfRange, .tooLong, .circling: false
      }
    }
  }
}

/// How one cycle went.
public struct CyclerCycleSummary: Sendable, Equatable {
  /// The cycle; 0 for what comes before the first.
  public var cycle: Int
  /// How long it took. Unit: s.
  public var seconds = 0.0
  /// The charge that went in. Unit: Ah.
  public var chargedAmpereHours = 0.0
  /// The charge that came out. Unit: Ah.
  public var dischargedAmpereHours = 0.0
  /// The energy that went in. Unit: Wh.
  public var chargedWattHours = 0.0
  /// The energy that came out. Unit: Wh.
  public var dischargedWattHours = 0.0
  /// The highest temperature of the cell in it. Unit: °C.
  public var highestCelsius = -Double.infinity
  /// The equilibrium capacity at its end relative to a new cell's; nil for a cell that does not wear.
  public var health: Double?

  /// Makes a cycle without steps.
  public init(cycle: Int) { self.cycle = cycle }

  /// Adds a step to the cycle.
  public mutating func add(_ step: CyclerStepSummary) {
    seconds += step.seconds
    chargedAmpereHours += step.chargedAmpereHours
    dischargedAmpereHours += step.dischargedAmpereHours
    chargedWattHours += step.chargedWattHours
    dischargedWattHours += step.dischargedWattHours
    highestCelsius = max(highestCelsius, step.highestCelsius)
  }

  /// The charge that came out for that which went in; nil where nothing went in.
  public var coulombicEfficiency: Double? {
    chargedAmpereHours > 0 ? dischargedAmpereHours / chargedAmpereHours : nil
  }

  /// The energy that came out for that which went in; nil where nothing went in.
  public var energyEfficiency: Double? {
    chargedWattHours > 0 ? dischargedWattHours / chargedWattHours : nil
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What is imposed on a cell's terminals during a step. Positive current and power charge the cell.
public enum CellControl: Sendable, Equatable {
  /// A constant current. Unit: A.
  case current(amperes: Double)
  /// A constant terminal voltage. Unit: V.
  case voltage(volts: Double)
  /// A constant power at the terminals. Unit: W.
  case power(watts: Double)

  /// The number that is imposed.
  var value: Double {
    switch self {
    case .current(let value), .voltage(let value), .power(let value): value
    }
  }
}

/// Where a step ends before its time.
public struct CellLimits: Sendable, Equatable {
  /// Ends a step in which the cell discharges when the terminal voltage has come down to this; it
  /// does not act on a rest, a charge or a hold. Unit: V.
  public var lowerVolts: Double?
  /// Ends a step in which the cell charges when the terminal voltage has come up to this. Unit: V.
  public var upperVolts: Double?
  /// Ends a hold at constant voltage when the magnitude of the current has come down to this.
  /// Unit: A.
  public var currentMagnitude: Double?

  /// Makes limits; what is left out does not act.
  public init(
    lowerVolts: Double? = nil, upperVolts: Double? = nil, currentMagnitude: Double? = nil
  ) {
    self.lowerVolts = lowerVolts
    self.upperVolts = upperVolts
    self.currentMagnitude = currentMagnitude
  }

  /// No limits.
  public static let none = CellLimits()
}

/// What a cycler would note at one moment of a step.
public struct TracePoint: Sendable, Equatable {
  /// The time since the step began. Unit: s.
  public var seconds: Double
  /// The terminal voltage. Unit: V.
  public var volts: Double
  /// The current; positive charges. Unit: A.
  public var amperes: Double
  /// The charge that went in less that which came out since the cell was made. Unit: Ah.
  public var ampereHours: Double

  /// Makes a point.
  public init(seconds: Double, volts: Double, amperes: Double, ampereHours: Double) {
    self.seconds = seconds
    self.volts = volts
    self.amperes = amperes
    self.ampereHours = ampereHours
  }
}

/// How a step ended.
public struct StepOutcome: Sendable, Equatable {
  /// The time that passed; the time asked for unless a limit ended the step. Unit: s.
  public var seconds: Double
  /// Why the step ended.
  public var reason: Reason

  /// Why a step ended.
  public enum Reason: Sendable, Equatable {
    /// The time asked for has passed.
    case completed
    /// The terminal voltage came down to the lower limit.
    case lowerVolts
    /// The terminal voltage came up to the upper limit.
    case upperVolts
    /// The current of a hold came down to its limit.
    case currentMagnitude
    /// The cell cannot do what the control asks: an electrode has no sodium or no room left for the
    /// current, or no current gives the power. The cell is at the last state it could reach.
    case unreachable
  }

  /// Makes an outcome.
  public init(seconds: Double, reason: Reason) {
    self.seconds = seconds
    self.reason = reason
  }
}

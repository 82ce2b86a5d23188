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
  /// Ends any step where one of these is reached, whatever the cell does.
  public var bounds: [CellBound]

  /// Makes limits; what is left out does not act.
  public init(
    lowerVolts: Double? = nil, upperVolts: Double? = nil, currentMagnitude: Double? = nil,
    bounds: [CellBound] = []
  ) {
    self.lowerVolts = lowerVolts
    self.upperVolts = upperVolts
    self.currentMagnitude = currentMagnitude
    self.bounds = bounds
  }

  /// No limits.
  public static let none = CellLimits()
}

/// A value that one quantity of a step has to reach for the step to end.
public struct CellBound: Sendable, Equatable {
  /// Which quantity.
  public var quantity: Quantity
  /// Whether the bound is reached at and above its value; at and below it otherwise.
  public var isUpper: Bool
  /// Where it is reached, in the unit of the quantity.
  public var value: Double
  /// Bounds of the same end stand together in a list, and all have to be reached.
  public var end: Int

  /// What is bounded.
  public enum Quantity: Sendable, Equatable {
    /// The terminal voltage. Unit: V.
    case volts
    /// The magnitude of the current. Unit: A.
    case currentMagnitude
    /// How far the charge that went in less that which came out is from a former value of it, which
    /// is in Ah. Unit: Ah.
    case chargeMagnitude(since: Double)
    /// The temperature of the cell. Unit: °C.
    case celsius
  }

  /// Makes a bound.
  public init(_ quantity: Quantity, isUpper: Bool, value: Double, end: Int) {
    self.quantity = quantity
    self.isUpper = isUpper
    self.value = value
    self.end = end
  }
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
  /// The temperature of the cell. Unit: °C.
  public var celsius: Double

  /// Makes a point.
  public init(
    seconds: Double, volts: Double, amperes: Double, ampereHours: Double, celsius: Double
  ) {
    self.seconds = seconds
    self.volts = volts
    self.amperes = amperes
    self.ampereHours = ampereHours
    self.celsius = celsius
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
    /// All bounds of the end with this number were reached.
    case bound(end: Int)
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

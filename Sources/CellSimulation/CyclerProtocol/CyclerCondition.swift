// SPDX-License-Identifier: Apache-2.0

/// One condition on a cell under test, such as `4.2 V`, `below C/20` or `above 45 degC`.
public struct CyclerCondition: Sendable, Equatable {
  /// The quantity and the value it is compared with.
  public var amount: Amount
  /// On which side of the value the condition holds.
  public var side: Side

  /// A quantity with a value.
  public enum Amount: Sendable, Equatable {
    /// The terminal voltage. Unit: V.
    case volts(Double)
    /// The magnitude of the current (never a power or a resistance).
    case current(CyclerStep.Rate)
    /// The charge that flowed in the step, a magnitude. Unit: Ah.
    case charge(ampereHours: Double)
    /// The same per gram of cathode. Unit: mAh/g.
    case specificCharge(milliampereHoursPerGram: Double)
    /// The time since the step began. Unit: s.
    case seconds(Double)
    /// The temperature of the cell. Unit: °C.
    case celsius(Double)
    /// The equilibrium capacity relative to a new cell's; only after "if".
    case health(Double)
    /// The number of the cycle; only after "if".
    case cycle(Double)
  }

  /// When a condition holds.
  public enum Side: Sendable, Equatable {
    /// When the value is reached, from the side on which the step's own way begins.
    case reached
    /// At the value and above.
    case above
    /// At the value and below.
    case below
  }

  /// Makes a condition.
  public init(_ amount: Amount, _ side: Side = .reached) {
    self.amount = amount
    self.side = side
  }
}

/// What ends a step: all of these conditions together.
public struct CyclerEnd: Sendable, Equatable {
  /// At least one.
  public var conditions: [CyclerCondition]

  /// Makes an end.
  public init(_ conditions: [CyclerCondition]) { self.conditions = conditions }

  /// An end after a time. Unit: s.
  public static func seconds(_ seconds: Double) -> CyclerEnd {
    CyclerEnd([CyclerCondition(.seconds(seconds))])
  }

  /// The time before which this end does not act. Unit: s.
  var earliestSeconds: Double {
    conditions.reduce(0) { earliest, condition in
      if case .seconds(let seconds) = condition.amount { return max(earliest, seconds) }
      return earliest
    }
  }

  /// Whether there is nothing in it but time.
  var isOnlyTime: Bool {
    conditions.allSatisfy { if case .seconds = $0.amount { true } else { false } }
  }
}

extension CyclerCondition.Amount {
  /// The quantity's name, for people.
  public var name: String {
    switch self {
    case .volts: "voltage"
    case .current: "current"
    case .charge, .specificCharge: "capacity"
    case .seconds: "time"
    case .celsius: "temperature"
    case .health: "health"
    case .cycle: "cycle"
    }
  }
}

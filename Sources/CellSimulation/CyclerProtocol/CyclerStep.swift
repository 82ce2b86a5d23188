// SPDX-License-Identifier: Apache-2.0

/// One step of a cycler protocol, as people write it in the lab.
public struct CyclerStep: Sendable, Equatable {
  /// What the cycler does.
  public var action: Action
  /// How long at most; nil without a limit in time. Unit: s.
  public var seconds: Double?
  /// What else ends the step; whichever comes first does.
  public var until: Until?
  /// The step as it was written.
  public var text: String

  /// What the cycler does.
  public enum Action: Sendable, Equatable {
    /// Draws and gives no current.
    case rest
    /// Puts charge into the cell.
    case charge(Rate)
    /// Takes charge out of the cell.
    case discharge(Rate)
    /// Holds the terminal voltage. Unit: V.
    case hold(volts: Double)
  }

  /// How fast; always positive.
  public enum Rate: Sendable, Equatable {
    /// A current. Unit: A.
    case amperes(Double)
    /// A multiple of the rated capacity per hour.
    case cRate(Double)
    /// A power at the terminals. Unit: W.
    case watts(Double)

    /// The current of this rate for a cell of a rated capacity; nil for a power. Unit: A.
    public func amperes(ratedCapacityAmpereHours: Double) -> Double? {
      switch self {
      case .amperes(let amperes): amperes
      case .cRate(let rate): rate * ratedCapacityAmpereHours
      case .watts: nil
      }
    }
  }

  /// What ends a step besides its time.
  public enum Until: Sendable, Equatable {
    /// The terminal voltage reached this value. Unit: V.
    case volts(Double)
    /// The current of a hold fell to this rate (never a power).
    case rate(Rate)
  }

  /// Makes a step from its parts.
  public init(action: Action, seconds: Double?, until: Until?, text: String) {
    self.action = action
    self.seconds = seconds
    self.until = until
    self.text = text
  }

  /// Reads one step, such as `Discharge at 1C until 2.0 V`, `Rest for 1 hour` or
  /// `Hold at 4.2 V until C/20`; capitals do not matter.
  ///
  /// - Throws: `CyclerSyntaxError` pointing at the first word that is wrong.
  public static func parse(_ text: String) throws(CyclerSyntaxError) -> CyclerStep {
    var reader = CyclerReader(text)
    return try reader.step()
  }
}

/// What is wrong with a written step and where.
public struct CyclerSyntaxError: Error, Equatable, CustomStringConvertible {
  /// What is wrong.
  public var message: String
  /// Where the wrong word begins, counted in characters from 1.
  public var column: Int
  /// What would be right.
  public var expected: String

  /// Makes an error.
  public init(message: String, column: Int, expected: String) {
    self.message = message
    self.column = column
    self.expected = expected
  }

  /// The error in one line.
  public var description: String { "column \(column): \(message); expected \(expected)" }
}

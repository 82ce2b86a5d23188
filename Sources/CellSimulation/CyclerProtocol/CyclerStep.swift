// SPDX-License-Identifier: Apache-2.0

/// One step of a cycler protocol: one action until one of its ends.
public struct CyclerStep: Sendable, Equatable {
  /// What the cycler does.
  public var action: Action
  /// What ends the step; whichever comes first does. A sweep and a profile also end by themselves.
  public var ends: [CyclerEnd]
  /// The step as it was written.
  public var text: String

  /// What the cycler does.
  public enum Action: Sendable, Equatable {
    /// Draws and gives no current.
    case rest
    /// Puts charge into the cell; never through a resistance.
    case charge(Rate)
    /// Takes charge out of the cell.
    case discharge(Rate)
    /// Holds the terminal voltage. Unit: V.
    case hold(volts: Double)
    /// Moves the terminal voltage in a straight line.
    case sweep(toVolts: Double, voltsPerSecond: Double)
    /// Imposes what a file says; `isReversed` where its positive values discharge.
    case follow(CyclerProfile.Kind, file: String, isReversed: Bool)
  }

  /// How fast; always positive.
  public enum Rate: Sendable, Equatable {
    /// A current. Unit: A.
    case amperes(Double)
    /// A current per gram of cathode. Unit: mA/g.
    case milliamperesPerGram(Double)
    /// A multiple of the rated capacity per hour.
    case cRate(Double)
    /// A power at the terminals. Unit: W.
    case watts(Double)
    /// A resistor between the terminals. Unit: Ω.
    case ohms(Double)
  }

  /// Makes a step from its parts.
  public init(action: Action, ends: [CyclerEnd], text: String) {
    self.action = action
    self.ends = ends
    self.text = text
  }
}

/// A profile from a file: each value holds until the time of the next.
public struct CyclerProfile: Sendable, Equatable {
  /// What the values are.
  public enum Kind: String, Sendable, Equatable, CaseIterable {
    /// Unit: A; positive charges.
    case current
    /// Unit: V.
    case voltage
    /// Unit: W; positive charges.
    case power
  }

  /// The times, from 0, increasing. The last one ends the profile. Unit: s.
  public let seconds: [Double]
  /// The values; the last one does not act.
  public let values: [Double]

  /// Makes a profile.
  ///
  /// - Parameters:
  ///   - seconds: at least two, increasing; they are moved so that the first is 0.
  ///   - values: as many.
  /// - Returns: nil if the times are not so.
  public init?(seconds: [Double], values: [Double]) {
    guard seconds.count >= 2, seconds.count == values.count,
      zip(seconds, seconds.dropFirst()).allSatisfy({ $0 < $1 }),
      values.allSatisfy(\.isFinite)
    else { return nil }
    self.seconds = seconds.map { $0 - seconds[0] }
    self.values = values
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

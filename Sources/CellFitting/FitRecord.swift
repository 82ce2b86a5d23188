// SPDX-License-Identifier: Apache-2.0

/// What a cycler recorded of one test; positive current charges.
public struct FitRecord: Sendable, Equatable {
  /// One row.
  public struct Sample: Sendable, Equatable {
    /// Time; never decreases within a record. Unit: s.
    public var seconds: Double
    /// The current. Unit: A.
    public var amperes: Double
    /// The voltage between the terminals. Unit: V.
    public var volts: Double
    /// The line in the file, for messages.
    public var line: Int
    /// The cell's temperature, where it was recorded. Unit: °C.
    public var celsius: Double?

    /// Makes a sample.
    public init(
      seconds: Double, amperes: Double, volts: Double, line: Int, celsius: Double? = nil
    ) {
      self.seconds = seconds
      self.amperes = amperes
      self.volts = volts
      self.line = line
      self.celsius = celsius
    }
  }

  /// The file, for messages.
  public var name: String
  /// The rows.
  public var samples: [Sample]

  /// Makes a record.
  public init(name: String, samples: [Sample]) {
    self.name = name
    self.samples = samples
  }

  /// The largest magnitude of the current. Unit: A.
  var largestAmperes: Double { samples.reduce(0) { max($0, $1.amperes.magnitude) } }

  /// The current between a sample and the one before: their mean, or the later one where it jumped,
  /// for a row stands for the time that ends with it.
  func amperes(into place: Int, jump: Double) -> Double {
    let before = samples[place - 1].amperes
    let after = samples[place].amperes
    return (after - before).magnitude > jump ? after : 0.5 * (before + after)
  }
}

/// Why data cannot be fitted, in one line.
public struct FitRefusal: Error, Equatable, Sendable {
  /// The record that is at fault; nil when it is all of them together.
  public var record: String?
  /// The line in its file.
  public var line: Int?
  /// The reason and what would help.
  public var message: String

  /// Makes a refusal.
  public init(_ message: String, record: String? = nil, line: Int? = nil) {
    self.record = record
    self.line = line
    self.message = message
  }
}

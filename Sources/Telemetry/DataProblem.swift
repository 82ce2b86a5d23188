// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a data file, with the place and what would be right.
public struct DataProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of problem, each with its exit code.
  public enum Category: Sendable, Equatable {
    /// The content is wrong.
    case badData
    /// The file cannot be opened or read.
    case noInput
    /// The file cannot be written.
    case cannotWrite
    /// The request itself is wrong, such as a column specification.
    case usage
    /// What describes the cell or the board is wrong.
    case configuration
  }

  /// The kind of problem.
  public var category: Category
  /// The file, or the option, that has the problem.
  public var file: String
  /// The line, from 1; nil when the problem is about the whole file.
  public var line: Int?
  /// The character column, from 1; nil when the problem is about the whole line.
  public var column: Int?
  /// What is wrong and what would be right, in one line.
  public var message: String

  /// Makes a problem from its parts.
  public init(
    _ category: Category, file: String, line: Int? = nil, column: Int? = nil, message: String
  ) {
    self.category = category
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  /// The exit code of sysexits.h: 64, 65, 66, 74 or 78.
  public var exitCode: Int32 {
    switch category {
    case .usage: 64
    case .badData: 65
    case .noInput: 66
    case .cannotWrite: 74
    case .configuration: 78
    }
  }

  /// `file:line:column: message`, with the parts that are known, on one line: what a file holds may
  /// be shown in it, but must not steer a terminal.
  public var description: String {
    var place = file
    if let line { place += ":\(line)" }
    if let column { place += ":\(column)" }
    return String(String.UnicodeScalarView("\(place): \(message)".unicodeScalars.map(Self.shown)))
  }

  private static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
      "\u{FFFD}"
    default: scalar
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong in a description file.
public struct DescriptionProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file's name.
  public var file: String
  /// The line, from 1.
  public var line: Int
  /// The character column, from 1.
  public var column: Int
  /// What is wrong and what would be right, in one line.
  public var message: String

  /// Makes a problem from its parts.
  public init(file: String, line: Int, column: Int, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  /// `file:line:column: message`.
  public var description: String { "\(file):\(line):\(column): \(message)" }
}

/// All that is wrong in a description file, in the order of the file.
public struct DescriptionProblems: Error, Equatable, Sendable, CustomStringConvertible {
  /// The problems; at least one.
  public var problems: [DescriptionProblem]

  /// Makes a list.
  ///
  /// - Parameter problems: the problems, in the order of the file.
  public init(_ problems: [DescriptionProblem]) { self.problems = problems }

  /// The exit code of sysexits.h for a wrong configuration.
  public var exitCode: Int32 { 78 }

  /// One problem a line.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

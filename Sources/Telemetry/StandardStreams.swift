// SPDX-License-Identifier: Apache-2.0

/// Text to the process's standard output; unlike `print`, it says when the text did not get there.
public enum StandardOutput {
  /// True when a person reads it.
  public static var isTerminal: Bool { SystemFile.standardOutputIsTerminal }

  /// Writes all of a text.
  ///
  /// - Throws: `DataProblem` of the kind `cannotWrite`, as on a full disk.
  public static func write(_ text: String) throws(DataProblem) {
    try SystemFile.writeStandardOutput(text)
  }
}

/// Text to the process's standard error.
public enum StandardError {
  /// Writes a text; when nobody can read it, nothing happens.
  public static func write(_ text: String) { SystemFile.writeStandardError(text) }
}

// SPDX-License-Identifier: Apache-2.0

import CellFitting
import Descriptions

/// A fitted description as YAML, with what is not known beside the lines that it concerns.
enum FitDescription {
  /// - Parameters:
  ///   - result: the fit.
  ///   - command: the program and its arguments, which the file tells so that it can be made again.
  static func yaml(of result: FitResult, command: [String]) -> String {
    let words = ["sodalite"] + command.dropFirst().map(quoted)
    var text = "# Made by:\n#   \(words.joined(separator: " "))\n"
    text += "# What the data did not determine is marked.\n"
    for sentence in result.undetermined { text += "# - \(sentence)\n" }
    var slow = false
    for line in CellFile.yaml(for: result.description).split(
      separator: "\n", omittingEmptySubsequences: true)
    {
      let key = line.drop { $0 == " " || $0 == "-" }
      if key.hasPrefix("time_constant:"), line.contains("- ") {
        for sentence in result.undetermined
        where sentence.hasPrefix(slow ? "slow" : "fast") {
          text += "    # \(sentence)\n"
        }
        slow = true
      }
      for (prefix, subjects) in subjects where key.hasPrefix(prefix) {
        for sentence in result.undetermined
        where subjects.contains(where: { sentence.hasPrefix($0) }) {
          text += String(repeating: " ", count: line.count - key.count) + "# \(sentence)\n"
        }
      }
      text += line + "\n"
    }
    return text
  }

  /// A word as a shell takes it; a line break would end the comment.
  private static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=,:%".contains($0))
    }
    if plain, !word.isEmpty { return word }
    let oneLine = word.map { $0.isNewline ? " " : String($0) }.joined()
    return "'" + oneLine.replacing("'", with: "'\\''") + "'"
  }

  /// Which sentence belongs above which line.
  private static let subjects: [(String, [String])] = [
    ("capacity:", ["empty end", "full end"]), ("ocv:", ["open-circuit voltage"]),
    ("series_resistance:", ["series resistance", "charge-transfer current"]),
    ("hysteresis:", ["hysteresis:"]), ("hysteresis_rate:", ["hysteresis rate"]),
    ("activation_energy:", ["activation energy"]), ("heat_capacity:", ["heat capacity"]),
    ("contact_resistance:", ["contact resistance"]),
  ]
}

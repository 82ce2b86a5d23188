// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Descriptions
import Foundation
import Quantities
import Telemetry

/// A mistake of the user, in one line, with its sysexits code.
struct UserMistake {
  /// Prints the line to standard error and gives the code to throw.
  static func exit(_ message: String, code: Int32) -> ExitCode {
    StandardError.write("sodalite: \(message)\n")
    return ExitCode(code)
  }

  /// Prints what is wrong with a file and gives the code to throw.
  static func exit(_ problem: DataProblem) -> ExitCode {
    exit(problem.description, code: problem.exitCode)
  }
}

extension UserMistake {
  /// Refuses a file that could not be written when the time comes: what it is to keep would then be lost.
  static func requireFolder(of path: String, for option: String) throws {
    let folder = URL(filePath: path).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw exit(
        "\(option) \(path): nothing can be written in \(folder); make the folder or take another",
        code: 73)
    }
  }
}

/// Prints a result; a standard output that takes none of it is an error.
func report(_ text: String) throws {
  do {
    try StandardOutput.write(text)
  } catch {
    throw UserMistake.exit(error)
  }
}

/// Finds cells by the name of a built-in set or the path of a description.
enum Cells {
  static let builtIn: [CellDescription] = [
    .hu2024NFMPB1HardCarbon, .hu2024MPB, .hu2024NMPB, .hu2024FeMnPB, .hu2024NFMPB0, .hu2024NFMPB1,
    .hu2024NFMPB2, .hu2024NFMPB1HardCarbonCoin, .hu2024MPBHardCarbonCoin,
    .chayambuka2022NVPFHardCarbon,
  ]
  /// Descriptions are some kilobytes long; what is far beyond that is something else.
  private static let largestFile = 4 << 20

  static func find(_ name: String) throws -> CellDescription {
    if let cell = builtIn.first(where: { $0.name == name }) { return cell }
    guard name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
      let names = builtIn.map(\.name).joined(separator: ", ")
      throw UserMistake.exit(
        "unknown cell '\(name)'; built in: \(names); or give the path of a .yaml description",
        code: 66)
    }
    let text: String
    do {
      text = try WholeFile.text(of: name, atMost: largestFile)
    } catch {
      throw UserMistake.exit(error.description, code: error.category == .noInput ? 66 : 78)
    }
    switch CellFile.parse(text: text, file: name) {
    case .success(let cell): return cell
    case .failure(let problems):
      let lines = problems.problems.map(\.description).joined(separator: "\nsodalite: ")
      throw UserMistake.exit(lines, code: problems.exitCode)
    }
  }
}

extension JSONText {
  /// A number, or null where there is none.
  init(_ value: Double?) { self = value.map(JSONText.number) ?? .null }
}

/// The wall clock, for speed and progress only.
func wallSeconds() -> Double {
  let passed = ContinuousClock.now - origin
  return Double(passed.components.seconds) + Double(passed.components.attoseconds) * 1e-18
}

private let origin = ContinuousClock.now

/// A number for people.
func number(_ value: Double, _ decimals: Int) -> String {
  DecimalNumber.text(value, decimals: decimals)
}

/// A number for people, with a comma between thousands: 122,400.
func grouped(_ value: Double) -> String {
  let digits = number(value.magnitude, 0)
  var text = value < 0 && digits != "0" ? "-" : ""
  for (place, digit) in digits.enumerated() {
    if place > 0, (digits.count - place) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}

/// A charge with its unit, for people: in mAh below 0.1 Ah.
func charge(_ ampereHours: Double) -> String {
  ampereHours.magnitude < 0.1
    ? "\(number(ampereHours * 1_000, 4)) mAh" : "\(number(ampereHours, 4)) Ah"
}

/// A fraction as a percentage for people.
func percent(_ value: Double?) -> String {
  value.map { "\(number($0 * 100, 2)) %" } ?? "-"
}

/// A 64-bit hash as 16 hexadecimal digits.
func hexadecimal(_ hash: StableHash) -> String {
  let digits = String(hash.value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

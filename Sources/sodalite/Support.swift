// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Descriptions
import Foundation
import Quantities
import Telemetry

/// How a command prints its result.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case table
  case json
}

/// A length of time on the command line: "34h", "90min", "3600s" or "3600".
struct DurationArgument: ExpressibleByArgument {
  var seconds: Double

  init(seconds: Double) { self.seconds = seconds }

  init?(argument: String) {
    let units: [(String, Double)] = [("min", 60), ("h", 3_600), ("d", 86_400), ("s", 1), ("", 1)]
    for (suffix, scale) in units where argument.hasSuffix(suffix) {
      guard let value = Double(argument.dropLast(suffix.count)) else { continue }
      guard value.isFinite, value > 0, value * scale <= 31_536_000 else { return nil }
      seconds = value * scale
      return
    }
    return nil
  }

  var defaultValueDescription: String { "\(DecimalNumber.text(seconds, decimals: 0))s" }
}

/// A share on the command line: "0.3" or "30%".
struct ShareArgument: ExpressibleByArgument {
  var fraction: Double

  init(fraction: Double) { self.fraction = fraction }

  init?(argument: String) {
    let isPercent = argument.hasSuffix("%")
    guard let value = Double(isPercent ? String(argument.dropLast()) : argument), value.isFinite
    else { return nil }
    fraction = isPercent ? value / 100 : value
  }

  var defaultValueDescription: String { "\(DecimalNumber.text(fraction * 100, decimals: 0))%" }
}

/// A mistake of the user, in one line, with its sysexits code.
struct UserMistake {
  /// Prints the line to standard error and gives the code to throw.
  static func exit(_ message: String, code: Int32) -> ExitCode {
    FileHandle.standardError.write(Data("sodalite: \(message)\n".utf8))
    return ExitCode(code)
  }
}

/// Finds cells by the name of a built-in set or the path of a description.
enum Cells {
  static let builtIn: [CellDescription] = [.hu2024NFMPB1HardCarbon]

  static func find(_ name: String) throws -> CellDescription {
    if let cell = builtIn.first(where: { $0.name == name }) { return cell }
    guard name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
      let names = builtIn.map(\.name).joined(separator: ", ")
      throw UserMistake.exit(
        "unknown cell '\(name)'; built in: \(names); or give the path of a .yaml description",
        code: 66)
    }
    guard let data = FileManager.default.contents(atPath: name) else {
      throw UserMistake.exit("\(name): cannot be read as a cell description", code: 66)
    }
    switch CellFile.parse(text: String(decoding: data, as: UTF8.self), file: name) {
    case .success(let cell): return cell
    case .failure(let problems): throw UserMistake.exit(problems.description, code: 78)
    }
  }
}

extension JSONText {
  /// A number, or null where there is none.
  init(_ value: Double?) { self = value.map(JSONText.number) ?? .null }
}

/// The wall clock, for speed and progress only.
func wallSeconds() -> Double { ProcessInfo.processInfo.systemUptime }

/// A fraction as a percentage for people.
func percent(_ value: Double?) -> String {
  value.map { "\(DecimalNumber.text($0 * 100, decimals: 2)) %" } ?? "-"
}

/// A 64-bit hash as 16 hexadecimal digits.
func hexadecimal(_ hash: StableHash) -> String {
  let digits = String(hash.value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

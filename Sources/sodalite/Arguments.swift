// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Telemetry

/// How a command prints its result.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case table
  case json
}

/// A length of time on the command line: "34h", "90min", "3600s" or "3600".
struct DurationArgument: CustomStringConvertible {
  var seconds: Double

  init(seconds: Double) { self.seconds = seconds }

  /// Reads an argument; up to a year.
  init(argument: String) throws {
    let units: [(String, Double)] = [("min", 60), ("h", 3_600), ("d", 86_400), ("s", 1), ("", 1)]
    for (suffix, scale) in units where argument.hasSuffix(suffix) {
      guard let value = DecimalNumber.parse(String(argument.dropLast(suffix.count))) else {
        continue
      }
      guard value > 0, value * scale <= 31_536_000 else { break }
      seconds = value * scale
      return
    }
    throw ValidationError("a time above 0 and up to 365d would be right, such as 34h, 90min or 10s")
  }

  var description: String {
    for (scale, unit) in [(3_600.0, "h"), (60, "min")]
    where seconds.truncatingRemainder(dividingBy: scale) == 0 {
      return "\(DecimalNumber.text(seconds / scale, decimals: 0))\(unit)"
    }
    return "\(DecimalNumber.text(seconds, decimals: 0))s"
  }
}

/// A share on the command line: "0.3" or "30%".
struct ShareArgument: CustomStringConvertible {
  var fraction: Double

  init(fraction: Double) { self.fraction = fraction }

  /// Reads a share of at most 100 % in magnitude.
  init(argument: String) throws {
    let isPercent = argument.hasSuffix("%")
    let number = isPercent ? String(argument.dropLast()) : argument
    guard let value = DecimalNumber.parse(number), abs(value) <= (isPercent ? 100 : 1) else {
      throw ValidationError("a share of at most 100% would be right, such as 30% or 0.3")
    }
    fraction = isPercent ? value / 100 : value
  }

  var description: String { "\(DecimalNumber.text(fraction * 100, decimals: 0))%" }
}

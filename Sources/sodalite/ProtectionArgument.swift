// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Firmware

/// A protection by its name on the command line.
struct ProtectionArgument: ExpressibleByArgument {
  let protection: Protection

  init?(argument: String) {
    guard let place = RunSummary.names.firstIndex(of: argument),
      let protection = Protection(rawValue: UInt8(place))
    else { return nil }
    self.protection = protection
  }

  static var allValueStrings: [String] { RunSummary.names }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Sodalite: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sodalite",
    abstract: "Battery-management firmware, simulator and library for sodium-ion cells.",
    subcommands: [Simulate.self, ReplayLog.self])
}

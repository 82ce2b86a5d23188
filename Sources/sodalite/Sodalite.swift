// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Telemetry

@main
struct Sodalite: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sodalite",
    abstract: "Battery-management firmware, simulator and library for sodium-ion cells.",
    discussion: "Positive current charges the cell, everywhere.",
    version: "0.1.0, not yet released",
    subcommands: [
      Simulate.self, Cycle.self, Paper.self, ReplayLog.self, Fit.self, Evaluate.self, Probe.self,
      Run.self, Watch.self, ServeChips.self, Bench.self, ModeStudy.self, FitStudy.self,
    ])

  /// Runs the command of the arguments; a mistake in them is one line on standard error.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      // Help is an error to the argument parser, too, and has its own way out.
      guard !(error is ExitCode), exitCode(for: error) == .validationFailure else {
        exit(withError: error)
      }
      StandardError.write("sodalite: \(mistake(error))\n")
      exit(withError: ExitCode.validationFailure)
    }
  }

  private static func mistake(_ error: any Error) -> String {
    let names = configuration.subcommands.filter { $0.configuration.shouldDisplay }
      .compactMap { $0._commandName }
    let first = CommandLine.arguments.dropFirst().first
    if let first, !first.hasPrefix("-"), !names.contains(first) {
      return "unknown command '\(first)'; there are \(names.joined(separator: ", "))"
    }
    let lines = message(for: error).split(whereSeparator: \.isNewline)
    let text = lines.map { $0.drop { $0 == " " } }.joined(separator: " ")
    let command = first.map { names.contains($0) ? " \($0)" : "" } ?? ""
    return
      "\(text)\(text.last == "." || text.last == "?" ? "" : ".") See 'sodalite\(command) --help'."
  }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A made-up cell of 1 Ah: 3.0 V to 4.0 V at rest, 60 mΩ at once and 30 mΩ within 60 s.
private struct MadeUpCell {
  var text = "Test Time / s,Current / A,Voltage / V,Temperature / degC\n"
  private var seconds = 0.0
  private var charge = 1.0
  private var relaxed = 0.0

  private static func openCircuit(_ place: Double) -> Double { 3 + place + 0.1 * place * place }

  mutating func flow(_ amperes: Double, seconds length: Double, every step: Double) {
    var passed = 0.0
    while passed < length - 1e-9 {
      // A row right after the step, then one in each interval.
      let next = passed == 0 ? 1 : min(step, length - passed)
      passed += next
      seconds += next
      charge += amperes * next / 3_600
      let decay = Foundation.exp(-next / 60)
      relaxed = 0.03 * amperes + (relaxed - 0.03 * amperes) * decay
      let volts = Self.openCircuit(charge) + 0.06 * amperes + relaxed
      text += "\(seconds),\(amperes),\(volts),25\n"
    }
  }

  /// A slow discharge and charge, then pulses.
  static let log: String = {
    var cell = MadeUpCell()
    cell.flow(0, seconds: 60, every: 60)
    cell.flow(-0.2, seconds: 17_400, every: 400)
    cell.flow(0, seconds: 600, every: 100)
    cell.flow(0.2, seconds: 17_400, every: 400)
    cell.flow(0, seconds: 600, every: 100)
    for _ in 0..<4 {
      cell.flow(-0.8, seconds: 900, every: 150)
      cell.flow(0, seconds: 300, every: 60)
    }
    return cell.text
  }()
}

/// Refusals; that a fit gives what is in `Cells` is shown by `Tools/cells`, for it takes minutes without
/// the optimiser.
@Suite struct FitTests {
  private static let cutoffs = ["--lower-cutoff", "3V", "--upper-cutoff", "4.1V"]

  private func outcome(_ log: String, _ options: [String] = cutoffs) throws -> Program.Outcome {
    let folder = try TemporaryFolder()
    try folder.write(log, to: "log.csv")
    return try Program.run(["fit", "log.csv"] + options, in: folder.url)
  }

  private static func changed(
    _ change: (inout [String]) -> Void
  ) -> String {
    var lines = MadeUpCell.log.split(separator: "\n").map(String.init)
    change(&lines)
    return lines.joined(separator: "\n") + "\n"
  }

  /// Rows with one of their numbers multiplied.
  private static func scaled(_ column: Int, by factor: Double) -> String {
    changed { lines in
      for row in lines.indices.dropFirst() {
        var fields = lines[row].split(separator: ",").map(String.init)
        fields[column] = "\((Double(fields[column]) ?? 0) * factor)"
        lines[row] = fields.joined(separator: ",")
      }
    }
  }

  private static let refusals: [(log: String, options: [String], reason: String)] = [
    (changed { $0 = Array($0.prefix(31)) }, cutoffs, "log.csv: 30 samples; expected at least 50"),
    (scaled(2, by: 1_000), cutoffs, "expected 0.2 V to 6 V of one cell (is it in mV?)"),
    (scaled(1, by: -1), cutoffs, "positive current discharges here; try --discharge-positive"),
    (scaled(1, by: 0), cutoffs, "log.csv: the current is 0 throughout; nothing to fit"),
    (scaled(0, by: 0.001), cutoffs, "s long; expected at least 600 s"),
    (
      changed { $0.removeSubrange(10..<45) }, cutoffs,
      "without a sample while current flowed: its charge is unknown; cut the record there"
    ),
    (
      changed { $0 = Array($0.prefix(1)) + Array($0[3..<45]) + Array($0[3..<12]) }, cutoffs,
      "runs backwards"
    ),
    (MadeUpCell.log, ["--lower-cutoff", "4.1V", "--upper-cutoff", "3V"], "is not below the upper"),
    (
      MadeUpCell.log, ["--lower-cutoff", "1V", "--upper-cutoff", "5V"],
      "expected at least 60 % of it"
    ),
    (
      MadeUpCell.log, cutoffs + ["--capacity", "0.5Ah"],
      "--capacity is 0.5 Ah, but 0.967 Ah passed between two states of a record; expected at least "
        + "that"
    ),
    (
      MadeUpCell.log, cutoffs + ["--cathode", "nowhere.csv", "--anode", "hard-carbon"],
      "nowhere.csv: cannot open: No such file or directory"
    ),
    (
      MadeUpCell.log, cutoffs + ["--cathode", "log.csv", "--anode", "hard-carbon"],
      "the potential rises with the content"
    ),
    (
      MadeUpCell.log, cutoffs + ["--cathode", "log.csv:a,b", "--anode", "hard-carbon"],
      "log.csv: no columns 'a', 'b'"
    ),
    (
      MadeUpCell.log, cutoffs + ["--columns", "current=none"],
      "no column 'none'"
    ),
  ]

  @Test(arguments: refusals.indices) func whatCannotBeFittedIsRefusedInOneLine(place: Int) throws {
    let (log, options, reason) = Self.refusals[place]
    let outcome = try outcome(log, options + ["--output", "cell.yaml"])
    #expect([64, 65, 66].contains(outcome.code))
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
  }

  @Test(arguments: [
    (["--cathode", "nfm-pb-1"], "--cathode and --anode go together"),
    (["--model", "electrodes"], "--model electrodes needs half-cell curves"),
    (["--lower-cutoff", "2"], "a positive number with a unit would be right, such as 2.5V"),
    (["log.csv@noon"], "log.csv@noon: 'noon' is no time; expected one such as 12h or 600s"),
    (["--capacity", "0Ah"], "a positive number with a unit would be right, such as 1.5Ah"),
  ])
  func optionsThatDoNotFitTogetherAreAnError(options: [String], reason: String) throws {
    let outcome = try outcome(MadeUpCell.log, options)
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
  }
}

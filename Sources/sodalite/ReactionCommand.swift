// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Dispatch
import Firmware
import Simulation
import Synchronization
import Telemetry

/// `sodalite simulate --faults reaction`: how long each protection takes, beside what is stated.
struct ReactionCommand {
  let description: CellDescription
  let seeds: Range<UInt64>
  let format: OutputFormat

  /// The time between two ticks. Unit: s.
  private static let periods = [0.1, 1]

  /// The reactions of one protection at one period.
  private struct Row {
    var protection: Protection
    var period: Double
    var rule: Double
    var stated: Double
    var quiet: Times
    var faulty: Times
  }

  /// Sorted; one that never came counts as endless.
  private struct Times {
    var seconds: [Double]

    init(_ seconds: [Double?]) { self.seconds = seconds.map { $0 ?? .infinity }.sorted() }

    func at(_ share: Double) -> Double {
      seconds[min(Int(share * Double(seconds.count)), seconds.count - 1)]
    }
    var worst: Double { seconds[seconds.count - 1] }
  }

  func run() throws {
    let study: ReactionStudy
    do {
      study = try ReactionStudy(description)
    } catch {
      throw UserMistake.exit("\(description.name): \(error)", code: 78)
    }
    let rows = Self.periods.flatMap { period in
      ReactionStudy.protections.map { row(study, $0, period) }
    }
    let kept = rows.allSatisfy { $0.quiet.worst <= $0.stated }
    try report(format == .json ? json(rows).text + "\n" : table(rows))
    if !kept { throw ExitCode(1) }
  }

  private func row(_ study: ReactionStudy, _ protection: Protection, _ period: Double) -> Row {
    let count = seeds.count
    let found = Mutex([Double?](repeating: nil, count: 2 * count))
    DispatchQueue.concurrentPerform(iterations: 2 * count) { index in
      let seconds = study.reaction(
        protection, seed: seeds.lowerBound + UInt64(index % count), period: period,
        faults: index < count ? nil : BusFaultCost.rates)
      found.withLock { $0[index] = seconds }
    }
    let all = found.withLock { $0 }
    return Row(
      protection: protection, period: period, rule: study.rule(protection),
      stated: study.stated(protection, period: period), quiet: Times(Array(all[..<count])),
      faulty: Times(Array(all[count...])))
  }

  private func table(_ rows: [Row]) -> String {
    func text(_ seconds: Double) -> String {
      seconds.isFinite ? number(seconds, 2) + " s" : "never"
    }
    var parts: [String] = []
    for period in Self.periods {
      var table = TableText([
        ("a tick each \(number(period, 1)) s", .left), ("rule", .right), ("stated", .right),
        ("median", .right), ("p99", .right), ("longest", .right), ("", .left),
        ("p99, faults", .right), ("longest, faults", .right),
      ])
      for row in rows where row.period == period {
        table.add([
          RunSummary.names[Int(row.protection.rawValue)], text(row.rule), text(row.stated),
          text(row.quiet.at(0.5)), text(row.quiet.at(0.99)), text(row.quiet.worst),
          row.quiet.worst <= row.stated ? "kept" : "late", text(row.faulty.at(0.99)),
          text(row.faulty.worst),
        ])
      }
      parts.append(table.text)
    }
    return parts.joined(separator: "\n") + "\n\(seeds.count) reactions a row and bus, seeds "
      + "\(seeds.lowerBound) to \(seeds.upperBound - 1); with faults 1 % of the transfers fail and "
      + "0.1 % are corrupted\n"
  }

  private func json(_ rows: [Row]) -> JSONText {
    func times(_ times: Times) -> JSONText {
      func value(_ seconds: Double) -> JSONText { JSONText(seconds.isFinite ? seconds : nil) }
      return .object([
        .init("p50", value(times.at(0.5))), .init("p99", value(times.at(0.99))),
        .init("longest", value(times.worst)),
      ])
    }
    return .object([
      .init("reactions", .integer(Int64(seeds.count))),
      .init(
        "rows",
        .array(
          rows.map { row in
            .object([
              .init("protection", .string(RunSummary.names[Int(row.protection.rawValue)])),
              .init("period", .number(row.period)), .init("rule", .number(row.rule)),
              .init("stated", .number(row.stated)), .init("seconds", times(row.quiet)),
              .init("secondsWithFaults", times(row.faulty)),
              .init("isKept", .boolean(row.quiet.worst <= row.stated)),
            ])
          })),
    ])
  }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChipEmulators
import Simulation
import Telemetry

/// `sodalite simulate --faults bus`: the same runs with and without faults on the bus.
struct BusFaultCommand {
  let seeds: ClosedRange<UInt64>
  let format: OutputFormat

  /// Plays every seed twice; an exit code of 1 says that the faults cost more than they may.
  ///
  /// - Parameter play: one run of a seed, with these faults or without any.
  func run(_ play: (UInt64, FaultProbabilities?) throws -> RunSummary) throws {
    var cost = BusFaultCost()
    var rows: [(seed: UInt64, clean: Double?, faulty: Double?)] = []
    for seed in seeds {
      let clean = try play(seed, nil).score
      let faulty = try play(seed, BusFaultCost.rates)
      cost.add(clean: clean, faulty: faulty.score, faulty.injected)
      rows.append((seed, clean.rmse, faulty.score.rmse))
    }
    try report(format == .json ? json(cost, rows).text + "\n" : table(cost, rows))
    if !cost.isMet { throw ExitCode(1) }
  }

  private func table(
    _ cost: BusFaultCost, _ rows: [(seed: UInt64, clean: Double?, faulty: Double?)]
  ) -> String {
    var table = TableText([
      ("seed", .left), ("RMSE", .right), ("with faults", .right), ("added", .right),
    ])
    func add(_ name: String, _ clean: Double?, _ faulty: Double?) {
      let added = clean.flatMap { clean in faulty.map { $0 - clean } }
      table.add([name, percent(clean), percent(faulty), signed(added)])
    }
    for row in rows { add("\(row.seed)", row.clean, row.faulty) }
    add("all", cost.clean.rmse, cost.faulty.rmse)
    let faults = cost.injected
    func share(_ count: Int64) -> String {
      percent(faults.transfers > 0 ? Double(count) / Double(faults.transfers) : nil)
    }
    return table.text + "\n\(grouped(Double(faults.transfers))) transfers, \(share(faults.failed)) "
      + "of them failed and \(share(faults.corrupted)) corrupted: \(signed(cost.added)) of RMSE, "
      + "at most \(signed(BusFaultCost.allowed)) was asked for: \(cost.isMet ? "met" : "missed")\n"
  }

  private func signed(_ share: Double?) -> String {
    share.map { ($0 < 0 ? "" : "+") + percent($0) } ?? "-"
  }

  private func json(
    _ cost: BusFaultCost, _ rows: [(seed: UInt64, clean: Double?, faulty: Double?)]
  ) -> JSONText {
    .object([
      .init(
        "runs",
        .array(
          rows.map {
            .object([
              .init("seed", .integer(Int64(clamping: $0.seed))),
              .init("rmse", JSONText($0.clean)), .init("rmseWithFaults", JSONText($0.faulty)),
            ])
          })),
      .init("transfers", .integer(cost.injected.transfers)),
      .init("failed", .integer(cost.injected.failed)),
      .init("corrupted", .integer(cost.injected.corrupted)),
      .init("rmse", JSONText(cost.clean.rmse)),
      .init("rmseWithFaults", JSONText(cost.faulty.rmse)), .init("added", JSONText(cost.added)),
      .init("allowed", .number(BusFaultCost.allowed)), .init("isMet", .boolean(cost.isMet)),
    ])
  }
}

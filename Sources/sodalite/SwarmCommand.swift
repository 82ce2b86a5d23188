// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import DeterministicMath
import Dispatch
import Firmware
import Quantities
import Simulation
import Synchronization
import Telemetry

/// What `--faults` takes.
enum FaultArgument: String, ExpressibleByArgument, CaseIterable {
  case swarm
  case bus
  case reaction
}

/// `sodalite simulate --faults swarm`: many runs, in each of which something else goes wrong.
struct SwarmCommand {
  let description: CellDescription
  let seeds: Range<UInt64>
  let format: OutputFormat

  /// What all runs came to; runs are added in the order of their seeds, whatever core they ran on.
  private struct Tally {
    var runs = 0
    var ticks = 0
    var seconds = 0.0
    var offSeconds = 0.0
    var coverage = SwarmCoverage()
    var violations: [SwarmResult] = []
    var reactions = ReactionTimes()
    var faults = SwarmFaultCounts()
    var hash = StableHash()

    mutating func add(_ result: SwarmResult) {
      runs += 1
      ticks += result.ticks
      seconds += result.seconds
      offSeconds += result.offSeconds
      faults.add(result.faults)
      coverage.add(result)
      if result.violation != nil { violations.append(result) }
      // Slower ticks make slower reactions; the table is of those that a board would choose.
      if result.period <= 1 { reactions.add(result.reactions) }
      hash.combine(Int64(bitPattern: result.hash))
    }
  }

  func run() throws {
    let swarm: Swarm
    do {
      swarm = try Swarm(description)
    } catch {
      throw UserMistake.exit("\(description.name): \(error)", code: 78)
    }
    let started = wallSeconds()
    var tally = Tally()
    var bar = ProgressBar.standardError()
    var next = seeds.lowerBound
    while next < seeds.upperBound {
      let end = min(next + 128, seeds.upperBound)
      for result in Self.results(swarm, next..<end) { tally.add(result) }
      next = end
      bar.update(
        fraction: Double(tally.runs) / Double(seeds.count), simulatedSeconds: tally.seconds,
        elapsedSeconds: wallSeconds() - started)
    }
    bar.finish()
    let elapsed = wallSeconds() - started
    try report(
      format == .json
        ? json(tally, elapsed).text + "\n" : table(tally, elapsed, swarm.protection))
    if !tally.violations.isEmpty || tally.coverage.violation != nil { throw ExitCode(1) }
  }

  private static func results(_ swarm: Swarm, _ seeds: Range<UInt64>) -> [SwarmResult] {
    let found = Mutex([SwarmResult?](repeating: nil, count: seeds.count))
    DispatchQueue.concurrentPerform(iterations: seeds.count) { index in
      let result = swarm.run(seed: seeds.lowerBound + UInt64(index))
      found.withLock { $0[index] = result }
    }
    return found.withLock { $0.compactMap { $0 } }
  }

  private static func text(_ result: SwarmResult) -> String {
    guard let violation = result.violation else { return "" }
    return "seed \(result.seed), tick \(violation.tick): \(violation.invariant.rawValue): "
      + violation.detail
  }

  private func table(_ tally: Tally, _ elapsed: Double, _ rules: ProtectionTable) -> String {
    var table = TableText([("", .left), ("", .left)])
    table.add(["runs", "\(tally.runs), seeds \(seeds.lowerBound) to \(seeds.upperBound - 1)"])
    table.add(["ticks", grouped(Double(tally.ticks))])
    table.add([
      "simulated",
      "\(grouped(tally.seconds / 3_600)) h of cell life, "
        + "\(grouped((tally.seconds - tally.offSeconds) / 3_600)) h of them with the firmware running",
    ])
    table.add([
      "speed",
      "\(grouped((tally.seconds - tally.offSeconds) / max(elapsed, 1e-9))) x real time while running",
    ])
    table.add(["95 % interval", "holds the truth \(percent(tally.coverage.rate)) of the time"])
    table.add(["hash", hexadecimal(tally.hash)])
    let overall = tally.coverage.violation.map { "all runs: \($0.invariant): \($0.detail)\n" }
    table.add(["violations", "\(tally.violations.count + (overall == nil ? 0 : 1))"])
    return table.text + faults(tally) + reactions(tally, rules)
      + tally.violations.prefix(20).map { Self.text($0) + "\n" }.joined() + (overall ?? "")
  }

  /// How often each kind of fault struck, in columns.
  private func faults(_ tally: Tally) -> String {
    let columns = 3
    let kinds = SwarmFault.allCases
    let height = (kinds.count + columns - 1) / columns
    var table = TableText(
      (0..<columns).flatMap { _ in [("fault", .left), ("struck", .right)] })
    for row in 0..<height {
      table.add(
        (0..<columns).flatMap { column -> [String] in
          let place = column * height + row
          guard place < kinds.count else { return ["", ""] }
          return [kinds[place].rawValue, grouped(Double(tally.faults[kinds[place]]))]
        })
    }
    return "\n" + table.text
  }

  private func reactions(_ tally: Tally, _ rules: ProtectionTable) -> String {
    var table = TableText([
      ("reaction, ticks of 0.1 s and 1 s", .left), ("seen", .right), ("rule", .right),
      ("median", .right), ("p99", .right), ("longest", .right),
    ])
    for (index, name) in RunSummary.names.prefix(8).enumerated() {
      let sorted = tally.reactions.seconds[index].sorted()
      guard let last = sorted.last, let protection = Protection(rawValue: UInt8(index)) else {
        continue
      }
      let rule = rules[protection]
      func at(_ share: Double) -> String {
        number(sorted[min(Int(share * Double(sorted.count)), sorted.count - 1)], 1) + " s"
      }
      table.add([
        name, "\(sorted.count)", number(Double(rule.delay + rule.grace) * 1e-6, 1) + " s", at(0.5),
        at(0.99), number(last, 1) + " s",
      ])
    }
    return "\n" + table.text
  }

  private func json(_ tally: Tally, _ elapsed: Double) -> JSONText {
    .object([
      .init("runs", .integer(Int64(tally.runs))), .init("ticks", .integer(Int64(tally.ticks))),
      .init("simulatedHours", .number(tally.seconds / 3_600)),
      .init("runningHours", .number((tally.seconds - tally.offSeconds) / 3_600)),
      .init("wallSeconds", .number(elapsed)),
      .init("coverage95", JSONText(tally.coverage.rate)),
      .init("coverageHolds", .boolean(tally.coverage.violation == nil)),
      .init("hash", .string(hexadecimal(tally.hash))),
      .init(
        "faults",
        .object(
          SwarmFault.allCases.map { .init($0.rawValue, .integer(tally.faults[$0])) })),
      .init(
        "violations",
        .array(
          tally.violations.map { result in
            .object([
              .init("seed", .integer(Int64(clamping: result.seed))),
              .init("tick", .integer(Int64(result.violation?.tick ?? 0))),
              .init("invariant", .string(result.violation?.invariant.rawValue ?? "")),
              .init("detail", .string(result.violation?.detail ?? "")),
            ])
          })),
    ])
  }
}

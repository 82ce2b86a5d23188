// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import Firmware
import Quantities
import Simulation
import Telemetry

/// What is told of one simulated run.
struct RunSummary {
  let seed: UInt64
  let cell: String
  let seconds: Double
  /// Estimates before this time are not scored: 3 h, or half of a run shorter than 6 h.
  let settle: Double
  var ticks = 0
  var wallSeconds = 0.0
  /// What the firmware was told at the start, and what was true.
  var firstGuess = 0.0
  var firstTruth = 0.0
  var trueCapacity = 0.0
  /// How healthy a cell of the history asked for is; nil for a new one.
  var health: AgeingHealth?
  var score = AccuracyScore()
  var faults = BusFaultCounts()
  /// What was done to the bus.
  var injected = InjectedFaults()
  var saturations: UInt32 = 0
  /// What the firmware expects of the cell at the end.
  var prognosis: Prognosis?
  private(set) var hash = StableHash()
  private(set) var last: Moment?
  private(set) var lastEstimate = 0.0
  private(set) var lastHalfWidth = 0.0
  /// What a gauge on the board says, against the truth.
  private var gauge = AccuracyScore()
  private var scored: Int64 = 0
  private var capacityCovered: Int64 = 0
  private var events: [(seconds: Double, name: String, begins: Bool)] = []

  init(seed: UInt64, cell: String, seconds: Double) {
    self.seed = seed
    self.cell = cell
    self.seconds = seconds
    settle = min(10_800, seconds / 2)
  }

  /// The protections by their raw values.
  static let names = [
    "overVoltage", "underVoltage", "overCurrentCharge", "overCurrentDischarge",
    "overTemperatureCharge", "overTemperatureDischarge", "underTemperatureCharge",
    "underTemperatureDischarge", "sensorImplausible", "sensorLost", "deepDischarge",
    "sustainedCurrentCharge", "sustainedCurrentDischarge", "switchDisagrees", "tickLate",
    "modelDisagrees", "prechargeFailed",
  ]

  /// The names of the protections in a set.
  static func names(of set: ProtectionSet) -> [String] {
    names.enumerated().filter { set.rawValue >> UInt32($0.offset) & 1 == 1 }.map(\.element)
  }

  /// All faults of the bus that the firmware met.
  static func total(_ faults: BusFaultCounts) -> UInt64 {
    [
      faults.noAcknowledge, faults.timedOut, faults.shortTransfer, faults.busStuck, faults.other,
      faults.chip, faults.lostConfiguration,
    ].reduce(0) { $0 + UInt64($1) }
  }

  mutating func add(_ moment: Moment) {
    let estimate = moment.report.estimate
    estimate.combine(into: &hash)
    let value = Double(estimate.stateOfCharge.partsPerMillion) * 1e-6
    let low = Double(estimate.lowestStateOfCharge.partsPerMillion) * 1e-6
    let high = Double(estimate.highestStateOfCharge.partsPerMillion) * 1e-6
    lastEstimate = value
    lastHalfWidth = (high - low) / 2
    if moment.seconds >= settle {
      // Outside the window the estimate stops at its end, and so does what it is compared with.
      let truth = min(max(moment.stateOfCharge, 0), 1)
      score.add(error: value - truth, covered: low <= truth && truth <= high)
      if let shown = moment.report.gaugeStateOfCharge {
        gauge.add(error: Double(shown.partsPerMillion) * 1e-6 - truth, covered: false)
      }
      scored += 1
      let capacity = Int64((trueCapacity * 3.6e12).rounded())
      if estimate.lowestCapacity.nanocoulombs <= capacity,
        capacity <= estimate.highestCapacity.nanocoulombs
      {
        capacityCovered += 1
      }
    }
    note(moment.report.tripped, at: moment.seconds, begins: true)
    note(moment.report.released, at: moment.seconds, begins: false)
    last = moment
  }

  private mutating func note(_ set: ProtectionSet, at seconds: Double, begins: Bool) {
    guard set != [], events.count < 1_000 else { return }
    for name in Self.names(of: set) { events.append((seconds, name, begins)) }
  }

  static func json(of score: AccuracyScore) -> JSONText {
    .object([
      .init("rmse", JSONText(score.rmse)), .init("p95", JSONText(score.percentile(0.95))),
      .init("maxError", JSONText(score.count > 0 ? score.maxError : nil)),
      .init("coverage95", JSONText(score.coverage)),
    ])
  }

  private var estimatedCapacity: Double {
    Double(last?.report.estimate.fullChargeCapacity.nanocoulombs ?? 0) / 3.6e12
  }

  var json: JSONText {
    .object(
      members + (health.map { [.init("health", Self.json(of: $0))] } ?? [])
        + (gauge.count > 0 ? [.init("gauge", gaugeJSON)] : []))
  }

  /// A gauge gives no interval.
  private var gaugeJSON: JSONText {
    let shown = last?.report.gaugeStateOfCharge
    return .object([
      .init("stateOfCharge", JSONText(shown.map { Double($0.partsPerMillion) * 1e-6 })),
      .init("rmse", JSONText(gauge.rmse)), .init("maxError", .number(gauge.maxError)),
    ])
  }

  private static func json(of health: AgeingHealth) -> JSONText {
    .object([
      .init("capacity", .number(health.capacity)),
      .init("sodiumLost", .number(health.lossOfSodiumInventory)),
      .init("contactResistance", .number(health.resistance)),
      .init("cathodeSites", .array(health.cathodeSites.map(JSONText.number))),
    ])
  }

  private var members: [JSONText.Member] {
    [
      .init("seed", .integer(Int64(clamping: seed))), .init("cell", .string(cell)),
      .init("ticks", .integer(Int64(ticks))), .init("simulatedSeconds", .number(seconds)),
      .init("wallSeconds", .number(wallSeconds)),
      .init("stateOfCharge", Self.json(of: score)),
      .init(
        "capacity",
        .object([
          .init("trueAmpereHours", .number(trueCapacity)),
          .init("estimatedAmpereHours", .number(estimatedCapacity)),
          .init(
            "coverage95",
            JSONText(scored > 0 ? Double(capacityCovered) / Double(scored) : nil)),
        ])),
      .init("estimateHash", .string(hexadecimal(hash))),
      .init(
        "protectionEvents",
        .array(
          events.map {
            .object([
              .init("seconds", .number($0.seconds)), .init("protection", .string($0.name)),
              .init("begins", .boolean($0.begins)),
            ])
          })),
      .init(
        "busFaults",
        .object([
          .init("noAcknowledge", .integer(Int64(faults.noAcknowledge))),
          .init("timedOut", .integer(Int64(faults.timedOut))),
          .init("shortTransfer", .integer(Int64(faults.shortTransfer))),
          .init("busStuck", .integer(Int64(faults.busStuck))),
          .init("chip", .integer(Int64(faults.chip))),
          .init("lostConfiguration", .integer(Int64(faults.lostConfiguration))),
          .init("recovered", .integer(Int64(faults.recovered))),
        ])),
      .init("saturations", .integer(Int64(saturations))),
    ] + (prognosis.map { [.init("prognosis", $0.json(at: last?.report.time))] } ?? [])
  }

  /// How estimates met the truth, in a line.
  static func text(of score: AccuracyScore) -> String {
    "RMSE \(percent(score.rmse)), 95th percentile \(percent(score.percentile(0.95))), "
      + "largest \(percent(score.maxError)), interval covers \(percent(score.coverage))"
  }

  /// One line for a run among many.
  var line: String {
    "seed \(seed): \(Self.text(of: score)), capacity \(charge(estimatedCapacity)) of "
      + "\(charge(trueCapacity)), hash \(hexadecimal(hash))"
  }

  var table: String {
    var table = TableText([("", .left), ("", .left)])
    table.add(["seed", "\(seed)"])
    table.add(["cell", cell])
    if let health {
      table.add([
        "age of the true cell",
        "\(percent(health.capacity)) of a new one's capacity, "
          + "\(percent(health.resistance)) of its contact resistance; the firmware is not told",
      ])
    }
    table.add(["simulated", "\(grouped(Double(ticks))) ticks, \(number(seconds / 3_600, 2)) h"])
    table.add([
      "state of charge, at first", "\(percent(firstGuess)) believed, \(percent(firstTruth)) true",
    ])
    table.add([
      "state of charge, at last",
      "\(percent(lastEstimate)) ± \(percent(lastHalfWidth)) believed, "
        + "\(percent(last?.stateOfCharge)) true",
    ])
    let after = "after \(number(settle / 3_600, 2)) h"
    table.add([
      "error \(after)",
      "RMSE \(percent(score.rmse)), 95th percentile \(percent(score.percentile(0.95))), "
        + "largest \(percent(score.maxError))",
    ])
    table.add(["95 % interval \(after)", "covers the truth \(percent(score.coverage)) of the time"])
    table.add([
      "capacity",
      "\(charge(estimatedCapacity)) believed, \(charge(trueCapacity)) true",
    ])
    if gauge.count > 0 {
      let shown = last?.report.gaugeStateOfCharge.map { Double($0.partsPerMillion) * 1e-6 }
      table.add([
        "the board's gauge",
        "\(percent(shown)) at last; error \(after): RMSE \(percent(gauge.rmse)), largest "
          + "\(percent(gauge.maxError))",
      ])
    }
    if let prognosis, let now = last?.report.time {
      for row in prognosis.rows(at: now) { table.add(row) }
    }
    table.add(["protection", trips])
    table.add(["bus faults", "\(grouped(Double(Self.total(faults))))"])
    table.add(["clamped results", "\(saturations)"])
    table.add(["estimate hash", hexadecimal(hash)])
    table.add(["speed", "\(grouped(seconds / max(wallSeconds, 1e-9))) x real time"])
    return table.text
  }

  /// The protections that acted, the first five of them by name.
  private var trips: String {
    let trips = events.filter(\.begins)
    guard !trips.isEmpty else { return "never acted" }
    let first = trips.prefix(5).map { "\($0.name) at \(number($0.seconds, 1)) s" }
    let rest = trips.count > 5 ? ["\(trips.count - 5) more"] : []
    return (first + rest).joined(separator: ", ")
  }
}

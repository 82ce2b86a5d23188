// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Telemetry

/// The files that a run writes as it goes: the test row by row, and one row per cycle.
struct CycleFiles: ~Copyable {
  private var data: GrowingLog?
  private var summaries: GrowingLog?
  private let record: RecordArgument
  /// The rows of the present cycle, where only the last one is asked for.
  private var waiting: [CyclerSample] = []

  /// Where the files stand; nil for a file there is none of.
  struct Positions {
    var data: GrowingLog.Position?
    var summaries: GrowingLog.Position?
  }

  /// Makes the files of a command, or goes on with those it made before.
  init(_ command: Cycle, at positions: Positions?) throws(DataProblem) {
    record = command.record
    data = try Self.log(command.output, Self.dataColumns, positions?.data)
    summaries = try Self.log(command.summary, Self.summaryColumns, positions?.summaries)
  }

  private static func log(
    _ path: String?, _ columns: [BDFWriter.Column], _ position: GrowingLog.Position?
  ) throws(DataProblem) -> GrowingLog? {
    guard let path else { return nil }
    guard let position else { return try GrowingLog.create(path, columns: columns) }
    return try GrowingLog.resume(path, columns: columns, at: position)
  }

  /// Takes a moment of the test.
  mutating func add(_ sample: CyclerSample) throws(DataProblem) {
    if record == .last {
      if let last = waiting.last, last.cycle != sample.cycle { waiting.removeAll() }
      if data != nil { waiting.append(sample) }
    } else if record.keeps(sample.cycle) {
      try write(sample)
    }
  }

  /// Takes a cycle that is over.
  ///
  /// - Parameters:
  ///   - cycle: how it went.
  ///   - testSeconds: the time of the test at its end.
  mutating func add(_ cycle: CyclerCycleSummary, testSeconds: Double) throws(DataProblem) {
    try summaries?.append(
      Double(cycle.cycle), testSeconds, cycle.seconds, cycle.chargedAmpereHours,
      cycle.dischargedAmpereHours, cycle.coulombicEfficiency, cycle.chargedWattHours,
      cycle.dischargedWattHours, cycle.energyEfficiency, cycle.highestCelsius, cycle.health)
  }

  /// Lets readers of the files see what was made so far.
  mutating func flush() throws(DataProblem) {
    try data?.flush()
    try summaries?.flush()
  }

  /// Puts what was made so far on the disk and says where it ends.
  mutating func synchronize() throws(DataProblem) -> Positions {
    try data?.synchronize()
    try summaries?.synchronize()
    return Positions(data: data?.position, summaries: summaries?.position)
  }

  /// Writes what waited for the end.
  mutating func finish() throws(DataProblem) {
    for sample in waiting { try write(sample) }
    try flush()
  }

  /// Passes the rows that are in no file yet.
  mutating func exchange(_ words: inout StateWords) {
    words.field(&waiting, standard: CyclerSample()) { $0.exchange(&$1) }
  }

  private mutating func write(_ sample: CyclerSample) throws(DataProblem) {
    try data?.append(
      sample.testSeconds, sample.amperes, sample.volts, Double(sample.cycle), Double(sample.step),
      sample.temperatureCelsius, sample.stateOfCharge)
  }

  private static let dataColumns: [BDFWriter.Column] = [
    .time, .current, .voltage, .init("Cycle Count / 1", decimals: 0),
    .init("Step Count / 1", decimals: 0), .temperature, .truth,
  ]

  private static let summaryColumns: [BDFWriter.Column] = [
    .init("Cycle Count / 1", decimals: 0), .time, .init("Cycle Time / s", decimals: 6),
    .init("Charging Capacity / Ah", decimals: 9), .init("Discharging Capacity / Ah", decimals: 9),
    .init("Coulombic Efficiency / 1", decimals: 6), .init("Charging Energy / Wh", decimals: 9),
    .init("Discharging Energy / Wh", decimals: 9), .init("Energy Efficiency / 1", decimals: 6),
    .init("Surface Temperature Maximum / degC", decimals: 3),
    .init("State of Health / 1", decimals: 6),
  ]
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Foundation
import Quantities

@testable import sodalite

/// `sodalite run` in a guest, under way.
final class GuestRun {
  /// The board of the machines, here.
  static let boardOnHost =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ServedMachine.board).path

  private let machine: ServedMachine
  private let name: String
  private let process: Int

  /// Starts it; its clock is as fast as the board's. A tick takes the emulated processor some
  /// milliseconds, so there is one every two seconds of the cell.
  init(_ machine: ServedMachine, speed: Double, name: String, options: String = "") throws {
    self.machine = machine
    self.name = name
    let text = try machine.guest.ask(
      """
      CLOCK_SPEED=\(Int(speed)) LD_PRELOAD=/bin/clock.so \(ServedMachine.program) run \
      --board \(ServedMachine.board) --rate 0.5 --format json --log /out/\(name).csv \(options) \
      >/out/\(name).json 2>/out/\(name).errors & echo $!
      """)
    guard let process = Int(text) else { throw Guest.Trouble(description: text) }
    self.process = process
    let deadline = Date().addingTimeInterval(120)
    while try ticks().isEmpty {
      guard Date() < deadline, try isRunning() else {
        throw Guest.Trouble(description: "no tick: \(try machine.output("\(name).errors"))")
      }
      usleep(50_000)
    }
  }

  func isRunning() throws -> Bool { try machine.guest.run("kill -0 \(process)").status == 0 }

  /// Ends it as a service manager would; what it said on standard error.
  func stop() throws -> String {
    try machine.guest.ask(
      "kill \(process); while kill -0 \(process) 2>/dev/null; do usleep 20000; done; "
        + "cat /out/\(name).errors", seconds: 60)
  }

  /// What it told so far.
  func ticks() throws -> [Tick] {
    let path = machine.outputFile("\(name).json").path
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let text = try machine.output("\(name).json")
    // The last line may be on its way.
    return try text.split(separator: "\n").filter { $0.hasSuffix("}") }.map { try Tick($0) }
  }

  /// What it told last; nil before the first tick.
  func lastTick() throws -> Tick? {
    let file = try FileHandle(forReadingFrom: machine.outputFile("\(name).json"))
    let end = try file.seekToEnd()
    try file.seek(toOffset: end > 4_000 ? end - 4_000 : 0)
    let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    return try text.split(separator: "\n").dropFirst().last { $0.hasSuffix("}") }.map {
      try Tick($0)
    }
  }

  /// Keeps the log beside the tests' build; where it is.
  func keepLog() throws -> String {
    let folder = URL(filePath: Self.boardOnHost).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/hil")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let kept = folder.appending(path: "\(name).csv")
    if FileManager.default.fileExists(atPath: kept.path) {
      try FileManager.default.removeItem(at: kept)
    }
    try FileManager.default.copyItem(at: machine.outputFile("\(name).csv"), to: kept)
    return kept.path
  }
}

/// One report of a run, in the firmware's own units: what was printed is exact.
struct Tick: Equatable {
  var microseconds: Int64
  var microvolts: Int64?
  var microamperes: Int64?
  var millidegrees: Int64?
  /// Estimate, lowest, highest. Unit: ppm.
  var stateOfCharge: [Int64]
  /// Estimate, lowest, highest. Unit: nC.
  var capacity: [Int64]
  var allowsCharge: Bool
  var allowsDischarge: Bool
  var protections: [String]
  var isImplausible: Bool
  /// Calls to the kernel that failed or came late.
  var lateCalls: Int64 = 0
  /// Ticks that were left out so far.
  var missed: Int64 = 0

  init(_ line: Substring) throws {
    guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
      let seconds = object["seconds"] as? Double,
      let charge = object["stateOfCharge"] as? [String: Double],
      let capacity = object["capacityAmpereHours"] as? [String: Double],
      let protections = object["protections"] as? [String],
      let bus = object["bus"] as? [String: Int64]
    else { throw Guest.Trouble(description: "no tick: \(line)") }
    func exact(_ value: Double?, _ unit: Double) -> Int64? {
      value.map { Int64(($0 * unit).rounded()) }
    }
    func three(_ values: [String: Double], _ unit: Double) -> [Int64] {
      ["estimate", "lowest", "highest"].compactMap { exact(values[$0], unit) }
    }
    microseconds = Int64((seconds * 1e6).rounded())
    microvolts = exact(object["volts"] as? Double, 1e6)
    microamperes = exact(object["amperes"] as? Double, 1e6)
    millidegrees = exact(object["celsius"] as? Double, 1e3)
    stateOfCharge = three(charge, 1e6)
    self.capacity = three(capacity, 3.6e12)
    allowsCharge = object["allowsCharge"] as? Bool ?? false
    allowsDischarge = object["allowsDischarge"] as? Bool ?? false
    self.protections = protections
    isImplausible = object["implausible"] as? Bool ?? true
    missed = object["missedTicks"] as? Int64 ?? 0
    lateCalls = bus.filter { $0.key != "transfers" }.values.reduce(0, +)
  }

  init(_ report: Report) {
    let estimate = report.estimate
    microseconds = report.time.microseconds
    microvolts = report.measurement.voltage.map { Int64($0.microvolts) }
    microamperes = report.measurement.current.map { Int64($0.microamperes) }
    millidegrees = report.measurement.temperature.map { Int64($0.millidegreesCelsius) }
    stateOfCharge = [
      estimate.stateOfCharge, estimate.lowestStateOfCharge, estimate.highestStateOfCharge,
    ].map { Int64($0.partsPerMillion) }
    capacity = [
      estimate.fullChargeCapacity, estimate.lowestCapacity, estimate.highestCapacity,
    ].map(\.nanocoulombs)
    allowsCharge = report.allowsCharge
    allowsDischarge = report.allowsDischarge
    protections = RunSummary.names(of: report.protections)
    isImplausible = !report.implausibility.isEmpty
  }

  /// What the firmware itself said.
  var withoutBus: Tick {
    var tick = self
    tick.lateCalls = 0
    tick.missed = 0
    return tick
  }

  /// A row of a table beside the truth.
  func table(_ truth: ServedMachine.Truth) -> String {
    func percent(_ value: Double) -> String { "\((value * 1e4).rounded() / 100) %" }
    let half = Double(stateOfCharge[2] - stateOfCharge[1]) / 2e6
    let amperes = (truth.amperes * 1_000).rounded() / 1_000
    return "\((Double(microseconds) * 1e-6).rounded()) s: \(amperes) A, "
      + "\(Double((microvolts ?? 0) / 1_000) / 1_000) V, believed \(percent(Double(stateOfCharge[0]) * 1e-6)) "
      + "± \(percent(half)), true \(percent(truth.stateOfCharge))"
  }
}

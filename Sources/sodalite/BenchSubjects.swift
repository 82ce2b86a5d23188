// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import Firmware
import Foundation
import Quantities
import Simulation
import Telemetry

extension BenchSubject {
  private static let cellDescription = CellDescription.hu2024NFMPB1HardCarbon
  /// How many ticks or rows a repetition takes: some tenths of a second.
  private static let count = 20_000

  private static func rig() throws -> Rig<StateEstimator> {
    try Rig(RigSetup(cell: cellDescription, seed: 1))
  }

  /// The time per pass in microseconds.
  private static func microseconds(_ passes: Int, _ body: () -> Void) -> Double {
    let begin = wallSeconds()
    body()
    return (wallSeconds() - begin) / Double(passes) * 1e6
  }

  /// Keeps a value alive, so that the optimiser cannot leave out what made it.
  @inline(never) private static func use<Value>(_ value: borrowing Value) {}
}

// MARK: - Other processes

extension BenchSubject {
  static var start: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("start", "ms", "sodalite --help, from start to end of the process"),
        BenchFigure("start.memory", "MiB", "the largest memory it took"),
      ]
    ) {
      let child = try ChildProcess.run(["--help"])
      return [child.seconds * 1e3, child.peakMebibytes]
    }
  }

  static var simulate: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("simulate", "x real time", "sodalite simulate, 34 h, as a process"),
        BenchFigure("simulate.memory", "MiB", "the largest memory it took"),
      ]
    ) {
      let child = try ChildProcess.run(["simulate", "--duration", "34h"])
      return [122_400 / child.seconds, child.peakMebibytes]
    }
  }
}

// MARK: - The loop and its parts

extension BenchSubject {
  /// The filter on what the firmware measured in a run.
  static var filter: BenchSubject {
    var recorded: [(time: MonotonicTime, measurement: CellEstimation.Measurement)] = []
    return BenchSubject(
      figures: [BenchFigure("filter.step", "µs", "one measurement into the estimator")]
    ) {
      if recorded.isEmpty {
        var rig = try rig()
        for _ in 0..<count {
          let report = rig.step().report
          recorded.append((report.time, report.measurement))
        }
      }
      var estimator = StateEstimator(
        profile: try ProfileMaker.profile(for: cellDescription),
        stateOfCharge: .partsPerMillion(600_000), deviation: 300_000)
      let time = microseconds(count) {
        for row in recorded { estimator.step(at: row.time, row.measurement) }
      }
      use(estimator)
      return [time]
    }
  }

  static var tick: BenchSubject {
    BenchSubject(
      figures: [BenchFigure("tick", "µs", "one closed-loop tick: cell, chips, I2C, firmware")]
    ) {
      var rig = try rig()
      var hash = StableHash()
      let time = microseconds(count) {
        for _ in 0..<count { rig.step().report.estimate.combine(into: &hash) }
      }
      use(hash)
      return [time]
    }
  }

  /// The board of `Boards/emulated`: what `run` does once a tick, without the printing.
  static var boardTick: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("board.tick", "µs", "a tick on the emulated board with twelve chips, at 10 Hz")
      ]
    ) {
      let choice = try BoardChoice.emulated()
      var board = try choice.emulate(seed: 1, stateOfCharge: 0.6)
      try board.perform(.cycles)
      let profile = try ProfileMaker.profile(for: choice.cell)
      var firmware = Firmware(
        try choice.board.firmwareConfiguration(cell: choice.cell),
        estimator: StateEstimator(profile: profile, stateOfCharge: .partsPerMillion(500_000)),
        bus: board.bus, chargeSwitch: board.chargeSwitch, dischargeSwitch: board.dischargeSwitch)
      var hash = StableHash()
      let time = microseconds(count) {
        for tick in 1...Int64(count) {
          board.advance(to: tick * 100_000)
          firmware.tick(at: .microseconds(tick * 100_000)).estimate.combine(into: &hash)
        }
      }
      use(hash)
      return [time]
    }
  }

  /// The tick's parts, each between two looks at the clock, which are subtracted.
  static var parts: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("tick.cell", "µs", "of it, the cell's second under load or charger"),
        BenchFigure("tick.chips", "µs", "of it, the chips' conversions"),
        BenchFigure("tick.firmware", "µs", "of it, the firmware: I2C, estimate, protection"),
      ]
    ) {
      var rig = try rig()
      var hash = StableHash()
      var sums = [Duration](repeating: .zero, count: 4)
      for _ in 0..<count {
        let begin = ContinuousClock.now
        rig.move()
        let moved = ContinuousClock.now
        rig.measure()
        let measured = ContinuousClock.now
        rig.decide().estimate.combine(into: &hash)
        let decided = ContinuousClock.now
        sums[0] += moved - begin
        sums[1] += measured - moved
        sums[2] += decided - measured
        sums[3] += ContinuousClock.now - decided
      }
      use(hash)
      return sums[..<3].map { ($0 - sums[3]) / .microseconds(count) }
    }
  }

  /// The US06 drive without its mean, so that the cell stays half full.
  static var cell: BenchSubject {
    BenchSubject(
      figures: [BenchFigure("cell.step", "µs", "one second of the cell alone, US06 drive")]
    ) {
      var cell = try Cell(cellDescription, stateOfCharge: 0.5)
      let scale = 0.3 * cellDescription.ratedCapacityAmpereHours / US06.meanAmperes
      let amperes = US06.microamperes.map { Double($0) * 1e-6 * scale }
      let mean = amperes.reduce(0, +) / Double(amperes.count)
      let time = microseconds(count) {
        for second in 0..<count {
          cell.step(.current(amperes: amperes[second % amperes.count] - mean), seconds: 1)
        }
      }
      use(cell)
      return [time]
    }
  }
}

// MARK: - Data files

extension BenchSubject {
  static var csv: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("csv.write", "rows/s", "six columns to a BDF CSV file"),
        BenchFigure("csv.read", "rows/s", "the same file, checked, to samples"),
      ]
    ) {
      let rows = 200_000
      let path =
        FileManager.default.temporaryDirectory.path
        + "/sodalite-bench-\(ProcessInfo.processInfo.processIdentifier).csv"
      defer { _ = unsafe unlink(path) }
      let begin = wallSeconds()
      try write(rows, to: path)
      let written = wallSeconds()
      var log = try LogReader.open(path)
      var sum = 0.0
      while let sample = try log.next() { sum += sample.volts }
      use(sum)
      return [Double(rows) / (written - begin), Double(rows) / (wallSeconds() - written)]
    }
  }

  private static func write(_ rows: Int, to path: String) throws(DataProblem) {
    var writer = try BDFWriter(path: path, columns: [.temperature, .truth, .estimate])
    for row in 0..<rows {
      let place = Double(row % 9_973) / 9_973
      try writer.append(
        seconds: Double(row), amperes: 3 * place - 1.5, volts: 2 + 2.2 * place, 25 + place, place,
        place)
    }
    try writer.finish()
  }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Telemetry

/// `sodalite bench`: how fast the core paths are on this machine, and how much memory they take.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure speed and memory of the core paths on this machine.",
    discussion: """
      Each figure is the median of some repetitions, with the lowest and the highest of them. What \
      runs is the same every time, with seed 1; only the clock differs. Without --filter it takes \
      about half a minute.
      """)

  @Option(help: "Only the figures with this in their name, such as tick or csv.")
  var filter: String?
  @Option(help: "How often each figure is measured.") var repetitions = 5
  @Flag(help: "Also build and run small C kernels, and say how far from them we are.")
  var limits = false
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard (1...1_000).contains(repetitions) else {
      throw ValidationError("--repetitions \(repetitions): 1 to 1000 would be right")
    }
  }

  func run() throws {
    let chosen = Self.subjects.filter { $0.figures.contains { isWanted($0.name) } }
    guard !chosen.isEmpty else {
      let names = Self.subjects.flatMap(\.figures).map(\.name).joined(separator: ", ")
      throw UserMistake.exit(
        "--filter \(filter ?? ""): no figure has this in its name; there are \(names)", code: 64)
    }
    var figures: [BenchFigure] = []
    var bar = ProgressBar.standardError()
    let started = wallSeconds()
    for (index, subject) in chosen.enumerated() {
      var measured = subject.figures
      do {
        for repetition in 0..<repetitions {
          for (place, value) in try subject.measure().enumerated() {
            measured[place].values.append(value)
          }
          let part = Double(repetition + 1) / Double(repetitions)
          bar.update(
            fraction: (Double(index) + part) / Double(chosen.count), simulatedSeconds: .nan,
            elapsedSeconds: wallSeconds() - started)
        }
      } catch {
        bar.finish()
        throw UserMistake.exit("bench \(subject.figures[0].name): \(error)", code: 74)
      }
      figures += measured.filter { isWanted($0.name) }
    }
    bar.finish()
    if limits {
      let kernels = try BenchLimits.figures(in: "Tools/limits")
      figures += kernels + BenchLimits.ratios(figures, kernels)
    }
    try report(
      format == .json
        ? JSONText.array(figures.map(\.json)).text + "\n" : BenchFigure.table(of: figures))
  }

  private func isWanted(_ name: String) -> Bool { filter.map { name.contains($0) } ?? true }

  /// Other processes come first: what the kernel tells of a child's memory is at least what its
  /// parent held when it began, and this process is small only before its own measurements.
  private static var subjects: [BenchSubject] {
    [
      .start, .simulate, .filter, .modes, .tick, .boardTick, .parts, .cell, .discharge, .profile,
      .cycles,
      .titration,
      .voltammetry, .batch, .csv,
    ]
  }
}

/// What is measured together; every call of `measure` gives one value per figure.
struct BenchSubject {
  var figures: [BenchFigure]
  var measure: () throws -> [Double]
}

/// One figure: its repetitions and their median.
struct BenchFigure {
  var name: String
  var unit: String
  /// What it is, for people.
  var meaning: String
  var values: [Double] = []

  init(_ name: String, _ unit: String, _ meaning: String) {
    self.name = name
    self.unit = unit
    self.meaning = meaning
  }

  var median: Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  var json: JSONText {
    .object([
      .init("name", .string(name)), .init("unit", .string(unit)),
      .init("median", .number(median)), .init("low", .number(values.min() ?? .nan)),
      .init("high", .number(values.max() ?? .nan)),
    ])
  }

  static func table(of figures: [BenchFigure]) -> String {
    var table = TableText([
      ("name", .left), ("median", .right), ("low", .right), ("high", .right), ("unit", .left),
      ("what", .left),
    ])
    for figure in figures {
      table.add([
        figure.name, text(figure.median), text(figure.values.min() ?? .nan),
        text(figure.values.max() ?? .nan), figure.unit, figure.meaning,
      ])
    }
    return table.text
  }

  /// Three digits or more, as far as a clock can tell.
  private static func text(_ value: Double) -> String {
    value >= 1_000 ? grouped(value) : number(value, value < 10 ? 2 : (value < 100 ? 1 : 0))
  }
}

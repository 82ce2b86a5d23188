// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the machine can do: three small kernels in C, built and run beside the product's own figures.
enum BenchLimits {
  /// What the kernels print, by name.
  private static let meanings = [
    "limit.two-rc": "a step of two RC pairs and a table in C, one cell",
    "limit.single-particle": "a step of a single-particle model with ten modes in C, one cell",
    "limit.batch": "a step of two RC pairs in C, a cell of 1024 side by side",
  ]

  /// Which of our figures stands beside which kernel.
  private static let pairs = [
    ("filter.step", "limit.two-rc"), ("cell.step", "limit.single-particle"),
  ]

  private struct Row: Decodable {
    var name: String
    var unit: String
    var median: Double
    var low: Double
    var high: Double
  }

  /// Builds and runs the kernels of a checkout.
  ///
  /// - Parameter folder: where they are, such as `Tools/limits`.
  static func figures(in folder: String) throws -> [BenchFigure] {
    let script = "\(folder)/run"
    guard FileManager.default.isExecutableFile(atPath: script) else {
      throw UserMistake.exit(
        "--limits: \(script) is not here; start in a checkout of the project", code: 66)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: script)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw UserMistake.exit("--limits: \(script) failed; is there a C compiler?", code: 69)
    }
    return try String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).map {
      line in
      let row = try JSONDecoder().decode(Row.self, from: Data(line.utf8))
      var figure = BenchFigure(row.name, row.unit, meanings[row.name] ?? "")
      figure.values = [row.low, row.median, row.high]
      return figure
    }
  }

  /// How many times as long as its kernel each of our figures takes; our figures are in µs.
  static func ratios(_ own: [BenchFigure], _ limits: [BenchFigure]) -> [BenchFigure] {
    pairs.compactMap { name, kernel in
      guard let figure = own.first(where: { $0.name == name }),
        let limit = limits.first(where: { $0.name == kernel })
      else { return nil }
      var ratio = BenchFigure("\(name).ratio", "x", "\(name) over \(kernel)")
      ratio.values = figure.values.map { $0 * 1e3 / limit.median }
      return ratio
    }
  }
}

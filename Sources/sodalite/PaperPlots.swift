// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Foundation
import Telemetry

/// The figures a reader of the paper expects, drawn by gnuplot.
enum PaperPlots {
  /// Runs the experiments and draws the figures.
  ///
  /// - Parameters:
  ///   - folder: made where it is missing; takes a script, an SVG and a PNG per figure.
  ///   - laboratory: where the experiments run.
  static func draw(into folder: String, _ laboratory: inout PaperLaboratory) throws {
    let figures: [PaperFigure]
    do throws(CellError) {
      figures = [
        try firstCycles(&laboratory), try incrementalCapacity(&laboratory),
        try voltammetry(&laboratory), try rates(&laboratory), try cycling(&laboratory),
        try titration(&laboratory),
      ]
    } catch {
      throw UserMistake.exit("\(error)", code: 78)
    }
    try write(figures, into: folder)
  }

  /// Writes the figures' scripts and draws them.
  static func write(
    _ figures: [PaperFigure], into folder: String, saying say: (String) -> Void = { print($0) }
  ) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      for figure in figures {
        try figure.script.write(
          toFile: "\(folder)/\(figure.name).gp", atomically: true, encoding: .utf8)
      }
    } catch {
      throw UserMistake.exit(
        "\(folder): cannot be written: \(error.localizedDescription)", code: 74)
    }
    for figure in figures {
      try gnuplot("\(figure.name).gp", in: folder)
      say("\(folder)/\(figure.name).svg, .png")
    }
  }

  private static func gnuplot(_ script: String, in folder: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gnuplot", script]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let errors = Pipe()
    process.standardError = errors
    do {
      try process.run()
    } catch {
      throw UserMistake.exit("gnuplot cannot be started: \(error.localizedDescription)", code: 69)
    }
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    switch process.terminationStatus {
    case 0: return
    case 127:
      throw UserMistake.exit(
        "gnuplot is not installed (Debian: apt install gnuplot-nox); the scripts are in \(folder)",
        code: 69)
    default:
      throw UserMistake.exit(
        "gnuplot \(script): \(String(decoding: said, as: UTF8.self))", code: 70)
    }
  }
}

// MARK: - The figures

extension PaperPlots {
  private static func firstCycles(
    _ laboratory: inout PaperLaboratory
  ) throws(CellError) -> PaperFigure {
    var curves: [PaperFigure.Curve] = []
    let systems: [PaperSystem] = [.mPB, .nmPB, .nfmPB0, .nfmPB1]
    for (colour, system) in systems.enumerated() {
      let cycle = try laboratory.firstCycle(system)
      curves.append(
        .init(
          title: system.rawValue, colour: colour, x: cycle.charge.milliampereHoursPerGram,
          y: cycle.charge.volts))
      curves.append(
        .init(
          title: "", colour: colour, x: cycle.discharge.milliampereHoursPerGram,
          y: cycle.discharge.volts))
    }
    let published: [(Double, Int)] = [(114.6, 0), (123.4, 2), (131.0, 3)]
    for point in published {
      curves.append(.init(title: "", colour: point.1, look: .published, x: [point.0], y: [2.0]))
    }
    curves.append(.paperInKey)
    return PaperFigure(
      name: "first-cycles",
      panels: [
        .init(
          title: "First cycle at 10 mA/g, half cells", xLabel: "capacity / mAh g^{-1}",
          yLabel: "voltage / V", curves: curves, xRange: 0...145, yRange: 1.95...4.25,
          key: "outside right top")
      ])
  }

  private static func incrementalCapacity(
    _ laboratory: inout PaperLaboratory
  ) throws(CellError) -> PaperFigure {
    var panels: [PaperFigure.Panel] = []
    for (system, colour) in [(PaperSystem.mPB, 0), (.nfmPB1, 3)] {
      var curves: [PaperFigure.Curve] = []
      let slow = try laboratory.firstCycle(system).discharge.incrementalCapacity
      curves.append(.init(title: "10 mA/g, cycle 1", colour: 6, x: slow.x, y: slow.y))
      let life = try laboratory.life(system, milliamperesPerGram: 100, cycles: 300)
      for (place, cycle) in [1, 15, 25].enumerated() {
        guard let curve = life.discharges[cycle]?.incrementalCapacity else { continue }
        curves.append(
          .init(
            title: "100 mA/g, cycle \(cycle)", colour: [colour, 1, 2][place],
            look: place == 0 ? .line : .dashed, x: curve.x, y: curve.y))
      }
      panels.append(
        .init(
          title: "\(system.rawValue), discharge", xLabel: "voltage / V",
          yLabel: "dQ/dV / mAh g^{-1} V^{-1}", curves: curves, xRange: 2.4...4.0,
          key: "top left"))
    }
    return PaperFigure(name: "dqdv", panels: panels)
  }

  private static func voltammetry(
    _ laboratory: inout PaperLaboratory
  ) throws(CellError) -> PaperFigure {
    var panels: [PaperFigure.Panel] = []
    for system in [PaperSystem.mPB, .nfmPB1] {
      var curves: [PaperFigure.Curve] = []
      for (colour, scan) in try laboratory.voltammograms(system).enumerated() {
        let rate = PaperLaboratory.scanRates[colour]
        curves.append(
          .init(
            title: "\(rate) mV/s", colour: colour,
            x: scan.oxidation.x + scan.reduction.x.reversed(),
            y: scan.oxidation.y + scan.reduction.y.reversed().map { -$0 }))
      }
      panels.append(
        .init(
          title: "\(system.rawValue), cyclic voltammetry", xLabel: "voltage / V",
          yLabel: "current / mA g^{-1}", curves: curves, xRange: 2.0...4.2, key: "top left"))
    }
    return PaperFigure(name: "voltammetry", panels: panels)
  }

  private static func rates(_ laboratory: inout PaperLaboratory) throws(CellError) -> PaperFigure {
    var curves: [PaperFigure.Curve] = []
    let systems: [PaperSystem] = [.mPB, .nmPB, .nfmPB0, .nfmPB1, .nfmPB1HardCarbon]
    for (colour, system) in systems.enumerated() {
      let branches = try laboratory.rateTest(system)
      curves.append(
        .init(
          title: system.rawValue, colour: colour, look: .lineWithPoints,
          x: branches.map { -$0.milliamperesPerGram }, y: branches.map(\.capacity)))
    }
    let published: [(Double, Double, Int)] = [(1000, 9.4, 0), (1000, 102.7, 3), (1000, 88.9, 4)]
    for point in published {
      curves.append(
        .init(title: "", colour: point.2, look: .published, x: [point.0], y: [point.1]))
    }
    curves.append(.paperInKey)
    return PaperFigure(
      name: "rates",
      panels: [
        .init(
          title: "Rate test, five cycles per current", xLabel: "current / mA g^{-1}",
          yLabel: "capacity / mAh g^{-1}", curves: curves, xRange: 8...1300, yRange: 0...140,
          isXLogarithmic: true, key: "outside right top")
      ])
  }

  private static func cycling(
    _ laboratory: inout PaperLaboratory
  ) throws(CellError) -> PaperFigure {
    func panel(
      _ title: String, _ lives: [(PaperSystem, Double, Int, Int, Double?)]
    ) throws(CellError) -> PaperFigure.Panel {
      var curves: [PaperFigure.Curve] = []
      for (system, rate, cycles, colour, published) in lives {
        let life = try laboratory.life(system, milliamperesPerGram: rate, cycles: cycles)
        curves.append(
          .init(
            title: system.rawValue, colour: colour,
            look: system == .mPBHardCarbon ? .dashed : .line,
            x: (1...cycles).map(Double.init), y: life.capacities))
        guard let published else { continue }
        curves.append(
          .init(
            title: "", colour: colour, look: .published, x: [Double(cycles)], y: [published]))
      }
      curves.append(.paperInKey)
      return .init(
        title: title, xLabel: "cycle", yLabel: "capacity / mAh g^{-1}", curves: curves,
        xRange: 0...Double(lives.map(\.2).max() ?? 1) * 1.04, yRange: 0...130, key: "bottom left")
    }
    return PaperFigure(
      name: "cycling",
      panels: [
        try panel(
          "Cycling at 100 mA/g",
          [
            (.mPB, 100, 300, 0, 36.5), (.nfmPB1, 100, 300, 3, 102.3),
            (.nfmPB1HardCarbon, 100, 250, 4, nil), (.mPBHardCarbon, 100, 250, 5, nil),
          ]),
        try panel("Cycling at 500 mA/g", [(.nfmPB1, 500, 1000, 3, 91.1)]),
      ])
  }

  private static func titration(
    _ laboratory: inout PaperLaboratory
  ) throws(CellError) -> PaperFigure {
    var voltages: [PaperFigure.Curve] = []
    var diffusivities: [PaperFigure.Curve] = []
    for (system, colour) in [(PaperSystem.mPB, 0), (.nfmPB1, 3)] {
      let pulses = try laboratory.titration(system)
      // Each pulse is 20 min at 10 mA/g: 3.33 mAh/g.
      let charges = pulses.indices.map { Double($0) * 10 / 3 }
      voltages.append(
        .init(
          title: "\(system.rawValue), rest", colour: colour, look: .lineWithPoints, x: charges,
          y: pulses.map(\.restVolts)))
      voltages.append(
        .init(
          title: "\(system.rawValue), end of pulse", colour: colour, look: .dashed,
          x: charges.map { $0 + 10 / 3 },
          y: pulses.map { $0.restVolts - $0.resistiveVolts - $0.pulseVolts }))
      diffusivities.append(
        .init(
          title: system.rawValue, colour: colour, look: .lineWithPoints,
          x: pulses.map(\.restVolts),
          y: pulses.map { $0.diffusivity(length: PaperRow.titrationLength) }))
    }
    return PaperFigure(
      name: "titration",
      panels: [
        .init(
          title: "Titration, discharge", xLabel: "capacity / mAh g^{-1}", yLabel: "voltage / V",
          curves: voltages, xRange: 0...140, yRange: 1.95...4.25, key: "bottom left"),
        .init(
          title: "Apparent diffusivity (Weppner, Huggins)", xLabel: "resting voltage / V",
          yLabel: "D / cm^2 s^{-1}", curves: diffusivities, xRange: 2.4...4.2,
          isYLogarithmic: true, key: "bottom left"),
      ])
  }
}

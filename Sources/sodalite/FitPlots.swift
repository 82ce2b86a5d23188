// SPDX-License-Identifier: Apache-2.0

import CellFitting
import Telemetry

/// The figures of a fit, drawn by gnuplot.
enum FitPlots {
  /// Draws the records with their residuals, and the curves with their 95 % bands.
  static func draw(_ result: FitResult, into folder: String) throws {
    try PaperPlots.write([records(result), curves(result)], into: folder) {
      StandardError.write("\($0)\n")
    }
  }

  private static func records(_ result: FitResult) -> PaperFigure {
    var volts: [PaperFigure.Curve] = []
    var misses: [PaperFigure.Curve] = []
    for (colour, record) in result.residuals.enumerated() {
      let hours = record.seconds.map { $0 / 3_600 }
      volts.append(
        .init(title: "record \(colour + 1)", colour: colour, x: hours, y: record.measured))
      volts.append(
        .init(
          title: colour == 0 ? "fitted" : "", colour: 6, look: .dashed, x: hours,
          y: zip(record.measured, record.volts).map { $0 - $1 }))
      misses.append(
        .init(
          title: "record \(colour + 1)", colour: colour, x: record.places,
          y: record.volts.map { $0 * 1e3 }))
    }
    return PaperFigure(
      name: "records",
      panels: [
        .init(
          title: "Measured and fitted", xLabel: "time / h", yLabel: "voltage / V", curves: volts),
        .init(
          title: "Measured less fitted", xLabel: "state of charge", yLabel: "voltage / mV",
          curves: misses),
      ])
  }

  private static func curves(_ result: FitResult) -> PaperFigure {
    let volts = result.curves[0]
    let isCircuit = result.curves.contains { $0.unit == "ohm" }
    var others: [PaperFigure.Curve] = []
    for (colour, curve) in result.curves.dropFirst().prefix(3).enumerated() {
      others += isCircuit ? band(curve, colour: colour) : [line(curve, colour: colour + 1)]
    }
    return PaperFigure(
      name: "curves",
      panels: [
        .init(
          title: "Open-circuit voltage, 95 %", xLabel: "state of charge", yLabel: "voltage / V",
          curves: band(volts, colour: 0), key: "bottom right"),
        .init(
          title: isCircuit ? "Resistances, 95 %" : "Electrodes against sodium",
          xLabel: "state of charge", yLabel: isCircuit ? "resistance / ohm" : "voltage / V",
          curves: others),
      ])
  }

  private static func line(_ curve: FittedCurve, colour: Int) -> PaperFigure.Curve {
    .init(title: curve.name, colour: colour, x: curve.places, y: curve.values)
  }

  private static func band(_ curve: FittedCurve, colour: Int) -> [PaperFigure.Curve] {
    func shifted(_ by: Double) -> [Double] {
      zip(curve.values, curve.deviations).map { $0 + by * $1 }
    }
    return [
      line(curve, colour: colour),
      .init(title: "", colour: colour, look: .dashed, x: curve.places, y: shifted(1.96)),
      .init(title: "", colour: colour, look: .dashed, x: curve.places, y: shifted(-1.96)),
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellFitting
import CellSimulation
import Telemetry

/// What is told of a fit.
struct FitReport {
  let result: FitResult
  let files: [String]

  var table: String {
    var text = numbers.text + "\n" + residuals.text + "\nNot determined by the data:\n"
    for sentence in result.undetermined { text += "- \(sentence)\n" }
    if !result.singularValues.isEmpty {
      text += "\nSingular values of the nonlinear parameters (below 1 the prior says more): "
      text += result.singularValues.map { significant($0) }.joined(separator: ", ") + "\n"
    }
    text +=
      "Residuals: \(number(result.noiseVolts * 1e3, 1)) mV for most rows, of which "
      + "\(number(result.correlation, 1)) neighbours say the same.\n"
    if let miss = result.electrodeMissVolts {
      text += "Electrodes: the half-cell curves leave \(number(miss * 1e3, 1)) mV; singular values "
      text += result.electrodeSingularValues.map { significant($0) }.joined(separator: ", ") + "\n"
    }
    if !result.hasConverged { text += "The search met its limit before it settled.\n" }
    return text
  }

  private var numbers: TableText {
    var table = TableText([
      ("", .left), ("value", .right), ("95 % from", .right), ("to", .right), ("", .left),
    ])
    for parameter in result.parameters {
      table.add([
        parameter.name, "\(significant(parameter.value)) \(parameter.unit)",
        significant(parameter.interval.lowerBound), significant(parameter.interval.upperBound),
        parameter.isDetermined ? "" : "not determined",
      ])
    }
    return table
  }

  private var residuals: TableText {
    var table = TableText([
      ("record", .left), ("rows", .right), ("RMS", .right), ("mean", .right), ("worst", .right),
    ])
    func millivolts(_ volts: Double) -> String { "\(number(volts * 1e3, 1)) mV" }
    for record in result.residuals {
      table.add([
        record.record, "\(record.volts.count)", millivolts(record.rootMeanSquare),
        millivolts(record.mean), millivolts(record.worst),
      ])
    }
    return table
  }

  var json: JSONText {
    .object([
      .init("cell", .string(result.description.name)),
      .init("capacityAmpereHours", .number(result.description.ratedCapacityAmpereHours)),
      .init("lowerCutoffVolts", .number(result.description.lowerCutoffVolts)),
      .init("upperCutoffVolts", .number(result.description.upperCutoffVolts)),
      .init("parameters", .array(result.parameters.map(Self.json))),
      .init("curves", .array(result.curves.map(Self.json))),
      .init("residuals", .array(result.residuals.map(Self.json))),
      .init("undetermined", .array(result.undetermined.map { .string($0) })),
      .init("singularValues", .array(result.singularValues.map { .number($0) })),
      .init(
        "electrodeSingularValues", .array(result.electrodeSingularValues.map { .number($0) })),
      .init("electrodeMissVolts", JSONText(result.electrodeMissVolts)),
      .init("noiseVolts", .number(result.noiseVolts)),
      .init("correlation", .number(result.correlation)),
      .init("converged", .boolean(result.hasConverged)),
    ])
  }

  private static func json(_ parameter: FittedParameter) -> JSONText {
    .object([
      .init("name", .string(parameter.name)), .init("unit", .string(parameter.unit)),
      .init("value", .number(parameter.value)),
      .init("low", .number(parameter.interval.lowerBound)),
      .init("high", .number(parameter.interval.upperBound)),
      .init("prior", JSONText(parameter.prior)),
      .init("determined", .boolean(parameter.isDetermined)),
    ])
  }

  private static func json(_ curve: FittedCurve) -> JSONText {
    .object([
      .init("name", .string(curve.name)), .init("unit", .string(curve.unit)),
      .init("stateOfCharge", .array(curve.places.map { .number($0) })),
      .init("values", .array(curve.values.map { .number($0) })),
      .init("deviations", .array(curve.deviations.map { .number($0) })),
      .init("determined", .array(curve.isDetermined.map { .boolean($0) })),
    ])
  }

  private static func json(_ record: FitResiduals) -> JSONText {
    .object([
      .init("record", .string(record.record)), .init("rows", .integer(Int64(record.volts.count))),
      .init("rmsVolts", .number(record.rootMeanSquare)), .init("meanVolts", .number(record.mean)),
      .init("worstVolts", .number(record.worst)),
    ])
  }

  /// Four digits that mean something, for numbers of any size.
  private func significant(_ value: Double) -> String {
    guard value.isFinite else { return value > 0 ? "without bound" : "-" }
    guard value != 0 else { return "0" }
    if value.magnitude < 1e-9 { return "0" }
    if value.magnitude > 1e9 { return value > 0 ? "> 1e9" : "< -1e9" }
    var decimals = 3
    var size = value.magnitude
    while size >= 10, decimals > 0 { (size, decimals) = (size / 10, decimals - 1) }
    while size < 1, decimals < 9 { (size, decimals) = (size * 10, decimals + 1) }
    return number(value, decimals)
  }
}

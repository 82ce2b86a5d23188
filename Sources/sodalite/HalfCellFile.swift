// SPDX-License-Identifier: Apache-2.0

import CellFitting
import CellSimulation
import Telemetry

/// Half-cell curves: published ones by name, or from CSV files with the content and the potential, by
/// default the first two columns.
enum HalfCellFile {
  /// Reads a curve.
  ///
  /// - Parameters:
  ///   - argument: a name, FILE or FILE:CONTENT,VOLTAGE.
  ///   - option: for messages.
  static func read(_ argument: String, option: String) throws(DataProblem) -> HalfCellCurve {
    if let published = try published(argument, option) { return published }
    var path = argument
    var names: [String] = []
    if let colon = argument.lastIndex(of: ":") {
      path = String(argument[..<colon])
      names = argument[argument.index(after: colon)...].split(separator: ",").map(String.init)
      guard names.count == 2 else {
        throw DataProblem(
          .usage, file: option, message: "'\(argument)' is not FILE:CONTENT,VOLTAGE")
      }
    }
    var rows = try CSVReader.open(path)
    let columns = try places(of: names, in: rows.header, file: path)
    var points: [(content: Double, volts: Double)] = []
    while try rows.next() {
      points.append((try rows.number(columns.content), try rows.number(columns.volts)))
    }
    do throws(FitRefusal) {
      return try HalfCellCurve(points, name: path)
    } catch {
      throw DataProblem(.badData, file: path, message: error.message)
    }
  }

  /// The names of published curves.
  static let names = (
    cathode: CellDescription.paperCathodes.map(\.name), anode: ["hard-carbon"]
  )

  private static func published(
    _ name: String, _ option: String
  ) throws(DataProblem) -> HalfCellCurve? {
    if option == "--anode", name == "hard-carbon" { return .hardCarbon }
    guard option == "--cathode",
      let cathode = CellDescription.paperCathodes.first(where: { $0.name == name })
    else { return nil }
    do {
      return try HalfCellCurve(halfCell: cathode)
    } catch {
      throw DataProblem(.configuration, file: name, message: error.description)
    }
  }

  private static func places(
    of names: [String], in header: [String], file: String
  ) throws(DataProblem) -> (content: Int, volts: Int) {
    if names.isEmpty, header.count >= 2 { return (0, 1) }
    let found = names.map { header.firstIndex(of: $0) }
    guard found.count == 2, let content = found[0], let volts = found[1] else {
      throw DataProblem(
        .badData, file: file,
        message: "no columns '\(names.joined(separator: "', '"))'; the columns are "
          + header.map { "'\($0)'" }.joined(separator: ", "))
    }
    return (content, volts)
  }
}

extension CellDescription {
  /// The cathodes of the paper against sodium metal.
  fileprivate static let paperCathodes: [CellDescription] = [
    .hu2024MPB, .hu2024NMPB, .hu2024FeMnPB, .hu2024NFMPB0, .hu2024NFMPB1, .hu2024NFMPB2,
  ]
}

// SPDX-License-Identifier: Apache-2.0

/// The rows of a Battery Data Format log: three standard columns, then others.
extension CSVRows {
  private static let standard = [BDFWriter.Column.time, .current, .voltage]

  /// Rows of a log with columns of its own behind time, current and voltage.
  init(log columns: [BDFWriter.Column]) { self.init(Self.standard + columns) }

  /// Appends a row; a value that is nil or not finite leaves its field empty.
  mutating func append(seconds: Double, amperes: Double?, volts: Double?, values: [Double?]) {
    let first = Self.standard.count
    precondition(values.count + first == columns.count, "a row needs one value per column")
    append(seconds, at: 0)
    append(amperes, at: 1)
    append(volts, at: 2)
    for (place, value) in values.enumerated() { append(value, at: place + first) }
  }
}

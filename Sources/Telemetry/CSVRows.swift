// SPDX-License-Identifier: Apache-2.0

/// Rows of CSV that wait to be written.
struct CSVRows {
  let columns: [BDFWriter.Column]
  private(set) var bytes: [UInt8] = []

  private static let bufferBytes = 1 << 16

  init(_ columns: [BDFWriter.Column]) {
    self.columns = columns
    bytes.reserveCapacity(Self.bufferBytes + 4096)
  }

  /// Whether it is time to write them.
  var isFull: Bool { bytes.count >= Self.bufferBytes }

  mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// Appends the header.
  mutating func appendNames() {
    for (place, column) in columns.enumerated() {
      if place > 0 { bytes.append(0x2C) }
      append(name: column.name)
    }
    bytes.append(0x0A)
  }

  /// Appends a value and what divides it from the next; nil, and what is not finite, leaves its field
  /// empty.
  mutating func append(_ value: Double?, at place: Int) {
    if let value { DecimalNumber.append(value, decimals: columns[place].decimals, to: &bytes) }
    bytes.append(place + 1 == columns.count ? 0x0A : 0x2C)
  }

  private mutating func append(name: String) {
    guard name.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else {
      return bytes.append(contentsOf: name.utf8)
    }
    let doubled = name.split(separator: "\"", omittingEmptySubsequences: false)
    bytes.append(contentsOf: "\"\(doubled.joined(separator: "\"\""))\"".utf8)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A table for people, with its columns aligned.
public struct TableText: Sendable {
  /// On which side a column's text stands.
  public enum Alignment: Sendable {
    /// Words.
    case left
    /// Numbers.
    case right
  }

  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  /// Makes a table without rows.
  ///
  /// - Parameter columns: the title of each column and the side it stands on.
  public init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

  /// Adds a row.
  ///
  /// - Parameter cells: one text for each column.
  public mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row needs one text per column")
    rows.append(cells)
  }

  /// The table: titles, a rule, rows; every line ends with a newline and never with a space. Where no
  /// column has a title, there are only rows.
  public var text: String {
    let titles = columns.map(\.title)
    let widths = columns.indices.map { column in
      ([titles] + rows).map { displayWidth($0[column]) }.max() ?? 0
    }
    let rule = widths.map { String(repeating: "-", count: $0) }
    let head = titles.allSatisfy(\.isEmpty) ? [] : [titles, rule]
    return (head + rows).map { line($0, widths) }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() {
      let space = String(repeating: " ", count: widths[column] - displayWidth(cell))
      line += (column > 0 ? "  " : "")
      line += columns[column].alignment == .left ? cell + space : space + cell
    }
    while line.last == " " { line.removeLast() }
    return line + "\n"
  }
}

/// How many places of a terminal a text takes: characters, twice for East Asian wide ones and emoji.
func displayWidth(_ text: String) -> Int {
  text.reduce(0) { width, character in
    guard let scalar = character.unicodeScalars.first else { return width }
    switch scalar.value {
    case 0..<0x20, 0x7F, 0x300...0x36F, 0x200B...0x200F: return width
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      return width + 2
    default: return width + 1
    }
  }
}

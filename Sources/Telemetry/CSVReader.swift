// SPDX-License-Identifier: Apache-2.0

/// Reads a file of comma-separated values row by row, in memory that does not grow with the file.
///
/// The first row names the columns. Lines that begin with `#` and empty lines are passed over; a row
/// ends with LF or CRLF; a field may stand in double quotes, with `""` for a quote, and may then hold
/// commas and line ends. A row that has not as many fields as the header is a problem.
public struct CSVReader: ~Copyable {
  /// The file's name, for messages.
  public let file: String
  /// The names of the columns, without spaces around them.
  public private(set) var header: [String] = []
  /// The line on which the current row begins, from 1.
  public private(set) var line = 0
  /// The line on which the header begins.
  public private(set) var headerLine = 0

  private let source: SystemFile?
  private let size: Int64?
  private var bytesRead: Int64 = 0
  private var bytes: [UInt8]
  private var end: Int
  private var isComplete: Bool
  /// Where the current row begins and the next one begins.
  private var rowStart = 0
  private var rowEnd = 0
  private var nextLine = 1
  private var fields: [Range<Int>] = []

  private static let chunkBytes = 1 << 18
  /// The longest row that is read; a longer one is no table.
  public static let longestRowBytes = 1 << 20

  /// Opens a file and reads its header.
  ///
  /// - Parameter path: where the file is.
  /// - Returns: a reader before the first row.
  public static func open(_ path: String) throws(DataProblem) -> CSVReader {
    let source = try SystemFile.reading(path)
    let bytes = [UInt8](repeating: 0, count: chunkBytes)
    var reader = CSVReader(file: path, source: source, bytes: bytes, end: 0)
    try reader.readHeader()
    return reader
  }

  /// Reads text that is already in memory.
  ///
  /// - Parameters:
  ///   - text: the content.
  ///   - file: the name for messages.
  /// - Returns: a reader before the first row.
  public static func read(_ text: [UInt8], file: String) throws(DataProblem) -> CSVReader {
    var reader = CSVReader(file: file, source: nil, bytes: text, end: text.count)
    try reader.readHeader()
    return reader
  }

  private init(file: String, source: consuming SystemFile?, bytes: [UInt8], end: Int) {
    self.file = file
    size = source?.size()
    self.source = source
    self.bytes = bytes
    self.end = end
    // Text in memory is all there is; a file has not been read yet.
    isComplete = end > 0
  }

  /// How much of the file has been read, 0 to 1; 0 where that cannot be known, as of a pipe.
  public var fractionRead: Double {
    guard let size, size > 0 else { return 0 }
    return min(Double(bytesRead - Int64(end - rowStart)) / Double(size), 1)
  }

  /// Goes to the next row.
  ///
  /// - Returns: false when there is none.
  public mutating func next() throws(DataProblem) -> Bool {
    guard try findRow() else { return false }
    guard fields.count == header.count else {
      throw DataProblem(
        .badData, file: file, line: line,
        message: "the row has \(fields.count) field\(fields.count == 1 ? "" : "s"), "
          + "the header on line \(headerLine) names \(header.count) columns")
    }
    return true
  }

  /// True when the field holds nothing but spaces.
  public borrowing func isEmpty(_ column: Int) -> Bool {
    DecimalNumber.trimmed(bytes, fields[column]).isEmpty
  }

  /// The finite number in a field of the current row.
  ///
  /// - Parameter column: the place of the column in the header, from 0.
  /// - Returns: the nearest Double.
  public borrowing func number(_ column: Int) throws(DataProblem) -> Double {
    guard let value = DecimalNumber.parse(bytes, in: fields[column]) else {
      throw problem(column, isEmpty(column) ? "is empty" : "has '\(shown(column))'")
    }
    guard value.isFinite else { throw problem(column, "has '\(shown(column))', too large") }
    return value
  }

  /// The text of a field of the current row, without its quotes.
  public borrowing func text(_ column: Int) -> String {
    let range = fields[column]
    let text = String(decoding: bytes[range], as: UTF8.self)
    guard range.lowerBound > rowStart, bytes[range.lowerBound - 1] == Self.quote else {
      return text
    }
    return text.replacingPairs()
  }

  /// A problem with a field of the current row.
  ///
  /// - Parameters:
  ///   - column: the place of the column in the header, from 0.
  ///   - what: what it has, after the column's name.
  ///   - expected: what would be right.
  public borrowing func problem(
    _ column: Int, _ what: String, expected: String = "a number"
  ) -> DataProblem {
    DataProblem(
      .badData, file: file, line: line, column: characterColumn(column),
      message: "column '\(header[column])' \(what); expected \(expected)")
  }

  private static let quote: UInt8 = 0x22
  private static let comma: UInt8 = 0x2C
  private static let newline: UInt8 = 0x0A
  private static let carriageReturn: UInt8 = 0x0D
  private static let hash: UInt8 = 0x23

  private mutating func readHeader() throws(DataProblem) {
    _ = try fill()
    // A byte-order mark, as spreadsheets write it.
    if end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { rowEnd = 3 }
    guard try findRow() else {
      throw DataProblem(
        .badData, file: file, message: "no rows; expected column names on the first")
    }
    headerLine = line
    guard String(validating: bytes[rowStart..<rowEnd], as: UTF8.self) != nil,
      !bytes[rowStart..<rowEnd].contains(0)
    else {
      throw DataProblem(
        .badData, file: file, line: line, message: "not text; expected comma-separated values")
    }
    var names: [String] = []
    for column in fields.indices { names.append(trimmed(text(column))) }
    header = names
    if let repeated = names.indices.first(where: { names[..<$0].contains(names[$0]) }),
      !names[repeated].isEmpty
    {
      throw DataProblem(
        .badData, file: file, line: line, column: characterColumn(repeated),
        message: "column '\(names[repeated])' is named twice")
    }
  }

  /// Finds the next row that is neither empty nor a comment.
  private mutating func findRow() throws(DataProblem) -> Bool {
    while true {
      rowStart = rowEnd
      line = nextLine
      while try !splitRow() {
        guard try fill() else { return false }
      }
      if rowEnd == rowStart { return false }
      let isBlank = fields.count == 1 && fields[0].isEmpty && bytes[rowStart] != Self.quote
      if !isBlank, bytes[rowStart] != Self.hash { return true }
    }
  }

  /// Splits the row at `rowStart` into fields; false when its end is not in memory yet.
  private mutating func splitRow() throws(DataProblem) -> Bool {
    fields.removeAll(keepingCapacity: true)
    var place = rowStart
    var lines = 0
    guard place < end else {
      rowEnd = place
      return isComplete
    }
    if bytes[place] == Self.hash { return skipComment() }
    while true {
      guard let stop = try splitField(&place, &lines) else { return false }
      if stop == Self.comma { continue }
      rowEnd = place
      nextLine = line + lines + (stop == Self.newline ? 1 : 0)
      return true
    }
  }

  private mutating func skipComment() -> Bool {
    var place = rowStart
    while place < end, bytes[place] != Self.newline { place += 1 }
    guard place < end || isComplete else {
      // A comment longer than the buffer is passed over piece by piece: its rest begins like one.
      if place - rowStart > 1 {
        rowStart = place - 1
        bytes[rowStart] = Self.hash
      }
      return false
    }
    rowEnd = min(place + 1, end)
    nextLine = line + 1
    return true
  }

  /// Reads one field from `place`, which goes past what ends it: a comma, a newline, or 0 for the
  /// end of the file. Nil when more bytes are needed.
  private mutating func splitField(
    _ place: inout Int, _ lines: inout Int
  ) throws(DataProblem) -> UInt8? {
    if place < end, bytes[place] == Self.quote { return try splitQuoted(&place, &lines) }
    let start = place
    while place < end {
      let byte = bytes[place]
      if byte == Self.comma || byte == Self.newline { break }
      place += 1
    }
    guard place < end || isComplete else { return nil }
    var stop = place
    let isLast = place == end || bytes[place] == Self.newline
    if isLast, stop > start, bytes[stop - 1] == Self.carriageReturn { stop -= 1 }
    fields.append(start..<stop)
    guard place < end else { return 0 }
    place += 1
    return bytes[place - 1]
  }

  private mutating func splitQuoted(
    _ place: inout Int, _ lines: inout Int
  ) throws(DataProblem) -> UInt8? {
    place += 1
    let start = place
    while place < end {
      if bytes[place] == Self.newline { lines += 1 }
      if bytes[place] == Self.quote {
        guard place + 1 < end || isComplete else { return nil }
        guard place + 1 < end, bytes[place + 1] == Self.quote else { break }
        place += 1
      }
      place += 1
    }
    guard place < end else {
      guard isComplete else { return nil }
      throw quoteProblem(start, "the quote is not closed")
    }
    fields.append(start..<place)
    place += 1
    if place < end, bytes[place] == Self.carriageReturn { place += 1 }
    guard place < end else { return isComplete ? 0 : nil }
    place += 1
    guard bytes[place - 1] == Self.comma || bytes[place - 1] == Self.newline else {
      throw quoteProblem(start, "text after the closing quote; expected a comma or the line's end")
    }
    return bytes[place - 1]
  }

  private func quoteProblem(_ start: Int, _ message: String) -> DataProblem {
    DataProblem(
      .badData, file: file, line: line, column: characters(before: start - 1) + 1,
      message: message)
  }

  /// Brings more of the file into memory behind what the current row has; false at its end.
  private mutating func fill() throws(DataProblem) -> Bool {
    guard !isComplete else { return false }
    let kept = end - rowStart
    guard kept < Self.longestRowBytes else {
      throw DataProblem(
        .badData, file: file, line: line,
        message: "the row is longer than \(Self.longestRowBytes) bytes; is this a CSV file?")
    }
    if rowStart > 0 {
      bytes.replaceSubrange(0..<kept, with: Array(bytes[rowStart..<end]))
      rowStart = 0
      rowEnd = 0
      end = kept
    }
    if bytes.count - end < Self.chunkBytes {
      bytes.append(contentsOf: repeatElement(0, count: Self.chunkBytes))
    }
    let count = try source?.read(into: &bytes, from: end) ?? 0
    end += count
    bytesRead += Int64(count)
    isComplete = count == 0
    return true
  }

  private borrowing func shown(_ column: Int) -> String {
    let text = text(column)
    return text.count > 40 ? text.prefix(40) + "…" : text
  }

  private borrowing func characterColumn(_ column: Int) -> Int {
    var start = fields[column].lowerBound
    if start > rowStart, bytes[start - 1] == Self.quote { start -= 1 }
    return characters(before: start) + 1
  }

  private borrowing func characters(before place: Int) -> Int {
    String(decoding: bytes[rowStart..<place], as: UTF8.self).count
  }
}

extension String {
  fileprivate func replacingPairs() -> String {
    var text = ""
    var isSecond = false
    for character in self {
      isSecond = character == "\"" && !isSecond
      if !isSecond { text.append(character) }
    }
    return text
  }
}

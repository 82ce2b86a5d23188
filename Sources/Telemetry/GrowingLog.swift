// SPDX-License-Identifier: Apache-2.0

import Quantities

/// A CSV file that has its name from the start and grows while a run goes on.
///
/// Rows are written when they fill a buffer and when `flush` asks for it, whole ones only: whoever
/// reads the file meanwhile sees a shorter run. A run that was stopped goes on in the same file; what
/// was written after the stop is cut off. Unlike `BDFWriter` it replaces an earlier file at once.
public struct GrowingLog: ~Copyable {
  /// A place in the file, and what stands before it.
  public struct Position: Sendable, Equatable {
    /// The bytes before it.
    public var bytes: Int64
    /// Their hash, so that no other file is taken for this one.
    public var hash: UInt64

    /// Makes a position.
    public init(bytes: Int64, hash: UInt64) {
      self.bytes = bytes
      self.hash = hash
    }
  }

  private let file: SystemFile
  private var rows: CSVRows
  private var bytes: Int64 = 0
  private var hash = StableHash()

  private init(_ file: consuming SystemFile, _ columns: [BDFWriter.Column]) {
    self.file = file
    rows = CSVRows(columns)
  }

  /// Makes a file, empty but for its header; an earlier one of the same name is lost.
  ///
  /// - Parameters:
  ///   - path: where the file is; a device or a pipe is written as it is.
  ///   - columns: all columns.
  public static func create(
    _ path: String, columns: [BDFWriter.Column]
  ) throws(DataProblem) -> GrowingLog {
    let file =
      try SystemFile.isDevice(path) ? SystemFile.writing(path) : SystemFile.writing(growing: path)
    var log = GrowingLog(file, columns)
    log.rows.appendNames()
    try log.flush()
    return log
  }

  /// Goes on with a file that was written up to a position; what comes after it is cut off.
  ///
  /// - Throws: `DataProblem` of the kind `badData`, and the file is as it was, when what stands before
  ///   the position is not what was written.
  public static func resume(
    _ path: String, columns: [BDFWriter.Column], at position: Position
  ) throws(DataProblem) -> GrowingLog {
    var log = GrowingLog(try SystemFile.updating(path), columns)
    guard let size = log.file.size(), size >= position.bytes else {
      throw DataProblem(
        .badData, file: path,
        message: "shorter than the \(position.bytes) bytes that the run had written")
    }
    try log.read(upTo: position.bytes)
    guard log.position == position else {
      throw DataProblem(
        .badData, file: path, message: "not what the run had written; it is left as it is")
    }
    try log.file.cut(to: position.bytes)
    return log
  }

  /// Takes what stands in the file as written.
  private mutating func read(upTo end: Int64) throws(DataProblem) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes < end {
      let read = Int64(try file.read(into: &buffer, from: 0))
      // The file was cut off meanwhile.
      if read == 0 { return }
      let count = min(read, end - bytes)
      for byte in buffer[..<Int(count)] { hash.combine(byte: byte) }
      bytes += count
    }
  }

  /// The place behind all rows that were written; `flush` first.
  public var position: Position { Position(bytes: bytes, hash: hash.value) }

  /// Whether a path stands for a device or a pipe, with which no later run can go on.
  public static func isDevice(_ path: String) -> Bool { SystemFile.isDevice(path) }

  /// Appends a row.
  ///
  /// - Parameter values: one for each column; nil, and what is not finite, leaves its field empty.
  public mutating func append(_ values: Double?...) throws(DataProblem) {
    precondition(values.count == rows.columns.count, "a row needs one value per column")
    for (place, value) in values.enumerated() { rows.append(value, at: place) }
    if rows.isFull { try flush() }
  }

  /// Writes the rows that wait.
  public mutating func flush() throws(DataProblem) {
    guard !rows.bytes.isEmpty else { return }
    try file.write(rows.bytes)
    for byte in rows.bytes { hash.combine(byte: byte) }
    bytes += Int64(rows.bytes.count)
    rows.clear()
  }

  /// Writes the rows that wait and puts all on the disk.
  public mutating func synchronize() throws(DataProblem) {
    try flush()
    try file.synchronize()
  }
}

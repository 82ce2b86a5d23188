// SPDX-License-Identifier: Apache-2.0

/// A BDF log that goes on for months in a bounded space.
///
/// The log is `path`; when it is full it becomes `path.1`, an older `path.1` becomes `path.2`, and the
/// oldest goes. A log that is there at the start is moved away likewise: a file is of one run. Every
/// file begins with the names of its columns, so each is a log of its own.
///
/// Rows are written in blocks, so that a memory card is not worn by a write a second; what a sudden
/// end of the power takes is at most the last block.
public struct RotatingLog: ~Copyable {
  private let path: String
  private let mostBytes: Int64
  private let oldFiles: Int
  private let blockSeconds: Double
  private var rows: CSVRows
  private var file: SystemFile
  private var written: Int64
  private var blockStart: Double?

  /// Begins a log.
  ///
  /// - Parameters:
  ///   - path: of the newest file.
  ///   - columns: the columns behind time, current and voltage.
  ///   - mostBytes: how large a file grows, at least 1 kB.
  ///   - oldFiles: how many older files are kept, at least 1.
  ///   - blockSeconds: how long rows may wait to be written; 0 writes each at once. Unit: s.
  public init(
    path: String, columns: [BDFWriter.Column], mostBytes: Int64, oldFiles: Int,
    blockSeconds: Double
  ) throws(DataProblem) {
    precondition(mostBytes >= 1_000 && oldFiles >= 1, "a log needs room")
    // All that can fail comes before the first stored property.
    var rows = CSVRows(log: columns)
    rows.appendNames()
    let file = try Self.begin(path, oldFiles)
    try file.write(rows.bytes)
    self.path = path
    self.mostBytes = mostBytes
    self.oldFiles = oldFiles
    self.blockSeconds = blockSeconds
    self.file = file
    written = Int64(rows.bytes.count)
    rows.clear()
    self.rows = rows
  }

  /// Writes a row; a value that is nil or not finite leaves its field empty.
  ///
  /// - Parameters:
  ///   - seconds: since the start of the run.
  ///   - amperes: the current; positive charges.
  ///   - volts: the voltage between the terminals.
  ///   - values: one for each column.
  public mutating func append(
    seconds: Double, amperes: Double?, volts: Double?, values: [Double?]
  ) throws(DataProblem) {
    rows.append(seconds: seconds, amperes: amperes, volts: volts, values: values)
    let start = blockStart ?? seconds
    blockStart = start
    guard seconds - start >= blockSeconds || rows.isFull else { return }
    try flush()
  }

  /// Writes what waits.
  public mutating func flush() throws(DataProblem) {
    blockStart = nil
    guard !rows.bytes.isEmpty else { return }
    try file.write(rows.bytes)
    written += Int64(rows.bytes.count)
    rows.clear()
    guard written >= mostBytes else { return }
    file = try Self.begin(path, oldFiles)
    written = 0
    rows.appendNames()
    try flush()
  }

  /// Moves the files on and begins the newest.
  private static func begin(_ path: String, _ oldFiles: Int) throws(DataProblem) -> SystemFile {
    if !SystemFile.isDevice(path) {
      for number in (1...oldFiles).reversed() {
        SystemFile.move(number == 1 ? path : "\(path).\(number - 1)", to: "\(path).\(number)")
      }
    }
    return try SystemFile.appending(path)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Writes a log as CSV of the Battery Data Format, with columns of its own behind the standard ones.
///
/// Rows go to a file that gets the target's name in `finish()`: a reader never sees half a file, and
/// an interrupted run leaves an earlier file as it was, and nothing of its own: on Linux the new file
/// has no name until then. Where the file system knows no such files, it is a temporary file beside
/// the target, which goes when the writer goes away unfinished. A device such as /dev/null is written
/// directly. The text is the same on every machine: fixed decimals, no locale.
public struct BDFWriter: ~Copyable {
  /// A column behind the standard ones.
  public struct Column: Sendable, Equatable {
    /// Its name with its unit, such as `Net Capacity / Ah`.
    public var name: String
    /// How many decimals its numbers have, 0 to 9.
    public var decimals: Int

    /// Makes a column.
    ///
    /// - Parameters:
    ///   - name: its name with its unit.
    ///   - decimals: how many decimals its numbers have, 0 to 9.
    public init(_ name: String, decimals: Int) {
      precondition((0...9).contains(decimals), "0 to 9 decimals")
      self.name = name
      self.decimals = decimals
    }

    /// The time since the start of the test.
    public static let time = Column("Test Time / s", decimals: 6)
    /// The current; positive charges.
    public static let current = Column("Current / A", decimals: 6)
    /// The voltage between the terminals.
    public static let voltage = Column("Voltage / V", decimals: 6)
    /// The true state of charge, 0 to 1; `LogReader` finds it again.
    public static let truth = Column("True State of Charge / 1", decimals: 6)
    /// The estimated state of charge, 0 to 1.
    public static let estimate = Column("Estimated State of Charge / 1", decimals: 6)
    /// The half width of the estimate's interval.
    public static let interval = Column("State of Charge Interval / 1", decimals: 6)
    /// The temperature of the cell's surface; a standard BDF column.
    public static let temperature = Column("Surface Temperature / degC", decimals: 3)
  }

  /// The number of rows written so far.
  public private(set) var rowCount = 0

  /// The name of the file before it is whole; nil for a device.
  private let draft: String?
  private let file: SystemFile
  private var rows: CSVRows
  private var isFinished = false

  /// Opens a file and writes the header.
  ///
  /// - Parameters:
  ///   - path: where the finished file will be.
  ///   - columns: the columns behind time, current and voltage.
  public init(path: String, columns: [Column] = []) throws(DataProblem) {
    draft = SystemFile.isDevice(path) ? nil : "\(path).\(SystemFile.processNumber).partial"
    if let draft {
      file = try SystemFile.writing(new: path, draft: draft)
    } else {
      file = try SystemFile.writing(path)
    }
    rows = CSVRows(log: columns)
    rows.appendNames()
  }

  deinit {
    if !isFinished, let draft { SystemFile.remove(draft) }
  }

  /// Writes one row.
  ///
  /// - Parameters:
  ///   - seconds: the time since the start of the test.
  ///   - amperes: the current; positive charges.
  ///   - volts: the voltage between the terminals.
  ///   - values: one for each column; nil, and what is not finite, leaves its field empty.
  public mutating func append(
    seconds: Double, amperes: Double, volts: Double, _ values: Double?...
  ) throws(DataProblem) {
    try append(seconds: seconds, amperes: amperes, volts: volts, values: values)
  }

  /// Writes one row, its further values in an array.
  ///
  /// - Parameters:
  ///   - seconds: the time since the start of the test.
  ///   - amperes: the current; positive charges.
  ///   - volts: the voltage between the terminals.
  ///   - values: one for each column; nil, and what is not finite, leaves its field empty.
  public mutating func append(
    seconds: Double, amperes: Double, volts: Double, values: [Double?]
  ) throws(DataProblem) {
    rows.append(seconds: seconds, amperes: amperes, volts: volts, values: values)
    rowCount += 1
    if rows.isFull { try flush() }
  }

  /// Writes what is left and gives the file its name; nothing may be appended after it.
  public mutating func finish() throws(DataProblem) {
    precondition(!isFinished, "a file is finished once")
    try flush()
    if let draft { try file.publish(draft: draft) }
    isFinished = true
  }

  private mutating func flush() throws(DataProblem) {
    try file.write(rows.bytes)
    rows.clear()
  }
}

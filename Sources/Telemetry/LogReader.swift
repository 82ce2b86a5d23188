// SPDX-License-Identifier: Apache-2.0

/// One row of a recorded log; positive current charges.
public struct LogSample: Sendable, Equatable {
  /// The line in the file.
  public var line: Int
  /// The time since the start of the test. Unit: s.
  public var seconds: Double
  /// The current; positive charges. Unit: A.
  public var amperes: Double
  /// The voltage between the terminals. Unit: V.
  public var volts: Double
  /// The temperature, where the log has it. Unit: °C.
  public var celsius: Double?
  /// The true state of charge, where the log has it; 0 to 1.
  public var stateOfCharge: Double?
  /// The time since the sample before, when that is at least `LogReader.longestSeconds`: the cell
  /// was away for so long that nobody counted its charge. Unit: s.
  public var gap: Double?

  /// Makes a sample from its parts.
  public init(
    line: Int, seconds: Double, amperes: Double, volts: Double, celsius: Double? = nil,
    stateOfCharge: Double? = nil, gap: Double? = nil
  ) {
    self.line = line
    self.seconds = seconds
    self.amperes = amperes
    self.volts = volts
    self.celsius = celsius
    self.stateOfCharge = stateOfCharge
    self.gap = gap
  }
}

/// Reads the samples of a log, one at a time, and checks each.
///
/// A time, current or voltage that is missing, not a finite number or beyond any cell is a problem
/// with its place; an empty temperature or truth is a sample without one. Time that runs backwards is
/// a problem; rows with the same time are not, for cyclers write two where a step ends.
public struct LogReader: ~Copyable {
  /// The time between two samples from which on it is a gap. Unit: s.
  public static let longestSeconds = 86_400.0

  private var rows: CSVReader
  private let dischargePositive: Bool
  private let time: LogColumns.Place
  private let current: LogColumns.Place
  private let voltage: LogColumns.Place
  private let temperature: LogColumns.Place?
  private let truth: LogColumns.Place?
  private var last: LogSample?

  /// Opens a log.
  ///
  /// - Parameters:
  ///   - path: where the file is.
  ///   - columns: which column is what.
  /// - Returns: a reader before the first sample.
  public static func open(
    _ path: String, columns: LogColumns = LogColumns()
  ) throws(DataProblem) -> LogReader {
    try LogReader(CSVReader.open(path), columns: columns)
  }

  /// Reads the rows of a table.
  ///
  /// - Parameters:
  ///   - rows: the table, before its first row.
  ///   - columns: which column is what.
  public init(_ rows: consuming CSVReader, columns: LogColumns) throws(DataProblem) {
    let header = rows.header
    let file = rows.file
    let line = rows.headerLine
    func optional(_ quantity: LogColumns.Quantity) throws(DataProblem) -> LogColumns.Place? {
      try columns.place(of: quantity, in: header, file: file, line: line)
    }
    func required(_ quantity: LogColumns.Quantity) throws(DataProblem) -> LogColumns.Place {
      if let place = try optional(quantity) { return place }
      throw LogReader.missing(quantity, in: header, file: file, line: line)
    }
    let time = try required(.time)
    let current = try required(.current)
    let voltage = try required(.voltage)
    let temperature = try optional(.temperature)
    let truth = try optional(.truth)
    self.rows = rows
    self.time = time
    self.current = current
    self.voltage = voltage
    self.temperature = temperature
    self.truth = truth
    dischargePositive = columns.dischargePositive
  }

  /// True when the log has temperatures.
  public var hasTemperature: Bool { temperature != nil }
  /// True when the log has the true state of charge.
  public var hasTruth: Bool { truth != nil }

  /// How much of the log has been read, 0 to 1; 0 where that cannot be known, as of a pipe.
  public var fractionRead: Double { rows.fractionRead }

  /// The next sample; nil at the end of the log.
  public mutating func next() throws(DataProblem) -> LogSample? {
    guard try rows.next() else {
      if last != nil { return nil }
      throw DataProblem(
        .badData, file: rows.file, line: rows.headerLine,
        message: "no rows below the header; expected at least one sample")
    }
    let amperes = try value(current, within: 1e6, "A")
    var sample = LogSample(
      line: rows.line, seconds: try value(time, within: 1e11, "s"),
      amperes: dischargePositive ? 0 - amperes : amperes,
      volts: try value(voltage, within: 1e6, "V"),
      celsius: try optionalValue(temperature, within: 1e4, "degC"),
      stateOfCharge: try optionalValue(truth, within: 100, "(state of charge, 0 to 1)"))
    if let last { sample.gap = try gap(sample, after: last) }
    last = sample
    return sample
  }

  private func gap(
    _ sample: LogSample, after last: LogSample
  ) throws(DataProblem) -> Double? {
    guard sample.seconds >= last.seconds else {
      throw rows.problem(
        time.column, "runs backwards: \(sample.seconds) s after \(last.seconds) s",
        expected: "a time that never decreases")
    }
    let passed = sample.seconds - last.seconds
    return passed >= Self.longestSeconds ? passed : nil
  }

  private func value(
    _ place: LogColumns.Place, within limit: Double, _ unit: String
  ) throws(DataProblem) -> Double {
    let value = place.unit.standardValue(try rows.number(place.column))
    guard value.magnitude <= limit else {
      throw rows.problem(
        place.column, "has '\(rows.text(place.column))', out of range",
        expected: "\(-limit)...\(limit) \(unit)")
    }
    return value
  }

  private func optionalValue(
    _ place: LogColumns.Place?, within limit: Double, _ unit: String
  ) throws(DataProblem) -> Double? {
    guard let place, !rows.isEmpty(place.column) else { return nil }
    return try value(place, within: limit, unit)
  }

  private static func missing(
    _ quantity: LogColumns.Quantity, in header: [String], file: String, line: Int
  ) -> DataProblem {
    let standard = ["time": "Test Time / s", "current": "Current / A", "voltage": "Voltage / V"]
    let name = standard[quantity.rawValue] ?? quantity.rawValue
    return DataProblem(
      .badData, file: file, line: line,
      message: "no column '\(name)' for the \(quantity.rawValue); the columns are "
        + header.map { "'\($0)'" }.joined(separator: ", ")
        + "; name it with --columns \(quantity.rawValue)=NAME")
  }
}

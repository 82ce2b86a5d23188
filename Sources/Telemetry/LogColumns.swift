// SPDX-License-Identifier: Apache-2.0

/// Which column of a log is the time, the current, the voltage, the temperature and the truth.
///
/// Without a specification the names are those of the Battery Data Format (ontology 1.3.0):
/// `Test Time / s`, `Current / A`, `Voltage / V`, `Surface Temperature / degC`,
/// `Temperature T1 / degC` or `Ambient Temperature / degC` (the first there is), or their machine
/// names such as `test_time_second`, and `True State of Charge / 1`. Another known unit after the
/// slash, such as `Current / mA`, is converted.
///
/// A specification names what differs: `time=time[ms],current=I,voltage=U`. Its keys are `time`,
/// `current`, `voltage`, `temperature` and `truth`; each value is a column's name, with its unit in
/// brackets where it is not s, A, V, degC or 1. A column whose whole name is the value, brackets and
/// all, comes first: `time=time [ms]` finds the column `time [ms]` and reads milliseconds. A name
/// with a comma in it cannot be given.
public struct LogColumns: Sendable, Equatable {
  /// The quantities that a log may have.
  public enum Quantity: String, Sendable, CaseIterable {
    /// The time since the start of the test.
    case time
    /// The current through the cell.
    case current
    /// The voltage between the terminals.
    case voltage
    /// The temperature of the cell.
    case temperature
    /// The true state of charge, where somebody knows it.
    case truth
  }

  /// True when positive current discharges the cell in this file; samples have it flipped.
  public var dischargePositive: Bool
  /// The given names, by quantity.
  private var names: [Quantity: String] = [:]

  /// The columns of the Battery Data Format.
  ///
  /// - Parameter dischargePositive: true when positive current discharges the cell.
  public init(dischargePositive: Bool = false) { self.dischargePositive = dischargePositive }

  /// Reads a specification.
  ///
  /// - Parameters:
  ///   - specification: such as `time=time[ms],current=I,voltage=U`; empty for the defaults.
  ///   - dischargePositive: true when positive current discharges the cell.
  public init(specification: String, dischargePositive: Bool = false) throws(DataProblem) {
    self.init(dischargePositive: dischargePositive)
    for part in specification.split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !trimmed(pair[1]).isEmpty else {
        throw Self.problem("'\(part)' is not quantity=column, such as time=t[ms]")
      }
      guard let quantity = Quantity(rawValue: trimmed(pair[0])) else {
        throw Self.problem(
          "unknown quantity '\(trimmed(pair[0]))'; expected "
            + "time, current, voltage, temperature or truth")
      }
      guard names.updateValue(trimmed(pair[1]), forKey: quantity) == nil else {
        throw Self.problem("'\(quantity.rawValue)' is given twice")
      }
    }
  }

  private static func problem(_ message: String) -> DataProblem {
    DataProblem(.usage, file: "--columns", message: message)
  }

  /// Where a quantity is and how its numbers become SI units (°C for a temperature).
  struct Place: Equatable {
    var column: Int
    var unit: LogUnit
  }

  /// The place of `quantity` in a header; nil when nobody asked for it and it is not there.
  func place(
    of quantity: Quantity, in header: [String], file: String, line: Int
  ) throws(DataProblem) -> Place? {
    guard let name = names[quantity] else { return Self.standardPlace(of: quantity, in: header) }
    if let column = header.firstIndex(of: name) {
      return Place(column: column, unit: LogUnit.atEnd(of: name, quantity) ?? .standard)
    }
    if let open = name.lastIndex(of: "["), name.hasSuffix("]") {
      let unitName = trimmed(name[name.index(after: open)...].dropLast())
      guard let unit = LogUnit.named(unitName, quantity) else {
        throw Self.problem(
          "unknown unit '\(unitName)' of \(quantity.rawValue); expected "
            + LogUnit.names(of: quantity).joined(separator: ", "))
      }
      if let column = header.firstIndex(of: trimmed(name[..<open])) {
        return Place(column: column, unit: unit)
      }
    }
    throw DataProblem(
      .badData, file: file, line: line,
      message: "no column '\(name)' for the \(quantity.rawValue); the columns are "
        + header.map { "'\($0)'" }.joined(separator: ", "))
  }

  /// The names to look for when none is given, the best first.
  static func standardNames(of quantity: Quantity) -> [String] {
    switch quantity {
    case .time: ["Test Time", "test_time_second"]
    case .current: ["Current", "current_ampere"]
    case .voltage: ["Voltage", "voltage_volt"]
    case .temperature:
      [
        "Surface Temperature", "surface_temperature_celsius", "Temperature T1",
        "temperature_t1_celsius", "Temperature", "Ambient Temperature",
        "ambient_temperature_celsius",
      ]
    case .truth: ["True State of Charge"]
    }
  }

  private static func standardPlace(of quantity: Quantity, in header: [String]) -> Place? {
    for standard in standardNames(of: quantity) {
      for (column, name) in header.enumerated() {
        let parts = name.split(separator: "/", maxSplits: 1)
        guard let first = parts.first, trimmed(first).lowercased() == standard.lowercased() else {
          continue
        }
        if parts.count == 1 { return Place(column: column, unit: .standard) }
        if let unit = LogUnit.named(trimmed(parts[1]), quantity) {
          return Place(column: column, unit: unit)
        }
      }
    }
    return nil
  }
}

/// A unit as a factor and an offset towards s, A, V, °C or 1.
struct LogUnit: Equatable {
  var divisor = 1.0
  var factor = 1.0
  var offset = 0.0

  static let standard = LogUnit()

  /// The value in the standard unit; a division where the unit is a power of ten smaller, so that
  /// 202 ms are exactly the Double 0.202.
  func standardValue(_ value: Double) -> Double { value / divisor * factor + offset }

  static func named(_ name: String, _ quantity: LogColumns.Quantity) -> LogUnit? {
    all(quantity).first { $0.0 == name }?.1
  }

  static func names(of quantity: LogColumns.Quantity) -> [String] { all(quantity).map { $0.0 } }

  /// The unit in the brackets, or after the slash, that end a column's name.
  static func atEnd(of name: String, _ quantity: LogColumns.Quantity) -> LogUnit? {
    let isBracketed = name.hasSuffix("]") || name.hasSuffix(")")
    let text = isBracketed ? name.dropLast() : name[...]
    let openings: [Character] = isBracketed ? ["[", "("] : ["/"]
    guard let open = text.lastIndex(where: { openings.contains($0) }) else { return nil }
    return named(trimmed(text[text.index(after: open)...]), quantity)
  }

  private static func all(_ quantity: LogColumns.Quantity) -> [(String, LogUnit)] {
    switch quantity {
    case .time:
      [
        ("s", .standard), ("ms", LogUnit(divisor: 1e3)), ("us", LogUnit(divisor: 1e6)),
        ("min", LogUnit(factor: 60)), ("h", LogUnit(factor: 3600)),
      ]
    case .current:
      [("A", .standard), ("mA", LogUnit(divisor: 1e3)), ("uA", LogUnit(divisor: 1e6))]
    case .voltage:
      [("V", .standard), ("mV", LogUnit(divisor: 1e3)), ("uV", LogUnit(divisor: 1e6))]
    case .temperature:
      [
        ("degC", .standard), ("°C", .standard), ("C", .standard),
        ("mdegC", LogUnit(divisor: 1e3)), ("K", LogUnit(offset: -273.15)),
      ]
    case .truth:
      [("1", .standard), ("%", LogUnit(divisor: 100)), ("ppm", LogUnit(divisor: 1e6))]
    }
  }
}

func trimmed(_ text: some StringProtocol) -> String {
  let inner = text.drop { $0 == " " || $0 == "\t" }
  guard let last = inner.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
  return String(inner[...last])
}

// SPDX-License-Identifier: Apache-2.0

/// A kind of quantity, with the units it may be written in.
public enum QuantityKind: Sendable, CaseIterable {
  /// An amount of charge; in Ah.
  case charge
  /// A charge per mass of active material; in mAh/g.
  case specificCharge
  /// A mass; in g.
  case mass
  /// A voltage; in V.
  case voltage
  /// A current; in A.
  case current
  /// A resistance; in Ω.
  case resistance
  /// A capacitance; in F.
  case capacitance
  /// A time; in s.
  case time
  /// A rate constant; in 1/s.
  case rate
  /// A temperature; in °C.
  case temperature
  /// A molar energy; in J/mol.
  case molarEnergy
  /// A heat capacity; in J/K.
  case heatCapacity
  /// A heat conductance; in W/K.
  case heatConductance

  /// How a unit becomes the kind's own: a shift of the decimal point, then a factor.
  struct Unit: Sendable {
    var name: String
    var powerOfTen = 0
    var factor = 1.0
  }

  /// The kind's own unit first; ASCII names before others.
  var units: [Unit] {
    switch self {
    case .charge: [Unit(name: "Ah"), Unit(name: "mAh", powerOfTen: -3)]
    case .specificCharge: [Unit(name: "mAh/g")]
    case .mass:
      [Unit(name: "g"), Unit(name: "mg", powerOfTen: -3), Unit(name: "kg", powerOfTen: 3)]
    case .voltage:
      [
        Unit(name: "V"), Unit(name: "mV", powerOfTen: -3), Unit(name: "uV", powerOfTen: -6),
        Unit(name: "\u{B5}V", powerOfTen: -6), Unit(name: "\u{3BC}V", powerOfTen: -6),
      ]
    case .current:
      [Unit(name: "A"), Unit(name: "mA", powerOfTen: -3), Unit(name: "uA", powerOfTen: -6)]
    case .resistance: Self.resistanceUnits
    case .capacitance:
      [
        Unit(name: "F"), Unit(name: "mF", powerOfTen: -3), Unit(name: "uF", powerOfTen: -6),
        Unit(name: "\u{B5}F", powerOfTen: -6), Unit(name: "\u{3BC}F", powerOfTen: -6),
      ]
    case .time:
      [
        Unit(name: "s"), Unit(name: "ms", powerOfTen: -3), Unit(name: "min", factor: 60),
        Unit(name: "h", factor: 3600),
      ]
    case .rate: [Unit(name: "1/s"), Unit(name: "/s")]
    case .temperature: [Unit(name: "degC"), Unit(name: "\u{B0}C"), Unit(name: "C")]
    case .molarEnergy: [Unit(name: "J/mol"), Unit(name: "kJ/mol", powerOfTen: 3)]
    case .heatCapacity: [Unit(name: "J/K")]
    case .heatConductance: [Unit(name: "W/K"), Unit(name: "mW/K", powerOfTen: -3)]
    }
  }

  // The Greek letter and the ohm sign are equal as Swift strings: one name finds both.
  private static let resistanceUnits = [
    Unit(name: "ohm"), Unit(name: "mohm", powerOfTen: -3), Unit(name: "uohm", powerOfTen: -6),
    Unit(name: "kohm", powerOfTen: 3), Unit(name: "\u{3A9}"),
    Unit(name: "m\u{3A9}", powerOfTen: -3), Unit(name: "\u{B5}\u{3A9}", powerOfTen: -6),
    Unit(name: "k\u{3A9}", powerOfTen: 3),
  ]

  /// The name of the kind's own unit.
  var unitName: String { units[0].name }
  /// The names to offer when a unit is unknown: the ASCII ones.
  var unitNames: String {
    units.map(\.name).filter { name in name.utf8.allSatisfy { $0 < 0x80 } }.joined(separator: ", ")
  }
}

/// Quantities as people write them: "2 mohm", "25 degC", "16.1 kJ/mol".
public enum QuantityText {
  /// Reads a quantity with its unit; a space between them may be left out.
  ///
  /// - Parameters:
  ///   - text: a decimal number and a unit of `kind`.
  ///   - kind: what quantity it is.
  /// - Returns: the number in the kind's own unit, or what is wrong, such as "has no unit; …".
  public static func parse(_ text: String, as kind: QuantityKind) -> Result<Double, QuantityProblem>
  {
    let characters = text.drop { $0 == " " }
    let number = characters.prefix { "+-.0123456789".contains($0) }
    var rest = characters[number.endIndex...]
    var exponent = 0
    if let (power, after) = leadingExponent(rest) {
      exponent = power
      rest = after
    }
    guard isDecimal(number) else {
      return .failure(
        QuantityProblem("is no quantity; expected a number with a unit (\(kind.unitNames))"))
    }
    let unitName = rest.drop { $0 == " " }
    guard !unitName.isEmpty else {
      return .failure(QuantityProblem("has no unit; expected one of \(kind.unitNames)"))
    }
    guard let unit = kind.units.first(where: { $0.name == unitName }) else {
      return .failure(
        QuantityProblem("has the unit '\(unitName)'; expected one of \(kind.unitNames)"))
    }
    // Shifting the point inside the text rounds once: "2 mohm" is the Double 0.002.
    guard let value = Double("\(number)e\(exponent + unit.powerOfTen)"), value.isFinite else {
      return .failure(QuantityProblem("is too large"))
    }
    return .success(value * unit.factor)
  }

  /// A plain decimal number such as 1.28 or 3.5e-4; nil for anything else, `nan` and `0x10` too.
  static func number(_ text: some StringProtocol) -> Double? {
    let mantissa = text.prefix { "+-.0123456789".contains($0) }
    guard isDecimal(mantissa) else { return nil }
    let rest = text[mantissa.endIndex...]
    if rest.isEmpty { return finite(String(mantissa)) }
    guard let (power, after) = leadingExponent(rest), after.isEmpty else { return nil }
    return finite("\(mantissa)e\(power)")
  }

  private static func finite(_ text: String) -> Double? {
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The exponent at the beginning of `text`, such as `e-4`, and what comes after it.
  private static func leadingExponent<Text: StringProtocol>(
    _ text: Text
  ) -> (Int, Text.SubSequence)? {
    guard text.first == "e" || text.first == "E" else { return nil }
    let afterLetter = text.dropFirst()
    let sign = afterLetter.prefix { $0 == "-" || $0 == "+" }
    let digits = afterLetter[sign.endIndex...].prefix { "0123456789".contains($0) }
    guard sign.count <= 1, let power = Int(digits), power < 10_000 else { return nil }
    return (sign == "-" ? -power : power, afterLetter[digits.endIndex...])
  }

  private static func isDecimal(_ text: some StringProtocol) -> Bool {
    let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text.dropFirst(0)
    let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { return false }
    let digits = parts.joined()
    return !digits.isEmpty && digits.allSatisfy { "0123456789".contains($0) }
  }
}

/// What is wrong with a quantity, to be read after it.
public struct QuantityProblem: Error, Equatable, Sendable {
  /// Such as "has no unit; expected one of V, mV, uV".
  public var message: String

  init(_ message: String) { self.message = message }
}

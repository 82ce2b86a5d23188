// SPDX-License-Identifier: Apache-2.0

/// The words of a written entry, with quantities and pointed-at mistakes.
struct CyclerWords {
  let text: String
  private let words: [Word]
  private var next = 0

  /// A word and where it begins, counted in characters from 1.
  struct Word {
    var text: String
    var column: Int
  }

  /// A number with its unit in small letters.
  struct Quantity {
    var value: Double
    var unit: String
    var written: String
    var column: Int
  }

  private static let voltages = "a voltage, such as 4.2 V or 3100 mV"
  private static let durations = "a time, such as 30 minutes, 10 s or 2 hours"

  init(_ text: String) {
    self.text = text
    var words: [Word] = []
    var column = 0
    var isInWord = false
    for character in text {
      column += 1
      if character.isWhitespace {
        isInWord = false
      } else if isInWord {
        words[words.count - 1].text.append(character)
      } else {
        words.append(Word(text: String(character), column: column))
        isInWord = true
      }
    }
    self.words = words
  }

  /// The word that comes next.
  var peek: Word? { next < words.count ? words[next] : nil }

  mutating func take() -> Word? {
    guard next < words.count else { return nil }
    next += 1
    return words[next - 1]
  }

  /// Gives the last word back.
  mutating func back() { next -= 1 }

  /// Takes a word if it is the next.
  mutating func takes(_ text: String) -> Bool {
    guard peek?.text.lowercased() == text else { return false }
    next += 1
    return true
  }

  /// Takes "above" or "below".
  mutating func side() -> CyclerCondition.Side? {
    if takes("above") { return .above }
    return takes("below") ? .below : nil
  }

  mutating func expect(_ text: String) throws(CyclerSyntaxError) {
    guard let word = take() else { throw missing("\"\(text)\"") }
    guard word.text.lowercased() == text else {
      throw wrong(word, "does not belong here", "\"\(text)\"")
    }
  }

  mutating func expectEnd() throws(CyclerSyntaxError) {
    if let word = take() { throw wrong(word, "does not belong here", "nothing more") }
  }

  func wrong(_ word: Word, _ what: String, _ expected: String) -> CyclerSyntaxError {
    CyclerSyntaxError(
      message: "\"\(word.text)\" \(what)", column: word.column, expected: expected)
  }

  func wrong(_ quantity: Quantity, _ what: String, _ expected: String) -> CyclerSyntaxError {
    CyclerSyntaxError(
      message: "\"\(quantity.written)\" \(what)", column: quantity.column, expected: expected)
  }

  /// The entry ends too early: points just behind its last word.
  func missing(_ expected: String) -> CyclerSyntaxError {
    let end = words.last.map { $0.column + $0.text.count } ?? 1
    return CyclerSyntaxError(
      message: "the step ends too early", column: end, expected: expected)
  }
}

// MARK: - Quantities

extension CyclerWords {
  /// Reads `C/20`, `2C`, `4.2V` or `4.2 V`; the value is finite and above 0, but for a temperature.
  mutating func quantity(_ expected: String) throws(CyclerSyntaxError) -> Quantity {
    guard let word = take() else { throw missing(expected) }
    let small = word.text.lowercased()
    if small == "c" {
      return Quantity(value: 1, unit: "c", written: word.text, column: word.column)
    }
    if small.hasPrefix("c/") {
      let divisor = try positive(String(small.dropFirst(2)), word, expected)
      return Quantity(value: 1 / divisor, unit: "c", written: word.text, column: word.column)
    }
    let sign = small.hasPrefix("-") ? "-" : ""
    let digits = small.dropFirst(sign.count).prefix { ("0"..."9").contains($0) || $0 == "." }
    let number = try number(String(digits), word, expected)
    var quantity = Quantity(
      value: sign.isEmpty ? number : -number,
      unit: String(small.dropFirst(sign.count + digits.count)), written: word.text,
      column: word.column)
    if quantity.unit.isEmpty {
      guard let unit = take() else { throw missing("a unit after \(word.text)") }
      quantity.unit = unit.text.lowercased()
      quantity.written = "\(word.text) \(unit.text)"
    }
    if Self.isTemperature(quantity.unit) { return quantity }
    guard sign.isEmpty else { throw wrong(word, "is not a number with a unit", expected) }
    guard number > 0 else { throw wrong(word, "is zero", "a value above 0") }
    return quantity
  }

  private func positive(
    _ digits: String, _ word: Word, _ expected: String
  ) throws(CyclerSyntaxError) -> Double {
    let value = try number(digits, word, expected)
    guard value > 0 else { throw wrong(word, "is zero", "a value above 0") }
    return value
  }

  private func number(
    _ digits: String, _ word: Word, _ expected: String
  ) throws(CyclerSyntaxError) -> Double {
    let isPlain = !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) || $0 == "." }
    guard isPlain, let value = Double(digits), value.isFinite else {
      throw wrong(word, "is not a number with a unit", expected)
    }
    return value
  }

  /// Reads a number without a unit, such as a cycle's.
  mutating func plainNumber() throws(CyclerSyntaxError) -> Double {
    guard let word = take() else { throw missing("a number") }
    return try positive(word.text, word, "a number")
  }

  func rate(
    _ quantity: Quantity, _ expected: String
  ) throws(CyclerSyntaxError) -> CyclerStep.Rate {
    switch quantity.unit {
    case "a": .amperes(quantity.value)
    case "ma": .amperes(quantity.value / 1000)
    case "ma/g": .milliamperesPerGram(quantity.value)
    case "a/g": .milliamperesPerGram(1000 * quantity.value)
    case "w": .watts(quantity.value)
    case "mw": .watts(quantity.value / 1000)
    case "ohm", "ohms", "\u{3C9}": .ohms(quantity.value)
    case "mohm": .ohms(quantity.value / 1000)
    case "c": .cRate(quantity.value)
    default: throw wrong(quantity, "is not a rate", expected)
    }
  }

  /// The condition's amount that a quantity means by its unit.
  func amount(
    _ quantity: Quantity, _ expected: String
  ) throws(CyclerSyntaxError) -> CyclerCondition.Amount {
    if let seconds = Self.seconds(of: quantity.unit) { return .seconds(seconds * quantity.value) }
    if Self.isTemperature(quantity.unit) { return .celsius(quantity.value) }
    switch quantity.unit {
    case "v", "mv": return .volts(try volts(quantity))
    case "ah": return .charge(ampereHours: quantity.value)
    case "mah": return .charge(ampereHours: quantity.value / 1000)
    case "mah/g": return .specificCharge(milliampereHoursPerGram: quantity.value)
    case "a", "ma", "ma/g", "a/g", "c": return .current(try rate(quantity, expected))
    default: throw wrong(quantity, "is no limit", expected)
    }
  }

  mutating func volts() throws(CyclerSyntaxError) -> Double {
    try volts(try quantity(Self.voltages))
  }

  private func volts(_ quantity: Quantity) throws(CyclerSyntaxError) -> Double {
    let volts: Double
    switch quantity.unit {
    case "v": volts = quantity.value
    case "mv": volts = quantity.value / 1000
    default: throw wrong(quantity, "is not a voltage", Self.voltages)
    }
    guard volts >= 0.1, volts <= 10 else {
      throw wrong(quantity, "is no voltage of a single cell", "a voltage from 0.1 V to 10 V")
    }
    return volts
  }

  mutating func duration() throws(CyclerSyntaxError) -> Double {
    let quantity = try quantity(Self.durations)
    guard let seconds = Self.seconds(of: quantity.unit) else {
      throw wrong(quantity, "is not a time", Self.durations)
    }
    return seconds * quantity.value
  }

  private static func seconds(of unit: String) -> Double? {
    switch unit {
    case "s", "sec", "secs", "second", "seconds": 1
    case "min", "mins", "minute", "minutes": 60
    case "h", "hr", "hrs", "hour", "hours": 3600
    case "d", "day", "days": 86_400
    default: nil
    }
  }

  private static func isTemperature(_ unit: String) -> Bool {
    unit == "degc" || unit == "\u{B0}c" || unit == "celsius"
  }
}

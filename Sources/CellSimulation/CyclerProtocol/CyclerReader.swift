// SPDX-License-Identifier: Apache-2.0

/// Reads the words of one written step.
struct CyclerReader {
  private let text: String
  private let words: [Word]
  private var next = 0

  /// A word and where it begins, counted in characters from 1.
  private struct Word {
    var text: String
    var column: Int
  }

  /// A number with its unit in small letters.
  private struct Quantity {
    var value: Double
    var unit: String
    var written: String
    var column: Int
  }

  private static let rates = "a current, C-rate or power, such as 1.5 A, 300 mA, 1C, C/2 or 2 W"
  private static let voltages = "a voltage, such as 4.2 V or 3100 mV"
  private static let durations = "a time, such as 30 minutes, 10 s or 2 hours"
  private static let endings = "\"for\" with a time, or \"until\" with a limit"

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

  mutating func step() throws(CyclerSyntaxError) -> CyclerStep {
    let verbs = "\"Charge\", \"Discharge\", \"Hold\" or \"Rest\""
    guard let verb = take() else { throw missing(verbs) }
    let action: CyclerStep.Action
    switch verb.text.lowercased() {
    case "rest": action = .rest
    case "charge":
      try expect("at")
      action = .charge(try rate())
    case "discharge":
      try expect("at")
      action = .discharge(try rate())
    case "hold":
      try expect("at")
      action = .hold(volts: try volts())
    default: throw wrong(verb, "is not something a cycler does", verbs)
    }
    let (seconds, until) = try endings(of: action)
    return CyclerStep(action: action, seconds: seconds, until: until, text: text)
  }

  /// Reads "for …", "until …" or both in any order, joined by "or"; after "or" the word may be left
  /// out, as in "until 2.5 V or 10 minutes".
  private mutating func endings(
    of action: CyclerStep.Action
  ) throws(CyclerSyntaxError) -> (Double?, CyclerStep.Until?) {
    var seconds: Double?
    var until: CyclerStep.Until?
    var joint: Word?
    while let word = take() {
      switch word.text.lowercased() {
      case "for" where seconds == nil: seconds = try duration()
      case "until" where until == nil: until = try limit(of: action, at: word)
      case "or" where joint == nil && (seconds != nil || until != nil):
        joint = word
        continue
      case _ where joint != nil && seconds == nil && isDuration(word):
        next -= 1
        seconds = try duration()
      case _ where joint != nil && until == nil && seconds != nil:
        next -= 1
        until = try limit(of: action, at: word)
      default: throw wrong(word, "does not belong here", Self.endings)
      }
      joint = nil
    }
    guard joint == nil else { throw missing(Self.endings) }
    guard seconds != nil || until != nil else {
      // A step without an end would never finish.
      throw missing(action == .rest ? "\"for\" with a time" : Self.endings)
    }
    return (seconds, until)
  }

  /// Reads what follows "until".
  private mutating func limit(
    of action: CyclerStep.Action, at word: Word
  ) throws(CyclerSyntaxError) -> CyclerStep.Until {
    switch action {
    case .rest: throw wrong(word, "cannot end a rest", "\"for\" with a time")
    case .charge, .discharge:
      // At a given rate only the voltage moves.
      return .volts(try volts())
    case .hold:
      let expected = "a current or C-rate, such as 50 mA or C/20"
      let quantity = try quantity(expected)
      let rate = try rate(quantity, expected)
      if case .watts = rate { throw wrong(quantity, "cannot end a hold", expected) }
      return .rate(rate)
    }
  }

  private mutating func rate() throws(CyclerSyntaxError) -> CyclerStep.Rate {
    try rate(try quantity(Self.rates), Self.rates)
  }

  private func rate(
    _ quantity: Quantity, _ expected: String
  ) throws(CyclerSyntaxError) -> CyclerStep.Rate {
    switch quantity.unit {
    case "a": .amperes(quantity.value)
    case "ma": .amperes(quantity.value / 1000)
    case "w": .watts(quantity.value)
    case "mw": .watts(quantity.value / 1000)
    case "c": .cRate(quantity.value)
    default: throw wrong(quantity, "is not a rate", expected)
    }
  }

  private mutating func volts() throws(CyclerSyntaxError) -> Double {
    let quantity = try quantity(Self.voltages)
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

  private mutating func duration() throws(CyclerSyntaxError) -> Double {
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

  /// Whether a word, with the one after it where the unit stands apart, is a time.
  private func isDuration(_ word: Word) -> Bool {
    let unit = word.text.lowercased().drop { ("0"..."9").contains($0) || $0 == "." }
    if !unit.isEmpty { return Self.seconds(of: String(unit)) != nil }
    return next < words.count && Self.seconds(of: words[next].text.lowercased()) != nil
  }

  /// Reads `C/20`, `2C`, `4.2V` or `4.2 V`; the value is finite and above 0.
  private mutating func quantity(_ expected: String) throws(CyclerSyntaxError) -> Quantity {
    guard let word = take() else { throw missing(expected) }
    let small = word.text.lowercased()
    if small == "c" {
      return Quantity(value: 1, unit: "c", written: word.text, column: word.column)
    }
    if small.hasPrefix("c/") {
      let divisor = try number(String(small.dropFirst(2)), word, expected)
      return Quantity(value: 1 / divisor, unit: "c", written: word.text, column: word.column)
    }
    let digits = small.prefix { ("0"..."9").contains($0) || $0 == "." }
    let value = try number(String(digits), word, expected)
    let unit = small.dropFirst(digits.count)
    if !unit.isEmpty {
      return Quantity(
        value: value, unit: String(unit), written: word.text, column: word.column)
    }
    guard let unit = take() else { throw missing("a unit after \(word.text)") }
    return Quantity(
      value: value, unit: unit.text.lowercased(), written: "\(word.text) \(unit.text)",
      column: word.column)
  }

  private func number(
    _ digits: String, _ word: Word, _ expected: String
  ) throws(CyclerSyntaxError) -> Double {
    let isPlain = !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) || $0 == "." }
    guard isPlain, let value = Double(digits), value.isFinite else {
      throw wrong(word, "is not a number with a unit", expected)
    }
    guard value > 0 else { throw wrong(word, "is zero", "a value above 0") }
    return value
  }

  private mutating func expect(_ text: String) throws(CyclerSyntaxError) {
    guard let word = take() else { throw missing("\"\(text)\"") }
    guard word.text.lowercased() == text else {
      throw wrong(word, "does not belong here", "\"\(text)\"")
    }
  }

  private mutating func take() -> Word? {
    guard next < words.count else { return nil }
    next += 1
    return words[next - 1]
  }

  private func wrong(_ word: Word, _ what: String, _ expected: String) -> CyclerSyntaxError {
    CyclerSyntaxError(
      message: "\"\(word.text)\" \(what)", column: word.column, expected: expected)
  }

  private func wrong(
    _ quantity: Quantity, _ what: String, _ expected: String
  ) -> CyclerSyntaxError {
    CyclerSyntaxError(
      message: "\"\(quantity.written)\" \(what)", column: quantity.column, expected: expected)
  }

  /// The step ends too early: points just behind its last word.
  private func missing(_ expected: String) -> CyclerSyntaxError {
    let end = words.last.map { $0.column + $0.text.count } ?? 1
    return CyclerSyntaxError(
      message: "the step ends too early", column: end, expected: expected)
  }
}

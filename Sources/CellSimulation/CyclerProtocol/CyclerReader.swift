// SPDX-License-Identifier: Apache-2.0

/// Reads one written entry of a protocol.
struct CyclerReader {
  private var words: CyclerWords

  private static let verbs =
    "\"Charge\", \"Discharge\", \"Hold\", \"Rest\", \"Sweep\", \"Follow\", \"Go to\" or \"Label\""
  private static let rates =
    "a current, C-rate, power or resistance, such as 1.5 A, 300 mA, 10 mA/g, 1C, C/2, 2 W or 5 ohm"

  init(_ text: String) { words = CyclerWords(text) }

  mutating func contents() throws(CyclerSyntaxError) -> [CyclerElement.Content] {
    guard let verb = words.take() else { throw words.missing(Self.verbs) }
    switch verb.text.lowercased() {
    case "rest": return [try step(.rest)]
    case "charge":
      try words.expect("at")
      let rate = try rate()
      if case .ohms = rate.value {
        throw words.wrong(rate.quantity, "cannot charge a cell", "a current, C-rate or power")
      }
      return try galvanostatic(.charge(rate.value))
    case "discharge":
      try words.expect("at")
      return try galvanostatic(.discharge(try rate().value))
    case "hold":
      try words.expect("at")
      return [try step(.hold(volts: try words.volts()))]
    case "sweep": return [try sweep()]
    case "follow": return [try follow()]
    case "go":
      try words.expect("to")
      return [try goTo()]
    case "label":
      let name = try name()
      try words.expectEnd()
      return [.label(name)]
    default: throw words.wrong(verb, "is not something a cycler does", Self.verbs)
    }
  }

  /// A step of one action with its ends.
  private mutating func step(_ action: CyclerStep.Action) throws(CyclerSyntaxError)
    -> CyclerElement.Content
  {
    var ends = CyclerEndReader(words: words, action: action)
    let step = CyclerStep(action: action, ends: try ends.read(), text: words.text)
    words = ends.words
    return .step(step)
  }

  /// A charge or discharge: plain, with a hold after it, or in pulses.
  private mutating func galvanostatic(_ action: CyclerStep.Action) throws(CyclerSyntaxError)
    -> [CyclerElement.Content]
  {
    if words.takes("to") {
      let volts = try words.volts()
      let reach = CyclerStep(
        action: action, ends: [CyclerEnd([CyclerCondition(.volts(volts))])], text: words.text)
      return [.step(reach), try step(.hold(volts: volts))]
    }
    if words.takes("in") { return [try pulses(action)] }
    return [try step(action)]
  }

  /// A titration (GITT): pulses with rests until the limit; there is no rest after the last.
  private mutating func pulses(_ action: CyclerStep.Action) throws(CyclerSyntaxError)
    -> CyclerElement.Content
  {
    try words.expect("pulses")
    try words.expect("of")
    let pulse = try words.duration()
    try words.expect("with")
    try words.expect("rests")
    try words.expect("of")
    let rest = try words.duration()
    var ends = CyclerEndReader(words: words, action: action)
    let limits = try ends.read()
    words = ends.words
    guard limits.contains(where: { !$0.isOnlyTime }) else {
      throw words.missing("\"until\" with a limit other than time")
    }
    return .loop(
      times: 1_000_000, isCycle: false,
      [
        CyclerElement(
          entry: 0,
          .step(
            CyclerStep(action: action, ends: [.seconds(pulse)] + limits, text: words.text))),
        CyclerElement(entry: 0, .leave),
        CyclerElement(
          entry: 0,
          .step(CyclerStep(action: .rest, ends: [.seconds(rest)], text: "Rest between pulses"))),
      ])
  }

  private mutating func sweep() throws(CyclerSyntaxError) -> CyclerElement.Content {
    try words.expect("to")
    let volts = try words.volts()
    try words.expect("at")
    let expected = "a scan rate, such as 0.1 mV/s"
    let quantity = try words.quantity(expected)
    let rate: Double
    switch quantity.unit {
    case "v/s": rate = quantity.value
    case "mv/s": rate = quantity.value / 1000
    default: throw words.wrong(quantity, "is not a scan rate", expected)
    }
    return try step(.sweep(toVolts: volts, voltsPerSecond: rate))
  }

  private mutating func follow() throws(CyclerSyntaxError) -> CyclerElement.Content {
    let isReversed = words.takes("reversed")
    let kinds = "\"current\", \"voltage\" or \"power\", then \"from\" and a CSV file"
    guard let word = words.take() else { throw words.missing(kinds) }
    guard let kind = CyclerProfile.Kind(rawValue: word.text.lowercased()) else {
      throw words.wrong(word, "is no profile", kinds)
    }
    if isReversed, kind == .voltage {
      throw words.wrong(word, "cannot be reversed", "\"current\" or \"power\"")
    }
    try words.expect("from")
    guard let file = words.take() else { throw words.missing("the name of a CSV file") }
    return try step(.follow(kind, file: file.text, isReversed: isReversed))
  }

  private mutating func goTo() throws(CyclerSyntaxError) -> CyclerElement.Content {
    let name = try name()
    guard words.takes("if") else {
      try words.expectEnd()
      return .goTo(name, [])
    }
    var conditions = [try comparison()]
    while words.takes("and") { conditions.append(try comparison()) }
    try words.expectEnd()
    return .goTo(name, conditions)
  }

  /// A condition after "if", with its side.
  private mutating func comparison() throws(CyclerSyntaxError) -> CyclerCondition {
    let expected = "\"above\" or \"below\" with a value, such as above 45 degC"
    let isHealth = words.takes("health")
    let isCycle = !isHealth && words.takes("cycle")
    guard let side = words.side() else {
      guard let word = words.take() else { throw words.missing(expected) }
      throw words.wrong(word, "does not belong here", expected)
    }
    if isCycle { return CyclerCondition(.cycle(try words.plainNumber()), side) }
    let amount = "a voltage, current, capacity, time or temperature"
    let quantity = try words.quantity(isHealth ? "a percentage, such as 80 %" : amount)
    if isHealth {
      guard quantity.unit == "%" else {
        throw words.wrong(quantity, "is not a percentage", "such as 80 %")
      }
      return CyclerCondition(.health(quantity.value / 100), side)
    }
    return CyclerCondition(try words.amount(quantity, amount), side)
  }

  private mutating func name() throws(CyclerSyntaxError) -> String {
    guard let word = words.take() else { throw words.missing("the name of a label") }
    return word.text
  }

  private mutating func rate() throws(CyclerSyntaxError) -> (
    value: CyclerStep.Rate, quantity: CyclerWords.Quantity
  ) {
    let quantity = try words.quantity(Self.rates)
    return (try words.rate(quantity, Self.rates), quantity)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Reads what ends a step: "for …", "until …" or several, joined by "or"; after "or" the word may be
/// left out, as in "until 2.5 V or 10 minutes". "and" joins conditions that have to hold together.
struct CyclerEndReader {
  var words: CyclerWords
  let action: CyclerStep.Action
  private var ends: [CyclerEnd] = []

  private static let endings = "\"for\" with a time, or \"until\" with a limit"

  init(words: CyclerWords, action: CyclerStep.Action) {
    self.words = words
    self.action = action
  }

  mutating func read() throws(CyclerSyntaxError) -> [CyclerEnd] {
    var isJoint = false
    while let word = words.take() {
      switch word.text.lowercased() {
      case "for" where isJoint || !hasTime:
        let place = words.peek ?? word
        try add([CyclerCondition(.seconds(try words.duration()))], at: place)
      case "until" where isJoint || ends.allSatisfy(\.isOnlyTime):
        try addLimit(at: words.peek ?? word)
      case "or" where !isJoint && !ends.isEmpty:
        isJoint = true
        continue
      case _ where isJoint:
        words.back()
        try addLimit(at: word)
      default: throw words.wrong(word, "does not belong here", Self.endings)
      }
      isJoint = false
    }
    if isJoint { throw words.missing(Self.endings) }
    if ends.isEmpty, !endsByItself {
      // A step without an end would never finish.
      throw words.missing(isRest ? "\"for\" with a time" : Self.endings)
    }
    return ends
  }

  private var hasTime: Bool { ends.contains(where: \.isOnlyTime) }

  private var isRest: Bool { action == .rest }

  private var endsByItself: Bool {
    switch action {
    case .sweep, .follow: true
    case .rest, .charge, .discharge, .hold: false
    }
  }

  /// Reads conditions joined by "and".
  private mutating func addLimit(at place: CyclerWords.Word) throws(CyclerSyntaxError) {
    var conditions = [try condition()]
    while words.takes("and") { conditions.append(try condition()) }
    try add(conditions, at: place)
  }

  private mutating func add(
    _ conditions: [CyclerCondition], at place: CyclerWords.Word
  ) throws(CyclerSyntaxError) {
    func shape(_ condition: CyclerCondition) -> [String] {
      [condition.amount.name, "\(condition.side)"]
    }
    let isRepeated = ends.contains { end in
      end.conditions.count == 1 && conditions.count == 1
        && shape(end.conditions[0]) == shape(conditions[0])
    }
    if isRepeated {
      throw words.wrong(
        place, "is a second limit of the \(conditions[0].amount.name)", "one of each kind")
    }
    ends.append(CyclerEnd(conditions))
  }

  private mutating func condition() throws(CyclerSyntaxError) -> CyclerCondition {
    let side = words.side()
    let quantity = try words.quantity(expected)
    let amount = try words.amount(quantity, expected)
    if let problem = problem(amount, side) { throw words.wrong(quantity, problem, expected) }
    return CyclerCondition(amount, side ?? .reached)
  }

  /// What a step may not end at; with "above" or "below" it may end at what it does not impose.
  private func problem(_ amount: CyclerCondition.Amount, _ side: CyclerCondition.Side?) -> String? {
    switch (action, amount) {
    case (.rest, .volts) where side == nil: "needs \"above\" or \"below\" in a rest"
    case (.rest, .current), (.rest, .charge), (.rest, .specificCharge): "cannot end a rest"
    case (.hold, .volts): "cannot end a hold"
    case (.sweep, .volts): "cannot end a sweep, which ends at its own voltage"
    case (.charge(let rate), .current), (.discharge(let rate), .current):
      switch rate {
      case .watts, .ohms: side == nil ? "needs \"above\" or \"below\" here" : nil
      case .amperes, .milliamperesPerGram, .cRate: "cannot end a step at a given current"
      }
    case (.follow(.voltage, _, _), .volts), (.follow, .current), (.follow, .volts):
      side == nil ? "needs \"above\" or \"below\" in a profile" : nil
    case (.sweep, .current) where side == nil: "needs \"above\" or \"below\" in a sweep"
    default: nil
    }
  }

  private var expected: String {
    switch action {
    case .rest: "a time or a temperature"
    case .hold: "a current or C-rate, such as 50 mA or C/20, a capacity, a time or a temperature"
    case .charge, .discharge, .sweep, .follow:
      "a limit such as 4.2 V, 500 mAh, 30 minutes or 45 degC"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

extension CyclerRun.Progress {
  /// Passes where a run stands; for the same protocol.
  public mutating func exchange(_ words: inout StateWords) {
    words.field(&instruction)
    words.check(passes.count)
    for loop in passes.indices { words.field(&passes[loop]) }
    words.field(&cycle)
    words.field(&testSeconds)
    words.field(&idleSteps)
    words.field(&last, standard: CyclerStepSummary()) { $0.exchange(&$1) }
    if instruction < 0 { words.reject() }
  }
}

extension CyclerStepSummary {
  /// A summary to be read into.
  public init() { self.init(cycle: 0, step: 1, highestCelsius: 0, end: .time) }

  /// Passes all fields.
  public mutating func exchange(_ words: inout StateWords) {
    words.field(&cycle)
    words.field(&step)
    words.field(&seconds)
    words.field(&chargedAmpereHours)
    words.field(&dischargedAmpereHours)
    words.field(&chargedWattHours)
    words.field(&dischargedWattHours)
    words.field(&endVolts)
    words.field(&endAmperes)
    words.field(&endCelsius)
    words.field(&highestCelsius)
    end.exchange(&words)
  }
}

extension CyclerStepSummary.End {
  /// Passes the kind of end, and its place in the step's list, −1 for none.
  mutating func exchange(_ words: inout StateWords) {
    var (kind, place) = numbers
    words.field(&kind)
    words.field(&place)
    let index = place < 0 ? nil : place
    switch kind {
    case 0: self = .time
    case 1: self = .limit(index)
    case 2: self = .limitAlreadyMet(index)
    case 3: self = .unreachable
    case 4: self = .outOfRange
    case 5: self = .tooLong
    case 6: self = .circling
    default: words.reject()
    }
  }

  private var numbers: (kind: Int, place: Int) {
    switch self {
    case .time: (0, -1)
    case .limit(let place): (1, place ?? -1)
    case .limitAlreadyMet(let place): (2, place ?? -1)
    case .unreachable: (3, -1)
    case .outOfRange: (4, -1)
    case .tooLong: (5, -1)
    case .circling: (6, -1)
    }
  }
}

extension CyclerCycleSummary {
  /// Passes all fields.
  public mutating func exchange(_ words: inout StateWords) {
    words.field(&cycle)
    words.field(&seconds)
    words.field(&chargedAmpereHours)
    words.field(&dischargedAmpereHours)
    words.field(&chargedWattHours)
    words.field(&dischargedWattHours)
    words.field(&highestCelsius)
    words.field(&health)
  }
}

extension CyclerSample {
  /// A sample to be read into.
  public init() {
    self.init(
      testSeconds: 0, cycle: 0, step: 1, stepSeconds: 0, volts: 0, amperes: 0,
      temperatureCelsius: 0, stateOfCharge: 0, chargeAmpereHours: 0)
  }

  /// Passes all fields.
  public mutating func exchange(_ words: inout StateWords) {
    words.field(&testSeconds)
    words.field(&cycle)
    words.field(&step)
    words.field(&stepSeconds)
    words.field(&volts)
    words.field(&amperes)
    words.field(&temperatureCelsius)
    words.field(&stateOfCharge)
    words.field(&chargeAmpereHours)
  }
}

extension CyclerRun {
  /// All that decides what the protocol does to a cell, as words: equal for equal protocols only.
  public var identity: [UInt64] {
    var words = StateWords()
    // The text of a value has all of its fields, and numbers in it are exact.
    var text = "\(program.instructions) \(program.loops) \(steps)"
    words.field(&text)
    var grams = fit.cathodeGrams
    words.field(&grams)
    for name in fit.profiles.keys.sorted() {
      guard let profile = fit.profiles[name] else { continue }
      var rows = profile.seconds + profile.values
      words.field(&rows, standard: 0) { $1.field(&$0) }
    }
    return words.words
  }

  /// How much of the protocol is done, 0 to 1, by the number of its steps; jumps and the lengths of
  /// steps are not foreseen.
  public func share(of progress: Progress) -> Double {
    let whole = instructions(0..<program.instructions.count, progress, isAhead: true)
    guard whole > 0, progress.instruction < program.instructions.count else { return 1 }
    return instructions(0..<program.instructions.count, progress, isAhead: false) / whole
  }

  /// How many steps a part of the program has when it runs once, or has had when it is under way.
  private func instructions(
    _ range: Range<Int>, _ progress: Progress, isAhead: Bool
  ) -> Double {
    var count = 0.0
    var place = range.lowerBound
    while place < range.upperBound {
      if !isAhead, place >= progress.instruction { break }
      switch program.instructions[place] {
      case .step: count += 1
      case .begin(let loop):
        let body = program.loops[loop].begin + 1..<program.loops[loop].end
        let once = instructions(body, progress, isAhead: true)
        let times = Double(program.loops[loop].times)
        if isAhead || progress.instruction > body.upperBound {
          count += times * once
        } else {
          count += Double(progress.passes[loop]) * once
          count += instructions(body, progress, isAhead: false)
        }
        place = body.upperBound
      case .end, .jump, .leave: break
      }
      place += 1
    }
    return count
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What the stepping needs of a cell model: the instant after a change of control and one step.
protocol CellModel {
  /// Everything that changes with time.
  associatedtype State: Sendable
  /// The present state; setting it takes steps back.
  var state: State { get set }
  /// The voltage at the terminals. Unit: V.
  var terminalVolts: Double { get }
  /// The current, positive charges. Unit: A.
  var amperes: Double { get }
  /// The slope of the terminal voltage over the current in a step. Unit: Ω.
  var slopeOhms: Double { get }
  /// By how much the voltage moves in `seconds` if it goes on as in the last step; 0 after a change
  /// of control, nil if the model's voltage needs no such care. Unit: V.
  func expectedRise(seconds: Double) -> Double?
  /// The longest internal step. Unit: s.
  var longestSeconds: Double { get }
  /// The temperature. Unit: K.
  var kelvin: Double { get }
  /// The charge that went in less that which came out since the start. Unit: A·s.
  var chargeAmpereSeconds: Double { get }
  /// The control of the step before; nil before the first.
  var control: CellControl? { get set }
  /// Finds voltage and current right after a change of control, before any time has passed.
  ///
  /// - Returns: false if the cell cannot do it; the state is then unchanged.
  mutating func begin(_ control: CellControl) -> Bool
  /// The same before a step that is taken at once: no one reads that voltage, and what is left of it
  /// at the step's end is far less.
  mutating func beginStep(_ control: CellControl, seconds: Double) -> Bool
  /// Takes one step of the given length.
  ///
  /// - Returns: false if the cell cannot do it; the state is then unchanged.
  mutating func advance(_ control: CellControl, seconds: Double, ambientKelvin: Double) -> Bool
  /// The same for a step that is taken whole: no limit is located in it.
  ///
  /// - Parameter rise: by how much the voltage may move, the resistance apart. Unit: V.
  /// - Returns: what came of it; the state is unchanged unless the step was taken.
  mutating func advanceStep(
    _ control: CellControl, seconds: Double, ambientKelvin: Double, within rise: Double
  ) -> WholeStep
}

/// What came of a step to be taken whole.
enum WholeStep {
  case taken
  /// The voltage would move by too much.
  case tooFast
  /// The cell cannot do it.
  case impossible
}

/// How long an internal step may be.
enum StepLength {
  /// Steps asked for up to this length are taken at once. Unit: s.
  static let whole = 2.0
  /// The shortest internal step before a control counts as unreachable. Unit: s.
  static let shortest = 1.0 / 16384
  /// The longest internal step. Unit: s.
  static let longest = 600.0
  /// The longest one in which a current wears a cell: the doses are then within 0.05 % of those of
  /// the shortest steps. Unit: s.
  static let longestWearing = 60.0
  /// A step asked for in which the voltage moves by more than this is taken in halves, and so are
  /// they: after a change of control a depleted surface recovers within a fraction of a second.
  /// Unit: V.
  static let rise = 2.5e-3
  /// The shortest step that is taken in halves for that. Unit: s.
  static let divisible = 0.03
  /// By how much the voltage may leave a straight line in an internal step. Unit: V.
  static let tolerance = 0.5e-3
  /// By what share the mean current of a part of a hold may leave a straight line.
  static let holdShare = 1e-3
}

extension CellModel {
  mutating func beginStep(_ control: CellControl, seconds: Double) -> Bool { begin(control) }

  mutating func advanceStep(
    _ control: CellControl, seconds: Double, ambientKelvin: Double, within rise: Double
  ) -> WholeStep {
    advance(control, seconds: seconds, ambientKelvin: ambientKelvin) ? .taken : .impossible
  }

  /// Steps with limits; see `Cell.step`.
  mutating func step(
    _ control: CellControl, seconds: Double, ambientKelvin: Double, limits: CellLimits
  ) -> StepOutcome {
    let isJump = self.control != control
    if isJump {
      let isOneStep = limits == .none && seconds > 0 && seconds <= StepLength.whole
      guard isOneStep ? beginStep(control, seconds: seconds) : begin(control) else {
        return StepOutcome(seconds: 0, reason: .unreachable)
      }
    }
    guard seconds > 0 else {
      return StepOutcome(seconds: 0, reason: reached(limits, control) ?? .completed)
    }
    if limits == .none, seconds <= StepLength.whole {
      if stepAtOnce(control, seconds: seconds, ambientKelvin: ambientKelvin, isJump: isJump) {
        return StepOutcome(seconds: seconds, reason: .completed)
      }
    }
    if let reason = reached(limits, control) { return StepOutcome(seconds: 0, reason: reason) }
    return stepInParts(
      .constant(control), seconds: seconds, ambientKelvin: ambientKelvin, limits: limits,
      isJump: isJump, longest: StepLength.longest
    ) { _ in }
  }

  /// Steps in parts and tells of each; see `Cell.trace`.
  mutating func trace(
    _ control: CellControl, seconds: Double, ambientKelvin: Double, limits: CellLimits,
    longest: Double, whole: Double, record: (TracePoint) -> Void
  ) -> StepOutcome {
    let isJump = self.control != control
    if isJump {
      guard begin(control) else { return StepOutcome(seconds: 0, reason: .unreachable) }
    }
    record(tracePoint(0))
    if let reason = reached(limits, control) { return StepOutcome(seconds: 0, reason: reason) }
    guard seconds > 0 else { return StepOutcome(seconds: 0, reason: .completed) }
    if seconds <= whole {
      let before = state
      if stepAtOnce(control, seconds: seconds, ambientKelvin: ambientKelvin, isJump: isJump),
        reached(limits, control) == nil
      {
        record(tracePoint(seconds))
        return StepOutcome(seconds: seconds, reason: .completed)
      }
      state = before
    }
    return stepInParts(
      .constant(control), seconds: seconds, ambientKelvin: ambientKelvin, limits: limits,
      isJump: isJump, longest: longest, record: record)
  }

  /// Connects a resistor; see `Cell.trace(ohms:)`.
  mutating func trace(
    ohms: Double, seconds: Double, ambientKelvin: Double, limits: CellLimits, longest: Double,
    record: (TracePoint) -> Void
  ) -> StepOutcome {
    let law = ControlLaw.resistance(ohms: ohms)
    guard begin(ohms: ohms) else { return StepOutcome(seconds: 0, reason: .unreachable) }
    record(tracePoint(0))
    if let reason = reached(limits, law.kind) { return StepOutcome(seconds: 0, reason: reason) }
    let outcome = stepInParts(
      law, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits, isJump: true,
      longest: longest, record: record)
    // No later control is the same: it begins anew.
    control = nil
    return outcome
  }

  /// Moves the terminal voltage in a straight line; see `Cell.sweep`.
  ///
  /// The voltage is met at the end of each part, and turnover is a straight line within it, so this
  /// is a ramp to second order and not a staircase.
  mutating func sweep(
    to volts: Double, voltsPerSecond: Double, partVolts: Double, ambientKelvin: Double,
    limits: CellLimits, record: (TracePoint) -> Void
  ) -> StepOutcome {
    let start = terminalVolts
    guard begin(.voltage(volts: start)) else {
      return StepOutcome(seconds: 0, reason: .unreachable)
    }
    let count = max((volts - start).magnitude / partVolts, 1).rounded(.up)
    let part = (volts - start).magnitude / voltsPerSecond / count
    record(tracePoint(0))
    let hold = CellControl.voltage(volts: start)
    if let reason = reached(limits, hold) { return StepOutcome(seconds: 0, reason: reason) }
    guard part > 0 else { return StepOutcome(seconds: 0, reason: .completed) }
    for index in 1...Int(count) {
      let from = start + (volts - start) * (Double(index - 1) / count)
      let to = start + (volts - start) * (Double(index) / count)
      let elapsed = Double(index - 1) * part
      let before = state
      guard ramp(from: from, to: to, seconds: part, ambientKelvin: ambientKelvin, depth: 0) else {
        return StepOutcome(seconds: elapsed, reason: .unreachable)
      }
      if let reason = reached(limits, hold) {
        let used = locate(
          limits, .ramp(fromVolts: from, voltsPerSecond: (to - from) / part), before: before,
          part: part, ambientKelvin: ambientKelvin)
        control = nil
        record(tracePoint(elapsed + used))
        return StepOutcome(seconds: elapsed + used, reason: reason)
      }
      record(tracePoint(Double(index) * part))
    }
    control = .voltage(volts: volts)
    return StepOutcome(seconds: count * part, reason: .completed)
  }

  /// One part of a sweep, in halves where the cell cannot do it at once.
  private mutating func ramp(
    from: Double, to: Double, seconds: Double, ambientKelvin: Double, depth: Int
  ) -> Bool {
    if advance(.voltage(volts: to), seconds: seconds, ambientKelvin: ambientKelvin) { return true }
    guard depth < 10 else { return false }
    let middle = 0.5 * (from + to)
    return ramp(
      from: from, to: middle, seconds: seconds / 2, ambientKelvin: ambientKelvin,
      depth: depth + 1)
      && ramp(
        from: middle, to: to, seconds: seconds / 2, ambientKelvin: ambientKelvin,
        depth: depth + 1)
  }

  private func tracePoint(_ seconds: Double) -> TracePoint {
    TracePoint(
      seconds: seconds, volts: terminalVolts, amperes: amperes,
      ampereHours: chargeAmpereSeconds / 3600, celsius: kelvin - PhysicalConstants.zeroCelsius)
  }

  /// Takes one step, or several where the voltage moves fast.
  ///
  /// - Returns: false if the cell cannot do it; the state is then unchanged.
  private mutating func stepAtOnce(
    _ control: CellControl, seconds: Double, ambientKelvin: Double, isJump: Bool
  ) -> Bool {
    let expected = expectedRise(seconds: seconds)
    let isSmooth = expected.map { !isJump && $0.magnitude < 0.5 * StepLength.rise } ?? true
    let rise = isSmooth || seconds < StepLength.divisible ? .infinity : StepLength.rise
    switch advanceStep(control, seconds: seconds, ambientKelvin: ambientKelvin, within: rise) {
    case .taken: return true
    case .impossible: return false
    case .tooFast: break
    }
    let before = state
    if stepInHalves(control, seconds: seconds, ambientKelvin: ambientKelvin) { return true }
    state = before
    return false
  }

  /// Takes a step in which the voltage moves fast in two, and each of them again.
  private mutating func stepInHalves(
    _ control: CellControl, seconds: Double, ambientKelvin: Double
  ) -> Bool {
    let half = 0.5 * seconds
    let rise = half < StepLength.divisible ? .infinity : StepLength.rise
    for _ in 0..<2 {
      switch advanceStep(control, seconds: half, ambientKelvin: ambientKelvin, within: rise) {
      case .taken: break
      case .impossible: return false
      case .tooFast:
        guard stepInHalves(control, seconds: half, ambientKelvin: ambientKelvin) else {
          return false
        }
      }
    }
    return true
  }

  /// Steps in parts whose length follows the curvature of the voltage.
  private mutating func stepInParts(
    _ law: ControlLaw, seconds: Double, ambientKelvin: Double, limits: CellLimits,
    isJump: Bool, longest: Double, record: (TracePoint) -> Void
  ) -> StepOutcome {
    let control = law.kind
    let longest = min(longest, longestSeconds)
    var elapsed = 0.0
    var length = isJump ? min(seconds, 1.0 / 16) : min(seconds, 1)
    let isHold = if case .voltage = control { true } else { false }
    var slope = isJump || isHold ? nil : expectedRise(seconds: 1)
    var lastPart = 0.0
    var lastMean: Double?
    while elapsed < seconds {
      let part = min(length, seconds - elapsed)
      let before = state
      let voltsBefore = terminalVolts
      let amperesBefore = amperes
      let kelvinBefore = kelvin
      guard advance(law, seconds: part, ambientKelvin: ambientKelvin) else {
        length = part / 4
        if length < StepLength.shortest {
          return StepOutcome(seconds: elapsed, reason: .unreachable)
        }
        continue
      }
      // In a hold the current moves. It alternates a little from part to part, its mean over a part
      // does not.
      let mean = 0.5 * (amperes + amperesBefore)
      let span = isHold ? 0.5 * (part + lastPart) : part
      let rise = isHold ? lastMean.map { mean - $0 } ?? 0 : terminalVolts - voltsBefore
      let scale =
        isHold ? StepLength.tolerance / (StepLength.holdShare * mean.magnitude + 1e-12) : 1
      let bend = scale * (rise - (slope ?? 0) * span).magnitude
      let warming = (kelvin - kelvinBefore).magnitude
      if part > 0.25,
        slope != nil && bend > 4 * StepLength.tolerance || warming > 2
      {
        state = before
        length = part / 2
        continue
      }
      if let reason = reached(limits, control) {
        let used = locate(
          limits, law, before: before, part: part, ambientKelvin: ambientKelvin)
        record(tracePoint(elapsed + used))
        return StepOutcome(seconds: elapsed + used, reason: reason)
      }
      slope = isHold && lastMean == nil ? nil : rise / span
      lastMean = mean
      lastPart = part
      elapsed += part
      record(tracePoint(elapsed))
      if bend < StepLength.tolerance || length < 0.25, warming < 1, part == length {
        length = min(2 * length, longest)
      }
    }
    return StepOutcome(seconds: seconds, reason: .completed)
  }

  /// The limit that the present state has reached under `control`.
  func reached(_ limits: CellLimits, _ control: CellControl) -> StepOutcome.Reason? {
    guard let distance = distance(limits, control), distance.value <= 0 else { return nil }
    return distance.reason
  }

  /// How far the present state is from the nearest limit that acts; 0 or less has reached it.
  private func distance(
    _ limits: CellLimits, _ control: CellControl
  ) -> (value: Double, reason: StepOutcome.Reason)? {
    let own = ownDistance(limits, control)
    guard let bound = distance(limits.bounds) else { return own }
    guard let own, own.value < bound.value else { return bound }
    return own
  }

  /// How far the limits are that depend on the control.
  private func ownDistance(
    _ limits: CellLimits, _ control: CellControl
  ) -> (value: Double, reason: StepOutcome.Reason)? {
    if case .voltage = control {
      guard let magnitude = limits.currentMagnitude else { return nil }
      return (amperes.magnitude - magnitude, .currentMagnitude)
    }
    if amperes < 0, let volts = limits.lowerVolts { return (terminalVolts - volts, .lowerVolts) }
    if amperes > 0, let volts = limits.upperVolts { return (volts - terminalVolts, .upperVolts) }
    return nil
  }

  /// How far the nearest end is: an end is as far as the farthest of its bounds.
  private func distance(_ bounds: [CellBound]) -> (value: Double, reason: StepOutcome.Reason)? {
    guard var end = bounds.first?.end else { return nil }
    var farthest = -Double.infinity
    var nearest = Double.infinity
    var nearestEnd = end
    for bound in bounds {
      if bound.end != end {
        if farthest < nearest { (nearest, nearestEnd) = (farthest, end) }
        (end, farthest) = (bound.end, -.infinity)
      }
      farthest = max(farthest, distance(bound))
    }
    if farthest < nearest { (nearest, nearestEnd) = (farthest, end) }
    return (nearest, .bound(end: nearestEnd))
  }

  /// How far a bound is: in V, A, A·s or K.
  private func distance(_ bound: CellBound) -> Double {
    let difference: Double
    switch bound.quantity {
    case .volts: difference = bound.value - terminalVolts
    case .currentMagnitude: difference = bound.value - amperes.magnitude
    case .chargeMagnitude(let since):
      difference = 3600 * bound.value - (chargeAmpereSeconds - 3600 * since).magnitude
    case .celsius: difference = bound.value - (kelvin - PhysicalConstants.zeroCelsius)
    }
    return bound.isUpper ? difference : -difference
  }

  /// Finds the moment within a step at which a limit is met and leaves the cell there.
  ///
  /// Each trial solves the whole step anew, so charge and state belong to the moment found.
  /// - Returns: the time from the step's start. Unit: s.
  private mutating func locate(
    _ limits: CellLimits, _ law: ControlLaw, before: State, part: Double,
    ambientKelvin: Double
  ) -> Double {
    let control = law.kind
    // Half a microvolt or microampere, or a tenth of a millisecond; of a bound a microsecond, because
    // right after a change of control the voltage moves by some millivolts in a hundredth of a second.
    let shortest = limits.bounds.isEmpty ? 1e-4 : 1e-6
    var late = part
    var lateDistance = distance(limits, control)?.value ?? 0
    state = before
    var early = 0.0
    var earlyDistance = distance(limits, control)?.value ?? 0
    var best = 0.0
    for trial in 0..<60 {
      if lateDistance >= -0.5e-6 || late - early < shortest { break }
      let share = earlyDistance / (earlyDistance - lateDistance)
      // Every third trial halves, in case the curve is so bent that one end never moves.
      let fraction = trial % 3 == 2 ? 0.5 : min(max(share, 0.01), 0.99)
      let middle = early + fraction * (late - early)
      state = before
      guard advance(law, seconds: middle, ambientKelvin: ambientKelvin) else { break }
      let value = distance(limits, control)?.value ?? 0
      if value > 0 {
        (early, earlyDistance) = (middle, value)
      } else {
        (late, lateDistance) = (middle, value)
      }
    }
    best = late
    state = before
    if !advance(law, seconds: best, ambientKelvin: ambientKelvin) { best = 0 }
    return best
  }
}

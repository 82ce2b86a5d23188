// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// What the solver knows about four lanes while it looks for their surface contents.
struct LaneTrial: Sendable {
  /// The surface content at no turnover at the step's end (A), inside 0…1. Unit: -.
  var content = Lanes.zero
  /// 1/B: turnover per surface content. Unit: 1/s.
  var inverseGain = Lanes.zero
  /// 1/(2k) at the present temperature. Unit: s.
  var inverseRate = Lanes.zero
  /// The iterate: the logit of the surface content.
  var logit = Lanes.zero
  /// The turnover at the iterate, then the solution. Unit: 1/s.
  var turnover = Lanes.zero
  /// The derivative of the turnover by the logit. Unit: 1/s.
  var turnoverSlope = Lanes.zero
  /// The lane's potential less the electrode's. Unit: V.
  var excess = Lanes.zero
  /// The inverse derivative of the lane's potential by its logit; negative. Unit: 1/V.
  var inverseSlope = Lanes.zero
  /// The hysteresis at the iterate.
  var hysteresis = Lanes.zero
  /// Between which logits the solution lies, when it is bracketed.
  var low = Lanes.zero
  var high = Lanes.zero
  /// What is taken up and what is given off, up to a factor: at rest they are equal.
  var up = Lanes.zero
  var down = Lanes.zero
  /// The surface content θs at the iterate, and θs · (1 − θs).
  var surface = Lanes.zero
  var product = Lanes.zero
  /// u + 1/u: charge transfer is fastest at half filling, where it is 2.
  var spread = Lanes.zero
  /// The drive of charge transfer, its derivative by the logit, √(1 + z²) and asinh z.
  var z = Lanes.zero
  var zSlope = Lanes.zero
  var root = Lanes.zero
  var asinh = Lanes.zero
}

/// An electrode's current by its potential, to first order: current = offset + slope · Δw.
struct ElectrodeLine {
  var offset = 0.0
  var slope = 0.0
}

extension ElectrodeCell {
  /// Below which sum of squared changes an iteration was the last: Newton squares the error, so what
  /// is left is about 1e-6 of a thermal voltage.
  static let solved = 1e-6
  /// The same for a step that is taken whole, without limits to locate: what is left is below 0.02 mV,
  /// far less than what such a step itself errs.
  static let nearlySolved = 1e-3
  /// The same for the instant before a step, whose turnover is only where that step begins.
  static let roughlySolved = 3.0

  /// Finds the turnover of all lanes and the current for a control: Newton on all at once.
  ///
  /// The lanes hang together only by two potentials and one current, so each iteration costs no more
  /// than the lanes themselves. It ends by the linearised turnover: the lanes then add up to the
  /// current to rounding, whatever is left in the logits.
  /// - Parameters:
  ///   - control: what is imposed.
  ///   - seconds: the length of the step for which `trial` was prepared; 0 is the instant.
  ///   - tolerance: the sum of squared changes below which it is found.
  /// - Returns: the solution; nil if there is none or it was not found.
  mutating func solve(
    _ control: CellControl, seconds: Double, from start: Solution? = nil,
    within tolerance: Double = solved
  ) -> Solution? {
    guard control.value.isFinite else { return nil }
    let start =
      start
      ?? Solution(
        cathodeVolts: state.cathodeVolts + seconds * state.cathodeRate,
        anodeVolts: state.anodeVolts + seconds * state.anodeRate, amperes: state.amperes,
        terminalVolts: 0, slopeOhms: 0)
    if let solution = newton(control, seconds: seconds, from: start, within: tolerance) {
      return solution
    }
    // Newton can still circle when a large current turns: bracketing cannot.
    guard let near = bracketed(control, seconds: seconds, from: start) else { return nil }
    return newton(control, seconds: seconds, from: near, within: tolerance)
  }

  /// Newton from the iterates in `trial` and the potentials of `start`; nil if it does not converge.
  private mutating func newton(
    _ control: CellControl, seconds: Double, from start: Solution, within tolerance: Double
  ) -> Solution? {
    let inverseVolts = 1 / factors.thermalVolts
    var solution = start
    for _ in 0..<40 {
      react(0..<blockCount)
      let cathode = evaluate(
        0..<anodeBlock, volts: solution.cathodeVolts, seconds: seconds,
        hasHysteresis: hasHysteresis.cathode)
      let anode = evaluate(
        anodeBlock..<blockCount, volts: solution.anodeVolts, seconds: seconds,
        hasHysteresis: hasHysteresis.anode)
      let changes = solution.advance(
        control, cathode: cathode, anode: anode, contactOhms: factors.contactOhms,
        sideAmperes: sideAmperes)
      let error =
        move(0..<anodeBlock, by: changes.cathode, inverseVolts: inverseVolts)
        + move(anodeBlock..<blockCount, by: changes.anode, inverseVolts: inverseVolts)
      if error < tolerance { return solution.isPossible(control) ? solution : nil }
    }
    return nil
  }

  /// Brings turnover and overpotentials to the iterates; `evaluate` needs them.
  ///
  /// Short passes over all lanes: the processor then works on several blocks at once, where one long
  /// chain of dependent operations would hold it up.
  @inline(__always)
  mutating func react(_ blocks: Range<Int>) {
    for block in blocks { trial[block].react() }
    for block in blocks { trial[block].activate() }
  }

  /// Evaluates lanes at their iterate and adds up the electrode's current.
  @inline(__always)
  mutating func evaluate(
    _ blocks: Range<Int>, volts: Double, seconds: Double, hasHysteresis: Bool
  ) -> ElectrodeLine {
    // Metal carries any current at its potential.
    if blocks.isEmpty { return ElectrodeLine(offset: 0, slope: -.infinity) }
    let phi = Lanes(repeating: factors.thermalVolts)
    let volts = Lanes(repeating: volts)
    var offset = Lanes.zero
    var slope = Lanes.zero
    for block in blocks {
      let part = trial[block].evaluate(
        constants[block], before: state.lanes[block], volts: volts, thermalVolts: phi,
        seconds: seconds, hasHysteresis: hasHysteresis)
      slope += part.slope
      offset += part.offset
    }
    return ElectrodeLine(offset: offset.sum(), slope: slope.sum())
  }

  /// Moves the iterates with the electrode's potential; returns the sum of squared changes.
  @inline(__always)
  private mutating func move(
    _ blocks: Range<Int>, by volts: Double, inverseVolts: Double
  ) -> Double {
    var error = Lanes.zero
    for block in blocks {
      error += trial[block].move(
        by: Lanes(repeating: volts), inverseVolts: Lanes(repeating: inverseVolts))
    }
    return error.sum()
  }

  /// |x|.
  @inline(__always)
  static func magnitude(_ x: Lanes) -> Lanes {
    DeterministicMath.doubles(DeterministicMath.bits(x) & 0x7FFF_FFFF_FFFF_FFFF)
  }

  /// `x` with its sign turned where `pattern` is negative.
  @inline(__always)
  static func signed(_ x: Lanes, like pattern: Lanes) -> Lanes {
    DeterministicMath.doubles(
      DeterministicMath.bits(x)
        ^ (DeterministicMath.bits(pattern) & 0x8000_0000_0000_0000))
  }

  /// The unknowns the lanes share.
  struct Solution {
    var cathodeVolts: Double
    var anodeVolts: Double
    /// Positive charges. Unit: A.
    var amperes: Double
    var terminalVolts: Double
    /// The slope of the terminal voltage over the current. Unit: Ω.
    var slopeOhms: Double

    /// Solves the linearised electrodes for the control and takes the new potentials.
    mutating func advance(
      _ control: CellControl, cathode: ElectrodeLine, anode: ElectrodeLine, contactOhms: Double,
      sideAmperes: Double
    ) -> (cathode: Double, anode: Double) {
      // Charging takes sodium out of the cathode: its lanes add up to −I, those of the anode to I less
      // what the interphase binds.
      slopeOhms = contactOhms - 1 / cathode.slope - 1 / anode.slope
      let openVolts =
        cathodeVolts - anodeVolts - cathode.offset / cathode.slope
        + (anode.offset + sideAmperes) / anode.slope
      switch control {
      case .current(let amperes): self.amperes = amperes
      case .voltage(let volts): amperes = (volts - openVolts) / slopeOhms
      case .power(let watts):
        let square = openVolts * openVolts + 4 * slopeOhms * watts
        amperes = ((square > 0 ? square.squareRoot() : 0) - openVolts) / (2 * slopeOhms)
      }
      let cathodeChange = (-amperes - cathode.offset) / cathode.slope
      let anodeChange = (amperes - sideAmperes - anode.offset) / anode.slope
      cathodeVolts += cathodeChange
      anodeVolts += anodeChange
      terminalVolts = cathodeVolts - anodeVolts + contactOhms * amperes
      return (cathodeChange, anodeChange)
    }

    /// Whether the numbers are finite and the control is met (a power may be beyond the cell).
    func isPossible(_ control: CellControl) -> Bool {
      // Beyond 20 V nothing in the model holds; an electrode has run out.
      guard amperes.isFinite, terminalVolts.magnitude < 20 else { return false }
      guard case .power(let watts) = control else { return true }
      return (terminalVolts * amperes - watts).magnitude <= 1e-6 * (1 + watts.magnitude)
    }
  }
}

extension LaneTrial {
  /// Finds surface contents and turnover of four lanes at their iterates.
  @inline(__always)
  mutating func react() {
    let (u, v) = DeterministicMath.expBothWays(0.5 * self.logit)
    let inverse = 1 / (u + v)
    let content = u * inverse
    let product = content * (v * inverse)
    let up = (1 - self.content) * u
    let down = self.content * v
    // D = i·(u + 1/u): without the difference of two contents that may both be near 0 or 1.
    let drive = (up - down) * self.inverseGain
    let turnover = drive * inverse
    let turnoverSlope = product * self.inverseGain
    self.up = up
    self.down = down
    self.turnover = turnover
    self.turnoverSlope = turnoverSlope
    self.surface = content
    self.product = product
    self.z = drive * self.inverseRate
    self.zSlope = (up + down) * (0.5 * self.inverseGain * self.inverseRate)
  }

  /// Finds the overpotential of charge transfer at the turnover, in units of φ/α.
  @inline(__always)
  mutating func activate() {
    let z = self.z
    let root = (z * z + 1).squareRoot()
    let magnitude = ElectrodeCell.magnitude(z)
    self.root = root
    self.asinh = ElectrodeCell.signed(DeterministicMath.log(magnitude + root), like: z)
  }

  /// Compares four lanes with their electrode at their iterates, after `react` and `activate`.
  ///
  /// - Parameters:
  ///   - c: the lanes.
  ///   - lane: their state at the step's start.
  ///   - volts: the potential of each one's electrode. Unit: V.
  ///   - phi: RT/F of each one's cell. Unit: V.
  ///   - seconds: the length of the step.
  ///   - hasHysteresis: whether any has hysteresis.
  /// - Returns: the current of each by its electrode's potential, to first order.
  @inline(__always)
  mutating func evaluate(
    _ c: LaneConstants, before lane: LaneState, volts: Lanes, thermalVolts phi: Lanes,
    seconds: Double, hasHysteresis: Bool
  ) -> (offset: Lanes, slope: Lanes) {
    let content = surface
    let tafel = phi * c.inverseTransfer
    var potential =
      c.potential - volts - phi * c.width * self.logit - c.interaction * (content - 0.5)
      - tafel * asinh
    // The derivative without that of asinh, which needs another division.
    var rest = -(phi * c.width) - c.interaction * product
    if hasHysteresis {
      // The turnover at the middle of the step swings the hysteresis; 1/(1+x+x²/2) for e^−x.
      let middle = 0.5 * (turnover + lane.turnover)
      let x = c.hysteresisRate * ElectrodeCell.magnitude(middle) * seconds
      let target = ElectrodeCell.signed(-Lanes.one, like: middle)
      let h = lane.hysteresis
      let divisor = 1 / (1 + x * (1 + 0.5 * x))
      let reached = target + (h - target) * divisor
      let swing =
        (h - target) * (1 + x) * (divisor * divisor) * c.hysteresisRate * (0.5 * seconds)
      self.hysteresis = reached
      potential += c.hysteresis * reached
      rest -= c.hysteresis * turnoverSlope * ElectrodeCell.signed(swing, like: middle)
    }
    let inverseSlope = root / (rest * root - tafel * zSlope)
    self.excess = potential
    self.inverseSlope = inverseSlope
    let weighted = c.capacity * turnoverSlope * inverseSlope
    return (c.capacity * turnover - weighted * potential, weighted)
  }

  /// Moves four iterates with the potentials of their electrodes; returns the squared changes.
  @inline(__always)
  mutating func move(by volts: Lanes, inverseVolts: Lanes) -> Lanes {
    let residual = volts - self.excess
    let change = residual * self.inverseSlope
    self.turnover += self.turnoverSlope * change
    let scaled = residual * inverseVolts
    let error = change * change + scaled * scaled
    let reach = 3 + 0.3 * ElectrodeCell.magnitude(logit)
    var limited = change
    limited.replace(with: reach, where: change .> reach)
    limited.replace(with: -reach, where: change .< -reach)
    // The kink of asinh at no turnover would make Newton swing for ever when the current turns: a
    // lane whose turnover changes its sign stops first where it is about 0, a change of −2·drive/sum.
    let drive = up - down
    let sum = up + down
    let twice = 2 * ElectrodeCell.magnitude(drive)
    let crosses =
      (drive * change .< 0) .& (ElectrodeCell.magnitude(change) * sum .> twice)
      .& (twice .> 1e-3 * sum)
    if anyLane(crosses) { limited.replace(with: -2 * drive / sum, where: crosses) }
    var next = logit + limited
    next.replace(with: Lanes(repeating: 600), where: next .> 600)
    next.replace(with: Lanes(repeating: -600), where: next .< -600)
    self.logit = next
    return error
  }
}

extension SIMD4<Double> {
  /// Four ones.
  static var one: SIMD4<Double> { SIMD4(repeating: 1) }
}

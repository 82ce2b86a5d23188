// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

// Where the next solution lies by the slopes of the last one: one exponential and no logarithm. In a
// profile the current jumps before each step; the first look ahead finds the turnover right after the
// jump, the second where the step will end, so that the solver has little left to do.

extension ElectrodeCell {
  /// Finds the turnover right after a change of control from the present one, to first order.
  ///
  /// - Returns: false, and the state is unchanged, if the change is too large for that.
  mutating func leap(_ control: CellControl, seconds: Double) -> Bool {
    guard control.value.isFinite else { return false }
    prepareJump(control)
    updateResponses(seconds)
    let cathode = answer(0..<anodeBlock) { cell, block in cell.lookAround(block) }
    let anode = answer(anodeBlock..<blockCount) { cell, block in cell.lookAround(block) }
    var solution = presentSolution
    let error = follow(control, &solution, cathode: cathode, anode: anode)
    guard error < Self.roughlySolved, solution.isPossible(control) else { return false }
    finishJump(control, solution)
    hasLeapt = true
    return true
  }

  /// Moves the iterates that were prepared for a step after a leap to about where it ends.
  ///
  /// - Returns: the potentials there; nil if it is too far.
  mutating func foresee(_ control: CellControl) -> Solution? {
    let cathode = answer(0..<anodeBlock) { cell, block in cell.lookAhead(block) }
    let anode = answer(anodeBlock..<blockCount) { cell, block in cell.lookAhead(block) }
    var solution = presentSolution
    let error = follow(control, &solution, cathode: cathode, anode: anode)
    guard error.isFinite, solution.isPossible(control) else { return nil }
    return solution
  }

  /// Looks at the instant after the change: contents stay, only the quasi-static gain answers.
  @inline(__always)
  private mutating func lookAround(_ block: Int) {
    trial[block].inverseGain = responses[block].inverseInstant
    trial[block].inverseRate = inverseRate(block)
    trial[block].rest(at: state.lanes[block].logit)
    trial[block].lookAround(
      constants[block], turnover: state.lanes[block].turnover,
      thermalVolts: Lanes(repeating: factors.thermalVolts))
  }

  /// Looks at the step's end from the instant after the change.
  @inline(__always)
  private mutating func lookAhead(_ block: Int) {
    let still = (trial[block].surface - trial[block].content) * trial[block].inverseGain
    trial[block].lookAhead(
      constants[block], from: state.lanes[block].turnover, to: still,
      thermalVolts: Lanes(repeating: factors.thermalVolts))
  }

  private var presentSolution: Solution {
    Solution(
      cathodeVolts: state.cathodeVolts, anodeVolts: state.anodeVolts, amperes: state.amperes,
      terminalVolts: state.terminalVolts, slopeOhms: state.slopeOhms)
  }

  /// Shares the control out to the lanes; returns the sum of squared changes of the logits.
  @inline(__always)
  private mutating func follow(
    _ control: CellControl, _ solution: inout Solution, cathode: ElectrodeLine, anode: ElectrodeLine
  ) -> Double {
    let changes = solution.advance(
      control, cathode: cathode, anode: anode, contactOhms: factors.contactOhms,
      sideAmperes: sideAmperes)
    var error = Lanes.zero
    for block in 0..<blockCount {
      error += trial[block].follow(
        Lanes(repeating: block < anodeBlock ? changes.cathode : changes.anode))
    }
    return error.sum()
  }

  /// An electrode's current by its potential along the slopes.
  @inline(__always)
  private mutating func answer(
    _ blocks: Range<Int>, _ look: (inout ElectrodeCell, Int) -> Void
  ) -> ElectrodeLine {
    // Metal carries any current at its potential.
    if blocks.isEmpty { return ElectrodeLine(offset: 0, slope: -.infinity) }
    var offset = Lanes.zero
    var slope = Lanes.zero
    for block in blocks {
      look(&self, block)
      let capacity = constants[block].capacity
      let weighted = capacity * (trial[block].turnoverSlope * trial[block].inverseSlope)
      slope += weighted
      offset += capacity * trial[block].turnover - weighted * trial[block].excess
    }
    return ElectrodeLine(offset: offset.sum(), slope: slope.sum())
  }
}

extension LaneTrial {
  /// Finds the surface at a logit.
  @inline(__always)
  mutating func rest(at logit: Lanes) {
    let (u, v) = DeterministicMath.expBothWays(0.5 * logit)
    let spread = u + v
    let inverse = 1 / spread
    let content = u * inverse
    self.logit = logit
    self.spread = spread
    self.surface = content
    self.product = content * (v * inverse)
  }

  /// Finds how four lanes answer their electrodes at a known solution.
  @inline(__always)
  mutating func lookAround(_ c: LaneConstants, turnover: Lanes, thermalVolts phi: Lanes) {
    let slope = product * inverseGain
    // The drive of charge transfer goes with the turnover and, through the spread, with the logit.
    let scale = inverseRate * spread
    let drive = scale * turnover
    let root = (drive * drive + 1).squareRoot()
    let rest = phi * c.width + c.interaction * product
    let driveSlope = scale * (slope + turnover * (surface - 0.5))
    self.turnover = turnover
    self.turnoverSlope = slope
    self.excess = .zero
    self.inverseSlope = -root / (rest * root + phi * c.inverseTransfer * driveSlope)
  }

  /// Finds how four lanes answer their electrodes from a known solution, by its slopes.
  ///
  /// - Parameters:
  ///   - c: the lanes.
  ///   - before: the turnover at the known solution.
  ///   - after: the turnover with the gain and content to come if the surface stayed as it is.
  ///   - phi: RT/F. Unit: V.
  @inline(__always)
  mutating func lookAhead(
    _ c: LaneConstants, from before: Lanes, to after: Lanes, thermalVolts phi: Lanes
  ) {
    let tafel = phi * c.inverseTransfer
    let slope = product * inverseGain
    // Between two drives asinh rises by about its slope at their middle.
    let scale = inverseRate * spread
    let middle = 0.5 * scale * (before + after)
    let end = scale * after
    let excess = -tafel * scale * (after - before) / (middle * middle + 1).squareRoot()
    let root = (end * end + 1).squareRoot()
    let rest = phi * c.width + c.interaction * product
    let driveSlope = scale * (slope + after * (surface - 0.5))
    self.turnover = after
    self.turnoverSlope = slope
    self.excess = excess
    self.inverseSlope = -root / (rest * root + tafel * driveSlope)
  }

  /// Moves four lanes with their electrodes' potentials; returns the squared changes.
  @inline(__always)
  mutating func follow(_ volts: Lanes) -> Lanes {
    let change = (volts - excess) * inverseSlope
    turnover += turnoverSlope * change
    let reach = 3 + 0.3 * ElectrodeCell.magnitude(logit)
    var limited = change
    limited.replace(with: reach, where: change .> reach)
    limited.replace(with: -reach, where: change .< -reach)
    logit += limited
    // Where the next look ahead starts: the surface to first order.
    let moved = surface + product * limited
    spread += spread * (0.5 * (surface + moved) - 0.5) * limited
    surface = moved
    surface.replace(with: Lanes(repeating: 1e-14), where: moved .< 1e-14)
    surface.replace(with: Lanes(repeating: 1 - 1e-14), where: moved .> 1 - 1e-14)
    product = surface * (1 - surface)
    return change * change
  }
}

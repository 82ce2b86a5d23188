// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

extension ElectrodeCell: CellModel {
  var terminalVolts: Double { state.terminalVolts }
  var amperes: Double { state.amperes }
  var slopeOhms: Double { state.slopeOhms }
  var kelvin: Double { state.kelvin }

  func expectedRise(seconds: Double) -> Double? { (state.cathodeRate - state.anodeRate) * seconds }

  var longestSeconds: Double {
    isWearing && state.amperes != 0 ? StepLength.longestWearing : StepLength.longest
  }

  var chargeAmpereSeconds: Double { state.chargeAmpereSeconds }

  var control: CellControl? {
    get { state.control }
    set { state.control = newValue }
  }

  mutating func begin(_ control: CellControl) -> Bool { begin(control, within: Self.solved) }

  mutating func beginStep(_ control: CellControl, seconds: Double) -> Bool {
    leap(control, seconds: seconds) || begin(control, within: Self.roughlySolved)
  }

  /// Finds the turnover right after a change of control, at the contents of the moment.
  ///
  /// The next step then starts from the turnover of its own current, which makes it second-order.
  private mutating func begin(_ control: CellControl, within tolerance: Double) -> Bool {
    hasLeapt = false
    prepareJump(control)
    for block in 0..<blockCount {
      let lane = state.lanes[block]
      let seconds =
        constants[block].diffusionSeconds
        * (block < anodeBlock ? factors.cathodeDiffusion : factors.anodeDiffusion)
      var slow = (lane.slow0 + lane.slow1) + (lane.slow2 + lane.slow3)
      if hasSixPoles { slow += lane.slow4 + lane.slow5 }
      let sphere = block < anodeBlock ? spheres.cathode : spheres.anode
      trial[block].inverseRate = inverseRate(block)
      prepare(
        block, content: lane.mean + slow, inverseGain: 1 / (seconds * sphere.instant),
        logit: lane.logit)
    }
    guard let solution = solve(control, seconds: 0, within: tolerance) else { return false }
    finishJump(control, solution)
    return true
  }

  /// Brings temperature and wear up to the moment of a change of control.
  mutating func prepareJump(_ control: CellControl) {
    updateFactors()
    if isWearing {
      applyWear()
      let amperes = if case .current(let amperes) = control { amperes } else { state.amperes }
      sideAmperes = interphaseAmperes(charging: amperes)
    }
  }

  /// Takes what was found for the instant after a change of control.
  mutating func finishJump(_ control: CellControl, _ solution: Solution) {
    for block in 0..<blockCount {
      state.lanes[block].logit = trial[block].logit
      state.lanes[block].logitRate = .zero
      state.lanes[block].turnover = trial[block].turnover
    }
    accept(solution)
    state.doses.boundAmperes = sideAmperes
    state.cathodeRate = 0
    state.anodeRate = 0
    state.control = control
  }

  mutating func advance(
    _ control: CellControl, seconds: Double, ambientKelvin: Double
  ) -> Bool {
    hasLeapt = false
    guard let solution = solveStep(control, seconds: seconds, within: Self.solved) else {
      return false
    }
    finish(solution, seconds: seconds, ambientKelvin: ambientKelvin)
    return true
  }

  mutating func advanceStep(
    _ control: CellControl, seconds: Double, ambientKelvin: Double, within rise: Double
  ) -> WholeStep {
    guard let solution = solveStep(control, seconds: seconds, within: Self.nearlySolved) else {
      return .impossible
    }
    let moved =
      solution.terminalVolts - state.terminalVolts
      + (solution.amperes - state.amperes) * solution.slopeOhms
    // Written so that a number that is none counts as too fast.
    guard rise == .infinity || moved.magnitude < rise else { return .tooFast }
    finish(solution, seconds: seconds, ambientKelvin: ambientKelvin)
    return .taken
  }

  /// Finds the end of a step; the state stays at its start.
  private mutating func solveStep(
    _ control: CellControl, seconds: Double, within tolerance: Double
  ) -> Solution? {
    let hasLeapt = self.hasLeapt
    self.hasLeapt = false
    // Far outside the range of the rate laws the cell has burnt or frozen.
    guard state.kelvin > 150, state.kelvin < 800 else { return nil }
    updateFactors()
    updateResponses(seconds)
    if isWearing { sideAmperes = interphaseAmperes(charging: state.amperes) }
    for block in 0..<blockCount {
      let lane = state.lanes[block]
      let r = responses[block]
      // A leap has found it already.
      if !hasLeapt { trial[block].inverseRate = inverseRate(block) }
      var slow =
        (r.decay0 * lane.slow0 + r.decay1 * lane.slow1)
        + (r.decay2 * lane.slow2 + r.decay3 * lane.slow3)
      if hasSixPoles { slow += r.decay4 * lane.slow4 + r.decay5 * lane.slow5 }
      prepare(
        block, content: lane.mean + slow + r.start * lane.turnover, inverseGain: r.inverseEnd,
        logit: lane.logit + seconds * lane.logitRate)
    }
    let start = hasLeapt ? foresee(control) : nil
    return solve(control, seconds: seconds, from: start, within: tolerance)
  }

  /// Sets up four lanes for the solver, their rate apart.
  @inline(__always)
  private mutating func prepare(
    _ block: Int, content: Lanes, inverseGain: Lanes, logit: Lanes
  ) {
    // Inside 0…1 the lane's equation has one solution, whatever its history.
    let edge = 1e-14
    var inside = content
    inside.replace(with: Lanes(repeating: edge), where: content .< edge)
    inside.replace(with: Lanes(repeating: 1 - edge), where: content .> 1 - edge)
    trial[block].content = inside
    trial[block].inverseGain = inverseGain
    trial[block].logit = logit
  }

  /// 1/(2k) of four lanes at the present temperature. Unit: s.
  @inline(__always)
  mutating func inverseRate(_ block: Int) -> Lanes {
    let rate = block < anodeBlock ? factors.cathodeRate : factors.anodeRate
    return 0.5 / (constants[block].rateConstant * rate)
  }

  /// Moves contents, hysteresis, heat and temperature over the step that was solved.
  private mutating func finish(_ solution: Solution, seconds: Double, ambientKelvin: Double) {
    let cathodeVolts = 0.5 * (state.cathodeVolts + solution.cathodeVolts)
    let anodeVolts = 0.5 * (state.anodeVolts + solution.anodeVolts)
    let amperes = 0.5 * (state.amperes + solution.amperes)
    var watts = Lanes.zero
    for block in 0..<blockCount {
      let volts = block < anodeBlock ? cathodeVolts : anodeVolts
      watts += finish(block, seconds: seconds, volts: volts)
    }
    state.cathodeRate = (solution.cathodeVolts - state.cathodeVolts) / seconds
    state.anodeRate = (solution.anodeVolts - state.anodeVolts) / seconds
    let heat = watts.sum() + factors.contactOhms * amperes * amperes
    accept(solution)
    if isWearing { addDoses(seconds: seconds, cathodeVolts: cathodeVolts) }
    state.heatJoules += heat * seconds
    state.chargeAmpereSeconds += amperes * seconds
    state.throughputAmpereSeconds += amperes.magnitude * seconds
    let conductance = thermal.conductanceWattsPerKelvin
    if conductance > 0 {
      let settled = ambientKelvin + heat / conductance
      state.kelvin = settled + (state.kelvin - settled) * thermalDecay
    } else {
      state.kelvin += heat * seconds / thermal.heatCapacityJoulesPerKelvin
    }
  }

  /// Moves four lanes over the step; returns the heat they set free. Unit: W.
  @inline(__always)
  private mutating func finish(_ block: Int, seconds: Double, volts: Double) -> Lanes {
    let c = constants[block]
    let r = responses[block]
    let turnover = trial[block].turnover
    let before = state.lanes[block]
    let middleTurnover = 0.5 * (before.turnover + turnover)
    let change = seconds * middleTurnover
    state.lanes[block].move(
      r, trial[block], seconds: seconds, hasSixPoles: hasSixPoles,
      hasHysteresis: block < anodeBlock ? hasHysteresis.cathode : hasHysteresis.anode)
    // Heat is what the lane gives up between the reversible potential of its mean content and the
    // electrode's potential: kinetics, diffusion and hysteresis together.
    if isWearing, block < anodeBlock { addStrain(block, before: before.mean, change: change) }
    let middle = before.mean + 0.5 * change
    let reversible = c.reversibleVolts(
      content: middle, logit: state.lanes[block].logit(of: middle),
      thermalVolts: Lanes(repeating: factors.thermalVolts))
    return c.capacity * middleTurnover * (reversible - volts)
  }

  mutating func accept(_ solution: Solution) {
    state.cathodeVolts = solution.cathodeVolts
    state.anodeVolts = solution.anodeVolts
    state.amperes = solution.amperes
    state.terminalVolts = solution.terminalVolts
    state.slopeOhms = solution.slopeOhms
  }

  mutating func updateFactors() {
    if factors.kelvin != state.kelvin { factors.update(kelvin: state.kelvin, activation) }
  }

  /// Takes the responses to another length from those that were made before, and puts the present
  /// ones in their place: steps in halves come back to the same few lengths.
  ///
  /// - Returns: false if there are none, or those of another temperature; what is next in turn has then
  ///   been given up for the present ones.
  private mutating func recall(_ seconds: Double) -> Bool {
    if seconds == responseSeconds || responseSeconds == 0 { return false }
    let place = recalled.firstIndex { $0.seconds == seconds }
    if place == nil, recalled.count < Self.mostRecalled {
      if recalled.isEmpty { recalled.reserveCapacity(Self.mostRecalled) }
      recalled.append(
        StepResponse(
          seconds: responseSeconds, kelvin: responseKelvin, thermalDecay: thermalDecay,
          lanes: responses))
      return false
    }
    let slot = place ?? nextRecalled
    if place == nil { nextRecalled = (nextRecalled + 1) % Self.mostRecalled }
    swap(&recalled[slot].seconds, &responseSeconds)
    swap(&recalled[slot].kelvin, &responseKelvin)
    swap(&recalled[slot].thermalDecay, &thermalDecay)
    for block in 0..<blockCount { swap(&recalled[slot].lanes[block], &responses[block]) }
    return seconds == responseSeconds && responseKelvin == factors.diffusionKelvin
  }

  /// Makes the responses anew for another length or other diffusion times.
  mutating func updateResponses(_ seconds: Double) {
    let isSame =
      seconds == responseSeconds && responseKelvin == factors.diffusionKelvin
    if isSame || recall(seconds) { return }
    if seconds != responseSeconds {
      thermalDecay = DeterministicMath.exp(
        -seconds * thermal.conductanceWattsPerKelvin / thermal.heatCapacityJoulesPerKelvin)
    }
    responseSeconds = seconds
    responseKelvin = factors.diffusionKelvin
    for block in 0..<blockCount {
      responses[block] = LaneResponse(
        diffusionSeconds: constants[block].diffusionSeconds
          * (block < anodeBlock ? factors.cathodeDiffusion : factors.anodeDiffusion),
        seconds: seconds, block < anodeBlock ? spheres.cathode : spheres.anode)
    }
  }
}

extension LaneState {
  /// Moves four lanes over the step that was solved.
  @inline(__always)
  mutating func move(
    _ r: LaneResponse, _ trial: LaneTrial, seconds: Double, hasSixPoles: Bool, hasHysteresis: Bool
  ) {
    let before = self
    let turnover = trial.turnover
    mean = before.mean + seconds * (0.5 * (before.turnover + turnover))
    slow0 =
      r.decay0 * before.slow0 + (r.start0 * before.turnover + r.end0 * turnover)
    slow1 =
      r.decay1 * before.slow1 + (r.start1 * before.turnover + r.end1 * turnover)
    slow2 =
      r.decay2 * before.slow2 + (r.start2 * before.turnover + r.end2 * turnover)
    slow3 =
      r.decay3 * before.slow3 + (r.start3 * before.turnover + r.end3 * turnover)
    if hasSixPoles {
      slow4 =
        r.decay4 * before.slow4 + (r.start4 * before.turnover + r.end4 * turnover)
      slow5 =
        r.decay5 * before.slow5 + (r.start5 * before.turnover + r.end5 * turnover)
    }
    logit = trial.logit
    logitRate = (trial.logit - before.logit) * (1 / seconds)
    self.turnover = turnover
    if hasHysteresis {
      hysteresis = trial.hysteresis
    }
  }

  /// The logits of four contents, error below 1e-6, as a series about those that are known; each of
  /// these is moved up by itself once the content has gone too far.
  @inline(__always)
  mutating func logit(of content: Lanes) -> Lanes {
    var change = (content - knownContent) * knownSlope
    let isFar = ElectrodeCell.magnitude(change) .> 0.04
    if anyLane(isFar) {
      let edge = 1e-12
      var inside = content
      inside.replace(with: Lanes(repeating: edge), where: content .< edge)
      inside.replace(with: Lanes(repeating: 1 - edge), where: content .> 1 - edge)
      let outside = 1 - inside
      knownContent.replace(with: inside, where: isFar)
      knownLogit.replace(with: DeterministicMath.log(inside / outside), where: isFar)
      knownSlope.replace(with: 1 / (inside * outside), where: isFar)
      change.replace(with: Lanes.zero, where: isFar)
    }
    // The derivatives of ln c/(1−c), in units of powers of the first.
    let second = knownContent - 0.5
    let third = 1.0 / 3 - knownContent * (1 - knownContent)
    return knownLogit + change * (1 + change * (second + change * third))
  }
}

extension LaneConstants {
  /// The reversible potential of four lanes at their contents and the logits of these. Unit: V.
  @inline(__always)
  func reversibleVolts(content: Lanes, logit: Lanes, thermalVolts: Lanes) -> Lanes {
    potential - thermalVolts * width * logit - interaction * (content - 0.5)
  }
}

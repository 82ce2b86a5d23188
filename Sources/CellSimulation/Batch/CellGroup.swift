// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// Four cells side by side: what is a number in `ElectrodeCell` is one number per cell here, and a
/// block of lanes is one lane (a site in a size class) of the four.
///
/// Each cell's iterates stop where it has converged, so its bits do not depend on its neighbours.
struct CellGroup: Sendable {
  let anodeLane: Int
  let hasSixPoles: Bool
  let hasHysteresis: (cathode: Bool, anode: Bool)
  let spheres: (cathode: SpherePoles, anode: SpherePoles)
  /// By lane, the cathode's before the anode's.
  var constants: [LaneConstants]
  var lanes: [LaneState]
  var responses: [LaneResponse]
  /// 1/(2k) at the present temperature. Unit: s.
  private var inverseRates: [Lanes]
  var trial: [LaneTrial]
  /// Turnover and logit of the cells that have converged.
  var found: [LaneFound]
  var responseSeconds = 0.0
  let activations: GroupActivations
  var factors = GroupFactors()
  private var decay = Lanes.zero
  let heatCapacity: Lanes
  let conductance: Lanes
  var kelvin: Lanes
  var cathodeVolts: Lanes
  var anodeVolts: Lanes
  var cathodeRate = Lanes.zero
  var anodeRate = Lanes.zero
  var amperes = Lanes.zero
  var terminalVolts: Lanes
  var chargeAmpereSeconds = Lanes.zero
  /// Which cells could take every step so far; what the others hold has no meaning.
  var isRunning = Mask(repeating: true)
  private var hasBegun = false

  /// A lane's solution.
  struct LaneFound: Sendable {
    var turnover = Lanes.zero
    var hysteresis = Lanes.zero
    var logit = Lanes.zero
  }

  /// Puts cells side by side; all have the same sites. Fewer than four are filled up with the last.
  init(_ cells: [ElectrodeCell]) {
    let four = (0..<4).map { cells[min($0, cells.count - 1)] }
    // By index: a cell handed over would be copied, eleven kilobytes for each of its numbers.
    func gather(_ value: (Int) -> Double) -> Lanes { Lanes(value(0), value(1), value(2), value(3)) }
    let first = four[0]
    // Lanes that only fill a block of `ElectrodeCell` have no place here.
    let places = (0..<4 * first.blockCount).filter { lane in
      four.indices.contains { four[$0].constants[lane / 4].capacity[lane % 4] != 0 }
    }
    anodeLane = places.prefix { $0 < 4 * first.anodeBlock }.count
    hasHysteresis = (
      four.contains { $0.hasHysteresis.cathode }, four.contains { $0.hasHysteresis.anode }
    )
    spheres = first.spheres
    hasSixPoles = first.hasSixPoles
    constants = places.map { place in
      let (block, lane) = (place / 4, place % 4)
      func constant(_ path: KeyPath<LaneConstants, Lanes>) -> Lanes {
        gather { four[$0].constants[block][keyPath: path][lane] }
      }
      return LaneConstants(
        capacity: constant(\.capacity), potential: constant(\.potential), width: constant(\.width),
        interaction: constant(\.interaction), hysteresis: constant(\.hysteresis),
        hysteresisRate: constant(\.hysteresisRate), rateConstant: constant(\.rateConstant),
        inverseTransfer: constant(\.inverseTransfer),
        diffusionSeconds: constant(\.diffusionSeconds))
    }
    lanes = places.map { place in
      var lane = LaneState()
      lane.mean = gather { four[$0].state.lanes[place / 4].mean[place % 4] }
      lane.logit = gather { four[$0].state.lanes[place / 4].logit[place % 4] }
      return lane
    }
    responses = Array(repeating: LaneResponse(), count: places.count)
    inverseRates = Array(repeating: .zero, count: places.count)
    trial = Array(repeating: LaneTrial(), count: places.count)
    found = Array(repeating: LaneFound(), count: places.count)
    activations = GroupActivations(
      cathodeKinetics: gather { four[$0].activation.cathodeKinetics },
      anodeKinetics: gather { four[$0].activation.anodeKinetics },
      cathodeDiffusion: gather { four[$0].activation.cathodeDiffusion },
      anodeDiffusion: gather { four[$0].activation.anodeDiffusion },
      contact: gather { four[$0].activation.contact },
      contactOhms: gather { four[$0].activation.contactOhms })
    heatCapacity = gather { four[$0].thermal.heatCapacityJoulesPerKelvin }
    conductance = gather { four[$0].thermal.conductanceWattsPerKelvin }
    kelvin = gather { four[$0].state.kelvin }
    cathodeVolts = gather { four[$0].state.cathodeVolts }
    anodeVolts = gather { four[$0].state.anodeVolts }
    terminalVolts = cathodeVolts - anodeVolts
  }

  /// Takes one step at constant currents.
  mutating func step(_ current: Lanes, seconds: Double, ambientKelvin: Double) {
    updateFactors(seconds)
    let isJump = current .!= amperes .| !hasBegun
    let hasLeapt = anyLane(isJump) ? begin(current, where: isJump) : Mask(repeating: false)
    advance(current, seconds: seconds, ambientKelvin: ambientKelvin, hasLeapt: hasLeapt)
  }

  /// Finds the turnover right after a change of current; see `ElectrodeCell.beginStep`.
  ///
  /// - Returns: which cells have leapt.
  private mutating func begin(_ current: Lanes, where isJump: Mask) -> Mask {
    let active = isJump .& isRunning
    var ahead = lookAround(current)
    let hasLeapt = active .& (ahead.error .< ElectrodeCell.roughlySolved) .& ahead.solution.isFound
    let left = active .& .!hasLeapt
    if anyLane(left) {
      solveJump(current, where: left)
      // The solver worked where the others had looked around.
      ahead = lookAround(current)
    }
    finishJump(ahead.solution, where: hasLeapt)
    hasBegun = true
    return hasLeapt
  }

  /// Looks at the instant after a change of current by the slopes; see `ElectrodeCell.leap`.
  private mutating func lookAround(_ current: Lanes) -> (solution: Solution, error: Lanes) {
    for index in lanes.indices {
      trial[index].inverseGain = responses[index].inverseInstant
      trial[index].inverseRate = inverseRates[index]
      trial[index].rest(at: lanes[index].logit)
      trial[index].lookAround(
        constants[index], turnover: lanes[index].turnover, thermalVolts: factors.thermalVolts)
    }
    return follow(current)
  }

  /// Moves the prepared iterates to about where the step ends; see `ElectrodeCell.foresee`.
  private mutating func foresee(_ current: Lanes) -> Solution {
    for index in lanes.indices {
      let still = (trial[index].surface - trial[index].content) * trial[index].inverseGain
      trial[index].lookAhead(
        constants[index], from: lanes[index].turnover, to: still,
        thermalVolts: factors.thermalVolts)
    }
    return follow(current).solution
  }

  /// Shares the currents out to the lanes along their slopes.
  private mutating func follow(_ current: Lanes) -> (solution: Solution, error: Lanes) {
    let cathode = line(0..<anodeLane)
    let anode = line(anodeLane..<lanes.count)
    let cathodeChange = (-current - cathode.offset) / cathode.slope
    let anodeChange = (current - anode.offset) / anode.slope
    var error = Lanes.zero
    for index in lanes.indices {
      error += trial[index].follow(index < anodeLane ? cathodeChange : anodeChange)
    }
    var solution = Solution(
      cathodeVolts: cathodeVolts + cathodeChange, anodeVolts: anodeVolts + anodeChange,
      amperes: current)
    solution.terminalVolts =
      solution.cathodeVolts - solution.anodeVolts + factors.contactOhms * current
    solution.isFound = (ElectrodeCell.magnitude(solution.terminalVolts) .< 20)
      .& (error .< .infinity)
    return (solution, error)
  }

  /// An electrode's currents by its potentials along the slopes.
  private func line(_ range: Range<Int>) -> (offset: Lanes, slope: Lanes) {
    if range.isEmpty { return (.zero, Lanes(repeating: -.infinity)) }
    var offset = Lanes.zero
    var slope = Lanes.zero
    for index in range {
      let capacity = constants[index].capacity
      let weighted = capacity * (trial[index].turnoverSlope * trial[index].inverseSlope)
      slope += weighted
      offset += capacity * trial[index].turnover - weighted * trial[index].excess
    }
    return (offset, slope)
  }

  /// Finds the turnover right after a change of current; see `ElectrodeCell.begin`.
  private mutating func solveJump(_ current: Lanes, where active: Mask) {
    for index in lanes.indices {
      let lane = lanes[index]
      var slow = (lane.slow0 + lane.slow1) + (lane.slow2 + lane.slow3)
      if hasSixPoles { slow += lane.slow4 + lane.slow5 }
      prepare(
        index, content: lane.mean + slow, inverseGain: responses[index].inverseInstant,
        logit: lane.logit)
    }
    let solution = solve(
      current, seconds: 0, cathode: cathodeVolts, anode: anodeVolts,
      within: ElectrodeCell.roughlySolved, active: active)
    finishJump(solution, where: solution.isFound)
    isRunning = isRunning .& (solution.isFound .| .!active)
  }

  private mutating func finishJump(_ solution: Solution, where isFound: Mask) {
    for index in lanes.indices {
      lanes[index].logit.replace(with: trial[index].logit, where: isFound)
      lanes[index].logitRate.replace(with: Lanes.zero, where: isFound)
      lanes[index].turnover.replace(with: trial[index].turnover, where: isFound)
    }
    accept(solution, where: isFound)
    cathodeRate.replace(with: Lanes.zero, where: isFound)
    anodeRate.replace(with: Lanes.zero, where: isFound)
  }

  private mutating func advance(
    _ current: Lanes, seconds: Double, ambientKelvin: Double, hasLeapt: Mask
  ) {
    for index in lanes.indices {
      let lane = lanes[index]
      let r = responses[index]
      var slow =
        (r.decay0 * lane.slow0 + r.decay1 * lane.slow1)
        + (r.decay2 * lane.slow2 + r.decay3 * lane.slow3)
      if hasSixPoles { slow += r.decay4 * lane.slow4 + r.decay5 * lane.slow5 }
      prepare(
        index, content: lane.mean + slow + r.start * lane.turnover, inverseGain: r.inverseEnd,
        logit: lane.logit + seconds * lane.logitRate)
    }
    var cathode = cathodeVolts + seconds * cathodeRate
    var anode = anodeVolts + seconds * anodeRate
    if anyLane(hasLeapt) {
      let ahead = foresee(current)
      let isAhead = hasLeapt .& ahead.isFound
      for index in lanes.indices {
        // The others start where they would without neighbours that leapt.
        let straight = lanes[index].logit + seconds * lanes[index].logitRate
        trial[index].logit.replace(with: straight, where: .!isAhead)
      }
      cathode.replace(with: ahead.cathodeVolts, where: isAhead)
      anode.replace(with: ahead.anodeVolts, where: isAhead)
    }
    let solution = solve(
      current, seconds: seconds, cathode: cathode, anode: anode,
      within: ElectrodeCell.nearlySolved, active: isRunning)
    finish(solution, seconds: seconds, ambientKelvin: ambientKelvin)
    isRunning = isRunning .& solution.isFound
  }

  @inline(__always)
  private mutating func prepare(
    _ index: Int, content: Lanes, inverseGain: Lanes, logit: Lanes
  ) {
    let edge = 1e-14
    var inside = content
    inside.replace(with: Lanes(repeating: edge), where: content .< edge)
    inside.replace(with: Lanes(repeating: 1 - edge), where: content .> 1 - edge)
    trial[index].content = inside
    trial[index].inverseGain = inverseGain
    trial[index].inverseRate = inverseRates[index]
    trial[index].logit = logit
  }

  /// What four cells share out to their lanes.
  private struct Solution {
    var cathodeVolts: Lanes
    var anodeVolts: Lanes
    var amperes: Lanes
    var terminalVolts = Lanes.zero
    var isFound = Mask(repeating: false)
  }

  private mutating func solve(
    _ current: Lanes, seconds: Double, cathode: Lanes, anode: Lanes, within tolerance: Double,
    active: Mask
  ) -> Solution {
    var volts = (cathode: cathode, anode: anode)
    var solution = Solution(cathodeVolts: cathode, anodeVolts: anode, amperes: current)
    var left = active
    let inverseVolts = 1 / factors.thermalVolts
    var hasKept = false
    for iteration in 0..<60 where anyLane(left) {
      for index in lanes.indices { trial[index].react() }
      for index in lanes.indices { trial[index].activate() }
      let cathode = evaluate(
        0..<anodeLane, volts: volts.cathode, seconds: seconds, hasHysteresis.cathode)
      let anode = evaluate(
        anodeLane..<lanes.count, volts: volts.anode, seconds: seconds, hasHysteresis.anode)
      let cathodeChange = (-current - cathode.offset) / cathode.slope
      let anodeChange = (current - anode.offset) / anode.slope
      volts.cathode += cathodeChange
      volts.anode += anodeChange
      let error =
        move(0..<anodeLane, by: cathodeChange, inverseVolts)
        + move(anodeLane..<lanes.count, by: anodeChange, inverseVolts)
      // Most groups need one iteration; only beyond it must those that have converged be kept.
      if iteration > 0 { keep(where: left) }
      let terminal = volts.cathode - volts.anode + factors.contactOhms * current
      let isNew = left .& (error .< tolerance) .& (ElectrodeCell.magnitude(terminal) .< 20)
      solution.cathodeVolts.replace(with: volts.cathode, where: isNew)
      solution.anodeVolts.replace(with: volts.anode, where: isNew)
      solution.terminalVolts.replace(with: terminal, where: isNew)
      solution.isFound = solution.isFound .| isNew
      left = left .& .!isNew
      if iteration == 0, anyLane(left) {
        keep(where: Mask(repeating: true))
        hasKept = true
      }
    }
    if hasKept { recall() }
    return solution
  }

  /// Keeps the iterates of the cells that have not converged before.
  private mutating func keep(where left: Mask) {
    for index in lanes.indices {
      found[index].turnover.replace(with: trial[index].turnover, where: left)
      found[index].hysteresis.replace(with: trial[index].hysteresis, where: left)
      found[index].logit.replace(with: trial[index].logit, where: left)
    }
  }

  /// Puts every cell's last iterate back.
  private mutating func recall() {
    for index in lanes.indices {
      trial[index].turnover = found[index].turnover
      trial[index].hysteresis = found[index].hysteresis
      trial[index].logit = found[index].logit
    }
  }

  @inline(__always)
  private mutating func evaluate(
    _ range: Range<Int>, volts: Lanes, seconds: Double, _ hasHysteresis: Bool
  ) -> (offset: Lanes, slope: Lanes) {
    // Metal carries any current at its potential.
    if range.isEmpty { return (.zero, Lanes(repeating: -.infinity)) }
    var offset = Lanes.zero
    var slope = Lanes.zero
    for index in range {
      let part = trial[index].evaluate(
        constants[index], before: lanes[index], volts: volts, thermalVolts: factors.thermalVolts,
        seconds: seconds, hasHysteresis: hasHysteresis)
      offset += part.offset
      slope += part.slope
    }
    return (offset, slope)
  }

  @inline(__always)
  private mutating func move(
    _ range: Range<Int>, by volts: Lanes, _ inverseVolts: Lanes
  ) -> Lanes {
    var error = Lanes.zero
    for index in range { error += trial[index].move(by: volts, inverseVolts: inverseVolts) }
    return error
  }

  private mutating func accept(_ solution: Solution, where isFound: Mask) {
    cathodeVolts.replace(with: solution.cathodeVolts, where: isFound)
    anodeVolts.replace(with: solution.anodeVolts, where: isFound)
    terminalVolts.replace(with: solution.terminalVolts, where: isFound)
    amperes.replace(with: solution.amperes, where: isFound)
  }

  /// Moves contents, heat and temperature over the step; see `ElectrodeCell.finish`.
  private mutating func finish(_ solution: Solution, seconds: Double, ambientKelvin: Double) {
    let volts = (
      cathode: 0.5 * (cathodeVolts + solution.cathodeVolts),
      anode: 0.5 * (anodeVolts + solution.anodeVolts)
    )
    let current = 0.5 * (amperes + solution.amperes)
    var watts = factors.contactOhms * current * current
    for index in lanes.indices {
      let before = (mean: lanes[index].mean, turnover: lanes[index].turnover)
      lanes[index].move(
        responses[index], trial[index], seconds: seconds, hasSixPoles: hasSixPoles,
        hasHysteresis: index < anodeLane ? hasHysteresis.cathode : hasHysteresis.anode)
      let middle = 0.5 * (before.turnover + trial[index].turnover)
      let content = before.mean + 0.5 * (seconds * middle)
      let reversible = constants[index].reversibleVolts(
        content: content, logit: lanes[index].logit(of: content), thermalVolts: factors.thermalVolts
      )
      watts +=
        constants[index].capacity * middle
        * (reversible - (index < anodeLane ? volts.cathode : volts.anode))
    }
    cathodeRate = (solution.cathodeVolts - cathodeVolts) / seconds
    anodeRate = (solution.anodeVolts - anodeVolts) / seconds
    accept(solution, where: solution.isFound)
    chargeAmpereSeconds += current * seconds
    // A cell without losses only warms.
    let settled = ambientKelvin + watts / conductance
    kelvin.replace(
      with: settled + (kelvin - settled) * decay, where: conductance .> 0)
    kelvin.replace(
      with: kelvin + watts * seconds / heatCapacity, where: conductance .<= 0)
  }

  /// Follows temperature in steps of 0.02 K, each cell by itself, and the length of the step.
  private mutating func updateFactors(_ seconds: Double) {
    var isOld = ElectrodeCell.magnitude(kelvin - factors.kelvin) .> 0.02
    if seconds != responseSeconds {
      isOld = Mask(repeating: true)
      responseSeconds = seconds
      decay = DeterministicMath.exp(-seconds * conductance / heatCapacity)
    }
    guard anyLane(isOld) else { return }
    factors.update(kelvin: kelvin, activations, where: isOld)
    for index in lanes.indices {
      let isCathode = index < anodeLane
      inverseRates[index] =
        0.5
        / (constants[index].rateConstant * (isCathode ? factors.cathodeRate : factors.anodeRate))
      responses[index] = LaneResponse(
        diffusionSeconds: constants[index].diffusionSeconds
          * (isCathode ? factors.cathodeDiffusion : factors.anodeDiffusion),
        seconds: seconds, isCathode ? spheres.cathode : spheres.anode)
    }
  }
}

/// Which of four cells.
typealias Mask = SIMDMask<SIMD4<Int64>>

/// What temperature acts on in four cells.
struct GroupActivations: Sendable {
  let cathodeKinetics: Lanes
  let anodeKinetics: Lanes
  let cathodeDiffusion: Lanes
  let anodeDiffusion: Lanes
  let contact: Lanes
  let contactOhms: Lanes
}

/// How temperature changes the parameters of four cells, each at its own.
struct GroupFactors: Sendable {
  var kelvin = Lanes.zero
  var thermalVolts = Lanes.zero
  var cathodeRate = Lanes.zero
  var anodeRate = Lanes.zero
  var contactOhms = Lanes.zero
  var cathodeDiffusion = Lanes.zero
  var anodeDiffusion = Lanes.zero

  /// Brings the chosen cells' factors to their temperature; the others keep theirs, bit for bit.
  mutating func update(kelvin now: Lanes, _ activations: GroupActivations, where isOld: Mask) {
    kelvin.replace(with: now, where: isOld)
    thermalVolts = kelvin * (PhysicalConstants.gas / PhysicalConstants.faraday)
    let inverse = (1 / PhysicalConstants.reference - 1 / kelvin) / PhysicalConstants.gas
    cathodeRate = DeterministicMath.exp(inverse * activations.cathodeKinetics)
    anodeRate = DeterministicMath.exp(inverse * activations.anodeKinetics)
    contactOhms = activations.contactOhms * DeterministicMath.exp(-inverse * activations.contact)
    cathodeDiffusion = DeterministicMath.exp(-inverse * activations.cathodeDiffusion)
    anodeDiffusion = DeterministicMath.exp(-inverse * activations.anodeDiffusion)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The way that always arrives, for the few solutions Newton misses: lane in electrode in current.
///
/// Each lane's turnover falls with the electrode's potential, so does the electrode's sum, and the
/// terminal voltage rises with the current: three nested searches for one crossing each.
extension ElectrodeCell {
  /// Brings the iterates of all lanes close to the solution; nil if there is none.
  mutating func bracketed(
    _ control: CellControl, seconds: Double, from start: Solution
  ) -> Solution? {
    var solution = start
    guard case .current(let amperes) = control else {
      return bracketedCurrent(control, seconds: seconds, from: start)
    }
    return meet(amperes, &solution, seconds: seconds) ? solution : nil
  }

  /// Finds both potentials for a current; false if an electrode cannot carry it.
  private mutating func meet(
    _ amperes: Double, _ solution: inout Solution, seconds: Double
  ) -> Bool {
    guard canCarry(-amperes, 0..<anodeBlock),
      canCarry(amperes - sideAmperes, anodeBlock..<blockCount),
      let cathode = electrodeVolts(
        0..<anodeBlock, current: -amperes, near: state.cathodeVolts, seconds: seconds,
        hasHysteresis: hasHysteresis.cathode),
      let anode = electrodeVolts(
        anodeBlock..<blockCount, current: amperes - sideAmperes, near: state.anodeVolts,
        seconds: seconds,
        hasHysteresis: hasHysteresis.anode)
    else { return false }
    solution.cathodeVolts = cathode
    solution.anodeVolts = anode
    solution.amperes = amperes
    solution.terminalVolts = cathode - anode + factors.contactOhms * amperes
    return true
  }

  /// Whether surfaces between empty and full can take up a current.
  private func canCarry(_ amperes: Double, _ blocks: Range<Int>) -> Bool {
    if blocks.isEmpty { return true }
    var least = Lanes.zero
    var most = Lanes.zero
    for block in blocks {
      let t = trial[block]
      let gain = constants[block].capacity * t.inverseGain
      least -= gain * t.content
      most += gain * (1 - t.content)
    }
    return least.sum() < amperes && amperes < most.sum()
  }

  /// Finds the current of a voltage or power by halving.
  private mutating func bracketedCurrent(
    _ control: CellControl, seconds: Double, from start: Solution
  ) -> Solution? {
    var solution = start
    // How far the control is exceeded; a current that cannot be carried is too much of its sign.
    func excess(_ amperes: Double, _ solution: inout Solution, _ cell: inout Self) -> Double {
      guard cell.meet(amperes, &solution, seconds: seconds) else {
        return amperes > 0 ? .infinity : -.infinity
      }
      switch control {
      case .voltage(let volts): return solution.terminalVolts - volts
      // The power rises with the current as long as the voltage is above its collapse.
      case .power(let watts):
        return solution.terminalVolts > 0 ? solution.terminalVolts * amperes - watts : -.infinity
      case .current(let target): return amperes - target
      }
    }
    let unit = equilibrium.capacityAmpereHours
    var low = -0.1 * unit
    var high = 0.1 * unit
    for _ in 0..<12 where excess(low, &solution, &self) > 0 { low *= 2 }
    for _ in 0..<12 where excess(high, &solution, &self) < 0 { high *= 2 }
    for _ in 0..<60 {
      let middle = 0.5 * (low + high)
      // Newton takes it from here.
      if high - low < 1e-7 * unit { break }
      if excess(middle, &solution, &self) > 0 { high = middle } else { low = middle }
    }
    return meet(0.5 * (low + high), &solution, seconds: seconds) ? solution : nil
  }

  /// Finds the potential at which the lanes of an electrode add up to a current.
  private mutating func electrodeVolts(
    _ blocks: Range<Int>, current: Double, near volts: Double, seconds: Double,
    hasHysteresis: Bool
  ) -> Double? {
    if blocks.isEmpty { return volts }
    // Ten volts to either side hold every overpotential of a cell that still works.
    var low = volts - 10
    var high = volts + 10
    var middle = volts
    for _ in 0..<100 {
      let line = settle(blocks, volts: middle, seconds: seconds, hasHysteresis: hasHysteresis)
      let miss = line.offset - current
      if miss > 0 { low = middle } else { high = middle }
      if high - low < 1e-12 || miss == 0 { break }
      let next = middle - miss / line.slope
      let isInside = next > low && next < high && (next - middle).magnitude < 0.2
      if isInside, (next - middle).magnitude < 1e-10 {
        middle = next
        break
      }
      middle = isInside ? next : 0.5 * (low + high)
    }
    // At an end of the range the current was not met.
    return (middle - volts).magnitude < 9.99 ? middle : nil
  }

  /// Settles every lane of an electrode at a given potential; returns the current and its slope.
  private mutating func settle(
    _ blocks: Range<Int>, volts: Double, seconds: Double, hasHysteresis: Bool
  ) -> ElectrodeLine {
    for block in blocks {
      trial[block].low = Lanes(repeating: -600)
      trial[block].high = Lanes(repeating: 600)
    }
    var line = ElectrodeLine()
    for iteration in 0..<120 {
      react(blocks)
      line = evaluate(blocks, volts: volts, seconds: seconds, hasHysteresis: hasHysteresis)
      var error = Lanes.zero
      for block in blocks {
        let t = trial[block]
        let isBelow = t.excess .> 0
        let low = t.low.replacing(with: t.logit, where: isBelow)
        let high = t.logit.replacing(with: t.high, where: isBelow)
        let change = -t.excess * t.inverseSlope
        var next = t.logit + change
        let isOutside = (next .<= low) .| (next .>= high)
        // Every third time half the bracket, so that slow ends cannot hold it up.
        let halves = iteration % 3 == 2 ? (high - low) .> 1e-9 : isOutside
        next.replace(with: 0.5 * (low + high), where: halves)
        error += (next - t.logit) * (next - t.logit)
        trial[block].low = low
        trial[block].high = high
        trial[block].logit = next
      }
      if error.sum() < 1e-18 { break }
    }
    return line
  }
}

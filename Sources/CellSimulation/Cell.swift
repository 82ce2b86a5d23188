// SPDX-License-Identifier: Apache-2.0

/// A cell under test: what flows in changes its charge, its voltage and its temperature.
///
/// Deterministic: the same description and the same steps give the same bits on every machine.
/// Copying a cell copies its state, so an experiment on a copy leaves the original alone. The copy is
/// made when one of the two next takes a step: passing a cell around costs a reference.
public struct Cell: Sendable {
  /// What the cell was made from.
  public let description: CellDescription
  /// One element. An array is a value that is copied only before it changes, and what holds it is
  /// small: the compiler copied the eleven kilobytes of a model wherever one of its numbers was read.
  private var models: [Model]

  /// What the cell was made into.
  private struct Model: Sendable {
    let equilibrium: CellEquilibrium
    // One of the two is there. Not an enum with payloads: a step must not copy the model.
    var electrodes: ElectrodeCell?
    var circuit: CircuitCell?

    mutating func step(
      _ control: CellControl, seconds: Double, ambientKelvin: Double, limits: CellLimits
    ) -> StepOutcome {
      electrodes?.step(control, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits)
        ?? circuit?.step(control, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits)
        ?? StepOutcome(seconds: 0, reason: .unreachable)
    }

    mutating func trace(
      _ control: CellControl, seconds: Double, ambientKelvin: Double, limits: CellLimits,
      longest: Double, whole: Double, record: (TracePoint) -> Void
    ) -> StepOutcome {
      electrodes?.trace(
        control, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits,
        longest: longest, whole: whole, record: record)
        ?? circuit?.trace(
          control, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits,
          longest: longest, whole: whole, record: record)
        ?? StepOutcome(seconds: 0, reason: .unreachable)
    }

    mutating func trace(
      ohms: Double, seconds: Double, ambientKelvin: Double, limits: CellLimits, longest: Double,
      record: (TracePoint) -> Void
    ) -> StepOutcome {
      electrodes?.trace(
        ohms: ohms, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits,
        longest: longest, record: record)
        ?? circuit?.trace(
          ohms: ohms, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits,
          longest: longest, record: record)
        ?? StepOutcome(seconds: 0, reason: .unreachable)
    }

    mutating func sweep(
      to volts: Double, voltsPerSecond: Double, partVolts: Double, ambientKelvin: Double,
      limits: CellLimits, record: (TracePoint) -> Void
    ) -> StepOutcome {
      electrodes?.sweep(
        to: volts, voltsPerSecond: voltsPerSecond, partVolts: partVolts,
        ambientKelvin: ambientKelvin, limits: limits, record: record)
        ?? circuit?.sweep(
          to: volts, voltsPerSecond: voltsPerSecond, partVolts: partVolts,
          ambientKelvin: ambientKelvin, limits: limits, record: record)
        ?? StepOutcome(seconds: 0, reason: .unreachable)
    }
  }

  /// Makes a cell at rest in equilibrium, without memory of how it was charged.
  ///
  /// - Parameters:
  ///   - description: what the cell is made of.
  ///   - stateOfCharge: in 0…1.
  ///   - temperatureCelsius: of the cell. Unit: °C.
  /// - Throws: `CellError` if a number is out of range.
  public init(
    _ description: CellDescription, stateOfCharge: Double, temperatureCelsius: Double = 25
  ) throws(CellError) {
    guard (0...1).contains(stateOfCharge) else { throw .stateOfChargeOutOfRange(stateOfCharge) }
    guard (-60...120).contains(temperatureCelsius) else {
      throw .temperatureOutOfRange(temperatureCelsius)
    }
    let equilibrium = try CellEquilibrium(description)
    let kelvin = PhysicalConstants.zeroCelsius + temperatureCelsius
    self.description = description
    var model = Model(equilibrium: equilibrium)
    switch equilibrium.kind {
    case .electrodes(let pair):
      model.electrodes = try ElectrodeCell(
        pair.pair, equilibrium: pair, thermal: description.thermal, stateOfCharge: stateOfCharge,
        kelvin: kelvin)
    case .circuit(let circuit):
      model.circuit = CircuitCell(
        circuit, capacityAmpereHours: description.ratedCapacityAmpereHours,
        thermal: description.thermal, stateOfCharge: stateOfCharge, kelvin: kelvin)
    }
    models = [model]
  }

  /// Makes a cell at rest in equilibrium at a voltage, without memory of how it was charged.
  ///
  /// - Parameters:
  ///   - description: what the cell is made of.
  ///   - volts: between the cut-offs. Unit: V.
  ///   - temperatureCelsius: of the cell. Unit: °C.
  /// - Throws: `CellError` if a number is out of range.
  public init(
    _ description: CellDescription, restingAtVolts volts: Double, temperatureCelsius: Double = 25
  ) throws(CellError) {
    guard volts >= description.lowerCutoffVolts, volts <= description.upperCutoffVolts else {
      throw .invalidValue("the resting voltage \(volts) V is outside the cut-off voltages")
    }
    let equilibrium = try CellEquilibrium(description)
    // The place is only good enough where the voltage depends on it; electrodes are set exactly.
    let place = fallingRoot(from: 0, to: 1) { volts - equilibrium.volts(stateOfCharge: $0) }
    try self.init(
      description, stateOfCharge: place, temperatureCelsius: temperatureCelsius)
    models[0].electrodes?.rest(volts: volts)
  }

  /// Makes a cell at rest that has a history and goes on ageing.
  ///
  /// Its state of charge counts between the cut-offs of the cell as old as it is now; what it loses
  /// later does not move them.
  /// - Parameters:
  ///   - description: the cell when it was new.
  ///   - age: its history, of a cell of the same make.
  ///   - volts: where it rests, between the cut-offs. Unit: V.
  ///   - temperatureCelsius: of the cell. Unit: °C.
  /// - Throws: `CellError` if a number is out of range or nothing is known about ageing.
  public init(
    _ description: CellDescription, age: AgeingState, restingAtVolts volts: Double,
    temperatureCelsius: Double = 25
  ) throws(CellError) {
    guard let ageing = description.ageing, case .electrodes(let pair) = description.model,
      ageing.cathodeSites.count == pair.cathode.sites.count,
      age.siteCycles.count == pair.cathode.sites.count,
      age.siteCycles.allSatisfy({ $0.count == pair.cathode.classWeights.count })
    else { throw .unknownAgeing }
    try self.init(
      description.aged(by: age), restingAtVolts: volts, temperatureCelsius: temperatureCelsius)
    models[0].electrodes?.beginWear(ageing, age, freshPair: pair)
  }

  /// Passes the state of what the cell was made into; see `exchange`.
  mutating func exchangeModel(_ words: inout StateWords) {
    models[0].electrodes?.exchange(&words)
    models[0].circuit?.exchange(&words)
  }

  /// The history of a cell that ages; nil for one that does not.
  public var age: AgeingState? { models[0].electrodes?.age }

  /// Imposes a control on the terminals for a time.
  ///
  /// Up to 2 s and without limits this is one implicit step, taken in halves where the voltage moves
  /// fast; it is second-order accurate in its length, with hysteresis or warming first-order. Longer
  /// ones are parted by the curvature of the voltage. The step ends early where a limit is
  /// met, within 1 µV (or 1 µA for the limit of a hold) or 1 ms of it.
  /// - Parameters:
  ///   - control: what is imposed; positive charges.
  ///   - seconds: for how long; 0 gives the voltage right after a change of control.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - limits: where the step ends early.
  /// - Returns: the time that passed and why the step ended.
  @discardableResult
  public mutating func step(
    _ control: CellControl, seconds: Double, ambientCelsius: Double = 25,
    until limits: CellLimits = .none
  ) -> StepOutcome {
    precondition(seconds >= 0 && seconds.isFinite, "time does not run backwards")
    let ambient = PhysicalConstants.zeroCelsius + ambientCelsius
    return models[0].step(control, seconds: seconds, ambientKelvin: ambient, limits: limits)
  }

  /// Imposes a control and records the moments between the internal steps.
  ///
  /// These follow the curvature of the voltage: it leaves a straight line between two points by no
  /// more than about 1 mV.
  /// - Parameters:
  ///   - control: what is imposed; positive charges.
  ///   - seconds: for how long.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - limits: where the step ends early.
  ///   - longestSeconds: the longest time between two moments.
  ///   - wholeSeconds: a step of up to this length is taken at once, as `step` takes one of up to 2 s
  ///     without limits, and only parted where it meets a limit. Unit: s.
  ///   - record: takes each moment, from the first after the change of control to the last.
  /// - Returns: the time that passed and why the step ended.
  @discardableResult
  public mutating func trace(
    _ control: CellControl, seconds: Double, ambientCelsius: Double = 25,
    until limits: CellLimits = .none, longestSeconds: Double = 600, wholeSeconds: Double = 0,
    record: (TracePoint) -> Void
  ) -> StepOutcome {
    precondition(seconds >= 0 && seconds.isFinite, "time does not run backwards")
    precondition(longestSeconds > 0, "a part of a step takes time")
    let ambient = PhysicalConstants.zeroCelsius + ambientCelsius
    return models[0].trace(
      control, seconds: seconds, ambientKelvin: ambient, limits: limits, longest: longestSeconds,
      whole: wholeSeconds, record: record)
  }

  /// Connects a resistor to the terminals and records the moments between the internal steps.
  ///
  /// - Parameters:
  ///   - ohms: its resistance; above 0. The voltage is within 1 nV of −I·R at every moment.
  ///   - seconds: for how long.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - limits: where the step ends early.
  ///   - longestSeconds: the longest time between two moments.
  ///   - record: takes each moment.
  /// - Returns: the time that passed and why the step ended.
  @discardableResult
  public mutating func trace(
    ohms: Double, seconds: Double, ambientCelsius: Double = 25,
    until limits: CellLimits = .none, longestSeconds: Double = 600,
    record: (TracePoint) -> Void
  ) -> StepOutcome {
    precondition(seconds >= 0 && seconds.isFinite, "time does not run backwards")
    precondition(ohms > 0 && longestSeconds > 0, "a resistor has a resistance")
    let ambient = PhysicalConstants.zeroCelsius + ambientCelsius
    return models[0].trace(
      ohms: ohms, seconds: seconds, ambientKelvin: ambient, limits: limits,
      longest: longestSeconds, record: record)
  }

  /// Moves the terminal voltage in a straight line from where it is, as in cyclic voltammetry.
  ///
  /// - Parameters:
  ///   - volts: where the sweep ends. Unit: V.
  ///   - voltsPerSecond: the scan rate; above 0.
  ///   - partVolts: the longest part that is solved at once, second-order accurate. Unit: V.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - limits: where the sweep ends early.
  ///   - record: takes the moment at the end of each part.
  /// - Returns: the time that passed; `unreachable` where no current gives the voltage.
  @discardableResult
  public mutating func sweep(
    toVolts volts: Double, voltsPerSecond: Double, partVolts: Double = 1e-3,
    ambientCelsius: Double = 25, until limits: CellLimits = .none, record: (TracePoint) -> Void
  ) -> StepOutcome {
    precondition(volts.isFinite && voltsPerSecond > 0 && partVolts > 0, "a sweep has a rate")
    let ambient = PhysicalConstants.zeroCelsius + ambientCelsius
    return models[0].sweep(
      to: volts, voltsPerSecond: voltsPerSecond, partVolts: partVolts, ambientKelvin: ambient,
      limits: limits, record: record)
  }

  /// The mean sodium content of the sites of both electrodes, in the description's order; 1 is full.
  /// Empty for a circuit.
  public var siteContents: (cathode: [Double], anode: [Double]) {
    models[0].electrodes?.siteContents ?? ([], [])
  }

  /// The voltage at the terminals at the end of the last step. Unit: V.
  public var terminalVolts: Double {
    models[0].electrodes?.state.terminalVolts ?? models[0].circuit?.state.terminalVolts ?? .nan
  }

  /// The current at the end of the last step; positive charges. Unit: A.
  public var currentAmperes: Double {
    models[0].electrodes?.state.amperes ?? models[0].circuit?.state.amperes ?? .nan
  }

  /// The temperature of the cell. Unit: °C.
  public var temperatureCelsius: Double {
    (models[0].electrodes?.state.kelvin ?? models[0].circuit?.state.kelvin ?? .nan)
      - PhysicalConstants.zeroCelsius
  }

  /// The true state of charge: the charge above the equilibrium at the lower cut-off over the
  /// equilibrium capacity, both at 25 °C. Below 0 and above 1 where the cell is beyond them.
  public var stateOfCharge: Double {
    if let sodium = models[0].electrodes?.cathodeAmpereHours {
      let equilibrium = models[0].equilibrium
      return (equilibrium.emptyAmpereHours - sodium) / equilibrium.capacityAmpereHours
    }
    return models[0].circuit?.state.stateOfCharge ?? .nan
  }

  /// The voltage the cell would rest at without hysteresis at its state of charge, at 25 °C.
  /// Unit: V.
  public var openCircuitVolts: Double { models[0].equilibrium.volts(stateOfCharge: stateOfCharge) }

  /// The equilibrium charge between the cut-offs at 25 °C. Unit: Ah.
  public var capacityAmpereHours: Double { models[0].equilibrium.capacityAmpereHours }

  /// The charge that went in less that which came out since the start. Unit: Ah.
  public var netChargeAmpereHours: Double {
    (models[0].electrodes?.state.chargeAmpereSeconds ?? models[0].circuit?.state.chargeAmpereSeconds
      ?? .nan) / 3600
  }

  /// The charge that went in plus that which came out since the start. Unit: Ah.
  public var throughputAmpereHours: Double {
    (models[0].electrodes?.state.throughputAmpereSeconds ?? models[0].circuit?.state
      .throughputAmpereSeconds ?? .nan)
      / 3600
  }

  /// The heat set free since the start: kinetics, diffusion, hysteresis and resistance. The
  /// reversible (entropic) heat is not modelled, because no source gives it for these electrodes.
  /// Unit: J.
  public var heatJoules: Double {
    models[0].electrodes?.state.heatJoules ?? models[0].circuit?.state.heatJoules ?? .nan
  }
}

/// The equilibrium curve of a description, without hysteresis, at 25 °C.
public struct CellEquilibrium: Sendable {
  /// The two ways a description gives it.
  enum Kind: Sendable {
    case electrodes(PairEquilibrium)
    case circuit(EquivalentCircuit)
  }

  let kind: Kind
  /// The charge between the cut-offs. Unit: Ah.
  public let capacityAmpereHours: Double
  /// The cathode's sodium at state of charge 0; 0 for a circuit. Unit: Ah.
  let emptyAmpereHours: Double

  /// Checks a description and finds its window.
  ///
  /// - Throws: `CellError` if a number is out of range or the window holds no charge.
  public init(_ description: CellDescription) throws(CellError) {
    try description.validate()
    switch description.model {
    case .electrodes(let pair):
      let equilibrium = PairEquilibrium(
        pair, lowerVolts: description.lowerCutoffVolts, upperVolts: description.upperCutoffVolts,
        kelvin: PhysicalConstants.reference)
      guard equilibrium.capacityAmpereHours > 1e-9 * pair.cathode.capacityAmpereHours else {
        throw .emptyWindow
      }
      kind = .electrodes(equilibrium)
      capacityAmpereHours = equilibrium.capacityAmpereHours
      emptyAmpereHours = equilibrium.emptyAmpereHours
    case .circuit(let circuit):
      kind = .circuit(circuit)
      capacityAmpereHours = description.ratedCapacityAmpereHours
      emptyAmpereHours = 0
    }
  }

  /// The resting voltage without hysteresis. Unit: V.
  ///
  /// - Parameter stateOfCharge: in 0…1; a little outside (such as −0.05…1.05) the curve continues by
  ///   point reflection at its ends, so that it stays finite and rising.
  public func volts(stateOfCharge: Double) -> Double {
    switch kind {
    case .electrodes(let pair):
      mirrored(stateOfCharge) {
        let potentials = pair.potentials(stateOfCharge: $0)
        return potentials.cathode - potentials.anode
      }
    case .circuit(let circuit): mirrored(stateOfCharge) { circuit.openCircuitVolts($0) }
    }
  }

  /// Half the gap between the resting voltages after a long charge and after a long discharge.
  /// Unit: V.
  ///
  /// For electrodes: the whole electrode on one branch of its sites' hysteresis; sites that differ
  /// in hysteresis are weighted by how much of the charge each takes at this place.
  public func hysteresisVolts(stateOfCharge: Double) -> Double {
    let place = min(max(stateOfCharge, 0), 1)
    switch kind {
    case .electrodes(let pair):
      let potentials = pair.potentials(stateOfCharge: place)
      return pair.pair.cathode.hysteresisVolts(
        at: potentials.cathode, thermalVolts: pair.thermalVolts)
        + pair.pair.anode.hysteresisVolts(at: potentials.anode, thermalVolts: pair.thermalVolts)
    case .circuit(let circuit): return circuit.hysteresisVolts(place)
    }
  }
}

extension Electrode {
  /// The sites' hysteresis weighted by their share of dQ/dV at a potential. Unit: V.
  func hysteresisVolts(at volts: Double, thermalVolts: Double) -> Double {
    var sum = 0.0
    var weights = 0.0
    for site in sites {
      let content = site.equilibriumContent(volts: volts, thermalVolts: thermalVolts)
      let product = content * (1 - content)
      let weight =
        site.capacityAmpereHours * product
        / (site.width * thermalVolts + site.interactionVolts * product)
      sum += weight * site.hysteresisVolts
      weights += weight
    }
    return weights > 0 ? sum / weights : 0
  }
}

extension ElectrodeCell {
  /// The mean contents of the sites, in the description's order.
  var siteContents: (cathode: [Double], anode: [Double]) {
    func contents(_ electrode: Electrode, firstBlock: Int) -> [Double] {
      var lane = 4 * firstBlock
      return electrode.sites.map { _ in
        var content = 0.0
        for weight in electrode.classWeights {
          content += weight * state.lanes[lane / 4].mean[lane % 4]
          lane += 1
        }
        return content
      }
    }
    return (
      contents(equilibrium.pair.cathode, firstBlock: 0),
      contents(equilibrium.pair.anode, firstBlock: anodeBlock)
    )
  }

  /// The cathode's sodium. Unit: Ah.
  var cathodeAmpereHours: Double {
    var sum = Lanes.zero
    for block in 0..<anodeBlock { sum += constants[block].capacity * state.lanes[block].mean }
    return sum.sum() / 3600
  }

  /// The anode's sodium. Unit: Ah.
  var anodeAmpereHours: Double {
    var sum = Lanes.zero
    for block in anodeBlock..<blockCount {
      sum += constants[block].capacity * state.lanes[block].mean
    }
    return sum.sum() / 3600
  }
}

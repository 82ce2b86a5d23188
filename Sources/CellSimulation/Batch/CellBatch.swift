// SPDX-License-Identifier: Apache-2.0

/// Many cells of one make, each with its own numbers and age, stepped side by side.
///
/// Four cells share each vector operation, and a group of four takes all its steps before the next
/// begins, so its numbers stay near the processor. A cell's bits depend on no other cell: `part` gives
/// the batches that threads work on, and how they are cut changes nothing.
///
/// Every step is taken whole, where `Cell` takes one in parts when a depleted surface recovers fast;
/// and the rates follow the temperature in steps of 0.02 K. Elsewhere the voltages are those of `Cell`
/// within 0.1 mV. Cells do not wear while they run: give aged descriptions.
public struct CellBatch: Sendable {
  /// How many cells there are.
  public let count: Int
  private var groups: [CellGroup]
  /// The cells at rest, from which parts are made.
  private let cells: [ElectrodeCell]

  /// The currents of a run; positive charges. Unit: A.
  public enum Currents: Sendable {
    /// One current per step for all cells.
    case shared([Double])
    /// One profile per cell, all equally long.
    case own([[Double]])
  }

  /// Makes cells at rest in equilibrium.
  ///
  /// - Parameters:
  ///   - descriptions: one per cell, at least one; all with the same sites and size classes.
  ///   - stateOfCharge: of every cell, in 0…1.
  ///   - temperatureCelsius: of every cell. Unit: °C.
  /// - Throws: `CellError` if a number is out of range, a cell is a circuit or its sites differ.
  public init(
    _ descriptions: [CellDescription], stateOfCharge: Double, temperatureCelsius: Double = 25
  ) throws(CellError) {
    guard (0...1).contains(stateOfCharge) else { throw .stateOfChargeOutOfRange(stateOfCharge) }
    guard (-60...120).contains(temperatureCelsius) else {
      throw .temperatureOutOfRange(temperatureCelsius)
    }
    guard let first = descriptions.first else { throw .invalidValue("a batch has a cell") }
    var cells: [ElectrodeCell] = []
    for description in descriptions {
      let equilibrium = try CellEquilibrium(description)
      guard case .electrodes(let pair) = equilibrium.kind, description.isOfMake(of: first) else {
        throw .invalidValue("the cells of a batch have the same sites and size classes")
      }
      cells.append(
        try ElectrodeCell(
          pair.pair, equilibrium: pair, thermal: description.thermal,
          stateOfCharge: stateOfCharge,
          kelvin: PhysicalConstants.zeroCelsius + temperatureCelsius))
    }
    self.init(cells)
  }

  private init(_ cells: [ElectrodeCell]) {
    self.cells = cells
    count = cells.count
    groups = stride(from: 0, to: cells.count, by: 4).map {
      CellGroup(Array(cells[$0..<min($0 + 4, cells.count)]))
    }
  }

  /// Some of the cells as they were made, as a batch of their own, such as for another thread.
  public func part(_ range: Range<Int>) -> CellBatch {
    precondition(!range.isEmpty, "a batch has a cell")
    return CellBatch(Array(cells[range]))
  }

  /// Takes a step per current; nothing is allocated.
  ///
  /// - Parameters:
  ///   - currents: what flows, step by step.
  ///   - seconds: the length of each step, above 0 and up to 2 s.
  ///   - ambientCelsius: the temperature around the cells. Unit: °C.
  public mutating func run(
    _ currents: Currents, seconds: Double = 1, ambientCelsius: Double = 25
  ) {
    precondition(seconds > 0 && seconds <= StepLength.whole, "a step is up to 2 s long")
    let ambient = PhysicalConstants.zeroCelsius + ambientCelsius
    switch currents {
    case .shared(let amperes):
      for group in groups.indices {
        for current in amperes {
          groups[group].step(
            Lanes(repeating: current), seconds: seconds, ambientKelvin: ambient)
        }
      }
    case .own(let profiles):
      precondition(profiles.count == count, "a profile per cell")
      for group in groups.indices {
        let (a, b) = (profiles[4 * group], profiles[min(4 * group + 1, count - 1)])
        let (c, d) = (
          profiles[min(4 * group + 2, count - 1)], profiles[min(4 * group + 3, count - 1)]
        )
        for step in a.indices {
          groups[group].step(
            Lanes(a[step], b[step], c[step], d[step]), seconds: seconds, ambientKelvin: ambient)
        }
      }
    }
  }

  /// The voltage at a cell's terminals; NaN once its current could not flow. Unit: V.
  public func terminalVolts(_ cell: Int) -> Double {
    precondition(cell < count, "there are \(count) cells")
    let group = groups[cell / 4]
    return group.isRunning[cell % 4] ? group.terminalVolts[cell % 4] : .nan
  }

  /// A cell's temperature; NaN once its current could not flow. Unit: °C.
  public func temperatureCelsius(_ cell: Int) -> Double {
    precondition(cell < count, "there are \(count) cells")
    let group = groups[cell / 4]
    return group.isRunning[cell % 4]
      ? group.kelvin[cell % 4] - PhysicalConstants.zeroCelsius : .nan
  }

  /// What went in less what came out of a cell; NaN once its current could not flow. Unit: Ah.
  public func netChargeAmpereHours(_ cell: Int) -> Double {
    precondition(cell < count, "there are \(count) cells")
    let group = groups[cell / 4]
    return group.isRunning[cell % 4] ? group.chargeAmpereSeconds[cell % 4] / 3600 : .nan
  }
}

extension CellDescription {
  /// Whether both have the same sites in the same classes, so that their lanes lie side by side.
  fileprivate func isOfMake(of other: CellDescription) -> Bool {
    guard case .electrodes(let own) = model, case .electrodes(let others) = other.model else {
      return false
    }
    return own.cathode.hasLanes(of: others.cathode) && own.anode.hasLanes(of: others.anode)
  }
}

extension Electrode {
  fileprivate func hasLanes(of other: Electrode) -> Bool {
    sites.count == other.sites.count && classWeights.count == other.classWeights.count
      && diffusionOrder == other.diffusionOrder && constantVolts == other.constantVolts
  }
}

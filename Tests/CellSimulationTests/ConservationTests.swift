// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import CellSimulation

/// What goes into a cell is in it or has become heat.
@Suite struct ConservationTests {
  /// Cells that warm by several kelvins, and one that keeps its temperature.
  static let cells: [CellDescription] = [
    .hu2024NFMPB1HardCarbon, .hu2024NFMPB1HardCarbonCoin, .hu2024MPBHardCarbonCoin,
  ]

  private static func model(
    _ description: CellDescription, soc: Double, celsius: Double
  ) throws -> ElectrodeCell? {
    guard case .electrodes(let pair) = description.model else { return nil }
    let equilibrium = PairEquilibrium(
      pair, lowerVolts: description.lowerCutoffVolts, upperVolts: description.upperCutoffVolts,
      kelvin: 298.15)
    return try ElectrodeCell(
      pair, equilibrium: equilibrium, thermal: description.thermal, stateOfCharge: soc,
      kelvin: 273.15 + celsius)
  }

  /// What a cycle does to a cell: its electrical energy, and how warm it was.
  private struct Account {
    var joules = 0.0
    var throughputJoules = 0.0
    var highest = -Double.infinity
    var lowest = Double.infinity
    private var last: TracePoint?

    mutating func add(_ point: TracePoint) {
      highest = max(highest, point.celsius)
      lowest = min(lowest, point.celsius)
      if let last, point.seconds > last.seconds {
        let energy = 1800 * (last.volts + point.volts) * (point.ampereHours - last.ampereHours)
        joules += energy
        throughputJoules += energy.magnitude
      }
      last = point
    }
  }

  /// Charge at a rate to 4.2 V, hold, rest, discharge to 2 V, a power, a resistor and a long rest.
  private static func cycle(
    _ cell: inout ElectrodeCell, amperes: Double, ambientKelvin: Double
  ) -> Account {
    var account = Account()
    func bounds(_ quantity: CellBound.Quantity, _ value: Double, isUpper: Bool) -> CellLimits {
      CellLimits(bounds: [CellBound(quantity, isUpper: isUpper, value: value, end: 0)])
    }
    func trace(_ control: CellControl, _ seconds: Double, _ limits: CellLimits = .none) {
      _ = cell.trace(
        control, seconds: seconds, ambientKelvin: ambientKelvin, limits: limits, longest: 30,
        whole: 0
      ) { account.add($0) }
    }
    trace(.current(amperes: amperes), 36_000, bounds(.volts, 4.2, isUpper: true))
    trace(
      .voltage(volts: 4.2), 36_000, bounds(.currentMagnitude, 0.05 * amperes, isUpper: false))
    trace(.current(amperes: 0), 3600)
    trace(.current(amperes: -amperes), 36_000, bounds(.volts, 2.4, isUpper: false))
    trace(.power(watts: 3 * amperes), 600)
    _ = cell.trace(
      ohms: 3 / amperes, seconds: 300, ambientKelvin: ambientKelvin, limits: .none, longest: 30
    ) { account.add($0) }
    trace(.current(amperes: 0), 36_000)
    return account
  }

  /// The energy that the contents of a cell hold: the integral of the reversible potentials at 25 °C.
  private static func storedJoules(_ cell: ElectrodeCell) -> Double {
    let thermalVolts = PhysicalConstants.thermalVolts(kelvin: 298.15)
    func entropy(_ x: Double) -> Double {
      let inside = min(max(x, 1e-12), 1 - 1e-12)
      return inside * DeterministicMath.log(inside)
        + (1 - inside) * DeterministicMath.log(1 - inside)
    }
    var sum = 0.0
    for block in 0..<cell.blockCount {
      let c = cell.constants[block]
      for lane in 0..<4 {
        let x = cell.state.lanes[block].mean[lane]
        let mixing = c.width[lane] * thermalVolts * entropy(x)
        let order = 0.5 * c.interaction[lane] * (x * x - x)
        // Sodium that goes in gives up its potential.
        sum += c.capacity[lane] * (mixing + order - c.potential[lane] * x)
      }
    }
    return sum
  }

  @Test(arguments: cells.indices, [25.0, -5, 45])
  func energyIsStoredOrBecomesHeat(index: Int, celsius: Double) throws {
    let description = Self.cells[index]
    var cell = try #require(try Self.model(description, soc: 0.2, celsius: celsius))
    let stored = Self.storedJoules(cell)
    let oneC = description.ratedCapacityAmpereHours
    let account = Self.cycle(&cell, amperes: oneC, ambientKelvin: 273.15 + celsius)
    let change = Self.storedJoules(cell) - stored
    let error = account.joules - change - cell.state.heatJoules
    #expect(
      error.magnitude < 1e-3 * account.throughputJoules,
      "\(error) J of \(account.throughputJoules) J, heat \(cell.state.heatJoules) J")
    // A cycle that turns nothing into heat would prove nothing.
    #expect(cell.state.heatJoules > 0.02 * account.throughputJoules)
    if index == 0 { #expect(account.highest - account.lowest > 3) }
  }

  /// The heat that was set free is in the cell or went to the surroundings.
  @Test(arguments: [(0.0, 25.0), (0.02, 25.0), (0.4, 10)])
  func heatWarmsTheCellOrLeavesIt(conductance: Double, ambient: Double) throws {
    var description = CellDescription.hu2024NFMPB1HardCarbon
    description.thermal.conductanceWattsPerKelvin = conductance
    var cell = try #require(try Self.model(description, soc: 0.9, celsius: 25))
    let capacity = description.thermal.heatCapacityJoulesPerKelvin
    var lost = 0.0
    var last: (seconds: Double, excess: Double)?
    _ = cell.trace(
      .current(amperes: -2), seconds: 1500, ambientKelvin: 273.15 + ambient, limits: .none,
      longest: 5, whole: 0
    ) { point in
      let excess = point.celsius - ambient
      if let last {
        lost += conductance * 0.5 * (excess + last.excess) * (point.seconds - last.seconds)
      }
      last = (point.seconds, excess)
    }
    let warming = capacity * (cell.state.kelvin - 298.15)
    let heat = cell.state.heatJoules
    #expect(heat > 100)
    #expect((heat - warming - lost).magnitude < 1e-3 * heat, "\(heat) \(warming) \(lost)")
  }

  /// Over a whole cycle with its ends found inside steps, no sodium and no charge comes or goes.
  @Test(arguments: cells.indices) func sodiumAndChargeAreConserved(index: Int) throws {
    let description = Self.cells[index]
    var cell = try #require(try Self.model(description, soc: 0.2, celsius: 25))
    let (cathode, anode) = (cell.cathodeAmpereHours, cell.anodeAmpereHours)
    for _ in 0..<3 {
      _ = Self.cycle(
        &cell, amperes: description.ratedCapacityAmpereHours, ambientKelvin: 298.15)
    }
    let charge = cell.state.chargeAmpereSeconds / 3600
    #expect(((cathode - cell.cathodeAmpereHours) - charge).magnitude < 1e-9 * cathode)
    #expect(((cell.anodeAmpereHours - anode) - charge).magnitude < 1e-9 * anode)
    #expect(cell.state.throughputAmpereSeconds > 3600 * description.ratedCapacityAmpereHours)
  }

  /// A cell that wears: what left the electrodes is in the interphase or in what they have lost.
  @Test func sodiumOfACellThatWearsIsBooked() throws {
    let description = CellDescription.hu2024NFMPB1HardCarbon
    guard case .electrodes(let pair) = description.model, let ageing = description.ageing else {
      return
    }
    var cell = try #require(try Self.model(description, soc: 0.2, celsius: 25))
    cell.beginWear(ageing, .fresh(description), freshPair: pair)
    var gone = 0.0
    var before = cell.cathodeAmpereHours + cell.anodeAmpereHours
    let start = before
    func step(_ amperes: Double, _ seconds: Double) {
      // At the change of control worn sites go, with the sodium in them; then the interphase takes.
      _ = cell.step(
        .current(amperes: amperes), seconds: 0, ambientKelvin: 298.15, limits: .none)
      gone += before - (cell.cathodeAmpereHours + cell.anodeAmpereHours)
      _ = cell.step(
        .current(amperes: amperes), seconds: seconds, ambientKelvin: 298.15, limits: .none)
      before = cell.cathodeAmpereHours + cell.anodeAmpereHours
    }
    for _ in 0..<10 {
      step(1.5, 2000)
      step(0, 3600)
      step(-1.5, 1990)
    }
    let bound = cell.state.doses.interphaseShare * pair.anode.capacityAmpereHours
    #expect(bound > 1e-3)
    #expect(gone > 0)
    #expect((start - before - gone - bound).magnitude < 1e-9 * start)
  }
}

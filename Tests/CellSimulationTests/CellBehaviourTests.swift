// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Testing

@Suite struct CellBehaviourTests {
  @Test(arguments: [0.3, 1.5, 6]) func cutOffIsMetExactly(amperes: Double) throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.15)
    let limits = CellLimits(lowerVolts: 2)
    let outcome = cell.step(.current(amperes: -amperes), seconds: 36000, until: limits)
    #expect(outcome.reason == .lowerVolts)
    #expect((cell.terminalVolts - 2).magnitude < 1e-6)
    #expect((cell.netChargeAmpereHours * 3600 + amperes * outcome.seconds).magnitude < 1e-6)
    // The limit is met now: no time passes.
    let again = cell.step(.current(amperes: -amperes), seconds: 10, until: limits)
    #expect(again == StepOutcome(seconds: 0, reason: .lowerVolts))
  }

  @Test func holdEndsAtItsCurrent() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.9)
    let charge = cell.step(
      .current(amperes: 1.5), seconds: 36000, until: CellLimits(upperVolts: 4.2))
    #expect(charge.reason == .upperVolts)
    let hold = cell.step(
      .voltage(volts: 4.2), seconds: 360_000, until: CellLimits(currentMagnitude: 0.075))
    #expect(hold.reason == .currentMagnitude)
    #expect((cell.currentAmperes - 0.075).magnitude < 1e-6)
  }

  /// The paper's full cell gives 88.9 mAh/g at 1 A/g; the prototype predicts 108.8 at 100 mA/g. The
  /// rates rise on the same cell, as in a rate test.
  @Test func paperCapacitiesComeOut() throws {
    var cell = try Cell(TestCells.perKilogram, stateOfCharge: 0)
    var capacities: [Double] = []
    for rate in [10.0, 20, 50, 100, 200, 500, 500, 1000, 1000] {
      cell.step(.current(amperes: rate), seconds: 1e6, until: CellLimits(upperVolts: 4.2))
      let full = cell.netChargeAmpereHours
      cell.step(.current(amperes: -rate), seconds: 1e6, until: CellLimits(lowerVolts: 2))
      capacities.append(full - cell.netChargeAmpereHours)
    }
    for (slower, faster) in zip(capacities[..<6], capacities[1..<6]) {
      #expect(faster < slower)
    }
    #expect((capacities[3] / 108.8 - 1).magnitude < 0.02, "100 mA/g: \(capacities[3])")
    #expect((capacities[8] / 88.9 - 1).magnitude < 0.02, "1 A/g: \(capacities[8])")
  }

  @Test func slowDischargeGivesTheRatedCapacity() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0)
    cell.step(.current(amperes: 0.075), seconds: 1e6, until: CellLimits(upperVolts: 4.2))
    let full = cell.netChargeAmpereHours
    cell.step(.current(amperes: -0.075), seconds: 1e6, until: CellLimits(lowerVolts: 2))
    #expect((full - cell.netChargeAmpereHours - 1.5).magnitude < 0.005)
  }

  @Test(arguments: [TestCells.electrodes, TestCells.circuit])
  func hysteresisKeepsTheDirection(description: CellDescription) throws {
    var charged = try Cell(description, stateOfCharge: 0.4)
    var discharged = try Cell(description, stateOfCharge: 0.6)
    charged.step(.current(amperes: 0.15), seconds: 3600)
    discharged.step(.current(amperes: -0.15), seconds: 3600)
    for _ in 0..<2 {
      charged.step(.current(amperes: 0), seconds: 36000)
      discharged.step(.current(amperes: 0), seconds: 36000)
    }
    #expect((charged.stateOfCharge - discharged.stateOfCharge).magnitude < 0.015)
    let gap =
      (charged.terminalVolts - charged.openCircuitVolts)
      - (discharged.terminalVolts - discharged.openCircuitVolts)
    let half = try CellEquilibrium(description).hysteresisVolts(stateOfCharge: 0.5)
    // At rest the sites still exchange sodium, so some of the full gap is lost.
    #expect(gap > 1.2 * half && gap < 2.05 * half, "gap \(gap), half \(half)")
  }

  @Test(arguments: [TestCells.electrodes, TestCells.circuit])
  func coldHasMoreOverpotential(description: CellDescription) throws {
    var drops: [Double] = []
    for celsius in [40.0, 25, 0, -20] {
      var cell = try Cell(description, stateOfCharge: 0.6, temperatureCelsius: celsius)
      let rest = cell.terminalVolts
      cell.step(.current(amperes: -0.75), seconds: 20, ambientCelsius: celsius)
      drops.append(rest - cell.terminalVolts)
    }
    for (warm, cold) in zip(drops, drops.dropFirst()) { #expect(cold > 1.05 * warm) }
  }

  /// Over a closed cycle the electrical energy that stays is the heat.
  @Test func heatIsTheEnergyThatStays() throws {
    var cell = try Cell(TestCells.isothermal, stateOfCharge: 0.5)
    var energy = 0.0
    func run(_ amperes: Double, _ steps: Int) {
      for _ in 0..<steps {
        cell.step(.current(amperes: amperes), seconds: 0)
        let start = cell.terminalVolts
        cell.step(.current(amperes: amperes), seconds: 1)
        energy += 0.5 * (start + cell.terminalVolts) * amperes
      }
    }
    run(1.5, 240)
    run(-1.5, 240)
    // At rest the contents come back to where they began.
    cell.step(.current(amperes: 0), seconds: 360_000)
    #expect((cell.stateOfCharge - 0.5).magnitude < 1e-9)
    #expect(cell.heatJoules > 10)
    #expect((cell.heatJoules / energy - 1).magnitude < 0.01, "\(cell.heatJoules) of \(energy)")
  }

  @Test(arguments: [TestCells.electrodes, TestCells.circuit])
  func warmthFollowsTheHeatBalance(description: CellDescription) throws {
    var cell = try Cell(description, stateOfCharge: 0.5, temperatureCelsius: 45)
    // No current: towards the surroundings with the time constant C/G.
    let seconds =
      description.thermal.heatCapacityJoulesPerKelvin
      / description.thermal.conductanceWattsPerKelvin
    cell.step(.current(amperes: 0), seconds: seconds, ambientCelsius: 5)
    #expect((cell.temperatureCelsius - (5 + 40 * 0.36788)).magnitude < 0.05)
    let cool = cell.temperatureCelsius
    cell.step(.current(amperes: -3), seconds: 60, ambientCelsius: cool)
    #expect(cell.temperatureCelsius > cool + 0.2)
  }

  @Test func twoRunsGiveTheSameBits() throws {
    func run() throws -> [UInt64] {
      var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.7)
      var bits: [UInt64] = []
      for amperes in TestCells.drive(seed: 11, seconds: 200) {
        cell.step(.current(amperes: amperes), seconds: 1)
        bits.append(cell.terminalVolts.bitPattern)
      }
      return bits
    }
    #expect(try run() == run())
  }

  @Test func aCopyIsAnotherCell() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.7)
    cell.step(.current(amperes: 1), seconds: 10)
    let before = cell.terminalVolts
    var copy = cell
    copy.step(.current(amperes: -3), seconds: 60)
    #expect(cell.terminalVolts == before)
  }

  @Test(arguments: [TestCells.electrodes, TestCells.circuit])
  func aControlThatIsNoNumberIsUnreachable(description: CellDescription) throws {
    var cell = try Cell(description, stateOfCharge: 0.5)
    let before = cell.terminalVolts
    for control in [
      CellControl.current(amperes: .nan), .voltage(volts: .infinity), .power(watts: -.infinity),
    ] {
      #expect(cell.step(control, seconds: 1) == StepOutcome(seconds: 0, reason: .unreachable))
    }
    #expect(cell.terminalVolts == before)
  }

  @Test func badDescriptionsAreRefused() throws {
    #expect(throws: CellError.stateOfChargeOutOfRange(1.2)) {
      try Cell(TestCells.electrodes, stateOfCharge: 1.2)
    }
    var cell = TestCells.electrodes
    cell.lowerCutoffVolts = 5
    #expect(throws: CellError.self) { try Cell(cell, stateOfCharge: 0.5) }
    cell = TestCells.electrodes
    guard case .electrodes(var pair) = cell.model else { return }
    pair.cathode.sites[1].rateConstant = .nan
    cell.model = .electrodes(pair)
    #expect(throws: CellError.self) { try Cell(cell, stateOfCharge: 0.5) }
    pair.cathode.sites[1].rateConstant = 1
    pair.anode.radiusSpread = 1
    pair.anode.sites += pair.anode.sites
    cell.model = .electrodes(pair)
    #expect(throws: CellError.tooManyLanes(count: 36, limit: 32)) {
      try Cell(cell, stateOfCharge: 0.5)
    }
  }
}

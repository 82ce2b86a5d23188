// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import CellSimulation

@Suite struct ElectrodeCellTests {
  @Test(arguments: [0.0, 0.02, 0.3, 0.75, 0.999, 1]) func equilibriumAtRestStays(soc: Double) throws
  {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: soc)
    let before = cell.terminalVolts
    #expect((before - cell.openCircuitVolts).magnitude < 1e-9)
    for _ in 0..<5 { cell.step(.current(amperes: 0), seconds: 2) }
    cell.step(.current(amperes: 0), seconds: 36000)
    #expect((cell.terminalVolts - before).magnitude < 1e-6)
    #expect((cell.stateOfCharge - soc).magnitude < 1e-9)
    #expect((cell.temperatureCelsius - 25).magnitude < 1e-6)
  }

  @Test func windowIsThatOfTheDescription() throws {
    let equilibrium = try CellEquilibrium(TestCells.electrodes)
    #expect((equilibrium.volts(stateOfCharge: 0) - 2).magnitude < 1e-9)
    #expect((equilibrium.volts(stateOfCharge: 1) - 4.2).magnitude < 1e-6)
    var last = equilibrium.volts(stateOfCharge: -0.05)
    for index in -9...210 {
      let volts = equilibrium.volts(stateOfCharge: Double(index) / 200)
      #expect(volts > last, "at \(index)/200")
      last = volts
    }
    #expect(last < 6)
  }

  @Test(arguments: [UInt64(1), 2]) func chargeIsConserved(seed: UInt64) throws {
    var cell = try #require(
      try electrodeCell(TestCells.electrodes, stateOfCharge: 0.5, celsius: 25))
    let cathode = cell.cathodeAmpereHours
    let anode = cell.anodeAmpereHours
    var random = SeededRandom(seed: seed)
    var charge = 0.0
    for _ in 0..<150 {
      let amperes = random.uniform(-3, 3)
      let seconds = [0.001, 0.1, 1, 5][Int(random.next() % 4)]
      let outcome = cell.step(
        .current(amperes: amperes), seconds: seconds, ambientKelvin: 298.15, limits: .none)
      #expect(outcome.reason == .completed)
      charge += amperes * seconds / 3600
    }
    #expect(((cathode - cell.cathodeAmpereHours) - charge).magnitude < 1e-9 * cathode)
    #expect(((cell.anodeAmpereHours - anode) - charge).magnitude < 1e-9 * anode)
    #expect((cell.state.chargeAmpereSeconds / 3600 - charge).magnitude < 1e-9 * cathode)
  }

  @Test func sodiumIsConservedUnderVoltageAndPower() throws {
    var cell = try #require(
      try electrodeCell(TestCells.electrodes, stateOfCharge: 0.5, celsius: 25))
    let sodium = cell.cathodeAmpereHours + cell.anodeAmpereHours
    for control in [
      CellControl.voltage(volts: 3.5), .power(watts: -4), .voltage(volts: 3.1), .power(watts: 5),
    ] {
      for _ in 0..<20 {
        _ = cell.step(control, seconds: 1, ambientKelvin: 298.15, limits: .none)
      }
    }
    #expect(
      (cell.cathodeAmpereHours + cell.anodeAmpereHours - sodium).magnitude < 1e-9 * sodium)
  }

  /// A profile of 4 s pulses at three states; the reference has steps of 1/16 s.
  @Test(arguments: [(0.9, 25.0), (0.2, 25.0), (0.6, -10.0)])
  func halvingTheStepShrinksTheError(soc: Double, celsius: Double) throws {
    func trace(_ seconds: Double) throws -> [Double] {
      var cell = try Cell(TestCells.electrodes, stateOfCharge: soc, temperatureCelsius: celsius)
      var volts: [Double] = []
      for amperes in TestCells.drive(seed: 7, seconds: 80) {
        for _ in 0..<Int(4 / seconds) {
          cell.step(.current(amperes: amperes), seconds: seconds, ambientCelsius: celsius)
        }
        volts.append(cell.terminalVolts)
      }
      return volts
    }
    let reference = try trace(1.0 / 16)
    func rms(_ seconds: Double) throws -> (rms: Double, worst: Double) {
      let errors = zip(try trace(seconds), reference).map { ($0 - $1).magnitude }
      let squares = errors.reduce(0) { $0 + $1 * $1 }
      return ((squares / Double(errors.count)).squareRoot(), errors.max() ?? .infinity)
    }
    let errors = [try rms(2), try rms(1), try rms(0.5), try rms(0.25)]
    for (longer, shorter) in zip(errors, errors.dropFirst()) {
      #expect(shorter.rms < 0.75 * longer.rms)
    }
    #expect(errors[1].worst < 0.5e-3)
  }

  /// Where a depleted surface recovers within a second, as at low charge or in a slow material, steps
  /// are taken in halves.
  @Test(arguments: [
    (CellDescription.hu2024NFMPB1HardCarbon, 0.15), (.hu2024MPBHardCarbonCoin, 0.5),
  ])
  func aProfileOfSecondsIsTrue(description: CellDescription, soc: Double) throws {
    var random = SeededRandom(seed: 1)
    let amperes = (0..<600).map { _ in
      random.uniform(-0.5, 0.5) * description.ratedCapacityAmpereHours
    }
    var whole = try Cell(description, stateOfCharge: soc)
    var fine = whole
    var squares = 0.0
    for current in amperes {
      whole.step(.current(amperes: current), seconds: 1)
      for _ in 0..<16 { fine.step(.current(amperes: current), seconds: 1.0 / 16) }
      let error = whole.terminalVolts - fine.terminalVolts
      squares += error * error
      #expect(error.magnitude < 2e-3)
    }
    #expect((squares / Double(amperes.count)).squareRoot() < 0.25e-3)
  }

  @Test func longStepsAgreeWithShortOnes() throws {
    var long = try Cell(TestCells.electrodes, stateOfCharge: 0.9)
    var short = long
    long.step(.current(amperes: -0.7), seconds: 3600)
    for _ in 0..<1800 { short.step(.current(amperes: -0.7), seconds: 2) }
    #expect((long.terminalVolts - short.terminalVolts).magnitude < 0.3e-3)
    #expect((long.stateOfCharge - short.stateOfCharge).magnitude < 1e-9)
    #expect((long.heatJoules / short.heatJoules - 1).magnitude < 5e-3)
  }

  @Test func voltageControlHoldsTheVoltage() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    for _ in 0..<20 {
      cell.step(.voltage(volts: 3.45), seconds: 1)
      #expect((cell.terminalVolts - 3.45).magnitude < 1e-9)
      #expect(cell.currentAmperes > 0)
    }
    let early = cell.currentAmperes
    cell.step(.voltage(volts: 3.45), seconds: 600)
    #expect(cell.currentAmperes < early)
  }

  /// The parts of a hold follow its mean current; they are few and give the charge of short ones.
  @Test func longHoldsAgreeWithShortOnes() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    cell.step(.current(amperes: 1.5), seconds: 36000, until: CellLimits(upperVolts: 4.2))
    let start = cell.netChargeAmpereHours
    func hold(_ longest: Double) -> (parts: Int, seconds: Double, charge: Double) {
      var copy = cell
      var parts = 0
      let outcome = copy.trace(
        .voltage(volts: 4.2), seconds: 36000, until: CellLimits(currentMagnitude: 0.075),
        longestSeconds: longest
      ) { _ in parts += 1 }
      return (parts, outcome.seconds, copy.netChargeAmpereHours - start)
    }
    let (long, short) = (hold(600), hold(2))
    #expect(long.parts < 150 && short.parts > 400, "\(long.parts) and \(short.parts) parts")
    #expect((long.charge / short.charge - 1).magnitude < 2e-3)
    // The current falls by 0.1 % in 2 s where the hold ends, so its end is known less well.
    #expect((long.seconds / short.seconds - 1).magnitude < 6e-3)
  }

  @Test(arguments: [-5.0, 5]) func powerControlHoldsThePower(watts: Double) throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    for _ in 0..<10 {
      cell.step(.power(watts: watts), seconds: 1)
      #expect((cell.terminalVolts * cell.currentAmperes - watts).magnitude < 1e-6)
    }
  }

  @Test func powerBeyondTheCellIsUnreachable() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    let before = cell.terminalVolts
    #expect(cell.step(.power(watts: -5000), seconds: 1).reason == .unreachable)
    #expect(cell.terminalVolts == before)
  }

  @Test func anEmptyElectrodeStopsTheCurrent() throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.98)
    let outcome = cell.step(.current(amperes: 0.5), seconds: 7200)
    #expect(outcome.reason == .unreachable)
    #expect(outcome.seconds > 100 && outcome.seconds < 7200)
    #expect(cell.terminalVolts.isFinite && cell.terminalVolts > 4.2)
    // It comes back.
    #expect(cell.step(.current(amperes: -0.5), seconds: 600).reason == .completed)
    #expect(cell.terminalVolts < 4.2)
  }

  /// Newton seldom misses; then the bracketing search must find the same solution.
  @Test(arguments: [
    CellControl.current(amperes: -4), .current(amperes: 2), .voltage(volts: 2.9),
    .power(watts: -9),
  ]) func bracketingFindsWhatNewtonFinds(control: CellControl) throws {
    var cell = try #require(
      try electrodeCell(TestCells.electrodes, stateOfCharge: 0.4, celsius: 5))
    _ = cell.step(.current(amperes: 1), seconds: 30, ambientKelvin: 278.15, limits: .none)
    let hasBegun = cell.begin(control)
    #expect(hasBegun)
    for block in 0..<cell.blockCount { cell.trial[block].logit = .zero }
    let start = ElectrodeCell.Solution(
      cathodeVolts: 3, anodeVolts: 0.3, amperes: 0, terminalVolts: 0, slopeOhms: 0)
    let solution = cell.bracketed(control, seconds: 0, from: start)
    let found = try #require(solution)
    #expect((found.cathodeVolts - cell.state.cathodeVolts).magnitude < 1e-7)
    #expect((found.anodeVolts - cell.state.anodeVolts).magnitude < 1e-7)
    #expect((found.amperes - cell.state.amperes).magnitude < 1e-6)
  }

  /// Hard reversals in the cold, where Newton circles most; every number stays finite and in range.
  @Test(arguments: [UInt64(1), 2]) func hardReversalsAreSolved(seed: UInt64) throws {
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5, temperatureCelsius: -15)
    var random = SeededRandom(seed: seed)
    for step in 0..<80 {
      let soc = cell.stateOfCharge
      let magnitude = random.uniform(0, 3)
      let amperes = soc > 0.75 || (soc > 0.3 && random.chance(0.5)) ? -magnitude : magnitude
      let seconds = [0.001, 0.1, 1, 20][Int(random.next() % 4)]
      let outcome = cell.step(
        .current(amperes: amperes), seconds: seconds, ambientCelsius: -15,
        until: CellLimits(lowerVolts: 1.5, upperVolts: 4.5))
      #expect(outcome.reason != .unreachable, "step \(step): \(amperes) A at \(soc)")
      #expect(cell.terminalVolts > 0.5 && cell.terminalVolts < 5)
    }
  }

  /// The logit of the mean content, a series about one that is known, stays that of the logarithm on
  /// small steps and large ones, near the walls and away from them.
  @Test(arguments: [1e-6, 1e-4, 1e-2, 0.3]) func theLogitOfTheContentIsFollowed(size: Double) {
    var random = SeededRandom(seed: 1)
    var lane = LaneState()
    var content = Lanes(0.5, 1e-9, 1 - 1e-6, 0.03)
    for _ in 0..<3_000 {
      // Steps of the logit, so that every distance from the walls is met.
      for place in 0..<4 {
        let odds =
          content[place] / (1 - content[place])
          * DeterministicMath.exp(size * random.uniform(-1, 1))
        content[place] = min(max(odds / (1 + odds), 1e-11), 1 - 1e-11)
      }
      let logit = lane.logit(of: content)
      for place in 0..<4 {
        let exact = DeterministicMath.log(content[place] / (1 - content[place]))
        #expect((logit[place] - exact).magnitude < 1e-6, "\(content[place])")
      }
    }
  }

  private func electrodeCell(
    _ description: CellDescription, stateOfCharge: Double, celsius: Double
  ) throws -> ElectrodeCell? {
    guard case .electrodes(let pair) = description.model else { return nil }
    let equilibrium = PairEquilibrium(
      pair, lowerVolts: description.lowerCutoffVolts, upperVolts: description.upperCutoffVolts,
      kelvin: 298.15)
    return try ElectrodeCell(
      pair, equilibrium: equilibrium, thermal: description.thermal, stateOfCharge: stateOfCharge,
      kelvin: 273.15 + celsius)
  }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellSimulation

/// What the default step and grid cost in accuracy, against much finer ones.
@Suite struct ConvergenceTests {
  private static func model(
    _ description: CellDescription, soc: Double
  ) throws -> ElectrodeCell? {
    guard case .electrodes(let pair) = description.model else { return nil }
    let equilibrium = PairEquilibrium(
      pair, lowerVolts: description.lowerCutoffVolts, upperVolts: description.upperCutoffVolts,
      kelvin: 298.15)
    return try ElectrodeCell(
      pair, equilibrium: equilibrium, thermal: description.thermal, stateOfCharge: soc,
      kelvin: 298.15)
  }

  /// Voltage and heat after a constant current in equal steps, without any error control.
  private static func equalSteps(
    _ description: CellDescription, _ seconds: Double, total: Double
  ) throws -> [Double] {
    var cell = try #require(try model(description, soc: 0.75))
    let control = CellControl.current(amperes: -0.75)
    _ = cell.begin(control)
    // The jump of the current is passed in steps that are the same for all, and short.
    for _ in 0..<640 { _ = cell.advance(control, seconds: 0.25, ambientKelvin: 298.15) }
    for _ in 0..<Int(total / seconds) {
      let isDone = cell.advance(control, seconds: seconds, ambientKelvin: 298.15)
      #expect(isDone)
    }
    return [cell.state.terminalVolts, cell.state.heatJoules]
  }

  /// By how much the errors fall from one length of step to half of it.
  private static func ratios(_ description: CellDescription) throws -> [Double] {
    let total = 1280.0
    let exact = try equalSteps(description, 0.5, total: total)
    let errors = try [32.0, 16, 8, 4].map {
      zip(try equalSteps(description, $0, total: total), exact).map { ($0 - $1).magnitude }
    }
    return zip(errors, errors.dropFirst()).flatMap { zip($0, $1).map { $0 / $1 } }
  }

  /// Kinetics and diffusion are of second order: half the step, a quarter of the error.
  @Test func theStepIsOfSecondOrder() throws {
    var description = CellDescription.hu2024NFMPB1HardCarbon
    guard case .electrodes(var pair) = description.model else { return }
    for site in pair.cathode.sites.indices { pair.cathode.sites[site].hysteresisVolts = 0 }
    for site in pair.anode.sites.indices { pair.anode.sites[site].hysteresisVolts = 0 }
    description.model = .electrodes(pair)
    description.thermal.heatCapacityJoulesPerKelvin = 1e9
    for ratio in try Self.ratios(description) { #expect(ratio > 3 && ratio < 5, "\(ratio)") }
  }

  /// Hysteresis follows implicitly and kinetics the temperature at the step's start: of first order.
  @Test func hysteresisAndWarmthAreOfFirstOrder() throws {
    for ratio in try Self.ratios(.hu2024NFMPB1HardCarbon) {
      #expect(ratio > 1.7 && ratio < 2.6, "\(ratio)")
    }
  }

  /// What a laboratory reads: charge and energy out and in at a rate, and the highest temperature.
  private static func results(
    _ description: CellDescription, cRate: Double, longest: Double
  ) throws -> [Double] {
    var cell = try Cell(description, stateOfCharge: 1)
    let amperes = cRate * description.ratedCapacityAmpereHours
    var values: [Double] = []
    for sign in [-1.0, 1] {
      var (energy, highest) = (0.0, 0.0)
      var last: TracePoint?
      let start = cell.netChargeAmpereHours
      cell.trace(
        .current(amperes: sign * amperes), seconds: 3.6e6,
        until: CellLimits(
          lowerVolts: description.lowerCutoffVolts, upperVolts: description.upperCutoffVolts),
        longestSeconds: longest
      ) { point in
        if let last {
          energy += 0.5 * (point.volts + last.volts) * (point.ampereHours - last.ampereHours)
        }
        highest = max(highest, point.celsius)
        last = point
      }
      values += [cell.netChargeAmpereHours - start, energy, highest]
    }
    return values
  }

  /// With its own choice of steps a test's results are within 0.2 % of those at steps of 0.5 s.
  @Test(arguments: [
    (CellDescription.hu2024NFMPB1HardCarbon, 0.5), (.hu2024NFMPB1HardCarbon, 1),
    (.hu2024NFMPB1HardCarbon, 3), (.hu2024MPB, 1), (.hu2024NFMPB1, 5),
  ])
  func theDefaultStepIsFineEnough(description: CellDescription, cRate: Double) throws {
    let usual = try Self.results(description, cRate: cRate, longest: 600)
    let fine = try Self.results(description, cRate: cRate, longest: 0.5)
    for (value, limit) in zip(usual, fine) {
      #expect((value / limit - 1).magnitude < 2e-3, "\(usual) and \(fine)")
    }
  }

  /// The grid inside the particles: four poles against six, which are within 0.17 % of a sphere.
  @Test(arguments: [0.2, 1, 3]) func theDefaultGridIsFineEnough(cRate: Double) throws {
    var fine = CellDescription.hu2024NFMPB1HardCarbon
    guard case .electrodes(var pair) = fine.model else { return }
    pair.cathode.diffusionOrder = .sixPoles
    pair.anode.diffusionOrder = .sixPoles
    fine.model = .electrodes(pair)
    let usual = try Self.results(.hu2024NFMPB1HardCarbon, cRate: cRate, longest: 600)
    let limit = try Self.results(fine, cRate: cRate, longest: 600)
    for (value, limit) in zip(usual, limit) {
      #expect((value / limit - 1).magnitude < 2e-3, "\(usual) and \(limit)")
    }
  }
}

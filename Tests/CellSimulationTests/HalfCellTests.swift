// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Testing

@Suite struct HalfCellTests {
  static let all: [CellDescription] = [
    .hu2024MPB, .hu2024NMPB, .hu2024FeMnPB, .hu2024NFMPB0, .hu2024NFMPB1, .hu2024NFMPB2,
  ]

  @Test(arguments: all.indices) func restsWhereItsEquilibriumIs(index: Int) throws {
    let description = Self.all[index]
    for soc in [0.05, 0.3, 0.9, 0.99] {
      var cell = try Cell(description, stateOfCharge: soc)
      let before = cell.terminalVolts
      #expect((before - cell.openCircuitVolts).magnitude < 1e-9)
      cell.step(.current(amperes: 0), seconds: 3600)
      #expect((cell.terminalVolts - before).magnitude < 1e-6)
    }
    let equilibrium = try CellEquilibrium(description)
    #expect((equilibrium.volts(stateOfCharge: 0) - 2).magnitude < 1e-6)
    #expect((equilibrium.volts(stateOfCharge: 1) - 4.2).magnitude < 1e-6)
  }

  /// What flows through the terminals is what the cathode gives: metal holds back nothing.
  @Test(arguments: all.indices) func chargeIsConserved(index: Int) throws {
    let description = Self.all[index]
    guard case .electrodes(let pair) = description.model else { return }
    var cell = try Cell(description, stateOfCharge: 0.5)
    func sodium() -> Double {
      zip(cell.siteContents.cathode, pair.cathode.sites)
        .reduce(0) { $0 + $1.0 * $1.1.capacityAmpereHours }
    }
    let start = sodium()
    for (amperes, seconds) in [(0.1, 400.0), (-0.5, 60), (0, 1000), (-0.02, 3600)] {
      cell.step(.current(amperes: amperes), seconds: seconds)
    }
    #expect((start - sodium() - cell.netChargeAmpereHours).magnitude < 1e-12)
    #expect(cell.siteContents.anode.isEmpty)
  }

  @Test(arguments: [CellControl.current(amperes: -0.3), .voltage(volts: 3.3), .power(watts: 0.4)])
  func everyControlIsMet(control: CellControl) throws {
    var cell = try Cell(.hu2024NFMPB1, stateOfCharge: 0.6)
    for _ in 0..<30 { cell.step(control, seconds: 1) }
    switch control {
    case .current(let amperes): #expect(cell.currentAmperes == amperes)
    case .voltage(let volts): #expect((cell.terminalVolts - volts).magnitude < 1e-9)
    case .power(let watts):
      #expect((cell.terminalVolts * cell.currentAmperes - watts).magnitude < 1e-9)
    }
  }

  /// Four poles are within 1.3 % of the surface's rise, six within 0.17 %; so the two differ by less
  /// than 1.5 % of the overpotential, and by more than nothing.
  @Test func sixPolesRefineFour() throws {
    func drop(_ order: Electrode.DiffusionOrder) throws -> Double {
      var description = CellDescription.hu2024MPB
      guard case .electrodes(var pair) = description.model else { return .nan }
      pair.cathode.diffusionOrder = order
      description.model = .electrodes(pair)
      var cell = try Cell(description, stateOfCharge: 0.5)
      let start = cell.terminalVolts
      cell.step(.current(amperes: -0.1), seconds: 300)
      return start - cell.terminalVolts
    }
    let (four, six) = (try drop(.fourPoles), try drop(.sixPoles))
    #expect(four != six)
    #expect((four / six - 1).magnitude < 0.015, "\(four) V against \(six) V")
  }

  @Test func metalIsNoCathodeAndHasNoSites() throws {
    var description = CellDescription.hu2024NFMPB1
    guard case .electrodes(let good) = description.model else { return }
    var pair = good
    pair.cathode = .sodiumMetal
    description.model = .electrodes(pair)
    #expect(throws: CellError.self) { try description.validate() }
    pair = good
    pair.anode.sites = good.cathode.sites
    description.model = .electrodes(pair)
    #expect(throws: CellError.self) { try description.validate() }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Descriptions
import Testing

@Suite struct CellFileTests {
  static let good = """
    schema: 1
    name: test
    source: assumed, because this is a test
    capacity: 1.5 Ah
    lower_cutoff: 1.5 V
    upper_cutoff: 4.1 V
    thermal: {heat_capacity: 37 J/K, conductance: 40 mW/K}
    circuit:
      ocv:
        - [0, 1.5 V]
        - [0.5, 3100 mV]
        - [1, 4.1 V]
      series_resistance: 2 mohm
      activation_energy: 16.1 kJ/mol

    """

  private func problems(_ text: String) -> String {
    switch CellFile.parse(text: text, file: "c.yaml") {
    case .success: "no problem"
    case .failure(let problems): problems.description
    }
  }

  @Test func readsACircuit() throws {
    let cell = try CellFile.parse(text: Self.good, file: "c.yaml").get()
    #expect(cell.ratedCapacityAmpereHours == 1.5)
    #expect(cell.thermal.conductanceWattsPerKelvin == 0.04)
    guard case .circuit(let circuit) = cell.model else {
      Issue.record("no circuit")
      return
    }
    #expect(circuit.openCircuitVolts == Curve(x: [0, 0.5, 1], y: [1.5, 3.1, 4.1]))
    #expect(circuit.seriesOhms == .constant(0.002))
    #expect(circuit.chargeTransferAmperes == nil)
    #expect(circuit.activationJoulesPerMole == 16_100)
    #expect(circuit.pairs.isEmpty)
    #expect(circuit.hysteresisVolts == .constant(0))
  }

  private static let saysWhatIsWrongCases: [(String, String, String)] = [
    (
      "circuit:", "circut:",
      "c.yaml:8:1: unknown key 'circut' in the description; did you mean 'circuit'?"
    ),
    (
      "capacity:", "capcity:",
      "c.yaml:4:1: unknown key 'capcity' in the description; did you mean 'capacity'?"
    ),
    (
      "capacity: 1.5 Ah", "capacity: -1.5 Ah",
      "c.yaml:4:11: capacity is '-1.5 Ah'; expected above 0 Ah up to 10000 Ah"
    ),
    (
      "capacity: 1.5 Ah", "capacity: 1.5",
      "c.yaml:4:11: capacity '1.5' has no unit; expected one of Ah, mAh"
    ),
    (
      "capacity: 1.5 Ah", "capacity: 1.5 V",
      "c.yaml:4:11: capacity '1.5 V' has the unit 'V'; expected one of Ah, mAh"
    ),
    (
      "capacity: 1.5 Ah", "capacity: nan Ah",
      "c.yaml:4:11: capacity 'nan Ah' is no quantity; expected a number with a unit (Ah, mAh)"
    ),
    ("capacity: 1.5 Ah", "capacity: 1e999 Ah", "c.yaml:4:11: capacity '1e999 Ah' is too large"),
    (
      "capacity: 1.5 Ah", "capacity:",
      "c.yaml:4:10: capacity is empty; expected a quantity above 0 Ah up to 10000 Ah"
    ),
    (
      "series_resistance: 2 mohm", "series_resistance: 2 mohm\n  charge_transfer_current: 0 A",
      "c.yaml:14:28: charge_transfer_current is '0 A'; expected above 0 A up to 1000000 A"
    ),
    ("schema: 1", "schema: 2", "c.yaml:1:9: schema is '2'; expected 1"),
    (
      "name: test", "name: test\nname: again",
      "c.yaml:2:1: key 'name' is given twice in the same place"
    ),
    (
      "[0.5, 3100 mV]", "[0.5, 1.4 V]",
      "c.yaml:11:7: ocv is 1.4 V after 1.5 V; expected it to increase"
    ),
    (
      "[0.5, 3100 mV]", "[0, 3100 mV]",
      "c.yaml:11:7: state of charge 0.0 in ocv comes after 0.0; expected it to increase"
    ),
    (
      "[1, 4.1 V]", "[0.9, 4.1 V]",
      "c.yaml:9:3: ocv goes from state of charge 0.0 to 0.9; expected 0 to 1"
    ),
    ("name: test", "name: *test", "c.yaml:2:7: aliases are not allowed; write the value out"),
    (
      "upper_cutoff: 4.1 V", "upper_cutoff: 1.4 V",
      "c.yaml:6:1: upper_cutoff is 1.4 V; expected more than lower_cutoff, 1.5 V\nc.yaml:12:11: ocv is '4.1 V'; expected from 1.4 V to 1.5 V"
    ),
    (
      "2 mohm", "[]",
      "c.yaml:13:22: series_resistance is an empty table; expected rows such as [0.5, 3.1 ohm]"
    ),
  ]

  @Test(arguments: saysWhatIsWrongCases)
  func saysWhatIsWrong(part: String, replacement: String, expected: String) {
    let pieces = Self.good.split(separator: part, maxSplits: 1, omittingEmptySubsequences: false)
    #expect(pieces.count == 2)
    let text = pieces.joined(separator: replacement)
    let found = problems(text)
    // The cut-off message depends on a sum of Doubles: only its beginning is compared there.
    #expect(found == expected || (part == "upper_cutoff: 4.1 V" && found.contains("expected more")))
  }

  private static let endsInAProblemCases: [String] = [
    "", " ", "\n", "# only a comment", "[]", "{}", "just text", "\u{0}\u{1}", "a: b: c", "- - - -",
    "\t", "---\n---\n", "{", "&a [*a]", "<<: {a: 1}", "? [a]\n: b", "%YAML 9", "schema: [1]",
    "\u{FEFF}schema: 1", "schema: !!int 1", "\"\\uD800\": 1",
    String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 5000),
    String(repeating: "- ", count: 5000), String(repeating: "x", count: 2_000_000),
  ]

  @Test(arguments: endsInAProblemCases.indices)
  func endsInAProblem(place: Int) {
    #expect(problems(Self.endsInAProblemCases[place]) != "no problem")
  }

  @Test(arguments: [UInt64(1), 2])
  func survivesMutations(seed: UInt64) {
    var state = seed
    func random(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    let letters: [Character] = Array("[]{}:,-#&*!|>'\"% \n\t0919.eVAhm\u{E9}")
    let good = Array(Self.good)
    var accepted = 0
    for _ in 0..<1000 {
      var text = good
      for _ in 0...random(4) {
        let place = random(text.count)
        switch random(3) {
        case 0: text[place] = letters[random(letters.count)]
        case 1: text.insert(letters[random(letters.count)], at: place)
        default: text.remove(at: place)
        }
      }
      if case .success = CellFile.parse(text: String(text), file: "c") { accepted += 1 }
    }
    // Some mutations only change a digit or a comment; most must be refused.
    #expect((1..<500).contains(accepted), "seed \(seed): \(accepted) accepted")
  }

  @Test(arguments: ["", "  charge_transfer_current: 0.3 mA\n"])
  func writesWhatItReads(addition: String) throws {
    let cell = try CellFile.parse(text: Self.good + addition, file: "c.yaml").get()
    #expect(try CellFile.parse(text: CellFile.yaml(for: cell), file: "d").get() == cell)
    guard case .circuit(let circuit) = cell.model else { return }
    #expect(circuit.chargeTransferAmperes == (addition.isEmpty ? nil : 0.0003))
  }

  @Test func writesTheLeadThatItReads() throws {
    let lead = Self.good + "  surface_lead: 3 min\n"
    #expect(problems(lead).contains("surface_lead needs pairs"))
    let text = lead + "  pairs:\n    - {time_constant: 60 s, resistance: 1 mohm}\n"
    let cell = try CellFile.parse(text: text, file: "c.yaml").get()
    #expect(try CellFile.parse(text: CellFile.yaml(for: cell), file: "d").get() == cell)
    guard case .circuit(let circuit) = cell.model else { return }
    #expect(circuit.surfaceLeadSeconds == 180)
  }

  @Test func writesElectrodesThatItReads() throws {
    let site = RedoxSite(
      name: "Fe \"HS\"\n#", capacityAmpereHours: 0.1 / 3, potentialVolts: -0.05, width: 1.28,
      interactionVolts: -0.1, hysteresisVolts: 0.03, hysteresisRate: 7, rateConstant: 3.5e-5,
      transferCoefficient: 0.317, diffusionSeconds: 598.1)
    let electrode = Electrode(
      name: "é\u{7}", sites: [site, site], radiusSpread: 1.19,
      kineticActivationJoulesPerMole: 30_000, diffusionActivationJoulesPerMole: 1 / 3.0)
    let pair = ElectrodePair(
      cathode: electrode, anode: electrode, cyclableSodiumAmpereHours: 0.05,
      contactResistanceOhms: 1e-7, contactActivationJoulesPerMole: 0)
    let cell = CellDescription(
      name: "n: [", source: "- *a", ratedCapacityAmpereHours: 1 / 3.0, lowerCutoffVolts: 2,
      upperCutoffVolts: 4, model: .electrodes(pair),
      thermal: ThermalDescription(heatCapacityJoulesPerKelvin: 1, conductanceWattsPerKelvin: 0))
    #expect(try CellFile.parse(text: CellFile.yaml(for: cell), file: "d").get() == cell)
  }

  private static let quantityCases: [(String, QuantityKind, Double)] = [
    ("2 mohm", .resistance, 0.002), ("2m\u{3A9}", .resistance, 0.002),
    ("25 degC", .temperature, 25),
    ("-10 \u{B0}C", .temperature, -10), ("16.1 kJ/mol", .molarEnergy, 16_100),
    ("5 min", .time, 300),
    ("1e-3 V", .voltage, 0.001), ("350 s", .time, 350), ("5e-05 ohm", .resistance, 5e-5),
  ]

  @Test(arguments: quantityCases)
  func readsQuantities(text: String, kind: QuantityKind, value: Double) {
    #expect(QuantityText.parse(text, as: kind) == .success(value))
  }
}

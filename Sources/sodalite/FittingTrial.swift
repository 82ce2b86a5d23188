// SPDX-License-Identifier: Apache-2.0

import CellFitting
import CellSimulation
import DeterministicMath

/// A made-up cell on a made-up cycler: the truth behind a fit.
struct FittingTrial {
  let truth: CellDescription
  let record: FitRecord

  /// The open-circuit curves that cells are drawn from: the paper's full cell, and another chemistry.
  static let shapes: [CellDescription] = [
    .hu2024NFMPB1HardCarbon, .chayambuka2022NVPFHardCarbon, .hu2024MPBHardCarbonCoin,
  ]

  /// Draws a cell and runs its test: C/10 to empty and to full with rests, then pulses.
  init(shape: CellDescription, seed: UInt64) throws(CellError) {
    var random = SeededRandom(seed: seed, stream: 7)
    truth = try Self.cell(shape, &random)
    record = try Self.test(truth, &random, name: "\(shape.name), seed \(seed)")
  }

  /// Capacity, resistances, time constants and hysteresis by chance; the curve of the shape.
  private static func cell(
    _ shape: CellDescription, _ random: inout SeededRandom
  ) throws(CellError) -> CellDescription {
    let equilibrium = try CellEquilibrium(shape)
    let places = (0...400).map { Double($0) / 400 }
    var volts: [Double] = []
    for place in places {
      volts.append(max(equilibrium.volts(stateOfCharge: place), (volts.last ?? 0) + 1e-6))
    }
    let capacity = random.uniform(1, 3)
    let ohms = 0.05 / capacity * DeterministicMath.exp(random.uniform(-0.5, 0.5))
    func curve(_ level: Double) -> Curve {
      let slope = random.uniform(-0.4, 0.4)
      let foot = random.uniform(0, 1.5)
      let places = (0...20).map { Double($0) / 20 }
      return Curve(
        x: places,
        y: places.map { level * (1 + slope * ($0 - 0.5) + foot * DeterministicMath.exp(-$0 / 0.1)) }
      )
    }
    return CellDescription(
      name: shape.name, source: "made up", ratedCapacityAmpereHours: capacity,
      lowerCutoffVolts: volts[0], upperCutoffVolts: volts[400],
      model: .circuit(
        EquivalentCircuit(
          openCircuitVolts: Curve(x: places, y: volts), seriesOhms: curve(ohms),
          pairs: [
            .init(ohms: curve(ohms * random.uniform(0.3, 1)), seconds: random.uniform(8, 50)),
            .init(ohms: curve(ohms * random.uniform(0.3, 1)), seconds: random.uniform(250, 1_500)),
          ],
          hysteresisVolts: .constant(random.uniform(0.002, 0.02)), hysteresisRate: 20,
          activationJoulesPerMole: 0)),
      thermal: shape.thermal)
  }

  private static func test(
    _ truth: CellDescription, _ random: inout SeededRandom, name: String
  ) throws(CellError) -> FitRecord {
    var cycler = MadeUpCycler(cell: try Cell(truth, stateOfCharge: 1), noise: random)
    let oneC = truth.ratedCapacityAmpereHours
    cycler.flow(-0.1 * oneC, untilBelow: truth.lowerCutoffVolts, seconds: 50_000)
    cycler.flow(0, seconds: 3_600)
    cycler.flow(0.1 * oneC, untilAbove: truth.upperCutoffVolts, seconds: 50_000)
    cycler.flow(0, seconds: 3_600)
    for _ in 0..<14 {
      cycler.flow(-oneC / 3, untilBelow: truth.lowerCutoffVolts, seconds: 720)
      cycler.flow(0, seconds: 2_400)
      cycler.flow(-oneC, untilBelow: truth.lowerCutoffVolts, seconds: 10)
      cycler.flow(0, seconds: 60)
    }
    random = cycler.noise
    return FitRecord(name: name, samples: cycler.samples)
  }
}

/// Steps of constant current, written down with a millivolt of noise.
private struct MadeUpCycler {
  var cell: Cell
  var noise: SeededRandom
  var samples: [FitRecord.Sample] = []
  private var seconds = 0.0

  init(cell: Cell, noise: SeededRandom) {
    self.cell = cell
    self.noise = noise
    append(0)
  }

  private mutating func append(_ amperes: Double) {
    samples.append(
      FitRecord.Sample(
        seconds: seconds, amperes: amperes, volts: cell.terminalVolts + 1e-3 * noise.gaussian(),
        line: samples.count + 2))
  }

  /// A step; it ends before its time where the voltage passes a bound.
  mutating func flow(
    _ amperes: Double, untilBelow lower: Double = -1, untilAbove upper: Double = 99,
    seconds length: Double
  ) {
    var passed = 0.0
    var step = 0.1
    while passed < length {
      cell.step(.current(amperes: amperes), seconds: step, ambientCelsius: 25)
      seconds += step
      passed += step
      append(amperes)
      if cell.terminalVolts < lower || cell.terminalVolts > upper { return }
      step = min(max(0.1 * passed, 1), 20, max(length - passed, 0.1))
    }
  }
}

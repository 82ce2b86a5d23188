// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import DeterministicMath
import Quantities
import Simulation
import Testing

@Suite struct ProfileMakerTests {
  /// What every profile must be, from whatever cell.
  private func expectSound(_ profile: CellProfile, _ description: CellDescription) {
    #expect(profile.isIntact)
    #expect(
      profile.ratedCapacity.nanocoulombs
        == Int64((description.ratedCapacityAmpereHours * 3.6e12).rounded()))
    #expect(
      profile.lowerCutoff.microvolts == Int32((description.lowerCutoffVolts * 1e6).rounded()))
    #expect(
      profile.upperCutoff.microvolts == Int32((description.upperCutoffVolts * 1e6).rounded()))
    for i in 1..<257 {
      #expect(profile.openCircuit[i] >= profile.openCircuit[i - 1], "open circuit at \(i)")
    }
    #expect(profile.openCircuit[0] > 0 && profile.openCircuit[256] > profile.openCircuit[0])
    for i in 0..<65 {
      #expect(profile.series[i] > 0, "series at \(i)")
      #expect(profile.fast[i] >= 0, "fast at \(i)")
      #expect(profile.slow[i] >= 0, "slow at \(i)")
      #expect(profile.hysteresis[i] >= 0, "hysteresis at \(i)")
    }
    #expect(profile.fastMilliseconds > 0 && profile.slowMilliseconds > profile.fastMilliseconds)
    #expect(profile.hysteresisRateThousandths > 0)
    for i in 0..<65 { #expect(profile.displacement[i] >= 0, "displacement at \(i)") }
    // 25 °C is entry 13 of −40, −35 … 80; the tables are relative to it, and fall with warmth.
    let tables = [
      profile.seriesTemperatureFactor, profile.relaxationTemperatureFactor,
      profile.timeTemperatureFactor, profile.displacementTemperatureFactor,
    ]
    for table in tables {
      #expect(abs(table[13] - 65_536) <= 1)
      for i in 1..<25 { #expect(table[i] > 0 && table[i] <= table[i - 1], "factor at \(i)") }
    }
    for i in 0..<17 { #expect(profile.seriesCurrentFactor[i] > 0, "current factor at \(i)") }
  }

  @Test func theBuiltInCellGivesASoundProfile() throws {
    let description = TestCells.electrodes
    let profile = try ProfileMaker.profile(for: description)
    expectSound(profile, description)
    // The open-circuit curve lies between the slow charge and the slow discharge.
    let test = try ReferenceTest(description)
    for place in stride(from: 0.1, through: 0.9, by: 0.1) {
      let position = (place + 0.05) / 1.1 * 256
      let index = Int(position)
      let low = Double(profile.openCircuit[index])
      let high = Double(profile.openCircuit[index + 1])
      let volts = (low + (high - low) * (position - Double(index))) * 1e-6
      #expect(volts > test.dischargeVolts(place) && volts < test.chargeVolts(place), "\(place)")
    }
    // The current factor is relative to the pulses' third of a C.
    #expect(profile.seriesCurrentFactor[16] < profile.seriesCurrentFactor[0])
  }

  /// The curve moves with temperature as cells at rest do: within 4 mV from −10 to 45 °C.
  @Test func theCurveFollowsTemperature() throws {
    let description = TestCells.electrodes
    let profile = try ProfileMaker.profile(for: description)
    let test = try ReferenceTest(description)
    let empty = test.empty.stateOfCharge
    for celsius in [-10.0, 10, 45] {
      for i in stride(from: 6, through: 58, by: 4) {
        let place = -0.05 + 1.1 * Double(i) / 64
        let content = empty + place * (test.full.stateOfCharge - empty)
        let there = try Cell(
          description, stateOfCharge: content, temperatureCelsius: celsius)
        let here = try Cell(description, stateOfCharge: content, temperatureCelsius: 25)
        let moved = (there.terminalVolts - here.terminalVolts) * 1e6
        let told = Double(profile.openCircuitPerKelvin[i]) * (celsius - 25)
        #expect(abs(moved - told) < 4_000, "\(place) at \(celsius) °C")
      }
    }
  }

  /// The lag is a matter of hours and of the plateau; in the cold it grows, but not as the time does.
  @Test func theLagIsFoundInTheCold() throws {
    let profile = try ProfileMaker.profile(for: TestCells.electrodes)
    #expect(profile.displacement[40] > 2 * profile.displacement[8])
    // −10 °C is entry 6.
    let reach = profile.displacementTemperatureFactor[6]
    #expect(reach > 65_536 && reach < profile.timeTemperatureFactor[6])
  }

  /// A circuit's tables go over as they are.
  @Test func aCircuitGivesItsOwnTables() throws {
    let description = TestCells.circuit
    let profile = try ProfileMaker.profile(for: description)
    expectSound(profile, description)
    guard case .circuit(let circuit) = description.model else { return }
    for i in 0..<257 {
      let place = -0.05 + 1.1 * Double(i) / 256
      guard place >= 0, place <= 1 else { continue }
      let microvolts = circuit.openCircuitVolts(place) * 1e6
      #expect(abs(Double(profile.openCircuit[i]) - microvolts) <= 1, "at \(place)")
    }
    // 30, 20 and 10 mΩ at 1.5 A for 1C.
    #expect(profile.series[32] == 45_000)
    #expect(profile.fast[32] == 30_000)
    #expect(profile.slow[32] == 15_000)
    #expect(profile.hysteresis[32] == 10_000)
    #expect(profile.fastMilliseconds == 10_000 && profile.slowMilliseconds == 200_000)
    #expect(profile.hysteresisRateThousandths == 50_000)
    for i in 0..<65 {
      #expect(profile.displacement[i] == 0 && profile.openCircuitPerKelvin[i] == 0)
    }
    for i in 0..<25 { #expect(profile.displacementTemperatureFactor[i] == 65_536) }
    // Beyond its ends the curve goes on with its last slope: 6 V per unit, 5 % beyond.
    #expect(abs(profile.openCircuit[256] - 4_300_000) <= 2)
    #expect(abs(profile.openCircuit[0] - 1_700_000) <= 2)
    // Arrhenius with 20 kJ/mol at 0 °C.
    let kelvin = 1 / 273.15 - 1 / 298.15
    let factor = DeterministicMath.exp(20_000 / 8.314462618 * kelvin) * 65_536
    #expect(abs(Double(profile.seriesTemperatureFactor[8]) - factor) <= 1)
    #expect(profile.timeTemperatureFactor[8] == 65_536)
  }

  /// A third pair joins the slow one; a circuit without pairs has no relaxation.
  @Test(arguments: [0, 1, 3])
  func anyNumberOfPairsIsTaken(count: Int) throws {
    var description = TestCells.circuit
    guard case .circuit(var circuit) = description.model else { return }
    circuit.pairs = (0..<count).map {
      .init(ohms: .constant(0.01 * Double($0 + 1)), seconds: [8, 100, 900][$0])
    }
    description.model = .circuit(circuit)
    let profile = try ProfileMaker.profile(for: description)
    expectSound(profile, description)
    #expect(profile.fast[20] == (count > 0 ? 15_000 : 0))
    #expect(profile.slow[20] == (count > 2 ? 75_000 : 0))
    #expect(count == 0 || profile.fastMilliseconds == 8_000)
    #expect(count < 2 || profile.slowMilliseconds == 100_000)
  }

  /// Steep, flat and stepped curves, and a cell of a few mAh like the coin cell of the data.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func drawnCircuitsGiveSoundProfiles(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<10 {
      var volts = [2.0]
      for _ in 0..<10 { volts.append(volts[volts.count - 1] + random.uniform(0.001, 0.5)) }
      var description = TestCells.circuit
      description.ratedCapacityAmpereHours = DeterministicMath.exp(random.uniform(-6, 2))
      description.upperCutoffVolts = volts[10]
      guard case .circuit(var circuit) = description.model else { return }
      circuit.openCircuitVolts = Curve(x: (0...10).map { Double($0) / 10 }, y: volts)
      circuit.seriesOhms = .constant(0.05 / description.ratedCapacityAmpereHours)
      circuit.activationJoulesPerMole = random.uniform(0, 60_000)
      description.model = .circuit(circuit)
      expectSound(try ProfileMaker.profile(for: description), description)
    }
  }

  @Test func theTuningIsKept() throws {
    var tuning = FilterTuning()
    tuning.voltageNoise = 777
    let profile = try ProfileMaker.profile(for: TestCells.circuit, tuning: tuning)
    #expect(profile.tuning == tuning && profile.isIntact)
  }

  @Test func aDescriptionThatIsNoCellIsRefused() {
    for capacity in [-1, 0, 1e-9, 1e9, .nan, .infinity] {
      var description = TestCells.circuit
      description.ratedCapacityAmpereHours = capacity
      do throws(CellError) {
        _ = try ProfileMaker.profile(for: description)
        Issue.record("\(capacity) Ah was taken")
      } catch {}
    }
  }
}

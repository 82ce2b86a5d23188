// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import DeterministicMath
import Quantities

/// Sensor faults of a test; each is a property of the stream and so the same for every estimator.
public enum SensorFault: Sendable {
  /// None.
  case none
  /// Current and voltage read zero together in 1 % of the readings.
  case zeroDropouts
  /// Readings hold for a minute, 5 % of the time.
  case stuckBursts
  /// The voltage is 0.3 V off in 0.2 % of the readings.
  case spikes
}

/// A true cell behind a board with errors: plays a schedule and gives readings with the truth.
///
/// The board: offset 5 mA on 1.5 Ah, gain 0.2 %, 2 mV, steps of 0.5 mA and 1.25 mV, noise of 3 mA and
/// 1.5 mV (one deviation each), as in the estimator study's fleet.
struct EvaluationCell {
  private(set) var cell: Cell
  private var reference: ReferenceTest
  private var unmodelled: UnmodelledVoltage
  private var random: SeededRandom
  private let oneC: Double
  private let board: (offset: Double, gain: Double, volts: Double)
  private var added = 0.0
  private var microseconds: Int64 = 0
  private var stuck = (left: 0.0, amperes: 0.0, volts: 0.0)
  var fault = SensorFault.none
  var celsius: Double

  init(
    _ description: CellDescription, make: CellDescription, seed: UInt64, mismatch: Double,
    stateOfCharge: Double, celsius: Double
  ) throws(CellError) {
    var random = SeededRandom(seed: seed, stream: 31)
    let reference = try ReferenceTest(description)
    oneC = make.ratedCapacityAmpereHours
    unmodelled = UnmodelledVoltage(
      &random, curve: reference.dischargeVolts, mismatch: mismatch)
    board = (
      0.005 / 1.5 * oneC * random.gaussian(), 1 + 0.002 * random.gaussian(),
      0.002 * random.gaussian()
    )
    let empty = reference.empty.stateOfCharge
    let content = empty + stateOfCharge * (reference.full.stateOfCharge - empty)
    cell = try Cell(
      description, stateOfCharge: min(max(content, 0), 1), temperatureCelsius: celsius)
    self.reference = reference
    self.random = random
    self.celsius = celsius
  }

  /// The charge between full and empty. Unit: Ah.
  var capacityAmpereHours: Double { reference.capacityAmpereHours }
  /// The true state of charge.
  var stateOfCharge: Double { reference.stateOfCharge(of: cell) }

  /// Goes on as an older cell that rests at the same voltage.
  mutating func wear(to description: CellDescription) throws(CellError) {
    let rested = min(
      max(cell.openCircuitVolts, description.lowerCutoffVolts), description.upperCutoffVolts)
    reference = try ReferenceTest(description)
    cell = try Cell(
      description, restingAtVolts: rested, temperatureCelsius: cell.temperatureCelsius)
  }

  /// Lets the player's demand act for a time and reads the sensors.
  mutating func next(
    _ player: inout LoadPlayer, seconds: Double
  ) -> (time: MonotonicTime, measurement: Measurement, stateOfCharge: Double) {
    var demand = player.next(
      seconds: seconds, volts: cell.terminalVolts + added, amperes: cell.currentAmperes)
    // The load and the charger meet the whole voltage; the model below is only a part of it.
    if case .voltage(let volts) = demand.control {
      demand.control = .voltage(volts: volts - added)
    }
    if let ceiling = demand.ceilingVolts { demand.ceilingVolts = ceiling - added }
    demand.apply(to: &cell, seconds: seconds, ambientCelsius: celsius)
    let truth = stateOfCharge
    added = unmodelled.advance(
      seconds: seconds, c: cell.currentAmperes / oneC, place: truth)
    microseconds += Int64((seconds * 1e6).rounded())
    var amperes = cell.currentAmperes * board.gain + board.offset + 0.003 * random.gaussian()
    var volts = cell.terminalVolts + added + board.volts + 0.0015 * random.gaussian()
    amperes = (amperes / 0.0005).rounded() * 0.0005
    volts = (volts / 0.00125).rounded() * 0.00125
    spoil(&amperes, &volts, seconds)
    return (
      .microseconds(microseconds),
      Measurement(
        current: .microamperes(Int32((amperes * 1e6).rounded())),
        voltage: .microvolts(Int32((volts * 1e6).rounded())),
        temperature: .millidegreesCelsius(Int32((cell.temperatureCelsius * 1e3).rounded()))),
      truth
    )
  }

  private mutating func spoil(_ amperes: inout Double, _ volts: inout Double, _ seconds: Double) {
    switch fault {
    case .none: return
    case .zeroDropouts:
      if random.chance(0.01) {
        amperes = 0
        volts = 0
      }
    case .stuckBursts:
      if stuck.left > 0 {
        stuck.left -= seconds
        amperes = stuck.amperes
        volts = stuck.volts
      } else if random.chance(0.05 / 0.95 * seconds / 60) {
        stuck = (60, amperes, volts)
      }
    case .spikes:
      if random.chance(0.002) { volts += random.chance(0.5) ? 0.3 : -0.3 }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
public import CellSimulation
import ChipDrivers
import DeterministicMath
public import Firmware
import Quantities

/// What came of one run.
public struct SwarmResult: Sendable {
  /// The run's seed; it is the run.
  public var seed: UInt64
  /// Ticks of the firmware.
  public var ticks: Int
  /// The cell's life, with the time without power. Unit: s.
  public var seconds: Double
  /// The time without power. Unit: s.
  public var offSeconds: Double
  /// The first broken invariant, if any; the run ended there.
  public var violation: SwarmViolation?
  /// Estimates whose interval held the truth, of those that were scored.
  public var covered: Int
  /// Estimates an hour and more after a start or a blinding fault.
  public var scored: Int
  /// How long protections took.
  public var reactions: ReactionTimes
  /// The time between two ticks. Unit: s.
  public var period: Double
  /// What went wrong; a cell that is swapped counts when it is put in.
  public var faults: SwarmFaultCounts
  /// Of all estimates and protections.
  public var hash: UInt64
}

/// Runs of firmware, chips and cells in which everything goes wrong that can, each drawn from its seed.
public struct Swarm: Sendable {
  private let cells: SwarmCells

  /// Makes the cells and the firmware's tables; the same for every run.
  ///
  /// - Throws: `CellError` if the description cannot be a cell.
  public init(_ description: CellDescription) throws(CellError) {
    cells = try SwarmCells(description)
  }

  /// The rules that the firmware of every run protects by.
  public var protection: ProtectionTable {
    cells.configuration(hasClock: false).protection
  }

  /// One run; a function of the seed.
  ///
  /// - Parameter bug: something wrong that the checker must find.
  public func run(seed: UInt64, bug: PlantedBug? = nil) -> SwarmResult {
    var world = SwarmWorld(SwarmPlan(seed: seed), cells, bug: bug)
    return world.run()
  }
}

/// The make of cells that the runs draw from, and what the firmware is told of it.
struct SwarmCells: Sendable {
  let oneC: Double
  let upperVolts: Double
  let shuntOhms: Double
  private let profile: CellProfile
  private let monitor: INA228.Configuration
  /// How long the monitor takes for a result. Unit: s.
  var resultSeconds: Double { Double(monitor.resultMicroseconds) * 1e-6 }
  private let range: Current
  private let references: [StateOfChargeReference]

  init(_ description: CellDescription) throws(CellError) {
    oneC = description.ratedCapacityAmpereHours
    upperVolts = description.upperCutoffVolts
    profile = try ProfileMaker.profile(for: description)
    let amperes = 6.5 * oneC
    let microohms = (0.150 / amperes * 1e6).rounded()
    shuntOhms = microohms * 1e-6
    range = .microamperes(Int32((amperes * 1e6).rounded()))
    do throws(ShuntProblem) {
      monitor = try INA228.Configuration(
        shunt: Shunt(resistance: .microohms(Int32(microohms)), maximumCurrent: range))
    } catch {
      throw .invalidValue("no shunt lets an INA228 measure a cell of \(oneC) Ah")
    }
    var references: [StateOfChargeReference] = []
    for index in 0..<SwarmPlan.cells {
      var random = SeededRandom(seed: UInt64(index), stream: 100)
      references.append(
        try StateOfChargeReference(description.drawn(using: &random, mismatch: 1)))
    }
    self.references = references
  }

  func cell(_ index: Int, at stateOfCharge: Double) -> (StateOfChargeReference, Cell) {
    let reference = references[index]
    do throws(CellError) {
      return (reference, try reference.cell(at: stateOfCharge, celsius: 25))
    } catch {
      preconditionFailure("a cell that passed its reference test can be made again")
    }
  }

  func estimator(start: Double) -> StateEstimator {
    StateEstimator(
      profile: profile,
      stateOfCharge: .partsPerMillion(Int32((min(max(start, 0), 1) * 1e6).rounded())),
      deviation: 300_000)
  }

  func configuration(hasClock: Bool) -> FirmwareConfiguration {
    func current(c: Double) -> Current { .microamperes(Int32((c * oneC * 1e6).rounded())) }
    return FirmwareConfiguration(
      monitor: .ina228(INA228(address: SwarmWorld.monitorAddress, configuration: monitor)),
      thermometer: .tmp117(TMP117(address: SwarmWorld.thermometerAddress)), currentRange: range,
      protection: ProtectionTable(
        lowerCutoff: profile.lowerCutoff, upperCutoff: profile.upperCutoff,
        chargeLimit: current(c: 2), dischargeLimit: current(c: 4)),
      wallClock: hasClock ? .ds3231(DS3231()) : .none)
  }
}

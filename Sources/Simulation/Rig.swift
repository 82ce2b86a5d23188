// SPDX-License-Identifier: Apache-2.0

import BusProtocols
public import CellEstimation
public import CellSimulation
import ChipDrivers
public import ChipEmulators
import DeterministicMath
public import Firmware
public import Quantities

/// Which chips the emulated board carries.
public enum ChipSet: String, CaseIterable, Sendable {
  /// An INA228, which counts charge itself, and a TMP117.
  case ina228TMP117 = "ina228+tmp117"
  /// An INA226, whose current is integrated by the firmware, and a TMP117.
  case ina226TMP117 = "ina226+tmp117"
  /// An INA226, and an ADS1115 that reads a thermistor and the cell's voltage a second time.
  case ina226ADS1115 = "ina226+ads1115"
}

/// What a simulated run is made of; the same setup gives the same bytes on every machine.
public struct RigSetup: Sendable {
  /// The nominal cell: the estimator's tables are made from it.
  public var cell: CellDescription
  /// The chips on a board that is made for the cell.
  public var chips: ChipSet
  /// A board instead of that one; each of its cells in series is the cell, and loads and chargers keep to
  /// what the firmware allows.
  public var board: BoardDescription?
  /// The seed of the run.
  public var seed: UInt64
  /// How far the true cell differs from the nominal one; 0 is not at all, 1 is a usual fleet.
  public var mismatch: Double
  /// What the true cell has been through; nil for a new one. The estimator's tables know nothing of it.
  public var age: AgeingState?
  /// The time between two ticks. Unit: s.
  public var period: Double
  /// The true state of charge at the start.
  public var startStateOfCharge: Double
  /// What the firmware is told too high at the start; negative is too low.
  public var initialError: Double
  /// The temperature around the cell. Unit: °C.
  public var ambientCelsius: Double
  /// What the load and the charger do.
  public var schedule: LoadSchedule
  /// How often each transfer on the bus goes wrong.
  public var faults: FaultProbabilities?
  /// How much the estimator believes its model and its sensors.
  public var tuning: FilterTuning

  /// The main job on a cell: mixed cycles, INA228 and TMP117, a tick a second, 30 % wrong.
  public init(cell: CellDescription, seed: UInt64) {
    self.cell = cell
    self.seed = seed
    chips = .ina228TMP117
    board = nil
    mismatch = 1
    age = nil
    period = 1
    startStateOfCharge = 0.9
    initialError = -0.3
    ambientCelsius = 25
    schedule = .mixedCycles(lower: cell.lowerCutoffVolts, upper: cell.upperCutoffVolts)
    faults = nil
    tuning = FilterTuning()
  }

  /// The same job on a board, between the voltages that it keeps to.
  public init(board: BoardDescription, cell: CellDescription, seed: UInt64) {
    self.init(cell: cell, seed: seed)
    self.board = board
    let window = board.window(of: cell)
    schedule = .mixedCycles(lower: window.lowerBound, upper: window.upperBound)
  }
}

extension RigSetup {
  /// What the firmware is told of the state of charge.
  public var firstGuess: StateOfCharge {
    let start = min(max(startStateOfCharge + initialError, 0), 1)
    return .partsPerMillion(Int32((start * 1e6).rounded()))
  }

  /// How uncertain it is told that to be, as a standard deviation. Unit: ppm.
  public static let guessDeviation: Int32 = 300_000
}

/// What is known after a tick, from inside and from outside.
public struct Moment: Equatable, Sendable {
  /// Time since the start. Unit: s.
  public var seconds: Double
  /// The true current; positive charges. Unit: A.
  public var amperes: Double
  /// The true terminal voltage. Unit: V.
  public var volts: Double
  /// The true temperature of the cell. Unit: °C.
  public var celsius: Double
  /// The true state of charge.
  public var stateOfCharge: Double
  /// What the firmware saw, believed and did.
  public var report: Report
}

/// A cell, chips that measure it, and the firmware that reads them: one closed loop.
///
/// The firmware's switches cut the cell off, so what it believes changes what it measures. The
/// board's own errors are drawn by seed on top of the chips': an offset of 5 mA for each 1.5 A of 1C
/// and a gain of 0.2 % in the current path, 2 mV in the voltage path (one deviation each; assumed, as
/// in the design's reference fleet, because a shunt's copper and the wiring add more than the chips).
public struct Rig<Estimator: FirmwareEstimator>: ~Copyable {
  private let setup: RigSetup
  private let reference: StateOfChargeReference
  private var cell: Cell
  private var player: LoadPlayer
  private let bus: EmulatedI2CBus
  private let board: Board
  private let chargeLine = EmulatedLine()
  private let dischargeLine = EmulatedLine()
  private var firmware: Firmware<EmulatedI2CBus, EmulatedLine, EmulatedLine, NoMemory, Estimator>
  private var ticks: Int64 = 0
  /// What loads and chargers keep to; nil where they ask for what they like. Unit: A.
  private var limits: ClosedRange<Double>?

  /// Builds and wires everything.
  ///
  /// - Parameters:
  ///   - setup: what the run is made of.
  ///   - estimator: knows the make, and believes `setup.firstGuess`.
  /// - Throws: `CellError` if the description cannot be a cell, or one that the board cannot measure.
  public init(_ setup: RigSetup, estimator: Estimator) throws(CellError) {
    // All that can fail comes before the first stored property: a value that cannot be copied is
    // made whole or not at all.
    var random = SeededRandom(seed: setup.seed, stream: 1)
    let drawn = setup.cell.drawn(using: &random, mismatch: setup.mismatch)
    let actual = setup.age.map(drawn.aged) ?? drawn
    let reference = try StateOfChargeReference(actual)
    let cell = try reference.cell(at: setup.startStateOfCharge, celsius: setup.ambientCelsius)
    let bus = EmulatedI2CBus(
      faults: setup.faults.map { TransferFaults(probabilities: $0, seed: setup.seed, stream: 7) }
        ?? .none)
    let description =
      if let board = setup.board { board } else { try setup.chips.board(for: setup.cell) }
    let board = try Board(
      description,
      BoardCells(
        series: description.seriesCells, ampereHours: setup.cell.ratedCapacityAmpereHours,
        volts: cell.terminalVolts * Double(description.seriesCells)),
      errors: BoardErrors(using: &random, oneC: setup.cell.ratedCapacityAmpereHours),
      seed: setup.seed, bus: bus)
    let configuration: FirmwareConfiguration
    do throws(BoardUnsupported) {
      configuration = try description.firmwareConfiguration(cell: setup.cell)
    } catch {
      throw .invalidValue("\(description.name): \(error)")
    }
    self.setup = setup
    self.reference = reference
    self.cell = cell
    self.bus = bus
    self.board = board
    player = LoadPlayer(setup.schedule, ratedAmpereHours: setup.cell.ratedCapacityAmpereHours)
    firmware = Firmware(
      configuration, estimator: estimator, bus: bus, chargeSwitch: chargeLine,
      dischargeSwitch: dischargeLine)
  }

  /// The true charge between full and empty. Unit: Ah.
  public var capacityAmpereHours: Double { reference.capacityAmpereHours }

  /// Faults that were put on the bus.
  public var injectedFaults: FaultCounts { bus.faults.counts }

  /// How many transfers there were, and how many of them were struck.
  public var injected: InjectedFaults { InjectedFaults(bus.faults) }

  /// Faults that the firmware met.
  public var seenFaults: BusFaultCounts { firmware.busFaults }

  /// How many results of the estimator's arithmetic were clamped.
  public var saturations: UInt32 { firmware.saturations }

  /// What the firmware expects of the cell, and which part of it is fading.
  public func prognosis() -> Prognosis { firmware.prognosis() }

  /// Lets one period pass: the cell first, then the chips, then the firmware.
  public mutating func step() -> Moment {
    move()
    measure()
    return Moment(
      seconds: Double(ticks) * setup.period, amperes: cell.currentAmperes,
      volts: cell.terminalVolts, celsius: cell.temperatureCelsius,
      stateOfCharge: reference.stateOfCharge(of: cell), report: decide())
  }

  /// The cell's part of a period: the load's or charger's demand, as far as the switches let it.
  public mutating func move() {
    ticks += 1
    var demand = player.next(
      seconds: setup.period, volts: cell.terminalVolts, amperes: cell.currentAmperes)
    if let limits { demand = demand.kept(to: limits) }
    if !lets(demand) { demand = LoadDemand(control: .current(amperes: 0)) }
    demand.apply(to: &cell, seconds: setup.period, ambientCelsius: setup.ambientCelsius)
  }

  /// The chips' part: their converters run to the end of the period.
  public mutating func measure() {
    board.advance(
      to: now, amperes: cell.currentAmperes, volts: cell.terminalVolts,
      celsius: cell.temperatureCelsius)
  }

  /// The firmware's part: one tick over the bus.
  public mutating func decide() -> Report {
    let report = firmware.tick(at: .microseconds(now))
    if setup.board != nil {
      limits =
        Double(-report.limits.discharge.microamperes) * 1e-6...Double(
          report.limits.charge.microamperes) * 1e-6
    }
    return report
  }

  private var now: Int64 { Int64((Double(ticks) * setup.period * 1e6).rounded()) }

  private func lets(_ demand: LoadDemand) -> Bool {
    let letsChargeIn = chargeLine.isActive && board.letsChargeIn
    let letsChargeOut = dischargeLine.isActive && board.letsChargeOut
    return switch demand.control {
    case .current(let amperes): amperes > 0 ? letsChargeIn : (amperes < 0 ? letsChargeOut : true)
    case .voltage: letsChargeIn
    case .power(let watts): watts > 0 ? letsChargeIn : letsChargeOut
    }
  }
}

extension Rig where Estimator == StateEstimator {
  /// Builds and wires everything, with an estimator that keeps the make's curve for life.
  ///
  /// - Throws: `CellError` if the description cannot be a cell, or one that the board cannot measure.
  public init(_ setup: RigSetup) throws(CellError) {
    let profile = try ProfileMaker.profile(for: setup.cell, tuning: setup.tuning)
    try self.init(
      setup,
      estimator: StateEstimator(
        profile: profile, stateOfCharge: setup.firstGuess, deviation: RigSetup.guessDeviation))
  }
}

/// The true state of charge of a cell: by the reference test for electrodes, as it is for circuits.
struct StateOfChargeReference {
  private let test: ReferenceTest?
  private let description: CellDescription
  let capacityAmpereHours: Double

  init(_ description: CellDescription) throws(CellError) {
    self.description = description
    switch description.model {
    case .electrodes:
      let test = try ReferenceTest(description)
      self.test = test
      capacityAmpereHours = test.capacityAmpereHours
    case .circuit:
      test = nil
      capacityAmpereHours = description.ratedCapacityAmpereHours
    }
  }

  /// A rested cell at a state of charge.
  func cell(at stateOfCharge: Double, celsius: Double) throws(CellError) -> Cell {
    var content = stateOfCharge
    if let test {
      let empty = test.empty.stateOfCharge
      content = empty + stateOfCharge * (test.full.stateOfCharge - empty)
    }
    return try Cell(
      description, stateOfCharge: min(max(content, 0), 1), temperatureCelsius: celsius)
  }

  func stateOfCharge(of cell: borrowing Cell) -> Double {
    test?.stateOfCharge(of: cell) ?? cell.stateOfCharge
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
public import CellSimulation
public import ChipEmulators
import DeterministicMath
public import Firmware

/// What an emulated board is built from besides its description.
public struct EmulationSetup: Sendable {
  /// The nominal cell.
  public var cell: CellDescription
  /// The seed of all that is random.
  public var seed: UInt64
  /// How far the true cell is from the nominal one; 0 is not at all, 1 is a usual fleet.
  public var mismatch: Double
  /// The true state of charge at the start.
  public var stateOfCharge: Double
  /// The temperature around the cell. Unit: °C.
  public var ambientCelsius: Double
  /// Capacitors behind the discharge switch; by default those that the board's precharge is for.
  public var load: LoadCapacitor?

  /// A cell at 60 %, at 25 °C and as usual as others.
  public init(cell: CellDescription, seed: UInt64) {
    self.cell = cell
    self.seed = seed
    mismatch = 1
    stateOfCharge = 0.6
    ambientCelsius = 25
  }
}

/// Why a board cannot be emulated.
public enum EmulationProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The cell cannot be one.
  case cell(CellError)
  /// Two chips have one address.
  case addressConflict(UInt8)

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .cell(let error): error.description
    case .addressConflict(let address):
      "two chips answer at 0x\(String(address, radix: 16, uppercase: true))"
    }
  }
}

/// A board of emulated chips around a living cell.
///
/// The same board serves firmware in this process, over `bus` and the switches, and firmware
/// elsewhere, over a back end that speaks in byte events and levels. Time passes only in
/// `advance(to:)`; between two calls the cell and the chips stand still. A load or charger acts on
/// the cell through the switches that the board has.
public struct EmulatedBoard: ~Copyable {
  /// What the board is.
  public let description: BoardDescription
  /// The bus with the chips; faults are laid over it.
  public let bus: EmulatedI2CBus
  /// What the firmware drives to let charge in.
  public let chargeSwitch = EmulatedLine()
  /// What the firmware drives to let charge out.
  public let dischargeSwitch = EmulatedLine()
  /// What the firmware drives to fill the load's capacitors.
  public let prechargeSwitch = EmulatedLine()
  /// Whether the contacts of the discharge switch are welded, so that it stays on.
  public var isDischargeWelded = false
  /// The capacitors behind the discharge switch, if any.
  public private(set) var load: LoadCapacitor?
  /// The moment reached. Unit: µs since the board was made.
  public private(set) var now: Int64 = 0
  /// The temperature around the cell. Unit: °C.
  public var ambientCelsius: Double
  /// What the switches say of themselves; nil where they say nothing.
  public var feedback: (charge: Bool?, discharge: Bool?) {
    (
      description.chargeFeedback.map { _ in chargeSwitch.isActive },
      description.dischargeFeedback.map { _ in dischargeIsOn }
    )
  }
  /// Whether the board has its supply.
  public var hasSupply = true

  /// The seed of the run, for faults laid over the bus.
  let seed: UInt64
  /// Where a schedule of the board stops discharging and charging, a cell. Unit: V.
  let window: ClosedRange<Double>
  private let ratedAmpereHours: Double
  private var cell: Cell
  private var demand = Demand.control(.current(amperes: 0))
  private let reference: StateOfChargeReference
  private let chips: [EmulatedChip]

  private enum Demand {
    case control(CellControl)
    case schedule(LoadPlayer)
  }

  /// Builds the chips and the cell; both switches are off and nothing flows.
  public init(
    _ description: BoardDescription, _ setup: EmulationSetup
  ) throws(EmulationProblem) {
    var random = SeededRandom(seed: setup.seed, stream: 1)
    let actual = setup.cell.drawn(using: &random, mismatch: setup.mismatch)
    let reference: StateOfChargeReference
    let cell: Cell
    do throws(CellError) {
      reference = try StateOfChargeReference(actual)
      cell = try reference.cell(at: setup.stateOfCharge, celsius: setup.ambientCelsius)
    } catch {
      throw .cell(error)
    }
    let cells = BoardCells(
      series: description.seriesCells, ampereHours: setup.cell.ratedCapacityAmpereHours,
      volts: cell.terminalVolts * Double(description.seriesCells))
    let bus = EmulatedI2CBus()
    var chips: [EmulatedChip] = []
    for (index, wiring) in description.chips.enumerated() {
      let errors = BoardErrors(
        using: &random, oneC: setup.cell.ratedCapacityAmpereHours)
      // The streams below are those of `Rig`; each chip here takes two.
      let chip = EmulatedChip(
        wiring, errors: errors, cells: cells, seed: setup.seed, stream: 100 + 2 * UInt64(index))
      for target in chip.targets {
        do throws(AddressConflict) {
          try bus.attach(target)
        } catch {
          throw .addressConflict(error.address.rawValue)
        }
      }
      chips.append(chip)
    }
    self.description = description
    self.bus = bus
    self.chips = chips
    self.cell = cell
    self.reference = reference
    seed = setup.seed
    window = description.window(of: setup.cell)
    ratedAmpereHours = setup.cell.ratedCapacityAmpereHours
    ambientCelsius = setup.ambientCelsius
    load =
      setup.load
      ?? description.precharge.map { LoadCapacitor(farads: $0.loadFarads, pathOhms: $0.ohms) }
  }

  /// The discharge switch with the path beside it, for the firmware.
  public var dischargeOutput: PrechargedSwitch<EmulatedLine, EmulatedLine> {
    PrechargedSwitch(main: dischargeSwitch, path: prechargeSwitch)
  }

  // MARK: - Time

  /// Lets the cell and the chips live up to a moment.
  ///
  /// - Parameter microseconds: since the board was made; in the past nothing happens. More than an
  ///   hour away, as after a suspended machine, the steps are longer and so less exact.
  public mutating func advance(to microseconds: Int64) {
    let step: Int64 = microseconds - now > 3_600_000_000 ? 10_000_000 : 1_000_000
    while now < microseconds {
      let next = min(now + step, microseconds)
      let seconds = Double(next - now) * 1e-6
      move(seconds: seconds)
      now = next
      let conditions = BoardConditions(
        amperes: cell.currentAmperes,
        volts: cell.terminalVolts * Double(description.seriesCells),
        celsius: cell.temperatureCelsius)
      let isOn = dischargeIsOn
      load?.advance(
        seconds: seconds, supply: conditions.volts, isOn: isOn,
        isFilling: prechargeSwitch.isActive)
      let behind = BoardConditions(
        amperes: 0, volts: load?.volts ?? conditions.volts, celsius: conditions.celsius)
      for (chip, wiring) in zip(chips, description.chips) {
        chip.advance(to: now, wiring.roles.contains(.loadVoltage) ? behind : conditions)
      }
    }
  }

  private mutating func move(seconds: Double) {
    var asked: LoadDemand
    switch demand {
    case .control(let control):
      asked = LoadDemand(control: control)
    case .schedule(var player):
      asked = player.next(
        seconds: seconds, volts: cell.terminalVolts, amperes: cell.currentAmperes)
      demand = .schedule(player)
    }
    if !lets(asked.control) { asked = LoadDemand(control: .current(amperes: 0)) }
    asked.apply(to: &cell, seconds: seconds, ambientCelsius: ambientCelsius)
  }

  private func lets(_ control: CellControl) -> Bool {
    switch control {
    case .current(let value), .power(let value):
      value > 0 ? letsChargeIn : (value < 0 ? letsChargeOut : true)
    case .voltage(let volts): volts > cell.terminalVolts ? letsChargeIn : letsChargeOut
    }
  }

  private var letsChargeIn: Bool {
    (description.chargeSwitch == nil || chargeSwitch.isActive)
      && chips.allSatisfy(\.letsChargeIn)
  }
  /// Whether the discharge switch is on, whatever it was told.
  private var dischargeIsOn: Bool { dischargeSwitch.isActive || isDischargeWelded }

  private var letsChargeOut: Bool {
    (description.dischargeSwitch == nil || dischargeIsOn)
      && chips.allSatisfy(\.letsChargeOut)
  }

  // MARK: - The world around it

  /// Lets a load or a charger ask for something from now on.
  public mutating func ask(for control: CellControl) { demand = .control(control) }

  /// Lets a schedule of loads and chargers ask from now on, from its first step.
  public mutating func ask(for schedule: LoadSchedule) {
    demand = .schedule(
      LoadPlayer(
        schedule, ratedAmpereHours: ratedAmpereHours))
  }

  /// What is true of the cell now.
  public var truth: CellTruth {
    CellTruth(
      microseconds: now, amperes: cell.currentAmperes, volts: cell.terminalVolts,
      celsius: cell.temperatureCelsius, stateOfCharge: reference.stateOfCharge(of: cell),
      capacityAmpereHours: reference.capacityAmpereHours)
  }

  /// Passes the state of the cell, so that a board made anew in the same way goes on with it, to bits.
  ///
  /// - Parameter words: where the state goes or comes from; see `Cell.exchange`.
  public mutating func exchangeCell(_ words: inout StateWords) { cell.exchange(&words) }

  // MARK: - Faults beyond the bus

  /// Takes a chip off the board, or puts it back.
  ///
  /// - Returns: false if no chip has the address.
  public func setPresent(_ isPresent: Bool, chipAt address: UInt8) -> Bool {
    guard let chip = chip(at: address) else { return false }
    chip.setPresent(isPresent)
    return true
  }

  /// Takes a chip's supply away for a moment.
  ///
  /// - Returns: false if no chip has the address.
  public func powerCycle(chipAt address: UInt8) -> Bool {
    guard let chip = chip(at: address) else { return false }
    chip.powerCycle()
    return true
  }

  /// What the board's memory holds, as it would without power; nil for a board without one.
  public var memoryContent: [UInt8]? {
    description.chips.firstIndex { $0.roles.contains(.memory) }.flatMap { chips[$0].content }
  }

  /// Puts into the board's memory what an earlier one held.
  ///
  /// - Returns: false, and nothing changes, for another size than the memory's, or without a memory.
  public func setMemoryContent(_ bytes: [UInt8]) -> Bool {
    guard let index = description.chips.firstIndex(where: { $0.roles.contains(.memory) }),
      chips[index].content?.count == bytes.count
    else { return false }
    chips[index].setContent(bytes)
    return true
  }

  private func chip(at address: UInt8) -> EmulatedChip? {
    description.chips.firstIndex { $0.address == address }.map { chips[$0] }
  }

  // MARK: - Lines

  /// The lines that the board uses of the processor, each with its use.
  public var lines: [(use: LineUse, line: BoardLine)] {
    var lines: [(use: LineUse, line: BoardLine)] = []
    if let line = description.chargeSwitch { lines.append((.chargeSwitch, line)) }
    if let line = description.dischargeSwitch { lines.append((.dischargeSwitch, line)) }
    if let line = description.chargeFeedback { lines.append((.chargeFeedback, line)) }
    if let line = description.dischargeFeedback { lines.append((.dischargeFeedback, line)) }
    if let line = description.precharge?.line { lines.append((.prechargeSwitch, line)) }
    if let line = description.supply { lines.append((.supply, line)) }
    for (index, chip) in description.chips.enumerated() {
      if let line = chip.alert { lines.append((.alert(chip: index), line)) }
    }
    return lines
  }

  /// The electrical level of a line, true for high.
  public func level(of use: LineUse) -> Bool {
    switch use {
    case .chargeSwitch: chargeSwitch.isActive != (description.chargeSwitch?.isActiveLow ?? false)
    case .dischargeSwitch:
      dischargeSwitch.isActive != (description.dischargeSwitch?.isActiveLow ?? false)
    case .chargeFeedback:
      chargeSwitch.isActive != (description.chargeFeedback?.isActiveLow ?? false)
    case .dischargeFeedback:
      dischargeIsOn != (description.dischargeFeedback?.isActiveLow ?? false)
    case .prechargeSwitch:
      prechargeSwitch.isActive != (description.precharge?.line.isActiveLow ?? false)
    case .supply: hasSupply != (description.supply?.isActiveLow ?? false)
    case .alert(let index): chips[index].alertLevel
    }
  }

  /// Drives a switch by the electrical level of its line; other lines are the board's to drive.
  public func drive(_ use: LineUse, high: Bool) {
    switch use {
    case .chargeSwitch:
      chargeSwitch.set(high != (description.chargeSwitch?.isActiveLow ?? false))
    case .dischargeSwitch:
      dischargeSwitch.set(high != (description.dischargeSwitch?.isActiveLow ?? false))
    case .prechargeSwitch:
      prechargeSwitch.set(high != (description.precharge?.line.isActiveLow ?? false))
    case .supply, .alert, .chargeFeedback, .dischargeFeedback: break
    }
  }
}

/// What a line of the processor is for.
public enum LineUse: Equatable, Sendable {
  /// An output that lets charge in.
  case chargeSwitch
  /// An output that lets charge out.
  case dischargeSwitch
  /// An input on which the charge switch says whether it is on.
  case chargeFeedback
  /// An input on which the discharge switch says whether it is on.
  case dischargeFeedback
  /// An output that fills the load's capacitors.
  case prechargeSwitch
  /// An input that tells whether there is a supply besides the cell.
  case supply
  /// An input from the alert pin of a chip, by the chip's place in the description.
  case alert(chip: Int)

  /// Whether the processor drives it.
  public var isOutput: Bool {
    self == .chargeSwitch || self == .dischargeSwitch || self == .prechargeSwitch
  }
}

/// What is true of a simulated cell.
public struct CellTruth: Equatable, Sendable {
  /// When. Unit: µs since the board was made.
  public var microseconds: Int64
  /// The current; positive charges. Unit: A.
  public var amperes: Double
  /// The voltage of one cell. Unit: V.
  public var volts: Double
  /// Its temperature. Unit: °C.
  public var celsius: Double
  /// Its state of charge.
  public var stateOfCharge: Double
  /// Its charge from full to empty. Unit: Ah.
  public var capacityAmpereHours: Double
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import CellSimulation
import ChipDrivers
import ChipEmulators
import DeterministicMath
import Firmware
import Quantities

/// A bug that is planted in what the checker sees; to prove that every invariant can fail.
public enum PlantedBug: String, CaseIterable, Sendable {
  /// A failed read gives the last value.
  case staleReads
  /// A switch that does not open.
  case weldedSwitch
  /// An interval that is narrow and elsewhere.
  case overconfidence
  /// An interval a fifth as wide as it should be, around the right place.
  case narrowInterval
  /// A ledger that forgets a tenth of what is discharged.
  case leakyLedger
  /// Clamped results that nobody reports.
  case silentSaturation
  /// A restart that calls another state the old one.
  case wrongMemory
  /// A report that contradicts the switches.
  case wrongReport

  /// The invariant that finds it.
  public var finder: Invariant {
    switch self {
    case .staleReads: .failedRead
    case .weldedSwitch: .reaction
    case .overconfidence: .interval
    case .narrowInterval: .coverage
    case .leakyLedger: .ledger
    case .silentSaturation: .saturation
    case .wrongMemory: .restart
    case .wrongReport: .switches
    }
  }
}

/// One run of the swarm: a cell, chips, firmware and what goes wrong with them.
struct SwarmWorld {
  static let monitorAddress = I2CAddress(0x40)
  static let thermometerAddress = I2CAddress(0x48)
  private static let memoryAddress = I2CAddress(0x50)

  private let plan: SwarmPlan
  private let cells: SwarmCells
  private let configuration: FirmwareConfiguration
  private let bug: PlantedBug?
  private let bus: SwarmBus
  private let monitor: INA228Emulator
  private let thermometer = TMP117Emulator(address: Self.thermometerAddress)
  private let clock = DS3231Emulator()
  private let fram = MB85RC256VEmulator(address: Self.memoryAddress)
  private let eeprom: AT24C32Emulator
  private let chargeLine = EmulatedLine()
  private let dischargeLine = EmulatedLine()

  private var cell: Cell
  private var reference: StateOfChargeReference
  private var load: SwarmLoad
  private var checker: SwarmChecker
  private var random: SeededRandom
  private var tick = 0
  private var nextEvent = 0
  /// Time since the run began. Unit: s.
  private var now = 0.0
  private var offSeconds = 0.0
  /// What the firmware's clock shows. Unit: µs.
  private var monotonic: Int64 = 0
  private var ambient = 25.0
  private var offsetVolts: Double
  private var offsetAmperes: Double
  private var gain: Double
  private var wrongTicks = 0
  private var frozenTicks = 0
  private var stuckTicks = 0
  private var stuckPins = (amperes: 0.0, volts: 0.0)
  /// What the monitor has converted last.
  private var convertedPins = (amperes: 0.0, volts: 0.0)
  private var swapTo: Double?
  private var lastMeasurement = Measurement()
  private var leak: Int64 = 0
  private var lastLedger = Charge.zero
  private var hash = StableHash()
  private var faults = SwarmFaultCounts()
  /// What was known when the firmware went away.
  private var before: Known?

  private struct Known {
    var stateOfCharge: Double
    var halfWidth: Double
    var ledger: Charge
    var isClean: Bool
    var isOtherCell: Bool
  }

  init(_ plan: SwarmPlan, _ cells: SwarmCells, bug: PlantedBug?) {
    self.plan = plan
    self.cells = cells
    self.bug = bug
    random = SeededRandom(seed: plan.seed, stream: 104)
    let emulated = EmulatedI2CBus(
      faults: plan.transfer.map {
        TransferFaults(probabilities: $0, seed: plan.seed, stream: 105)
      } ?? .none)
    var errors = INA228Errors.typical(seed: plan.seed, stream: 106)
    errors.clockPartsPerMillion += plan.clockFault
    monitor = INA228Emulator(
      address: Self.monitorAddress, errors: errors, seed: plan.seed, stream: 107)
    eeprom = AT24C32Emulator(address: Self.memoryAddress, seed: plan.seed, stream: 108)
    offsetVolts = 0.002 * random.gaussian()
    offsetAmperes = 0.003 * random.gaussian()
    gain = 1 + 0.002 * random.gaussian()
    (reference, cell) = cells.cell(plan.cell, at: plan.startStateOfCharge)
    load = SwarmLoad(seed: plan.seed, oneC: cells.oneC, ceiling: cells.upperVolts)
    configuration = cells.configuration(hasClock: plan.hasClock)
    checker = SwarmChecker(configuration.protection, period: plan.period)
    bus = SwarmBus(emulated, plan)
    attach(to: emulated)
  }

  private func attach(to emulated: EmulatedI2CBus) {
    do throws(AddressConflict) {
      try emulated.attach(monitor)
      try emulated.attach(thermometer)
      try emulated.attach(clock)
      switch plan.memory {
      case .fram: try emulated.attach(fram)
      case .eeprom: try emulated.attach(eeprom)
      }
    } catch {
      preconditionFailure("the board's own addresses differ")
    }
    // The clock was set once, before anything went wrong.
    setCalendar { _ in CalendarTime(year: 2_026, month: 11, day: 24) }
  }

  private func stepCalendar(by seconds: Int64) {
    setCalendar { $0.flatMap { CalendarTime(secondsSince2000: $0.secondsSince2000 + seconds) } }
  }

  /// Sets the clock over a bus of its own, if there is something to set it to.
  private func setCalendar(_ change: (CalendarTime?) -> CalendarTime?) {
    var quiet = EmulatedI2CBus()
    var driver = DS3231()
    do {
      try quiet.attach(clock)
      try driver.configure(on: &quiet)
      var shown: CalendarTime?
      do throws(ChipError) { shown = try driver.readTime(on: &quiet) } catch { shown = nil }
      if let time = change(shown) { try driver.setTime(time, on: &quiet) }
    } catch {
      preconditionFailure("a clock on a quiet bus can be set")
    }
  }

  /// Runs to the end, or to the first broken invariant.
  mutating func run() -> SwarmResult {
    while tick < plan.ticks, checker.violation == nil {
      switch plan.memory {
      case .fram: live(MB85RC256V(address: Self.memoryAddress))
      case .eeprom: live(AT24C32(address: Self.memoryAddress))
      }
    }
    faults.note(bus.bus.faults.counts)
    faults.note(.clearedBit7, times: bus.clearedBits)
    faults.note(.tornWord, times: bus.tornWords)
    if plan.clockFault != 0 { faults.note(.chipClockOff) }
    return SwarmResult(
      seed: plan.seed, ticks: tick, seconds: now, offSeconds: offSeconds,
      violation: checker.violation, covered: checker.covered, scored: checker.scored,
      reactions: checker.reactions, period: plan.period, faults: faults,
      hash: hash.value)
  }

  // MARK: One life of the firmware

  /// From a start to the next loss of power, or to the end of the run.
  private mutating func live<Memory: NonvolatileMemory>(_ memory: Memory) {
    monotonic = 0
    var firmware = Firmware(
      configuration,
      estimator: cells.estimator(start: plan.startStateOfCharge + plan.initialError), bus: bus,
      chargeSwitch: chargeLine, dischargeSwitch: dischargeLine, memory: memory)
    var isJudged = before == nil
    while tick < plan.ticks, checker.violation == nil {
      tick += 1
      var elapsed = plan.period
      var off: Double?
      if nextEvent < plan.events.count, plan.events[nextEvent].tick == tick {
        let event = plan.events[nextEvent].event
        nextEvent += 1
        if event.fault != .cellSwap { faults.note(event.fault) }
        switch event {
        case .powerCut(let transfer, let byte, let seconds):
          bus.cut = (transfer, byte)
          off = seconds
        case .stop(let seconds):
          stop(&firmware, seconds)
          return
        case .clear:
          for raw in UInt8(0)..<UInt8(Protection.count) {
            guard let protection = Protection(rawValue: raw), protection != .deepDischarge else {
              continue
            }
            firmware.clear(protection)
          }
        case .late(let seconds): elapsed += seconds
        default: happen(event)
        }
      }
      move(elapsed)
      bus.beginTick()
      let report = firmware.tick(at: .microseconds(monotonic))
      if let off {
        lose(firmware.ledger, report, isClean: false)
        rest(off)
        return
      }
      observe(report, firmware.ledger, firmware.saturations, elapsed)
      if !isJudged, report.restoration.isSettled {
        isJudged = true
        judge(report, firmware.ledger)
      }
    }
  }

  private mutating func stop<Memory: NonvolatileMemory>(
    _ firmware: inout Firmware<SwarmBus, EmulatedLine, EmulatedLine, Memory, StateEstimator>,
    _ seconds: Double
  ) {
    let saves = firmware.memoryCounts.saves
    firmware.stop()
    var report = firmware.tick(at: .microseconds(monotonic))
    for _ in 0..<600 where !firmware.isStopped {
      move(0.02)
      bus.beginTick()
      report = firmware.tick(at: .microseconds(monotonic))
    }
    if chargeLine.isActive || dischargeLine.isActive {
      checker.report(.switches, tick, "a switch is on after a stop")
    }
    // A memory that refused leaves an older state, and that is no clean stop.
    lose(firmware.ledger, report, isClean: firmware.memoryCounts.saves > saves)
    rest(seconds)
  }

  private mutating func happen(_ event: SwarmPlan.Event) {
    switch event {
    case .brownOut: monitor.powerCycle()
    case .wrongChip(let ticks):
      wrongTicks = ticks
      monitor.deviceID = 0x2260
      monitor.powerCycle()
    case .frozen(let ticks): frozenTicks = ticks
    case .stuck(let ticks):
      stuckTicks = ticks
      stuckPins = pins
    case .offset(let volts, let amperes):
      offsetVolts += volts
      offsetAmperes += amperes
    case .swap(let stateOfCharge): swapTo = stateOfCharge
    case .wallClock(let seconds): stepCalendar(by: seconds)
    case .monotonicClock(let microseconds): monotonic += microseconds
    case .ambient(let celsius): ambient = celsius
    case .abuse(let c, let ticks): load.misuse(c: c, ticks: ticks)
    default: break
    }
  }

  // MARK: The world

  private var pins: (amperes: Double, volts: Double) {
    (cell.currentAmperes * gain + offsetAmperes, cell.terminalVolts + offsetVolts)
  }

  private var worldMicroseconds: Int64 { Int64((now * 1e6).rounded()) }

  /// Lets time pass: the cell, then the chips.
  private mutating func move(_ seconds: Double) {
    var demand = load.next(seconds: seconds)
    if case .current(let amperes) = demand.control, amperes != 0,
      !(amperes > 0 ? chargeLine.isActive : dischargeLine.isActive)
    {
      demand = LoadDemand(control: .current(amperes: 0))
    }
    demand.apply(to: &cell, seconds: seconds, ambientCelsius: ambient)
    now += seconds
    monotonic += Int64((seconds * 1e6).rounded())
    let micros = worldMicroseconds
    if wrongTicks > 0 {
      wrongTicks -= 1
      if wrongTicks == 0 { monitor.deviceID = 0x2281 }
    }
    if stuckTicks > 0 { stuckTicks -= 1 }
    let shown = stuckTicks > 0 ? stuckPins : pins
    if frozenTicks > 0 {
      frozenTicks -= 1
    } else {
      convertedPins = shown
      monitor.advance(
        toMicroseconds: micros, shuntVolts: shown.amperes * cells.shuntOhms,
        busVolts: shown.volts, dieCelsius: cell.temperatureCelsius)
    }
    thermometer.advance(toMicroseconds: micros, celsius: cell.temperatureCelsius)
    if plan.memory == .eeprom { eeprom.advance(toMicroseconds: micros) }
    if plan.hasClock { clock.advance(toMicroseconds: micros, celsius: ambient) }
  }

  /// Remembers what was known, and takes the power away.
  private mutating func lose(_ ledger: Charge, _ report: Report, isClean: Bool) {
    let estimate = report.estimate
    before = Known(
      stateOfCharge: Double(estimate.stateOfCharge.partsPerMillion) * 1e-6,
      halfWidth: Double(
        estimate.highestStateOfCharge.partsPerMillion
          - estimate.lowestStateOfCharge.partsPerMillion) * 0.5e-6,
      ledger: ledger, isClean: isClean && report.restoration.isSettled, isOtherCell: swapTo != nil)
    if !report.restoration.isSettled { before = nil }
    chargeLine.set(false)
    dischargeLine.set(false)
    fram.powerCycle()
    eeprom.powerCycle()
  }

  /// The time without power: the cell relaxes and loses charge to itself; it may become another one.
  private mutating func rest(_ seconds: Double) {
    let own = Double(Pause.selfDischarge) * 1e-6 * cells.oneC * random.uniform(0.3, 1.7)
    LoadDemand(control: .current(amperes: -own)).apply(
      to: &cell, seconds: seconds, ambientCelsius: ambient)
    now += seconds
    offSeconds += seconds
    let isOtherCell = swapTo != nil
    if let swapTo {
      (reference, cell) = cells.cell((plan.cell + 1) % SwarmPlan.cells, at: swapTo)
      self.swapTo = nil
      faults.note(.cellSwap)
    }
    bus.restorePower()
    let micros = worldMicroseconds
    monitor.advance(
      toMicroseconds: micros, shuntVolts: 0, busVolts: 0, dieCelsius: ambient)
    monitor.powerCycle()
    thermometer.advance(toMicroseconds: micros, celsius: ambient)
    thermometer.powerCycle()
    if plan.memory == .eeprom { eeprom.advance(toMicroseconds: micros) }
    if plan.hasClock { clock.advance(toMicroseconds: micros, celsius: ambient) }
    checker.begin(isOtherCell: isOtherCell)
    lastLedger = .zero
    leak = 0
  }

  // MARK: Checks

  private mutating func observe(
    _ report: Report, _ ledger: Charge, _ saturations: UInt32, _ elapsed: Double
  ) {
    report.estimate.combine(into: &hash)
    hash.combine(Int64(report.protections.rawValue))
    var seen = SwarmObservation(
      tick: tick, elapsed: elapsed, amperes: pins.amperes, volts: pins.volts,
      converted: convertedPins,
      celsius: cell.temperatureCelsius, stateOfCharge: reference.stateOfCharge(of: cell),
      report: report, ledger: ledger, saturations: saturations,
      hasReachedMonitor: bus.hasReachedMonitor, hasReachedThermometer: bus.hasReachedThermometer,
      wasSilent: bus.wasSilent, isWrongChip: wrongTicks > 0, isStuck: stuckTicks > 0,
      chargeIsOn: chargeLine.isActive, dischargeIsOn: dischargeLine.isActive)
    if let bug { plant(bug, in: &seen) }
    checker.check(seen)
    lastMeasurement = report.measurement
    lastLedger = ledger
  }

  private mutating func plant(_ bug: PlantedBug, in seen: inout SwarmObservation) {
    switch bug {
    case .staleReads:
      if seen.report.measurement.current == nil { seen.report.measurement = lastMeasurement }
    case .weldedSwitch:
      seen.chargeIsOn = true
      seen.dischargeIsOn = true
      seen.report.allowsCharge = true
      seen.report.allowsDischarge = true
      seen.report.restoration = .restored
      seen.report.protections = []
    case .overconfidence:
      let place = seen.report.estimate.stateOfCharge.partsPerMillion
      let wrong = StateOfCharge.partsPerMillion(place > 500_000 ? place - 200_000 : place + 200_000)
      seen.report.estimate.stateOfCharge = wrong
      seen.report.estimate.lowestStateOfCharge = wrong
      seen.report.estimate.highestStateOfCharge = wrong
    case .narrowInterval:
      let place = seen.report.estimate.stateOfCharge.partsPerMillion
      func nearer(_ end: StateOfCharge) -> StateOfCharge {
        .partsPerMillion(place + (end.partsPerMillion - place) / 5)
      }
      seen.report.estimate.lowestStateOfCharge = nearer(seen.report.estimate.lowestStateOfCharge)
      seen.report.estimate.highestStateOfCharge = nearer(
        seen.report.estimate.highestStateOfCharge)
    case .leakyLedger:
      leak += max(lastLedger.nanocoulombs - seen.ledger.nanocoulombs, 0) / 10
      seen.ledger = .nanocoulombs(seen.ledger.nanocoulombs + leak)
    case .silentSaturation: seen.saturations = 1
    case .wrongMemory: break
    case .wrongReport: seen.report.allowsCharge.toggle()
    }
  }

  /// Whether a start knows what the run before it knew.
  private mutating func judge(_ report: Report, _ ledger: Charge) {
    guard let before else { return }
    self.before = nil
    guard report.restoration == .restored, !before.isOtherCell else { return }
    var state = Double(report.estimate.stateOfCharge.partsPerMillion) * 1e-6
    var counted = ledger
    if bug == .wrongMemory {
      state += state > 0.5 ? -0.45 : 0.45
      counted = .nanocoulombs(ledger.nanocoulombs + 1)
    }
    let width =
      Double(
        report.estimate.highestStateOfCharge.partsPerMillion
          - report.estimate.lowestStateOfCharge.partsPerMillion) * 0.5e-6
    if (state - before.stateOfCharge).magnitude > before.halfWidth + width + 0.25 {
      checker.report(
        .restart, tick, "\(before.stateOfCharge) became \(state) without a word about it")
    }
    if before.isClean, counted != before.ledger {
      checker.report(
        .restart, tick,
        "a ledger of \(before.ledger.nanocoulombs) nC became \(counted.nanocoulombs) nC")
    }
  }
}

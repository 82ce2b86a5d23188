// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import CellEstimation
public import ChipDrivers
public import Quantities

/// What the firmware is told about its board; what it knows of the cell is the estimator's.
public struct FirmwareConfiguration: Sendable {
  /// The chip that reads current and voltage.
  public var monitor: CurrentMonitor
  /// The chip that reads the temperature.
  public var thermometer: TemperatureSensor
  /// The chip whose own state of charge is shown beside the estimate.
  public var gauge: Gauge
  /// How many cells are in series; each is taken to have the same share of the voltage.
  public var seriesCells: Int32
  /// The largest current that the monitor can show.
  public var currentRange: Current
  /// When to stop charging and discharging.
  public var protection: ProtectionTable
  /// When the state is saved, if there is a memory.
  public var saving: SaveRule
  /// What tells how long the firmware was away.
  public var wallClock: WallClock
  /// How the load is filled before the discharge switch closes; nil where it closes at once.
  public var precharge: PrechargeRule?

  /// Makes a configuration.
  public init(
    monitor: CurrentMonitor, thermometer: TemperatureSensor, currentRange: Current,
    protection: ProtectionTable, gauge: Gauge = .none, seriesCells: Int32 = 1,
    saving: SaveRule = SaveRule(), wallClock: WallClock = .none, precharge: PrechargeRule? = nil
  ) {
    self.monitor = monitor
    self.thermometer = thermometer
    self.currentRange = currentRange
    self.protection = protection
    self.gauge = gauge
    self.seriesCells = seriesCells
    self.saving = saving
    self.wallClock = wallClock
    self.precharge = precharge
  }
}

/// What one tick of the firmware saw, believed and did.
public struct Report: Equatable, Sendable {
  /// When the tick was.
  public var time: MonotonicTime
  /// What the sensors said, without what was not believed.
  public var measurement: Measurement
  /// Why values were not believed.
  public var implausibility: Implausibility
  /// What is believed of the cell.
  public var estimate: Estimate
  /// What the board's gauge takes for the state of charge, by a lithium cell; nil where none says so.
  public var gaugeStateOfCharge: StateOfCharge?
  /// The protections that hold now.
  public var protections: ProtectionSet
  /// Those beyond their recommended limit.
  public var warnings: ProtectionSet
  /// Those beyond their operating limit.
  public var notices: ProtectionSet
  /// Those that began with this tick.
  public var tripped: ProtectionSet
  /// Those that ended with this tick.
  public var released: ProtectionSet
  /// Whether charging is allowed.
  public var allowsCharge: Bool
  /// Whether discharging is allowed.
  public var allowsDischarge: Bool
  /// Whether the load is being filled through its resistor, after which discharging will be allowed.
  public var isPrecharging: Bool
  /// The currents that may flow; a charger and a load that keep to them meet no protection.
  public var limits: CurrentLimits
  /// What became of the state that an earlier run had kept.
  public var restoration: Restoration
}

/// The battery-management firmware of one cell: sample, judge, estimate, protect, switch, remember.
///
/// It owns the bus, both switch outputs and the memory. The same code runs in the simulator, on Linux
/// and on a microcontroller; nothing in it waits, allocates or fails: a sensor that does not answer is
/// a missing value, and both switches stay off until the first complete and plausible measurement,
/// and until it is settled what becomes of the state that an earlier run kept.
///
/// What is known of the cell comes with the estimator and is held once: its tables are the largest thing
/// on a microcontroller's stack.
public struct Firmware<
  Bus: I2CBus & ~Copyable, ChargeSwitch: DigitalOutput & ~Copyable,
  DischargeSwitch: DigitalOutput & ~Copyable, Memory: NonvolatileMemory & ~Copyable,
  Estimator: FirmwareEstimator
>: ~Copyable {
  private var bus: Bus
  private var chargeSwitch: ChargeSwitch
  private var dischargeSwitch: DischargeSwitch
  private let protection: ProtectionTable
  private var sensors: Sensors
  private var plausibility: PlausibilityCheck
  private var estimator: Estimator
  private var monitor = ProtectionMonitor()
  private var deep: DeepDischarge
  private var limits = CurrentLimits.none
  private var mean = MeanCurrent()
  private var hasMeasured = false
  private var lastTick: MonotonicTime?
  /// What the switches were told last.
  private var allowed: Direction?
  private var feedback: Direction?
  private let prechargeRule: PrechargeRule?
  private var precharge = Precharge()
  private var remembrance: Remembrance<Memory, Estimator>

  /// Makes the firmware; both switches are set off at once.
  ///
  /// A profile whose checksum does not fit is a programmer's error and traps: an estimate from
  /// damaged tables would be believed.
  /// - Parameters:
  ///   - configuration: what the board is.
  ///   - estimator: knows the cell, and believes what it is to believe at the start.
  ///   - bus: that the chips are on.
  ///   - chargeSwitch: lets charge in.
  ///   - dischargeSwitch: lets charge out.
  ///   - memory: keeps what is known over a time without power.
  @inline(never)
  public init(
    _ configuration: borrowing FirmwareConfiguration, estimator: consuming Estimator,
    bus: consuming Bus, chargeSwitch: consuming ChargeSwitch,
    dischargeSwitch: consuming DischargeSwitch, memory: consuming Memory
  ) {
    // Not inlined, so that what is handed over leaves the stack before the first tick. The check comes
    // before the first stored property: one that is read while others are not there yet is one too many
    // for the compiler (Swift 6.3.1 then releases a bus that is not there).
    precondition(estimator.isIntact, "the cell profile is damaged")
    let (lower, upper) = (estimator.lowerCutoff, estimator.upperCutoff)
    let rated = estimator.ratedCapacity
    self.estimator = estimator
    plausibility = PlausibilityCheck(
      lowerCutoff: lower, upperCutoff: upper, rated: rated,
      currentRange: configuration.currentRange)
    deep = DeepDischarge(rated: rated)
    self.bus = bus
    self.chargeSwitch = chargeSwitch
    self.dischargeSwitch = dischargeSwitch
    protection = configuration.protection
    prechargeRule = configuration.precharge
    sensors = Sensors(
      configuration.monitor, configuration.thermometer, configuration.gauge,
      load: configuration.precharge?.voltmeter, seriesCells: configuration.seriesCells)
    remembrance = Remembrance(
      memory, currentRange: configuration.currentRange, rule: configuration.saving,
      wallClock: configuration.wallClock)
    self.chargeSwitch.set(false)
    self.dischargeSwitch.set(false)
    self.dischargeSwitch.setPrecharge(false)
  }

  /// How often each kind of bus fault was met.
  public var busFaults: BusFaultCounts { sensors.faults }

  /// How many results of the estimator's arithmetic were clamped.
  public var saturations: UInt32 { @_addressableSelf get { estimator.saturations } }

  /// The charge counted since the start, or since the first start whose state was handed on.
  public var ledger: Charge { estimator.ledger }

  /// What protection has seen since the board's first start.
  public var history: FaultHistory { remembrance.history }

  /// How states lie in the memory.
  public static var layout: StateLayout { Remembrance<Memory, Estimator>.layout }

  /// How the memory fared since the start.
  public var memoryCounts: MemoryCounts { remembrance.counts }

  /// What is known of the cell, as it would be saved now.
  public var kept: Estimator.Kept { @_addressableSelf get { estimator.kept } }

  /// What is expected of the cell if the mean load goes on, and which part of it is fading.
  ///
  /// - Parameter seconds: how long the largest currents are to flow, 1 to 60.
  @_addressableSelf
  public func prognosis(over seconds: Int32 = 10) -> Prognosis {
    let bounds = protection.loadBounds
    let current = mean.current
    return Prognosis(
      meanCurrent: current, timeToEmpty: current.flatMap { estimator.timeToEmpty(at: $0) },
      timeToFull: current.flatMap { estimator.timeToFull(at: $0, until: nil) },
      charge: estimator.limit(charging: true, over: seconds, bounds),
      discharge: estimator.limit(charging: false, over: seconds, bounds),
      stateOfHealth: estimator.stateOfHealth, electrodes: estimator.electrodes,
      newElectrodes: estimator.newElectrodes, isLearning: estimator.isLearning)
  }

  /// Does everything once. Call it every 0.1 to 10 s, with the moment of the call.
  ///
  /// A moment more than 73,000 years from the clock's zero counts as that far: no difference of two then
  /// overflows.
  public mutating func tick(at moment: MonotonicTime) -> Report {
    let time = moment.withinReach
    var sample = sensors.sample(on: &bus, at: time, allowed: allowed ?? [])
    let raw = sample.measurement.voltage
    var implausibility = plausibility.check(&sample.measurement)
    if disagree(sample) { implausibility.insert(.voltagesDisagree) }
    let below = believeBelow(raw, &implausibility, sample.measurement, at: time)
    let isGood = !sample.isIncomplete && implausibility.isEmpty
    // Where a current through a switch that is off is a fault, none is assumed.
    if let flowing, protection[.switchDisagrees].threshold < .max {
      estimator.mayCharge = flowing.contains(.charge)
      estimator.mayDischarge = flowing.contains(.discharge)
    }
    remembrance.estimate(&estimator, sample.measurement, isGood: isGood, at: time)
    if isGood { hasMeasured = true }
    mean.note(sample.measurement.current, at: time)

    let before = monitor.active
    let stops = monitor.check(
      evidence(of: sample, implausibility, below: below), against: protection, at: time)
    let allowed = allow(stops, sample, at: time)
    let tripped = monitor.active.subtracting(before)
    remembrance.note(tripped, persisted: monitor.persisted(by: protection))
    setLimits(sample.measurement)
    // Last, because the switches must not wait for the memory.
    remembrance.work(&estimator, on: &bus, at: time)
    if let latched = remembrance.takeLatched() { monitor.hold(latched, by: protection) }
    return Report(
      time: time, measurement: sample.measurement, implausibility: implausibility,
      estimate: estimator.estimate, gaugeStateOfCharge: sensors.gaugeStateOfCharge,
      protections: monitor.active, warnings: monitor.warnings, notices: monitor.notices,
      tripped: tripped, released: before.subtracting(monitor.active),
      allowsCharge: allowed.contains(.charge), allowsDischarge: allowed.contains(.discharge),
      isPrecharging: precharge.isFilling, limits: limits, restoration: remembrance.restoration)
  }

  /// The voltage of a deeply discharged cell, which then is no implausible one.
  private mutating func believeBelow(
    _ raw: Voltage?, _ implausibility: inout Implausibility, _ measurement: Measurement,
    at time: MonotonicTime
  ) -> Voltage? {
    let isLow = monitor.active.contains(.underVoltage) || monitor.active.contains(.deepDischarge)
    let below = deep.voltage(raw, implausibility, wasLow: isLow)
    if below != nil { implausibility.subtract([.voltageOutOfRange, .zeroDropout]) }
    let elapsed = lastTick.map { time.microseconds(since: $0) } ?? 0
    lastTick = time
    deep.watch(
      below ?? measurement.voltage, current: measurement.current, elapsed: elapsed,
      isLow: below != nil || isLow)
    return below
  }

  // Mutating only to be handed its place: a borrowed self is copied whole.
  private mutating func evidence(
    of sample: Sensors.Sample, _ implausibility: Implausibility, below: Voltage?
  ) -> ProtectionMonitor.Evidence {
    ProtectionMonitor.Evidence(
      measurement: sample.measurement, deepVoltage: below, cells: sample.cells,
      opened: sample.opened,
      isPlausible: implausibility.isEmpty ? (sample.isIncomplete ? nil : true) : false,
      isLost: sample.isLost, allowed: allowed, flowing: flowing, feedback: feedback,
      prechargeFailed: precharge.hasFailed,
      modelDisagrees: estimator.estimate.conditions.contains(.voltageForced),
      doesNotRise: deep.doesNotRise)
  }

  /// What lets a current through: the switches, and the path that fills the load.
  private var flowing: Direction? {
    precharge.isFilling ? allowed?.union(.discharge) : allowed
  }

  /// Sets both switches.
  private mutating func allow(
    _ stops: Direction, _ sample: Sensors.Sample, at time: MonotonicTime
  ) -> Direction {
    var now: Direction = []
    if hasMeasured, remembrance.isReady {
      now = Direction([.charge, .discharge]).subtracting(stops)
    }
    if let rule = prechargeRule {
      let isOn = precharge.step(
        isWanted: now.contains(.discharge), load: sample.loadVoltage,
        cell: sample.measurement.voltage, by: rule, at: time)
      if !isOn { now.remove(.discharge) }
      dischargeSwitch.setPrecharge(precharge.isFilling)
    }
    chargeSwitch.set(now.contains(.charge))
    dischargeSwitch.set(now.contains(.discharge))
    sensors.drive(now, on: &bus, at: time)
    allowed = now
    return now
  }

  private mutating func setLimits(_ measurement: Measurement) {
    guard let allowed else { return }
    let largest = CurrentLimits(
      charge: .microamperes(protection[.sustainedCurrentCharge].threshold),
      discharge: .microamperes(protection[.sustainedCurrentDischarge].threshold))
    if let now = protection.derating.limits(measurement, estimator.estimate, largest: largest) {
      limits = now
    }
    if monitor.active.contains(.deepDischarge) { limits.charge = protection.trickle }
    if !allowed.contains(.charge) { limits.charge = .microamperes(0) }
    if !allowed.contains(.discharge) { limits.discharge = .microamperes(0) }
  }

  /// Ends a protection's latch; it goes on, and then ends by itself, while its cause is there.
  ///
  /// Of `deepDischarge` it also says that the cell is known to be deeply discharged: a voltage far below
  /// the window is then believed to be its own, and it is charged slowly.
  public mutating func clear(_ protection: Protection) {
    monitor.clear(protection)
    if protection == .deepDischarge { deep.declare() }
    remembrance.note([], persisted: monitor.persisted(by: self.protection))
  }

  /// Tells what the switches say of themselves, where they have feedback that does not follow the
  /// command; before every tick, or never.
  public mutating func setFeedback(charge: Bool, discharge: Bool) {
    var seen: Direction = []
    if charge { seen.formUnion(.charge) }
    if discharge { seen.formUnion(.discharge) }
    feedback = seen
  }

  /// Tells the calendar's time, where the host knows it and no clock is on the bus.
  ///
  /// Before the first tick it tells how long the firmware was away. A host whose clock is not set, such
  /// as a Raspberry Pi that has not reached a time server, must not call this.
  public mutating func setWallClock(_ calendar: CalendarTime, at time: MonotonicTime) {
    remembrance.calendar.set(calendar, at: time.withinReach)
  }

  /// Begins to stop in an orderly way: both switches go off and stay off, and the state is saved as one
  /// after which nothing moves. Go on calling `tick` until `isStopped`; every 20 ms is often enough.
  public mutating func stop() {
    chargeSwitch.set(false)
    dischargeSwitch.set(false)
    dischargeSwitch.setPrecharge(false)
    precharge.open()
    sensors.turnOff(on: &bus)
    remembrance.stop(&estimator)
  }

  /// Whether a stop is complete: the state is saved, or the memory has refused it three times.
  public var isStopped: Bool { remembrance.isStopped }

  /// Whether two chips see voltages further apart than both may err, with the cell moving between
  /// their conversions.
  private func disagree(_ sample: Sensors.Sample) -> Bool {
    guard let first = sample.measurement.voltage, let second = sample.secondVoltage else {
      return false
    }
    let apart = Int64(first.microvolts) - Int64(second.microvolts)
    return apart.magnitude > 500_000
  }
}

extension Firmware
where Memory == NoMemory, Bus: ~Copyable, ChargeSwitch: ~Copyable, DischargeSwitch: ~Copyable {
  /// Makes firmware that begins anew at every start.
  public init(
    _ configuration: borrowing FirmwareConfiguration, estimator: consuming Estimator,
    bus: consuming Bus, chargeSwitch: consuming ChargeSwitch,
    dischargeSwitch: consuming DischargeSwitch
  ) {
    self.init(
      configuration, estimator: estimator, bus: bus, chargeSwitch: chargeSwitch,
      dischargeSwitch: dischargeSwitch, memory: NoMemory())
  }
}

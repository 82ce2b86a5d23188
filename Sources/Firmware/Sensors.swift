// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
public import ChipDrivers
public import Quantities

/// The chip that reads current and voltage.
public enum CurrentMonitor: Sendable {
  /// An INA228: it counts the charge itself.
  case ina228(INA228)
  /// An INA226: the charge is integrated here, on the host's clock.
  case ina226(INA226)
  /// An INA219: as the INA226, but in coarse steps.
  case ina219(INA219)
  /// A BQ27441 or BQ27427: voltage, a current averaged over a second, and a temperature.
  case bq27441(BQ27441)
  /// A BQ34Z100-G1: voltage, current and temperature of a pack.
  case bq34z100(BQ34Z100)
  /// An LTC2943 or LTC2944 on a pack: it counts the charge itself.
  case ltc2943(LTC2943)
  /// An LTC2959 on a cell or a pack: it counts the charge itself.
  case ltc2959(LTC2959)
  /// A BQ76920: every cell of three to five in series, with switches of its own.
  case bq76920(StackMonitor)
  /// A smart battery: voltage, current and temperature of the pack.
  case smartBattery(SmartBattery)
  /// A MAX17048: voltage only. The current is not measured but taken to be this one, so limits on
  /// the current are not kept, and the interval of the estimate does not know the assumption's error.
  case max17048(MAX17048, assumedCurrent: Current)
}

/// A chip that judges the state of charge itself, by a lithium cell; for comparison only.
public enum Gauge: Sendable {
  /// None, or the monitor itself where it judges.
  case none
  /// By voltage alone.
  case max17048(MAX17048)
  /// By charge, and by the voltage under load.
  case max17055(MAX17055)
  /// By charge, and by the voltage at rest.
  case bq27441(BQ27441)
  /// Likewise, for packs.
  case bq34z100(BQ34Z100)
  /// As the maker of the battery had it.
  case smartBattery(SmartBattery)
}

/// The chip that reads the cell's temperature.
public enum TemperatureSensor: Sendable {
  /// A TMP117 on the cell.
  case tmp117(TMP117)
  /// A TMP102 on the cell.
  case tmp102(TMP102)
  /// An ADS1115 with a thermistor, and the cell's voltage a second time.
  case ads1115(ThermistorBoard)
  /// The monitor itself, where it reads one.
  case monitor
  /// None: the estimator assumes 25 °C and says that its temperature is stale.
  case none
}

/// All sensors of one cell, serviced once a tick.
struct Sensors: Sendable {
  private var monitor: CurrentMonitor
  private var thermometer: TemperatureSensor
  private var gauge: Gauge
  private var monitorLink = SensorLink()
  private var thermometerLink = SensorLink()
  private var gaugeLink = SensorLink()
  private var load: LoadVoltmeter?
  private var loadLink = SensorLink()
  private var gaugeAsked: MonotonicTime?
  private var integrator = HostIntegrator()
  private let seriesCells: Int32
  private(set) var faults = BusFaultCounts()
  /// By the gauge's own model; nil while it says nothing.
  private(set) var gaugeStateOfCharge: StateOfCharge?

  /// Texas Instruments wants its gauges to be asked at most twice a second, and none changes faster.
  /// Unit: µs.
  private static let gaugePause: Int64 = 1_000_000

  init(
    _ monitor: CurrentMonitor, _ thermometer: TemperatureSensor, _ gauge: Gauge,
    load: LoadVoltmeter?, seriesCells: Int32
  ) {
    precondition(seriesCells >= 1, "a pack has a cell")
    self.monitor = monitor
    self.thermometer = thermometer
    self.gauge = gauge
    self.load = load
    self.seriesCells = seriesCells
  }

  /// What one tick brought.
  struct Sample: Sendable {
    var measurement = Measurement()
    /// The cell's voltage as a second, independent converter sees it.
    var secondVoltage: Voltage?
    /// One cell's share of the load's voltage, behind the discharge switch.
    var loadVoltage: Voltage?
    /// Of the lowest and the highest cell, where each is measured.
    var cells: CellRange?
    /// Protections that a chip has carried out itself.
    var opened: ProtectionSet = []
    /// Whether a value that the cell needs was not read.
    var isIncomplete = false
    /// Whether that is because a sensor gave no answer, and not because its next result is due later.
    var isLost = false

    mutating func note(missing: Bool, _ link: borrowing SensorLink) {
      guard missing else { return }
      isIncomplete = true
      if !link.isWaiting { isLost = true }
    }
  }

  /// Reads what can be read; `allowed` is what the switches let through, where a current is assumed.
  mutating func sample<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime, allowed: Direction
  ) -> Sample {
    var sample = Sample()
    let reading = readMonitor(on: &bus, at: time)
    take(reading, into: &sample, at: time, allowed: allowed)
    readThermometer(into: &sample, on: &bus, at: time)
    sample.loadVoltage = Self.share(of: readLoad(on: &bus, at: time), among: seriesCells)
    readGauge(reading, on: &bus, at: time)
    return sample
  }

  /// Sets the switches that a chip carries as the firmware's own; a failure is tried again a tick later.
  mutating func drive<Bus: I2CBus & ~Copyable>(
    _ allowed: Direction, on bus: inout Bus, at time: MonotonicTime
  ) {
    guard case .bq76920(var stack) = monitor, monitorLink.phase == .running else { return }
    do throws(ChipError) {
      try stack.drive(allowed, on: &bus, at: time)
    } catch {
      faults.note(error)
    }
    monitor = .bq76920(stack)
  }

  /// Opens the switches that a chip carries, even of one that is not set up.
  mutating func turnOff<Bus: I2CBus & ~Copyable>(on bus: inout Bus) {
    guard case .bq76920 = monitor else { return }
    do throws(ChipError) {
      try BQ76920.turnOff(on: &bus)
    } catch {
      faults.note(error)
    }
  }

  private mutating func readMonitor<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) -> MonitorReading? {
    switch monitor {
    case .ina228(var chip):
      defer { monitor = .ina228(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .ina226(var chip):
      defer { monitor = .ina226(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .ina219(var chip):
      defer { monitor = .ina219(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .bq27441(var chip):
      defer { monitor = .bq27441(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .bq34z100(var chip):
      defer { monitor = .bq34z100(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .ltc2943(var chip):
      defer { monitor = .ltc2943(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .ltc2959(var chip):
      defer { monitor = .ltc2959(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .bq76920(var chip):
      defer { monitor = .bq76920(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .smartBattery(var chip):
      defer { monitor = .smartBattery(chip) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    case .max17048(var chip, let assumedCurrent):
      defer { monitor = .max17048(chip, assumedCurrent: assumedCurrent) }
      return monitorLink.service(&chip, on: &bus, at: time, &faults)
    }
  }

  private mutating func take(
    _ reading: MonitorReading?, into sample: inout Sample, at time: MonotonicTime,
    allowed: Direction
  ) {
    sample.measurement.current = reading?.current
    sample.measurement.voltage = Self.share(of: reading?.voltage, among: seriesCells)
    sample.secondVoltage = Self.share(of: reading?.secondVoltage, among: seriesCells)
    sample.cells = reading?.cells
    sample.note(missing: reading == nil, monitorLink)
    if case .monitor = thermometer {
      sample.measurement.temperature = reading?.temperature
      sample.note(missing: reading?.temperature == nil, monitorLink)
    }
    switch monitor {
    case .ina228, .ltc2943, .ltc2959:
      // The first count since a start leaves out what moved while the chip was away; the estimator
      // has assumed something for that time, and a shorter count must not replace it.
      if case .counted(let charge) = reading?.charge, !monitorLink.isFirstValue {
        sample.measurement.charge = charge
      }
    case .max17048(_, let assumedCurrent):
      // Only beside a voltage: while the chip is away nothing is known of the cell.
      let flows = allowed.contains(assumedCurrent.microamperes < 0 ? .discharge : .charge)
      sample.measurement.current = reading.map { _ in
        flows ? assumedCurrent : .microamperes(0)
      }
    case .bq76920(var stack):
      sample.opened = stack.takeOpened()
      monitor = .bq76920(stack)
      sample.measurement.charge = integrated(reading?.current, at: time)
    case .ina226, .ina219, .bq27441, .bq34z100, .smartBattery:
      sample.measurement.charge = integrated(reading?.current, at: time)
    }
  }

  /// For a chip that counts no charge itself.
  private mutating func integrated(_ current: Current?, at time: MonotonicTime) -> Charge? {
    guard let current, case .counted(let charge) = integrator.add(current, at: time) else {
      return nil
    }
    return charge
  }

  /// One cell's share of the voltage of all, rounded to nearest.
  ///
  /// Not a method of the sensors: one that borrows them copies all of them.
  private static func share(of voltage: Voltage?, among seriesCells: Int32) -> Voltage? {
    guard seriesCells > 1, let microvolts = voltage?.microvolts else { return voltage }
    let half = microvolts < 0 ? -Int64(seriesCells / 2) : Int64(seriesCells / 2)
    return .microvolts(Int32((Int64(microvolts) + half) / Int64(seriesCells)))
  }

  private mutating func readThermometer<Bus: I2CBus & ~Copyable>(
    into sample: inout Sample, on bus: inout Bus, at time: MonotonicTime
  ) {
    switch thermometer {
    case .none, .monitor:
      return
    case .tmp117(var chip):
      sample.measurement.temperature = thermometerLink.service(&chip, on: &bus, at: time, &faults)
      thermometer = .tmp117(chip)
    case .tmp102(var chip):
      sample.measurement.temperature = thermometerLink.service(&chip, on: &bus, at: time, &faults)
      thermometer = .tmp102(chip)
    case .ads1115(var board):
      let reading = thermometerLink.service(&board, on: &bus, at: time, &faults)
      thermometer = .ads1115(board)
      sample.measurement.temperature = reading?.temperature
      sample.secondVoltage = Self.share(of: reading?.voltage, among: seriesCells)
    }
    // A board without a temperature has not converted it yet, or its wire is broken.
    sample.note(missing: sample.measurement.temperature == nil, thermometerLink)
  }

  /// Read at every tick, so that its chip is up when the switch is to close.
  private mutating func readLoad<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) -> Voltage? {
    switch load {
    case nil: return nil
    case .ina228(var chip):
      defer { load = .ina228(chip) }
      return loadLink.service(&chip, on: &bus, at: time, &faults)?.voltage
    case .ina226(var chip):
      defer { load = .ina226(chip) }
      return loadLink.service(&chip, on: &bus, at: time, &faults)?.voltage
    case .ina219(var chip):
      defer { load = .ina219(chip) }
      return loadLink.service(&chip, on: &bus, at: time, &faults)?.voltage
    }
  }

  /// Asks the gauge, which nothing waits for and nothing depends on.
  private mutating func readGauge<Bus: I2CBus & ~Copyable>(
    _ reading: MonitorReading?, on bus: inout Bus, at time: MonotonicTime
  ) {
    if case .none = gauge {
      gaugeStateOfCharge = reading?.stateOfCharge
      return
    }
    // While it is set up it is asked at every tick, and otherwise once a second.
    var isSettingUp = false
    if case .resetting = gaugeLink.phase { isSettingUp = true }
    if !isSettingUp, let gaugeAsked, 0..<Self.gaugePause ~= time.microseconds(since: gaugeAsked) {
      return
    }
    gaugeAsked = time
    gaugeStateOfCharge = serviceGauge(on: &bus, at: time)?.stateOfCharge
  }

  private mutating func serviceGauge<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) -> MonitorReading? {
    switch gauge {
    case .none: return nil
    case .max17048(var chip):
      defer { gauge = .max17048(chip) }
      return gaugeLink.service(&chip, on: &bus, at: time, &faults)
    case .max17055(var chip):
      defer { gauge = .max17055(chip) }
      return gaugeLink.service(&chip, on: &bus, at: time, &faults)
    case .bq27441(var chip):
      defer { gauge = .bq27441(chip) }
      return gaugeLink.service(&chip, on: &bus, at: time, &faults)
    case .bq34z100(var chip):
      defer { gauge = .bq34z100(chip) }
      return gaugeLink.service(&chip, on: &bus, at: time, &faults)
    case .smartBattery(var chip):
      defer { gauge = .smartBattery(chip) }
      return gaugeLink.service(&chip, on: &bus, at: time, &faults)
    }
  }
}

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
  /// A MAX17048: voltage only. The current is not measured but taken to be this one, so limits on
  /// the current are not kept, and the interval of the estimate does not know the assumption's error.
  case max17048(MAX17048, assumedCurrent: Current)
}

/// The chip that reads the cell's temperature.
public enum TemperatureSensor: Sendable {
  /// A TMP117 on the cell.
  case tmp117(TMP117)
  /// A TMP102 on the cell.
  case tmp102(TMP102)
  /// An ADS1115 with a thermistor, and the cell's voltage a second time.
  case ads1115(ThermistorBoard)
  /// The monitor itself, where it is a BQ27441.
  case monitor
  /// None: the estimator assumes 25 °C and says that its temperature is stale.
  case none
}

/// All sensors of one cell, serviced once a tick.
struct Sensors: Sendable {
  private var monitor: CurrentMonitor
  private var thermometer: TemperatureSensor
  private var monitorLink = SensorLink()
  private var thermometerLink = SensorLink()
  private var integrator = HostIntegrator()
  private let seriesCells: Int32
  private(set) var faults = BusFaultCounts()

  init(_ monitor: CurrentMonitor, _ thermometer: TemperatureSensor, seriesCells: Int32) {
    precondition(seriesCells >= 1, "a pack has a cell")
    self.monitor = monitor
    self.thermometer = thermometer
    self.seriesCells = seriesCells
  }

  /// What one tick brought.
  struct Sample: Sendable {
    var measurement: Measurement
    /// The cell's voltage as a second, independent chip sees it.
    var secondVoltage: Voltage?
    /// Whether a value that the cell needs was not read.
    var isIncomplete: Bool
    /// Whether that is because a sensor gave no answer, and not because its next result is due later.
    var isLost: Bool

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
    var sample = Sample(
      measurement: Measurement(), secondVoltage: nil, isIncomplete: false, isLost: false)
    readMonitor(into: &sample, on: &bus, at: time, allowed: allowed)
    readThermometer(into: &sample, on: &bus, at: time)
    return sample
  }

  private mutating func readMonitor<Bus: I2CBus & ~Copyable>(
    into sample: inout Sample, on bus: inout Bus, at time: MonotonicTime, allowed: Direction
  ) {
    switch monitor {
    case .ina228(var chip):
      let reading = monitorLink.service(&chip, on: &bus, at: time, &faults)
      monitor = .ina228(chip)
      sample.measurement.current = reading?.current
      sample.measurement.voltage = cell(reading?.busVoltage)
      // The first count since a start leaves out what moved while the chip was away; the estimator
      // has assumed something for that time, and a shorter count must not replace it.
      if case .counted(let charge) = reading?.charge, !monitorLink.isFirstValue {
        sample.measurement.charge = charge
      }
    case .ina226(var chip):
      let reading = monitorLink.service(&chip, on: &bus, at: time, &faults)
      monitor = .ina226(chip)
      note(reading?.current, reading?.busVoltage, in: &sample, at: time)
    case .ina219(var chip):
      let reading = monitorLink.service(&chip, on: &bus, at: time, &faults)
      monitor = .ina219(chip)
      note(reading?.current, reading?.busVoltage, in: &sample, at: time)
    case .bq27441(var chip):
      let reading = monitorLink.service(&chip, on: &bus, at: time, &faults)
      monitor = .bq27441(chip)
      note(reading?.averageCurrent, reading?.cellVoltage, in: &sample, at: time)
      if case .monitor = thermometer { sample.measurement.temperature = reading?.temperature }
    case .max17048(var chip, let assumedCurrent):
      let reading = monitorLink.service(&chip, on: &bus, at: time, &faults)
      monitor = .max17048(chip, assumedCurrent: assumedCurrent)
      // Only beside a voltage: while the chip is away nothing is known of the cell.
      let flows = allowed.contains(assumedCurrent.microamperes < 0 ? .discharge : .charge)
      sample.measurement.current = reading.map { _ in
        flows ? assumedCurrent : .microamperes(0)
      }
      sample.measurement.voltage = cell(reading?.cellVoltage)
    }
    sample.note(missing: sample.measurement.voltage == nil, monitorLink)
  }

  /// What a chip says that counts no charge itself.
  private mutating func note(
    _ current: Current?, _ voltage: Voltage?, in sample: inout Sample, at time: MonotonicTime
  ) {
    sample.measurement.current = current
    sample.measurement.voltage = cell(voltage)
    if let current, case .counted(let charge) = integrator.add(current, at: time) {
      sample.measurement.charge = charge
    }
  }

  /// One cell's share of the voltage of all, rounded to nearest.
  private func cell(_ voltage: Voltage?) -> Voltage? {
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
      sample.secondVoltage = cell(reading?.voltage)
    }
    // A board without a temperature has not converted it yet, or its wire is broken.
    sample.note(missing: sample.measurement.temperature == nil, thermometerLink)
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
public import ChipDrivers
import Quantities

/// The chip that reads current and voltage.
public enum CurrentMonitor: Sendable {
  /// An INA228: it counts the charge itself.
  case ina228(INA228)
  /// An INA226: the charge is integrated here, on the host's clock.
  case ina226(INA226)
}

/// The chip that reads the cell's temperature.
public enum TemperatureSensor: Sendable {
  /// A TMP117 on the cell.
  case tmp117(TMP117)
  /// An ADS1115 with a thermistor, and the cell's voltage a second time.
  case ads1115(ThermistorBoard)
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
  private(set) var faults = BusFaultCounts()

  init(_ monitor: CurrentMonitor, _ thermometer: TemperatureSensor) {
    self.monitor = monitor
    self.thermometer = thermometer
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

  /// Reads what can be read.
  mutating func sample<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) -> Sample {
    var sample = Sample(
      measurement: Measurement(), secondVoltage: nil, isIncomplete: false, isLost: false)
    readMonitor(into: &sample, on: &bus, at: time)
    readThermometer(into: &sample, on: &bus, at: time)
    return sample
  }

  private mutating func readMonitor<Bus: I2CBus & ~Copyable>(
    into sample: inout Sample, on bus: inout Bus, at time: MonotonicTime
  ) {
    switch monitor {
    case .ina228(var chip):
      let reading: INA228.Measurement? = monitorLink.service(
        &chip, on: &bus, at: time, &faults,
        reset: { (chip: inout INA228, bus: inout Bus) throws(ChipError) in
          try chip.reset(on: &bus)
        },
        configure: { (chip: inout INA228, bus: inout Bus) throws(ChipError) in
          try chip.configure(on: &bus, at: time)
        },
        read: { (chip: inout INA228, bus: inout Bus) throws(ChipError) in
          try chip.readMeasurement(on: &bus, at: time)
        })
      monitor = .ina228(chip)
      sample.measurement.current = reading?.current
      sample.measurement.voltage = reading?.busVoltage
      // The first count since a start leaves out what moved while the chip was away; the estimator
      // has assumed something for that time, and a shorter count must not replace it.
      if case .counted(let charge) = reading?.charge, !monitorLink.isFirstValue {
        sample.measurement.charge = charge
      }
      sample.note(missing: reading == nil, monitorLink)
    case .ina226(var chip):
      let reading: INA226.Measurement? = monitorLink.service(
        &chip, on: &bus, at: time, &faults,
        reset: { (chip: inout INA226, bus: inout Bus) throws(ChipError) in
          try chip.reset(on: &bus)
        },
        configure: { (chip: inout INA226, bus: inout Bus) throws(ChipError) in
          try chip.configure(on: &bus)
        },
        read: { (chip: inout INA226, bus: inout Bus) throws(ChipError) in
          try chip.readMeasurement(on: &bus)
        })
      monitor = .ina226(chip)
      sample.measurement.current = reading?.current
      sample.measurement.voltage = reading?.busVoltage
      if let reading, case .counted(let charge) = integrator.add(reading.current, at: time) {
        sample.measurement.charge = charge
      }
      sample.note(missing: reading == nil, monitorLink)
    }
  }

  private mutating func readThermometer<Bus: I2CBus & ~Copyable>(
    into sample: inout Sample, on bus: inout Bus, at time: MonotonicTime
  ) {
    switch thermometer {
    case .none:
      return
    case .tmp117(var chip):
      let reading: Temperature? = thermometerLink.service(
        &chip, on: &bus, at: time, &faults,
        reset: { (chip: inout TMP117, bus: inout Bus) throws(ChipError) in
          try chip.reset(on: &bus)
        },
        configure: { (chip: inout TMP117, bus: inout Bus) throws(ChipError) in
          try chip.configure(on: &bus)
        },
        read: { (chip: inout TMP117, bus: inout Bus) throws(ChipError) in
          try chip.readTemperature(on: &bus)
        })
      thermometer = .tmp117(chip)
      sample.measurement.temperature = reading
      sample.note(missing: reading == nil, thermometerLink)
    case .ads1115(var board):
      let reading: ThermistorBoard.Reading? = thermometerLink.service(
        &board, on: &bus, at: time, &faults,
        reset: { (board: inout ThermistorBoard, bus: inout Bus) throws(ChipError) in
          try board.reset(on: &bus)
        },
        configure: { (board: inout ThermistorBoard, bus: inout Bus) throws(ChipError) in
          try board.configure(on: &bus, at: time)
        },
        read: { (board: inout ThermistorBoard, bus: inout Bus) throws(ChipError) in
          try board.readNext(on: &bus, at: time)
        })
      thermometer = .ads1115(board)
      sample.measurement.temperature = reading?.temperature
      sample.secondVoltage = reading?.voltage
      // A reading without a temperature is a board that has not converted it yet, or a broken wire.
      sample.note(missing: reading?.temperature == nil, thermometerLink)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import ChipEmulators
import Firmware
import Quantities
import TestSupport
import Testing

/// What every chip of a bench sees.
private struct Inputs {
  /// Unit: µs.
  var now: Int64 = 0
  var cellVolts = 3.1
  /// Positive charges the cell.
  var amperes = 0.0
  var celsius = 25.0
}

private typealias Advance = (Inputs) -> Void

/// The chips that stand for the firmware's monitor, thermometer or gauge, with an emulator of each.
private enum Counter: String, CaseIterable, Sendable {
  case ina219, ltc2943, ltc2959, bq27441, bq34z100, smartBattery

  var seriesCells: Int32 {
    switch self {
    case .ltc2943, .bq34z100: 4
    case .smartBattery: 2
    case .ina219, .ltc2959, .bq27441: 1
    }
  }

  /// What the voltage of a cell may be off by: half a step of the chip, of which the INA219's is 4 mV and
  /// every other's at most 1 mV. Unit: µV.
  var voltageError: Int32 { self == .ina219 ? 2_000 : 500 }
  /// Likewise; the largest step is the LTC2943's, 1.5 mA over 20 mΩ. Unit: µA.
  var currentError: Int32 { 1_000 }

  func monitor() throws -> CurrentMonitor {
    switch self {
    case .ina219: .ina219(INA219(address: I2CAddress(0x40), configuration: try .init(shunt: shunt)))
    case .ltc2943:
      .ltc2943(
        LTC2943(
          model: .ltc2943,
          configuration: try #require(
            try .init(shunt: shunt, capacity: .milliampereHours(1_500)))))
    case .ltc2959: .ltc2959(LTC2959(configuration: try .init(shunt: shunt)))
    case .bq27441: .bq27441(try Companion.bq27441Driver())
    case .bq34z100: .bq34z100(try Companion.bq34z100Driver())
    case .smartBattery: .smartBattery(SmartBattery())
    }
  }

  private var milliohms: Int32 {
    switch self {
    case .ina219: 50
    case .ltc2943: 20
    default: 10
    }
  }

  private var shunt: Shunt {
    Shunt(resistance: .microohms(milliohms * 1_000), maximumCurrent: .milliamperes(2_400))
  }

  func attach(to bus: EmulatedI2CBus) throws -> Advance {
    let cells = Double(seriesCells)
    let ohms = Double(milliohms) * 1e-3
    switch self {
    case .ina219:
      let chip = INA219Emulator(address: I2CAddress(0x40))
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, shuntVolts: $0.amperes * ohms, busVolts: $0.cellVolts,
          dieCelsius: $0.celsius)
      }
    case .ltc2943:
      let chip = LTC2943Emulator(variant: .ltc2943, packVolts: 3.1 * cells)
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, packVolts: $0.cellVolts * cells, shuntVolts: $0.amperes * ohms,
          celsius: $0.celsius)
      }
    case .ltc2959:
      let chip = LTC2959Emulator(batteryVolts: 3.1)
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, batteryVolts: $0.cellVolts, shuntVolts: $0.amperes * ohms,
          celsius: $0.celsius)
      }
    case .bq27441: return try Companion.bq27441.attach(to: bus)
    case .bq34z100: return try Companion.bq34z100.attach(to: bus)
    case .smartBattery: return try Companion.smartBattery.attach(to: bus)
    }
  }
}

/// The gauges, which nothing depends on.
private enum Companion: String, CaseIterable, Sendable {
  case max17048, max17055, bq27441, bq34z100, smartBattery

  static func bq27441Driver() throws -> BQ27441 {
    BQ27441(
      model: .bq27441,
      configuration: try #require(
        BQ27441.Configuration(
          designCapacity: 1_500, designEnergy: 4_650, terminateVoltage: 2_500)))
  }

  static func bq34z100Driver() throws -> BQ34Z100 {
    BQ34Z100(
      configuration: try #require(
        BQ34Z100.Configuration(
          designCapacity: 1_500, designEnergy: 18_600, seriesCells: 4, terminateVoltage: 2_000,
          voltageDivider: 20_000)))
  }

  func gauge() throws -> Gauge {
    switch self {
    case .max17048: .max17048(MAX17048())
    case .max17055:
      .max17055(
        MAX17055(
          configuration: try #require(
            try .init(
              shunt: Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(5_000)),
              designCapacity: 1_500, chargeTermination: 75))))
    case .bq27441: .bq27441(try Self.bq27441Driver())
    case .bq34z100: .bq34z100(try Self.bq34z100Driver())
    case .smartBattery: .smartBattery(SmartBattery())
    }
  }

  func attach(to bus: EmulatedI2CBus) throws -> Advance {
    switch self {
    case .max17048:
      let chip = MAX17048Emulator(cellVolts: 3.1)
      try bus.attach(chip)
      return {
        chip.advance(toMicroseconds: $0.now, cellVolts: $0.cellVolts, celsius: $0.celsius)
      }
    case .max17055:
      let chip = MAX17055Emulator(cellVolts: 3.1)
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, cellVolts: $0.cellVolts, shuntVolts: $0.amperes * 0.01,
          celsius: $0.celsius)
      }
    case .bq27441:
      let chip = BQ27441Emulator(variant: .bq27441, cellVolts: 3.1)
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, cellVolts: $0.cellVolts, amperes: $0.amperes,
          celsius: $0.celsius)
      }
    case .bq34z100:
      let chip = BQ34Z100Emulator()
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, pinVolts: $0.cellVolts * 4 / 20, shuntVolts: $0.amperes * 0.01,
          celsius: $0.celsius)
      }
    case .smartBattery:
      let chip = SmartBatteryEmulator(seriesCells: 2, designCapacity: 1_500, stackVolts: 6.2)
      try bus.attach(chip)
      return {
        chip.advance(
          toMicroseconds: $0.now, stackVolts: $0.cellVolts * 2, amperes: $0.amperes,
          celsius: $0.celsius)
      }
    }
  }
}

/// Firmware on emulated chips that see the same cell.
private final class Bench {
  var inputs = Inputs()
  private let advances: [Advance]
  private let bus: EmulatedI2CBus
  var firmware: Firmware<EmulatedI2CBus, EmulatedLine, EmulatedLine, NoMemory, StateEstimator>

  init(
    _ monitor: CurrentMonitor, _ thermometer: TemperatureSensor = .monitor, gauge: Gauge = .none,
    seriesCells: Int32, attach: (EmulatedI2CBus) throws -> [Advance]
  ) throws {
    let bus = EmulatedI2CBus()
    self.bus = bus
    advances = try attach(bus)
    var table = ProtectionTable(
      lowerCutoff: .millivolts(2_000), upperCutoff: .millivolts(4_200),
      chargeLimit: .milliamperes(3_000), dischargeLimit: .milliamperes(6_000))
    // The current of this bench flows whatever the switches are told.
    table[.switchDisagrees].threshold = .max
    firmware = Firmware(
      FirmwareConfiguration(
        monitor: monitor, thermometer: thermometer, currentRange: .milliamperes(2_400),
        protection: table, gauge: gauge, seriesCells: seriesCells),
      estimator: StateEstimator(
        profile: .sample(), stateOfCharge: .partsPerMillion(500_000), deviation: 300_000),
      bus: bus, chargeSwitch: EmulatedLine(), dischargeSwitch: EmulatedLine())
  }

  /// Ticks every 250 ms for a while; gives every report.
  @discardableResult
  func ticks(seconds: Int) -> [Report] {
    (0..<4 * seconds).map { _ in
      inputs.now += 250_000
      // A voltage that is never another is taken for a frozen one.
      var seen = inputs
      if inputs.now / 1_000_000 % 2 == 1 { seen.cellVolts += 0.004 }
      for advance in advances { advance(seen) }
      return firmware.tick(at: .microseconds(inputs.now))
    }
  }
}

@Suite struct GaugeFirmwareTests {
  /// Each chip as the monitor: what it shows reaches the report as one cell's, and the charge is that
  /// of the current, be it counted by the chip or here.
  @Test(arguments: Counter.allCases)
  private func aMonitor(_ counter: Counter) throws {
    let hasThermometer = counter != .ina219
    let bench = try Bench(
      try counter.monitor(), hasThermometer ? .monitor : .none, seriesCells: counter.seriesCells
    ) { [try counter.attach(to: $0)] }
    bench.ticks(seconds: 60)
    for (volts, amperes) in [(3.1, -0.9), (3.4, 0.6), (2.9, -1.8)] {
      bench.inputs.cellVolts = volts
      bench.inputs.amperes = amperes
      bench.ticks(seconds: 5)
      let reports = bench.ticks(seconds: 60)
      let last = try #require(reports.last { $0.measurement.voltage != nil }).measurement
      // Between the cell's two voltages, 4 mV apart.
      let voltage = try #require(last.voltage).microvolts - Int32((volts * 1e6).rounded())
      let error = counter.voltageError
      #expect(-error <= voltage && voltage <= 4_000 + error, "\(voltage)")
      let current = try #require(last.current).microamperes
      #expect(
        abs(current - Int32((amperes * 1e6).rounded())) <= counter.currentError, "\(current)")
      let charge = reports.reduce(0.0) {
        $0 + Double($1.measurement.charge?.nanocoulombs ?? 0) * 1e-9
      }
      // The first and the last result may be a second from the ends of the minute.
      #expect(abs(charge - amperes * 60) < abs(amperes) * 1.01, "\(charge)")
      if hasThermometer {
        let celsius = try #require(last.temperature).millidegreesCelsius
        #expect(abs(celsius - 25_000) <= 200, "\(celsius)")
      } else {
        #expect(last.temperature == nil)
      }
    }
    #expect(bench.firmware.busFaults == BusFaultCounts())
  }

  /// A voltage without a current: what is assumed is reported, while the switches let it flow.
  @Test func aMonitorWithoutACurrent() throws {
    let bench = try Bench(
      .max17048(MAX17048(), assumedCurrent: .milliamperes(-500)),
      .tmp102(TMP102(address: I2CAddress(0x49))), seriesCells: 1
    ) { bus in
      let thermometer = TMP102Emulator(address: I2CAddress(0x49))
      try bus.attach(thermometer)
      return [
        try Companion.max17048.attach(to: bus),
        { thermometer.advance(toMicroseconds: $0.now, celsius: $0.celsius) },
      ]
    }
    let first = try #require(bench.ticks(seconds: 1).first).measurement
    #expect(first.current == nil && first.voltage == nil && first.temperature == nil)
    bench.inputs.celsius = 31
    let report = try #require(bench.ticks(seconds: 60).last)
    #expect(report.measurement.current == .milliamperes(-500))
    #expect(report.allowsDischarge)
    // 78.125 µV a step of the one, 0.0625 °C of the other.
    #expect(
      3_099_921...3_104_079 ~= (try #require(report.measurement.voltage).microvolts))
    #expect(report.measurement.temperature == .millidegreesCelsius(31_000))
  }

  /// Each gauge beside the same monitor: it says its own, and nothing else is changed by it.
  @Test(arguments: Companion.allCases)
  private func aGauge(_ companion: Companion) throws {
    func bench(_ gauge: Gauge, _ chips: [Companion]) throws -> Bench {
      try Bench(try Counter.ltc2959.monitor(), gauge: gauge, seriesCells: 1) { bus in
        try [Counter.ltc2959.attach(to: bus)] + chips.map { try $0.attach(to: bus) }
      }
    }
    let alone = try bench(.none, [])
    let beside = try bench(try companion.gauge(), [companion])
    alone.inputs.amperes = -0.5
    beside.inputs.amperes = -0.5
    let expected = alone.ticks(seconds: 90)
    let reports = beside.ticks(seconds: 90)
    #expect(expected.allSatisfy { $0.gaugeStateOfCharge == nil })
    #expect(reports[0].gaugeStateOfCharge == nil)
    // The slowest is set up within 40 s.
    #expect(reports[160...].allSatisfy { $0.gaugeStateOfCharge != nil })
    let shown = try #require(reports.last?.gaugeStateOfCharge).partsPerMillion
    #expect(0...1_000_000 ~= shown)
    #expect(reports.map(\.estimate) == expected.map(\.estimate))
    #expect(reports.map(\.measurement) == expected.map(\.measurement))
    #expect(beside.firmware.busFaults == BusFaultCounts())
  }
}

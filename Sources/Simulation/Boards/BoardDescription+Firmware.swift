// SPDX-License-Identifier: Apache-2.0

import BusProtocols
public import CellSimulation
import ChipDrivers
public import Firmware
import Quantities

/// Why the firmware cannot run on a board.
public enum BoardUnsupported: Error, Equatable, Sendable, CustomStringConvertible {
  /// The firmware cannot use a chip in a role.
  case chip(ChipKind, role: String)
  /// A number of the description does not fit the chip.
  case wiring(ChipKind)
  /// No chip is the monitor.
  case noMonitor
  /// No chip reads the voltage that a precharge waits for.
  case noLoadVoltage

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .chip(let kind, let role): "run does not support the \(kind.rawValue) as \(role) yet"
    case .wiring(let kind): "the wiring of the \(kind.rawValue) is outside what its driver takes"
    case .noMonitor: "no chip of the board is the monitor"
    case .noLoadVoltage: "no chip of the board reads the load's voltage"
    }
  }
}

extension BoardDescription {
  /// What the firmware is told of the board.
  ///
  /// - Parameter cell: what the board's `cell` names.
  public func firmwareConfiguration(
    cell: CellDescription
  ) throws(BoardUnsupported) -> FirmwareConfiguration {
    guard let chip = chip(.monitor) else { throw .noMonitor }
    let window = window(of: cell)
    return FirmwareConfiguration(
      monitor: try currentMonitor(chip, window, cell),
      thermometer: try temperatureSensor(monitor: chip),
      currentRange: .amperes(chip.rangeAmperes ?? Double(Int32.max) * 1e-6),
      protection: ProtectionTable(
        lowerCutoff: .volts(window.lowerBound), upperCutoff: .volts(window.upperBound),
        chargeLimit: .amperes(limits.chargeAmperes),
        dischargeLimit: .amperes(limits.dischargeAmperes)),
      gauge: try gauge(window, cell), seriesCells: Int32(clamping: seriesCells),
      precharge: try prechargeRule())
  }

  private func prechargeRule() throws(BoardUnsupported) -> PrechargeRule? {
    guard let precharge else { return nil }
    guard let chip = chip(.loadVoltage) else { throw .noLoadVoltage }
    let address = I2CAddress(chip.address)
    let voltmeter: LoadVoltmeter
    do {
      switch chip.kind {
      case .ina228:
        voltmeter = .ina228(INA228(address: address, configuration: try .init(shunt: chip.shunt)))
      case .ina226:
        voltmeter = .ina226(INA226(address: address, configuration: try .init(shunt: chip.shunt)))
      case .ina219:
        voltmeter = .ina219(INA219(address: address, configuration: try .init(shunt: chip.shunt)))
      default: throw BoardUnsupported.chip(chip.kind, role: "load voltage")
      }
    } catch let problem as BoardUnsupported {
      throw problem
    } catch {
      throw chip.wiringProblem
    }
    return PrechargeRule(
      voltmeter: voltmeter, margin: Int32((precharge.margin * 1e6).rounded()),
      limit: Int64((precharge.limitSeconds * 1e6).rounded()))
  }

  private func currentMonitor(
    _ chip: BoardChip, _ window: ClosedRange<Double>, _ cell: CellDescription
  ) throws(BoardUnsupported) -> CurrentMonitor {
    let address = I2CAddress(chip.address)
    do {
      switch chip.kind {
      case .ina228:
        return .ina228(INA228(address: address, configuration: try .init(shunt: chip.shunt)))
      case .ina226:
        return .ina226(INA226(address: address, configuration: try .init(shunt: chip.shunt)))
      case .ina219:
        return .ina219(INA219(address: address, configuration: try .init(shunt: chip.shunt)))
      case .max17048:
        return .max17048(MAX17048(), assumedCurrent: .amperes(chip.assumedAmperes ?? 0))
      case .bq27441, .bq27427:
        return .bq27441(try Self.impedanceTrack(chip, cell, window))
      case .bq34z100: return .bq34z100(try packGauge(chip, cell, window))
      case .ltc2943, .ltc2944: return .ltc2943(try packCounter(chip, cell))
      case .ltc2959: return .ltc2959(LTC2959(configuration: try .init(shunt: chip.shunt)))
      case .bq76920: return .bq76920(try stackMonitor(chip, window))
      case .smartBattery: return .smartBattery(SmartBattery())
      default: throw BoardUnsupported.chip(chip.kind, role: "monitor")
      }
    } catch let problem as BoardUnsupported {
      throw problem
    } catch {
      throw chip.wiringProblem
    }
  }

  /// The first of the board's gauges.
  private func gauge(
    _ window: ClosedRange<Double>, _ cell: CellDescription
  ) throws(BoardUnsupported) -> Gauge {
    guard let chip = chip(.gauge) else { return .none }
    switch chip.kind {
    case .max17048: return .max17048(MAX17048())
    case .max17055: return .max17055(try Self.modelGauge(chip, cell, window))
    case .bq27441, .bq27427: return .bq27441(try Self.impedanceTrack(chip, cell, window))
    case .bq34z100: return .bq34z100(try packGauge(chip, cell, window))
    case .smartBattery: return .smartBattery(SmartBattery())
    default: throw .chip(chip.kind, role: "gauge")
    }
  }

  /// What a gauge is told; what it makes of that is for a lithium cell, and is not used.
  private static func impedanceTrack(
    _ chip: BoardChip, _ cell: CellDescription, _ window: ClosedRange<Double>
  ) throws(BoardUnsupported) -> BQ27441 {
    let milliampereHours = (cell.ratedCapacityAmpereHours * 1_000).rounded()
    let middle = (window.lowerBound + window.upperBound) / 2
    guard
      let configuration = BQ27441.Configuration(
        designCapacity: Int16(clamping: Int(milliampereHours)),
        designEnergy: Int16(clamping: Int((milliampereHours * middle).rounded())),
        terminateVoltage: Int16(
          clamping: Int((min(max(window.lowerBound, 2.5), 3.7) * 1e3).rounded())))
    else { throw chip.wiringProblem }
    let model: BQ27441.Model = chip.kind == .bq27441 ? .bq27441 : .bq27427
    return BQ27441(model: model, configuration: configuration)
  }

  /// Likewise. A charge ends at C/20, as makers of lithium cells have it.
  private static func modelGauge(
    _ chip: BoardChip, _ cell: CellDescription, _ window: ClosedRange<Double>
  ) throws(BoardUnsupported) -> MAX17055 {
    let milliampereHours = Int32(clamping: Int((cell.ratedCapacityAmpereHours * 1_000).rounded()))
    return MAX17055(
      configuration: try checked(chip) { () throws(ShuntProblem) in
        try .init(
          shunt: chip.shunt, designCapacity: milliampereHours,
          chargeTermination: max(milliampereHours / 20, 1),
          emptyVoltage: Int32((max(window.lowerBound, 2.3) * 1e3).rounded()))
      })
  }

  private func packGauge(
    _ chip: BoardChip, _ cell: CellDescription, _ window: ClosedRange<Double>
  ) throws(BoardUnsupported) -> BQ34Z100 {
    let milliampereHours = (cell.ratedCapacityAmpereHours * 1_000).rounded()
    let middle = (window.lowerBound + window.upperBound) / 2 * Double(seriesCells)
    guard let divider = chip.divider,
      let configuration = BQ34Z100.Configuration(
        designCapacity: Int16(clamping: Int(milliampereHours)),
        designEnergy: Int16(clamping: Int((milliampereHours * middle).rounded())),
        seriesCells: UInt8(clamping: seriesCells),
        terminateVoltage: Int16(
          clamping: Int((min(max(window.lowerBound, 1), 3.7) * 1e3).rounded())),
        voltageDivider: UInt16(clamping: Int((1e3 / divider.ratio).rounded())))
    else { throw chip.wiringProblem }
    return BQ34Z100(configuration: configuration)
  }

  /// Its counter must hold the whole charge of the pack, and a quarter more.
  private func packCounter(
    _ chip: BoardChip, _ cell: CellDescription
  ) throws(BoardUnsupported) -> LTC2943 {
    let milliampereHours = Int64((cell.ratedCapacityAmpereHours * 1_250).rounded())
    return LTC2943(
      model: chip.kind == .ltc2943 ? .ltc2943 : .ltc2944,
      configuration: try Self.checked(chip) { () throws(ShuntProblem) in
        try .init(shunt: chip.shunt, capacity: .milliampereHours(milliampereHours))
      })
  }

  /// The chip's own protection is the second line: it acts beyond what the firmware acts on.
  private func stackMonitor(
    _ chip: BoardChip, _ window: ClosedRange<Double>
  ) throws(BoardUnsupported) -> StackMonitor {
    // What every part can be set to.
    let highest = min(max(window.upperBound + 0.1, 3.372), 4.357)
    let lowest = min(max(window.lowerBound - 0.1, 1.750), 2.862)
    // A short circuit: three times the limit, and at least the lowest threshold, 22 mV.
    let short = max(3 * limits.dischargeAmperes, 0.022 / max(chip.shuntOhms ?? 1, 1e-6) + 1e-3)
    let configuration = try Self.checked(chip) { () throws(ShuntProblem) in
      try BQ76920.Configuration(
        cellCount: seriesCells, shunt: chip.shunt, overvoltage: .volts(highest),
        undervoltage: .volts(lowest), overcurrent: .amperes(1.25 * limits.dischargeAmperes),
        shortCircuit: .amperes(short))
    }
    return StackMonitor(
      BQ76920(configuration: configuration), thermistor: try thermistor(of: chip))
  }

  /// What a configuration's own checks let through.
  private static func checked<Configuration>(
    _ chip: BoardChip, _ make: () throws(ShuntProblem) -> Configuration?
  ) throws(BoardUnsupported) -> Configuration {
    let made: Configuration?
    do throws(ShuntProblem) {
      made = try make()
    } catch {
      throw chip.wiringProblem
    }
    guard let made else { throw chip.wiringProblem }
    return made
  }

  private func thermistor(of chip: BoardChip) throws(BoardUnsupported) -> Thermistor? {
    guard let thermistor = chip.thermistor else { return nil }
    guard
      let curve = Thermistor(
        nominalOhms: Int32(thermistor.nominalOhms.rounded()),
        betaKelvin: Int32(thermistor.betaKelvin.rounded()),
        pullUpOhms: Int32(thermistor.pullUpOhms.rounded()))
    else { throw chip.wiringProblem }
    return curve
  }

  private func temperatureSensor(
    monitor: BoardChip
  ) throws(BoardUnsupported) -> TemperatureSensor {
    guard let chip = chip(.thermometer) else { return .none }
    if chip == monitor { return .monitor }
    let address = I2CAddress(chip.address)
    switch chip.kind {
    case .tmp117: return .tmp117(TMP117(address: address))
    case .tmp102: return .tmp102(TMP102(address: address))
    case .ads1115:
      guard let divider = chip.divider, let curve = try thermistor(of: chip),
        let scale = ADS1115.Divider(
          upperOhms: Int32(divider.upperOhms.rounded()),
          lowerOhms: Int32(divider.lowerOhms.rounded()))
      else { throw chip.wiringProblem }
      return .ads1115(ThermistorBoard(address: address, divider: scale, thermistor: curve))
    default: throw .chip(chip.kind, role: "thermometer")
    }
  }
}

extension BoardChip {
  fileprivate var wiringProblem: BoardUnsupported { .wiring(kind) }

  /// What the drivers are told of the shunt; one without range is refused by them.
  fileprivate var shunt: Shunt {
    Shunt(
      resistance: .microohms(Int32(clamping: Int64(((shuntOhms ?? 0) * 1e6).rounded()))),
      maximumCurrent: .amperes(rangeAmperes ?? 0),
      polarity: isDischargePositive ? .dischargePositive : .chargePositive)
  }
}

extension Voltage {
  fileprivate static func volts(_ volts: Double) -> Voltage {
    .microvolts(Int32((volts * 1e6).rounded()))
  }
}

extension Current {
  /// The nearest current that can be stored.
  fileprivate static func amperes(_ amperes: Double) -> Current {
    .microamperes(Int32(clamping: Int64((amperes * 1e6).rounded())))
  }
}

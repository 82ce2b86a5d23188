// SPDX-License-Identifier: Apache-2.0

import BusProtocols
public import CellEstimation
public import CellSimulation
import ChipDrivers
public import Firmware
public import Quantities

/// Why the firmware cannot run on a board.
public enum BoardUnsupported: Error, Equatable, Sendable, CustomStringConvertible {
  /// The firmware cannot use a chip in a role.
  case chip(ChipKind, role: String)
  /// A number of the description does not fit the chip.
  case wiring(ChipKind)
  /// No chip is the monitor.
  case noMonitor

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .chip(let kind, let role): "run does not support the \(kind.rawValue) as \(role) yet"
    case .wiring(let kind): "the wiring of the \(kind.rawValue) is outside what its driver takes"
    case .noMonitor: "no chip of the board is the monitor"
    }
  }
}

extension BoardDescription {
  /// What the firmware is told of the board, of its cell, and of what is believed at the start.
  ///
  /// - Parameters:
  ///   - cell: what the board's `cell` names.
  ///   - profile: its tables.
  ///   - startStateOfCharge: the most likely one.
  ///   - startDeviation: its standard deviation. Unit: ppm.
  public func firmwareConfiguration(
    cell: CellDescription, profile: CellProfile, startStateOfCharge: StateOfCharge,
    startDeviation: Int32
  ) throws(BoardUnsupported) -> FirmwareConfiguration {
    guard let chip = chip(.monitor) else { throw .noMonitor }
    let window = window(of: cell)
    return FirmwareConfiguration(
      profile: profile, monitor: try currentMonitor(chip, window, cell),
      thermometer: try temperatureSensor(monitor: chip),
      currentRange: .amperes(chip.rangeAmperes ?? Double(Int32.max) * 1e-6),
      protection: ProtectionTable(
        lowerCutoff: .volts(window.lowerBound), upperCutoff: .volts(window.upperBound),
        chargeLimit: .amperes(limits.chargeAmperes),
        dischargeLimit: .amperes(limits.dischargeAmperes)),
      startStateOfCharge: startStateOfCharge, startDeviation: startDeviation,
      seriesCells: Int32(clamping: seriesCells))
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
        guard let configuration = Self.gauge(cell, window) else { throw chip.wiringProblem }
        let model: BQ27441.Model = chip.kind == .bq27441 ? .bq27441 : .bq27427
        return .bq27441(BQ27441(model: model, configuration: configuration))
      default: throw BoardUnsupported.chip(chip.kind, role: "monitor")
      }
    } catch let problem as BoardUnsupported {
      throw problem
    } catch {
      throw chip.wiringProblem
    }
  }

  /// What a gauge is told; what it makes of that is for a lithium cell, and is not used.
  private static func gauge(
    _ cell: CellDescription, _ window: ClosedRange<Double>
  ) -> BQ27441.Configuration? {
    let milliampereHours = (cell.ratedCapacityAmpereHours * 1_000).rounded()
    let middle = (window.lowerBound + window.upperBound) / 2
    return BQ27441.Configuration(
      designCapacity: Int16(clamping: Int(milliampereHours)),
      designEnergy: Int16(clamping: Int((milliampereHours * middle).rounded())),
      terminateVoltage: Int16(
        clamping: Int((min(max(window.lowerBound, 2.5), 3.7) * 1e3).rounded()))
    )
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
      guard let divider = chip.divider, let thermistor = chip.thermistor,
        let scale = ADS1115.Divider(
          upperOhms: Int32(divider.upperOhms.rounded()),
          lowerOhms: Int32(divider.lowerOhms.rounded())),
        let curve = Thermistor(
          nominalOhms: Int32(thermistor.nominalOhms.rounded()),
          betaKelvin: Int32(thermistor.betaKelvin.rounded()),
          pullUpOhms: Int32(thermistor.pullUpOhms.rounded()))
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

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellSimulation
import ChipDrivers
import ChipEmulators
import DeterministicMath
import Firmware
import Quantities

/// What a board adds to its chips' errors.
struct BoardErrors {
  /// In the current path. Unit: A.
  var offsetAmperes: Double
  /// In the current path: the shunt's tolerance.
  var gain: Double
  /// In the voltage path. Unit: V.
  var offsetVolts: Double

  /// Draws them; the offset is that of a board whose shunt is chosen for a 1C current.
  init(using random: inout SeededRandom, oneC: Double) {
    offsetAmperes = 0.005 * (oneC / 1.5) * random.gaussian()
    gain = 1 + 0.002 * random.gaussian()
    offsetVolts = 0.002 * random.gaussian()
  }
}

/// The emulated chips of a board, on their bus, and the drivers that belong to them.
struct Board {
  let monitor: CurrentMonitor
  let thermometer: TemperatureSensor
  /// The largest current that the monitor shows.
  let range: Current
  private let errors: BoardErrors
  private let oneC: Double
  private let shuntOhms: Double
  private let monitorChip: MonitorChip
  private let thermometerChip: ThermometerChip

  private enum MonitorChip {
    case ina228(INA228Emulator)
    case ina226(INA226Emulator)

    var target: any I2CTarget {
      switch self {
      case .ina228(let chip): chip
      case .ina226(let chip): chip
      }
    }
  }

  private enum ThermometerChip {
    case tmp117(TMP117Emulator)
    case ads1115(ADS1115Emulator)

    var target: any I2CTarget {
      switch self {
      case .tmp117(let chip): chip
      case .ads1115(let chip): chip
      }
    }
  }

  /// The ADS1115's divider before the cell: 10 kΩ over 20 kΩ, so that 4.2 V stays below 3.3 V.
  private static let dividerRatio = 20.0 / 30.0
  /// A usual thermistor: 10 kΩ, B 3435 K, pulled up by 10 kΩ to 3.3 V.
  private static let beta = 3_435.0
  private static let supplyVolts = 3.3

  /// Builds the board for a cell.
  ///
  /// - Throws: `CellError` for a cell too small or too large for any shunt that the chips can measure.
  init(
    _ set: ChipSet, seed: UInt64, oneC: Double, errors: BoardErrors, bus: EmulatedI2CBus
  ) throws(CellError) {
    self.errors = errors
    self.oneC = oneC
    // 6.5 C over 150 mV: a shunt chosen for the cell, 15 mΩ for 1.5 Ah, as a board's maker would;
    // the INA226's range is half that.
    let fullScale = set == .ina228TMP117 ? 0.150 : 0.075
    let amperes = 6.5 * oneC
    let microohms = (fullScale / amperes * 1e6).rounded()
    guard microohms >= 100, microohms <= 10_000_000 else {
      throw .invalidValue(
        "no shunt of 100 µΩ…10 Ω lets the \(set.rawValue) board measure a cell of \(oneC) Ah")
    }
    shuntOhms = microohms * 1e-6
    range = .microamperes(Int32((amperes * 1e6).rounded()))
    let shunt = Shunt(resistance: .microohms(Int32(microohms)), maximumCurrent: range)
    switch set {
    case .ina228TMP117: (monitorChip, monitor) = Self.ina228(shunt, seed: seed)
    case .ina226TMP117, .ina226ADS1115: (monitorChip, monitor) = Self.ina226(shunt, seed: seed)
    }
    switch set {
    case .ina228TMP117, .ina226TMP117: (thermometerChip, thermometer) = Self.tmp117(seed: seed)
    case .ina226ADS1115: (thermometerChip, thermometer) = Self.ads1115(seed: seed)
    }
    Self.attach(monitorChip.target, thermometerChip.target, to: bus)
  }

  private static let monitorAddress = I2CAddress(0x40)
  private static let thermometerAddress = I2CAddress(0x48)

  private static func ina228(_ shunt: Shunt, seed: UInt64) -> (MonitorChip, CurrentMonitor) {
    let chip = INA228Emulator(
      address: monitorAddress, errors: .typical(seed: seed, stream: 2), seed: seed, stream: 3)
    let driver = INA228(
      address: monitorAddress,
      configuration: valid { () throws(ShuntProblem) in try .init(shunt: shunt) })
    return (.ina228(chip), .ina228(driver))
  }

  private static func ina226(_ shunt: Shunt, seed: UInt64) -> (MonitorChip, CurrentMonitor) {
    let chip = INA226Emulator(
      address: monitorAddress, errors: .typical(seed: seed, stream: 2), seed: seed, stream: 3)
    let driver = INA226(
      address: monitorAddress,
      configuration: valid { () throws(ShuntProblem) in try .init(shunt: shunt) })
    return (.ina226(chip), .ina226(driver))
  }

  private static func tmp117(seed: UInt64) -> (ThermometerChip, TemperatureSensor) {
    let chip = TMP117Emulator(
      address: thermometerAddress, errors: .typical(seed: seed, stream: 4), seed: seed, stream: 5)
    return (.tmp117(chip), .tmp117(TMP117(address: thermometerAddress)))
  }

  private static func ads1115(seed: UInt64) -> (ThermometerChip, TemperatureSensor) {
    let chip = ADS1115Emulator(
      address: thermometerAddress, errors: .typical(seed: seed, stream: 4), seed: seed, stream: 5)
    guard let divider = ADS1115.Divider(upperOhms: 10_000, lowerOhms: 20_000),
      let thermistor = Thermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000)
    else { preconditionFailure("the board's own resistors are in range") }
    return (
      .ads1115(chip),
      .ads1115(
        ThermistorBoard(address: thermometerAddress, divider: divider, thermistor: thermistor))
    )
  }

  /// A configuration that the board's own choice of shunt makes valid.
  private static func valid<Configuration>(
    _ make: () throws(ShuntProblem) -> Configuration
  ) -> Configuration {
    do throws(ShuntProblem) {
      return try make()
    } catch {
      preconditionFailure("the board chooses a shunt that its chip can measure")
    }
  }

  private static func attach(
    _ first: any I2CTarget, _ second: any I2CTarget, to bus: EmulatedI2CBus
  ) {
    do throws(AddressConflict) {
      try bus.attach(first)
      try bus.attach(second)
    } catch {
      preconditionFailure("the board's own addresses differ")
    }
  }

  /// A current in C of the nominal cell.
  func current(c: Double) -> Current {
    .microamperes(Int32((c * oneC * 1e6).rounded()))
  }

  /// Lets the chips convert up to a moment with what the cell shows.
  func advance(to microseconds: Int64, amperes: Double, volts: Double, celsius: Double) {
    let shuntVolts = (amperes * errors.gain + errors.offsetAmperes) * shuntOhms
    let seenVolts = volts + errors.offsetVolts
    switch monitorChip {
    case .ina228(let chip):
      chip.advance(
        toMicroseconds: microseconds, shuntVolts: shuntVolts, busVolts: seenVolts,
        dieCelsius: celsius)
    case .ina226(let chip):
      chip.advance(
        toMicroseconds: microseconds, shuntVolts: shuntVolts, busVolts: seenVolts,
        dieCelsius: celsius)
    }
    switch thermometerChip {
    case .tmp117(let chip): chip.advance(toMicroseconds: microseconds, celsius: celsius)
    case .ads1115(let chip):
      let overPullUp = DeterministicMath.exp(
        Self.beta * (1 / (celsius + 273.15) - 1 / 298.15))
      let thermistorVolts = Self.supplyVolts * overPullUp / (1 + overPullUp)
      chip.advance(
        toMicroseconds: microseconds,
        inputs: SIMD4(
          seenVolts * Self.dividerRatio, thermistorVolts, Self.supplyVolts, 0))
    }
  }
}

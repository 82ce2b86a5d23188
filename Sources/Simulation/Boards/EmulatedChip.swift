// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import DeterministicMath

/// What the pins of a board's chips can see.
struct BoardConditions {
  /// The current; positive charges. Unit: A.
  var amperes: Double
  /// The voltage of all cells in series. Unit: V.
  var volts: Double
  /// The temperature of the cells, and of the chips with them. Unit: °C.
  var celsius: Double
}

/// The cells that a board's chips are on.
struct BoardCells {
  /// How many are in series.
  var series: Int
  /// The charge that each is made for. Unit: Ah.
  var ampereHours: Double
  /// The voltage of all together, when the chips get their supply. Unit: V.
  var volts: Double
}

/// An emulated chip with what a board puts between it and the cell.
struct EmulatedChip {
  /// The chips that there are emulators for.
  enum Part {
    case ina228(INA228Emulator)
    case ina226(INA226Emulator)
    case ina219(INA219Emulator)
    case ads1115(ADS1115Emulator)
    case tmp117(TMP117Emulator)
    case tmp102(TMP102Emulator)
    case max17048(MAX17048Emulator)
    case max17055(MAX17055Emulator)
    case bq27441(BQ27441Emulator)
    case bq34z100(BQ34Z100Emulator)
    case ltc2943(LTC2943Emulator)
    case ltc2959(LTC2959Emulator)
    case bq76920(BQ76920Emulator)
    case smartBattery(SmartBatteryEmulator)
    case mb85rc256v(MB85RC256VEmulator, MB85RC256VIdentity)
    case at24c32(AT24C32Emulator)
    case ds3231(DS3231Emulator)
  }

  let part: Part
  private let wiring: BoardChip
  private let series: Int
  private let errors: BoardErrors

  /// The supply of the chips that do not live from the cell. Unit: V.
  private static let supplyVolts = 3.3

  /// Makes a chip.
  ///
  /// - Parameters:
  ///   - errors: of the board, on top of the chip's.
  ///   - stream: of the chip's errors; the next one is its noise's.
  init(
    _ wiring: BoardChip, errors: BoardErrors, cells: BoardCells, seed: UInt64, stream: UInt64
  ) {
    part = Self.part(wiring, cells, seed, stream)
    self.wiring = wiring
    series = cells.series
    self.errors = errors
  }

  private static func part(
    _ wiring: BoardChip, _ cells: BoardCells, _ seed: UInt64, _ stream: UInt64
  ) -> Part {
    let volts = cells.volts
    let address = I2CAddress(wiring.address)
    let noise = stream + 1
    switch wiring.kind {
    case .ina228:
      return .ina228(
        INA228Emulator(
          address: address, errors: .typical(seed: seed, stream: stream), seed: seed,
          stream: noise))
    case .ina226:
      return .ina226(
        INA226Emulator(
          address: address, errors: .typical(seed: seed, stream: stream), seed: seed,
          stream: noise))
    case .ina219:
      return .ina219(
        INA219Emulator(
          address: address, errors: .typical(seed: seed, stream: stream), seed: seed,
          stream: noise))
    case .ads1115:
      return .ads1115(
        ADS1115Emulator(
          address: address, errors: .typical(seed: seed, stream: stream), seed: seed,
          stream: noise))
    case .tmp117:
      return .tmp117(
        TMP117Emulator(
          address: address, errors: .typical(seed: seed, stream: stream), seed: seed,
          stream: noise))
    case .tmp102:
      return .tmp102(
        TMP102Emulator(address: address, errors: .typical(seed: seed, stream: stream)))
    case .max17048: return .max17048(MAX17048Emulator(cellVolts: volts))
    case .max17055: return .max17055(MAX17055Emulator(cellVolts: volts))
    case .bq27441: return .bq27441(BQ27441Emulator(variant: .bq27441, cellVolts: volts))
    case .bq27427: return .bq27441(BQ27441Emulator(variant: .bq27427, cellVolts: volts))
    case .mb85rc256v:
      let chip = MB85RC256VEmulator(address: address)
      return .mb85rc256v(chip, MB85RC256VIdentity(of: chip))
    case .at24c32: return .at24c32(AT24C32Emulator(address: address, seed: seed, stream: stream))
    case .ds3231: return .ds3231(DS3231Emulator())
    case .bq34z100: return .bq34z100(BQ34Z100Emulator())
    case .ltc2943, .ltc2944:
      return .ltc2943(
        LTC2943Emulator(
          variant: wiring.kind == .ltc2943 ? .ltc2943 : .ltc2944, packVolts: volts,
          errors: .typical(seed: seed, stream: stream)))
    case .ltc2959:
      return .ltc2959(
        LTC2959Emulator(batteryVolts: volts, errors: .typical(seed: seed, stream: stream)))
    case .bq76920:
      let chip = BQ76920Emulator(errors: .typical(seed: seed, stream: stream))
      chip.boot()
      return .bq76920(chip)
    case .smartBattery:
      let milliampereHours = min(max((cells.ampereHours * 1_000).rounded(), 1), 65_535)
      return .smartBattery(
        SmartBatteryEmulator(
          seriesCells: cells.series, designCapacity: Int(milliampereHours), stackVolts: volts))
    }
  }

  /// What goes on the bus: the chip, and what else of it has an address.
  var targets: [any I2CTarget] {
    switch part {
    case .ina228(let chip): [chip]
    case .ina226(let chip): [chip]
    case .ina219(let chip): [chip]
    case .ads1115(let chip): [chip]
    case .tmp117(let chip): [chip]
    case .tmp102(let chip): [chip]
    case .max17048(let chip): [chip]
    case .max17055(let chip): [chip]
    case .bq27441(let chip): [chip]
    case .bq34z100(let chip): [chip]
    case .ltc2943(let chip): [chip]
    case .ltc2959(let chip): [chip]
    case .bq76920(let chip): [chip]
    case .smartBattery(let chip): [chip]
    case .mb85rc256v(let chip, let identity): [chip, identity]
    case .at24c32(let chip): [chip]
    case .ds3231(let chip): [chip]
    }
  }

  /// Lets the chip live up to a moment with what its pins see.
  func advance(to microseconds: Int64, _ conditions: BoardConditions) {
    let celsius = conditions.celsius
    let volts = conditions.volts + errors.offsetVolts
    switch part {
    case .ina228(let chip):
      chip.advance(
        toMicroseconds: microseconds, shuntVolts: shuntVolts(conditions), busVolts: volts,
        dieCelsius: celsius)
    case .ina226(let chip):
      chip.advance(
        toMicroseconds: microseconds, shuntVolts: shuntVolts(conditions), busVolts: volts,
        dieCelsius: celsius)
    case .ina219(let chip):
      chip.advance(
        toMicroseconds: microseconds, shuntVolts: shuntVolts(conditions), busVolts: volts,
        dieCelsius: celsius)
    case .ads1115(let chip):
      chip.advance(toMicroseconds: microseconds, inputs: inputs(volts, celsius))
    case .tmp117(let chip): chip.advance(toMicroseconds: microseconds, celsius: celsius)
    case .tmp102(let chip): chip.advance(toMicroseconds: microseconds, celsius: celsius)
    case .max17048(let chip):
      chip.advance(toMicroseconds: microseconds, cellVolts: volts, celsius: celsius)
    case .max17055(let chip):
      chip.advance(
        toMicroseconds: microseconds, cellVolts: volts, shuntVolts: shuntVolts(conditions),
        celsius: celsius)
    case .bq27441(let chip):
      chip.advance(
        toMicroseconds: microseconds, cellVolts: volts, amperes: conditions.amperes,
        celsius: celsius)
    case .bq34z100(let chip):
      // Over the 10 mΩ that it is calibrated for.
      chip.advance(
        toMicroseconds: microseconds, pinVolts: volts * (wiring.divider?.ratio ?? 1),
        shuntVolts: conditions.amperes * 0.010, celsius: celsius)
    case .ltc2943(let chip):
      chip.advance(
        toMicroseconds: microseconds, packVolts: volts, shuntVolts: shuntVolts(conditions),
        celsius: celsius)
    case .ltc2959(let chip):
      chip.advance(
        toMicroseconds: microseconds, batteryVolts: volts, shuntVolts: shuntVolts(conditions),
        celsius: celsius)
    case .bq76920(let chip): chip.advance(toMicroseconds: microseconds, stack(conditions))
    case .smartBattery(let chip):
      chip.advance(
        toMicroseconds: microseconds, stackVolts: conditions.volts, amperes: conditions.amperes,
        celsius: celsius)
    case .mb85rc256v: break
    case .at24c32(let chip): chip.advance(toMicroseconds: microseconds)
    case .ds3231(let chip): chip.advance(toMicroseconds: microseconds, celsius: celsius)
    }
  }

  private func shuntVolts(_ conditions: BoardConditions) -> Double {
    let amperes = conditions.amperes * errors.gain + errors.offsetAmperes
    return (wiring.isDischargePositive ? -amperes : amperes) * (wiring.shuntOhms ?? 0)
  }

  /// Cells that are alike, on the inputs that the datasheet gives three, four or five of them.
  private func stack(_ conditions: BoardConditions) -> BQ76920Inputs {
    let each = (conditions.volts + errors.offsetVolts) / Double(series)
    var inputs = BQ76920Inputs(
      cellVolts: [each, each, series > 3 ? each : 0, series > 4 ? each : 0, each],
      shuntVolts: shuntVolts(conditions), dieCelsius: conditions.celsius)
    if let thermistor = wiring.thermistor {
      inputs.thermistorOhms = Self.ohms(of: thermistor, conditions.celsius)
    }
    return inputs
  }

  private static func ohms(of thermistor: BoardThermistor, _ celsius: Double) -> Double {
    thermistor.nominalOhms
      * DeterministicMath.exp(thermistor.betaKelvin * (1 / (celsius + 273.15) - 1 / 298.15))
  }

  /// The cell behind its divider, the thermistor below its resistor, and the supply of both.
  private func inputs(_ volts: Double, _ celsius: Double) -> SIMD4<Double> {
    let supply = Self.supplyVolts
    var thermistorVolts = supply
    if let thermistor = wiring.thermistor {
      let overPullUp =
        thermistor.nominalOhms / thermistor.pullUpOhms
        * DeterministicMath.exp(
          thermistor.betaKelvin * (1 / (celsius + 273.15) - 1 / 298.15))
      thermistorVolts = supply * overPullUp / (1 + overPullUp)
    }
    return SIMD4(volts * (wiring.divider?.ratio ?? 1), thermistorVolts, supply, 0)
  }

  /// Whether the chip is wired to the board.
  func setPresent(_ isPresent: Bool) {
    switch part {
    case .ina228(let chip): chip.isPresent = isPresent
    case .ina226(let chip): chip.isPresent = isPresent
    case .ina219(let chip): chip.isPresent = isPresent
    case .ads1115(let chip): chip.isPresent = isPresent
    case .tmp117(let chip): chip.isPresent = isPresent
    case .tmp102(let chip): chip.isPresent = isPresent
    case .max17048(let chip): chip.isWired = isPresent
    case .max17055(let chip): chip.isWired = isPresent
    case .bq27441(let chip): chip.isWired = isPresent
    case .bq34z100(let chip): chip.isWired = isPresent
    case .ltc2943(let chip): chip.isWired = isPresent
    case .ltc2959(let chip): chip.isWired = isPresent
    case .bq76920(let chip): chip.isWired = isPresent
    case .smartBattery(let chip): chip.isWired = isPresent
    case .mb85rc256v(let chip, _): chip.isPresent = isPresent
    case .at24c32(let chip): chip.isPresent = isPresent
    case .ds3231(let chip): chip.isPresent = isPresent
    }
  }

  /// What a memory holds; nil for another chip.
  var content: [UInt8]? {
    switch part {
    case .mb85rc256v(let chip, _): chip.memory
    case .at24c32(let chip): chip.memory
    default: nil
    }
  }

  /// Puts content of the memory's size in it; another chip takes none.
  func setContent(_ bytes: [UInt8]) {
    switch part {
    case .mb85rc256v(let chip, _): chip.memory = bytes
    case .at24c32(let chip): chip.memory = bytes
    default: break
    }
  }

  /// Takes the chip's supply away for a moment: it is what it was when new.
  func powerCycle() {
    switch part {
    case .ina228(let chip): chip.powerCycle()
    case .ina226(let chip): chip.powerCycle()
    case .ina219(let chip): chip.powerCycle()
    case .ads1115(let chip): chip.powerCycle()
    case .tmp117(let chip): chip.powerCycle()
    case .tmp102(let chip): chip.powerCycle()
    case .max17048(let chip): chip.powerCycle()
    case .max17055(let chip): chip.powerCycle()
    case .bq27441(let chip): chip.powerCycle()
    case .bq34z100(let chip): chip.powerCycle()
    case .ltc2943(let chip): chip.powerCycle()
    case .ltc2959(let chip): chip.powerCycle()
    // Somebody presses the board's button, without which the chip stays asleep.
    case .bq76920(let chip):
      chip.powerCycle()
      chip.boot()
    case .smartBattery(let chip): chip.powerCycle()
    case .mb85rc256v(let chip, _): chip.powerCycle()
    case .at24c32(let chip): chip.powerCycle()
    case .ds3231(let chip): chip.powerCycle()
    }
  }

  /// The electrical level of the alert pin, true for high; high, as its pull-up makes it, for a chip
  /// without one.
  var alertLevel: Bool {
    switch part {
    case .ina228(let chip): chip.alertLine
    case .ina226(let chip): chip.alertLine
    case .ads1115(let chip): chip.alertLine
    case .tmp117(let chip): chip.alertLine
    case .tmp102(let chip): chip.alertLine
    case .max17048(let chip): chip.alertLine
    case .max17055(let chip): chip.alertLine
    case .bq27441(let chip): chip.outputLine
    case .ltc2943(let chip): chip.alertLine
    case .ltc2959(let chip): chip.alertLine
    case .bq76920(let chip): chip.alertLine
    case .ds3231(let chip): chip.interruptLine
    case .ina219, .bq34z100, .smartBattery, .mb85rc256v, .at24c32: true
    }
  }

  /// Whether the switches that the chip carries let charge in; true for a chip without any.
  var letsChargeIn: Bool {
    if case .bq76920(let chip) = part { chip.isChargeOn } else { true }
  }

  /// Whether they let charge out.
  var letsChargeOut: Bool {
    if case .bq76920(let chip) = part { chip.isDischargeOn } else { true }
  }
}

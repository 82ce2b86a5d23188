// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import ChipEmulators
import DeterministicMath

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

extension ChipSet {
  /// A board with these chips, made for a cell as its maker would.
  ///
  /// - Throws: `CellError` for a cell too small or too large for any shunt that the chips can measure.
  func board(for cell: CellDescription) throws(CellError) -> BoardDescription {
    let oneC = cell.ratedCapacityAmpereHours
    // 6.5 C over 150 mV: a shunt chosen for the cell, 15 mΩ for 1.5 Ah; the INA226's range is half
    // that.
    let fullScale = self == .ina228TMP117 ? 0.150 : 0.075
    let amperes = 6.5 * oneC
    let microohms = (fullScale / amperes * 1e6).rounded()
    guard microohms >= 100, microohms <= 10_000_000 else {
      throw .invalidValue(
        "no shunt of 100 µΩ…10 Ω lets the \(rawValue) board measure a cell of \(oneC) Ah")
    }
    return BoardDescription(
      name: rawValue, source: "this project's choice", cell: cell.name, bus: BoardBus(device: nil),
      chips: [
        BoardChip(
          kind: self == .ina228TMP117 ? .ina228 : .ina226, address: 0x40, roles: .monitor,
          shuntOhms: microohms * 1e-6, rangeAmperes: amperes), thermometer,
      ],
      chargeSwitch: BoardLine(name: "CHARGE"), dischargeSwitch: BoardLine(name: "DISCHARGE"),
      limits: BoardLimits(chargeAmperes: 2 * oneC, dischargeAmperes: 4 * oneC))
  }

  private var thermometer: BoardChip {
    guard self == .ina226ADS1115 else {
      return BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer)
    }
    // 10 kΩ over 20 kΩ, so that 4.2 V stays below 3.3 V; a usual thermistor.
    return BoardChip(
      kind: .ads1115, address: 0x48, roles: [.thermometer, .secondVoltage],
      divider: BoardDivider(upperOhms: 10_000, lowerOhms: 20_000),
      thermistor: BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000))
  }
}

/// The emulated chips of a board, on their bus.
struct Board {
  private let chips: [EmulatedChip]
  private let series: Double
  /// The one that carries switches.
  private let carrier: EmulatedChip?

  /// Makes the chips; they share the board's errors.
  init(
    _ description: BoardDescription, _ cells: BoardCells, errors: BoardErrors, seed: UInt64,
    bus: EmulatedI2CBus
  ) throws(CellError) {
    var chips: [EmulatedChip] = []
    for (index, wiring) in description.chips.enumerated() {
      // The streams 2 to 5 for the first two; 7 is that of the faults.
      let stream = index < 2 ? 2 + 2 * UInt64(index) : 100 + 2 * UInt64(index)
      let chip = EmulatedChip(wiring, errors: errors, cells: cells, seed: seed, stream: stream)
      for target in chip.targets {
        do throws(AddressConflict) {
          try bus.attach(target)
        } catch {
          throw .invalidValue("two chips of \(description.name) have one address")
        }
      }
      chips.append(chip)
    }
    self.chips = chips
    series = Double(description.seriesCells)
    carrier = zip(description.chips, chips).first { $0.0.kind.hasSwitches }?.1
  }

  /// Whether the switches that a chip carries let charge in.
  var letsChargeIn: Bool { carrier?.letsChargeIn ?? true }

  /// Whether they let charge out.
  var letsChargeOut: Bool { carrier?.letsChargeOut ?? true }

  /// Lets the chips convert up to a moment with what each of the cells shows.
  func advance(to microseconds: Int64, amperes: Double, volts: Double, celsius: Double) {
    let conditions = BoardConditions(amperes: amperes, volts: volts * series, celsius: celsius)
    for chip in chips { chip.advance(to: microseconds, conditions) }
  }
}

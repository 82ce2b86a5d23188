// SPDX-License-Identifier: Apache-2.0

public import Quantities

extension BQ76920 {
  /// What the factory found of the part's converter.
  public struct Trim: Equatable, Sendable {
    /// Unit: µV per step, 365…396.
    public let gain: Int32
    /// Unit: mV, −128…127.
    public let offset: Int32

    /// Reads the trim from ADCGAIN1, ADCGAIN2 and ADCOFFSET.
    public init(gain1: UInt8, gain2: UInt8, offset: UInt8) {
      gain = 365 + Int32(gain1 << 1 & 0x18 | gain2 >> 5)
      self.offset = Int32(Int8(bitPattern: offset))
    }

    /// OV_TRIP for a voltage of `Configuration`: bits 11…4 of its code; the chip compares with
    /// 10b, these, 1000b.
    public func overvoltageTrip(_ voltage: Voltage) -> UInt8 { middle(of: voltage) }

    /// UV_TRIP for a voltage of `Configuration`; the chip compares with 01b, these, 0000b.
    public func undervoltageTrip(_ voltage: Voltage) -> UInt8 { middle(of: voltage) }

    private func middle(of voltage: Voltage) -> UInt8 {
      UInt8(truncatingIfNeeded: ((voltage.microvolts - offset * 1_000) / gain) >> 4)
    }

    /// The voltage of a cell.
    ///
    /// - Throws: `.rawValueOutOfRange` if one of the upper two bits is set, which the chip has not.
    public func cellVoltage(word: UInt16) throws(ChipError) -> Voltage {
      guard word <= 0x3FFF else {
        throw .rawValueOutOfRange(register: Register.cellVoltages, found: UInt32(word))
      }
      return .microvolts(Int32(word) * gain + offset * 1_000)
    }

    /// The voltage of all cells; a step is four of a cell's.
    public func stackVoltage(word: UInt16, cellCount: Int) -> Voltage {
      .microvolts(Int32(word) * 4 * gain + Int32(cellCount) * offset * 1_000)
    }
  }

  /// 200 mV: the datasheet's range of the charge counter. Unit: pV.
  static let fullScalePicovolts: Int64 = 200_000_000_000

  /// The current of a word: signed, 8.44 µV per step over the shunt, rounded to nearest.
  ///
  /// - Throws: `.overflow` beyond ±200 mV.
  public static func current(
    word: UInt16, configuration: Configuration
  ) throws(ChipError) -> Current {
    let code = Int64(Int16(bitPattern: word))
    // 200 mV are 23696.7 steps.
    guard -23_696...23_696 ~= code else {
      throw .overflow(register: Register.current, positive: code > 0)
    }
    // 8.44 µV / 1 µΩ = 8.44 A.
    let microohms = Int64(configuration.shunt.resistance.microohms)
    return .microamperes(Int32(roundedQuotient(code * 8_440_000, microohms)))
  }

  /// The voltage over the thermistor: 382 µV per step.
  ///
  /// - Throws: `.rawValueOutOfRange` if one of the upper two bits is set, which the chip has not.
  public static func thermistorVoltage(word: UInt16) throws(ChipError) -> Voltage {
    guard word <= 0x3FFF else {
      throw .rawValueOutOfRange(register: Register.thermistor, found: UInt32(word))
    }
    return .microvolts(Int32(word) * 382)
  }
}

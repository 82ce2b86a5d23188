// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// Register words to quantities: exact rationals, rounded once, to nearest, ties away from zero.
extension INA228 {
  /// The bus voltage of a VBUS word: 195.3125 µV = 3125/16 µV per step (datasheet §8.1.1).
  ///
  /// - Throws: `.rawValueOutOfRange` if reserved or sign bits are set, `.overflow` at full scale.
  public static func busVoltage(word: UInt32) throws(ChipError) -> Voltage {
    guard word & 0xFF80_000F == 0 else {
      throw .rawValueOutOfRange(register: Register.busVoltage, found: word)
    }
    let code = Int64(word >> 4)
    guard code < 0x7FFFF else { throw .overflow(register: Register.busVoltage, positive: true) }
    return .microvolts(Int32(roundedQuotient(code * 3_125, 16)))
  }

  /// The current of a VSHUNT word: 312.5 nV (wide) or 78.125 nV (narrow) per step, over the shunt.
  ///
  /// Why not the CURRENT register: it is computed from VSHUNT with a rounding the datasheet does
  /// not state and needs SHUNT_CAL to be intact; the division here is exact.
  ///
  /// - Throws: `.rawValueOutOfRange` if reserved bits are set, `.overflow` at either full scale.
  public static func current(
    word: UInt32, configuration: Configuration
  ) throws(ChipError) -> Current {
    guard word & 0xFF00_000F == 0 else {
      throw .rawValueOutOfRange(register: Register.shuntVoltage, found: word)
    }
    let code = signed20(word)
    let shunt = configuration.shunt
    guard code > -0x80000, code < 0x7FFFF else {
      throw .overflow(register: Register.shuntVoltage, positive: shunt.oriented(code) > 0)
    }
    let divisor = Int64(shunt.resistance.microohms) * configuration.shuntRange.divisor
    return .microamperes(Int32(roundedQuotient(shunt.oriented(code) * 312_500, divisor)))
  }

  /// The die temperature of a DIETEMP word: 7.8125 m°C = 125/16 m°C per step.
  public static func dieTemperature(word: UInt16) -> Temperature {
    .millidegreesCelsius(Int32(roundedQuotient(Int64(Int16(bitPattern: word)) * 125, 16)))
  }

  /// The two's complement value in bits 23…4.
  static func signed20(_ word: UInt32) -> Int64 {
    Int64(Int32(bitPattern: word << 8) >> 12)
  }
}

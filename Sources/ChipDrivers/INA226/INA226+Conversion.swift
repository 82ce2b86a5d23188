// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// Register words to quantities: exact rationals, rounded once, to nearest, ties away from zero.
extension INA226 {
  /// The bus voltage of a register word: 1.25 mV per step, 15 bits, exact in µV.
  ///
  /// - Throws: `.rawValueOutOfRange` if bit 15 is set, `.overflow` at full scale.
  public static func busVoltage(word: UInt16) throws(ChipError) -> Voltage {
    guard word & 0x8000 == 0 else {
      throw .rawValueOutOfRange(register: Register.busVoltage, found: UInt32(word))
    }
    guard word < 0x7FFF else { throw .overflow(register: Register.busVoltage, positive: true) }
    return .microvolts(Int32(word) * 1_250)
  }

  /// The current of a shunt-voltage word: 2.5 µV per step, signed, over the shunt.
  ///
  /// - Throws: `.overflow` at either full scale.
  public static func current(
    word: UInt16, configuration: Configuration
  ) throws(ChipError) -> Current {
    let code = Int16(bitPattern: word)
    let shunt = configuration.shunt
    guard code > Int16.min, code < Int16.max else {
      throw .overflow(register: Register.shuntVoltage, positive: shunt.oriented(Int64(code)) > 0)
    }
    // 2.5 µV / 1 µΩ = 2.5 A.
    let numerator = shunt.oriented(Int64(code)) * 2_500_000
    return .microamperes(
      Int32(roundedQuotient(numerator, Int64(shunt.resistance.microohms))))
  }
}

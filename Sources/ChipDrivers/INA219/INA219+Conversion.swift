// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// Register words to quantities: exact rationals, rounded once, to nearest, ties away from zero.
extension INA219 {
  /// The bus voltage of a register word: 4 mV per step in bits 15…3, exact in µV.
  ///
  /// - Throws: `.rawValueOutOfRange` if a bit is set that never is, or above the range of 16 V;
  ///   `.overflow` at its end.
  public static func busVoltage(word: UInt16) throws(ChipError) -> Voltage {
    let code = word >> 3
    guard word & (BusBits.reserved | BusBits.mathOverflow) == 0, code <= 4_000 else {
      throw .rawValueOutOfRange(register: Register.busVoltage, found: UInt32(word))
    }
    guard code < 4_000 else { throw .overflow(register: Register.busVoltage, positive: true) }
    return .microvolts(Int32(code) * 4_000)
  }

  /// The current of a shunt-voltage word: 10 µV per step, signed, over the shunt.
  ///
  /// - Throws: `.overflow` at either end of the range, `.rawValueOutOfRange` beyond it.
  public static func current(
    word: UInt16, configuration: Configuration
  ) throws(ChipError) -> Current {
    let code = Int64(Int16(bitPattern: word))
    let shunt = configuration.shunt
    let fullScale = configuration.shuntRange.fullScale
    guard code >= -fullScale, code <= fullScale else {
      throw .rawValueOutOfRange(register: Register.shuntVoltage, found: UInt32(word))
    }
    guard code > -fullScale, code < fullScale else {
      throw .overflow(register: Register.shuntVoltage, positive: shunt.oriented(code) > 0)
    }
    // 10 µV / 1 µΩ = 10 A. 320 mV over less than 150 µΩ are more than `Current` holds.
    let numerator = shunt.oriented(code) * 10_000_000
    let microamperes = roundedQuotient(numerator, Int64(shunt.resistance.microohms))
    guard let current = Int32(exactly: microamperes) else {
      throw .overflow(register: Register.shuntVoltage, positive: microamperes > 0)
    }
    return .microamperes(current)
  }
}

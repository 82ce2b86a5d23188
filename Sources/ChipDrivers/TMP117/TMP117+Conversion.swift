// SPDX-License-Identifier: Apache-2.0

public import Quantities

extension TMP117 {
  /// The temperature of a register word: 7.8125 m°C = 125/16 m°C per step, rounded to nearest, ties
  /// away from zero.
  ///
  /// - Throws: `.conversionNotReady` for 0x8000, which stands there before the first conversion;
  ///   `.rawValueOutOfRange` outside −55…150 °C, where the chip does not work (datasheet §6.3).
  public static func temperature(word: UInt16) throws(ChipError) -> Temperature {
    guard word != beforeFirstConversion else { throw .conversionNotReady }
    let code = Int16(bitPattern: word)
    guard code >= -55 * 128, code <= 150 * 128 else {
      throw .rawValueOutOfRange(register: Register.temperature, found: UInt32(word))
    }
    return .millidegreesCelsius(Int32(roundedQuotient(Int64(code) * 125, 16)))
  }
}

// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// Register words to quantities: exact rationals, rounded once, to nearest, ties away from zero.
extension MAX17055 {
  /// The voltage of a word: 78.125 µV per step.
  ///
  /// - Throws: `.rawValueOutOfRange` below 2.2 V, at which the chip does not run, or above 5.1 V.
  public static func cellVoltage(word: UInt16) throws(ChipError) -> Voltage {
    // 2.2 V and 5.1 V are 28160 and 65280 steps.
    guard 28_160...65_280 ~= word else {
      throw .rawValueOutOfRange(register: Register.cellVoltage, found: UInt32(word))
    }
    // 78.125 = 625 / 8.
    return .microvolts(Int32(roundedQuotient(Int64(word) * 625, 8)))
  }

  /// The current of a word: signed, 1.5625 µV per step over the shunt.
  ///
  /// - Throws: `.overflow` at either full scale.
  public static func current(
    word: UInt16, configuration: Configuration
  ) throws(ChipError) -> Current {
    let code = Int16(bitPattern: word)
    let shunt = configuration.shunt
    guard code > Int16.min, code < Int16.max else {
      throw .overflow(register: Register.current, positive: shunt.oriented(Int64(code)) > 0)
    }
    // 1.5625 µV / 1 µΩ = 1.5625 A.
    let numerator = shunt.oriented(Int64(code)) * 1_562_500
    return .microamperes(
      Int32(roundedQuotient(numerator, Int64(shunt.resistance.microohms))))
  }

  /// The temperature of a word: signed, 1/256 °C per step.
  ///
  /// - Throws: `.rawValueOutOfRange` outside −55…125 °C.
  public static func temperature(word: UInt16) throws(ChipError) -> Temperature {
    let code = Int16(bitPattern: word)
    guard code >= -55 * 256, code <= 125 * 256 else {
      throw .rawValueOutOfRange(register: Register.temperature, found: UInt32(word))
    }
    // 1000 / 256 = 125 / 32.
    return .millidegreesCelsius(Int32(roundedQuotient(Int64(code) * 125, 32)))
  }

  /// The state of charge of a word: 1/256 % per step.
  public static func stateOfCharge(word: UInt16) -> StateOfCharge {
    // 10,000 ppm / 256 = 625 / 16.
    .partsPerMillion(Int32(roundedQuotient(Int64(word) * 625, 16)))
  }

  /// The capacity of a word: 5 µVh per step over the shunt.
  public static func capacity(word: UInt16, configuration: Configuration) -> Charge {
    // 5 µVh / 1 µΩ = 5 Ah = 18 · 10^12 nC; 65535 of them stay below 2^61.
    let microohms = Int64(configuration.shunt.resistance.microohms)
    return .nanocoulombs(roundedQuotient(Int64(word) * 18_000_000_000_000, microohms))
  }
}

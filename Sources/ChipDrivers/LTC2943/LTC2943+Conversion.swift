// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// Register words to quantities: exact rationals, rounded once, to nearest, ties away from zero.
extension LTC2943 {
  /// The pack's voltage of a word: 23.6 V or 70.8 V over 65535 steps.
  public static func voltage(word: UInt16, model: Model) -> Voltage {
    let fullScale: Int64 = model == .ltc2943 ? 23_600_000 : 70_800_000
    return .microvolts(Int32(roundedQuotient(Int64(word) * fullScale, 65_535)))
  }

  /// The current of a word: 60 mV or 64 mV over the shunt in 32767 steps around the middle.
  ///
  /// - Throws: `.overflow` in the first and in the last of the converter's 4096 steps.
  public static func current(
    word: UInt16, model: Model, configuration: Configuration
  ) throws(ChipError) -> Current {
    let shunt = configuration.shunt
    let steps = shunt.oriented(Int64(word) - Int64(middle))
    guard 0x0010...0xFFEF ~= word else {
      throw .overflow(register: Register.current, positive: steps > 0)
    }
    // 60 mV / 1 µΩ = 60 kA; the numerator is below 2^51.
    let fullScale: Int64 = model == .ltc2943 ? 60_000_000_000 : 64_000_000_000
    return .microamperes(
      Int32(
        clamping: roundedQuotient(
          steps * fullScale, 32_767 * Int64(shunt.resistance.microohms))))
  }

  /// The die's temperature of a word: 510 K over 65535 steps.
  public static func temperature(word: UInt16) -> Temperature {
    .millidegreesCelsius(Int32(roundedQuotient(Int64(word) * 510_000, 65_535)) - 273_150)
  }
}

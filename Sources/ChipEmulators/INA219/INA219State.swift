// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated INA219 remembers; a copy is a snapshot.
public struct INA219State: Sendable {
  // Registers, at their power-on values.
  var config: UInt16 = 0x399F
  var shuntCode: Int64 = 0
  var busCode: Int64 = 0
  var powerCode: Int64 = 0
  var currentCode: Int64 = 0
  var calibration: UInt16 = 0
  /// CNVR and OVF, shown in the bus-voltage register.
  var conversionReady = false
  var mathOverflow = false

  var isConverting = true
  var port = RegisterPort()
  var clock: ConversionClock
  var random: NoiseSource

  init(clock: ConversionClock, random: NoiseSource) {
    self.clock = clock
    self.random = random
    self.clock.restart()
  }

  /// Puts everything but time and noise back to power-on.
  mutating func reset() { self = INA219State(clock: clock, random: random) }
}

/// The fields of the configuration register: RST · – · BRNG · PG · BADC · SADC · MODE.
extension INA219State {
  /// The time of one conversion by the four bits of BADC or SADC: 9…12 bits, the same again (bit 2 is
  /// ignored while bit 3 is clear), then 1…128 samples of 12 bits. Unit: µs.
  private static let conversionTimes: [Int64] = [
    84, 148, 276, 532, 84, 148, 276, 532, 532, 1_060, 2_130, 4_260, 8_510, 17_020, 34_050, 68_100,
  ]

  var isContinuous: Bool { config & 0b100 != 0 }
  var convertsBus: Bool { config & 0b010 != 0 }
  var convertsShunt: Bool { config & 0b001 != 0 }
  /// Modes 0 and 4: power-down, and converter off.
  var isPoweredDown: Bool { config & 0b011 == 0 }
  var shuntSetting: Int { Int(config >> 3 & 0xF) }
  var busSetting: Int { Int(config >> 7 & 0xF) }
  /// PG: 4000, 8000, 16000 or 32000 codes of 10 µV.
  var shuntFullScale: Double { Double(4_000 << (config >> 11 & 3)) }
  /// BRNG: 16 V or 32 V, in codes of 4 mV.
  var busFullScale: Double { config & 0x2000 == 0 ? 4_000 : 8_000 }

  /// One conversion of each enabled input, one after the other. Unit: ps of the chip's clock.
  var period: Int64 {
    ((convertsBus ? Self.conversionTimes[busSetting] : 0)
      + (convertsShunt ? Self.conversionTimes[shuntSetting] : 0)) * 1_000_000
  }

  /// How many 12-bit samples make a result.
  static func samples(setting: Int) -> Int { setting < 8 ? 1 : 1 << (setting - 8) }

  /// How many codes one step of the converter has: 8, 4, 2, 1 for 9…12 bits (unverified: the lower
  /// bits are taken to be lost, not to be noise).
  static func step(setting: Int) -> Int64 { setting < 8 ? 8 >> Int64(setting & 3) : 1 }
}

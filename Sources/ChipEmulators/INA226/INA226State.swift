// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated INA226 remembers; a copy is a snapshot.
public struct INA226State: Sendable {
  // Registers, at their power-on values (INA226 datasheet, table 7-1).
  var config: UInt16 = 0x4127
  var shuntCode: Int64 = 0
  var busCode: Int64 = 0
  var powerCode: Int64 = 0
  var currentCode: Int64 = 0
  var calibration: UInt16 = 0
  /// The bits of Mask/Enable that can be written: 15…10, APOL and LEN.
  var maskEnable: UInt16 = 0
  var alertLimit: UInt16 = 0
  /// AFF, CVRF and OVF.
  var alertFunctionFlag = false
  var conversionReady = false
  var mathOverflow = false

  // The converter.
  var isConverting = true
  /// Conversion cycles in the running averaging window, and the sums of their unrounded codes.
  var windowFill: Int64 = 0
  var shuntSum = 0.0
  var busSum = 0.0

  // Around the registers.
  var port = RegisterPort()
  var alertIsAsserted = false
  var alertActivations: Int64 = 0
  var clock: ConversionClock
  var random: NoiseSource

  init(clock: ConversionClock, random: NoiseSource) {
    self.clock = clock
    self.random = random
    self.clock.restart()
  }

  /// Puts everything but time, noise and pin history back to power-on.
  mutating func reset() {
    var fresh = INA226State(clock: clock, random: random)
    fresh.alertActivations = alertActivations
    self = fresh
  }
}

/// The fields of the configuration register.
extension INA226State {
  private static let conversionTimes: [Int64] = [140, 204, 332, 588, 1100, 2116, 4156, 8244]
  private static let averages: [Int64] = [1, 4, 16, 64, 128, 256, 512, 1024]

  var isContinuous: Bool { config & 0b100 != 0 }
  var convertsBus: Bool { config & 0b010 != 0 }
  var convertsShunt: Bool { config & 0b001 != 0 }
  var isPoweredDown: Bool { config & 0b011 == 0 }
  var shuntTime: Int { Int(config >> 3 & 7) }
  var busTime: Int { Int(config >> 6 & 7) }
  var average: Int64 { Self.averages[Int(config >> 9 & 7)] }
  /// One conversion of each enabled input. Unit: ps of the chip's clock.
  var period: Int64 {
    ((convertsBus ? Self.conversionTimes[busTime] : 0)
      + (convertsShunt ? Self.conversionTimes[shuntTime] : 0)) * 1_000_000
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated INA228 remembers; a copy is a snapshot.
public struct INA228State: Sendable {
  // Registers, at their power-on values (SLYS021A, register list; limits as read from silicon).
  var config: UInt16 = 0x0000
  var adcConfig: UInt16 = 0xFB68
  var shuntCalibration: UInt16 = 0x1000
  var temperatureCoefficient: UInt16 = 0x0000
  var shuntCode: Int64 = 0
  var busCode: Int64 = 0
  var dieCode: Int64 = 0
  var currentCode: Int64 = 0
  var powerCode: Int64 = 0
  var energy: UInt64 = 0
  var charge: Int64 = 0
  var shuntOverLimit: UInt16 = 0x7FFF
  var shuntUnderLimit: UInt16 = 0x8000
  var busOverLimit: UInt16 = 0x7FFF
  var busUnderLimit: UInt16 = 0x0000
  var temperatureLimit: UInt16 = 0x7FFF
  var powerLimit: UInt16 = 0xFFFF
  /// ALATCH, CNVR, SLOWALERT, APOL.
  var alertControl: UInt16 = 0
  /// The flag bits 11…1 of DIAG_ALRT, in place.
  var flags: UInt16 = 0

  // The converter.
  var isConverting = true
  /// Conversion cycles in the running averaging window, and the sums of their unrounded codes.
  var windowFill: Int64 = 0
  var shuntSum = 0.0
  var busSum = 0.0
  var dieSum = 0.0
  /// What is left of each accumulator below one count.
  var energyFraction = CountFraction()
  var chargeFraction = CountFraction()

  // Around the registers.
  var port = RegisterPort()
  var alertIsAsserted = false
  var alertActivations: Int64 = 0
  var clock: ConversionClock
  var random: NoiseSource

  init(clock: ConversionClock, random: NoiseSource) {
    self.clock = clock
    self.random = random
    self.clock.restart(delay: Self.startUpTime)
  }

  /// From power-on or reset to the first conversion: 300 µs. Unit: ps.
  static let startUpTime: Int64 = 300_000_000

  /// Puts everything but time, noise and pin history back to power-on.
  mutating func reset() {
    var fresh = INA228State(clock: clock, random: random)
    fresh.alertActivations = alertActivations
    self = fresh
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated TMP102 remembers; a copy is a snapshot.
public struct TMP102State: Sendable {
  /// The last result, left-justified with four bits after the point: a 13-bit code.
  var code: Int64 = 0
  /// CONFIG without OS and AL; bits 14 and 13 always read 11.
  var config: UInt16 = 0x6080
  /// The limits as written, 75 and 80 °C.
  var lowLimit: UInt16 = 0x4B00
  var highLimit: UInt16 = 0x5000

  var isConverting = true
  /// Consecutive results that would change the alert.
  var faults: Int64 = 0
  var alertIsActive = false
  /// In interrupt mode: the next alert is for the low limit.
  var awaitsLow = false
  var port = RegisterPort()
  var clock: ConversionClock

  init(clock: ConversionClock) {
    self.clock = clock
    beginConversion()
  }

  /// Puts everything but time back to power-on.
  mutating func reset() { self = TMP102State(clock: clock) }
}

/// The fields of CONFIG: OS R F POL TM SD · CR AL EM 0000.
extension TMP102State {
  private static let queueLengths: [Int64] = [1, 2, 4, 6]
  /// CR: 4 s, 1 s, 250 ms, 125 ms. Unit: ps.
  private static let cycleTimes: [Int64] = [
    4_000_000_000_000, 1_000_000_000_000, 250_000_000_000, 125_000_000_000,
  ]
  /// One conversion, typically 26 ms. Unit: ps.
  static let conversionTime: Int64 = 26_000_000_000

  var queueLength: Int64 { Self.queueLengths[Int(config >> 11 & 3)] }
  var isActiveHigh: Bool { config & 0x0400 != 0 }
  var isInterrupt: Bool { config & 0x0200 != 0 }
  var isShutDown: Bool { config & 0x0100 != 0 }
  var isExtended: Bool { config & 0x0010 != 0 }
  var period: Int64 { Self.cycleTimes[Int(config >> 6 & 3)] }

  /// Starts with a conversion; in a cycle the rest follows it.
  mutating func beginConversion() {
    isConverting = true
    clock.restart(delay: Self.conversionTime - period)
  }

  var alertLevel: Bool { alertIsActive == isActiveHigh }
}

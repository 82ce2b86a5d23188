// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated ADS1115 remembers; a copy is a snapshot.
public struct ADS1115State: Sendable {
  var conversion: Int16 = 0
  /// The configuration register without OS, which is `isConverting` read backwards.
  var config: UInt16 = 0x0583
  /// The configuration under which the running conversion began.
  var activeConfig: UInt16 = 0x0583
  var lowThreshold: UInt16 = 0x8000
  var highThreshold: UInt16 = 0x7FFF
  var isConverting = false

  /// Successive conversions that asked for the comparator's other state.
  var exceeding: Int = 0
  var comparatorIsAsserted = false
  /// In ready mode: a single-shot result stands and no new conversion has begun.
  var readyIsAsserted = false

  var port = RegisterPort()
  var alertWasAsserted = false
  var alertActivations: Int64 = 0
  var clock: ConversionClock
  var random: NoiseSource

  init(clock: ConversionClock, random: NoiseSource) {
    self.clock = clock
    self.random = random
  }

  /// Puts everything but time, noise and pin history back to power-on.
  mutating func reset() {
    var fresh = ADS1115State(clock: clock, random: random)
    fresh.alertActivations = alertActivations
    self = fresh
  }
}

/// The fields of the configuration register.
extension ADS1115State {
  private static let samplesPerSecond: [Int64] = [8, 16, 32, 64, 128, 250, 475, 860]
  private static let fullScales: [Double] = [
    6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256,
  ]
  /// From power-down to the start of a conversion, about 25 µs. Unit: ps.
  static let wakeTime: Int64 = 25_000_000

  var isSingleShot: Bool { config & 0x0100 != 0 }
  var dataRate: Int { Int(activeConfig >> 5 & 7) }
  /// One conversion. Unit: ps of the chip's clock, rounded down.
  var period: Int64 { 1_000_000_000_000 / Self.samplesPerSecond[dataRate] }
  /// The voltage of code 32768.
  var fullScale: Double { Self.fullScales[Int(activeConfig >> 9 & 7)] }

  var queueCode: Int { Int(config & 3) }
  var comparatorIsOff: Bool { queueCode == 3 }
  var comparatorLatches: Bool { config & 0x0004 != 0 }
  var alertIsActiveHigh: Bool { config & 0x0008 != 0 }
  var comparatorIsWindow: Bool { config & 0x0010 != 0 }
  /// Thresholds with these signs turn ALERT into a ready pin.
  var alertShowsReady: Bool { highThreshold & 0x8000 != 0 && lowThreshold & 0x8000 == 0 }

  /// The voltage between the inputs that the multiplexer selects.
  func selected(_ inputs: SIMD4<Double>) -> Double {
    switch activeConfig >> 12 & 7 {
    case 0: inputs[0] - inputs[1]
    case 1: inputs[0] - inputs[3]
    case 2: inputs[1] - inputs[3]
    case 3: inputs[2] - inputs[3]
    case 4: inputs[0]
    case 5: inputs[1]
    case 6: inputs[2]
    default: inputs[3]
    }
  }
}

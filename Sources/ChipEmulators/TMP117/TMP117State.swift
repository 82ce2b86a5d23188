// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated TMP117 remembers; a copy is a snapshot.
public struct TMP117State: Sendable {
  /// The memory from which a reset loads the registers; a power cycle keeps it.
  struct Memory: Sendable {
    var config: UInt16 = 0x0220
    var highLimit: UInt16 = 0x6000
    var lowLimit: UInt16 = 0x8000
    var offset: UInt16 = 0x0000
    /// EEPROM1…3; a real part carries its serial number here.
    var scratch: (UInt16, UInt16, UInt16) = (0, 0, 0)
  }

  /// MOD, the conversion mode.
  enum Mode: UInt16 {
    case continuous = 0
    case shutdown = 1
    case alsoContinuous = 2
    case oneShot = 3
  }

  var temperature: UInt16 = 0x8000
  /// Bits 11…2 of CONFIG.
  var config: UInt16
  var highLimit: UInt16
  var lowLimit: UInt16
  var offset: UInt16
  var highAlert = false
  var lowAlert = false
  var dataReady = false
  var memoryIsUnlocked = false
  /// Host time until which a memory write keeps EEPROM_Busy up. Unit: µs.
  var memoryBusyUntil: Int64 = 0
  var isConverting = true

  var memory = Memory()
  var port = RegisterPort()
  var alertIsAsserted = false
  var alertActivations: Int64 = 0
  var clock: ConversionClock
  var random: NoiseSource

  /// From power-on to the first conversion: 1.5 ms; after a soft reset 2 ms (unverified). Unit: ps.
  static let startUpTime: Int64 = 1_500_000_000
  static let resetTime: Int64 = 2_000_000_000

  init(clock: ConversionClock, random: NoiseSource, memory: Memory = Memory()) {
    self.clock = clock
    self.random = random
    self.memory = memory
    config = memory.config & 0x0FFC
    highLimit = memory.highLimit
    lowLimit = memory.lowLimit
    offset = memory.offset
    beginConversion(delay: Self.startUpTime)
  }

  /// Loads all registers from the memory.
  mutating func reset(delay: Int64) {
    var fresh = TMP117State(clock: clock, random: random, memory: memory)
    fresh.alertActivations = alertActivations
    fresh.beginConversion(delay: delay)
    self = fresh
  }
}

/// The fields of CONFIG and what they mean in time.
extension TMP117State {
  private static let averages: [Int64] = [1, 8, 32, 64]
  /// CONV: converting and resting. Unit: ms.
  private static let cycleTimes: [Int64] = [0, 125, 250, 500, 1000, 4000, 8000, 16000]
  /// AVG: one averaged conversion. Unit: µs.
  private static let shortestCycles: [Int64] = [15_500, 125_000, 500_000, 1_000_000]

  var mode: Mode { Mode(rawValue: config >> 10 & 3) ?? .continuous }
  var average: Int64 { Self.averages[averageCode] }
  private var averageCode: Int { Int(config >> 5 & 3) }
  var isThermostat: Bool { config & 0x0010 != 0 }
  var alertIsActiveHigh: Bool { config & 0x0008 != 0 }
  var alertShowsReady: Bool { config & 0x0004 != 0 }

  /// One averaged conversion: 15.5 ms, 125 ms, 500 ms or 1 s. Unit: ps.
  ///
  /// The datasheet's cycle table gives these round figures, a little over AVG · 15.5 ms.
  var conversionTime: Int64 { Self.shortestCycles[averageCode] * 1_000_000 }

  /// From one conversion to the next: CONV, but never shorter than the conversion. Unit: ps.
  var period: Int64 {
    max(Self.cycleTimes[Int(config >> 7 & 7)] * 1_000_000_000, conversionTime)
  }

  /// Starts an averaged conversion after a delay; it ends `conversionTime` later.
  mutating func beginConversion(delay: Int64 = 0) {
    isConverting = mode != .shutdown
    // In a cycle the conversion comes first and the rest after it.
    clock.restart(delay: delay - (period - conversionTime))
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Flags of DIAG_ALRT.
enum INA228Flag {
  static let energyOverflow: UInt16 = 1 << 11
  static let chargeOverflow: UInt16 = 1 << 10
  static let mathOverflow: UInt16 = 1 << 9
  static let temperatureOver: UInt16 = 1 << 7
  static let shuntOver: UInt16 = 1 << 6
  static let shuntUnder: UInt16 = 1 << 5
  static let busOver: UInt16 = 1 << 4
  static let busUnder: UInt16 = 1 << 3
  static let powerOver: UInt16 = 1 << 2
  static let conversionReady: UInt16 = 1 << 1
  static let memoryStatus: UInt16 = 1 << 0
  static let limits: UInt16 = 0x00FC
}

/// The fields of the configuration registers.
extension INA228State {
  private static let conversionTimes: [Int64] = [50, 84, 150, 280, 540, 1052, 2074, 4120]
  private static let averages: [Int64] = [1, 4, 16, 64, 128, 256, 512, 1024]

  var mode: UInt16 { adcConfig >> 12 }
  var isContinuous: Bool { mode & 0b1000 != 0 }
  var convertsBus: Bool { mode & 0b0001 != 0 }
  var convertsShunt: Bool { mode & 0b0010 != 0 }
  var convertsDie: Bool { mode & 0b0100 != 0 }
  var busTime: Int { Int(adcConfig >> 9 & 7) }
  var shuntTime: Int { Int(adcConfig >> 6 & 7) }
  var dieTime: Int { Int(adcConfig >> 3 & 7) }
  var average: Int64 { Self.averages[Int(adcConfig & 7)] }
  /// One conversion of each enabled input. Unit: µs of the chip's clock.
  var cycleTime: Int64 {
    (convertsBus ? Self.conversionTimes[busTime] : 0)
      + (convertsShunt ? Self.conversionTimes[shuntTime] : 0)
      + (convertsDie ? Self.conversionTimes[dieTime] : 0)
  }
  var hasNarrowRange: Bool { config & 0x0010 != 0 }
  var compensatesTemperature: Bool { config & 0x0020 != 0 }
  /// CONVDLY, 2 ms a step. Unit: ps.
  var conversionDelay: Int64 { Int64(config >> 6 & 0xFF) * 2_000_000_000 }
  var alertLatches: Bool { alertControl & 0x8000 != 0 }
  var alertShowsReady: Bool { alertControl & 0x4000 != 0 }
  var alertIsSlow: Bool { alertControl & 0x2000 != 0 }
  var alertIsActiveHigh: Bool { alertControl & 0x1000 != 0 }
}

/// Reading and writing registers over the bus.
extension INA228State {
  /// Latches the register under the pointer and applies what reading it does.
  mutating func latchRegister(deviceID: UInt16, memoryIsIntact: Bool, isCoarse: Bool) {
    if isCoarse, latchCoarse() { return }
    switch port.pointer {
    case 0x00: latch(config)
    case 0x01: latch(adcConfig)
    case 0x02: latch(shuntCalibration)
    case 0x03: latch(temperatureCoefficient)
    case 0x04: port.latch(Self.field(shuntCode), bytes: 3)
    case 0x05: port.latch(Self.field(busCode), bytes: 3)
    case 0x06: latch(UInt16(truncatingIfNeeded: dieCode))
    case 0x07: port.latch(Self.field(currentCode), bytes: 3)
    case 0x08: port.latch(UInt64(truncatingIfNeeded: powerCode), bytes: 3)
    case 0x09:
      port.latch(energy, bytes: 5)
      flags &= ~INA228Flag.energyOverflow
    case 0x0A:
      port.latch(UInt64(bitPattern: charge) & 0xFF_FFFF_FFFF, bytes: 5)
      flags &= ~INA228Flag.chargeOverflow
    case 0x0B: latchAlerts(memoryIsIntact: memoryIsIntact)
    case 0x0C: latch(shuntOverLimit)
    case 0x0D: latch(shuntUnderLimit)
    case 0x0E: latch(busOverLimit)
    case 0x0F: latch(busUnderLimit)
    case 0x10: latch(temperatureLimit)
    case 0x11: latch(powerLimit)
    case 0x3E: latch(0x5449)
    case 0x3F: latch(deviceID)
    default: latch(0)  // unverified: reserved addresses read zero
    }
  }

  /// The registers that an INA238 has with fewer bits, or not at all; false for the others.
  private mutating func latchCoarse() -> Bool {
    switch port.pointer {
    case 0x04: latch(UInt16(truncatingIfNeeded: shuntCode >> 4))
    case 0x05: latch(UInt16(truncatingIfNeeded: busCode >> 4))
    case 0x06: latch(UInt16(truncatingIfNeeded: dieCode) & 0xFFF0)
    case 0x07: latch(UInt16(truncatingIfNeeded: currentCode >> 4))
    case 0x03, 0x09, 0x0A: latch(0)
    default: return false
    }
    return true
  }

  private mutating func latch(_ value: UInt16) { port.latch(UInt64(value), bytes: 2) }

  /// A 20-bit code in bits 23:4.
  private static func field(_ code: Int64) -> UInt64 {
    UInt64(truncatingIfNeeded: code << 4) & 0xFF_FFFF
  }

  private mutating func latchAlerts(memoryIsIntact: Bool) {
    latch(alertControl | flags | (memoryIsIntact ? INA228Flag.memoryStatus : 0))
    flags &= ~INA228Flag.conversionReady
    if alertLatches { flags &= ~INA228Flag.limits }
    updateAlert()
  }

  /// Takes a completed register write; read-only registers ignore it.
  mutating func write(_ word: RegisterPort.Word) {
    switch word.address {
    case 0x00: writeConfig(word.value)
    case 0x01: writeADCConfig(word.value)
    case 0x02: writeShuntCalibration(word.value & 0x7FFF)
    case 0x03: temperatureCoefficient = word.value & 0x3FFF
    case 0x0B:
      alertControl = word.value & 0xF000
      updateAlert()
    case 0x0C: shuntOverLimit = word.value
    case 0x0D: shuntUnderLimit = word.value
    case 0x0E: busOverLimit = word.value & 0x7FFF
    case 0x0F: busUnderLimit = word.value & 0x7FFF
    case 0x10: temperatureLimit = word.value
    case 0x11: powerLimit = word.value
    default: break
    }
  }

  private mutating func writeConfig(_ value: UInt16) {
    if value & 0x8000 != 0 {
      let pointer = port
      reset()
      port = pointer
      return
    }
    if value & 0x4000 != 0 { clearAccumulators() }
    // Unverified: a change of range or delay restarts the converter, other writes do not.
    let restarts = (value ^ config) & 0x3FD0 != 0
    config = value & 0x3FF0
    if restarts { restartConverter() }
  }

  private mutating func writeADCConfig(_ value: UInt16) {
    adcConfig = value
    flags &= ~INA228Flag.conversionReady
    restartConverter()
    updateAlert()
  }

  /// SHUNT_CAL 0 makes CURRENT, POWER, ENERGY and CHARGE report zero (SLYS021A).
  private mutating func writeShuntCalibration(_ value: UInt16) {
    shuntCalibration = value
    guard value == 0 else { return }
    currentCode = 0
    powerCode = 0
    clearAccumulators()
  }

  private mutating func clearAccumulators() {
    energy = 0
    charge = 0
    energyFraction = CountFraction()
    chargeFraction = CountFraction()
    // Unverified: the overflow flags go with what they speak of.
    flags &= ~(INA228Flag.energyOverflow | INA228Flag.chargeOverflow)
  }

  private mutating func restartConverter() {
    isConverting = cycleTime > 0
    windowFill = 0
    clearWindow()
    clock.restart(delay: conversionDelay)
  }

  mutating func clearWindow() {
    shuntSum = 0
    busSum = 0
    dieSum = 0
  }
}

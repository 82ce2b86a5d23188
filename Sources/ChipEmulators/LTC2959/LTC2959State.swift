// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated LTC2959 remembers; a copy is a snapshot.
public struct LTC2959State: Sendable {
  /// What the pins see.
  struct Inputs: Sendable {
    var volts: Double
    /// As the converter sees it.
    var shuntVolts: Double
    /// As the counter sees it.
    var countedVolts: Double
    var celsius: Double
    var pinVolts: Double
  }

  /// Registers 00h…2Eh.
  private var registers: AlertRegisters
  /// What of the charge makes no whole count yet.
  private var fraction = 0.0
  private(set) var isSupplied: Bool
  private var clock: ConversionClock
  var port = BytePort()

  /// See `LTC2959Emulator`. Unit: V.
  static let leastVolts = 1.8
  /// All inputs once: assumed. Unit: ps.
  private static let period: Int64 = 60_000_000_000
  /// Of smart sleep. Unit: ps.
  private static let sleepPeriod: Int64 = 52_000_000_000_000

  init(clock: ConversionClock, isSupplied: Bool) {
    self.clock = clock
    self.isSupplied = isSupplied
    registers = AlertRegisters([UInt8](repeating: 0, count: 0x2F))
    registers[0x00] = 0x01
    registers[0x01] = 0x18
    registers[0x02] = 0x50
    registers[0x03] = 0x80
    for byte in 0x0B...0x0E { registers[byte] = 0xFF }
    for (register, word) in [
      (0x11, 0xFFFF), (0x17, 0xFFFF), (0x1B, 0x7FFF), (0x1D, 0x8000), (0x1F, 0x8000),
      (0x21, 0x7FFF), (0x25, 0xFFFF), (0x2B, 0x7FFF), (0x2D, 0x8000),
    ] as [(Int, UInt16)] {
      registers.store(word, at: register)
    }
    self.clock.restart()
  }

  /// Everything but time back to power-on.
  mutating func reset() { self = LTC2959State(clock: clock, isSupplied: isSupplied) }

  mutating func advance(to end: Int64, supply volts: Double, _ inputs: Inputs) {
    clock.requireNotPast(end)
    let isNowSupplied = volts >= Self.leastVolts
    if isSupplied != isNowSupplied {
      isSupplied = isNowSupplied
      reset()
    }
    guard isSupplied else {
      clock.idle(to: end)
      return
    }
    count(inputs, seconds: Double(end - clock.now) * 1e-6)
    guard mode != 0 else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let period = mode == 1 ? Self.sleepPeriod : Self.period
      if clock.cycles(to: stop, period: period) > 0 { convert(inputs) }
    }
  }

  /// 0 sleep, 1 smart sleep, 2 voltage, 3 current, 4 both, 5 once, 6 voltage, current, temperature.
  private var mode: UInt8 { registers[0x01] >> 5 }
}

/// Counting and converting.
extension LTC2959State {
  private func long(_ register: Int) -> UInt32 {
    UInt32(registers.word(register)) << 16 | UInt32(registers.word(register + 2))
  }

  /// A count is 0.533 µAh over 50 mΩ: 26.65 nVh.
  private mutating func count(_ inputs: Inputs, seconds: Double) {
    let deadBand = [0, 20e-6, 40e-6, 80e-6][Int(registers[0x02] >> 6)]
    guard registers[0x02] & 0x08 == 0, abs(inputs.countedVolts) > deadBand else { return }
    fraction += inputs.countedVolts * seconds / (26.65e-9 * 3_600)
    let whole = fraction.rounded(.towardZero)
    fraction -= whole
    let wanted = Int64(long(0x03)) + Int64(whole)
    if wanted < 0 || wanted > Int64(UInt32.max) { registers.raise(0x20) }
    let held = UInt32(truncatingIfNeeded: wanted)
    registers.store(UInt16(held >> 16), at: 0x03)
    registers.store(UInt16(held & 0xFFFF), at: 0x05)
    if held < long(0x07) { registers.raise(0x04) }
    if held > long(0x0B) { registers.raise(0x08) }
  }

  private mutating func convert(_ inputs: Inputs) {
    if mode != 3 { convertVoltage(inputs.volts) }
    if mode != 2 { convertCurrent(inputs.shuntVolts) }
    if mode == 1 || mode >= 5 { convertTemperature(inputs.celsius) }
    convertPin(inputs.pinVolts)
    // One conversion of each, and to sleep again.
    if mode == 5 { registers[0x01] &= 0x1F }
  }

  private mutating func convertVoltage(_ volts: Double) {
    let code = Self.unsigned(volts / 62.6 * 65_536)
    registers.store(code, at: 0x0F)
    registers.store(max(registers.word(0x15), code), at: 0x15)
    registers.store(min(registers.word(0x17), code), at: 0x17)
    if code > registers.word(0x11) || code < registers.word(0x13) { registers.raise(0x02) }
  }

  private mutating func convertCurrent(_ volts: Double) {
    let code = Self.signed(volts / 0.0975 * 32_768)
    registers.store(UInt16(bitPattern: code), at: 0x19)
    registers.store(
      UInt16(bitPattern: max(Int16(bitPattern: registers.word(0x1F)), code)), at: 0x1F)
    registers.store(
      UInt16(bitPattern: min(Int16(bitPattern: registers.word(0x21)), code)), at: 0x21)
    if code > Int16(bitPattern: registers.word(0x1B))
      || code < Int16(bitPattern: registers.word(0x1D))
    {
      registers.raise(0x40)
    }
  }

  private mutating func convertTemperature(_ celsius: Double) {
    let code = Self.unsigned((celsius + 273.15) / 825 * 65_536)
    registers.store(code, at: 0x23)
    if code > registers.word(0x25) || code < registers.word(0x27) { registers.raise(0x10) }
  }

  /// GPIO as a bipolar or as a unipolar input.
  private mutating func convertPin(_ volts: Double) {
    let use = registers[0x01] >> 3 & 3
    guard use >= 2 else { return }
    let code = Self.signed(volts / (use == 2 ? 0.0975 : 1.56) * 32_768)
    registers.store(UInt16(bitPattern: code), at: 0x29)
    if code > Int16(bitPattern: registers.word(0x2B))
      || code < Int16(bitPattern: registers.word(0x2D))
    {
      registers.raise(0x80)
    }
  }

  private static func unsigned(_ value: Double) -> UInt16 {
    UInt16(min(max(value.rounded(), 0), 65_535))
  }

  private static func signed(_ value: Double) -> Int16 {
    Int16(min(max(value.rounded(), -32_768), 32_767))
  }

  /// GPIO as an alert.
  var isAlerting: Bool { registers[0x01] >> 3 & 3 == 0 && registers.hasAlert }
}

/// Reading and writing registers over the bus.
extension LTC2959State {
  mutating func read(_ register: UInt8) -> UInt8 { registers.read(register) }

  mutating func write(_ byte: UInt8, to register: UInt8) {
    switch register {
    case 0x01:
      registers[0x01] = byte
      clock.restart()
    // Bit 4 is always set.
    case 0x02: registers[0x02] = byte & 0xD8 | 0x10
    case 0x03...0x06:
      registers[Int(register)] = byte
      fraction = 0
    case 0x07...0x0E, 0x11...0x18, 0x1B...0x22, 0x25...0x28, 0x2B...0x2E:
      registers[Int(register)] = byte
    default: break
    }
  }
}

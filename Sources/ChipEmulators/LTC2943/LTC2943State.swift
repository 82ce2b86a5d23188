// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated LTC2943 remembers; a copy is a snapshot.
public struct LTC2943State: Sendable {
  /// What the pins see.
  struct Inputs: Sendable {
    var volts: Double
    /// As the converter sees it.
    var shuntVolts: Double
    /// As the counter sees it.
    var countedVolts: Double
    var celsius: Double
    var isChargeComplete: Bool
  }

  private let variant: LTC2943Emulator.Variant
  /// Registers 00h…17h.
  private var registers = AlertRegisters(Self.atReset)
  /// What of the charge makes no whole count yet.
  private var fraction = 0.0
  private(set) var isSupplied: Bool
  private var clock: ConversionClock
  var port = BytePort()

  /// See `LTC2943Emulator`. Unit: V.
  static let leastVolts = 3.6
  /// Voltage, current and temperature once: assumed. Unit: ps.
  private static let automaticPeriod: Int64 = 100_000_000_000
  private static let scanPeriod: Int64 = 10_000_000_000_000

  /// The middle of the count; thresholds that nothing reaches; the supply was away.
  private static let atReset: [UInt8] = [
    0x01, 0x3C, 0x7F, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00,
    0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0x00,
  ]

  init(variant: LTC2943Emulator.Variant, clock: ConversionClock, isSupplied: Bool) {
    self.variant = variant
    self.clock = clock
    self.isSupplied = isSupplied
    self.clock.restart()
  }

  /// Everything but time back to power-on.
  mutating func reset() {
    self = LTC2943State(variant: variant, clock: clock, isSupplied: isSupplied)
  }

  mutating func advance(to end: Int64, supply volts: Double, _ inputs: Inputs) {
    clock.requireNotPast(end)
    let isNowSupplied = volts >= Self.leastVolts
    if isSupplied != isNowSupplied {
      isSupplied = isNowSupplied
      reset()
    }
    guard isSupplied, registers[0x01] & 0x01 == 0 else {
      clock.idle(to: end)
      return
    }
    count(inputs, seconds: Double(end - clock.now) * 1e-6)
    let period = mode == 2 ? Self.scanPeriod : Self.automaticPeriod
    guard mode != 0 else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      if clock.cycles(to: stop, period: period) > 0 { convert(inputs) }
    }
  }

  /// 0 sleep, 1 once, 2 every 10 s, 3 without end.
  private var mode: UInt8 { registers[0x01] >> 6 }

  /// 4 to the power of the code; the last two codes are the same.
  private var prescaler: Double {
    Double(Int64(1) << (2 * min(Int64(registers[0x01] >> 3 & 7), 6)))
  }
}

/// Counting and converting.
extension LTC2943State {
  /// A count is 0.340 mAh over 50 mΩ at the largest prescaler, 17 µVh; it stops at its ends.
  private mutating func count(_ inputs: Inputs, seconds: Double) {
    fraction += inputs.countedVolts * seconds / (17e-6 * 3_600 * prescaler / 4_096)
    let whole = fraction.rounded(.towardZero)
    fraction -= whole
    let wanted = Double(registers.word(0x02)) + whole
    if wanted < 0 || wanted > 65_535 { registers.raise(0x20) }
    registers.store(UInt16(min(max(wanted, 0), 65_535)), at: 0x02)
    // The pin as an input says that the charge is complete.
    if registers[0x01] & 0x06 == 0x02, inputs.isChargeComplete { registers.store(0xFFFF, at: 0x02) }
    if registers.word(0x02) >= registers.word(0x04) { registers.raise(0x08) }
    if registers.word(0x02) <= registers.word(0x06) { registers.raise(0x04) }
  }

  private mutating func convert(_ inputs: Inputs) {
    // 14, 12 and 11 bits, at the upper end of the word.
    let fullScale = variant == .ltc2943 ? 23.6 : 70.8
    registers.store(Self.code(inputs.volts / fullScale * 65_535, step: 4), at: 0x08)
    let range = variant == .ltc2943 ? 0.060 : 0.064
    registers.store(Self.code(32_767 + inputs.shuntVolts / range * 32_767, step: 16), at: 0x0E)
    registers.store(Self.code((inputs.celsius + 273.15) / 510 * 65_535, step: 32), at: 0x14)
    if registers.word(0x08) >= registers.word(0x0A) || registers.word(0x08) <= registers.word(0x0C)
    {
      registers.raise(0x02)
    }
    if registers.word(0x0E) >= registers.word(0x10) || registers.word(0x0E) <= registers.word(0x12)
    {
      registers.raise(0x40)
    }
    if registers[0x14] >= registers[0x16] || registers[0x14] <= registers[0x17] {
      registers.raise(0x10)
    }
    // One conversion, and to sleep again.
    if mode == 1 { registers[0x01] &= 0x3F }
  }

  private static func code(_ value: Double, step: Double) -> UInt16 {
    UInt16(min(max((value / step).rounded() * step, 0), 65_536 - step))
  }

  /// The pin as an alert, which is its function after a reset.
  var isAlerting: Bool { registers[0x01] & 0x06 == 0x04 && registers.hasAlert }
}

/// Reading and writing registers over the bus.
extension LTC2943State {
  mutating func read(_ register: UInt8) -> UInt8 { registers.read(register) }

  mutating func write(_ byte: UInt8, to register: UInt8) {
    switch register {
    case 0x01:
      // Another prescaler begins a new count.
      if (registers[0x01] ^ byte) & 0x38 != 0 { fraction = 0 }
      // Both settings of the pin at once are not allowed.
      registers[0x01] = byte & 0x06 == 0x06 ? byte & ~0x06 : byte
      clock.restart()
    case 0x02, 0x03:
      guard registers[0x01] & 0x01 != 0 else { return }
      registers[Int(register)] = byte
      fraction = 0
    case 0x04...0x07, 0x0A...0x0D, 0x10...0x13, 0x16...0x17: registers[Int(register)] = byte
    default: break
    }
  }
}

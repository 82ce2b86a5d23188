// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated DS3231 remembers; a copy is a snapshot.
public struct DS3231State: Sendable {
  /// Registers 00h…12h; the time is kept here as it is written, in decimal digits.
  var registers: [UInt8]
  /// The time as it was when the read began.
  var copy: [UInt8] = Array(repeating: 0, count: 7)
  var pointer = 0
  var awaitsPointer = false
  /// The seconds until the temperature is measured: 64 s in operation.
  var secondsToMeasurement: Int64 = 1
  var clock: ConversionClock
  /// How much the oscillator is fast. Unit: ppb.
  let drift: Int64

  /// The first second of 2000, day 1 of the week; alarms zero; control and status; no temperature.
  static let atReset: [UInt8] = [
    0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0x88, 0, 0, 0,
  ]

  init(clock: ConversionClock, drift: Int64) {
    self.clock = clock
    self.drift = drift
    registers = Self.atReset
  }

  /// The cell and the supply were both away: everything is lost.
  mutating func reset() {
    registers = Self.atReset
    secondsToMeasurement = 1
    clock.restart()
  }

  /// With EOSC set the oscillator stops when the clock goes over to its cell.
  mutating func loseSupply(hasCell: Bool) {
    pointer = 0
    if !hasCell { reset() } else if stopsOnCell { registers[0x0F] |= 0x80 }
  }

  private var stopsOnCell: Bool { registers[0x0E] & 0x80 != 0 }

  /// One second of the oscillator in host time: 10^12 ps, and 1000 ps less for each ppb fast.
  private var second: Int64 { 1_000_000_000_000 - drift * 1_000 }

  mutating func advance(to end: Int64, isSupplied: Bool, hasCell: Bool, _ celsius: Double) {
    clock.requireNotPast(end)
    guard isSupplied || hasCell && !stopsOnCell else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      for _ in 0..<clock.cycles(to: stop, period: second) { tick(celsius) }
    }
  }

  private mutating func tick(_ celsius: Double) {
    countSecond()
    checkAlarms()
    secondsToMeasurement -= 1
    // CONV asks for one out of turn; here it comes with the next second.
    if secondsToMeasurement == 0 || registers[0x0E] & 0x20 != 0 { measure(celsius) }
  }

  private mutating func measure(_ celsius: Double) {
    secondsToMeasurement = 64
    registers[0x0E] &= ~0x20
    let code = Int16(min(max((celsius * 4).rounded(), -512), 511))
    registers[0x11] = UInt8(truncatingIfNeeded: code >> 2)
    registers[0x12] = UInt8(truncatingIfNeeded: code << 6)
  }

  /// INT is low while an enabled alarm is flagged and INTCN selects it.
  var interrupts: Bool {
    registers[0x0E] & 0x04 != 0 && registers[0x0E] & registers[0x0F] & 0x03 != 0
  }
}

/// The calendar, digit by digit as the chip has it.
extension DS3231State {
  private static func next(_ code: UInt8) -> UInt8 {
    code & 0xF == 9 ? (code & 0xF0) + 0x10 : code + 1
  }

  /// Counts a register up to `last`, then back to `first`; true if it went back.
  private mutating func count(_ register: Int, from first: UInt8, to last: UInt8) -> Bool {
    let isLast = registers[register] >= last
    registers[register] = isLast ? first : Self.next(registers[register])
    return isLast
  }

  private mutating func countSecond() {
    guard count(0, from: 0, to: 0x59), count(1, from: 0, to: 0x59), countHour() else { return }
    _ = count(3, from: 1, to: 7)
    guard count(4, from: 1, to: daysInMonth) else { return }
    let century = registers[5] & 0x80
    registers[5] &= 0x7F
    let isNewYear = count(5, from: 1, to: 0x12)
    registers[5] |= century
    if isNewYear, count(6, from: 0, to: 0x99) { registers[5] ^= 0x80 }
  }

  /// Twelve hours from 12 to 11 with a mark for the afternoon, or 24; true at midnight.
  private mutating func countHour() -> Bool {
    guard registers[2] & 0x40 != 0 else { return count(2, from: 0, to: 0x23) }
    let afternoon = registers[2] & 0x20
    switch registers[2] & 0x1F {
    case 0x12: registers[2] = 0x41 | afternoon
    case 0x11:
      registers[2] = 0x52 | afternoon ^ 0x20
      return afternoon != 0
    case let hour: registers[2] = 0x40 | afternoon | Self.next(hour)
    }
    return false
  }

  /// Every fourth year is a leap year, 2100 as well.
  private var daysInMonth: UInt8 {
    let year = Int(registers[6] >> 4) * 10 + Int(registers[6] & 0xF)
    switch registers[5] & 0x1F {
    case 0x02: return year % 4 == 0 ? 0x29 : 0x28
    case 0x04, 0x06, 0x09, 0x11: return 0x30
    default: return 0x31
    }
  }

  private mutating func checkAlarms() {
    if matches(alarm: 0x07, time: 0), matches(alarm: 0x08, time: 1), matches(alarm: 0x09, time: 2),
      matchesDay(alarm: 0x0A)
    {
      registers[0x0F] |= 0x01
    }
    if registers[0] == 0, matches(alarm: 0x0B, time: 1), matches(alarm: 0x0C, time: 2),
      matchesDay(alarm: 0x0D)
    {
      registers[0x0F] |= 0x02
    }
  }

  /// Bit 7 of an alarm's register leaves it out of the comparison.
  private func matches(alarm: Int, time: Int) -> Bool {
    registers[alarm] & 0x80 != 0 || registers[alarm] == registers[time]
  }

  /// Bit 6 chooses the day of the week instead of the month.
  private func matchesDay(alarm: Int) -> Bool {
    let value = registers[alarm]
    if value & 0x80 != 0 { return true }
    return value & 0x40 != 0 ? value & 0x0F == registers[3] : value & 0x3F == registers[4]
  }
}

/// Reading and writing registers over the bus.
extension DS3231State {
  /// The bits of each register that exist, and so can be written.
  private static let writable: [UInt8] = [
    0x7F, 0x7F, 0x7F, 0x07, 0x3F, 0x9F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x08,
    0xFF, 0, 0,
  ]

  mutating func start(_ direction: I2CDirection) {
    awaitsPointer = direction == .write
    if direction == .read { copyTime() }
  }

  private mutating func copyTime() {
    for index in 0..<7 { copy[index] = registers[index] }
  }

  mutating func receive(_ byte: UInt8) {
    if awaitsPointer {
      // Unverified: addresses beyond the last register wrap.
      pointer = Int(byte) % registers.count
      awaitsPointer = false
      return
    }
    write(byte)
    pointer = (pointer + 1) % registers.count
  }

  private mutating func write(_ byte: UInt8) {
    let mask = Self.writable[pointer]
    if pointer == 0x0F {
      // OSF and the alarm flags can only be cleared.
      registers[0x0F] = registers[0x0F] & byte & 0x83 | byte & mask
    } else {
      registers[pointer] = registers[pointer] & ~mask | byte & mask
    }
    // Setting the seconds starts the second anew.
    if pointer == 0 { clock.restart() }
  }

  mutating func transmit() -> UInt8 {
    let byte = pointer < 7 ? copy[pointer] : registers[pointer]
    pointer = (pointer + 1) % registers.count
    if pointer == 0 { copyTime() }
    return byte
  }
}

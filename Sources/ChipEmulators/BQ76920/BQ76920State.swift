// SPDX-License-Identifier: Apache-2.0

internal import BusProtocols

/// Everything an emulated BQ76920 remembers; a copy is a snapshot.
public struct BQ76920State: Sendable {
  /// Registers 00h…5Fh.
  var registers: [UInt8]
  var isAwake = false
  /// Whether the stack is high enough for the chip to be woken.
  var isSupplied = true
  let gain: Double
  let offset: Double
  private let fresh: [UInt8]

  private var clock: ConversionClock
  /// Conversion cycles since the chip woke.
  private var cycles: Int64 = 0
  /// How many cycles in a row a cell was too high or too low.
  private var highCycles: Int64 = 0
  private var lowCycles: Int64 = 0
  /// How long the discharge has been beyond its thresholds. Unit: µs.
  private var overcurrentTime: Int64 = 0
  private var shortCircuitTime: Int64 = 0
  /// Of the three writes that lead to SHIP: how many came.
  private var shipSteps = 0

  private var pointer: UInt8 = 0
  private var received = 0
  private var data: UInt8 = 0
  private var isRead = false
  private var isChecksumNext = false
  private var code = PacketErrorCode()

  /// One conversion of all cells and of the current: 250 ms. Unit: ps.
  private static let period: Int64 = 250_000_000_000
  /// See `BQ76920Emulator`. Unit: V.
  private static let leastVolts = 3.6

  init(errors: BQ76920Errors) {
    gain = (365 + Double(errors.gainCode)) * 1e-6
    offset = Double(errors.offset) * 1e-3
    var registers = [UInt8](repeating: 0, count: 0x60)
    registers[0x09] = 0xAC
    registers[0x0A] = 0x97
    // The gain's bits 4:3 are bits 3:2 of ADCGAIN1, its bits 2:0 bits 7:5 of ADCGAIN2.
    registers[0x50] = (errors.gainCode >> 3) << 2
    registers[0x51] = UInt8(bitPattern: errors.offset)
    registers[0x59] = errors.gainCode << 5
    fresh = registers
    self.registers = registers
    clock = ConversionClock(partsPerMillion: errors.clockPartsPerMillion)
  }

  mutating func turnOff() {
    isAwake = false
    registers = fresh
    cycles = 0
    (highCycles, lowCycles) = (0, 0)
    (overcurrentTime, shortCircuitTime) = (0, 0)
    shipSteps = 0
    pointer = 0
  }

  mutating func boot() {
    guard !isAwake, isSupplied else { return }
    isAwake = true
    clock.restart()
  }

  mutating func advance(to end: Int64, _ inputs: BQ76920Inputs) {
    clock.requireNotPast(end)
    var stack = 0.0
    for cell in 0..<5 { stack += inputs.cellVolts[cell] }
    isSupplied = stack >= Self.leastVolts
    if !isSupplied, isAwake { turnOff() }
    guard isAwake else {
      clock.idle(to: end)
      return
    }
    compareCurrent(inputs.shuntVolts, for: end - clock.now)
    registers[0x04] = registers[0x04] & 0x7F | (inputs.hasLoad && !chargeIsOn ? 0x80 : 0)
    if inputs.isAlertForced, registers[0x00] & 0xAF == 0 { notice(0x10) }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let count = clock.cycles(to: stop, period: Self.period)
      if count > 0 { convert(inputs, stack: stack, count: count) }
    }
  }

  private var chargeIsOn: Bool { registers[0x05] & 0x01 != 0 }
}

/// Measuring and protecting.
extension BQ76920State {
  private mutating func convert(_ inputs: BQ76920Inputs, stack: Double, count: Int64) {
    let before = cycles
    cycles += count
    if registers[0x04] & 0x10 != 0 {
      // While a cell is balanced, the cells are measured in every second cycle (assumed).
      if registers[0x01] == 0 || cycles / 2 != before / 2 { convertCells(inputs.cellVolts) }
      if cycles / 8 != before / 8 { convertSlow(inputs, stack: stack) }
      compareCells(for: count)
    }
    countCharge(inputs.shuntVolts)
  }

  private mutating func convertCells(_ volts: InlineArray<5, Double>) {
    for cell in 0..<5 { store(code(of: volts[cell]), at: 0x0C + 2 * cell) }
  }

  private func code(of volts: Double) -> UInt16 {
    UInt16(min(max(((volts - offset) / gain).rounded(), 0), 16_383))
  }

  private mutating func store(_ word: UInt16, at register: Int) {
    registers[register] = UInt8(word >> 8)
    registers[register + 1] = UInt8(word & 0xFF)
  }

  private func word(at register: Int) -> UInt16 {
    UInt16(registers[register]) << 8 | UInt16(registers[register + 1])
  }

  /// The stack, and the thermistor or the die. An input that is tied together counts for no cell.
  private mutating func convertSlow(_ inputs: BQ76920Inputs, stack: Double) {
    var count = 0.0
    for cell in 0..<5 where inputs.cellVolts[cell] != 0 { count += 1 }
    let steps = (stack - count * offset) / (4 * gain)
    store(UInt16(min(max(steps.rounded(), 0), 65_535)), at: 0x2A)
    let isExternal = registers[0x04] & 0x08 != 0
    let ohms = inputs.thermistorOhms
    let volts =
      isExternal
      ? (ohms.isFinite ? 3.3 * ohms / (10_000 + ohms) : 3.3)
      : 1.2 - 0.0042 * (inputs.dieCelsius - 25)
    store(UInt16(min(max((volts / 382e-6).rounded(), 0), 16_383)), at: 0x2C)
  }

  private mutating func countCharge(_ shuntVolts: Double) {
    guard registers[0x05] & 0x60 != 0 else { return }
    let steps = min(max((shuntVolts / 8.44e-6).rounded(), -32_768), 32_767)
    store(UInt16(bitPattern: Int16(steps)), at: 0x32)
    registers[0x00] |= 0x80
    // CC_ONESHOT ends with its conversion.
    registers[0x05] &= ~0x20
  }

  private mutating func compareCells(for count: Int64) {
    let high = UInt16(0x2008) | UInt16(registers[0x09]) << 4
    let low = UInt16(0x1000) | UInt16(registers[0x0A]) << 4
    var isHigh = false
    var isLow = false
    for cell in 0..<5 {
      let code = word(at: 0x0C + 2 * cell)
      if code > high { isHigh = true }
      if code < low, code >= 0x0518 { isLow = true }
    }
    highCycles = isHigh ? highCycles + count : 0
    lowCycles = isLow ? lowCycles + count : 0
    let isImmediate = registers[0x05] & 0x80 != 0
    let highDelay = [4, 8, 16, 32][Int(registers[0x08] >> 4 & 3)]
    let lowDelay = [4, 16, 32, 64][Int(registers[0x08] >> 6)]
    if isHigh, isImmediate || highCycles >= highDelay { notice(0x04) }
    if isLow, isImmediate || lowCycles >= lowDelay { notice(0x08) }
  }

  /// Two comparators watch a discharge, without the converter.
  private mutating func compareCurrent(_ shuntVolts: Double, for time: Int64) {
    // The upper range's thresholds; the lower range's are the halves, as the datasheet rounds them.
    let isUpper = registers[0x06] & 0x80 != 0
    let short = isUpper ? Self.upperShort : Self.lowerShort
    let over = isUpper ? Self.upperOver : Self.lowerOver
    let millivolts = -shuntVolts * 1e3
    let isImmediate = registers[0x05] & 0x80 != 0
    shortCircuitTime =
      millivolts > short[Int(registers[0x06] & 7)] ? shortCircuitTime + time : 0
    overcurrentTime = millivolts > over[Int(registers[0x07] & 15)] ? overcurrentTime + time : 0
    let shortDelay = [70, 100, 200, 400][Int(registers[0x06] >> 3 & 3)]
    let overDelay = Int64(registers[0x07] >> 4 & 7)
    // 8 ms, then 20 ms doubled each time.
    let overTime = overDelay == 0 ? 8_000 : Int64(10_000) << overDelay
    if shortCircuitTime > 0, isImmediate || shortCircuitTime >= shortDelay { notice(0x02) }
    if overcurrentTime > 0, isImmediate || overcurrentTime >= overTime { notice(0x01) }
  }

  private static let upperShort: [Double] = [44, 67, 89, 111, 133, 155, 178, 200]
  private static let lowerShort: [Double] = [22, 33, 44, 56, 67, 78, 89, 100]
  private static let upperOver: [Double] = [
    17, 22, 28, 33, 39, 44, 50, 56, 61, 67, 72, 78, 83, 89, 94, 100,
  ]
  private static let lowerOver: [Double] = [
    8, 11, 14, 17, 19, 22, 25, 28, 31, 33, 36, 39, 42, 44, 47, 50,
  ]

  /// Notes faults and opens the switches that they concern; only the host closes them.
  mutating func notice(_ faults: UInt8) {
    guard isAwake else { return }
    registers[0x00] |= faults
    registers[0x05] &= ~Self.forbidden(by: faults)
    // DEVICE_XREADY ends the balancing, too.
    if faults & 0x20 != 0 { registers[0x01] = 0 }
  }

  /// CHG_ON and DSG_ON that faults do not allow.
  private static func forbidden(by faults: UInt8) -> UInt8 {
    (faults & 0x34 != 0 ? 0x01 : 0) | (faults & 0x3B != 0 ? 0x02 : 0)
  }
}

/// Reading and writing registers over the bus.
extension BQ76920State {
  mutating func start(_ direction: I2CDirection) {
    code.restart()
    isRead = direction == .read
    code.add(isRead ? 0x11 : 0x10)
    received = 0
    isChecksumNext = false
  }

  mutating func transmit() -> UInt8 {
    defer { isChecksumNext.toggle() }
    if isChecksumNext {
      defer { code.restart() }
      return code.value
    }
    let byte = pointer < 0x60 ? registers[Int(pointer)] : 0
    pointer &+= 1
    code.add(byte)
    return byte
  }

  mutating func receive(_ byte: UInt8) -> Bool {
    defer { received = received == 2 ? 1 : received + 1 }
    switch received {
    case 0:
      pointer = byte
      code.add(byte)
    case 1:
      data = byte
      code.add(byte)
    default:
      guard byte == code.value else { return false }
      write(data, to: pointer)
      pointer &+= 1
      code.restart()
    }
    return true
  }

  /// Bits that can be written, from 00h on; the others and all that is measured cannot.
  private static let writable: [UInt8] = [
    0xBF, 0x1F, 0x00, 0x00, 0x1B, 0xE3, 0x9F, 0x7F, 0xF0, 0xFF, 0xFF, 0x3F,
  ]

  private mutating func write(_ byte: UInt8, to register: UInt8) {
    guard register < 0x0C else { return }
    let mask = Self.writable[Int(register)]
    switch register {
    // A one clears, a zero leaves.
    case 0x00: registers[0x00] &= ~(byte & mask)
    case 0x04: writeControl(byte, mask)
    case 0x05:
      registers[0x05] = byte & mask & ~Self.forbidden(by: registers[0x00])
    default:
      let held = registers[Int(register)]
      registers[Int(register)] = held & ~mask | byte & mask
    }
  }

  /// SHUT_A and SHUT_B as 0,0 then 0,1 then 1,0 put the chip into SHIP.
  private mutating func writeControl(_ byte: UInt8, _ mask: UInt8) {
    registers[0x04] = registers[0x04] & ~mask | byte & mask
    switch (byte & 3, shipSteps) {
    case (0, _): shipSteps = 1
    case (1, 1): shipSteps = 2
    case (2, 2): turnOff()
    default: shipSteps = 0
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated BQ34Z100 remembers; a copy is a snapshot.
public struct BQ34Z100State: Sendable {
  /// What the pins see.
  struct Inputs: Sendable {
    var pinVolts: Double
    var shuntVolts: Double
    var celsius: Double
  }

  /// In the flash, like `isGauging`: it outlives the supply.
  private var flash = BQ34Z100Flash()
  private var isGauging = false
  private(set) var programmedBlocks: Int64 = 0

  private(set) var isSupplied = true
  private var clock: ConversionClock
  private var lithium = LithiumGauge()
  private var volts = 0.0
  private var milliamperes = 0.0
  private var celsius = 25.0

  private var isSealed = true
  private var hasFirstKey = false
  private var controlLow: UInt8 = 0
  private var controlAnswer: UInt16 = 0
  private var dataClass: UInt8 = 0
  private var blockNumber: UInt8 = 0
  private var isBlockAccess = false
  private var block = [UInt8](repeating: 0, count: 32)
  /// From when the window shows the block; nil if none was asked for. Host time, µs.
  private var blockReadyAt: Int64?
  private var programmedAt: Int64?
  var port = BytePort()

  /// See `BQ34Z100Emulator`. Unit: V.
  private static let leastVolts = 2.7
  private static let second: Int64 = 1_000_000_000_000
  /// How long a block is programmed, with the bus unanswered. Unit: µs.
  private static let programmingTime: Int64 = 100_000

  init(clock: ConversionClock) {
    self.clock = clock
    self.clock.restart()
  }

  /// Everything but time and flash back to power-on.
  mutating func reset() {
    var fresh = BQ34Z100State(clock: clock)
    fresh.flash = flash
    fresh.isGauging = isGauging
    fresh.programmedBlocks = programmedBlocks
    fresh.isSupplied = isSupplied
    self = fresh
  }

  var isProgramming: Bool {
    programmedAt.map { clock.now < $0 + Self.programmingTime } ?? false
  }

  mutating func advance(to end: Int64, supply: Double, _ inputs: Inputs) {
    clock.requireNotPast(end)
    let isNowSupplied = supply >= Self.leastVolts
    if isSupplied != isNowSupplied {
      isSupplied = isNowSupplied
      reset()
    }
    guard isSupplied else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let seconds = clock.cycles(to: stop, period: Self.second)
      if seconds > 0 { measure(inputs, seconds: seconds) }
    }
  }

  /// The gain is taken for that of 10 mΩ, whatever was written.
  private mutating func measure(_ inputs: Inputs, seconds: Int64) {
    volts = min(inputs.pinVolts, 1) * flash.voltageDivider
    milliamperes = inputs.shuntVolts / 0.010 * 1_000
    celsius = inputs.celsius
    guard isGauging else { return }
    lithium.measure(
      cellVolts: volts / flash.seriesCells, milliamperes: milliamperes, seconds: seconds,
      capacity: flash.designCapacity, emptyVolts: flash.terminateVolts)
  }
}

/// What the commands show.
extension BQ34Z100State {
  private var charge: Double { lithium.charge ?? 0 }

  private func word(_ command: UInt8) -> UInt16 {
    switch command {
    case 0x00: controlAnswer
    // State of charge, and MaxError in the upper byte.
    case 0x02: UInt16((charge * 100).rounded()) | 0x0200
    case 0x04, 0x68: Self.unsigned(charge * flash.designCapacity)
    case 0x06, 0x3C, 0x6A: Self.unsigned(flash.designCapacity)
    case 0x08: Self.unsigned(volts * 1_000)
    case 0x0A, 0x10: Self.signed(milliamperes)
    case 0x0C, 0x2A: Self.unsigned(celsius * 10 + 2_731.5)
    case 0x0E: flags
    // In 10 mWh and 10 mW.
    case 0x24: Self.unsigned(charge * flash.designCapacity * flash.seriesCells * 0.37)
    case 0x26: Self.signed(milliamperes * volts / 10)
    case 0x28: 1
    case 0x2E: 100
    case 0x3A: flash.packConfiguration
    default: 0
    }
  }

  private static func unsigned(_ value: Double) -> UInt16 {
    UInt16(min(max(value.rounded(), 0), 65_535))
  }

  private static func signed(_ value: Double) -> UInt16 {
    UInt16(bitPattern: Int16(min(max(value.rounded(), -32_768), 32_767)))
  }

  private var flags: UInt16 {
    (celsius * 10 >= flash.chargeLimit ? 0x8000 : 0)
      | (celsius * 10 >= flash.dischargeLimit ? 0x4000 : 0)
      | (lithium.charge == 1 ? 0x0200 : 0x0100) | (charge <= 0.10 ? 0x0004 : 0)
      | (charge <= 0.02 ? 0x0002 : 0) | (milliamperes < 0 ? 0x0001 : 0)
  }

  func read(_ command: UInt8) -> UInt8 {
    switch command {
    case 0x3E: return dataClass
    case 0x3F: return blockNumber
    case 0x40...0x5F: return isBlockShown ? block[Int(command) - 0x40] : 0
    case 0x60: return isBlockShown ? blockChecksum : 0
    case 0x61: return isBlockAccess ? 0 : 1
    default:
      let word = word(command & 0xFE)
      return UInt8(truncatingIfNeeded: command & 1 == 0 ? word : word >> 8)
    }
  }
}

/// What the host writes.
extension BQ34Z100State {
  mutating func write(_ byte: UInt8, to command: UInt8) {
    switch command {
    case 0x00: controlLow = byte
    case 0x01: run(UInt16(byte) << 8 | UInt16(controlLow))
    case 0x3E where !isSealed: dataClass = byte
    case 0x3F where !isSealed:
      blockNumber = byte
      fetch()
    case 0x40...0x5F where !isSealed && isBlockAccess: block[Int(command) - 0x40] = byte
    case 0x60 where !isSealed && isBlockAccess: program(checksum: byte)
    case 0x61 where !isSealed: isBlockAccess = byte == 0
    default: break
    }
    // The two halves of the key come one after the other.
    if command > 0x01 { hasFirstKey = false }
  }

  private mutating func run(_ subcommand: UInt16) {
    let hadFirstKey = hasFirstKey
    hasFirstKey = subcommand == 0x0414
    controlAnswer = 0
    switch subcommand {
    // SS, VOK, QEN.
    case 0x0000:
      controlAnswer =
        (isSealed ? 0x2000 : 0) | (lithium.charge == nil ? 0 : 0x0002) | (isGauging ? 0x0001 : 0)
    case 0x0001: controlAnswer = 0x0100
    case 0x0020: isSealed = true
    // It can be enabled only while it is open (unverified).
    case 0x0021 where !isSealed: isGauging = true
    case 0x0041 where !isSealed: reset()
    case 0x3672 where hadFirstKey: isSealed = false
    default: break
    }
  }

  private mutating func fetch() {
    let base = Int(blockNumber) * 32
    for index in 0..<32 { block[index] = flash[dataClass, base + index] }
    blockReadyAt = clock.now + 1_000
  }

  private var blockChecksum: UInt8 { 0xFF &- block.reduce(0, &+) }

  private var isBlockShown: Bool {
    guard let blockReadyAt, isBlockAccess, !isSealed else { return false }
    return clock.now >= blockReadyAt
  }

  /// The right checksum has the block programmed; a wrong one changes nothing.
  private mutating func program(checksum: UInt8) {
    guard checksum == blockChecksum else { return }
    let base = Int(blockNumber) * 32
    for index in 0..<32 { flash[dataClass, base + index] = block[index] }
    programmedBlocks += 1
    programmedAt = clock.now
    blockReadyAt = nil
  }
}

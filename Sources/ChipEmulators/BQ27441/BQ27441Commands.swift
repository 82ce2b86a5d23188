// SPDX-License-Identifier: Apache-2.0

/// The bus side: a byte array of commands.
extension BQ27441State {
  mutating func start(_ direction: I2CDirection) {
    if direction == .write { awaitsCommand = true }
  }

  mutating func transmit() -> UInt8 {
    // The key must be written twice with nothing in between.
    awaitsSecondKey = false
    let byte = byte(at: command)
    command &+= 1
    return byte
  }

  mutating func receive(_ byte: UInt8) {
    if awaitsCommand {
      command = byte
      awaitsCommand = false
      return
    }
    write(byte)
    command &+= 1
  }

  private mutating func write(_ byte: UInt8) {
    if command > 0x01 { awaitsSecondKey = false }
    switch command {
    case 0x00: controlLow = byte
    case 0x01: run(subcommand: UInt16(byte) << 8 | UInt16(controlLow))
    case 0x3E where !isSealed: dataClass = byte
    case 0x3F where !isSealed:
      blockNumber = byte
      fetchBlock()
    case 0x40...0x5F where mayChangeMemory: block[Int(command) - 0x40] = byte
    case 0x60 where mayChangeMemory: commit(checksum: byte)
    case 0x61 where !isSealed: isBlockAccess = byte == 0
    default: break
    }
  }

  // MARK: - Control

  private mutating func run(subcommand: UInt16) {
    let wasKey = awaitsSecondKey
    awaitsSecondKey = false
    controlAnswer = 0
    switch subcommand {
    case 0x0000: controlAnswer = status
    case 0x0001: controlAnswer = variant == .bq27441 ? 0x0421 : 0x0427
    // Unverified for the BQ27427.
    case 0x0002: controlAnswer = variant == .bq27441 ? 0x0109 : 0x0202
    case 0x0008: controlAnswer = variant == .bq27441 ? 0x0128 : 0x3230
    case 0x0013 where !isSealed && !isInConfigUpdate:
      modeChangeAt = clock.now + Self.modeChangeTime
    case 0x0020: isSealed = true
    case 0x0041 where !isSealed: reset()
    // SOFT_RESET, and EXIT_CFGUPDATE without a new simulation, which here is the same.
    case 0x0042 where isInConfigUpdate, 0x0043 where isInConfigUpdate:
      modeChangeAt = clock.now + Self.modeChangeTime
    case 0x8000:
      if wasKey { isSealed = false } else { awaitsSecondKey = true }
    default: break
    }
  }

  /// CONTROL_STATUS: sealed, initialised, voltage good for gauging.
  private var status: UInt16 {
    (isSealed ? 0x2000 : 0) | (gauge.charge == nil ? 0 : 0x0080)
      | (isInConfigUpdate ? 0 : 0x0002)
  }

  // MARK: - Data memory

  private var mayChangeMemory: Bool { !isSealed && isInConfigUpdate && isBlockAccess }

  private mutating func fetchBlock() {
    let base = Int(blockNumber) * 32
    for index in 0..<32 { block[index] = memory[dataClass, base + index] ?? 0 }
    blockReadyAt = clock.now + 1_000
  }

  /// 0xFF less the sum of the block.
  private var blockChecksum: UInt8 { 0xFF &- block.reduce(0, &+) }

  /// A wrong checksum changes nothing.
  private mutating func commit(checksum: UInt8) {
    guard checksum == blockChecksum else { return }
    let base = Int(blockNumber) * 32
    for index in 0..<32 { memory[dataClass, base + index] = block[index] }
    configEndsAt = clock.now + Self.configTimeout
  }

  private var isBlockShown: Bool {
    guard let blockReadyAt, isBlockAccess else { return false }
    return clock.now >= blockReadyAt
  }

  // MARK: - Reading

  private func byte(at command: UInt8) -> UInt8 {
    switch command {
    case 0x40...0x5F: isBlockShown ? block[Int(command) - 0x40] : 0
    case 0x60: isBlockShown ? blockChecksum : 0
    case 0x3E: dataClass
    case 0x3F: blockNumber
    case 0x61: isBlockAccess ? 0 : 1
    default:
      command & 1 == 0
        ? UInt8(truncatingIfNeeded: word(at: command))
        : UInt8(truncatingIfNeeded: word(at: command & 0xFE) >> 8)
    }
  }

  private func word(at command: UInt8) -> UInt16 {
    switch command {
    case 0x00: controlAnswer
    case 0x02, 0x1E: Self.unsigned(gauge.celsius * 10 + 2_731.5)
    case 0x04: Self.unsigned(gauge.volts * 1_000)
    case 0x06: flags
    case 0x08, 0x0C, 0x28, 0x2A:
      Self.unsigned((gauge.charge ?? 0) * memory.designCapacity)
    case 0x0A, 0x0E, 0x2C, 0x2E, 0x3C: Self.unsigned(memory.designCapacity)
    case 0x10: Self.signed(gauge.milliamperes)
    case 0x18: Self.signed(gauge.milliamperes * gauge.volts)
    case 0x1C, 0x30: UInt16(gauge.percent)
    // State of health: 100 %, in the low byte; missing in the BQ27427.
    case 0x20: variant == .bq27441 ? 100 : 0
    case 0x3A: memory.operationConfig
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
    (gauge.isTooHot ? 0x8000 : 0) | (gauge.isTooCold ? 0x4000 : 0) | fullFlags
      | (gauge.charge == nil ? 0 : 0x0080) | (wasReset ? 0x0020 : 0)
      | (isInConfigUpdate ? 0x0010 : 0) | 0x0008 | (gauge.isLow ? 0x0004 : 0)
      | (gauge.isFinal ? 0x0002 : 0)
      | (gauge.milliamperes <= -memory.dischargeThreshold ? 0x0001 : 0)
  }

  /// FC, and CHG: fast charging is allowed.
  private var fullFlags: UInt16 { gauge.isFull ? 0x0200 : 0x0100 }
}

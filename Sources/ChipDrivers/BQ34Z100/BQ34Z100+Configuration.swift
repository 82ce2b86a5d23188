// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// One step after the other through the chip's data flash.
extension BQ34Z100 {
  /// The next step of `configure(on:at:)`.
  enum Stage: Equatable, Sendable {
    case enter
    case select(Block)
    case change(Block)
    case selectAgain(Block)
    case verify(Block)
    case done
  }

  /// How long a block may take to be programmed. Unit: µs.
  private static let programming: Int64 = 200_000

  /// Does the next step of the configuration; true once the chip is configured and sealed.
  ///
  /// Call it again, at least 2 ms later, while it returns false; give up after some seconds. A failure
  /// begins the configuration anew with the next call; what was programmed stays.
  ///
  /// - Throws: `.unexpectedIdentity`; `.checksum` if a block was corrupted on the wire;
  ///   `.configurationNotHeld` with the offset in the block; `.bus`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    if let programmedAt, 0..<BQ34Z100.programming ~= time.microseconds(since: programmedAt) {
      return false
    }
    programmedAt = nil
    do throws(ChipError) {
      stage = try nextStage(on: &bus, at: time)
    } catch {
      stage = .enter
      throw error
    }
    return stage == .done
  }

  /// Begins again with the next `configure(on:at:)`, as after `.configurationLost`.
  public mutating func restart() { stage = .enter }

  private mutating func nextStage<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Stage {
    switch stage {
    case .enter:
      try enter(on: &bus)
      return .select(.design)
    case .select(let block):
      try select(block, on: &bus)
      return .change(block)
    case .change(let block):
      guard try change(block, on: &bus) else { return try leave(block, on: &bus) }
      programmedAt = time
      return .selectAgain(block)
    case .selectAgain(let block):
      try select(block, on: &bus)
      return .verify(block)
    case .verify(let block):
      try verify(block, on: &bus)
      return try leave(block, on: &bus)
    case .done:
      return .done
    }
  }

  private func enter<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try control(Subcommand.deviceType, on: &bus)
    let found = try word(Command.control, on: &bus)
    guard found == BQ34Z100.deviceType else {
      throw .unexpectedIdentity(expected: BQ34Z100.deviceType, found: found)
    }
    try control(Subcommand.firstKey, on: &bus)
    try control(Subcommand.secondKey, on: &bus)
  }

  /// Goes to the next block; after the last one lets the chip gauge, and seals it.
  private func leave<Bus: I2CBus & ~Copyable>(
    _ block: Block, on bus: inout Bus
  ) throws(ChipError) -> Stage {
    if let next = block.next { return .select(next) }
    if try status(on: &bus) & BQ34Z100.isGauging == 0 {
      try control(Subcommand.enableGauging, on: &bus)
      let held = try status(on: &bus)
      guard held & BQ34Z100.isGauging != 0 else {
        throw .configurationNotHeld(
          register: Command.control, wrote: BQ34Z100.isGauging, read: held)
      }
    }
    try control(Subcommand.sealed, on: &bus)
    return .done
  }

  private func status<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> UInt16 {
    try control(Subcommand.controlStatus, on: &bus)
    return try word(Command.control, on: &bus)
  }
}

/// Blocks of the data flash: 32 bytes and a checksum, 0xFF less their sum.
extension BQ34Z100 {
  /// Has the chip fetch a block; it is there 1 ms later.
  private func select<Bus: I2CBus & ~Copyable>(
    _ block: Block, on bus: inout Bus
  ) throws(ChipError) {
    try bus.write8(0, to: Command.blockDataControl, at: BQ34Z100.address)
    try bus.write16(block.place, to: Command.dataClass, at: BQ34Z100.address)
  }

  private func readBlock<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> InlineArray<32, UInt8> {
    var bytes = InlineArray<32, UInt8>(repeating: 0)
    try bus.readBytes(of: Command.blockData, at: BQ34Z100.address, into: &bytes)
    let found = try bus.read8(Command.blockDataChecksum, at: BQ34Z100.address)
    let expected = BlockChecksum.of(bytes)
    guard found == expected else { throw .checksum(expected: expected, found: found) }
    return bytes
  }

  /// Writes what differs; the right checksum has the chip program it.
  ///
  /// - Returns: false if nothing differs.
  private func change<Bus: I2CBus & ~Copyable>(
    _ block: Block, on bus: inout Bus
  ) throws(ChipError) -> Bool {
    var bytes = try readBlock(on: &bus)
    let fields = fields(of: block)
    var differs = false
    for index in 0..<2 {
      guard let field = fields[index], value(of: field, in: bytes) != field.value else { continue }
      differs = true
      let command = Command.blockData + UInt8(field.offset)
      let low = UInt8(truncatingIfNeeded: field.value)
      if field.isWord {
        bytes[field.offset] = UInt8(truncatingIfNeeded: field.value >> 8)
        bytes[field.offset + 1] = low
        try bus.write16(field.value, to: command, at: BQ34Z100.address)
      } else {
        bytes[field.offset] = low
        try bus.write8(low, to: command, at: BQ34Z100.address)
      }
    }
    guard differs else { return false }
    try bus.write8(
      BlockChecksum.of(bytes), to: Command.blockDataChecksum, at: BQ34Z100.address)
    return true
  }

  private func verify<Bus: I2CBus & ~Copyable>(
    _ block: Block, on bus: inout Bus
  ) throws(ChipError) {
    let bytes = try readBlock(on: &bus)
    let fields = fields(of: block)
    for index in 0..<2 {
      guard let field = fields[index] else { continue }
      let held = value(of: field, in: bytes)
      guard held == field.value else {
        throw .configurationNotHeld(
          register: UInt8(field.offset), wrote: field.value, read: held)
      }
    }
  }

  private func value(of field: Field, in bytes: InlineArray<32, UInt8>) -> UInt16 {
    field.isWord
      ? UInt16(bytes[field.offset]) << 8 | UInt16(bytes[field.offset + 1])
      : UInt16(bytes[field.offset])
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// One step after the other through the chip's configuration mode.
extension BQ27441 {
  /// Does the next step of the configuration; true once the chip is configured and sealed.
  ///
  /// Call it again, at least 2 ms later, while it returns false; give up after some seconds. A failure
  /// begins the configuration anew with the next call.
  ///
  /// - Throws: `.unexpectedIdentity`; `.checksum` if a block was corrupted on the wire;
  ///   `.configurationNotHeld` with the offset in the block; `.bus`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError)
    -> Bool
  {
    do throws(ChipError) {
      stage = try nextStage(on: &bus)
    } catch {
      stage = .enter
      throw error
    }
    return stage == .done
  }

  /// Begins again with the next `configure(on:)`, as after `.configurationLost`.
  public mutating func restart() { stage = .enter }

  private func nextStage<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Stage {
    switch stage {
    case .enter:
      try checkIdentity(on: &bus)
      try control(Subcommand.unseal, on: &bus)
      try control(Subcommand.unseal, on: &bus)
      try control(Subcommand.setConfigUpdate, on: &bus)
      return .awaitMode
    case .awaitMode:
      guard try isInConfigUpdate(on: &bus) else { return .awaitMode }
      try select(BQ27441.stateClass, on: &bus)
      return .changeState
    case .changeState:
      try changeState(on: &bus)
      try select(BQ27441.stateClass, on: &bus)
      return .verifyState
    case .verifyState:
      try verifyState(on: &bus)
      guard model == .bq27427 else { return try leave(on: &bus) }
      try select(BQ27441.calibrationClass, on: &bus)
      return .changeCalibration
    case .changeCalibration:
      try makeGainPositive(on: &bus)
      try select(BQ27441.calibrationClass, on: &bus)
      return .verifyCalibration
    case .verifyCalibration:
      try verifyGain(on: &bus)
      return try leave(on: &bus)
    case .awaitEnd:
      return try isInConfigUpdate(on: &bus) ? .awaitEnd : finish(on: &bus)
    case .done:
      return .done
    }
  }

  private func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try control(Subcommand.deviceType, on: &bus)
    let found = try word(Command.control, on: &bus)
    guard found == model.deviceType else {
      throw .unexpectedIdentity(expected: model.deviceType, found: found)
    }
  }

  private func isInConfigUpdate<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Bool {
    try word(Command.flags, on: &bus) & Flag.configUpdate != 0
  }

  private func leave<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Stage {
    try control(Subcommand.softReset, on: &bus)
    return .awaitEnd
  }

  /// The soft reset has taken ITPOR away; if it is there, the chip was reset on the way.
  private func finish<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Stage {
    try control(Subcommand.sealed, on: &bus)
    let flags = try word(Command.flags, on: &bus)
    guard flags & Flag.powerOnReset == 0 else {
      throw .configurationLost(
        register: Command.flags, expected: 0, found: flags & Flag.powerOnReset)
    }
    return .done
  }
}

/// Blocks of the data memory: 32 bytes and a checksum, 0xFF less their sum.
extension BQ27441 {
  /// Has the chip fetch the first block of a class; it is there 1 ms later.
  private func select<Bus: I2CBus & ~Copyable>(
    _ dataClass: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    try write(0, to: Command.blockDataControl, on: &bus)
    try bus.write16(
      UInt16(dataClass) << 8, to: Command.dataClass, at: BQ27441.address)
  }

  private func readBlock<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> InlineArray<32, UInt8> {
    var block = InlineArray<32, UInt8>(repeating: 0)
    try bus.readBytes(of: Command.blockData, at: BQ27441.address, into: &block)
    var found: InlineArray<1, UInt8> = [0]
    try bus.readBytes(of: Command.blockDataChecksum, at: BQ27441.address, into: &found)
    let expected = BlockChecksum.of(block)
    guard found[0] == expected else { throw .checksum(expected: expected, found: found[0]) }
    return block
  }

  private func changeState<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    var block = try readBlock(on: &bus)
    let capacity = model.designCapacityOffset
    try set(configuration.designCapacity, at: capacity, of: &block, on: &bus)
    try set(configuration.designEnergy, at: capacity + 2, of: &block, on: &bus)
    try set(
      configuration.terminateVoltage, at: model.terminateVoltageOffset, of: &block, on: &bus)
    try write(BlockChecksum.of(block), to: Command.blockDataChecksum, on: &bus)
  }

  private func verifyState<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let block = try readBlock(on: &bus)
    let capacity = model.designCapacityOffset
    try expect(configuration.designCapacity, at: capacity, of: block)
    try expect(configuration.designEnergy, at: capacity + 2, of: block)
    try expect(configuration.terminateVoltage, at: model.terminateVoltageOffset, of: block)
  }

  private func makeGainPositive<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    var block = try readBlock(on: &bus)
    block[BQ27441.gainSignOffset] &= ~BQ27441.gainSign
    try write(
      block[BQ27441.gainSignOffset], to: Command.blockData + UInt8(BQ27441.gainSignOffset),
      on: &bus)
    try write(BlockChecksum.of(block), to: Command.blockDataChecksum, on: &bus)
  }

  private func verifyGain<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let held = try readBlock(on: &bus)[BQ27441.gainSignOffset]
    guard held & BQ27441.gainSign == 0 else {
      throw .configurationNotHeld(
        register: UInt8(BQ27441.gainSignOffset), wrote: UInt16(held & ~BQ27441.gainSign),
        read: UInt16(held))
    }
  }

  /// Writes a field, most significant byte first, and notes it in the block for the checksum.
  private func set<Bus: I2CBus & ~Copyable>(
    _ value: Int16, at offset: Int, of block: inout InlineArray<32, UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    let word = UInt16(bitPattern: value)
    block[offset] = UInt8(truncatingIfNeeded: word >> 8)
    block[offset + 1] = UInt8(truncatingIfNeeded: word)
    try bus.write16(word, to: Command.blockData + UInt8(offset), at: BQ27441.address)
  }

  private func expect(
    _ value: Int16, at offset: Int, of block: InlineArray<32, UInt8>
  ) throws(ChipError) {
    let held = UInt16(block[offset]) << 8 | UInt16(block[offset + 1])
    guard held == UInt16(bitPattern: value) else {
      throw .configurationNotHeld(
        register: UInt8(offset), wrote: UInt16(bitPattern: value), read: held)
    }
  }

  private func write<Bus: I2CBus & ~Copyable>(
    _ byte: UInt8, to command: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    let bytes: InlineArray<2, UInt8> = [command, byte]
    do {
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: BQ27441.address, writing: bytes.span, reading: &nothing)
    } catch {
      throw .bus(error)
    }
  }
}

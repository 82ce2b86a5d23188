// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

@Suite struct EmulatedI2CBusTests {
  /// An INA228 at 0x40 and a TMP117 at 0x48.
  private func bus(_ faults: TransferFaults = .none) throws -> EmulatedI2CBus {
    let bus = EmulatedI2CBus(faults: faults)
    try bus.attach(INA228Emulator(address: I2CAddress(0x40)))
    try bus.attach(TMP117Emulator(address: I2CAddress(0x48)))
    return bus
  }

  @Test func absentAddressesDoNotAcknowledge() throws {
    let bus = try bus()
    for address in 1...127 as ClosedRange<UInt8> where address != 0x40 && address != 0x48 {
      #expect(throws: I2CError.noAcknowledge) { try bus.write(address, []) }
      #expect(throws: I2CError.noAcknowledge) { try bus.read(address, [], count: 1) }
    }
    try bus.write(0x40, [])
    try bus.write(0x48, [])
  }

  @Test func oneChipAnAddress() throws {
    let bus = try bus()
    #expect(throws: AddressConflict.self) {
      try bus.attach(INA226Emulator(address: I2CAddress(0x40)))
    }
    bus.detach(I2CAddress(0x40))
    #expect(throws: I2CError.noAcknowledge) { try bus.register(0x40, 0x3E) }
    try bus.attach(INA226Emulator(address: I2CAddress(0x40)))
    #expect(try bus.register(0x40, 0xFE) == 0x5449)
  }

  @Test func unpoweredChip() throws {
    let bus = EmulatedI2CBus()
    let chip = TMP117Emulator(address: I2CAddress(0x48))
    try bus.attach(chip)
    chip.isPresent = false
    #expect(throws: I2CError.noAcknowledge) { try bus.register(0x48, 0xF) }
    chip.isPresent = true
    #expect(try bus.register(0x48, 0xF) == 0x0117)
  }

  @Test func heldLow() throws {
    let bus = try bus()
    bus.isHeldLow = true
    #expect(throws: I2CError.busStuck) { try bus.register(0x40, 0x3E) }
    bus.isHeldLow = false
    #expect(try bus.register(0x40, 0x3E) == 0x5449)
  }

  @Test func listedFaultsStrikeTheirTransfers() throws {
    let bus = try bus(
      TransferFaults(scheduled: [
        .init(transfer: 4, fault: .busStuck(transfers: 2)),
        .init(transfer: 1, fault: .noAcknowledge),
        .init(transfer: 2, fault: .timedOut),
        .init(transfer: 3, fault: .shortTransfer),
        .init(transfer: 5, fault: .corrupt(bit: 15)),
        .init(transfer: 6, fault: .corrupt(bit: 16)),
      ]))
    #expect(try bus.register(0x40, 0x3E) == 0x5449)
    for error in [.noAcknowledge, .timedOut, .shortTransfer, .busStuck, .busStuck] as [I2CError] {
      #expect(throws: error) { try bus.register(0x40, 0x3E) }
    }
    #expect(try bus.register(0x40, 0x3E) == 0x5448)
    #expect(try bus.register(0x40, 0x3E) == 0xD449, "bits count modulo the length")
    #expect(try bus.register(0x40, 0x3E) == 0x5449)
    let counts = bus.faults.counts
    #expect(counts.noAcknowledge == 1)
    #expect(counts.timedOut == 1)
    #expect(counts.shortTransfer == 1)
    #expect(counts.busStuck == 2)
    #expect(counts.corrupt == 2)
    #expect(counts.total == 7)
  }

  /// A cut-off write leaves the register as it was, a refused one too.
  @Test(
    arguments: [.noAcknowledge, .timedOut, .shortTransfer, .busStuck(transfers: 1)]
      as [TransferFault])
  func failedWriteChangesNoRegister(_ fault: TransferFault) throws {
    let bus = try bus(TransferFaults(scheduled: [.init(transfer: 0, fault: fault)]))
    #expect(throws: I2CError.self) { try bus.setRegister(0x40, 0x02, 0x0FD2) }
    #expect(bus.faults.counts.total == 1)
    #expect(try bus.register(0x40, 0x02) == 0x1000)
  }

  /// A short read has its side effects although the controller gets nothing.
  @Test func shortReadStillClearsFlags() throws {
    let bus = EmulatedI2CBus(
      faults: TransferFaults(scheduled: [.init(transfer: 0, fault: .shortTransfer)]))
    let chip = INA228Emulator(address: I2CAddress(0x40))
    try bus.attach(chip)
    chip.advance(toMicroseconds: 10_000, shuntVolts: 0, busVolts: 0, dieCelsius: 25)
    #expect(throws: I2CError.shortTransfer) { try bus.register(0x40, 0x0B) }
    #expect(try bus.register(0x40, 0x0B) == 1)
  }

  @Test func staleRepeatsTheSameQuestionsAnswer() throws {
    let bus = EmulatedI2CBus(
      faults: TransferFaults(scheduled: [
        .init(transfer: 0, fault: .stale), .init(transfer: 2, fault: .stale),
      ]))
    let chip = INA228Emulator(address: I2CAddress(0x40))
    try bus.attach(chip)
    chip.advance(toMicroseconds: 10_000, shuntVolts: 0.01, busVolts: 3, dieCelsius: 25)
    #expect(try bus.signed20(0x40, 0x04) == 32_000, "nothing to repeat yet")
    #expect(try bus.signed20(0x40, 0x05) == 15_360)
    chip.advance(toMicroseconds: 20_000, shuntVolts: 0.02, busVolts: 4, dieCelsius: 25)
    #expect(try bus.signed20(0x40, 0x04) == 32_000)
    #expect(try bus.signed20(0x40, 0x04) == 64_000)
    #expect(bus.faults.counts.stale == 1)
  }

  @Test func faultsOnDemand() throws {
    let bus = try bus()
    bus.faults.strikeNext(.busStuck(transfers: 2))
    for _ in 0..<2 {
      #expect(throws: I2CError.busStuck) { try bus.register(0x40, 0x3E) }
    }
    #expect(try bus.register(0x40, 0x3E) == 0x5449)
    #expect(bus.faults.counts.busStuck == 2)
  }

  /// The byte events that a virtual machine's adapter would send.
  @Test func byteEvents() throws {
    let bus = try bus()
    #expect(bus.target(at: I2CAddress(0x41)) == nil)
    let chip = try #require(bus.target(at: I2CAddress(0x40)))
    #expect(chip.start(.write))
    #expect(chip.receive(0x3E))
    #expect(chip.start(.read))
    #expect([chip.transmit(), chip.transmit()] == [0x54, 0x49])
    chip.stop()
  }

  @Test func onlyTheTargetIsStruck() throws {
    let bus = try bus(
      TransferFaults(
        probabilities: FaultProbabilities(noAcknowledge: 1), target: I2CAddress(0x48)))
    #expect(try bus.register(0x40, 0x3E) == 0x5449)
    #expect(throws: I2CError.noAcknowledge) { try bus.register(0x48, 0xF) }
    #expect(bus.faults.transfers == 1)
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func probabilitiesAreKept(seed: UInt64) throws {
    let faults = TransferFaults(
      probabilities: FaultProbabilities(
        noAcknowledge: 0.1, corrupt: 0.1, timedOut: 0.1, shortTransfer: 0.1, stale: 0.1),
      seed: seed)
    let bus = try bus(faults)
    var failures: Int64 = 0
    var wrong: Int64 = 0
    for _ in 0..<4000 {
      do {
        if try bus.register(0x40, 0x3E) != 0x5449 { wrong += 1 }
      } catch {
        failures += 1
      }
    }
    let counts = bus.faults.counts
    // Five deviations of a binomial count: 5 · √(4000 · 0.1 · 0.9) = 95.
    for count in [
      counts.noAcknowledge, counts.corrupt, counts.timedOut, counts.shortTransfer, counts.stale,
    ] { #expect((305...495).contains(count), "seed \(seed)") }
    #expect(failures == counts.noAcknowledge + counts.timedOut + counts.shortTransfer)
    #expect(wrong >= counts.corrupt)
  }

  @Test func sameSeedSameFaults() throws {
    func trace(_ seed: UInt64) throws -> [UInt64] {
      let bus = try bus(
        TransferFaults(
          probabilities: FaultProbabilities(corrupt: 0.3, busStuck: 0.1, stuckTransfers: 3),
          seed: seed))
      var answers: [UInt64] = []
      for _ in 0..<200 {
        do { answers.append(try bus.register(0x40, 0x3E)) } catch { answers.append(0) }
      }
      return answers
    }
    #expect(try trace(7) == trace(7))
    #expect(try trace(7) != trace(8))
  }

  @Test func lineStartsInactiveAndHolds() {
    let line = EmulatedLine()
    #expect(!line.isActive)
    line.set(true)
    line.set(true)
    #expect(line.isActive)
    line.set(false)
    #expect(!line.isActive)
    #expect(line.changes == 2)
  }
}

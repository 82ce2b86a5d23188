// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import DeterministicMath

/// The swarm's bus: silent faults on top of the emulated bus's, a power cut at any byte, and a note of
/// who was reached.
final class SwarmBus: I2CBus {
  let bus: EmulatedI2CBus
  private let bit7: Double
  private let torn: Double
  private var random: SeededRandom
  /// The last answer to each question, by address and register; for torn words.
  private var answers = [UInt64](repeating: 0, count: 128 * 256)
  /// Silent faults of its own.
  private(set) var clearedBits: Int64 = 0
  private(set) var tornWords: Int64 = 0

  /// Transfers of this tick.
  private(set) var transfers = 0
  /// Whether a fault that nobody tells struck in this tick.
  private(set) var wasSilent = false
  /// Whether a transfer with each of the two sensors went well in this tick.
  private(set) var hasReachedMonitor = false
  private(set) var hasReachedThermometer = false
  /// The power fails at this transfer of the tick, at this byte.
  var cut: (transfer: Int, byte: Int)?
  private(set) var isCut = false

  init(_ bus: EmulatedI2CBus, _ plan: SwarmPlan) {
    self.bus = bus
    bit7 = plan.bit7
    torn = plan.torn
    random = SeededRandom(seed: plan.seed, stream: 103)
  }

  func beginTick() {
    transfers = 0
    wasSilent = false
    hasReachedMonitor = false
    hasReachedThermometer = false
  }

  func restorePower() {
    isCut = false
    cut = nil
  }

  func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    if isCut { throw .noAcknowledge }
    transfers += 1
    if let cut, transfers > cut.transfer {
      isCut = true
      breakOff(address, bytes, after: cut.byte)
      throw .noAcknowledge
    }
    let struck = bus.faults.counts
    try bus.transfer(with: address, writing: bytes, reading: &buffer)
    let now = bus.faults.counts
    if now.corrupt != struck.corrupt || now.stale != struck.stale { wasSilent = true }
    note(address)
    if !buffer.isEmpty, !bytes.isEmpty { disturb(address, bytes[0], &buffer) }
  }

  private func note(_ address: I2CAddress) {
    switch address {
    case SwarmWorld.monitorAddress: hasReachedMonitor = true
    case SwarmWorld.thermometerAddress: hasReachedThermometer = true
    default: break
    }
  }

  /// The first bytes go over the wire, and then there is no wire.
  private func breakOff(_ address: I2CAddress, _ bytes: Span<UInt8>, after count: Int) {
    guard let target = bus.target(at: address), target.isPresent, target.start(.write) else {
      return
    }
    for i in 0..<min(count, bytes.count) where !target.receive(bytes[i]) { return }
  }

  /// Clears the first bit, as the Raspberry Pi's controller does after a stretched clock, or answers
  /// with the first bytes of the last answer.
  private func disturb(
    _ address: I2CAddress, _ register: UInt8, _ buffer: inout MutableSpan<UInt8>
  ) {
    guard buffer.count <= 8 else { return }
    let question = Int(address.rawValue) << 8 | Int(register)
    var value: UInt64 = 0
    for i in 0..<buffer.count { value = value << 8 | UInt64(buffer[i]) }
    let last = answers[question]
    answers[question] = value
    if bit7 > 0, random.chance(bit7), buffer[0] & 0x80 != 0 {
      buffer[0] &= 0x7F
      wasSilent = true
      clearedBits += 1
    }
    if torn > 0, random.chance(torn), buffer.count > 1 {
      let old = UInt8(truncatingIfNeeded: last >> (8 * UInt64(buffer.count - 1)))
      if buffer[0] != old {
        buffer[0] = old
        wasSilent = true
        tornWords += 1
      }
    }
  }
}

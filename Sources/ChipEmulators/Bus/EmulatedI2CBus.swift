// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// Two chips were attached at one address.
public struct AddressConflict: Error, Equatable, Sendable {
  /// The address asked for twice.
  public let address: I2CAddress
}

/// A bus of emulated chips: a transfer becomes the byte events of `I2CTarget`.
///
/// Faults are laid over the transfers (`faults`); the chips stay pristine. Time does not pass on
/// this bus: a transfer is instantaneous.
public final class EmulatedI2CBus: I2CBus {
  /// What the wire does to transfers; may be replaced at any time.
  public var faults: TransferFaults
  /// While true, every transfer throws `.busStuck`: a line held low for a span of time.
  public var isHeldLow = false

  private var targets: [(any I2CTarget)?] = Array(repeating: nil, count: 128)
  private var answers: [Answer] = []

  /// The last answer to one question, for `TransferFault.stale`.
  private struct Answer {
    let question: UInt32
    let count: Int
    var bytes: UInt64
  }

  /// Makes a bus without chips.
  public init(faults: TransferFaults = .none) { self.faults = faults }

  /// Wires a chip to the bus.
  public func attach(_ target: any I2CTarget) throws(AddressConflict) {
    let index = Int(target.address.rawValue)
    if targets[index] != nil { throw AddressConflict(address: target.address) }
    targets[index] = target
  }

  /// Takes the chip at `address` off the bus; nothing happens if there is none.
  public func detach(_ address: I2CAddress) { targets[Int(address.rawValue)] = nil }

  /// The chip at `address`, for a back end that speaks in byte events itself.
  public func target(at address: I2CAddress) -> (any I2CTarget)? {
    targets[Int(address.rawValue)]
  }

  /// Performs one transaction; see `I2CBus`.
  ///
  /// A write to address 0x00 is the general call; it is acknowledged if any chip does.
  public func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    if isHeldLow { throw .busStuck }
    if faults.isEmpty {
      try perform(with: address, writing: bytes, reading: &buffer)
      return
    }
    let question = Self.question(address, bytes)
    let answer = answers.firstIndex { $0.question == question && $0.count == buffer.count }
    let isPresent = targets[Int(address.rawValue)]?.isPresent ?? false
    let fault = faults.verdict(
      address: address, reads: isPresent && !buffer.isEmpty, hasAnswer: answer != nil)
    switch fault {
    case nil: try perform(with: address, writing: bytes, reading: &buffer)
    case .noAcknowledge: throw .noAcknowledge
    case .busStuck: throw .busStuck
    case .timedOut: try stall(with: address, writing: bytes)
    case .shortTransfer: try cutShort(with: address, writing: bytes, reading: buffer.count)
    case .corrupt(let bit):
      try perform(with: address, writing: bytes, reading: &buffer)
      let position = Int(bit % UInt32(buffer.count * 8))
      buffer[position / 8] ^= 0x80 >> UInt8(position % 8)
      return
    case .stale:
      if let answer { repeatAnswer(answer, into: &buffer) }
      return
    }
    remember(question, at: answer, buffer: &buffer)
  }

  // MARK: - Byte events

  private func present(_ address: I2CAddress) throws(I2CError) -> any I2CTarget {
    guard let target = targets[Int(address.rawValue)], target.isPresent else {
      throw .noAcknowledge
    }
    return target
  }

  private func perform(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    if address.rawValue == 0 {
      try generalCall(bytes, reading: buffer.count)
      return
    }
    let target = try present(address)
    // Without any byte this is the "quick" write that bus scanners send.
    if !bytes.isEmpty || buffer.isEmpty {
      try write(bytes, count: bytes.count, to: target)
    }
    if !buffer.isEmpty {
      guard target.start(.read) else {
        target.stop()
        throw .noAcknowledge
      }
      for index in 0..<buffer.count { buffer[index] = target.transmit() }
    }
    target.stop()
  }

  private func write(
    _ bytes: Span<UInt8>, count: Int, to target: any I2CTarget
  ) throws(I2CError) {
    var isAcknowledged = target.start(.write)
    var index = 0
    while isAcknowledged, index < count {
      isAcknowledged = target.receive(bytes[index])
      index += 1
    }
    guard isAcknowledged else {
      target.stop()
      throw .noAcknowledge
    }
  }

  private func generalCall(_ bytes: Span<UInt8>, reading count: Int) throws(I2CError) {
    guard bytes.count == 1, count == 0 else { throw .noAcknowledge }
    var isAcknowledged = false
    for case let target? in targets where target.isPresent {
      if target.generalCall(bytes[0]) { isAcknowledged = true }
    }
    if !isAcknowledged { throw .noAcknowledge }
  }

  // MARK: - Faults

  private func stall(with address: I2CAddress, writing bytes: Span<UInt8>) throws(I2CError) {
    let target = try present(address)
    if !bytes.isEmpty {
      try write(bytes, count: 1, to: target)
      target.stop()
    }
    throw .timedOut
  }

  private func cutShort(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading count: Int
  ) throws(I2CError) {
    let target = try present(address)
    if !bytes.isEmpty {
      try write(bytes, count: count == 0 ? bytes.count - 1 : bytes.count, to: target)
    }
    if count > 0, target.start(.read) {
      for _ in 1..<count { _ = target.transmit() }
    }
    target.stop()
    throw .shortTransfer
  }

  private static func question(_ address: I2CAddress, _ bytes: Span<UInt8>) -> UInt32 {
    let pointer = bytes.isEmpty ? 0 : 0x100 | UInt32(bytes[0])
    return UInt32(address.rawValue) << 16 | pointer
  }

  private func remember(
    _ question: UInt32, at known: Int?, buffer: inout MutableSpan<UInt8>
  ) {
    guard !buffer.isEmpty, buffer.count <= 8 else { return }
    var bytes: UInt64 = 0
    for index in 0..<buffer.count { bytes = bytes << 8 | UInt64(buffer[index]) }
    if let known {
      answers[known].bytes = bytes
    } else {
      // Once for each register that is ever read, so the steady state allocates nothing.
      answers.append(Answer(question: question, count: buffer.count, bytes: bytes))
    }
  }

  private func repeatAnswer(_ index: Int, into buffer: inout MutableSpan<UInt8>) {
    var bytes = answers[index].bytes
    for position in (0..<buffer.count).reversed() {
      buffer[position] = UInt8(truncatingIfNeeded: bytes)
      bytes >>= 8
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An I2C bus as a virtio device (virtio 1.2, section 5.18), over any bus.
///
/// A request is one message of a transfer. A write that is to be followed (`FAIL_NEXT`) is held until
/// its successor is there: with a read from the same address the two become one transaction with a
/// repeated start, as a chip's register read is. When a message of a chain fails, the rest of the
/// chain fails without reaching the bus. Requests without data are made as a write without bytes,
/// which asks whether somebody is there.
public final class VirtioI2C<Bus: I2CBus>: VirtioDevice {
  /// Transfers that went well, and messages that did not.
  public struct Counts: Equatable, Sendable {
    /// Transactions that a chip acknowledged.
    public internal(set) var transfers = 0
    /// Messages that were answered with an error.
    public internal(set) var failures = 0
  }

  /// VIRTIO_I2C_F_ZERO_LENGTH_REQUEST.
  public let features: UInt64 = 1 << 0
  /// One queue of requests.
  public let queueCount = 1
  /// Nothing to read.
  public let configuration: [UInt8] = []
  /// What went over the bus.
  public private(set) var counts = Counts()

  private var wire: Wire
  private let beforeTransfer: () -> Void
  private var held: Held?
  private var chainHasFailed = false

  /// A write that waits for what follows it; its bytes are in `wire`.
  private struct Held {
    let head: UInt16
    let address: I2CAddress
    let count: Int
    let status: AnswerPlace
  }

  /// Makes the device.
  ///
  /// - Parameters:
  ///   - bus: where transfers go.
  ///   - beforeTransfer: called before each, to let time pass for the chips.
  public init(bus: Bus, beforeTransfer: @escaping () -> Void = {}) {
    wire = Wire(bus: bus)
    self.beforeTransfer = beforeTransfer
  }

  // MARK: - Requests

  /// Makes the transfer of a request, or holds it; see `VirtioI2C`.
  public func serve(
    _ request: borrowing DescriptorChain, queue: Int, _ queues: any VirtioQueues
  ) {
    guard let message = VirtioI2CLayout.Message(request) else {
      release(queues)
      chainHasFailed = false
      // Without room for a status there is nothing to tell but that the request is done.
      let room = request.writableCount
      if room > 0 { request.write(byte: VirtioI2CLayout.failed, at: room - 1) }
      counts.failures += 1
      queues.finish(queue: 0, head: request.head, written: room > 0 ? 1 : 0)
      return
    }
    if chainHasFailed {
      chainHasFailed = message.isFollowed
      finish(request, message, false, queues)
    } else if let held, message.isRead, message.address == held.address {
      self.held = nil
      let isGood = transfer(held.address, writing: held.count, reading: message.count)
      complete(held, isGood, queues)
      if isGood { wire.copyAnswer(message.count, to: request) }
      settle(request, message, isGood, queues)
    } else {
      release(queues)
      if chainHasFailed {
        chainHasFailed = message.isFollowed
        finish(request, message, false, queues)
      } else {
        begin(request, message, queues)
      }
    }
  }

  private func begin(
    _ request: borrowing DescriptorChain, _ message: VirtioI2CLayout.Message,
    _ queues: any VirtioQueues
  ) {
    if message.isRead {
      let isGood = transfer(message.address, writing: 0, reading: message.count)
      if isGood { wire.copyAnswer(message.count, to: request) }
      settle(request, message, isGood, queues)
      return
    }
    wire.load(request, message.count)
    if message.isFollowed {
      held = Held(
        head: request.head, address: message.address, count: message.count,
        status: request.place(at: 0))
    } else {
      settle(
        request, message, transfer(message.address, writing: message.count, reading: 0), queues)
    }
  }

  /// Answers the last message of a transaction.
  private func settle(
    _ request: borrowing DescriptorChain, _ message: VirtioI2CLayout.Message, _ isGood: Bool,
    _ queues: any VirtioQueues
  ) {
    chainHasFailed = !isGood && message.isFollowed
    finish(request, message, isGood, queues)
  }

  private func finish(
    _ request: borrowing DescriptorChain, _ message: VirtioI2CLayout.Message, _ isGood: Bool,
    _ queues: any VirtioQueues
  ) {
    let data = message.isRead ? message.count : 0
    request.write(byte: isGood ? VirtioI2CLayout.good : VirtioI2CLayout.failed, at: data)
    if !isGood { counts.failures += 1 }
    queues.finish(queue: 0, head: request.head, written: data + 1)
  }

  /// Makes the transfer of a write that nothing followed after all, or nothing that belongs to it.
  private func release(_ queues: any VirtioQueues) {
    guard let held else { return }
    self.held = nil
    let isGood = transfer(held.address, writing: held.count, reading: 0)
    chainHasFailed = !isGood
    complete(held, isGood, queues)
  }

  private func complete(_ held: Held, _ isGood: Bool, _ queues: any VirtioQueues) {
    held.status.write(isGood ? VirtioI2CLayout.good : VirtioI2CLayout.failed)
    if !isGood { counts.failures += 1 }
    queues.finish(queue: 0, head: held.head, written: 1)
  }

  /// A held write whose follower is not there when the queue is empty goes alone.
  public func drained(queue: Int, _ queues: any VirtioQueues) { release(queues) }

  /// A bus remembers nothing between two transfers.
  public func begin(queue: Int, goesOn: Bool) {}

  /// Lets go of what was held.
  public func forget(queue: Int) {
    held = nil
    chainHasFailed = false
  }

  // MARK: - The bus

  private func transfer(_ address: I2CAddress, writing count: Int, reading: Int) -> Bool {
    beforeTransfer()
    let isGood = wire.transfer(address, writing: count, reading: reading)
    if isGood { counts.transfers += 1 }
    return isGood
  }

  /// The bus with the bytes of one transfer.
  private struct Wire {
    var bus: Bus
    private var written = [UInt8](repeating: 0, count: VirtioI2CLayout.mostBytes)
    private var answer = [UInt8](repeating: 0, count: VirtioI2CLayout.mostBytes)

    init(bus: Bus) { self.bus = bus }

    mutating func load(_ request: borrowing DescriptorChain, _ count: Int) {
      var room = written.mutableSpan
      var part = room._mutatingExtracting(first: count)
      request.read(into: &part, from: VirtioI2CLayout.headerBytes)
    }

    mutating func transfer(_ address: I2CAddress, writing count: Int, reading: Int) -> Bool {
      Self.transfer(&bus, address, written, count, &answer, reading)
    }

    // Apart from `self`, so that the bus and the room for its answer are two accesses.
    private static func transfer(
      _ bus: inout Bus, _ address: I2CAddress, _ written: [UInt8], _ count: Int,
      _ answer: inout [UInt8], _ reading: Int
    ) -> Bool {
      var room = answer.mutableSpan
      var part = room._mutatingExtracting(first: reading)
      do throws(I2CError) {
        try bus.transfer(
          with: address, writing: written.span.extracting(first: count), reading: &part)
        return true
      } catch {
        return false
      }
    }

    func copyAnswer(_ count: Int, to request: borrowing DescriptorChain) {
      request.write(answer.span.extracting(first: count), at: 0)
    }
  }
}

/// How a message of a transfer lies in a request.
enum VirtioI2CLayout {
  /// Address, padding and flags before the data.
  static let headerBytes = 8
  /// The length of a message in Linux has 16 bits; i2c-dev allows 8,192.
  static let mostBytes = 8_192
  static let good: UInt8 = 0
  static let failed: UInt8 = 1

  /// A request that keeps the rules.
  struct Message {
    let address: I2CAddress
    let isRead: Bool
    /// Whether the next request belongs to the same transfer.
    let isFollowed: Bool
    let count: Int

    /// Nil if the request is no message.
    init?(_ request: borrowing DescriptorChain) {
      guard request.readableCount >= headerBytes, request.writableCount >= 1 else { return nil }
      // A 7-bit address stands one bit to the left, as on the wire.
      let shifted = request.word(at: 0)
      let flags = request.longWord(at: 4)
      guard shifted & 1 == 0, shifted <= 0xFE else { return nil }
      address = I2CAddress(UInt8(shifted >> 1))
      isFollowed = flags & 1 != 0
      let written = request.readableCount - headerBytes
      let read = request.writableCount - 1
      // Data goes one way, and the flag says the same as the room.
      isRead = flags & 2 != 0
      guard isRead ? written == 0 : read == 0 else { return nil }
      count = isRead ? read : written
      guard count <= mostBytes else { return nil }
    }
  }
}

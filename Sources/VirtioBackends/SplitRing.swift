// SPDX-License-Identifier: Apache-2.0

import CVirtio

/// What is wrong with a ring; it is not looked at again until the peer sets it up anew.
public enum RingFault: Error, Equatable, Sendable {
  /// The ring is not completely set up, or not where it may be.
  case notReady
  /// More requests are offered than the ring has places.
  case tooManyOffers
  /// A descriptor's number is beyond the table.
  case indexOutside
  /// A chain is longer than its table, so it bites its tail.
  case loop
  /// An indirect table is empty, ragged, too long, or inside another one.
  case badIndirectTable
  /// Bytes lie outside shared memory.
  case addressOutside
  /// A part to read follows a part to write.
  case readableAfterWritable
  /// A request has more pieces than `DescriptorChain.mostSegments`.
  case tooManySegments
  /// A request has more bytes than `DescriptorChain.mostBytes`.
  case tooManyBytes
}

/// The places of a split virtqueue in this process's memory (virtio 1.2, section 2.7).
///
/// The peer writes the descriptors and the available ring, this side the used ring. Each field is
/// read once; what was read is checked before it is used.
@safe struct SplitRing {
  /// The largest ring that is accepted; the protocol allows 32,768.
  static let largest: UInt32 = 1_024

  /// How many places it has; 0 before it is set up.
  var size: UInt16 = 0
  /// The next request to take, counted from the beginning, modulo 65,536.
  var nextAvailable: UInt16 = 0
  /// How many requests were given back.
  private(set) var usedCount: UInt16 = 0

  /// Whether each side says from which request on it wants to be told (VIRTIO_F_EVENT_IDX).
  var usesEventIndex = false
  /// How many requests were given back when the peer was asked about last.
  private var announcedCount: UInt16 = 0

  private var descriptors: UnsafeMutableRawPointer?
  private var available: UnsafeMutableRawPointer?
  private var used: UnsafeMutableRawPointer?

  private static let descriptorBytes = 16
  private static let hasNext: UInt16 = 1
  private static let isWritable: UInt16 = 2
  private static let isIndirect: UInt16 = 4

  /// Finds the ring's three parts; they must be aligned and wholly in shared memory.
  mutating func locate(
    descriptors: UInt64, available: UInt64, used: UInt64, in memory: borrowing GuestMemory
  ) -> Bool {
    let places = UInt64(size)
    guard size > 0, descriptors % 16 == 0, available % 2 == 0, used % 4 == 0,
      let table = unsafe memory.pointer(atUser: descriptors, count: 16 * places),
      let offers = unsafe memory.pointer(atUser: available, count: 6 + 2 * places),
      let returns = unsafe memory.pointer(atUser: used, count: 6 + 8 * places)
    else { return false }
    unsafe self.descriptors = table
    unsafe self.available = offers
    unsafe self.used = returns
    unsafe usedCount = UInt16(littleEndian: cvirtio_load(returns + 2))
    announcedCount = usedCount
    return true
  }

  /// Forgets where the ring is.
  mutating func forget() {
    unsafe descriptors = nil
    unsafe available = nil
    unsafe used = nil
  }

  var isLocated: Bool { unsafe used != nil }

  // MARK: - Requests

  /// Takes the next request; false if none waits.
  mutating func next(
    _ chain: inout DescriptorChain, _ memory: borrowing GuestMemory
  ) throws(RingFault) -> Bool {
    guard let available = unsafe available, let descriptors = unsafe descriptors else {
      throw .notReady
    }
    let offered = unsafe UInt16(littleEndian: cvirtio_load(available + 2))
    let waiting = offered &- nextAvailable
    if waiting == 0 { return false }
    guard waiting <= size else { throw .tooManyOffers }
    let place = Int(nextAvailable & (size - 1))
    let head = unsafe UInt16(littleEndian: cvirtio_load(available + 4 + 2 * place))
    guard head < size else { throw .indexOutside }
    nextAvailable &+= 1
    chain.begin(head: head)
    unsafe try Self.collect(&chain, Table(base: descriptors, count: UInt32(size)), head, memory)
    return true
  }

  @safe private struct Table {
    let base: UnsafeMutableRawPointer
    let count: UInt32
  }

  private struct Descriptor {
    let address: UInt64
    let count: UInt32
    let flags: UInt16
    let next: UInt16

    init(_ table: Table, _ index: UInt16) {
      let place = unsafe table.base + Int(index) * SplitRing.descriptorBytes
      // An indirect table may lie anywhere, so nothing is known of its alignment.
      address = unsafe UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
      count = unsafe UInt32(
        littleEndian: place.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
      flags = unsafe UInt16(
        littleEndian: place.loadUnaligned(fromByteOffset: 12, as: UInt16.self))
      next = unsafe UInt16(
        littleEndian: place.loadUnaligned(fromByteOffset: 14, as: UInt16.self))
    }
  }

  private static func collect(
    _ chain: inout DescriptorChain, _ table: Table, _ first: UInt16,
    _ memory: borrowing GuestMemory, isInside: Bool = false
  ) throws(RingFault) {
    var index = first
    for _ in 0..<table.count {
      let descriptor = Descriptor(table, index)
      if descriptor.flags & isIndirect != 0 {
        guard !isInside, descriptor.flags & hasNext == 0 else { throw .badIndirectTable }
        let inner = try Self.table(descriptor, memory)
        try collect(&chain, inner, 0, memory, isInside: true)
        return
      }
      try chain.append(
        address: descriptor.address, count: descriptor.count,
        isWritable: descriptor.flags & isWritable != 0, memory)
      if descriptor.flags & hasNext == 0 { return }
      index = descriptor.next
      guard UInt32(index) < table.count else { throw .indexOutside }
    }
    throw .loop
  }

  private static func table(
    _ descriptor: Descriptor, _ memory: borrowing GuestMemory
  ) throws(RingFault) -> Table {
    let bytes = descriptor.count
    guard bytes > 0, bytes % 16 == 0, bytes <= largest * 16 else { throw .badIndirectTable }
    guard let place = unsafe memory.bytes(atGuest: descriptor.address, count: UInt64(bytes)),
      unsafe place.count == UInt64(bytes)
    else { throw .addressOutside }
    return unsafe Table(base: place.base, count: bytes / 16)
  }

  // MARK: - Answers

  /// Gives a request back.
  mutating func finish(head: UInt16, written: UInt32) {
    guard let used = unsafe used else { return }
    let place = unsafe used + 4 + 8 * Int(usedCount & (size - 1))
    unsafe place.storeBytes(of: UInt32(head).littleEndian, as: UInt32.self)
    unsafe place.storeBytes(of: written.littleEndian, toByteOffset: 4, as: UInt32.self)
    usedCount &+= 1
    unsafe cvirtio_store(used + 2, usedCount.littleEndian)
  }

  /// Asks to be told of the next request.
  ///
  /// - Returns: whether one came before the peer could know; it would not be told of.
  func askForNotice() -> Bool {
    guard usesEventIndex, let used = unsafe used, let available = unsafe available else {
      return false
    }
    unsafe cvirtio_store(used + 4 + 8 * Int(size), nextAvailable.littleEndian)
    cvirtio_fence()
    return unsafe UInt16(littleEndian: cvirtio_load(available + 2)) != nextAvailable
  }

  /// Whether the peer wants to be told of the answers given since the last time this was asked.
  mutating func wantsInterrupt() -> Bool {
    guard let available = unsafe available else { return false }
    cvirtio_fence()
    guard usesEventIndex else {
      return unsafe UInt16(littleEndian: cvirtio_load(available)) & 1 == 0
    }
    let event = unsafe UInt16(littleEndian: cvirtio_load(available + 4 + 2 * Int(size)))
    let since = usedCount &- announcedCount
    announcedCount = usedCount
    return usedCount &- event &- 1 < since
  }
}

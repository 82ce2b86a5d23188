// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Glibc
import Testing

@testable import VirtioBackends

/// The machine's side of a connection, well-behaved until a test says otherwise.
@safe final class FrontEnd {
  static let guestBase: UInt64 = 0x1000_0000
  static let userBase: UInt64 = 0x7F00_0000_0000
  static let memorySize = 65_536
  static let ringSize: UInt16 = 4
  static let availableAt = 0x400
  static let usedAt = 0x800
  static let tablesAt = 0x1000
  static let buffersAt = 0x4000

  let server: VhostUserServer
  let memory: OwnedDescriptor
  let base: UnsafeMutableRawPointer
  let kicks: [OwnedDescriptor]
  let calls: [OwnedDescriptor]
  private let socket: OwnedDescriptor
  private var set = PollSet()
  private(set) var offered: [UInt16]
  private var seen: [UInt16]

  init(_ device: any VirtioDevice) throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe cvirtio_pair(&ends) == 0)
    socket = OwnedDescriptor(ends[0])
    server = VhostUserServer(connection: OwnedDescriptor(ends[1]), device: device)
    memory = OwnedDescriptor(cvirtio_memory(UInt64(Self.memorySize), 1))
    var address: UnsafeMutableRawPointer?
    try #require(
      unsafe cvirtio_map(memory.number, 0, UInt64(Self.memorySize), &address) == 0)
    unsafe base = try #require(unsafe address)
    kicks = (0..<device.queueCount).map { _ in OwnedDescriptor(cvirtio_event()) }
    calls = (0..<device.queueCount).map { _ in OwnedDescriptor(cvirtio_event()) }
    offered = kicks.map { _ in 0 }
    seen = kicks.map { _ in 0 }
  }

  deinit { _ = unsafe munmap(base, Self.memorySize) }

  // MARK: - Messages

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8], _ descriptors: [Int32] = []) {
    _ = unsafe cvirtio_send_descriptors(
      socket.number, bytes, bytes.count, descriptors, descriptors.count)
    serve()
  }

  /// Sends a message that wants an answer; its payload, or nil if none came.
  func ask(_ request: UInt32, _ payload: [UInt8] = [], _ descriptors: [Int32] = []) -> [UInt8]? {
    send(VhostUserMessage.bytes(request: request, flags: 1 | 8, payload: payload), descriptors)
    var bytes = [UInt8](repeating: 0, count: 4_096)
    var none = 0
    let count = unsafe cvirtio_receive(socket.number, &bytes, bytes.count, nil, &none)
    return count >= 12 ? Array(bytes[12..<count]) : nil
  }

  /// Whether a message that sets something was accepted.
  func accepts(_ request: UInt32, _ payload: [UInt8], _ descriptors: [Int32] = []) -> Bool {
    ask(request, payload, descriptors).map { $0.allSatisfy { $0 == 0 } } ?? false
  }

  func serve() {
    for _ in 0..<4 {
      set.removeAll()
      server.watch(&set)
      guard set.wait(milliseconds: 0) else { return }
      server.serve(set)
    }
  }

  static func region(
    guest: UInt64 = guestBase, size: Int = memorySize, user: UInt64 = userBase, offset: UInt64 = 0
  ) -> [UInt8] {
    VhostUserMessage.little(guest) + VhostUserMessage.little(UInt64(size))
      + VhostUserMessage.little(user) + VhostUserMessage.little(offset)
  }

  func shareMemory() -> Bool {
    accepts(5, [1, 0, 0, 0, 0, 0, 0, 0] + Self.region(), [memory.number])
  }

  /// Everything up to running rings; without the event index every request is told of.
  func start(usesEventIndex: Bool = false) throws {
    var features = try #require(ask(1))
    if !usesEventIndex { features[3] &= ~0x20 }
    try #require(accepts(2, features))
    try #require(accepts(16, VhostUserMessage.little(UInt64(1 << 3))))
    try #require(accepts(3, []))
    try #require(shareMemory())
    for queue in kicks.indices { try #require(startRing(queue)) }
  }

  func ringOffset(_ queue: Int) -> Int { queue * 0x200 }

  func startRing(_ queue: Int, base: UInt16 = 0) -> Bool {
    let index = VhostUserMessage.little(UInt32(queue))
    let user = Self.userBase + UInt64(ringOffset(queue))
    offered[queue] = base
    seen[queue] = usedIndex(queue)
    return accepts(8, index + VhostUserMessage.little(UInt32(Self.ringSize)))
      && accepts(10, index + VhostUserMessage.little(UInt32(base)))
      && accepts(
        9,
        index + [0, 0, 0, 0] + VhostUserMessage.little(user)
          + VhostUserMessage.little(user + UInt64(Self.usedAt))
          + VhostUserMessage.little(user + UInt64(Self.availableAt)) + [0, 0, 0, 0, 0, 0, 0, 0])
      && accepts(13, VhostUserMessage.little(UInt64(queue)), [calls[queue].number])
      && accepts(12, VhostUserMessage.little(UInt64(queue)), [kicks[queue].number])
      && accepts(18, index + VhostUserMessage.little(UInt32(1)))
  }

  // MARK: - Memory

  func store<Number: FixedWidthInteger>(_ number: Number, _ offset: Int) {
    unsafe base.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
  }

  func load<Number: FixedWidthInteger>(_ offset: Int) -> Number {
    unsafe Number(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  func bytes(_ offset: Int, _ count: Int) -> [UInt8] { (0..<count).map { load(offset + $0) } }

  func describe(
    _ place: Int, address: UInt64, count: UInt32, flags: UInt16, next: UInt16 = 0
  ) {
    store(address, place)
    store(count, place + 8)
    store(flags, place + 12)
    store(next, place + 14)
  }

  // MARK: - Requests

  /// One request of a ring: bytes to read and room to write, behind an indirect table.
  struct Request {
    var head: UInt16
    var room: Int
    var count: Int
  }

  /// Puts a request into the ring without telling of it.
  func offer(_ queue: Int, head: UInt16, _ readable: [UInt8], room: Int) -> Request {
    let ring = ringOffset(queue)
    let table = Self.tablesAt + queue * 0x400 + Int(head) * 0x40
    let buffer = Self.buffersAt + queue * 0x4000 + Int(head) * 0x1000
    for (place, byte) in readable.enumerated() { store(byte, buffer + place) }
    for place in 0..<room { store(UInt8(0xEE), buffer + 0x800 + place) }
    let guest = Self.guestBase + UInt64(buffer)
    // As Linux does it: eight bytes of header, the data, the answer.
    describe(table, address: guest, count: 8, flags: 1, next: 1)
    if readable.count > 8 {
      describe(
        table + 16, address: guest + 8, count: UInt32(readable.count - 8), flags: 1, next: 2)
      describe(table + 32, address: guest + 0x800, count: UInt32(room), flags: 2)
    } else {
      describe(table, address: guest, count: UInt32(readable.count), flags: 1, next: 1)
      describe(table + 16, address: guest + 0x800, count: UInt32(room), flags: 2)
    }
    describe(
      ring + Int(head) * 16, address: Self.guestBase + UInt64(table),
      count: readable.count > 8 ? 48 : 32, flags: 4)
    offerHead(queue, head)
    return Request(head: head, room: buffer + 0x800, count: room)
  }

  func offerHead(_ queue: Int, _ head: UInt16) {
    let available = ringOffset(queue) + Self.availableAt
    store(head, available + 4 + 2 * Int(offered[queue] % Self.ringSize))
    offered[queue] &+= 1
    store(offered[queue], available + 2)
  }

  func kick(_ queue: Int) {
    cvirtio_signal(kicks[queue].number)
    serve()
  }

  /// Whether the device told of answers since this was asked last.
  func wasInterrupted(_ queue: Int) -> Bool {
    var calls = PollSet()
    calls.add(self.calls[queue].number)
    guard calls.wait(milliseconds: 0) else { return false }
    cvirtio_drain(self.calls[queue].number)
    return true
  }

  func usedIndex(_ queue: Int) -> UInt16 { load(ringOffset(queue) + Self.usedAt + 2) }

  /// The answers since the last call: the request's number and how much was written.
  func answers(_ queue: Int) -> [(head: UInt32, written: UInt32)] {
    var found: [(head: UInt32, written: UInt32)] = []
    while seen[queue] != usedIndex(queue) {
      let place = ringOffset(queue) + Self.usedAt + 4 + 8 * Int(seen[queue] % Self.ringSize)
      found.append((load(place), load(place + 4)))
      seen[queue] &+= 1
    }
    return found
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CVirtio
import Glibc
import VirtioBackends

/// Lets a machine do to the back ends whatever the bytes say; then a well-behaved one must be served.
///
/// The first byte chooses the bus or the lines. What follows are deeds: messages good and bad, bytes of
/// shared memory, descriptors of requests, kicks.
func readMachine(_ bytes: [UInt8]) {
  var deeds = Deeds(bytes)
  let pins = FuzzPins()
  let device: any VirtioDevice =
    deeds.byte() & 1 == 0 ? VirtioI2C(bus: EchoBus()) : VirtioGPIO(pins)
  let machine = FuzzMachine(device)
  // Each costs some calls of the system; a fuzzer that may write long inputs tries few.
  for _ in 0..<48 where !deeds.isAtEnd {
    machine.act(&deeds)
    pins.level.toggle()
    (device as? VirtioGPIO)?.levelsMayHaveChanged(machine.server.queues)
    machine.server.flush()
  }
  let next = FuzzMachine(device)
  next.start()
  // For the bus a message without data to nobody, for the lines a question for a line's direction.
  next.offer(queue: 0, head: 0, flags: 0, [2, 0, 0, 0, 0, 0, 0, 0], room: 2)
  next.kick(0)
  precondition(next.usedCount(0) == 1, "a well-behaved machine is served after any other")
}

/// The bytes of an input, one after the other; zeros after its end.
private struct Deeds {
  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { place >= bytes.count }

  mutating func byte() -> UInt8 {
    defer { place += 1 }
    return place < bytes.count ? bytes[place] : 0
  }

  mutating func word() -> UInt16 { UInt16(byte()) | UInt16(byte()) << 8 }

  mutating func take(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
}

/// A bus on which 0x40 answers with what it was last told.
private struct EchoBus: I2CBus {
  private var last: UInt8 = 0

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    guard address.rawValue == 0x40 else { throw .noAcknowledge }
    if !bytes.isEmpty { last = bytes[bytes.count - 1] }
    for index in 0..<buffer.count { buffer[index] = last }
  }
}

private final class FuzzPins: GPIOLines {
  let names = ["ALERT", "CHARGE"]
  var level = false
  func level(of line: Int) -> Bool { level }
  func drive(_ line: Int, high: Bool) {}
}

/// The machine's side of a connection.
@safe private final class FuzzMachine {
  private static let guestBase: UInt64 = 0x1000_0000
  private static let userBase: UInt64 = 0x7F00_0000_0000
  private static let memorySize = 32_768
  private static let places: UInt32 = 4
  private static let availableAt = 0x100
  private static let usedAt = 0x180
  private static let queueBytes = 0x200
  private static let buffersAt = 0x1000

  let server: VhostUserServer
  private let queueCount: Int
  private let socket: OwnedDescriptor
  private let memory: OwnedDescriptor
  private let base: UnsafeMutableRawPointer
  private let kicks: [OwnedDescriptor]
  private let call = OwnedDescriptor(cvirtio_event())
  private var offered: [UInt16]
  private var set = PollSet()

  init(_ device: any VirtioDevice) {
    var ends: [Int32] = [0, 0]
    precondition(unsafe cvirtio_pair(&ends) == 0, "a pair of sockets")
    socket = OwnedDescriptor(ends[0])
    server = VhostUserServer(connection: OwnedDescriptor(ends[1]), device: device)
    memory = OwnedDescriptor(cvirtio_memory(UInt64(Self.memorySize), 1))
    var address: UnsafeMutableRawPointer?
    let status = unsafe cvirtio_map(memory.number, 0, UInt64(Self.memorySize), &address)
    guard status == 0, let address = unsafe address else { preconditionFailure("shared memory") }
    unsafe base = address
    queueCount = device.queueCount
    kicks = (0..<device.queueCount).map { _ in OwnedDescriptor(cvirtio_event()) }
    offered = kicks.map { _ in 0 }
  }

  deinit { _ = unsafe munmap(base, Self.memorySize) }

  /// One deed of the bytes.
  func act(_ deeds: inout Deeds) {
    switch deeds.byte() & 7 {
    case 0: start()
    case 1: startRing(Int(deeds.byte()) % queueCount, at: deeds.word())
    case 2:
      let queue = Int(deeds.byte()) % queueCount
      let (head, flags, room) = (deeds.byte() & 7, deeds.byte(), deeds.byte())
      offer(
        queue: queue, head: UInt16(head), flags: flags, deeds.take(Int(deeds.byte() & 31)),
        room: UInt32(room))
      kick(queue)
    case 3: kick(Int(deeds.byte()) % queueCount)
    case 4:
      let place = Int(deeds.word()) % Self.memorySize
      write(deeds.take(Int(deeds.byte() & 15)), at: place)
    case 5:
      let (request, flags, files) = (deeds.byte() % 44, deeds.byte(), deeds.byte())
      let payload = deeds.take(Int(deeds.byte() & 127))
      send(UInt32(request), flags: UInt32(flags), payload, descriptors(files))
    case 6: sendBytes(deeds.take(Int(deeds.byte() & 31)), descriptors(deeds.byte()))
    default: share()
    }
  }

  /// Up to three descriptors: events, memory, or one that is neither.
  private func descriptors(_ choice: UInt8) -> [Int32] {
    let known = [memory.number, kicks[0].number, call.number, socket.number]
    return (0..<Int(choice & 3)).map { known[Int(choice >> (2 + 2 * UInt8($0))) & 3] }
  }

  // MARK: - Messages

  /// Everything up to running rings.
  func start() {
    send(2, Self.little(UInt64(0x1_5000_0001)))
    send(3, [])
    share()
    for queue in 0..<queueCount { startRing(queue, at: 0) }
  }

  private func share() {
    let region =
      Self.little(Self.guestBase) + Self.little(UInt64(Self.memorySize))
      + Self.little(Self.userBase) + Self.little(UInt64(0))
    send(5, Self.little(UInt64(1)) + region, [memory.number])
  }

  private func startRing(_ queue: Int, at begin: UInt16) {
    let index = Self.little(UInt32(queue))
    let ring = Self.userBase + UInt64(queue * Self.queueBytes)
    offered[queue] = begin
    send(8, index + Self.little(Self.places))
    send(10, index + Self.little(UInt32(begin)))
    send(
      9,
      index + Self.little(UInt32(0)) + Self.little(ring)
        + Self.little(ring + UInt64(Self.usedAt)) + Self.little(ring + UInt64(Self.availableAt))
        + Self.little(UInt64(0)))
    send(13, Self.little(UInt64(queue)), [call.number])
    send(12, Self.little(UInt64(queue)), [kicks[queue].number])
    send(18, index + Self.little(UInt32(1)))
  }

  private func send(
    _ request: UInt32, flags: UInt32 = 1, _ payload: [UInt8], _ descriptors: [Int32] = []
  ) {
    sendBytes(
      Self.little(request) + Self.little(flags) + Self.little(UInt32(payload.count)) + payload,
      descriptors)
  }

  private func sendBytes(_ bytes: [UInt8], _ descriptors: [Int32]) {
    _ = unsafe cvirtio_send_descriptors(
      socket.number, bytes, bytes.count, descriptors, descriptors.count)
    serve()
    // Answers are taken and not looked at.
    var answer = [UInt8](repeating: 0, count: 4_096)
    var none = 0
    _ = unsafe cvirtio_receive(socket.number, &answer, answer.count, nil, &none)
  }

  private func serve() {
    for _ in 0..<4 {
      set.removeAll()
      server.watch(&set)
      guard server.isConnected, set.wait(milliseconds: 0) else { return }
      server.serve(set)
    }
  }

  // MARK: - Rings

  /// Offers a request: bytes to read, room to write; `flags` says in which of some ways.
  func offer(queue: Int, head: UInt16, flags: UInt8, _ readable: [UInt8], room: UInt32) {
    let ring = queue * Self.queueBytes
    let buffer = Self.buffersAt + 0x400 * Int(head & 7)
    write(readable, at: buffer)
    // Bit 0: behind an indirect table. Others break what a driver would not.
    let isIndirect = flags & 1 != 0
    let table = isIndirect ? 0x800 + 0x40 * Int(head & 7) : ring + 16 * Int(head & 3)
    let next: UInt16 = isIndirect ? 1 : (head & 3 ^ 1)
    let guest = Self.guestBase + UInt64(buffer)
    describe(table, guest, UInt32(readable.count), flags: 1 | UInt16(flags & 4), next: next)
    describe(
      table + (isIndirect ? 16 : 16 * Int(next) - 16 * Int(head & 3)), guest + 0x200, room,
      flags: 2 | UInt16(flags & 8) >> 3, next: flags & 16 == 0 ? 0 : UInt16(flags))
    if isIndirect {
      describe(
        ring + 16 * Int(head & 3), Self.guestBase + UInt64(table), 32 + UInt32(flags & 32),
        flags: 4)
    }
    let available = ring + Self.availableAt
    write(Self.little(head), at: available + 4 + 2 * Int(offered[queue] % UInt16(Self.places)))
    offered[queue] &+= flags & 64 == 0 ? 1 : 2
    write(Self.little(offered[queue]), at: available + 2)
  }

  private func describe(
    _ place: Int, _ address: UInt64, _ count: UInt32, flags: UInt16, next: UInt16 = 0
  ) {
    write(
      Self.little(address) + Self.little(count) + Self.little(flags) + Self.little(next), at: place)
  }

  /// Tells of requests.
  func kick(_ queue: Int) {
    cvirtio_signal(kicks[queue].number)
    serve()
  }

  /// How many requests were given back.
  func usedCount(_ queue: Int) -> UInt16 {
    unsafe base.load(
      fromByteOffset: queue * Self.queueBytes + Self.usedAt + 2, as: UInt16.self)
  }

  private func write(_ bytes: [UInt8], at place: Int) {
    for (index, byte) in bytes.enumerated() where place + index < Self.memorySize {
      unsafe base.storeBytes(of: byte, toByteOffset: place + index, as: UInt8.self)
    }
  }

  private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
  }
}

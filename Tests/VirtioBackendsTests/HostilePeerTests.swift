// SPDX-License-Identifier: Apache-2.0

import CVirtio
import DeterministicMath
import Foundation
import Testing

@testable import VirtioBackends

/// A peer that breaks the rules costs its own ring, or its connection, and nothing else.
struct HostilePeerTests {
  private func started() throws -> FrontEnd {
    let frontEnd = try FrontEnd(VirtioI2C(bus: RegisterBus()))
    try frontEnd.start()
    return frontEnd
  }

  /// Writes one broken request into a running ring.
  struct Break: CustomTestStringConvertible {
    var testDescription: String
    var fault: RingFault
    var apply: @Sendable (FrontEnd) -> Void
  }

  static let guest = FrontEnd.guestBase
  static let breaks: [Break] = [
    Break(testDescription: "head outside", fault: .indexOutside) { $0.offerHead(0, 4) },
    Break(testDescription: "far too many offers", fault: .tooManyOffers) {
      $0.store(UInt16(5), FrontEnd.availableAt + 2)
    },
    Break(testDescription: "next outside", fault: .indexOutside) {
      $0.describe(0, address: guest, count: 8, flags: 1, next: 9)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "a chain in a circle", fault: .loop) {
      $0.describe(0, address: guest, count: 8, flags: 1, next: 1)
      $0.describe(16, address: guest, count: 8, flags: 1, next: 0)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "before memory", fault: .addressOutside) {
      $0.describe(0, address: guest - 1, count: 8, flags: 0)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "past memory", fault: .addressOutside) {
      $0.describe(0, address: guest + 65_530, count: 8, flags: 0)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "around the address space", fault: .addressOutside) {
      $0.describe(0, address: UInt64.max - 3, count: 8, flags: 0)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "4 GiB", fault: .addressOutside) {
      $0.describe(0, address: guest, count: UInt32.max, flags: 0)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "an empty table", fault: .badIndirectTable) {
      $0.describe(0, address: guest, count: 0, flags: 4)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "a ragged table", fault: .badIndirectTable) {
      $0.describe(0, address: guest, count: 24, flags: 4)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "a table that goes on", fault: .badIndirectTable) {
      $0.describe(0, address: guest, count: 16, flags: 5)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "a table in a table", fault: .badIndirectTable) {
      $0.describe(0, address: guest + 0x1000, count: 16, flags: 4)
      $0.describe(0x1000, address: guest + 0x1000, count: 16, flags: 4)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "a table outside", fault: .addressOutside) {
      $0.describe(0, address: guest + 65_520, count: 32, flags: 4)
      $0.offerHead(0, 0)
    },
    Break(testDescription: "reading after writing", fault: .readableAfterWritable) {
      $0.describe(0, address: guest, count: 8, flags: 3, next: 1)
      $0.describe(16, address: guest, count: 8, flags: 0)
      $0.offerHead(0, 0)
    },
  ]

  @Test(arguments: breaks) func `A broken ring is left alone`(_ broken: Break) throws {
    let frontEnd = try started()
    broken.apply(frontEnd)
    frontEnd.kick(0)
    #expect(frontEnd.server.faults.lastRing == broken.fault)
    frontEnd.kick(0)
    #expect(frontEnd.server.faults.rings == 1)
    #expect(frontEnd.answers(0).isEmpty)
    // Set up anew, it works again.
    try #require(frontEnd.startRing(0, base: frontEnd.load(FrontEnd.availableAt + 2)))
    _ = frontEnd.offer(0, head: 3, header(0x40) + [1], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.answers(0).map(\.head) == [3])
  }

  @Test func `More pieces than any request has`() throws {
    let frontEnd = try started()
    for piece in 0..<100 {
      frontEnd.describe(
        0x1000 + piece * 16, address: Self.guest, count: 1, flags: 1, next: UInt16(piece + 1))
    }
    frontEnd.describe(0, address: Self.guest + 0x1000, count: 1_600, flags: 4)
    frontEnd.offerHead(0, 0)
    frontEnd.kick(0)
    #expect(frontEnd.server.faults.lastRing == .tooManySegments)
  }

  @Test func `Memory that may shrink, overlap or overflow is refused`() throws {
    let frontEnd = try FrontEnd(VirtioI2C(bus: RegisterBus()))
    let one: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
    let two: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0]
    let file = frontEnd.memory.number
    let unsealed = OwnedDescriptor(cvirtio_memory(65_536, 0))
    let region = FrontEnd.region()
    #expect(!frontEnd.accepts(5, one + region, [unsealed.number]))
    #expect(!frontEnd.accepts(5, two + region + region, [file, file]))
    #expect(!frontEnd.accepts(5, one + region, [file, file]))
    #expect(!frontEnd.accepts(5, one + region))
    #expect(!frontEnd.accepts(5, one + FrontEnd.region(size: 0), [file]))
    #expect(!frontEnd.accepts(5, one + FrontEnd.region(size: 65_537), [file]))
    #expect(!frontEnd.accepts(5, one + FrontEnd.region(offset: 4_096), [file]))
    #expect(!frontEnd.accepts(5, one + FrontEnd.region(size: 100, offset: 100), [file]))
    #expect(!frontEnd.accepts(5, one + FrontEnd.region(guest: UInt64.max - 10), [file]))
    #expect(!frontEnd.accepts(5, [9, 0, 0, 0, 0, 0, 0, 0] + region, [file]))
    #expect(frontEnd.shareMemory())
  }

  @Test func `Messages out of place are refused`() throws {
    let frontEnd = try started()
    let event = OwnedDescriptor(cvirtio_event())
    let past: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
    #expect(!frontEnd.accepts(12, past, [event.number]))
    #expect(!frontEnd.accepts(12, [0, 0, 0, 0, 0, 0, 0, 0], [frontEnd.memory.number]))
    #expect(!frontEnd.accepts(13, [0, 0, 0, 0, 0, 0, 0, 0]))
    #expect(!frontEnd.accepts(8, [0, 0, 0, 0, 3, 0, 0, 0]))
    #expect(!frontEnd.accepts(8, [0, 0, 0, 0, 0, 0, 0, 0]))
    #expect(!frontEnd.accepts(8, [0, 0]))
    #expect(!frontEnd.accepts(10, [0, 0, 0, 0, 0, 0, 1, 0]))
    #expect(!frontEnd.accepts(18, [0, 0, 0, 0, 2, 0, 0, 0]))
    #expect(!frontEnd.accepts(2, [255, 255, 255, 255, 255, 255, 255, 255]))
    #expect(!frontEnd.accepts(99, []))
    #expect(!frontEnd.accepts(25, [UInt8](repeating: 0, count: 20)))
    #expect(frontEnd.ask(11, [7, 0, 0, 0, 0, 0, 0, 0]) == [1, 0, 0, 0, 0, 0, 0, 0])
    #expect(frontEnd.ask(24, [0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]) == [])
    #expect(frontEnd.server.isConnected)
  }

  @Test func `Other memory takes the rings with it`() throws {
    let frontEnd = try started()
    try #require(frontEnd.shareMemory())
    _ = frontEnd.offer(0, head: 0, header(0x40) + [1], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.answers(0).isEmpty)
  }

  @Test func `A message that is too long ends the connection`() throws {
    let frontEnd = try started()
    frontEnd.send(
      VhostUserMessage.little(UInt32(1)) + VhostUserMessage.little(UInt32(1))
        + VhostUserMessage.little(UInt32.max))
    #expect(!frontEnd.server.isConnected)
  }

  @Test func `Half a message and then silence waits`() throws {
    let frontEnd = try started()
    frontEnd.send([1, 0, 0])
    frontEnd.send([0, 1, 0, 0])
    #expect(frontEnd.server.isConnected)
    frontEnd.send([0, 0, 0, 0, 0])
    #expect(frontEnd.server.faults.messages == 0)
  }

  /// Bytes of the ring, of the tables and of messages are changed at random while it runs.
  ///
  /// `SODALITE_FUZZ_ROUNDS` makes it longer; nothing may trap, and afterwards a ring that is set up
  /// anew must work.
  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func `Random bytes never trap`(seed: UInt64) throws {
    let asked = ProcessInfo.processInfo.environment["SODALITE_FUZZ_ROUNDS"].flatMap { Int($0) }
    var random = SeededRandom(seed: seed, stream: 1)
    let lines = TestLines()
    let devices: [any VirtioDevice] = [VirtioI2C(bus: RegisterBus()), VirtioGPIO(lines)]
    for device in devices {
      var frontEnd = try FrontEnd(device)
      try frontEnd.start()
      for _ in 0..<(asked ?? 2_000) {
        let queue = Int(random.next() % UInt64(device.queueCount))
        try Self.disturb(frontEnd, queue, &random)
        lines.levels[0] = random.next() % 2 == 0
        (device as? VirtioGPIO)?.levelsMayHaveChanged(frontEnd.server.queues)
        if !frontEnd.server.isConnected {
          frontEnd = try FrontEnd(device)
          try frontEnd.start()
        } else if random.next() % 16 == 0 {
          _ = frontEnd.shareMemory()
          for queue in 0..<device.queueCount {
            _ = frontEnd.startRing(queue, base: UInt16(truncatingIfNeeded: random.next()))
          }
        }
      }
      frontEnd = try FrontEnd(device)
      try frontEnd.start()
      _ = frontEnd.offer(0, head: 0, [2, 0, 0, 0, 0, 0, 0, 0], room: 2)
      frontEnd.kick(0)
      #expect(frontEnd.answers(0).count == 1, "seed \(seed)")
    }
  }

  private static func disturb(
    _ frontEnd: FrontEnd, _ queue: Int, _ random: inout SeededRandom
  ) throws {
    func number(_ limit: UInt64) -> Int { Int(random.next() % limit) }
    let heads = 1 + number(3)
    for _ in 0..<heads {
      var bytes = (0..<number(24)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      // Often enough something that is nearly right.
      if number(3) > 0 {
        bytes = header(0x40, followed: number(2) == 0, reads: number(2) == 0) + bytes
      }
      _ = frontEnd.offer(queue, head: UInt16(number(4)), bytes, room: number(40))
    }
    for _ in 0..<number(6) {
      let values: [UInt64] = [
        random.next(), random.next() & 0xFF, FrontEnd.guestBase + random.next() % 70_000, 0,
        UInt64.max,
      ]
      let places = [0, 0x1000, FrontEnd.availableAt, FrontEnd.usedAt, FrontEnd.buffersAt]
      let place = places[number(5)] + frontEnd.ringOffset(queue) + number(80)
      switch number(3) {
      case 0: frontEnd.store(UInt8(truncatingIfNeeded: values[number(5)]), place)
      case 1: frontEnd.store(UInt16(truncatingIfNeeded: values[number(5)]), place & ~1)
      default: frontEnd.store(values[number(5)], place & ~7)
      }
    }
    frontEnd.kick(queue)
    guard number(4) == 0 else { return }
    var payload = (0..<number(60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    if number(2) == 0, payload.count > 4 {
      payload.replaceSubrange(0..<4, with: [UInt8(number(3)), 0, 0, 0])
    }
    let descriptors = number(2) == 0 ? [] : [frontEnd.memory.number, frontEnd.kicks[0].number]
    _ = frontEnd.ask(UInt32(number(44)), payload, Array(descriptors.prefix(1 + number(2))))
    if number(50) == 0 { frontEnd.send((0..<number(20)).map { _ in UInt8(number(256)) }) }
  }
}

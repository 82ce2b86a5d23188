// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VirtioBackends

struct VirtioI2CTests {
  let bus = RegisterBus()

  private func started() throws -> FrontEnd {
    let frontEnd = try FrontEnd(VirtioI2C(bus: bus))
    try frontEnd.start()
    return frontEnd
  }

  @Test func `A register read is one transaction`() throws {
    let frontEnd = try started()
    bus.registers[7] = 0xAB
    bus.registers[8] = 0xCD
    let write = frontEnd.offer(0, head: 0, header(0x40, followed: true) + [7], room: 1)
    let read = frontEnd.offer(0, head: 1, header(0x40, reads: true), room: 3)
    frontEnd.kick(0)
    #expect(frontEnd.answers(0).map(\.head) == [0, 1])
    #expect(frontEnd.bytes(write.room, 1) == [0])
    #expect(frontEnd.bytes(read.room, 3) == [0xAB, 0xCD, 0])
    #expect(bus.log == ["64: 1 2"])
  }

  @Test func `Writes and reads alone reach the chip`() throws {
    let frontEnd = try started()
    let write = frontEnd.offer(0, head: 2, header(0x40) + [3, 1, 2], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.bytes(write.room, 1) == [0])
    #expect(bus.registers[3...4] == [1, 2])
    let read = frontEnd.offer(0, head: 0, header(0x40, reads: true), room: 2)
    frontEnd.kick(0)
    #expect(frontEnd.bytes(read.room, 2) == [0, 0])
    let answers = frontEnd.answers(0)
    #expect(answers.map(\.written) == [1, 2])
    #expect(bus.log == ["64: 3 0", "64: 0 1"])
  }

  @Test func `A request without data asks who is there`() throws {
    let frontEnd = try started()
    let there = frontEnd.offer(0, head: 0, header(0x40), room: 1)
    let absent = frontEnd.offer(0, head: 1, header(0x41), room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.bytes(there.room, 1) == [0])
    #expect(frontEnd.bytes(absent.room, 1) == [1])
    #expect(bus.log == ["64: 0 0", "65: 0 0"])
  }

  @Test func `What follows a failure fails without reaching the bus`() throws {
    let frontEnd = try started()
    let first = frontEnd.offer(0, head: 0, header(0x41, followed: true) + [1], room: 1)
    let second = frontEnd.offer(0, head: 1, header(0x40, followed: true) + [9], room: 1)
    let third = frontEnd.offer(0, head: 2, header(0x40, reads: true), room: 2)
    let next = frontEnd.offer(0, head: 3, header(0x40) + [5], room: 1)
    frontEnd.kick(0)
    #expect([first, second].map { frontEnd.bytes($0.room, 1) } == [[1], [1]])
    #expect(frontEnd.bytes(third.room, 2)[1] == 1)
    #expect(frontEnd.bytes(next.room, 1) == [0])
    #expect(bus.log == ["65: 1 0", "64: 1 0"])
  }

  @Test func `A held write goes alone when nothing follows`() throws {
    let frontEnd = try started()
    let write = frontEnd.offer(0, head: 0, header(0x40, followed: true) + [4, 4], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.bytes(write.room, 1) == [0])
    #expect(bus.registers[4] == 4)
    #expect(frontEnd.answers(0).count == 1)
  }

  @Test func `What is no message is answered by an error`() throws {
    let frontEnd = try started()
    let tenBits = frontEnd.offer(0, head: 0, [0xF0, 0x01, 0, 0, 0, 0, 0, 0, 1], room: 1)
    let bothWays = frontEnd.offer(0, head: 1, header(0x40) + [1], room: 3)
    let short = frontEnd.offer(0, head: 2, [0x80, 0], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.bytes(tenBits.room, 1) == [1])
    #expect(frontEnd.bytes(bothWays.room, 3)[2] == 1)
    #expect(frontEnd.bytes(short.room, 1) == [1])
    #expect(frontEnd.answers(0).count == 3)
    #expect(bus.log.isEmpty)
  }

  @Test func `A stopped ring goes on where it ended`() throws {
    let frontEnd = try started()
    _ = frontEnd.offer(0, head: 0, header(0x40) + [1], room: 1)
    frontEnd.kick(0)
    let base = try #require(frontEnd.ask(11, [0, 0, 0, 0, 0, 0, 0, 0]))
    #expect(base == [0, 0, 0, 0, 1, 0, 0, 0])
    // Stopped: nothing is served.
    _ = frontEnd.offer(0, head: 1, header(0x40) + [2], room: 1)
    frontEnd.kick(0)
    #expect(bus.log.count == 1)
    let offered = frontEnd.offered[0]
    try #require(frontEnd.startRing(0, base: 1))
    #expect(offered == 2)
    frontEnd.kick(0)
    #expect(bus.log.count == 2)
  }

  @Test func `Indices wrap around`() throws {
    let frontEnd = try started()
    frontEnd.store(UInt16(65_534), FrontEnd.availableAt + 2)
    try #require(frontEnd.startRing(0, base: 65_534))
    for round in 0..<4 {
      _ = frontEnd.offer(0, head: UInt16(round), header(0x40) + [UInt8(round)], room: 1)
      frontEnd.kick(0)
    }
    #expect(frontEnd.answers(0).map(\.head) == [0, 1, 2, 3])
    #expect(frontEnd.server.faults.rings == 0)
  }

  @Test func `With the event index each side says when it wants to be told`() throws {
    let frontEnd = try FrontEnd(VirtioI2C(bus: bus))
    try frontEnd.start(usesEventIndex: true)
    let wantedFrom = FrontEnd.availableAt + 4 + 2 * Int(FrontEnd.ringSize)
    let noticeAt = FrontEnd.usedAt + 4 + 8 * Int(FrontEnd.ringSize)
    frontEnd.store(UInt16(1), wantedFrom)
    _ = frontEnd.offer(0, head: 0, header(0x40) + [1], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.load(noticeAt) as UInt16 == 1)
    #expect(!frontEnd.wasInterrupted(0))
    _ = frontEnd.offer(0, head: 1, header(0x40) + [1], room: 1)
    frontEnd.kick(0)
    #expect(frontEnd.load(noticeAt) as UInt16 == 2)
    #expect(frontEnd.wasInterrupted(0))
  }
}

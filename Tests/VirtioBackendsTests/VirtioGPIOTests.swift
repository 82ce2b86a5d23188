// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VirtioBackends

/// Two lines that tests pull.
final class TestLines: GPIOLines {
  let names = ["ALERT", "CHARGE"]
  var levels = [true, false]
  var driven: [(line: Int, high: Bool)] = []

  func level(of line: Int) -> Bool { levels[line] }
  func drive(_ line: Int, high: Bool) { driven.append((line, high)) }
}

struct VirtioGPIOTests {
  let lines = TestLines()

  private func started() throws -> (FrontEnd, VirtioGPIO) {
    let device = VirtioGPIO(lines)
    let frontEnd = try FrontEnd(device)
    try frontEnd.start()
    return (frontEnd, device)
  }

  private func request(_ type: UInt8, _ line: UInt8, _ value: UInt8 = 0) -> [UInt8] {
    [type, 0, line, 0, value, 0, 0, 0]
  }

  /// Makes a request; its status and value.
  private func ask(_ frontEnd: FrontEnd, _ bytes: [UInt8]) -> [UInt8] {
    let request = frontEnd.offer(0, head: 0, bytes, room: 2)
    frontEnd.kick(0)
    return frontEnd.answers(0).count == 1 ? frontEnd.bytes(request.room, 2) : []
  }

  @Test func `Lines have a number and names`() throws {
    let (frontEnd, _) = try started()
    let size = VhostUserMessage.little(UInt32(8))
    let answer = frontEnd.ask(
      24, [0, 0, 0, 0] + size + [0, 0, 0, 0] + [UInt8](repeating: 0, count: 8))
    #expect(answer?.suffix(8) == [2, 0, 0, 0, 13, 0, 0, 0])
    let names = frontEnd.offer(0, head: 1, request(1, 0), room: 14)
    frontEnd.kick(0)
    #expect(frontEnd.bytes(names.room, 14) == [0] + Array("ALERT\0CHARGE\0".utf8))
  }

  @Test func `A value set before the direction is the first that shows`() throws {
    let (frontEnd, _) = try started()
    #expect(ask(frontEnd, request(2, 1)) == [0, 0])
    #expect(ask(frontEnd, request(5, 1, 1)) == [0, 0])
    #expect(lines.driven.isEmpty)
    #expect(ask(frontEnd, request(3, 1, 1)) == [0, 0])
    #expect(lines.driven.map(\.high) == [true])
    #expect(ask(frontEnd, request(2, 1)) == [0, 1])
    #expect(ask(frontEnd, request(4, 1)) == [0, 1])
    #expect(ask(frontEnd, request(4, 0)) == [0, 1])
  }

  @Test func `What there is not is an error`() throws {
    let (frontEnd, _) = try started()
    for bytes in [
      request(4, 2), request(3, 0, 3), request(5, 0, 2), request(6, 0, 5), request(9, 0),
    ] {
      #expect(ask(frontEnd, bytes) == [1, 0])
    }
  }

  @Test func `An edge comes once`() throws {
    let (frontEnd, device) = try started()
    #expect(ask(frontEnd, request(6, 0, 2)) == [0, 0])
    let event = frontEnd.offer(1, head: 0, [0, 0], room: 1)
    frontEnd.kick(1)
    device.levelsMayHaveChanged(frontEnd.server.queues)
    #expect(frontEnd.answers(1).isEmpty)
    lines.levels[0] = false
    device.levelsMayHaveChanged(frontEnd.server.queues)
    device.levelsMayHaveChanged(frontEnd.server.queues)
    #expect(frontEnd.answers(1).map(\.head) == [0])
    #expect(frontEnd.bytes(event.room, 1) == [1])
    // The rising edge is not asked for; the next falling one comes before the guest is ready again.
    for level in [true, false] {
      lines.levels[0] = level
      device.levelsMayHaveChanged(frontEnd.server.queues)
    }
    #expect(frontEnd.answers(1).isEmpty)
    _ = frontEnd.offer(1, head: 1, [0, 0], room: 1)
    frontEnd.kick(1)
    #expect(frontEnd.answers(1).map(\.head) == [1])
  }

  @Test func `Events that are not wanted any more are given back`() throws {
    let (frontEnd, _) = try started()
    _ = ask(frontEnd, request(6, 0, 3))
    let event = frontEnd.offer(1, head: 2, [0, 0], room: 1)
    frontEnd.kick(1)
    #expect(frontEnd.answers(1).isEmpty)
    _ = ask(frontEnd, request(6, 0, 0))
    #expect(frontEnd.answers(1).map(\.head) == [2])
    #expect(frontEnd.bytes(event.room, 1) == [0])
  }

  /// Sets a ring up where the guest is with it.
  private func goOn(_ frontEnd: FrontEnd, _ queue: Int, at base: UInt16) throws {
    frontEnd.store(base, frontEnd.ringOffset(queue) + FrontEnd.availableAt + 2)
    try #require(frontEnd.startRing(queue, base: base))
  }

  /// As after a process that died: the guest goes on where its rings are, and says nothing twice.
  @Test func `A guest that goes on is taken at its word`() throws {
    let (frontEnd, device) = try started()
    try goOn(frontEnd, 0, at: 7)
    try goOn(frontEnd, 1, at: 3)
    #expect(ask(frontEnd, request(5, 1, 1)) == [0, 0])
    #expect(lines.driven.map(\.high) == [true])
    // It was told of nothing while nobody served it, so it is told to look.
    let first = frontEnd.offer(1, head: 0, [0, 0], room: 1)
    frontEnd.kick(1)
    #expect(frontEnd.answers(1).map(\.head) == [0])
    #expect(frontEnd.bytes(first.room, 1) == [1])
    for level in [false, true] {
      _ = frontEnd.offer(1, head: 0, [0, 0], room: 1)
      frontEnd.kick(1)
      #expect(frontEnd.answers(1).isEmpty)
      lines.levels[0] = level
      device.levelsMayHaveChanged(frontEnd.server.queues)
      #expect(frontEnd.answers(1).count == 1)
    }
    // A guest that starts anew begins at 0, and says what its lines are.
    try goOn(frontEnd, 0, at: 0)
    lines.driven = []
    #expect(ask(frontEnd, request(5, 0, 1)) == [0, 0])
    #expect(lines.driven.isEmpty)
  }
}

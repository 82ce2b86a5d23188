// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VirtioBackends

/// How fast the virtual board is; figures are printed and not judged, since the machine is shared.
///
/// They need the guest's `/bench`, which Tools/guest/build compiles from `bench.c`.
@Suite(.serialized, .enabled(if: Guest.folder != nil, "needs a guest: run Tools/hil"))
struct RateTests {
  @Test func `Every transfer of a burst arrives`() throws {
    let bench = try Bench.shared()
    let before = bench.i2c.counts.transfers
    let text = try bench.guest.ask("/bench i2c 5000", seconds: 60)
    print("hil: \(text)")
    #expect(text.hasSuffix(", 0 bad"))
    #expect(bench.i2c.counts.transfers - before == 5_000)
  }

  @Test func `Every edge comes back as an output`() throws {
    let bench = try Bench.shared()
    let edges = 1_000
    let world = bench.world
    world.levels[0] = false
    var answered: Bool?
    world.whenDriven = { line, high in if line == 1 { answered = high } }
    defer { world.whenDriven = { _, _ in } }
    let gpio = "/sys/class/gpio"
    _ = try bench.guest.ask(
      "line=$(cat $(dirname $(grep -l ^virtio \(gpio)/gpiochip*/label))/base); for each in $line "
        + "$((line + 1)); do echo $each > \(gpio)/unexport 2>/dev/null; done; true")
    _ = try bench.guest.ask("/bench gpio \(edges) > /tmp-edges & usleep 300000")
    var microseconds: [Double] = []
    for edge in 0..<edges {
      let level = edge % 2 == 0
      answered = nil
      world.levels[0] = level
      let begin = Date()
      bench.gpio.levelsMayHaveChanged(bench.lineServer.queues)
      bench.lineServer.flush()
      let deadline = begin.addingTimeInterval(5)
      while answered != level, Date() < deadline { bench.guest.serve(milliseconds: 1_000) }
      try #require(answered == level, "edge \(edge)")
      microseconds.append(Date().timeIntervalSince(begin) * 1e6)
    }
    microseconds.sort()
    print(
      "hil: edge to output, median \(microseconds[edges / 2]) µs, most \(microseconds[edges - 1]) µs"
    )
    #expect(try bench.guest.ask("cat /tmp-edges").contains("echoed \(edges)"))
  }
}

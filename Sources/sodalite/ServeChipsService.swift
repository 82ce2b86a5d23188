// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Simulation
import VirtioBackends

/// The sockets of a served board, and the one thread that serves them.
final class ChipService {
  private let world: ServedWorld
  private let bus: VirtioI2C<NotedBus<EmulatedI2CBus>>
  private let lines: VirtioGPIO
  private let busServer: VhostUserServer
  private let lineServer: VhostUserServer?
  private let control: LineServer?
  private let termination: OwnedDescriptor

  init(_ world: ServedWorld, i2c: String, gpio: String?, control: String?) throws(SystemProblem) {
    self.world = world
    let noted = NotedBus(wrapped: world.board.bus, transcript: world.transcript)
    bus = VirtioI2C(bus: noted) { world.move() }
    lines = VirtioGPIO(world)
    busServer = try VhostUserServer(path: i2c, device: bus)
    if let gpio {
      lineServer = try VhostUserServer(path: gpio, device: lines)
    } else {
      lineServer = nil
    }
    if let control {
      self.control = try LineServer(path: control)
    } else {
      self.control = nil
    }
    termination = try Termination.descriptor()
  }

  /// Serves until the process is asked to end.
  func run() throws(SystemProblem) {
    var set = PollSet()
    while true {
      set.removeAll()
      set.add(termination.number)
      busServer.watch(&set)
      lineServer?.watch(&set)
      control?.watch(&set)
      // An alert may come without a transfer, so the board lives on while nobody asks.
      if set.wait(milliseconds: world.speed > 0 ? 5 : 100) {
        if set.isReady(termination.number) { break }
        busServer.serve(set)
        lineServer?.serve(set)
        control?.serve(set) { [world] line in ControlLine.answer(line, world) }
      } else {
        world.transcript?.flush()
      }
      world.move()
      tellOfLines()
      // A glitch is over once the machine was told of it.
      if world.endGlitch() { tellOfLines() }
    }
    world.transcript?.flush()
  }

  private func tellOfLines() {
    world.noteLines()
    lines.levelsMayHaveChanged(lineServer?.queues)
    lineServer?.flush()
  }

  /// What was served, in one line.
  var summary: String {
    let faults = busServer.faults
    let rings = faults.rings + (lineServer?.faults.rings ?? 0)
    return "\(bus.counts.transfers) transfers, \(bus.counts.failures) failed messages, "
      + "\(lines.events) events, \(rings) broken rings"
  }
}

// SPDX-License-Identifier: Apache-2.0

import ChipEmulators
import Simulation
import VirtioBackends

/// An emulated board whose time follows the wall clock, scaled.
final class ServedWorld: GPIOLines {
  /// The speeds that are accepted.
  static let speeds = 0.0...1_000

  /// The board.
  private(set) var board: EmulatedBoard
  /// What the board is called.
  var name: String { board.description.name }
  /// How much faster than the wall clock it lives.
  private(set) var speed: Double

  /// The lines, in the order of the description.
  private let lines: [(use: LineUse, name: String)]
  /// The moment of the wall clock and of the board from which on `speed` holds.
  private var wallStart = wallSeconds()
  private var boardStart: Double = 0
  /// When the board was moved last. Unit: s of the wall clock.
  private var lastMove = -1.0

  /// The board is moved at most that often, so that a burst of transfers costs one step of the cell.
  /// Unit: s of the wall clock.
  private static let shortestStep = 0.001

  init(_ board: consuming EmulatedBoard, speed: Double) {
    lines = board.lines.map { (use: $0.use, name: $0.line.name ?? "") }
    self.board = board
    self.speed = speed
  }

  // MARK: - Time

  /// Lets the board live up to now.
  func move(force: Bool = false) {
    let wall = wallSeconds()
    guard force || wall - lastMove >= Self.shortestStep else { return }
    lastMove = wall
    board.advance(to: Int64((boardStart + (wall - wallStart) * speed) * 1e6))
  }

  /// Changes the speed from now on.
  func setSpeed(_ new: Double) {
    move(force: true)
    boardStart = Double(board.now) * 1e-6
    wallStart = wallSeconds()
    speed = new
  }

  /// Does what a command says.
  func perform(_ command: EmulationCommand) throws(EmulationCommand.Mistake) {
    move(force: true)
    try board.perform(command)
  }

  // MARK: - Lines

  var names: [String] { lines.map(\.name) }

  func level(of line: Int) -> Bool { board.level(of: lines[line].use) }

  func drive(_ line: Int, high: Bool) {
    move(force: true)
    board.drive(lines[line].use, high: high)
  }
}

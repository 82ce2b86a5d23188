// SPDX-License-Identifier: Apache-2.0

import ChipEmulators
import Simulation
import Telemetry
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
  /// What is noted of bus and lines, if anything is.
  let transcript: Transcript?

  /// The lines, in the order of the description.
  private let lines: [(use: LineUse, name: String)]
  /// The moment of the wall clock and of the board from which on `speed` holds.
  private var wallStart = wallSeconds()
  private var boardStart: Double = 0
  /// The line whose level is the wrong one for a moment.
  private var glitch: Int?
  /// The levels that the transcript has.
  private var noted: [Bool?]
  /// When the board was moved last. Unit: s of the wall clock.
  private var lastMove = -1.0

  /// The board is moved at most that often, so that a burst of transfers costs one step of the cell.
  /// Unit: s of the wall clock.
  private static let shortestStep = 0.001

  /// Where the cell is kept, if it is.
  private let keptCell: KeptCell?

  /// What rests longer than this between two servers is at rest. Unit: s of the board.
  private static let longestRest = 3_600.0

  init(
    _ board: consuming EmulatedBoard, speed: Double, transcript: Transcript? = nil,
    cell: KeptCell? = nil
  ) {
    keptCell = cell
    lines = board.lines.map { (use: $0.use, name: $0.line.name ?? "") }
    noted = board.lines.map { _ in nil }
    self.board = board
    self.speed = speed
    self.transcript = transcript
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

  /// Goes on with the cell that was kept, after it rested meanwhile; for a board that has not lived yet.
  func resume() throws(DataProblem) {
    guard let keptCell else { return }
    let away = wallStart - (try keptCell.read(into: &board))
    // A clock that began anew since then says nothing of the time between.
    if away > 0, speed > 0 { wallStart -= min(away, Self.longestRest / speed) }
  }

  /// Keeps the cell as it is now; false if there is nowhere to.
  func keep() throws(DataProblem) -> Bool {
    guard let keptCell else { return false }
    move(force: true)
    try keptCell.write(&board, at: wallSeconds())
    return true
  }

  /// Lets the next transfers end without an acknowledgement; other faults of the bus end.
  func refuse(transfers: Int) {
    board.bus.faults = TransferFaults(
      scheduled: (0..<Int64(transfers)).map {
        TransferFaults.Scheduled(transfer: $0, fault: .noAcknowledge)
      })
  }

  // MARK: - Lines

  var names: [String] { lines.map(\.name) }

  func level(of line: Int) -> Bool {
    board.level(of: lines[line].use) != (line == glitch)
  }

  func drive(_ line: Int, high: Bool) {
    move(force: true)
    board.drive(lines[line].use, high: high)
    note(line)
  }

  /// Gives an input the wrong level until `endGlitch`; false if the board has no such input.
  func beginGlitch(of name: String) -> Bool {
    glitch = lines.indices.first { title(of: $0) == name && !lines[$0].use.isOutput }
    return glitch != nil
  }

  /// Gives the input its level back; false if none had a wrong one.
  func endGlitch() -> Bool {
    defer { glitch = nil }
    return glitch != nil
  }

  /// Tells the transcript of the levels that are not what they were.
  func noteLines() {
    guard transcript != nil else { return }
    for line in lines.indices { note(line) }
  }

  private func note(_ line: Int) {
    guard let transcript else { return }
    let level = level(of: line)
    guard noted[line] != level else { return }
    noted[line] = level
    transcript.line(title(of: line), high: level)
  }

  /// The name of a line, or its number where the board gives an offset.
  private func title(of line: Int) -> String {
    lines[line].name.isEmpty ? "line\(line)" : lines[line].name
  }
}

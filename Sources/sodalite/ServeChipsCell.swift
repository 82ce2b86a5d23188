// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Simulation
import Telemetry

/// The cell of a served board in a file, so that the next server goes on with it: a cell does not begin
/// anew because the program that serves its chips did.
struct KeptCell {
  /// The file.
  let path: String
  /// What the cell was made from, so that no other takes its place.
  private let identity: UInt64

  private static let file = WordsFile(
    command: "sodalite serve-chips", noun: "cell", largest: 1 << 20)

  /// A cell of a description, made with a seed.
  init(path: String, of cell: CellDescription, seed: UInt64) {
    self.path = path
    identity = WordsFile.hash("\(cell) \(seed)")
  }

  /// Keeps the cell as it is at a moment of the wall clock.
  func write(_ board: inout EmulatedBoard, at wall: Double) throws(DataProblem) {
    var words = StateWords()
    var head = (identity: identity, wall: wall)
    words.field(&head.identity)
    words.field(&head.wall)
    board.exchangeCell(&words)
    try Self.file.write(words.words, to: path)
  }

  /// Gives a board the cell that was kept.
  ///
  /// - Returns: the moment of the wall clock at which it was kept.
  func read(into board: inout EmulatedBoard) throws(DataProblem) -> Double {
    var words = StateWords(reading: try Self.file.read(path))
    var head = (identity: UInt64(0), wall: 0.0)
    words.field(&head.identity)
    words.field(&head.wall)
    guard head.identity == identity else {
      throw WordsFile.problem(path, "of another cell, or of another seed")
    }
    board.exchangeCell(&words)
    guard words.isComplete else {
      throw WordsFile.problem(path, "damaged: its parts do not fit")
    }
    return head.wall
  }
}

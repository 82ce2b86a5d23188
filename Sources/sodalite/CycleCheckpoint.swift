// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Telemetry

/// All that a run of `cycle` needs to go on, as a file.
struct CycleCheckpoint {
  /// The arguments of the command, from which the run is made again.
  var arguments: [String] = []
  /// What the protocol and the cell were, so that no others take their place.
  var protocolHash: UInt64 = 0
  var cellHash: UInt64 = 0
  var positions = CycleFiles.Positions()
  /// The state of the run.
  var state: [UInt64] = []

  /// A year of a cell's rows in one cycle at one a second, and what is beyond that is something else.
  private static let file = WordsFile(
    command: "sodalite cycle", noun: "checkpoint", largest: 4 << 30)

  private mutating func exchange(_ words: inout StateWords) {
    words.field(&arguments, standard: "") { $1.field(&$0) }
    words.field(&protocolHash)
    words.field(&cellHash)
    words.field(&positions.data)
    words.field(&positions.summaries)
    words.field(&state, standard: 0) { $1.field(&$0) }
  }

  /// Writes the file in one step: a stop at any moment leaves the earlier one or this one.
  func write(to path: String) throws(DataProblem) {
    var words = StateWords()
    var copy = self
    copy.exchange(&words)
    try Self.file.write(words.words, to: path)
  }
}

extension CycleCheckpoint {
  /// Reads a file.
  init(reading path: String) throws(DataProblem) {
    var reader = StateWords(reading: try Self.file.read(path))
    self.init()
    exchange(&reader)
    guard reader.isComplete else { throw WordsFile.problem(path, "damaged: its parts do not fit") }
  }
}

extension StateWords {
  /// Passes a position in a file.
  fileprivate mutating func field(_ position: inout GrowingLog.Position?) {
    field(&position, standard: GrowingLog.Position(bytes: 0, hash: 0)) { position, words in
      var bytes = Int(position.bytes)
      words.field(&bytes)
      position.bytes = Int64(bytes)
      words.field(&position.hash)
    }
  }
}

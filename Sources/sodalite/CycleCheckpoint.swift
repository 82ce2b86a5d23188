// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Quantities
import Telemetry

/// All that a run of `cycle` needs to go on, as a file.
///
/// The file is a line that says what it is, with its version, then 64-bit words, least significant
/// byte first, and their FNV-1a hash. Numbers are bit patterns.
struct CycleCheckpoint {
  /// The arguments of the command, from which the run is made again.
  var arguments: [String] = []
  /// What the protocol and the cell were, so that no others take their place.
  var protocolHash: UInt64 = 0
  var cellHash: UInt64 = 0
  var positions = CycleFiles.Positions()
  /// The state of the run.
  var state: [UInt64] = []

  private static let version = "1"
  private static let title = "sodalite cycle checkpoint "
  /// A year of a cell's rows in one cycle at one a second, and what is beyond that is something else.
  private static let largestFile = 4 << 30

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
    var bytes = Array("\(Self.title)\(Self.version)\n".utf8)
    bytes.reserveCapacity(bytes.count + 8 * words.words.count + 8)
    for word in words.words + [Self.hash(words.words)] {
      for place in 0..<8 { bytes.append(UInt8(word >> (8 * place) & 0xFF)) }
    }
    try WholeFile.write(bytes, to: path)
  }

  private static func problem(_ path: String, _ message: String) -> DataProblem {
    DataProblem(.badData, file: path, message: message)
  }

  /// The hash of a list of words.
  static func hash(_ words: [UInt64]) -> UInt64 {
    var hash = StableHash()
    for word in words { hash.combine(Int64(bitPattern: word)) }
    return hash.value
  }

  /// The hash of a text.
  static func hash(_ text: String) -> UInt64 {
    var hash = StableHash()
    for byte in text.utf8 { hash.combine(byte: byte) }
    return hash.value
  }
}

extension CycleCheckpoint {
  /// Reads a file.
  init(reading path: String) throws(DataProblem) {
    let bytes = try WholeFile.bytes(of: path, atMost: Self.largestFile)
    guard bytes.starts(with: Self.title.utf8), let end = bytes.firstIndex(of: 0x0A) else {
      throw Self.problem(path, "not a checkpoint of sodalite cycle")
    }
    let version = String(decoding: bytes[Self.title.utf8.count..<end], as: UTF8.self)
    guard version == Self.version else {
      throw Self.problem(
        path, "a checkpoint of version \(version.prefix(8)); this sodalite reads \(Self.version)")
    }
    var words: [UInt64] = []
    words.reserveCapacity(bytes.count / 8)
    for start in stride(from: end + 1, to: bytes.count - 7, by: 8) {
      words.append((0..<8).reversed().reduce(0) { $0 << 8 | UInt64(bytes[start + $1]) })
    }
    let kept = words.popLast()
    var reader = StateWords(reading: words)
    guard (bytes.count - end - 1) % 8 == 0, kept == Self.hash(words) else {
      throw Self.problem(path, "damaged: its checksum does not fit")
    }
    self.init()
    exchange(&reader)
    guard reader.isComplete else { throw Self.problem(path, "damaged: its parts do not fit") }
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

// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Quantities
import Telemetry

/// A file of a state: a line that says what it is, with its version, then 64-bit words, least significant
/// byte first, and their FNV-1a hash. Numbers are bit patterns.
struct WordsFile {
  /// The command that writes it, such as "sodalite cycle".
  var command: String
  /// What it is, such as "checkpoint".
  var noun: String
  /// Changes with what the words mean.
  var version = "1"
  /// A file larger than this is something else. Unit: bytes.
  var largest: Int

  private var title: String { "\(command) \(noun) " }

  /// Writes the file in one step: a stop at any moment leaves the earlier one or this one.
  func write(_ words: [UInt64], to path: String) throws(DataProblem) {
    var bytes = Array("\(title)\(version)\n".utf8)
    bytes.reserveCapacity(bytes.count + 8 * words.count + 8)
    for word in words + [Self.hash(words)] {
      for place in 0..<8 { bytes.append(UInt8(word >> (8 * place) & 0xFF)) }
    }
    try WholeFile.write(bytes, to: path)
  }

  /// Reads a file whose words are as they were written.
  func read(_ path: String) throws(DataProblem) -> [UInt64] {
    let bytes = try WholeFile.bytes(of: path, atMost: largest)
    guard bytes.starts(with: title.utf8), let end = bytes.firstIndex(of: 0x0A) else {
      throw Self.problem(path, "not a \(noun) of \(command)")
    }
    let found = String(decoding: bytes[title.utf8.count..<end], as: UTF8.self)
    guard found == version else {
      throw Self.problem(
        path, "a \(noun) of version \(found.prefix(8)); this sodalite reads \(version)")
    }
    var words: [UInt64] = []
    words.reserveCapacity(bytes.count / 8)
    for start in stride(from: end + 1, to: bytes.count - 7, by: 8) {
      words.append((0..<8).reversed().reduce(0) { $0 << 8 | UInt64(bytes[start + $1]) })
    }
    let kept = words.popLast()
    guard (bytes.count - end - 1) % 8 == 0, kept == Self.hash(words) else {
      throw Self.problem(path, "damaged: its checksum does not fit")
    }
    return words
  }

  static func problem(_ path: String, _ message: String) -> DataProblem {
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

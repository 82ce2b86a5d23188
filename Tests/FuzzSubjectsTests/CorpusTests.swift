// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Foundation
import FuzzSubjects
import Testing

/// Everything that a fuzzer ever tripped over, and small changes to good inputs, without a trap.
@Suite struct CorpusTests {
  @Test(arguments: FuzzSubject.allCases) func keptInputsAreRead(subject: FuzzSubject) throws {
    let inputs = try CorpusTests.inputs(of: subject)
    #expect(!inputs.isEmpty, "Tests/Corpora/fuzz/\(subject.rawValue) has at least one input")
    for input in inputs { subject.read(input) }
  }

  @Test(arguments: FuzzSubject.allCases) func changedInputsAreRead(subject: FuzzSubject) throws {
    var random = SeededRandom(seed: 1)
    for input in try CorpusTests.inputs(of: subject) where !input.isEmpty {
      for _ in 0..<40 { subject.read(CorpusTests.changed(input, using: &random)) }
    }
  }

  /// Bytes replaced, left out or repeated, at up to four places.
  private static func changed(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var bytes = input
    for _ in 0...Int(random.uniform(0, 4)) where !bytes.isEmpty {
      let place = Int(random.uniform(0, Double(bytes.count)))
      switch Int(random.uniform(0, 4)) {
      case 0: bytes[place] = UInt8(random.uniform(0, 256))
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: bytes[place...].prefix(8), at: place)
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  private static func inputs(of subject: FuzzSubject) throws -> [[UInt8]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Corpora/fuzz/\(subject.rawValue)").standardized
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }
    return try files.map { [UInt8](try Data(contentsOf: $0)) }
  }
}

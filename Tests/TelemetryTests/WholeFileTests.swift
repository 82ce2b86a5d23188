// SPDX-License-Identifier: Apache-2.0

import Foundation
import Telemetry
import Testing

@Suite struct WholeFileTests {
  /// The text of a file with these bytes, or what was wrong with it.
  private func read(_ bytes: [UInt8], atMost limit: Int) throws -> String {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    do {
      return try WholeFile.text(of: url.path, atMost: limit)
    } catch {
      return "\(error.category): \(error.message)"
    }
  }

  @Test func readsUpToTheLimit() throws {
    #expect(try read(Array("\u{E4}bc".utf8), atMost: 4) == "\u{E4}bc")
    #expect(try read(Array("\u{E4}bc".utf8), atMost: 3) == "badData: larger than 3 bytes")
    #expect(try read([], atMost: 3).isEmpty)
  }

  @Test func refusesWhatIsNoText() throws {
    #expect(try read([0x61, 0xFF, 0x62], atMost: 10) == "badData: not UTF-8 text")
  }

  @Test(arguments: [("/", "Is a directory"), ("/nowhere/at/all", "No such file or directory")])
  func saysWhyAFileCannotBeRead(path: String, reason: String) {
    do {
      _ = try WholeFile.text(of: path, atMost: 10)
      Issue.record("\(path) was read")
    } catch {
      #expect(error.category == .noInput)
      #expect(error.message.hasSuffix(reason))
    }
  }
}

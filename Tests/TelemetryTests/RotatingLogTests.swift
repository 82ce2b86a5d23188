// SPDX-License-Identifier: Apache-2.0

import Foundation
import Telemetry
import Testing

@Suite struct RotatingLogTests {
  private static func folder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("sodalite-log-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private static func lines(_ path: String) -> [String] {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(
      String.init)
  }

  private static let header =
    "Test Time / s,Current / A,Voltage / V,Surface Temperature / degC"

  @Test func rowsAreThoseOfBDF() throws {
    try Self.folder { folder in
      let path = "\(folder)/log.csv"
      var log = try RotatingLog(
        path: path, columns: [.temperature], mostBytes: 10_000, oldFiles: 2, blockSeconds: 0)
      try log.append(seconds: 0, amperes: -0.5, volts: 3.1, values: [25])
      try log.append(seconds: 1, amperes: nil, volts: nil, values: [nil])
      #expect(
        Self.lines(path) == [Self.header, "0.000000,-0.500000,3.100000,25.000", "1.000000,,,"])
    }
  }

  /// Rows wait for their block, and an end writes what waits.
  @Test func rowsComeInBlocks() throws {
    try Self.folder { folder in
      let path = "\(folder)/log.csv"
      var log = try RotatingLog(
        path: path, columns: [.temperature], mostBytes: 10_000, oldFiles: 2, blockSeconds: 10)
      for second in 0..<10 {
        try log.append(seconds: Double(second), amperes: 0, volts: 3, values: [25])
      }
      #expect(Self.lines(path).count == 1)
      try log.append(seconds: 10, amperes: 0, volts: 3, values: [25])
      #expect(Self.lines(path).count == 12)
      try log.append(seconds: 11, amperes: 0, volts: 3, values: [25])
      try log.flush()
      #expect(Self.lines(path).count == 13)
    }
  }

  /// However long it runs, the space is bounded, nothing but the oldest is lost, and each file stands
  /// for itself.
  @Test func filesAreMovedOn() throws {
    try Self.folder { folder in
      let path = "\(folder)/log.csv"
      var log = try RotatingLog(
        path: path, columns: [.temperature], mostBytes: 1_000, oldFiles: 2, blockSeconds: 0)
      for second in 0..<200 {
        try log.append(seconds: Double(second), amperes: 0, volts: 3, values: [25])
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(names == ["log.csv", "log.csv.1", "log.csv.2"])
      var seconds: [Int] = []
      for name in names.reversed() {
        let lines = Self.lines("\(folder)/\(name)")
        #expect(lines.first == Self.header)
        seconds += lines.dropFirst().compactMap { Double($0.prefix { $0 != "," }).map { Int($0) } }
        #expect(lines.joined(separator: "\n").utf8.count < 1_100)
      }
      #expect(seconds == Array((seconds.first ?? 0)...199))
    }
  }

  /// A log of an earlier run is kept, not continued and not overwritten.
  @Test func anEarlierLogIsMovedAway() throws {
    try Self.folder { folder in
      let path = "\(folder)/log.csv"
      for run in 0..<2 {
        var log = try RotatingLog(
          path: path, columns: [], mostBytes: 10_000, oldFiles: 3, blockSeconds: 0)
        try log.append(seconds: Double(run), amperes: 0, volts: 3, values: [])
      }
      #expect(Self.lines(path).last == "1.000000,0.000000,3.000000")
      #expect(Self.lines("\(path).1").last == "0.000000,0.000000,3.000000")
    }
  }

  @Test func aPathThatCannotBeIsAProblem() {
    do throws(DataProblem) {
      _ = try RotatingLog(
        path: "/no-such-folder/log.csv", columns: [], mostBytes: 10_000, oldFiles: 1,
        blockSeconds: 0)
      Issue.record("it was opened")
    } catch { #expect(error.category == .cannotWrite) }
  }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

@Suite struct GrowingLogTests {
  private static let columns: [BDFWriter.Column] = [.time, .init("Cycle Count / 1", decimals: 0)]

  private func text(_ path: String) throws -> String {
    try WholeFile.text(of: path, atMost: 1 << 20)
  }

  @Test func rowsAreThereWhenTheyAreFlushed() throws {
    let path = temporaryPath("grows")
    defer { SystemFile.remove(path) }
    var log = try GrowingLog.create(path, columns: Self.columns)
    #expect(try text(path) == "Test Time / s,Cycle Count / 1\n")
    try log.append(0.5, 1)
    try log.append(1, nil)
    try log.flush()
    #expect(try text(path) == "Test Time / s,Cycle Count / 1\n0.500000,1\n1.000000,\n")
    try log.append(2, 2)
    try log.synchronize()
    #expect(try text(path).hasSuffix("\n2.000000,2\n"))
  }

  /// Rows reach the file without being asked for, whole ones only.
  @Test func aFullBufferIsWritten() throws {
    let path = temporaryPath("full")
    defer { SystemFile.remove(path) }
    var log = try GrowingLog.create(path, columns: Self.columns)
    for row in 0..<10_000 { try log.append(Double(row), 1) }
    let written = try text(path)
    #expect(written.utf8.count > 1 << 16)
    #expect(written.last == "\n")
  }

  @Test func whatCameAfterAPositionIsCutOff() throws {
    let path = temporaryPath("cut")
    defer { SystemFile.remove(path) }
    var log = try GrowingLog.create(path, columns: Self.columns)
    try log.append(1, 1)
    try log.flush()
    let position = log.position
    try log.append(2, 1)
    try log.append(3, 1)
    try log.flush()
    var other = try GrowingLog.resume(path, columns: Self.columns, at: position)
    #expect(other.position == position)
    try other.append(4, 2)
    try other.flush()
    #expect(try text(path) == "Test Time / s,Cycle Count / 1\n1.000000,1\n4.000000,2\n")
    var straight = try GrowingLog.create(path, columns: Self.columns)
    try straight.append(1, 1)
    try straight.append(4, 2)
    try straight.flush()
    #expect(straight.position == other.position)
  }

  /// A file that is not the run's is refused and stays as it is.
  @Test(arguments: ["", "short", "Test Time / s,Cycle Count / 1\n1.000000,7\nand more\n"])
  func anotherFileIsLeftAlone(content: String) throws {
    let path = temporaryPath("foreign")
    defer { SystemFile.remove(path) }
    var log = try GrowingLog.create(path, columns: Self.columns)
    try log.append(1, 1)
    try log.flush()
    let position = log.position
    try WholeFile.write(Array(content.utf8), to: path)
    do throws(DataProblem) {
      _ = try GrowingLog.resume(path, columns: Self.columns, at: position)
      Issue.record("resumed")
    } catch {
      #expect(error.category == .badData)
    }
    #expect(try text(path) == content)
  }

  @Test func aFullDiskIsAnError() throws {
    do throws(DataProblem) {
      _ = try GrowingLog.create("/dev/full", columns: Self.columns)
      Issue.record("written")
    } catch {
      #expect(error.category == .cannotWrite)
    }
  }

  @Test func aWholeFileIsReplacedInOneStep() throws {
    let path = temporaryPath("replaced")
    defer { SystemFile.remove(path) }
    for size in [0, 1, 100_000] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try WholeFile.write(bytes, to: path)
      #expect(try WholeFile.bytes(of: path, atMost: size) == bytes)
    }
    do throws(DataProblem) {
      _ = try WholeFile.bytes(of: path, atMost: 99_999)
      Issue.record("read")
    } catch {
      #expect(error.category == .badData)
    }
  }
}

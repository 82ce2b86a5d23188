// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

/// A path of its own for a test's file.
func temporaryPath(_ name: String) -> String {
  "/tmp/sodalite-telemetry-\(SystemFile.processNumber)-\(name).csv"
}

@Suite struct BDFWriterTests {
  @Test func whatItWritesTheReaderReads() throws {
    let path = temporaryPath("round-trip")
    defer { SystemFile.remove(path) }
    var writer = try BDFWriter(path: path, columns: [.truth, .estimate])
    try writer.append(seconds: 0.5, amperes: -1.25, volts: 3.100001, 0.5, nil)
    try writer.append(seconds: 1, amperes: 0, volts: 3, .nan, 0.25)
    try writer.finish()
    var reader = try LogReader.open(path)
    #expect(
      try reader.next()
        == LogSample(line: 2, seconds: 0.5, amperes: -1.25, volts: 3.100001, stateOfCharge: 0.5))
    #expect(try reader.next() == LogSample(line: 3, seconds: 1, amperes: 0, volts: 3))
    #expect(try reader.next() == nil)
  }

  /// 200,000 rows pass through a reader whose buffer is far smaller than the file.
  @Test func aLongFileStreams() throws {
    let path = temporaryPath("long")
    defer { SystemFile.remove(path) }
    var writer = try BDFWriter(path: path)
    for row in 0..<200_000 {
      let time = Double(row)
      try writer.append(seconds: time, amperes: time / 1e3, volts: 3 + time / 1e6)
    }
    try writer.finish()
    var reader = try LogReader.open(path)
    var count = 0
    var wrong = 0
    while let sample = try reader.next() {
      let time = Double(count)
      if sample.seconds != time || sample.amperes != time / 1e3 || sample.line != count + 2 {
        wrong += 1
      }
      count += 1
    }
    #expect(count == 200_000)
    #expect(wrong == 0)
  }

  @Test func anUnfinishedFileLeavesNothingBehind() throws {
    let path = temporaryPath("unfinished")
    let partial = "\(path).\(SystemFile.processNumber).partial"
    do {
      var writer = try BDFWriter(path: path)
      try writer.append(seconds: 0, amperes: 0, volts: 3)
      #expect(throws: DataProblem.self) { _ = try SystemFile.reading(path) }
    }
    #expect(throws: DataProblem.self) { _ = try SystemFile.reading(partial) }
    #expect(throws: DataProblem.self) { _ = try SystemFile.reading(path) }
  }

  @Test func anEarlierFileStaysUntilTheEnd() throws {
    let path = temporaryPath("earlier")
    defer { SystemFile.remove(path) }
    var first = try BDFWriter(path: path)
    try first.append(seconds: 7, amperes: 0, volts: 3)
    try first.finish()
    var second = try BDFWriter(path: path)
    var reader = try LogReader.open(path)
    #expect(try reader.next()?.seconds == 7)
    try second.finish()
    #expect(throws: DataProblem.self) {
      var empty = try LogReader.open(path)
      _ = try empty.next()
    }
  }

  @Test func aDeviceIsWrittenAndNotReplaced() throws {
    var writer = try BDFWriter(path: "/dev/null")
    try writer.append(seconds: 0, amperes: 0, volts: 3)
    try writer.finish()
    #expect(SystemFile.isDevice("/dev/null"))
  }

  @Test func aFullDeviceIsAProblem() throws {
    var writer = try BDFWriter(path: "/dev/full")
    do {
      try writer.finish()
      Issue.record("wrote to a full device")
    } catch {
      #expect(error.exitCode == 74)
    }
  }

  @Test func aFolderThatIsNotThereIsAProblem() {
    do {
      _ = try BDFWriter(path: "/nonexistent/x.csv")
      Issue.record("wrote into no folder")
    } catch {
      #expect(error.exitCode == 74)
      #expect(error.file == "/nonexistent/x.csv")
    }
  }
}

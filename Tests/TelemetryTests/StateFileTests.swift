// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Foundation
import Quantities
import Telemetry
import Testing

/// A file as the firmware's memory.
@Suite struct StateFileTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    UUID().uuidString)

  private func inFolder(_ body: (String) throws -> Void) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("state").path)
  }

  /// Waits for the writing thread; how long does not matter.
  private func settle(_ file: inout StateFile) throws {
    var bus = ScriptedI2CBus([])
    while try !file.isReady(on: &bus, at: .microseconds(0)) { usleep(200) }
  }

  private func write(_ byte: UInt8, to position: Int32, _ file: inout StateFile) throws {
    var bus = ScriptedI2CBus([])
    let bytes = [UInt8](repeating: byte, count: 100)
    try file.write(bytes.span, to: position, on: &bus, at: .microseconds(0))
  }

  private func byte(at position: Int32, of file: inout StateFile) throws -> UInt8 {
    var bus = ScriptedI2CBus([])
    var bytes = [UInt8](repeating: 0, count: 1)
    var span = bytes.mutableSpan
    try file.read(from: position, into: &span, on: &bus)
    return bytes[0]
  }

  @Test func whatIsCommittedIsFoundAgain() throws {
    try inFolder { path in
      var file = try StateFile(path: path)
      try write(7, to: 4_096, &file)
      #expect(!FileManager.default.fileExists(atPath: path), "nothing is written before the commit")
      try file.commit()
      try settle(&file)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 16_384)
      var next = try StateFile(path: path)
      #expect(try byte(at: 4_096, of: &next) == 7)
      #expect(try byte(at: 4_195, of: &next) == 7)
      #expect(try byte(at: 4_196, of: &next) == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state"])
    }
  }

  /// Until the rename the old file stands, whatever part of the new one is on the disk; a draft that a
  /// cut left behind disturbs nothing.
  @Test(arguments: [0, 1, 511, 512, 4_096, 16_383, 16_384]) func aCutWhileWriting(draft: Int) throws
  {
    try inFolder { path in
      var file = try StateFile(path: path)
      try write(1, to: 0, &file)
      try file.commit()
      try settle(&file)
      try Data(repeating: 2, count: draft).write(to: URL(fileURLWithPath: "\(path).new"))
      var next = try StateFile(path: path)
      #expect(try byte(at: 0, of: &next) == 1)
      try write(3, to: 0, &next)
      try next.commit()
      try settle(&next)
      var last = try StateFile(path: path)
      #expect(try byte(at: 0, of: &last) == 3)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state"])
    }
  }

  @Test func aFileOfAnotherSizeIsTakenAsFarAsItGoes() throws {
    try inFolder { path in
      for count in [0, 1, 5_000, 40_000] {
        try Data(repeating: 9, count: count).write(to: URL(fileURLWithPath: path))
        var file = try StateFile(path: path)
        for position in [0, 4_999, 16_383] {
          #expect(try byte(at: Int32(position), of: &file) == (position < count ? 9 : 0))
        }
      }
    }
  }

  @Test func aFolderThatIsGoneIsToldOnce() throws {
    try inFolder { path in
      var file = try StateFile(path: path)
      try FileManager.default.removeItem(at: folder)
      try write(1, to: 0, &file)
      try file.commit()
      var bus = ScriptedI2CBus([])
      var errors = 0
      var isReady = false
      while !isReady, errors < 3 {
        do throws(ChipError) {
          isReady = try file.isReady(on: &bus, at: .microseconds(0))
        } catch {
          #expect(error == .bus(.system(5)))
          errors += 1
        }
        usleep(200)
      }
      #expect(errors == 1)
      #expect(file.problem?.message.contains("No such file") == true)
    }
  }
}

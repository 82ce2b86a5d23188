// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The built `sodalite`, run as its users run it.
enum Program {
  /// What a run left behind.
  struct Outcome {
    var code: Int32
    var output: String
    var errors: String

    /// Standard error, line by line.
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }

    /// The one JSON object on standard output.
    func object() throws -> [String: Any] {
      try #require(
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(self)")
    }
  }

  /// The package, for its cells and corpora.
  static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The tests' own program and `sodalite` are built into one folder.
  private static var executable: URL? {
    Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "sodalite")
  }

  /// Runs `sodalite` in a folder, the package's by default.
  static func run(_ arguments: String..., in folder: URL = package) throws -> Outcome {
    try run(arguments, in: folder)
  }

  static func run(_ arguments: [String], in folder: URL = package) throws -> Outcome {
    let outcome = try start(arguments, in: folder)
    return try outcome.finish(isKilled: false)
  }

  /// Starts `sodalite` and goes on meanwhile.
  static func start(_ arguments: [String], in folder: URL) throws -> Running {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return Running(
      process: process, output: output, errors: errors, limit: TimeLimit(process))
  }

  /// A run that is under way.
  struct Running {
    let process: Process
    let output: Pipe
    let errors: Pipe
    let limit: TimeLimit

    /// Waits for its end.
    func finish(isKilled: Bool = true) throws -> Outcome {
      // Standard error is some lines long and waits in its pipe meanwhile.
      let outputData = try output.fileHandleForReading.readToEnd() ?? Data()
      let errorData = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      limit.end()
      let isExit = process.terminationReason == .exit
      #expect(
        isExit || isKilled && [SIGKILL, SIGTERM, SIGINT].contains(process.terminationStatus),
        "a trap: \(process.arguments ?? [])")
      return Outcome(
        code: process.terminationStatus, output: String(decoding: outputData, as: UTF8.self),
        errors: String(decoding: errorData, as: UTF8.self))
    }
  }
}

/// A folder that lives as long as a test.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "sodalite-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file and gives its name.
  @discardableResult func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: url.appending(path: name))
    return name
  }

  var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }

  func path(_ name: String) -> String { url.appending(path: name).path }
}

/// The keys of a JSON object, sorted.
func keys(_ value: Any?) -> [String] { (value as? [String: Any])?.keys.sorted() ?? [] }

/// The number under a path of keys.
func value(_ object: [String: Any], _ path: String...) throws -> Double {
  var current: Any = object
  for key in path { current = try #require((current as? [String: Any])?[key], "\(path)") }
  return try #require((current as? NSNumber)?.doubleValue, "\(path)")
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite struct BoardTests {
  /// A board on a bus that no machine has.
  private static let absent = """
    schema: 1
    name: absent
    source: assumed, because this is a test
    cell: nfm-pb-1-hc
    bus: {device: /dev/i2c-250}
    chips:
      - {kind: INA228, address: 0x40, role: monitor, shunt: 15 mohm, range: 10 A}
    switches:
      charge: {chip: no-such-chip, offset: 1, active: high}
    limits: {charge_current: 1 A, discharge_current: 2 A}

    """

  /// An emulated board whose cell is quick to build, also in a debug build.
  private static func quickBoard() throws -> (folder: TemporaryFolder, path: String) {
    let folder = try TemporaryFolder()
    let cell = Program.package.appending(path: "Cells/hakadi-18650.yaml").path
    try folder.write(
      absent.replacingOccurrences(of: "nfm-pb-1-hc", with: cell)
        .replacingOccurrences(of: "{device: /dev/i2c-250}", with: "emulated"),
      to: "board.yaml")
    return (folder, folder.path("board.yaml"))
  }

  // MARK: - probe

  @Test func probeFindsAllOfAnEmulatedBoard() throws {
    let outcome = try Program.run("probe", "--board", "emulated", "--format", "json")
    #expect(outcome.code == 0)
    #expect(outcome.errors.isEmpty)
    let object = try outcome.object()
    #expect(object["complete"] as? Bool == true)
    let chips = try #require(object["chips"] as? [[String: Any]])
    #expect(chips.count == 12)
    #expect(chips.allSatisfy { $0["found"] as? String == "present" })
    #expect((object["others"] as? [Any])?.count == 0)
  }

  /// The picture is that of i2cdetect, and of the board's README.
  @Test func probePrintsWhatTheReadmeExpects() throws {
    let readme = try String(
      contentsOf: Program.package.appending(path: "Boards/emulated/README.md"), encoding: .utf8)
    let picture = try #require(readme.split(separator: "```\n").dropFirst().first)
    let outcome = try Program.run("probe", "--board", "emulated")
    #expect(outcome.code == 0)
    #expect(outcome.output.hasSuffix("\n" + picture))
  }

  @Test func aBoardOfTheProjectIsProbedEmulated() throws {
    let outcome = try Program.run("probe", "--board", "pi-geekworm-x1201", "--emulated")
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("MAX17048"))
  }

  @Test(arguments: ["probe", "run"]) func aMissingBusIsOneLine(_ command: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.absent, to: "board.yaml")
    let outcome = try Program.run(command, "--board", "board.yaml", in: folder.url)
    #expect(outcome.code == 69)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.contains("/dev/i2c-250 is not there: on a Raspberry Pi, is dtparam="))
  }

  @Test func switchesThatAreNotThereAreToldWhenTurnedOff() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.absent, to: "board.yaml")
    let outcome = try Program.run("run", "--board", "board.yaml", "--off", in: folder.url)
    #expect(outcome.code == 69)
    #expect(outcome.errors.contains("line 1 of no-such-chip is not there"))
    let emulated = try Program.run("run", "--board", "emulated", "--off")
    #expect(emulated.code == 0)
  }

  private static let wrong: [(String, String, Int32, String)] = [
    ("15 mohm", "15 mohms", 78, "board.yaml:7:57: shunt '15 mohms' has the unit 'mohms'"),
    ("15 mohm", "20 mohm", 78, "board.yaml:7:66: range is 10.0 A; over this shunt"),
    (
      "discharge_current: 2 A", "discharge_current: 12 A", 78, "board.yaml:10:31: discharge_current"
    ),
    ("nfm-pb-1-hc", "nothing", 66, "unknown cell 'nothing'"),
    ("nfm-pb-1-hc", "cells/mine.yaml", 66, "cells/mine.yaml: cannot open"),
  ]

  @Test(arguments: wrong) func aWrongDescriptionIsExplained(
    _ old: String, _ new: String, _ code: Int32, _ message: String
  ) throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.absent.replacingOccurrences(of: old, with: new), to: "board.yaml")
    let outcome = try Program.run("probe", "--board", "board.yaml", in: folder.url)
    #expect(outcome.code == code)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test func anUnknownBoardSaysWhereItWasLookedFor() throws {
    let outcome = try Program.run("run", "--board", "nothing")
    #expect(outcome.code == 66)
    #expect(outcome.errors.contains("there is no board 'nothing': looked for Boards/nothing/"))
  }

  @Test(arguments: [("emulated", "--state"), ("pi-ina228-eeprom", "--chip-memory")])
  func aStateThatCannotBeKeptIsRefused(board: String, option: String) throws {
    let outcome = try Program.run(
      "run", "--board", board, "--emulated", option, "/nonexistent/x", "--duration", "1s")
    #expect(outcome.code == 73)
    #expect(outcome.errorLines.count == 1)
    #expect(
      outcome.errors.contains("\(option) /nonexistent/x: nothing can be written in /nonexistent"))
  }

  // MARK: - run

  /// A board whose memory is a chip, and whose cell is quick to build.
  private static func memoryBoard(_ kind: String) throws -> (folder: TemporaryFolder, path: String)
  {
    let (folder, path) = try quickBoard()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try folder.write(
      text.replacingOccurrences(
        of: "\nchips:\n",
        with: "\nchips:\n  - {kind: \(kind), address: 0x50, role: memory}\n"),
      to: "board.yaml")
    return (folder, path)
  }

  /// What is known outlives a stop in the board's memory chip, whose bytes are in a file.
  @Test(arguments: ["AT24C32", "MB85RC256V"]) func theChipKeepsTheState(kind: String) throws {
    let (folder, board) = try Self.memoryBoard(kind)
    let chip = folder.path("chip")
    let first = try Program.run(
      "run", "--board", board, "--chip-memory", chip, "--rate", "10", "--duration", "4s")
    #expect(first.code == 0)
    #expect(
      first.errors.contains("the state is kept in the \(kind) at 0x50: 4 states in turn"),
      "\(first.errors)")
    #expect(first.errors.contains("nothing was kept"))
    #expect(!first.errors.contains("was not saved"))
    let second = try Program.run(
      "run", "--board", board, "--chip-memory", chip, "--rate", "10", "--duration", "4s")
    #expect(second.errors.contains("the kept state fits the cell and goes on"), "\(second.errors)")
    // Without its bytes the chip is a new one; and asked for nothing, nothing is kept.
    let other = try Program.run("run", "--board", board, "--rate", "10", "--duration", "2s")
    #expect(other.errors.contains("nothing was kept"))
    let none = try Program.run(
      "run", "--board", board, "--state", "none", "--rate", "10", "--duration", "1s")
    #expect(!none.errors.contains("kept"), "\(none.errors)")
    let probe = try Program.run("probe", "--board", board)
    #expect(probe.output.contains("the state is kept in the \(kind) at 0x50"))
  }

  @Test func bytesThatAreNoChipsAreRefused() throws {
    let (folder, board) = try Self.memoryBoard("AT24C32")
    try folder.write("short", to: "chip")
    let short = try Program.run(
      "run", "--board", board, "--chip-memory", folder.path("chip"), "--duration", "1s")
    #expect(short.code == 65)
    #expect(short.errors.contains("5 bytes; the board's memory chip has 4096"))
    let (other, bare) = try Self.quickBoard()
    let lacking = try Program.run(
      "run", "--board", bare, "--chip-memory", other.path("new"), "--duration", "1s")
    #expect(lacking.code == 65)
    #expect(lacking.errors.contains("this board has no memory chip"))
  }

  /// A memory where another chip is, or a second one, is told before anything is switched on.
  @Test func aMemoryThatCollidesIsRefused() throws {
    let (folder, board) = try Self.memoryBoard("AT24C32")
    let text = try String(contentsOfFile: board, encoding: .utf8)
    let second = "\nchips:\n  - {kind: MB85RC256V, address: ADDRESS, role: memory}\n"
    for (address, message) in [
      ("0x50", "are both at 0x50"), ("0x51", "memory is the role of the MB85RC256V already"),
    ] {
      try folder.write(
        text.replacingOccurrences(
          of: "\nchips:\n", with: second.replacingOccurrences(of: "ADDRESS", with: address)),
        to: "other.yaml")
      let outcome = try Program.run("run", "--board", folder.path("other.yaml"), "--duration", "1s")
      #expect(outcome.code == 78)
      #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
  }

  /// The JSON object in a line.
  private static func object(_ line: Substring?) throws -> [String: Any] {
    let text = try #require(line)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try #require(object as? [String: Any])
  }

  @Test func runTellsEveryTickAndLogsIt() throws {
    let (folder, board) = try Self.quickBoard()
    let outcome = try Program.run(
      "run", "--board", board, "--rate", "5", "--duration", "3s", "--format", "json",
      "--log", folder.path("log.csv"))
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    let last = try Self.object(lines.last)
    #expect(last["allowsDischarge"] as? Bool == true)
    let health = try value(last, "prognosis", "stateOfHealth", "capacity", "likely")
    #expect(0.9...1.1 ~= health)
    #expect(abs(try value(last, "volts") - value(last, "truth", "volts")) < 0.02)
    let log = try String(contentsOfFile: folder.path("log.csv"), encoding: .utf8)
    let rows = log.split(separator: "\n")
    #expect(rows.count > 10 && rows.count <= lines.count + 1)
    #expect(rows[0].hasPrefix("Test Time / s,Current / A,Voltage / V,Surface Temperature / degC,"))
    #expect(rows[0].contains("Coupling Plateau over Rated Capacity / 1"))
    #expect(outcome.errors.contains("the time is up after"))
    #expect(outcome.errors.contains("both switches are off"))
  }

  /// A board of the project, with a cell whose tables are made at once.
  private static func quick(_ board: String) throws -> (folder: TemporaryFolder, path: String) {
    let folder = try TemporaryFolder()
    let file = Program.package.appending(path: "Boards/\(board)/board.yaml")
    let cell = Program.package.appending(path: "Cells/hakadi-18650.yaml").path
    try folder.write(
      String(contentsOf: file, encoding: .utf8)
        .replacingOccurrences(of: "nfm-pb-1-hc", with: cell),
      to: "board.yaml")
    return (folder, folder.path("board.yaml"))
  }

  /// A pack whose chip carries the switches, and a battery whose gauge is shown.
  @Test(arguments: [("pack-4s-bq76920", false), ("sbs-battery", true)])
  func packsRun(_ name: String, _ hasGauge: Bool) throws {
    let (folder, board) = try Self.quick(name)
    defer { withExtendedLifetime(folder) {} }
    let outcome = try Program.run(
      "run", "--board", board, "--emulated", "--rate", "5", "--duration", "4s", "--format", "json")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let last = try Self.object(outcome.output.split(separator: "\n").last)
    #expect(last["allowsCharge"] as? Bool == true)
    #expect(last["allowsDischarge"] as? Bool == true)
    #expect(abs(try value(last, "volts") - value(last, "truth", "volts")) < 0.02)
    #expect(last["celsius"] is NSNumber)
    #expect((last["gaugeStateOfCharge"] is NSNumber) == hasGauge)
    #expect(!outcome.errors.contains("it only watches"))
    let simulation = try Program.run(
      "simulate", "--board", board, "--duration", "20min", "--format", "json")
    #expect(simulation.code == 0, "\(simulation.errors)")
    let run = try simulation.object()
    #expect(try value(run, "ticks") == 1_200)
    #expect((run["gauge"] != nil) == hasGauge)
    if hasGauge { #expect(try value(run, "gauge", "rmse") > 0.1) }
  }

  @Test func aSimulatedBoardHasItsOwnCell() throws {
    let outcome = try Program.run(
      "simulate", "--board", "sbs-battery", "--chips", "ina226+tmp117")
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("--board has its own cell and chips"))
  }

  /// A log of a run is one that the estimator can be replayed over.
  @Test func aLogCanBeReplayed() throws {
    let (folder, board) = try Self.quickBoard()
    let run = try Program.run(
      "run", "--board", board, "--rate", "5", "--duration", "4s", "--log",
      folder.path("log.csv"))
    #expect(run.code == 0)
    // The first ticks, in which the chips are brought up, are no rows.
    let replay = try Program.run(
      "replay", folder.path("log.csv"), "--cell",
      Program.package.appending(path: "Cells/hakadi-18650.yaml").path)
    #expect(replay.code == 0, "\(replay.errors)")
  }

  /// A signal ends a run in order, as does whoever started it as a service.
  @Test func aSignalEndsARunInOrder() throws {
    let (folder, board) = try Self.quickBoard()
    defer { withExtendedLifetime(folder) {} }
    let process = Process()
    process.executableURL = try #require(
      Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "sodalite"))
    process.arguments = ["run", "--board", board, "--format", "json"]
    process.currentDirectoryURL = Program.package
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let limit = TimeLimit(process)
    #expect(!output.fileHandleForReading.availableData.isEmpty)
    process.terminate()
    _ = try output.fileHandleForReading.readToEnd()
    let text = String(
      decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    limit.end()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 0)
    #expect(text.contains("stopped by signal 15"))
    #expect(text.contains("both switches are off"))
  }

  /// An output that nobody reads any more ends the run with an error, not by a signal that would
  /// leave the switches as they are.
  @Test func anOutputThatClosesEndsTheRun() throws {
    let (folder, board) = try Self.quickBoard()
    defer { withExtendedLifetime(folder) {} }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    let program = try #require(
      Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "sodalite").path)
    process.arguments = [
      "-c",
      "{ timeout -s KILL 600 \"$0\" run --board \"$1\" --rate 10 --format json 2>/dev/null; echo code $? >&2; } | head -2",
      program, board,
    ]
    process.currentDirectoryURL = Program.package
    let errors = Pipe()
    process.standardOutput = Pipe()
    process.standardError = errors
    try process.run()
    let limit = TimeLimit(process)
    let text = String(
      decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    limit.end()
    #expect(text.contains("code 74"), "\(text)")
  }

  @Test func commandsSteerAnEmulatedBoard() throws {
    let (folder, board) = try Self.quickBoard()
    defer { withExtendedLifetime(folder) {} }
    let process = Process()
    process.executableURL = try #require(
      Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "sodalite"))
    process.arguments = [
      "run", "--board", board, "--steer", "--rate", "10", "--duration", "3s", "--format",
      "json",
    ]
    process.currentDirectoryURL = Program.package
    let input = Pipe()
    let output = Pipe()
    let errors = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let limit = TimeLimit(process)
    try input.fileHandleForWriting.write(contentsOf: Data("current -0.7\nfly\ntruth\n".utf8))
    try input.fileHandleForWriting.close()
    let text = String(
      decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    let told = String(
      decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    limit.end()
    #expect(process.terminationStatus == 0)
    let last = try Self.object(text.split(separator: "\n").last)
    #expect(try value(last, "truth", "amperes") == -0.7)
    #expect(told.contains("unknown command 'fly'"))
    #expect(told.contains("truth: "))
  }
}

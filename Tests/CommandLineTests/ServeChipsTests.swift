// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CVirtio
import CellSimulation
import ChipEmulators
import Foundation
import Simulation
import Telemetry
import Testing
import VirtioBackends

@testable import sodalite

@Suite struct ServeChipsTests {
  // MARK: - Lines of the control socket

  @Test(
    arguments: [
      (#"{"current": -1.5}"#, .emulation(.control(.current(amperes: -1.5)))),
      (#"  {"power":3}  "#, .emulation(.control(.power(watts: 3)))),
      ("{\t\"voltage\" : 4.2 }\r", .emulation(.control(.voltage(volts: 4.2)))),
      (#"{"rest": null}"#, .emulation(.control(.current(amperes: 0)))),
      (#"{"cycles": null}"#, .emulation(.cycles)),
      (#"{"supply": false}"#, .emulation(.supply(false))),
      (#"{"stuck": true}"#, .emulation(.stuck(true))),
      (#"{"stuck": "off"}"#, .emulation(.stuck(false))),
      (#"{"unplug": "0x40"}"#, .emulation(.plugged(false, address: 0x40))),
      (#"{"brownout": "0x48"}"#, .emulation(.brownout(address: 0x48))),
      (#"{"ambient": 4e1}"#, .emulation(.ambient(celsius: 40))),
      (#"{"truth": null}"#, .emulation(.truth)),
      (#"{"speed": 100}"#, .speed(100)),
      (#"{"nack": 20}"#, .refuse(transfers: 20)),
      (#"{"glitch": "ALERT"}"#, .glitch(line: "ALERT")),
      (#"{"keep": null}"#, .keep),
    ] as [(String, ControlLine.Order)])
  func `An order is understood`(line: String, order: ControlLine.Order) throws {
    #expect(try ControlLine.parse(line) == order)
  }

  private static let refusals: [(line: String, reason: String)] = [
    ("", "a line is an object with one member"),
    ("{", "a line is an object with one member"),
    ("{}", "a line is an object with one member"),
    ("current -1.5", "a line is an object with one member"),
    (#"{"current": -1.5"#, "a line is an object with one member"),
    (#"{"current": -1.5} x"#, "a line is an object with one member"),
    (#"{"current": -1.5, "power": 2}"#, "a line is an object with one member"),
    (#"{"current": }"#, "a line is an object with one member"),
    (#"{"current": +1}"#, "a line is an object with one member"),
    (#"{"current": one}"#, "a line is an object with one member"),
    (#"{"current": [1]}"#, "a line is an object with one member"),
    (#"{"cur\u0072ent": 1}"#, "a line is an object with one member"),
    ("{\"current\": \"1\u{0}\"}", "a line is an object with one member"),
    (#"{"current": 1e9}"#, "current takes a number from -1000.0 to 1000.0"),
    (#"{"current": nan}"#, "current takes a number from -1000.0 to 1000.0"),
    (#"{"current": null}"#, "current takes a number from -1000.0 to 1000.0"),
    (#"{"current": "1 2"}"#, "current takes a number from -1000.0 to 1000.0"),
    (#"{"current 1": 2}"#, "a command is one word"),
    (#"{"truth": 1}"#, "truth takes nothing after it"),
    (#"{"speed": 1001}"#, "speed takes a number from 0 to 1000"),
    (#"{"speed": -1}"#, "speed takes a number from 0 to 1000"),
    (#"{"speed": null}"#, "speed takes a number from 0 to 1000"),
    (#"{"nack": 0}"#, "nack takes a number of transfers from 1 to 10000"),
    (#"{"nack": 1.5}"#, "nack takes a number of transfers from 1 to 10000"),
    (#"{"nack": 10001}"#, "nack takes a number of transfers from 1 to 10000"),
    (#"{"glitch": null}"#, "glitch takes the name of an input"),
    (#"{"keep": 1}"#, "keep takes nothing after it"),
    (#"{"unplug": 64}"#, "unplug takes a chip's address, such as 0x40"),
    (#"{"bogus": 1}"#, "unknown command 'bogus'; there are current, power"),
  ]

  @Test(arguments: refusals) func `What is no order has a reason in one line`(
    line: String, reason: String
  ) {
    do throws(ControlLine.Refusal) {
      let order = try ControlLine.parse(line)
      Issue.record("\(order)")
    } catch {
      #expect(error.reason.hasPrefix(reason), "\(error.reason)")
      #expect(!error.reason.contains("\n"))
    }
  }

  // MARK: - The world

  private static let board = Program.package.appending(path: "Boards/virtual-machine/board.yaml")

  private static func world(speed: Double = 0) throws -> ServedWorld {
    let choice = try BoardChoice.find(board.path)
    return ServedWorld(try choice.emulate(seed: 1, stateOfCharge: 0.6), speed: speed)
  }

  @Test func `Lines are those of the board, by name`() throws {
    let world = try Self.world()
    #expect(world.names == ["CHARGE", "DISCHARGE", "ALERT"])
    #expect(world.level(of: 2))
    world.drive(1, high: true)
    #expect(world.level(of: 1) && !world.level(of: 0))
    #expect(world.board.dischargeSwitch.isActive && !world.board.chargeSwitch.isActive)
    // An input is not the guest's to drive.
    world.drive(2, high: false)
    #expect(world.level(of: 2))
  }

  @Test func `A glitch is a pulse on an input`() throws {
    let world = try Self.world()
    #expect(!world.beginGlitch(of: "CHARGE"))
    #expect(!world.beginGlitch(of: "NOTHING"))
    #expect(!world.endGlitch())
    #expect(world.beginGlitch(of: "ALERT"))
    #expect(!world.level(of: 2))
    #expect(world.endGlitch())
    #expect(world.level(of: 2))
  }

  @Test func `Answers are the truth or a reason`() throws {
    let world = try Self.world()
    world.drive(1, high: true)
    for (line, key) in [
      (#"{"current": -1}"#, "current"), (#"{"speed": 10}"#, "seconds"),
      (#"{"nack": 3}"#, "faults"), (#"{"glitch": "ALERT"}"#, "voltage"),
      (#"{"glitch": "CHARGE"}"#, "error"), (#"{"keep": null}"#, "error"),
      (#"{"unplug": "0x41"}"#, "error"),
      (#"{"nonsense"#, "error"),
    ] {
      let answer = ControlLine.answer(line, world)
      let object = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
      #expect(object?[key] != nil, "\(line): \(answer)")
      #expect((object?["error"] != nil) == (key == "error"), "\(line): \(answer)")
      #expect(!answer.contains("\n"))
    }
    #expect(world.speed == 10)
  }

  @Test func `So many transfers are refused, and no more`() throws {
    let world = try Self.world()
    world.refuse(transfers: 3)
    var bus = world.board.bus
    let fates = (0..<5).map { _ in
      ChipProbe.call(0x48, on: &bus) == nil
    }
    #expect(fates == [false, false, false, true, true])
    #expect(world.board.bus.faults.counts.noAcknowledge == 3)
  }

  @Test func `A board that stands still does not move`() throws {
    let world = try Self.world(speed: 0)
    world.move(force: true)
    #expect(world.board.now == 0)
    world.setSpeed(1_000)
    usleep(2_000)
    world.move(force: true)
    let there = world.board.now
    #expect(there >= 2_000_000)
    // Slower from here on, but not back.
    world.setSpeed(0)
    let now = world.board.now
    #expect(now >= there)
    usleep(2_000)
    world.move(force: true)
    #expect(world.board.now == now)
  }

  /// What a cell remembers of its load is still there with the next server, and it rested meanwhile.
  @Test func `The next server goes on with the cell`() throws {
    let folder = try TemporaryFolder()
    let choice = try BoardChoice.find(Self.board.path)
    func world(charge: Double, speed: Double, seed: UInt64 = 1) throws -> ServedWorld {
      let kept = KeptCell(path: folder.path("cell"), of: choice.cell, seed: seed)
      return ServedWorld(
        try choice.emulate(seed: seed, stateOfCharge: charge), speed: speed, cell: kept)
    }
    let first = try world(charge: 0.6, speed: 1_000)
    first.drive(1, high: true)
    try first.perform(.control(.current(amperes: -2)))
    usleep(200_000)
    #expect(try first.keep())
    let before = first.board.truth
    #expect(before.stateOfCharge < 0.55)
    // Without time between the two it is the same cell.
    let next = try world(charge: 0.3, speed: 0)
    let rested = next.board.truth
    try next.resume()
    let after = next.board.truth
    #expect(rested.stateOfCharge < 0.31 && after.stateOfCharge == before.stateOfCharge)
    #expect(after.volts == before.volts && after.celsius == before.celsius)
    // With some, it has rested: no charge moved, and its voltage rose.
    let later = try world(charge: 0.3, speed: 1_000)
    try later.resume()
    later.move(force: true)
    #expect(abs(later.board.truth.stateOfCharge - before.stateOfCharge) < 1e-6)
    #expect(later.board.truth.volts > before.volts + 0.02)
    // Another cell's is refused, and so is a damaged one.
    for (seed, damages) in [(UInt64(2), false), (1, true)] {
      if damages { try folder.write("sodalite serve-chips cell 1\n12345678", to: "cell") }
      let other = try world(charge: 0.3, speed: 0, seed: seed)
      do throws(DataProblem) {
        try other.resume()
        Issue.record("the cell of another seed, or a damaged one")
      } catch {
        #expect(error.category == .badData)
      }
    }
  }

  // MARK: - The program

  private static let mistakes: [(arguments: [String], code: Int32, message: String)] = [
    ([], 64, "Missing expected argument '--board <board>'"),
    (["--board", "virtual-machine"], 64, "Missing expected argument '--i2c <i2c>'"),
    (
      ["--board", "virtual-machine", "--i2c", "x", "--speed", "1001"], 64,
      "--speed 1001.0: 0 to 1000 would be right"
    ),
    (
      ["--board", "virtual-machine", "--i2c", "x", "--charge", "101%"], 64,
      "at most 100%"
    ),
    (["--board", "no-such-board", "--i2c", "x"], 66, "there is no board 'no-such-board'"),
    (
      ["--board", board.path, "--i2c", "/no/such/folder/i2c"], 74,
      "listening at /no/such/folder/i2c: No such file or directory"
    ),
    (
      ["--board", board.path, "--i2c", "a-file"], 74,
      "listening at a-file: File exists"
    ),
    (
      [
        "--board", board.path, "--i2c", "x", "--record", "/no/such/folder/record",
      ], 73, "--record /no/such/folder/record: cannot be written"
    ),
    (
      [
        "--board", board.path, "--i2c", "x", "--cell-state", "/no/such/folder/cell",
      ], 73, "--cell-state /no/such/folder/cell: nothing can be written in /no/such/folder"
    ),
  ]

  @Test(arguments: mistakes) func `A mistake is one line`(
    arguments: [String], code: Int32, message: String
  ) throws {
    // A socket may be left behind, and a mistake that is none would serve: not in the package.
    let folder = try TemporaryFolder()
    try folder.write("no socket", to: "a-file")
    let outcome = try Program.run(["serve-chips"] + arguments, in: folder.url)
    #expect(outcome.code == code)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    if code != 64 { #expect(outcome.errorLines.count == 1) }
  }

  @Test func `It serves until it is told to stop, and leaves a record`() throws {
    let folder = try TemporaryFolder()
    let running = try Program.start(
      [
        "serve-chips", "--board", Self.board.path, "--i2c", "i2c", "--gpio", "gpio", "--control",
        "control", "--record", "record", "--charge", "42%", "--speed", "0",
      ], in: folder.url)
    var connection: Int32 = -1
    let deadline = Date().addingTimeInterval(60)
    while connection < 0, Date() < deadline {
      connection = unsafe cvirtio_connect(folder.path("control"))
      if connection < 0 { usleep(10_000) }
    }
    let control = OwnedDescriptor(connection)
    // Two lines in pieces, and one that is none.
    for piece in [#"{"truth": n"#, "ull}\n{\"current\": 1}\nwhat\n"] {
      #expect(unsafe cvirtio_send(control.number, piece, piece.utf8.count) == 0)
      usleep(20_000)
    }
    var text = ""
    while text.filter({ $0 == "\n" }).count < 3 {
      var bytes = [UInt8](repeating: 0, count: 4_096)
      var none = 0
      let count = unsafe cvirtio_receive(control.number, &bytes, bytes.count, nil, &none)
      try #require(count > 0)
      text += String(decoding: bytes.prefix(count), as: UTF8.self)
    }
    let answers = text.split(separator: "\n")
    #expect(answers[0].contains("\"state_of_charge\":0.4"), "\(answers)")
    #expect(answers[1].contains("\"charge_switch\":false"), "\(answers)")
    #expect(answers[2].hasPrefix("{\"error\":"), "\(answers)")
    running.process.terminate()
    let outcome = try running.finish(isKilled: false)
    #expect(outcome.code == 0)
    #expect(outcome.errorLines.count == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("0 transfers, 0 failed messages, 0 events, 0 broken rings"))
    let record = try String(contentsOfFile: folder.path("record"), encoding: .utf8)
    #expect(
      record.split(separator: "\n").map { $0.split(separator: " ").dropFirst().joined() }
        == ["CHARGElow", "DISCHARGElow", "ALERThigh"], "\(record)")
  }

  @Test func `A record has each transfer and each level`() throws {
    let folder = try TemporaryFolder()
    let transcript = try #require(Transcript(path: folder.path("record")))
    var bus = NotedBus(wrapped: try Self.world().board.bus, transcript: transcript)
    let pointer: [UInt8] = [0x0F]
    var answer: [UInt8] = [0, 0]
    var room = answer.mutableSpan
    try bus.transfer(with: .init(0x48), writing: pointer.span, reading: &room)
    #expect(ChipProbe.call(0x49, on: &bus) == .noAcknowledge)
    transcript.line("ALERT", high: false)
    transcript.flush()
    #expect(transcript.isComplete)
    let record = try String(contentsOfFile: folder.path("record"), encoding: .utf8)
    let lines = record.split(separator: "\n").map { $0.drop { $0 != " " } }
    #expect(lines.first == " 0x48 w 0f r 0117")
    #expect(lines.dropFirst().first?.hasPrefix(" 0x49 w ") == true)
    #expect(lines.dropFirst().first?.hasSuffix(" !noAcknowledge") == true)
    #expect(lines.last == " ALERT low")
  }
}

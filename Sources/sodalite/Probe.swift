// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BusProtocols
import LinuxBus
import Simulation
import Telemetry

/// `sodalite probe`: what is on the bus of a board.
struct Probe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show which chips of a board answer, and what is missing, wrong or taken.",
    discussion: """
      Every chip of the board's description is asked for its identity, and every address whether \
      anything answers, as i2cdetect does. Nothing is configured and no switch is touched. The exit \
      code is 69 if anything of the board is missing or wrong.
      """)

  @Option(help: "The board: a name, such as pi-ina228-tmp117, or the path of a board.yaml.")
  var board: String
  @Flag(help: "Ask emulated chips instead of the board's.") var emulated = false
  @Option(help: "table or json.") var format = OutputFormat.table

  func run() throws {
    let choice = try BoardChoice.find(board)
    var result: ProbeResult
    if let device = choice.board.bus.device, !emulated {
      var policy = choice.policy
      // An address where nothing answers is no failure of the bus here.
      policy.attempts = 1
      policy.failuresBeforeReopen = .max
      var bus: LinuxI2CBus
      do throws(DeviceProblem) {
        bus = try LinuxI2CBus(path: device, policy: policy)
      } catch {
        throw UserMistake.exit(error)
      }
      result = ProbeResult(choice, bus: &bus, device: device)
      result.findLines()
    } else {
      var emulation = try choice.emulate(seed: 1, stateOfCharge: 0.6)
      emulation.advance(to: 1_000_000)
      var bus = emulation.bus
      result = ProbeResult(choice, bus: &bus, device: "emulated")
    }
    try report(format == .json ? result.json.text + "\n" : result.table)
    if !result.isComplete { throw ExitCode(69) }
  }
}

/// What was found on a bus.
struct ProbeResult {
  private struct Chip {
    var chip: BoardChip
    var word: String
    var text: String
    var identity: UInt16?
    var isPresent: Bool
  }

  private let name: String
  private let path: String
  private let device: String
  private var chips: [Chip] = []
  private var lines: [(use: String, line: BoardLine, problem: String?)] = []
  /// For each address what i2cdetect would print.
  private var map: [UInt8: String] = [:]
  private var others: [UInt8] = []
  /// Where a run would keep what it knows of the cell.
  private let state: String?

  init<Bus: I2CBus & ~Copyable>(_ choice: BoardChoice, bus: inout Bus, device: String) {
    name = choice.board.name
    path = choice.path
    self.device = device
    state = StateKeeping(nil, choice.board).text(for: choice.cell)
    for address: UInt8 in 0x08...0x77 {
      let error = ChipProbe.call(address, on: &bus)
      map[address] =
        error.map { BusHint.isOwned($0) ? "UU" : "--" } ?? hexadecimal(UInt64(address))
      let isKnown = choice.board.chips.contains { $0.address == address }
      if error == nil, !isKnown, address != 0x7C { others.append(address) }
    }
    for chip in choice.board.chips {
      chips.append(Self.ask(chip, on: &bus, device))
    }
    let board = choice.board
    if let line = board.chargeSwitch { lines.append(("charge switch", line, nil)) }
    if let line = board.dischargeSwitch { lines.append(("discharge switch", line, nil)) }
    if let line = board.chargeFeedback { lines.append(("charge feedback", line, nil)) }
    if let line = board.dischargeFeedback { lines.append(("discharge feedback", line, nil)) }
    if let line = board.precharge?.line { lines.append(("precharge", line, nil)) }
    if let line = board.supply { lines.append(("supply", line, nil)) }
    for chip in board.chips {
      if let line = chip.alert { lines.append(("alert of the \(chip.kind.rawValue)", line, nil)) }
    }
  }

  private static func ask<Bus: I2CBus & ~Copyable>(
    _ chip: BoardChip, on bus: inout Bus, _ device: String
  ) -> Chip {
    switch ChipProbe.ask(chip.kind, at: chip.address, on: &bus) {
    case .present(let identity?):
      return Chip(
        chip: chip, word: "present", text: "present, identity \(word(identity))",
        identity: identity, isPresent: true)
    case .present(nil):
      return Chip(
        chip: chip, word: "present",
        text: chip.kind == .bq76920
          ? "present, by its checksum" : "answers; it has no identity to ask for",
        isPresent: true)
    case .wrong(let expected, let found):
      return Chip(
        chip: chip, word: "wrong",
        text: "wrong: the identity is \(word(found)), a \(chip.kind.rawValue)'s \(word(expected))",
        identity: found, isPresent: false)
    case .unchecked:
      return Chip(
        chip: chip, word: "wrong",
        text:
          "wrong: answers without a checksum; only the \(chip.kind.rawValue)'s variants with one "
          + "are driven",
        isPresent: false)
    case .failed(let error):
      let address = I2CAddress(chip.address)
      let owner = BusHint.isOwned(error) ? BusHint.owner(of: address, on: device) : nil
      let hint = BusHint.text(for: error, at: address, on: device, owner: owner)
      let kind =
        BusHint.isOwned(error) ? "taken" : (error == .noAcknowledge ? "missing" : "failed")
      return Chip(chip: chip, word: kind, text: "\(kind): \(hint)", isPresent: false)
    }
  }

  /// Looks for the lines of the board; takes none.
  mutating func findLines() {
    for index in lines.indices {
      lines[index].problem = lines[index].line.request.problem().map { BusHint.text(for: $0) }
    }
  }

  /// Whether all of the board is there and is what it should be.
  var isComplete: Bool {
    chips.allSatisfy(\.isPresent) && lines.allSatisfy { $0.problem == nil }
  }

  var table: String {
    var text = "\(name) (\(path)) on \(device)\n\n"
    var table = TableText([
      ("address", .left), ("chip", .left), ("role", .left), ("found", .left),
    ])
    for chip in chips {
      table.add([
        "0x\(hexadecimal(UInt64(chip.chip.address)))", chip.chip.kind.rawValue,
        chip.chip.roles.names.joined(separator: ", "), chip.text,
      ])
    }
    for address in others {
      table.add([
        "0x\(hexadecimal(UInt64(address)))", "-", "-", "answers, and is not in the description",
      ])
    }
    text += table.text
    if !lines.isEmpty {
      var table = TableText([("line", .left), ("for", .left), ("found", .left)])
      for line in lines {
        table.add([
          line.line.text, line.use, device == "emulated" ? "emulated" : line.problem ?? "present",
        ])
      }
      text += "\n" + table.text
    }
    if let state { text += "\n\(state)\n" }
    return text + "\n" + grid
  }

  /// The picture of `i2cdetect`.
  private var grid: String {
    let head = (0..<16).map { " \(String($0, radix: 16))" }.joined(separator: " ")
    var text = "    \(head)\n"
    for row in UInt8(0)..<8 {
      let cells = (UInt8(0)..<16).map { map[row << 4 | $0] ?? "  " }.joined(separator: " ")
      var line = "\(row)0: \(cells)"
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }

  var json: JSONText {
    .object([
      .init("board", .string(name)), .init("file", .string(path)),
      .init("bus", .string(device)), .init("complete", .boolean(isComplete)),
      .init(
        "chips",
        .array(
          chips.map { chip in
            .object([
              .init("address", .integer(Int64(chip.chip.address))),
              .init("chip", .string(chip.chip.kind.rawValue)),
              .init("roles", .array(chip.chip.roles.names.map { .string($0) })),
              .init("found", .string(chip.word)), .init("text", .string(chip.text)),
              .init("identity", chip.identity.map { .integer(Int64($0)) } ?? .null),
            ])
          })),
      .init(
        "lines",
        .array(
          lines.map { line in
            .object([
              .init("line", .string(line.line.text)), .init("for", .string(line.use)),
              .init("problem", line.problem.map { .string($0) } ?? .null),
            ])
          })),
      .init("state", state.map { .string($0) } ?? .null),
      .init("others", .array(others.map { .integer(Int64($0)) })),
    ])
  }

  private static func word(_ word: UInt16) -> String {
    let digits = hexadecimal(UInt64(word))
    return "0x" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

/// A number of at least two hexadecimal digits.
private func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: max(0, 2 - digits.count)) + digits
}

// SPDX-License-Identifier: Apache-2.0

import ChipEmulators
import Simulation
import Telemetry
import VirtioBackends

/// The lines of the control socket: one JSON object with one member each way.
///
/// The member's name is a command of `EmulationCommand`, or one of `Order`; its value is what follows:
/// a number, a text, true or false for on and off, null for nothing.
struct ControlLine {
  /// A command with what follows it.
  enum Order: Equatable {
    case emulation(EmulationCommand)
    /// How much faster than the wall clock the board lives.
    case speed(Double)
    /// So many transfers without an acknowledgement.
    case refuse(transfers: Int)
    /// A pulse on an input, by the line's name.
    case glitch(line: String)
    /// Writes the cell to its file.
    case keep
  }

  /// More would be a chip that is not there, for which there is `unplug`.
  static let mostRefused = 10_000

  /// Why a line is not obeyed.
  struct Refusal: Error {
    var reason: String
  }

  static func parse(_ line: String) throws(Refusal) -> Order {
    var scanner = ControlScanner(line)
    let (word, value) = try scanner.member()
    switch word {
    case "speed":
      guard let value, let number = Double(value), ServedWorld.speeds.contains(number) else {
        throw Refusal(reason: "speed takes a number from 0 to 1000")
      }
      return .speed(number)
    case "nack":
      guard let value, let count = Int(value), 1...mostRefused ~= count else {
        throw Refusal(reason: "nack takes a number of transfers from 1 to \(mostRefused)")
      }
      return .refuse(transfers: count)
    case "glitch":
      guard let value else { throw Refusal(reason: "glitch takes the name of an input") }
      return .glitch(line: value)
    case "keep":
      guard value == nil else { throw Refusal(reason: "keep takes nothing after it") }
      return .keep
    default: return .emulation(try emulation(word, value))
    }
  }

  private static func emulation(
    _ word: String, _ value: String?
  ) throws(Refusal) -> EmulationCommand {
    // The words of the line are looked at again there, so nothing can be smuggled in.
    guard !word.contains(" ") else { throw Refusal(reason: "a command is one word") }
    do throws(EmulationCommand.Mistake) {
      return try EmulationCommand(value.map { "\(word) \($0)" } ?? word)
    } catch {
      throw Refusal(reason: error.description)
    }
  }

  /// Obeys a line; the answer.
  static func answer(_ line: String, _ world: ServedWorld) -> String {
    do throws(Refusal) {
      switch try parse(line) {
      case .speed(let speed): world.setSpeed(speed)
      case .refuse(let count): world.refuse(transfers: count)
      case .glitch(let line):
        guard world.beginGlitch(of: line) else {
          throw Refusal(reason: "the board has no input '\(line.prefix(40))'")
        }
      case .keep: try keep(world)
      case .emulation(let command):
        do throws(EmulationCommand.Mistake) {
          try world.perform(command)
        } catch {
          throw Refusal(reason: error.description)
        }
      }
      return truth(world).text
    } catch {
      return JSONText.object([.init("error", .string(error.reason))]).text
    }
  }

  private static func keep(_ world: ServedWorld) throws(Refusal) {
    do throws(DataProblem) {
      if try world.keep() { return }
    } catch {
      throw Refusal(reason: "the cell cannot be kept: \(error)")
    }
    throw Refusal(reason: "there is no --cell-state to keep the cell in")
  }

  private static func truth(_ world: ServedWorld) -> JSONText {
    let truth = world.board.truth
    return .object([
      .init("seconds", .number(Double(truth.microseconds) * 1e-6)),
      .init("current", .number(truth.amperes)), .init("voltage", .number(truth.volts)),
      .init("temperature", .number(truth.celsius)),
      .init("state_of_charge", .number(truth.stateOfCharge)),
      .init("capacity", .number(truth.capacityAmpereHours)),
      .init("charge_switch", .boolean(world.board.chargeSwitch.isActive)),
      .init("discharge_switch", .boolean(world.board.dischargeSwitch.isActive)),
      .init("faults", .integer(world.board.bus.faults.counts.total)),
    ])
  }
}

/// Reads `{"word": value}`; that much JSON and no more.
struct ControlScanner {
  private var rest: Substring.UnicodeScalarView

  init(_ text: String) { rest = Substring(text).unicodeScalars }

  /// The member's name, and its value as text; nil for null.
  mutating func member() throws(ControlLine.Refusal) -> (word: String, value: String?) {
    try take("{")
    let word = try string()
    try take(":")
    skipSpace()
    let value: String?
    if rest.first == "\"" {
      value = try string()
    } else {
      let scalars = rest.prefix { $0 != "}" && $0 != "," && $0 != " " }
      rest = rest.dropFirst(scalars.count)
      switch String(scalars) {
      case "null": value = nil
      case "true": value = "on"
      case "false": value = "off"
      case let number:
        guard Double(number) != nil, number.first != "+" else { throw Self.form }
        value = number
      }
    }
    try take("}")
    skipSpace()
    guard rest.isEmpty else { throw Self.form }
    return (word, value)
  }

  private static let form = ControlLine.Refusal(
    reason: "a line is an object with one member, such as {\"current\": -1.5}")

  private mutating func skipSpace() {
    rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
  }

  private mutating func take(_ scalar: Unicode.Scalar) throws(ControlLine.Refusal) {
    skipSpace()
    guard rest.popFirst() == scalar else { throw Self.form }
  }

  private mutating func string() throws(ControlLine.Refusal) -> String {
    try take("\"")
    // No command has a character that JSON would have to escape.
    let scalars = rest.prefix { $0 != "\"" && $0 != "\\" && $0.value >= 0x20 }
    rest = rest.dropFirst(scalars.count)
    try take("\"")
    return String(scalars)
  }
}

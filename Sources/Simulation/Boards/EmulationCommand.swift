// SPDX-License-Identifier: Apache-2.0

public import CellSimulation
import ChipEmulators

/// One line of text that changes an emulated board, or asks what is true of it.
///
/// | line | does |
/// |---|---|
/// | `current -1.5` | asks for a current in A; positive charges |
/// | `power -3` | asks for a power in W; positive charges |
/// | `voltage 4.2` | holds a cell's voltage in V, as a charger does |
/// | `rest` | asks for nothing |
/// | `cycles` | plays mixed drives, charges and rests |
/// | `ambient 40` | sets the temperature around the cell in °C |
/// | `supply off` | takes the supply away; `on` gives it back |
/// | `faults 0.01` | gives each kind of transfer fault this probability; 0 ends them |
/// | `stuck on` | holds the bus low; `off` lets it go |
/// | `unplug 0x40`, `plug 0x40` | takes a chip off the board, puts it back |
/// | `brownout 0x40` | takes a chip's supply away for a moment |
/// | `truth` | changes nothing |
public enum EmulationCommand: Equatable, Sendable {
  /// A load or charger asks for something.
  case control(CellControl)
  /// Mixed drives, charges and rests.
  case cycles
  /// The temperature around the cell. Unit: °C.
  case ambient(celsius: Double)
  /// Whether the board has its supply.
  case supply(Bool)
  /// The probability of each kind of transfer fault.
  case faults(Double)
  /// Whether the bus is held low.
  case stuck(Bool)
  /// Whether a chip is on the board.
  case plugged(Bool, address: UInt8)
  /// A chip's supply goes away for a moment.
  case brownout(address: UInt8)
  /// Nothing.
  case truth

  /// Why a line is no command.
  public struct Mistake: Error, Equatable, Sendable, CustomStringConvertible {
    /// What would be right, in one line.
    public var description: String
  }

  /// The words that begin a command.
  public static let words = [
    "current", "power", "voltage", "rest", "cycles", "ambient", "supply", "faults", "stuck",
    "unplug", "plug", "brownout", "truth",
  ]

  /// Reads a line.
  public init(_ line: String) throws(Mistake) {
    let parts = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
    let word = parts.first.map(String.init) ?? ""
    let rest = parts.dropFirst().map(String.init)
    switch word {
    case "current": self = .control(.current(amperes: try Self.number(rest, word, -1e3...1e3)))
    case "power": self = .control(.power(watts: try Self.number(rest, word, -1e4...1e4)))
    case "voltage": self = .control(.voltage(volts: try Self.number(rest, word, 0...10)))
    case "rest": self = .control(.current(amperes: 0))
    case "cycles": self = .cycles
    case "ambient": self = .ambient(celsius: try Self.number(rest, word, -40...80))
    case "supply": self = .supply(try Self.onOff(rest, word))
    case "faults": self = .faults(try Self.number(rest, word, 0...0.15))
    case "stuck": self = .stuck(try Self.onOff(rest, word))
    case "unplug": self = .plugged(false, address: try Self.address(rest, word))
    case "plug": self = .plugged(true, address: try Self.address(rest, word))
    case "brownout": self = .brownout(address: try Self.address(rest, word))
    case "truth": self = .truth
    default:
      throw Mistake(
        description: "unknown command '\(word.prefix(20))'; there are "
          + Self.words.joined(separator: ", "))
    }
    if ["rest", "cycles", "truth"].contains(word), !rest.isEmpty {
      throw Mistake(description: "\(word) takes nothing after it")
    }
  }

  private static func number(
    _ rest: [String], _ word: String, _ range: ClosedRange<Double>
  ) throws(Mistake) -> Double {
    guard rest.count == 1, let value = Double(rest[0]), range.contains(value) else {
      throw Mistake(
        description:
          "\(word) takes a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private static func onOff(_ rest: [String], _ word: String) throws(Mistake) -> Bool {
    guard rest == ["on"] || rest == ["off"] else {
      throw Mistake(description: "\(word) takes on or off")
    }
    return rest == ["on"]
  }

  private static func address(_ rest: [String], _ word: String) throws(Mistake) -> UInt8 {
    guard rest.count == 1, rest[0].hasPrefix("0x"),
      let value = UInt8(rest[0].dropFirst(2), radix: 16)
    else { throw Mistake(description: "\(word) takes a chip's address, such as 0x40") }
    return value
  }
}

extension EmulatedBoard {
  /// Does what a command says; the truth afterwards is in `truth`.
  ///
  /// - Throws: when no chip has the address of the command.
  public mutating func perform(_ command: EmulationCommand) throws(EmulationCommand.Mistake) {
    switch command {
    case .control(let control): ask(for: control)
    case .cycles:
      ask(for: .mixedCycles(lower: window.lowerBound, upper: window.upperBound))
    case .ambient(let celsius): ambientCelsius = celsius
    case .supply(let isThere): hasSupply = isThere
    case .faults(let probability):
      bus.faults =
        probability > 0
        ? TransferFaults(probabilities: FaultRates.all(probability), seed: seed, stream: 7)
        : .none
    case .stuck(let isHeld): bus.isHeldLow = isHeld
    case .plugged(let isPresent, let address):
      guard setPresent(isPresent, chipAt: address) else { throw .noChip(address) }
    case .brownout(let address):
      guard powerCycle(chipAt: address) else { throw .noChip(address) }
    case .truth: break
    }
  }
}

extension EmulationCommand.Mistake {
  static func noChip(_ address: UInt8) -> EmulationCommand.Mistake {
    EmulationCommand.Mistake(
      description: "no chip of the board is at 0x\(String(address, radix: 16, uppercase: true))")
  }
}

// SPDX-License-Identifier: Apache-2.0

import LinuxBus
import Simulation
import Telemetry

/// What a run needs of the world around the firmware, besides bus and switches.
protocol RunWorld: AnyObject {
  /// Lets the world come to the moment of a tick. Unit: µs since the start.
  func prepare(at microseconds: Int64) throws(DataProblem)
  /// What to wait for besides the time.
  var files: [Int32] { get }
  /// Takes what came over a file; true if the firmware should look at once.
  func take(_ file: Int) -> Bool
  /// What the switches say of themselves; nil where they say nothing.
  var feedback: (charge: Bool?, discharge: Bool?) { get }
  /// Whether there is a supply besides the cell; nil where nobody knows.
  var hasSupply: Bool? { get }
  /// What the bus met beyond what the firmware counts.
  var busCounts: [(name: String, count: UInt64)] { get }
  /// What is true of the cell; nil for a real one.
  var truth: CellTruth? { get }
}

/// The world of a real board: its alert lines and its supply.
final class LinuxWorld: RunWorld {
  /// Of the bus, which the firmware owns.
  private let health: BusHealth
  private var alerts: [LineHolder] = []
  private var supply: LineHolder?
  private var chargeFeedback: LineHolder?
  private var dischargeFeedback: LineHolder?

  /// An array cannot hold what cannot be copied.
  private final class LineHolder {
    var input: LinuxInput
    init(_ line: BoardLine) throws(DeviceProblem) { input = try LinuxInput(line.request) }
  }

  init(_ board: BoardDescription, _ health: BusHealth) throws(DeviceProblem) {
    self.health = health
    for line in board.chips.compactMap(\.alert) { alerts.append(try LineHolder(line)) }
    func hold(_ line: BoardLine?) throws(DeviceProblem) -> LineHolder? {
      guard let line else { return nil }
      return try LineHolder(line)
    }
    supply = try hold(board.supply)
    chargeFeedback = try hold(board.chargeFeedback)
    dischargeFeedback = try hold(board.dischargeFeedback)
  }

  private var lines: [LineHolder] {
    alerts + [supply, chargeFeedback, dischargeFeedback].compactMap(\.self)
  }

  func prepare(at microseconds: Int64) throws(DataProblem) {}

  var files: [Int32] { lines.map { $0.input.file } }

  func take(_ file: Int) -> Bool {
    lines[file].input.takeEdge()
    return true
  }

  /// A feedback that cannot be read is one that is not there: that the switch is on is not known.
  var feedback: (charge: Bool?, discharge: Bool?) {
    (chargeFeedback?.input.isActive, dischargeFeedback?.input.isActive)
  }
  var hasSupply: Bool? { supply?.input.isActive }
  var busCounts: [(name: String, count: UInt64)] { health.counts.named }
  var truth: CellTruth? { nil }
}

/// A file that stands for the cells of an emulated memory chip: they outlive the run.
struct ChipMemoryFile {
  private let path: String
  private var written: [UInt8]

  /// Puts what an earlier run left into the board's memory.
  init(path: String, on board: borrowing EmulatedBoard) throws(DataProblem) {
    self.path = path
    guard let new = board.memoryContent else {
      throw DataProblem(.badData, file: path, message: "this board has no memory chip")
    }
    written = new
    guard WholeFile.exists(path) else { return }
    let found = try WholeFile.bytes(of: path, atMost: 1 << 20)
    guard board.setMemoryContent(found) else {
      throw DataProblem(
        .badData, file: path,
        message: "\(found.count) bytes; the board's memory chip has \(new.count)")
    }
    written = found
  }

  /// Writes what has changed, as a chip would hold it if the power failed now.
  mutating func follow(_ board: borrowing EmulatedBoard) throws(DataProblem) {
    guard let now = board.memoryContent, now != written else { return }
    try WholeFile.write(now, to: path)
    written = now
  }
}

/// The world of an emulated board, in real time; its load is what `cycles` or commands ask for.
final class EmulatedWorld: RunWorld {
  private var board: EmulatedBoard
  private var input: LineInput?
  private var memory: ChipMemoryFile?

  init(_ board: consuming EmulatedBoard, steers: Bool, memory: ChipMemoryFile?) {
    self.board = board
    self.memory = memory
    input = steers ? LineInput() : nil
    if !steers {
      do throws(EmulationCommand.Mistake) {
        try self.board.perform(.cycles)
      } catch {
        preconditionFailure("cycles names no chip")
      }
    }
  }

  func prepare(at microseconds: Int64) throws(DataProblem) {
    board.advance(to: microseconds)
    try memory?.follow(board)
  }

  var files: [Int32] { input.map { [$0.file] } ?? [] }

  func take(_ file: Int) -> Bool {
    guard var lines = input else { return false }
    let commands = lines.read()
    // At the end of the input the board goes on as it was told last.
    input = lines.isAtEnd ? nil : lines
    for line in commands where !line.allSatisfy(\.isWhitespace) { perform(line) }
    return !commands.isEmpty
  }

  private func perform(_ line: String) {
    do throws(EmulationCommand.Mistake) {
      let command = try EmulationCommand(line)
      try board.perform(command)
      if command == .truth { StandardError.write("sodalite: \(Self.text(board.truth))\n") }
    } catch {
      StandardError.write("sodalite: \(error)\n")
    }
  }

  private static func text(_ truth: CellTruth) -> String {
    "truth: \(number(truth.volts, 4)) V, \(number(truth.amperes, 4)) A, "
      + "\(number(truth.celsius, 2)) °C, state of charge \(percent(truth.stateOfCharge)), "
      + "capacity \(charge(truth.capacityAmpereHours))"
  }

  var feedback: (charge: Bool?, discharge: Bool?) { board.feedback }
  var hasSupply: Bool? { board.description.supply == nil ? nil : board.hasSupply }
  var busCounts: [(name: String, count: UInt64)] { [] }
  var truth: CellTruth? { board.truth }
}

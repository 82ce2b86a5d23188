// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Descriptions
import Simulation
import Telemetry

/// What reads bytes that others wrote: each must take any bytes at all without a trap, and give a
/// result or a problem that can be shown.
public enum FuzzSubject: String, CaseIterable, Sendable {
  /// A cell description; a good one must also make a cell that can take steps.
  case cell
  /// A cycler protocol file.
  case cyclerProtocol = "protocol"
  /// A board description; a good one must also make an emulated board.
  case board
  /// One entry of a protocol, such as "Charge at 1C until 4.2 V".
  case step
  /// A recorded log as CSV.
  case log
  /// The replies of a bus to every driver.
  case drivers
  /// A record of a kept state; a good one must also be one that an estimator goes on from.
  case record
  /// All of a memory, chip or file, that the firmware starts on.
  case image
  /// The history of an aged cell.
  case age
  /// Lines that steer an emulated board.
  case command
  /// What a virtual machine does to the served bus and lines.
  case machine

  /// Reads the bytes; traps where the subject is wrong.
  public func read(_ bytes: [UInt8]) {
    switch self {
    case .cell: readCell(bytes)
    case .cyclerProtocol: readProtocol(bytes)
    case .board: readBoard(bytes)
    case .step: readStep(bytes)
    case .log: readLog(bytes)
    case .drivers: readDrivers(bytes)
    case .record: readRecord(bytes)
    case .image: readImage(bytes)
    case .age: readAge(bytes)
    case .command: readCommands(bytes)
    case .machine: readMachine(bytes)
    }
  }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// A problem is shown to a person: it has a place and says something.
private func check(_ problems: DescriptionProblems) {
  let shown = "\(problems)"
  precondition(shown.hasPrefix("fuzz:"), "a problem without a place: \(shown)")
}

private func readCell(_ bytes: [UInt8]) {
  switch CellFile.parse(text: text(bytes), file: "fuzz") {
  case .failure(let problems): check(problems)
  case .success(let description):
    // A description may still be one that no cell can be made of; that is an error with a reason.
    guard var cell = try? Cell(description, stateOfCharge: 0.5) else { return }
    let amperes = 0.1 * description.ratedCapacityAmpereHours
    for current in [amperes, -amperes, 0] {
      cell.step(.current(amperes: current), seconds: 1)
      precondition(cell.terminalVolts.isFinite, "the voltage is \(cell.terminalVolts)")
    }
  }
}

private func readProtocol(_ bytes: [UInt8]) {
  switch ProtocolFile.parse(text: text(bytes), file: "fuzz") {
  case .failure(let problems): check(problems)
  case .success(let file): prepare(file.elements, grams: file.cathodeGrams)
  }
}

private func readStep(_ bytes: [UInt8]) {
  do throws(CyclerSyntaxError) {
    prepare(try CyclerElement.parse(text(bytes), entry: 0), grams: 0.01)
  } catch {
    precondition(!"\(error)".isEmpty, "refused without a reason")
  }
}

private func prepare(_ elements: [CyclerElement], grams: Double?) {
  do throws(CyclerProblems) {
    _ = try CyclerRun(elements, for: .hu2024NFMPB1HardCarbon, cathodeGrams: grams)
  } catch {
    precondition(!error.problems.isEmpty, "refused without a reason")
  }
}

private func readBoard(_ bytes: [UInt8]) {
  switch BoardFile.parse(text: text(bytes), file: "fuzz") {
  case .failure(let problems): check(problems)
  case .success(let file): precondition(!file.board.name.isEmpty, "a board without a name")
  }
}

private func readAge(_ bytes: [UInt8]) {
  if case .failure(let problems) = AgeFile.parse(
    text: text(bytes), file: "fuzz", for: .hu2024NFMPB1HardCarbon)
  {
    check(problems)
  }
}

private func readCommands(_ bytes: [UInt8]) {
  for line in text(bytes).split(separator: "\n") {
    do throws(EmulationCommand.Mistake) {
      _ = try EmulationCommand(String(line))
    } catch {
      precondition(!error.description.isEmpty, "refused without a reason")
    }
  }
}

private func readLog(_ bytes: [UInt8]) {
  do throws(DataProblem) {
    var reader = try LogReader(CSVReader.read(bytes, file: "fuzz"), columns: LogColumns())
    while let sample = try reader.next() {
      precondition(
        sample.seconds.isFinite && sample.amperes.isFinite && sample.volts.isFinite,
        "line \(sample.line) is not made of numbers")
    }
  } catch {
    precondition("\(error)".hasPrefix("fuzz"), "a problem without a place: \(error)")
  }
}

/// Traps on one input in 16 million, which only a fuzzer that sees where the code goes finds.
public func readPlanted(_ bytes: [UInt8]) {
  let secret: [UInt8] = [0x4E, 0x61, 0x2B]
  var matched = 0
  while matched < min(bytes.count, secret.count), bytes[matched] == secret[matched] { matched += 1 }
  precondition(matched < secret.count, "the planted trap")
}

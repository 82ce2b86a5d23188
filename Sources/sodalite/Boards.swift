// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Descriptions
import LinuxBus
import Simulation
import Telemetry

/// A board with its cell, found and checked.
struct BoardChoice {
  /// The file it is from.
  var path: String
  var board: BoardDescription
  var cell: CellDescription

  /// Finds a board by the name of a folder of `Boards`, or by the path of a description.
  ///
  /// A name is looked for in ./Boards, in /etc/sodalite/boards, and where `Tools/install` put the
  /// boards of the project.
  static func find(_ name: String) throws -> BoardChoice {
    let candidates = paths(name)
    for path in candidates {
      do {
        let text = try WholeFile.text(of: path, atMost: 1 << 16)
        return try read(text, path)
      } catch let problem as DataProblem {
        guard problem.category == .noInput else { throw UserMistake.exit(problem) }
      }
    }
    if name == "emulated" { return try emulated() }
    let places = candidates.count > 1 ? "looked for " : ""
    throw UserMistake.exit(
      "there is no board '\(name)': \(places)\(candidates.joined(separator: ", "))", code: 66)
  }

  /// The emulated board is there even where no file is.
  static func emulated() throws -> BoardChoice {
    let board = BoardDescription.emulated
    return BoardChoice(path: "built in", board: board, cell: try Cells.find(board.cell))
  }

  private static func paths(_ name: String) -> [String] {
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return [name] }
    if name.contains("/") { return ["\(name)/board.yaml"] }
    var folders = ["Boards", "/etc/sodalite/boards"]
    // PREFIX/bin/sodalite has its boards in PREFIX/share/sodalite/Boards.
    let parts = (FileLink.executable ?? "").split(separator: "/")
    if parts.count > 2, parts[parts.count - 2] == "bin" {
      folders.append("/" + parts.dropLast(2).joined(separator: "/") + "/share/sodalite/Boards")
    }
    return folders.map { "\($0)/\(name)/board.yaml" }
  }

  private static func read(_ text: String, _ path: String) throws -> BoardChoice {
    let file: BoardFile
    switch BoardFile.parse(text: text, file: path) {
    case .success(let found): file = found
    case .failure(let problems): throw exit(problems.problems)
    }
    let isPath = file.board.cell.hasSuffix(".yaml") || file.board.cell.hasSuffix(".yml")
    // A path is from where the board's file is, so that a board can be used from anywhere.
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let isRelative = isPath && !file.board.cell.hasPrefix("/")
    let cell = try Cells.find(isRelative ? folder + file.board.cell : file.board.cell)
    let contradictions = file.contradictions(with: cell)
    guard contradictions.isEmpty else { throw exit(contradictions) }
    return BoardChoice(path: path, board: file.board, cell: cell)
  }

  private static func exit(_ problems: [DescriptionProblem]) -> ExitCode {
    UserMistake.exit(
      problems.map(\.description).joined(separator: "\nsodalite: "), code: 78)
  }

  /// Builds the emulated board, which has lived for a second.
  func emulate(seed: UInt64, stateOfCharge: Double) throws -> EmulatedBoard {
    var setup = EmulationSetup(cell: cell, seed: seed)
    setup.stateOfCharge = stateOfCharge
    do throws(EmulationProblem) {
      return try EmulatedBoard(board, setup)
    } catch {
      throw UserMistake.exit("\(path): \(error)", code: 69)
    }
  }

  /// How the bus of the board is to be treated.
  var policy: BusPolicy {
    var policy = BusPolicy()
    if board.bus.breaksStretching {
      policy.confirmed = board.chips.filter(\.kind.stretchesClock).map(\.address)
    }
    return policy
  }
}

extension BoardLine {
  /// What is asked of libgpiod.
  var request: LineRequest {
    let pull: LineRequest.Pull =
      switch self.pull {
      case .none: .none
      case .up: .up
      case .down: .down
      }
    return LineRequest(
      chips: chips, name: name, offset: offset ?? 0, isActiveLow: isActiveLow, pull: pull)
  }
}

extension UserMistake {
  /// Says why a device is not to be had, and what to do.
  static func exit(_ problem: DeviceProblem) -> ExitCode {
    exit(BusHint.text(for: problem), code: 69)
  }
}

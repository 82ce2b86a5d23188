// SPDX-License-Identifier: Apache-2.0

public import CellSimulation
public import Simulation

/// A board description as YAML text.
///
/// A chip's keys follow from its kind: a shunt only where it measures over one, `address` only where
/// pins choose it. A line has the processor's `line` name, or a `chip` label and an `offset`; never
/// the number of a chip, which changes from kernel to kernel. What contradicts itself is a problem
/// like any other; what contradicts the cell is found by `contradictions(with:)`.
public struct BoardFile: Sendable {
  /// The board.
  public var board: BoardDescription
  private let file: String
  private let places: [String: Place]

  /// A place in the file, from 1.
  struct Place: Sendable {
    var line: Int
    var column: Int
  }

  /// Reads a description.
  ///
  /// - Parameters:
  ///   - text: the YAML.
  ///   - file: the name for messages.
  /// - Returns: the board, or all that is wrong with the text.
  public static func parse(text: String, file: String) -> Result<BoardFile, DescriptionProblems> {
    let list = ProblemList(file: file)
    let reader = BoardReader(list: list)
    let board = StrictYAML.compose(text, list).flatMap { reader.board($0) }
    guard list.problems.isEmpty, let board else { return .failure(list.sorted) }
    return .success(BoardFile(board: board, file: file, places: reader.places))
  }

  /// What the board asks that its chips, or its cell, cannot do; in the order of the file.
  ///
  /// - Parameter cell: what the board's `cell` names.
  public func contradictions(with cell: CellDescription) -> [DescriptionProblem] {
    let list = ProblemList(file: file)
    for contradiction in board.contradictions(with: cell) {
      let place = places[contradiction.path] ?? Place(line: 1, column: 1)
      list.add(line: place.line, column: place.column, contradiction.message)
    }
    return list.sorted.problems
  }
}

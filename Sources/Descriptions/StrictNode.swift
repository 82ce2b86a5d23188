// SPDX-License-Identifier: Apache-2.0

import Yams

/// Collects the problems of one file.
final class ProblemList {
  let file: String
  private(set) var problems: [DescriptionProblem] = []

  init(file: String) { self.file = file }

  func add(_ mark: Mark?, _ message: String) {
    add(line: mark?.line ?? 1, column: mark?.column ?? 1, message)
  }

  func add(line: Int, column: Int, _ message: String) {
    problems.append(
      DescriptionProblem(file: file, line: line, column: column, message: message))
  }

  /// The problems in the order of the file.
  var sorted: DescriptionProblems {
    DescriptionProblems(
      problems.enumerated().sorted {
        ($0.element.line, $0.element.column, $0.offset)
          < ($1.element.line, $1.element.column, $1.offset)
      }.map(\.element))
  }
}

/// The text of a YAML document, checked for what the parser below must never see.
enum StrictYAML {
  /// The largest description; a cell needs a few kilobytes.
  static let largestBytes = 1 << 20

  /// Parses one document; nil after adding what is wrong to `list`.
  static func compose(_ text: String, _ list: ProblemList) -> Node? {
    guard text.utf8.count <= largestBytes else {
      list.add(nil, "the file has \(text.utf8.count) bytes; the most is \(largestBytes)")
      return nil
    }
    guard !hasAlias(text, list) else { return nil }
    do {
      // An empty text must not reach the C parser, whose assertion it would fail.
      let node = text.isEmpty ? nil : try Yams.compose(yaml: text, .default, .default, .utf8)
      if node == nil { list.add(nil, "the file is empty; expected a description with 'schema: 1'") }
      return node
    } catch let error as YamlError {
      add(error, list)
    } catch {
      list.add(nil, "not readable as YAML: \(error)")
    }
    return nil
  }

  /// Aliases have no use here, and nested ones grow without bound. Where one could begin, `*name` is
  /// refused, even inside quotes: a text seldom has it there.
  private static func hasAlias(_ text: String, _ list: ProblemList) -> Bool {
    let scalars = Array(text.unicodeScalars)
    var line = 1
    var lineStart = 0
    var previous: Unicode.Scalar = "\n"
    var isComment = false
    for (place, scalar) in scalars.enumerated() {
      let next = place + 1 < scalars.count ? scalars[place + 1] : "\n"
      if scalar == "\n" || (scalar == "\r" && next != "\n") {
        line += 1
        lineStart = place + 1
        isComment = false
        previous = "\n"
      } else if isComment || isBlank(scalar) {
        continue
      } else if scalar == "#", previous == "\n" {
        isComment = true
      } else if scalar == "*", !isBlank(next), next != "\n", startsToken(previous) {
        list.add(
          line: line, column: place - lineStart + 1,
          "aliases are not allowed; write the value out")
        return true
      } else {
        previous = scalar
      }
    }
    return false
  }

  private static func startsToken(_ scalar: Unicode.Scalar) -> Bool {
    ["\n", ":", "-", "?", "[", "{", ",", "\u{85}", "\u{2028}", "\u{2029}", "\u{FEFF}"]
      .contains(scalar)
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\r"
  }

  private static func add(_ error: YamlError, _ list: ProblemList) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = context.map { ", \($0.text) on line \($0.mark.line)" } ?? ""
      list.add(mark, "\(problem)\(place)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      for key in duplicates {
        list.add(context.mark, "key '\(shortened(key))' is given twice in the same place")
      }
    case .reader(let problem, let offset, let value, let yaml):
      let (line, column) = place(of: offset ?? 0, in: yaml)
      let character = value > 0 ? " (character \(value))" : ""
      list.add(
        line: line, column: column, "\(problem)\(character); expected YAML text in UTF-8")
    default:
      list.add(nil, "not readable as YAML: \(error)")
    }
  }

  private static func place(of offset: Int, in text: String) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    for character in text.prefix(offset) {
      column = character.isNewline ? 1 : column + 1
      line += character.isNewline ? 1 : 0
    }
    return (line, column)
  }
}

/// A value for a message: in one line and not too long.
func shortened(_ text: String) -> String {
  let line = String(text.map { $0.isNewline ? " " : $0 })
  return line.count > 40 ? line.prefix(40) + "…" : line
}

/// What a node is, for messages.
func describe(_ node: Node) -> String {
  switch node {
  case .scalar(let scalar): scalar.string.isEmpty ? "empty" : "'\(shortened(scalar.string))'"
  case .mapping: "a mapping"
  case .sequence: "a list"
  case .alias: "an alias"
  }
}

/// The key of `keys` that a misspelt one most likely meant.
func nearest(to text: String, in keys: [String]) -> String? {
  guard text.count <= 40 else { return nil }
  let distances = keys.map { (distance(text.lowercased(), $0), $0) }
  guard let best = distances.min(by: { $0.0 < $1.0 }) else { return nil }
  return best.0 <= max(2, best.1.count / 3) ? best.1 : nil
}

/// The number of letters to insert, remove, change or swap with a neighbour.
private func distance(_ first: String, _ second: String) -> Int {
  let a = Array(first)
  let b = Array(second)
  var rows = [Array(0...b.count)]
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, rows[i - 1][j - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}

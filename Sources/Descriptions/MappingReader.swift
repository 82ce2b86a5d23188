// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Yams

/// Reads the keys of one mapping; every problem goes to the list and the value becomes nil.
struct MappingReader {
  let list: ProblemList
  /// What the mapping describes, for messages, such as `circuit`.
  let name: String
  let mark: Mark?
  private var values: [String: (key: Node, value: Node)] = [:]
  /// The keys that unknown ones were likely meant to be: they are not called missing as well.
  private var misspelt: Set<String> = []

  /// Takes a mapping apart.
  ///
  /// - Parameters:
  ///   - node: the mapping.
  ///   - name: what it describes.
  ///   - keys: the keys it may have.
  ///   - list: where problems go.
  /// - Returns: nil when the node is no mapping.
  init?(_ node: Node, _ name: String, keys: [String], _ list: ProblemList) {
    self.list = list
    self.name = name
    mark = node.mark
    guard case .mapping(let mapping) = node else {
      list.add(
        node.mark,
        "\(name) is \(describe(node)); expected keys: "
          + keys.joined(separator: ", "))
      return nil
    }
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        list.add(key.mark, "a key of \(name) is \(describe(key)); expected a word")
        continue
      }
      if keys.contains(scalar.string) {
        values[scalar.string] = (key, value)
      } else {
        list.add(key.mark, Self.unknown(scalar.string, name, keys))
        if let meant = nearest(to: scalar.string, in: keys) { misspelt.insert(meant) }
      }
    }
  }

  private static func unknown(_ key: String, _ name: String, _ keys: [String]) -> String {
    let place = "unknown key '\(shortened(key))' in \(name)"
    guard let nearest = nearest(to: key, in: keys) else {
      return "\(place); expected one of \(keys.joined(separator: ", "))"
    }
    return "\(place); did you mean '\(nearest)'?"
  }

  func has(_ key: String) -> Bool { values[key] != nil }

  /// Whether the key is there under a name that is nearly its own.
  func isMisspelt(_ key: String) -> Bool { !has(key) && misspelt.contains(key) }

  func mark(of key: String) -> Mark? { values[key]?.key.mark ?? mark }

  func add(_ key: String, _ message: String) { list.add(mark(of: key), message) }

  /// The node of a key; nil, with a problem, when it is not there. (A misspelt key is the problem.)
  func node(_ key: String, expected: String) -> Node? {
    if let value = values[key]?.value { return value }
    if isMisspelt(key) { return nil }
    list.add(mark, "\(name) has no '\(key)'; expected \(expected)")
    return nil
  }

  /// A text in one line that is not empty.
  func text(_ key: String) -> String? {
    guard let node = node(key, expected: "a text") else { return nil }
    guard case .scalar(let scalar) = node, !scalar.string.allSatisfy(\.isWhitespace) else {
      list.add(node.mark, "\(key) is \(describe(node)); expected a text")
      return nil
    }
    return scalar.string
  }

  /// A plain number within `range`; `standard` when the key is not there.
  func number(_ key: String, _ range: Limits, standard: Double? = nil) -> Double? {
    if let standard, !has(key) { return standard }
    guard let node = node(key, expected: "a number \(range.text(""))") else { return nil }
    return number(node, key, range)
  }

  /// A plain number in a node.
  func number(_ node: Node, _ what: String, _ range: Limits) -> Double? {
    guard case .scalar(let scalar) = node, let value = QuantityText.number(scalar.string) else {
      list.add(node.mark, "\(what) is \(describe(node)); expected a number \(range.text(""))")
      return nil
    }
    guard range.contains(value) else {
      list.add(node.mark, "\(what) is \(scalar.string); expected a number \(range.text(""))")
      return nil
    }
    return value
  }

  /// A quantity within `range`; `standard` when the key is not there.
  func quantity(
    _ key: String, _ kind: QuantityKind, _ range: Limits, standard: Double? = nil
  ) -> Double? {
    if let standard, !has(key) { return standard }
    guard let node = node(key, expected: "a quantity \(range.text(kind.unitName))") else {
      return nil
    }
    return quantity(node, key, kind, range)
  }

  /// A quantity in a node.
  func quantity(_ node: Node, _ what: String, _ kind: QuantityKind, _ range: Limits) -> Double? {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
      let found = describe(node)
      list.add(node.mark, "\(what) is \(found); expected a quantity \(range.text(kind.unitName))")
      return nil
    }
    let shown = shortened(scalar.string)
    switch QuantityText.parse(scalar.string, as: kind) {
    case .failure(let problem):
      list.add(node.mark, "\(what) '\(shown)' \(problem.message)")
      return nil
    case .success(let value):
      guard range.contains(value) else {
        list.add(node.mark, "\(what) is '\(shown)'; expected \(range.text(kind.unitName))")
        return nil
      }
      return value
    }
  }

  /// The items of a list that is not empty.
  func items(_ key: String, expected: String) -> [Node]? {
    guard let node = node(key, expected: expected) else { return nil }
    guard case .sequence(let sequence) = node, !sequence.isEmpty else {
      list.add(node.mark, "\(key) is \(describe(node)); expected \(expected)")
      return nil
    }
    return Array(sequence)
  }

  /// A constant quantity or a table of `[state of charge, quantity]`; `standard` when the key is not
  /// there.
  func curve(
    _ key: String, _ kind: QuantityKind, _ range: Limits, standard: Curve? = nil
  ) -> Curve? {
    if let standard, !has(key) { return standard }
    let expected = "a quantity or a table of [state of charge, quantity]"
    guard let node = node(key, expected: expected) else { return nil }
    guard case .sequence(let rows) = node else {
      return quantity(node, key, kind, range).map { Curve.constant($0) }
    }
    return table(Array(rows), key, kind, range, mark: node.mark)
  }

  /// A table of `[state of charge, quantity]`.
  func table(
    _ rows: [Node], _ key: String, _ kind: QuantityKind, _ range: Limits, mark: Mark?
  ) -> Curve? {
    guard !rows.isEmpty else {
      list.add(mark, "\(key) is an empty table; expected rows such as [0.5, 3.1 \(kind.unitName)]")
      return nil
    }
    var places: [Double] = []
    var values: [Double] = []
    var isGood = true
    for row in rows {
      guard let (place, value) = point(row, key, kind, range) else {
        isGood = false
        continue
      }
      if let last = places.last, place <= last {
        list.add(
          row.mark,
          "state of charge \(place) in \(key) comes after \(last); expected it to increase")
        isGood = false
      }
      places.append(place)
      values.append(value)
    }
    return isGood ? Curve(x: places, y: values) : nil
  }

  private func point(
    _ row: Node, _ key: String, _ kind: QuantityKind, _ range: Limits
  ) -> (Double, Double)? {
    guard case .sequence(let pair) = row, pair.count == 2 else {
      list.add(
        row.mark,
        "a row of \(key) is \(describe(row)); "
          + "expected [state of charge, quantity] such as [0.5, 3.1 \(kind.unitName)]")
      return nil
    }
    let place = number(pair[0], "state of charge", Limits(0, 1))
    let value = quantity(pair[1], key, kind, range)
    guard let place, let value else { return nil }
    return (place, value)
  }
}

/// The values that are allowed.
struct Limits {
  private let low: Double
  private let high: Double
  private let excludesLow: Bool

  /// From `low` to `high`, both allowed.
  init(_ low: Double, _ high: Double) {
    self.low = low
    self.high = high
    excludesLow = false
  }

  /// More than 0, up to `high`.
  init(positiveTo high: Double) {
    low = 0
    self.high = high
    excludesLow = true
  }

  func contains(_ value: Double) -> Bool {
    value <= high && (excludesLow ? value > low : value >= low)
  }

  /// Such as "from 0 V to 10 V".
  func text(_ unit: String) -> String {
    let suffix = unit.isEmpty ? "" : " \(unit)"
    return (excludesLow ? "above " : "from ")
      + "\(short(low))\(suffix) \(excludesLow ? "up to" : "to") \(short(high))\(suffix)"
  }

  private func short(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}

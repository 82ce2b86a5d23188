// SPDX-License-Identifier: Apache-2.0

import Yams

extension MappingReader {
  /// Checks that the description is of the one format there is.
  func checkSchema() {
    guard let node = node("schema", expected: "'schema: 1'") else { return }
    guard case .scalar(let scalar) = node, scalar.string == "1" else {
      return list.add(node.mark, "schema is \(describe(node)); expected 1")
    }
  }

  /// One of a few words; `standard` when the key is not there.
  func choice(_ key: String, of words: [String], standard: String? = nil) -> String? {
    if let standard, !has(key) { return standard }
    guard let node = node(key, expected: "one of \(words.joined(separator: ", "))") else {
      return nil
    }
    return choice(node, key, of: words)
  }

  /// One of a few words in a node.
  func choice(_ node: Node, _ what: String, of words: [String]) -> String? {
    guard case .scalar(let scalar) = node else {
      list.add(
        node.mark, "\(what) is \(describe(node)); expected one of \(words.joined(separator: ", "))")
      return nil
    }
    if words.contains(scalar.string) { return scalar.string }
    // `nearest` compares in lower case, but kinds of chips are written in capitals.
    let lowered = words.map { $0.lowercased() }
    if let nearest = nearest(to: scalar.string, in: lowered),
      let place = lowered.firstIndex(of: nearest)
    {
      list.add(node.mark, "\(what) is \(describe(node)); did you mean '\(words[place])'?")
    } else {
      list.add(
        node.mark, "\(what) is \(describe(node)); expected one of \(words.joined(separator: ", "))")
    }
    return nil
  }

  /// One word or a list of words, each one of `words`, none twice.
  func choices(_ key: String, of words: [String]) -> [String]? {
    let expected = "one or more of \(words.joined(separator: ", "))"
    guard let node = node(key, expected: expected) else { return nil }
    guard case .sequence(let sequence) = node else {
      return choice(node, key, of: words).map { [$0] }
    }
    if sequence.isEmpty { list.add(node.mark, "\(key) is an empty list; expected \(expected)") }
    var found: [String] = []
    for item in sequence {
      guard let word = choice(item, key, of: words) else { continue }
      if found.contains(word) { list.add(item.mark, "\(key) has '\(word)' twice") }
      found.append(word)
    }
    return found.count == sequence.count && !found.isEmpty ? found : nil
  }

  /// One text or a list of texts.
  func texts(_ key: String) -> [String]? {
    guard let node = node(key, expected: "a text, or a list of texts") else { return nil }
    let items: [Node]
    switch node {
    case .sequence(let sequence): items = Array(sequence)
    default: items = [node]
    }
    var found: [String] = []
    for item in items {
      guard case .scalar(let scalar) = item, !scalar.string.allSatisfy(\.isWhitespace) else {
        list.add(item.mark, "\(key) is \(describe(item)); expected a text")
        continue
      }
      found.append(scalar.string)
    }
    if items.isEmpty { list.add(node.mark, "\(key) is an empty list; expected a text") }
    return found.count == items.count && !found.isEmpty ? found : nil
  }

  /// A whole number in decimal, or in hexadecimal such as 0x40, within `range`.
  func whole(_ key: String, _ range: ClosedRange<UInt32>, isHexadecimal: Bool = false) -> UInt32? {
    let bounds =
      isHexadecimal
      ? "from \(hexadecimal(range.lowerBound)) to \(hexadecimal(range.upperBound))"
      : "from \(range.lowerBound) to \(range.upperBound)"
    guard let node = node(key, expected: "a whole number \(bounds)") else { return nil }
    guard case .scalar(let scalar) = node, let value = Self.whole(scalar.string),
      range.contains(value)
    else {
      list.add(node.mark, "\(key) is \(describe(node)); expected a whole number \(bounds)")
      return nil
    }
    return value
  }

  private static func whole(_ text: String) -> UInt32? {
    let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
    let digits = isHexadecimal ? text.dropFirst(2) : text[...]
    // The initializer would take a sign, and a leading 0 means octal to other readers of YAML.
    guard let first = digits.first, first != "+", first != "-" else { return nil }
    if !isHexadecimal, first == "0", digits.count > 1 { return nil }
    return UInt32(digits, radix: isHexadecimal ? 16 : 10)
  }
}

/// A number as 0x40.
func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16, uppercase: true)
  return "0x" + String(repeating: "0", count: max(0, 2 - digits.count)) + digits
}

// SPDX-License-Identifier: Apache-2.0

public import CellSimulation
import Yams

/// A cycler protocol as YAML text.
///
/// `schema`, `name` and `steps` are required, `source` and `mass` (of the cathode, for values per
/// gram) are not. A step is an entry such as "Discharge at 1C until 2.0 V", or a block: `repeat` or
/// `cycles` with a number, and `steps`. Each pass of `cycles` is a cycle of its own.
public struct ProtocolFile: Sendable, Equatable {
  /// What the protocol is.
  public var name: String
  /// The cathode's active mass; nil where the file gives none. Unit: g.
  public var cathodeGrams: Double?
  /// What to do.
  public var elements: [CyclerElement]
  /// Where each entry stands, by its number.
  public var places: [Place]

  /// A place in the file, from 1.
  public struct Place: Sendable, Equatable {
    /// The line.
    public var line: Int
    /// The character column.
    public var column: Int
  }

  /// Reads a protocol.
  ///
  /// - Parameters:
  ///   - text: the YAML.
  ///   - file: the name for messages.
  /// - Returns: the protocol, or all that is wrong with the text.
  public static func parse(
    text: String, file: String
  ) -> Result<ProtocolFile, DescriptionProblems> {
    let list = ProblemList(file: file)
    var reader = ProtocolReader(list: list)
    let result = StrictYAML.compose(text, list).flatMap { reader.file($0) }
    guard list.problems.isEmpty, let result else { return .failure(list.sorted) }
    return .success(result)
  }
}

/// Reads the parts of a protocol; nil always comes with a problem in the list.
private struct ProtocolReader {
  let list: ProblemList
  var places: [ProtocolFile.Place] = []

  init(list: ProblemList) { self.list = list }

  mutating func file(_ node: Node) -> ProtocolFile? {
    let keys = ["schema", "name", "source", "mass", "steps"]
    guard let map = MappingReader(node, "the protocol", keys: keys, list) else { return nil }
    map.checkSchema()
    let name = map.text("name")
    if map.has("source") { _ = map.text("source") }
    let mass = map.has("mass") ? map.quantity("mass", .mass, Limits(positiveTo: 1e6)) : nil
    let elements = elements(map)
    guard let name else { return nil }
    return ProtocolFile(name: name, cathodeGrams: mass, elements: elements, places: places)
  }

  private mutating func elements(_ map: MappingReader) -> [CyclerElement] {
    guard let items = map.items("steps", expected: "a list of steps") else { return [] }
    var elements: [CyclerElement] = []
    for item in items { elements += element(item) }
    return elements
  }

  private mutating func element(_ node: Node) -> [CyclerElement] {
    let entry = places.count
    places.append(
      ProtocolFile.Place(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1))
    guard case .scalar(let scalar) = node else { return block(node, entry) }
    do throws(CyclerSyntaxError) {
      return try CyclerElement.parse(scalar.string, entry: entry)
    } catch {
      let quote = scalar.style == .doubleQuoted || scalar.style == .singleQuoted ? 1 : 0
      list.add(
        line: places[entry].line, column: places[entry].column + quote + error.column - 1,
        "\(error.message); expected \(error.expected)")
      return []
    }
  }

  private mutating func block(_ node: Node, _ entry: Int) -> [CyclerElement] {
    guard
      let map = MappingReader(node, "a block", keys: ["repeat", "cycles", "steps"], list)
    else { return [] }
    let isCycle = map.has("cycles")
    if isCycle == map.has("repeat") {
      if isCycle || !(map.isMisspelt("cycles") || map.isMisspelt("repeat")) {
        list.add(map.mark, "a block has either 'repeat' or 'cycles', with a number")
      }
    }
    let key = isCycle ? "cycles" : "repeat"
    let times = map.has(key) ? map.number(key, Limits(1, 1e6)) : nil
    if let times, times != times.rounded() {
      map.add(key, "\(key) is \(times); expected a whole number")
    }
    let body = elements(map)
    guard let times else { return [] }
    return [CyclerElement(entry: entry, .loop(times: Int(times), isCycle: isCycle, body))]
  }
}

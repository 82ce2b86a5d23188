// SPDX-License-Identifier: Apache-2.0

public import CellSimulation
import Yams

/// The history of a cell as YAML text: the doses from which every loss follows, and the states of
/// health they have led to.
///
/// `schema`, `cell`, `calendar_hours`, `interphase_sodium` and `sites` are required. `health` is there
/// to be read; where it is given it must be what follows from the doses, so that nobody changes one of
/// the two and believes the other.
public enum AgeFile {
  /// How far a state of health may be from what follows from the doses: people round.
  private static let tolerance = 1e-3

  /// Reads a history.
  ///
  /// - Parameters:
  ///   - text: the YAML.
  ///   - file: the name for messages.
  ///   - cell: whose history it is to be; a cell whose ageing is known.
  /// - Returns: the history, or all that is wrong with the text.
  public static func parse(
    text: String, file: String, for cell: CellDescription
  ) -> Result<AgeingState, DescriptionProblems> {
    let list = ProblemList(file: file)
    let age = StrictYAML.compose(text, list).flatMap { AgeReader(list: list, cell: cell).age($0) }
    guard list.problems.isEmpty, let age else { return .failure(list.sorted) }
    return .success(age)
  }

  /// Writes a history so that `parse` gives back the same value, bit for bit.
  ///
  /// - Parameters:
  ///   - age: the history.
  ///   - cell: the cell when it was new.
  public static func yaml(for age: AgeingState, of cell: CellDescription) -> String {
    var text = """
      # Full strain cycles and the content cycled about, one for each class of particle size.
      schema: 1
      cell: \(CellFile.quoted(cell.name))
      calendar_hours: \(age.calendarHours)
      interphase_sodium: \(age.interphaseShare)
      sites:

      """
    for (index, name) in siteNames(cell).enumerated() {
      text += "  - name: \(CellFile.quoted(name))\n"
      text += "    cycles: \(age.siteCycles[index])\n"
      text += "    centres: \(age.siteCentres[index])\n"
    }
    guard let rows = healthRows(age, cell) else {
      return text + "# Nothing is left of the cell.\n"
    }
    text += "# What follows from it, of a new cell; to be read, not changed.\nhealth:\n"
    for row in rows { text += "  \(row.key): \(row.value)\n" }
    text += "  sites: [\(siteHealth(age, cell).map { "\($0)" }.joined(separator: ", "))]\n"
    return text
  }

  static func siteNames(_ cell: CellDescription) -> [String] {
    guard case .electrodes(let pair) = cell.model else { return [] }
    return pair.cathode.sites.map(\.name)
  }

  /// The states of health of the whole cell; nil where nothing is left of it.
  fileprivate static func healthRows(
    _ age: AgeingState, _ cell: CellDescription
  ) -> [(key: String, value: Double)]? {
    guard let health = health(age, cell) else { return nil }
    return [
      ("capacity", health.capacity), ("sodium_lost", health.lossOfSodiumInventory),
      ("contact_resistance", health.resistance), ("coupled", health.coupling),
    ]
  }

  fileprivate static func siteHealth(_ age: AgeingState, _ cell: CellDescription) -> [Double] {
    health(age, cell)?.cathodeSites ?? []
  }

  private static func health(_ age: AgeingState, _ cell: CellDescription) -> AgeingHealth? {
    do throws(CellError) { return try cell.health(after: age) } catch { return nil }
  }

  /// Compares what a file says about the health with what follows from the doses.
  fileprivate static func check(
    _ map: MappingReader, _ key: String, says: Double, follows: Double
  ) {
    guard (says - follows).magnitude > tolerance else { return }
    map.add(
      key,
      "\(key) is \(says), but \(follows) follows from the doses; correct them, or leave 'health' out"
    )
  }
}

/// Reads the parts of a history; nil always comes with a problem in the list.
private struct AgeReader {
  let list: ProblemList
  let cell: CellDescription

  private static let doses = Limits(0, 1e6)

  func age(_ node: Node) -> AgeingState? {
    let keys = ["schema", "cell", "calendar_hours", "interphase_sodium", "sites", "health"]
    guard let map = MappingReader(node, "the history", keys: keys, list) else { return nil }
    if let schema = map.node("schema", expected: "'schema: 1'") {
      if case .scalar(let scalar) = schema, scalar.string == "1" {
      } else {
        list.add(schema.mark, "schema is \(describe(schema)); expected 1")
      }
    }
    if let name = map.text("cell"), name != cell.name {
      map.add(
        "cell", "this is the history of '\(shortened(name))'; expected that of '\(cell.name)'")
    }
    let hours = map.number("calendar_hours", Limits(0, 1e8))
    let share = map.number("interphase_sodium", Limits(0, 1e6))
    let sites = sites(map)
    guard let hours, let share, let sites else { return nil }
    let age = AgeingState(
      siteCycles: sites.map(\.cycles), siteCentres: sites.map(\.centres), calendarHours: hours,
      interphaseShare: share)
    if map.has("health"), list.problems.isEmpty { checkHealth(map, age) }
    return age
  }

  private typealias Site = (cycles: [Double], centres: [Double])

  private func sites(_ map: MappingReader) -> [Site]? {
    let names = AgeFile.siteNames(cell)
    let expected = "a list of the cathode's sites, \(names.joined(separator: ", "))"
    guard let nodes = map.items("sites", expected: expected) else { return nil }
    guard nodes.count == names.count else {
      map.add("sites", "sites has \(nodes.count) entries; expected \(expected)")
      return nil
    }
    let sites = zip(nodes, names).map(site)
    return sites.contains { $0 == nil } ? nil : sites.compactMap { $0 }
  }

  private func site(_ node: Node, _ name: String) -> Site? {
    let keys = ["name", "cycles", "centres"]
    guard let map = MappingReader(node, "a site", keys: keys, list) else { return nil }
    if let found = map.text("name"), found != name {
      map.add("name", "name is '\(shortened(found))'; expected '\(name)' here")
    }
    let cycles = numbers(map, "cycles", Self.doses)
    let centres = numbers(map, "centres", Limits(0, 1))
    guard let cycles, let centres else { return nil }
    return (cycles, centres)
  }

  /// One number for each class of particle size.
  private func numbers(_ map: MappingReader, _ key: String, _ range: Limits) -> [Double]? {
    let count = AgeingState.fresh(cell).siteCycles.first?.count ?? 0
    let expected =
      count == 1
      ? "a list of 1 number" : "a list of \(count) numbers, one for each size of particle"
    guard let nodes = map.items(key, expected: expected) else { return nil }
    guard nodes.count == count else {
      map.add(key, "\(key) has \(nodes.count) numbers; expected \(expected)")
      return nil
    }
    let values = nodes.map { map.number($0, key, range) }
    return values.contains { $0 == nil } ? nil : values.compactMap { $0 }
  }

  private func checkHealth(_ map: MappingReader, _ age: AgeingState) {
    guard let node = map.node("health", expected: "the states of health") else { return }
    let rows = AgeFile.healthRows(age, cell) ?? []
    let keys = rows.map(\.key) + ["sites"]
    guard !rows.isEmpty else {
      return map.add("health", "nothing is left of the cell after these doses")
    }
    guard let health = MappingReader(node, "health", keys: keys, list) else { return }
    for row in rows {
      guard let says = health.number(row.key, Limits(0, 1e6)) else { continue }
      AgeFile.check(health, row.key, says: says, follows: row.value)
    }
    let sites = AgeFile.siteHealth(age, cell)
    guard let nodes = health.items("sites", expected: "a list of \(sites.count) numbers") else {
      return
    }
    guard nodes.count == sites.count else {
      return health.add(
        "sites", "sites has \(nodes.count) numbers; expected a list of \(sites.count)")
    }
    for (node, follows) in zip(nodes, sites) {
      guard let says = health.number(node, "sites", Limits(0, 1e6)) else { continue }
      AgeFile.check(health, "sites", says: says, follows: follows)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import Simulation
import Yams

/// Reads the parts of a board; nil always comes with a problem in the list.
final class BoardReader {
  let list: ProblemList
  /// Where each part stands, by its path.
  private(set) var places: [String: BoardFile.Place] = [:]
  /// The lines met so far, with what each is for.
  private var lines: [(use: String, line: BoardLine)] = []

  init(list: ProblemList) { self.list = list }

  func board(_ node: Node) -> BoardDescription? {
    let keys = [
      "schema", "name", "source", "cell", "series", "bus", "chips", "switches", "precharge",
      "supply",
      "limits",
    ]
    guard let map = MappingReader(node, "the board", keys: keys, list) else { return nil }
    map.checkSchema()
    let name = map.text("name")
    let source = map.text("source")
    let cell = map.text("cell")
    let series = map.has("series") ? map.whole("series", 1...32) : 1
    let bus = bus(map)
    let chips = chips(map)
    let switches = switches(map)
    let precharge = map.has("precharge") ? precharge(map) : nil
    let supply = map.has("supply") ? line(map, "supply", use: "the supply", isInput: true) : nil
    let limits = limits(map)
    if let chips { checkTogether(chips, map) }
    if let chips, let series { checkSeries(chips, series) }
    guard let name, let source, let cell, let series, let bus, let chips, let limits else {
      return nil
    }
    return BoardDescription(
      name: name, source: source, cell: cell, seriesCells: Int(series), bus: bus, chips: chips,
      chargeSwitch: switches.charge, dischargeSwitch: switches.discharge,
      chargeFeedback: switches.chargeFeedback, dischargeFeedback: switches.dischargeFeedback,
      precharge: precharge, supply: supply, limits: limits)
  }

  private func precharge(_ map: MappingReader) -> BoardPrecharge? {
    let keys = ["line", "resistor", "load", "time_limit", "margin"]
    guard let node = map.node("precharge", expected: "a line, a resistor and a load"),
      let reader = MappingReader(node, "precharge", keys: keys, list)
    else { return nil }
    for key in keys { note("precharge/\(key)", reader.mark(of: key)) }
    let line = line(reader, "line", use: "the precharge", isInput: false)
    let ohms = reader.quantity("resistor", .resistance, Limits(positiveTo: 1e6))
    let farads = reader.quantity("load", .capacitance, Limits(positiveTo: 100))
    let limit =
      reader.has("time_limit")
      ? reader.quantity("time_limit", .time, Limits(0.01, 60)) : 2
    let margin = reader.number("margin", Limits(0.001, 0.5), standard: 0.05)
    guard let line, let ohms, let farads, let limit, let margin else { return nil }
    return BoardPrecharge(
      line: line, ohms: ohms, loadFarads: farads, limitSeconds: limit, margin: margin)
  }

  private func bus(_ map: MappingReader) -> BoardBus? {
    let expected = "a device such as {device: /dev/i2c-1}, or 'emulated'"
    guard let node = map.node("bus", expected: expected) else { return nil }
    if case .scalar(let scalar) = node {
      if scalar.string == "emulated" { return BoardBus(device: nil) }
      list.add(node.mark, "bus is \(describe(node)); expected \(expected)")
      return nil
    }
    guard let bus = MappingReader(node, "bus", keys: ["device", "clock_stretching"], list),
      let device = bus.text("device"),
      let stretching = bus.choice("clock_stretching", of: ["works", "broken"], standard: "works")
    else { return nil }
    guard device.hasPrefix("/dev/") else {
      bus.add("device", "device is '\(shortened(device))'; expected a path such as /dev/i2c-1")
      return nil
    }
    return BoardBus(device: device, breaksStretching: stretching == "broken")
  }

  private struct Switches {
    var charge: BoardLine?
    var discharge: BoardLine?
    var chargeFeedback: BoardLine?
    var dischargeFeedback: BoardLine?
  }

  private func switches(_ map: MappingReader) -> Switches {
    let keys = ["charge", "discharge", "charge_feedback", "discharge_feedback"]
    guard map.has("switches"), let node = map.node("switches", expected: ""),
      let switches = MappingReader(node, "switches", keys: keys, list)
    else { return Switches() }
    func read(_ key: String, _ use: String, isInput: Bool) -> BoardLine? {
      note("switches/\(key)", switches.mark(of: key))
      guard switches.has(key) else { return nil }
      return line(switches, key, use: use, isInput: isInput)
    }
    return Switches(
      charge: read("charge", "the charge switch", isInput: false),
      discharge: read("discharge", "the discharge switch", isInput: false),
      chargeFeedback: read("charge_feedback", "the charge feedback", isInput: true),
      dischargeFeedback: read("discharge_feedback", "the discharge feedback", isInput: true))
  }

  private func limits(_ map: MappingReader) -> BoardLimits? {
    let keys = ["lower_voltage", "upper_voltage", "charge_current", "discharge_current"]
    guard let node = map.node("limits", expected: "charge_current and discharge_current"),
      let limits = MappingReader(node, "limits", keys: keys, list)
    else { return nil }
    for key in keys { note("limits/\(key)", limits.mark(of: key)) }
    let lower =
      limits.has("lower_voltage") ? limits.quantity("lower_voltage", .voltage, Limits(0, 10)) : nil
    let upper =
      limits.has("upper_voltage") ? limits.quantity("upper_voltage", .voltage, Limits(0, 10)) : nil
    let charge = limits.quantity("charge_current", .current, Limits(positiveTo: 2_000))
    let discharge = limits.quantity("discharge_current", .current, Limits(positiveTo: 2_000))
    guard let charge, let discharge else { return nil }
    return BoardLimits(
      lowerVolts: lower, upperVolts: upper, chargeAmperes: charge, dischargeAmperes: discharge)
  }

  /// A line of the processor; two uses of one line are a problem.
  func line(_ map: MappingReader, _ key: String, use: String, isInput: Bool) -> BoardLine? {
    let expected = "a line such as {line: GPIO17, active: high}"
    guard let node = map.node(key, expected: expected),
      let reader = MappingReader(
        node, key, keys: ["chip", "line", "offset", "active", "pull"], list)
    else { return nil }
    let chips = reader.has("chip") ? reader.texts("chip") : []
    let name = reader.has("line") ? reader.text("line") : nil
    let offset = reader.has("offset") ? reader.whole("offset", 0...1_023) : nil
    let active = reader.choice("active", of: ["high", "low"])
    let pulls = BoardLine.Pull.allCases.map(\.rawValue)
    let pull = reader.choice("pull", of: pulls, standard: "none")
    if reader.has("line") == reader.has("offset") {
      let isMisspelt = reader.isMisspelt("line") || reader.isMisspelt("offset")
      if reader.has("line") || !isMisspelt {
        list.add(reader.mark, "\(key) has either a line by its name or an offset; expected one")
      }
      return nil
    }
    if reader.has("offset"), !reader.has("chip"), !reader.isMisspelt("chip") {
      reader.add("offset", "offset needs the chip's label, such as chip: pinctrl-rp1")
      return nil
    }
    if let chips, let number = chips.first(where: { $0.hasPrefix("gpiochip") }) {
      reader.add(
        "chip",
        "chip is '\(number)', a number that changes; expected a label, as gpiodetect shows in []")
      return nil
    }
    guard let chips, let active, let pull else { return nil }
    if (reader.has("line") && name == nil) || (reader.has("offset") && offset == nil) { return nil }
    let line = BoardLine(
      chips: chips, name: name, offset: offset, isActiveLow: active == "low",
      pull: BoardLine.Pull(rawValue: pull) ?? .none)
    if let other = lines.first(where: { $0.line.mayBe(line) }) {
      map.add(key, "\(line.text) is \(use) and \(other.use); expected two lines")
    }
    lines.append((use, line))
    return line
  }

  func note(_ path: String, _ mark: Mark?) {
    places[path] = BoardFile.Place(line: mark?.line ?? 1, column: mark?.column ?? 1)
  }

  private func chips(_ map: MappingReader) -> [BoardChip]? {
    guard let items = map.items("chips", expected: "a list of chips") else { return nil }
    let chips = items.enumerated().compactMap { chip($1, number: $0) }
    return chips.count == items.count ? chips : nil
  }

  /// What only shows when all chips are known.
  private func checkTogether(_ chips: [BoardChip], _ map: MappingReader) {
    for (index, chip) in chips.enumerated() {
      guard let first = chips[..<index].first(where: { $0.address == chip.address }) else {
        continue
      }
      add(
        "chips/\(index)/address",
        "the \(chip.kind.rawValue) and the \(first.kind.rawValue) are both at "
          + "\(hexadecimal(UInt32(chip.address))); expected different addresses")
    }
    let alone = ChipRoles.words.filter { $0.role != .gauge }
    for (word, role) in alone {
      let having = chips.indices.filter { chips[$0].roles.contains(role) }
      for index in having.dropFirst() {
        add(
          "chips/\(index)/role",
          "\(word) is the role of the \(chips[having[0]].kind.rawValue) already; expected one")
      }
    }
    if !chips.contains(where: { $0.roles.contains(.monitor) }) {
      list.add(
        map.mark(of: "chips"),
        "no chip is the monitor; expected one that reads the cell's voltage and current")
    }
  }

  private func checkSeries(_ chips: [BoardChip], _ series: UInt32) {
    for (index, chip) in chips.enumerated() where chip.kind == .bq76920 {
      guard !(3...5).contains(series) else { continue }
      add("chips/\(index)/kind", "the BQ76920 takes 3 to 5 cells; series is \(series)")
    }
  }

  private func add(_ path: String, _ message: String) {
    let place = places[path] ?? BoardFile.Place(line: 1, column: 1)
    list.add(line: place.line, column: place.column, message)
  }
}

// SPDX-License-Identifier: Apache-2.0

import Simulation
import Yams

extension BoardReader {
  private static let chipKeys = [
    "kind", "address", "role", "shunt", "range", "polarity", "divider", "thermistor",
    "assumed_current", "alert",
  ]

  func chip(_ node: Node, number: Int) -> BoardChip? {
    guard let map = MappingReader(node, "a chip", keys: Self.chipKeys, list) else { return nil }
    for key in Self.chipKeys { note("chips/\(number)/\(key)", map.mark(of: key)) }
    guard let word = map.choice("kind", of: ChipKind.allCases.map(\.rawValue)),
      let kind = ChipKind(rawValue: word)
    else { return nil }
    let address = address(map, kind)
    let roles = roles(map, kind)
    let alert = alert(map, kind)
    guard let address, let roles else { return nil }
    var chip = BoardChip(kind: kind, address: address, roles: roles, alert: alert)
    let isWhole =
      [
        readShunt(map, &chip), readDivider(map, &chip), readThermistor(map, &chip),
        readAssumption(map, &chip),
      ].allSatisfy { $0 }
    return isWhole ? chip : nil
  }

  private func address(_ map: MappingReader, _ kind: ChipKind) -> UInt8? {
    let allowed = kind.addresses
    guard allowed.count > 1 || map.has("address") else { return allowed.first }
    guard let value = map.whole("address", 0x03...0x77, isHexadecimal: true) else { return nil }
    guard let address = UInt8(exactly: value), allowed.contains(address) else {
      let names = allowed.map { hexadecimal(UInt32($0)) }
      let expected =
        names.count > 2
        ? "\(names[0]) to \(names[names.count - 1])" : names.joined(separator: " or ")
      map.add(
        "address", "address is \(hexadecimal(value)); the \(kind.rawValue) answers at \(expected)")
      return nil
    }
    return address
  }

  private func roles(_ map: MappingReader, _ kind: ChipKind) -> ChipRoles? {
    guard map.has("role") || map.isMisspelt("role") else { return ChipRoles() }
    guard let words = map.choices("role", of: ChipRoles.words.map(\.word)) else { return nil }
    let roles = ChipRoles.words.filter { words.contains($0.word) }
      .reduce(into: ChipRoles()) { $0.formUnion($1.role) }
    let cannot = roles.subtracting(kind.roles)
    guard cannot.isEmpty else {
      map.add(
        "role",
        "the \(kind.rawValue) cannot be the \(cannot.names.joined(separator: " and ")); "
          + "it can be: \(kind.roles.names.joined(separator: ", "))")
      return nil
    }
    if kind == .ads1115, roles != kind.roles {
      map.add("role", "an ADS1115 reads both in turn; expected [thermometer, second voltage]")
      return nil
    }
    if roles.contains(.monitor), roles.contains(.loadVoltage) {
      map.add("role", "one chip sees one side of the discharge switch; expected one of both roles")
      return nil
    }
    if roles.contains(.monitor), roles.contains(.gauge) {
      map.add("role", "what guards the cell is no comparison; expected monitor or gauge, not both")
      return nil
    }
    return roles
  }

  private func alert(_ map: MappingReader, _ kind: ChipKind) -> BoardLine? {
    guard map.has("alert") else {
      if kind == .bq76920, !map.isMisspelt("alert") {
        list.add(
          map.mark,
          "the BQ76920 has no 'alert'; expected its line: it opens its switches by itself and "
            + "says so there")
      }
      return nil
    }
    guard kind.hasAlert else {
      map.add("alert", "the \(kind.rawValue) has no alert pin; leave alert out")
      return nil
    }
    return line(map, "alert", use: "the \(kind.rawValue)'s alert", isInput: true)
  }

  /// Refuses keys that do not belong to a chip; false when there was one.
  private func refuse(_ keys: [String], _ map: MappingReader, _ reason: String) -> Bool {
    let found = keys.filter { map.has($0) }
    for key in found { map.add(key, "\(key) does not belong here: \(reason)") }
    return found.isEmpty
  }

  private func readShunt(_ map: MappingReader, _ chip: inout BoardChip) -> Bool {
    guard let fullScale = chip.kind.shuntFullScaleVolts else {
      if chip.roles.contains(.monitor), !chip.kind.lacksCurrent {
        // A gauge whose shunt is part of it, or fixed by it.
        chip.rangeAmperes = map.quantity("range", .current, Limits(positiveTo: 32))
        return refuse(
          ["shunt", "polarity"], map, "the \(chip.kind.rawValue) knows its own shunt")
          && chip.rangeAmperes != nil
      }
      return refuse(
        ["shunt", "range", "polarity"], map, "the \(chip.kind.rawValue) measures over no shunt")
    }
    let ohms = map.quantity("shunt", .resistance, Limits(100e-6, 10))
    let range = map.quantity("range", .current, Limits(positiveTo: 2_000))
    let polarity = map.choice(
      "polarity", of: ["charge positive", "discharge positive"], standard: "charge positive")
    guard let ohms, let range, let polarity else { return false }
    guard chip.kind != .bq76920 || polarity == "charge positive" else {
      map.add(
        "polarity",
        "polarity is '\(polarity)'; the BQ76920 protects only where charge is positive")
      return false
    }
    chip.shuntOhms = ohms
    chip.rangeAmperes = range
    chip.isDischargePositive = polarity == "discharge positive"
    // The product is rounded: 15 mohm times 10 A is 0.15 V in decimal and a bit more in binary.
    guard (range * ohms * 1e9).rounded() <= (fullScale * 1e9).rounded() else {
      let largest = (fullScale / ohms * 1e3).rounded(.down) / 1e3
      map.add(
        "range",
        "range is \(range) A; over this shunt the \(chip.kind.rawValue) shows \(largest) A at most")
      return false
    }
    return true
  }

  private func readDivider(_ map: MappingReader, _ chip: inout BoardChip) -> Bool {
    guard chip.kind.needsDivider else {
      return refuse(["divider"], map, "the \(chip.kind.rawValue) measures the cell directly")
    }
    guard
      let node = map.node("divider", expected: "the resistors before its input: {upper, lower}"),
      let divider = MappingReader(node, "divider", keys: ["upper", "lower"], list)
    else { return false }
    let upper = divider.quantity("upper", .resistance, Limits(positiveTo: 1e6))
    let lower = divider.quantity("lower", .resistance, Limits(positiveTo: 1e6))
    guard let upper, let lower else { return false }
    guard upper <= 99 * lower else {
      map.add("divider", "divider leaves less than a hundredth; expected more")
      return false
    }
    chip.divider = BoardDivider(upperOhms: upper, lowerOhms: lower)
    return true
  }

  private func readThermistor(_ map: MappingReader, _ chip: inout BoardChip) -> Bool {
    let isStack = chip.kind == .bq76920 && chip.roles.contains(.thermometer)
    guard chip.kind == .ads1115 || isStack else {
      return refuse(["thermistor"], map, "the \(chip.kind.rawValue) reads none")
    }
    let keys = ["nominal", "beta"] + (isStack ? [] : ["pull_up"])
    guard
      let node = map.node(
        "thermistor",
        expected: "the thermistor at \(isStack ? "TS1" : "AIN1"): {\(keys.joined(separator: ", "))}"
      ),
      let reader = MappingReader(node, "thermistor", keys: keys, list)
    else { return false }
    let nominal = reader.quantity("nominal", .resistance, Limits(100, 1e6))
    let beta = reader.number("beta", Limits(1_000, 6_000))
    // The BQ76920 has its resistor inside.
    let pullUp = isStack ? 10_000 : reader.quantity("pull_up", .resistance, Limits(100, 1e6))
    guard let nominal, let beta, let pullUp else { return false }
    chip.thermistor = BoardThermistor(
      nominalOhms: nominal, betaKelvin: beta, pullUpOhms: pullUp)
    return true
  }

  private func readAssumption(_ map: MappingReader, _ chip: inout BoardChip) -> Bool {
    guard chip.kind.lacksCurrent, chip.roles.contains(.monitor) else {
      return refuse(
        ["assumed_current"], map, "it is for a monitor that measures no current")
    }
    chip.assumedAmperes = map.quantity("assumed_current", .current, Limits(-2_000, 2_000))
    return chip.assumedAmperes != nil
  }
}

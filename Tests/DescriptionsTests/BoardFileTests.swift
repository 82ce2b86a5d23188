// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Descriptions
import Simulation
import Testing

@Suite struct BoardFileTests {
  static let good = """
    schema: 1
    name: test
    source: assumed, because this is a test
    cell: nfm-pb-1-hc
    bus: {device: /dev/i2c-1, clock_stretching: broken}
    chips:
      - kind: INA228
        address: 0x40
        role: monitor
        shunt: 15 mohm
        range: 10 A
        alert: {line: GPIO4, active: low, pull: up}
      - kind: ADS1115
        address: 0x49
        role: [thermometer, second voltage]
        divider: {upper: 10 kohm, lower: 20 kohm}
        thermistor: {nominal: 10 kohm, beta: 3435, pull_up: 10 kohm}
      - kind: MAX17048
        role: gauge
    switches:
      charge: {line: GPIO17, active: high}
      discharge: {chip: [pinctrl-rp1, pinctrl-bcm2711], offset: 27, active: low}
    supply: {line: GPIO6, active: high}
    limits:
      lower_voltage: 2.2 V
      charge_current: 1.5 A
      discharge_current: 3 A

    """

  private func problems(_ text: String) -> String {
    switch BoardFile.parse(text: text, file: "b.yaml") {
    case .success: "no problem"
    case .failure(let problems): problems.description
    }
  }

  @Test func readsABoard() throws {
    let board = try BoardFile.parse(text: Self.good, file: "b.yaml").get().board
    #expect(board.bus == BoardBus(device: "/dev/i2c-1", breaksStretching: true))
    #expect(board.chips.map(\.address) == [0x40, 0x49, 0x36])
    let monitor = try #require(board.chip(.monitor))
    #expect(monitor.kind == .ina228)
    #expect(monitor.shuntOhms == 0.015)
    #expect(monitor.rangeAmperes == 10)
    #expect(monitor.alert == BoardLine(name: "GPIO4", isActiveLow: true, pull: .up))
    let converter = try #require(board.chip(.thermometer))
    #expect(converter == board.chip(.secondVoltage))
    #expect(converter.divider == BoardDivider(upperOhms: 10_000, lowerOhms: 20_000))
    #expect(
      board.dischargeSwitch
        == BoardLine(chips: ["pinctrl-rp1", "pinctrl-bcm2711"], offset: 27, isActiveLow: true))
    #expect(
      board.limits == BoardLimits(lowerVolts: 2.2, chargeAmperes: 1.5, dischargeAmperes: 3))
    #expect(board.seriesCells == 1)
  }

  // MARK: Precharge

  /// The board of the other tests with a path that fills the load.
  private static func prechargeBoard(_ precharge: String, voltmeter: Bool = true) -> String {
    let chip = """
        - kind: INA219
          address: 0x44
          role: load voltage
          shunt: 100 mohm
          range: 3 A

      """
    let text = good.replacing("switches:\n", with: (voltmeter ? chip : "") + "switches:\n")
    return text.replacing("supply:", with: precharge + "\nsupply:")
  }

  @Test func readsAPrecharge() throws {
    let text = Self.prechargeBoard(
      "precharge: {line: {line: GPIO22, active: low}, resistor: 100 ohm, load: 2200 uF, "
        + "time_limit: 1 s, margin: 0.1}")
    let board = try BoardFile.parse(text: text, file: "b.yaml").get().board
    let expected = BoardPrecharge(
      line: BoardLine(name: "GPIO22", isActiveLow: true), ohms: 100, loadFarads: 0.0022,
      limitSeconds: 1, margin: 0.1)
    #expect(board.precharge == expected)
    #expect(board.chip(.loadVoltage)?.address == 0x44)
    let usual = Self.prechargeBoard(
      "precharge: {line: {line: GPIO22, active: high}, resistor: 100 ohm, load: 1 mF}")
    let other = try BoardFile.parse(text: usual, file: "b.yaml").get()
    #expect(other.board.precharge?.limitSeconds == 2 && other.board.precharge?.margin == 0.05)
    #expect(other.contradictions(with: .hu2024NFMPB1HardCarbon) == [])
  }

  private static let wrongPrecharges: [(text: String, message: String)] = [
    ("{resistor: 100 ohm, load: 1 mF}", "precharge has no 'line'"),
    (
      "{line: {line: GPIO22, active: high}, resistor: 100 V, load: 1 mF}",
      "resistor '100 V' has the unit 'V'"
    ),
    (
      "{line: {line: GPIO22, active: high}, resistor: 100 ohm, load: 1 mF, limit: 2 s}",
      "unknown key 'limit' in precharge"
    ),
    (
      "{line: {line: GPIO17, active: high}, resistor: 100 ohm, load: 1 mF}",
      "GPIO17 is the precharge and the charge switch; expected two lines"
    ),
    (
      "{line: {line: GPIO22, active: high}, resistor: 100 ohm, load: 1 mF, margin: 0.9}",
      "margin is 0.9"
    ),
  ]

  @Test(arguments: wrongPrecharges.indices) func aWrongPrechargeIsTold(place: Int) {
    let wrong = Self.wrongPrecharges[place]
    let found = problems(Self.prechargeBoard("precharge: \(wrong.text)"))
    #expect(found.contains(wrong.message), "\(found)")
  }

  private static let contradictingPrecharges: [(text: String, voltmeter: Bool, message: String)] = [
    (
      "precharge: {line: {line: GPIO22, active: high}, resistor: 100 ohm, load: 1 mF}", false,
      "no chip has the role 'load voltage'"
    ),
    (
      "precharge: {line: {line: GPIO22, active: high}, resistor: 100 ohm, load: 10 mF}", true,
      "time_limit is 2.0 s; through this resistor the load takes 2.996 s"
    ),
    (
      "precharge: {line: {line: GPIO22, active: high}, resistor: 1 ohm, load: 1 mF}", true,
      "resistor lets 4.2 A into an empty load; discharge_current is 3.0 A"
    ),
    ("", true, "load voltage is read for a precharge; expected one, or another role"),
  ]

  @Test(arguments: contradictingPrecharges.indices)
  func aPrechargeThatCannotWorkIsTold(place: Int) throws {
    let wrong = Self.contradictingPrecharges[place]
    let text = Self.prechargeBoard(wrong.text, voltmeter: wrong.voltmeter)
    let file = try BoardFile.parse(text: text, file: "b.yaml").get()
    let found = file.contradictions(with: .hu2024NFMPB1HardCarbon).map(\.description)
    #expect(found.count == 1 && found[0].contains(wrong.message), "\(found)")
  }

  private static let wrong: [(String, String, String)] = [
    ("cell:", "cel:", "b.yaml:4:1: unknown key 'cel' in the board; did you mean 'cell'?"),
    ("kind: INA228", "kind: INA288", "b.yaml:7:11: kind is 'INA288'; did you mean 'INA228'?"),
    (
      "kind: INA228", "kind: Z80",
      "b.yaml:7:11: kind is 'Z80'; expected one of INA228, INA226, INA219, ADS1115, TMP117, TMP102, "
        + "MAX17048, MAX17055, BQ27441, BQ27427, BQ34Z100, LTC2943, LTC2944, LTC2959, BQ76920, "
        + "SBS battery, MB85RC256V, AT24C32, DS3231"
    ),
    (
      "address: 0x40", "address: 0x4G",
      "b.yaml:8:14: address is '0x4G'; expected a whole number from 0x03 to 0x77"
    ),
    (
      "address: 0x40", "address: 0x50",
      "b.yaml:8:5: address is 0x50; the INA228 answers at 0x40 to 0x4F"
    ),
    (
      "address: 0x40", "address: 0x49",
      "b.yaml:14:5: the ADS1115 and the INA228 are both at 0x49; expected different addresses"
    ),
    (
      "role: monitor", "role: moniter",
      "b.yaml:9:11: role is 'moniter'; did you mean 'monitor'?"
    ),
    (
      "role: monitor", "role: memory",
      """
      b.yaml:9:5: the INA228 cannot be the memory; it can be: monitor, load voltage
      """
    ),
    (
      "role: gauge", "role: monitor",
      """
      b.yaml:18:5: a chip has no 'assumed_current'; expected a quantity from -2000 A to 2000 A
      """
    ),
    (
      "role: [thermometer, second voltage]", "role: thermometer",
      "b.yaml:15:5: an ADS1115 reads both in turn; expected [thermometer, second voltage]"
    ),
    (
      "range: 10 A", "range: 11 A",
      "b.yaml:11:5: range is 11.0 A; over this shunt the INA228 shows 10.922 A at most"
    ),
    (
      "    shunt: 15 mohm\n", "",
      "b.yaml:7:5: a chip has no 'shunt'; expected a quantity from 0.0001 ohm to 10 ohm"
    ),
    (
      "role: gauge", "shunt: 10 mohm",
      "b.yaml:19:5: shunt does not belong here: the MAX17048 measures over no shunt"
    ),
    (
      "line: GPIO4,", "chip: gpiochip0, line: GPIO4,",
      "b.yaml:12:13: chip is 'gpiochip0', a number that changes; "
        + "expected a label, as gpiodetect shows in []"
    ),
    (
      "{line: GPIO17, active", "{offset: 17, active",
      "b.yaml:21:12: offset needs the chip's label, such as chip: pinctrl-rp1"
    ),
    (
      "line: GPIO17", "line: GPIO4",
      "b.yaml:21:3: GPIO4 is the charge switch and the INA228's alert; expected two lines"
    ),
    (
      "{line: GPIO17, active: high}", "{line: GPIO17}",
      "b.yaml:21:11: charge has no 'active'; expected one of high, low"
    ),
    (
      "/dev/i2c-1", "i2c-1",
      "b.yaml:5:7: device is 'i2c-1'; expected a path such as /dev/i2c-1"
    ),
    (
      "{device: /dev/i2c-1, clock_stretching: broken}", "1",
      "b.yaml:5:6: bus is '1'; expected a device such as {device: /dev/i2c-1}, or 'emulated'"
    ),
    (
      "charge_current: 1.5 A\n", "charge_current: 1.5\n",
      "b.yaml:26:19: charge_current '1.5' has no unit; expected one of A, mA, uA"
    ),
  ]

  @Test(arguments: wrong) func saysWhatIsWrong(
    _ old: String, _ new: String, _ expected: String
  ) throws {
    let range = try #require(Self.good.firstRange(of: old))
    var text = Self.good
    text.replaceSubrange(range, with: new)
    #expect(problems(text) == expected)
  }

  /// A pack's front end trips by itself, so a board without its line would not know.
  @Test func askForThePacksAlert() {
    let text = Self.good.replacing("cell: nfm-pb-1-hc", with: "cell: nfm-pb-1-hc\nseries: 6")
      .replacing("kind: INA228", with: "kind: BQ76920").replacing("0x40", with: "0x08")
      .replacing("    alert: {line: GPIO4, active: low, pull: up}\n", with: "")
    #expect(
      problems(text)
        == """
        b.yaml:8:5: the BQ76920 has no 'alert'; expected its line: it opens its switches by itself \
        and says so there
        b.yaml:8:5: the BQ76920 takes 3 to 5 cells; series is 6
        """)
  }

  private static let contradictions: [(String, String, [String])] = [
    ("", "", []),
    (
      "lower_voltage: 2.2 V", "lower_voltage: 1.9 V",
      ["b.yaml:25:3: lower_voltage is 1.9 V; the cell ends at 2.0 V"]
    ),
    (
      "lower_voltage: 2.2 V", "upper_voltage: 4.3 V",
      ["b.yaml:25:3: upper_voltage is 4.3 V; the cell ends at 4.2 V"]
    ),
    (
      "lower_voltage: 2.2 V", "upper_voltage: 1.8 V",
      ["b.yaml:25:3: discharging stops at 2.0 V and charging at 1.8 V; expected less"]
    ),
    (
      "discharge_current: 3 A", "discharge_current: 9.8 A",
      [
        "b.yaml:27:3: discharge_current is 9.8 A; the INA228 shows 10.0 A and is believed up to "
          + "95 % of it"
      ]
    ),
    (
      "upper: 10 kohm", "upper: 1 kohm",
      [
        "b.yaml:16:5: divider leaves 4.0 V of the cell; an input of the ADS1115 takes 3.3 V at most"
      ]
    ),
  ]

  @Test(arguments: contradictions) func findsWhatTheCellContradicts(
    _ old: String, _ new: String, _ expected: [String]
  ) throws {
    let text = old.isEmpty ? Self.good : Self.good.replacing(old, with: new)
    let file = try BoardFile.parse(text: text, file: "b.yaml").get()
    #expect(file.contradictions(with: .hu2024NFMPB1HardCarbon).map(\.description) == expected)
  }

  private static func pack(_ changes: (String, String)...) -> String {
    var text = """
      schema: 1
      name: test
      source: assumed
      cell: nfm-pb-1-hc
      series: 4
      bus: emulated
      chips:
        - kind: BQ76920
          role: [monitor, thermometer]
          shunt: 5 mohm
          range: 20 A
          thermistor: {nominal: 10 kohm, beta: 3435}
          alert: {line: GPIO22, active: high}
      limits: {charge_current: 1 A, discharge_current: 3 A}
      """
    for (old, new) in changes { text = text.replacing(old, with: new) }
    return text
  }

  /// The front end's thermistor is pulled up inside the chip, and belongs to its role.
  @Test func readsAFrontEnd() throws {
    let board = try BoardFile.parse(text: Self.pack(), file: "b.yaml").get().board
    #expect(board.chips[0].address == 0x08)
    #expect(
      board.chips[0].thermistor
        == BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000))
    #expect(board.stopsCharge && board.stopsDischarge)
    #expect(
      problems(Self.pack(("beta: 3435", "beta: 3435, pull_up: 10 kohm")))
        == "b.yaml:12:48: unknown key 'pull_up' in thermistor; expected one of nominal, beta")
    #expect(
      problems(Self.pack(("[monitor, thermometer]", "monitor")))
        == "b.yaml:12:5: thermistor does not belong here: the BQ76920 reads none")
    #expect(
      problems(Self.pack(("range: 20 A", "range: 20 A\n    polarity: discharge positive")))
        == "b.yaml:12:5: polarity is 'discharge positive'; the BQ76920 protects only where charge is "
        + "positive")
  }

  /// What its own protection cannot be set to.
  @Test(arguments: [
    (
      "discharge_current: 3 A", "discharge_current: 1.2 A",
      [
        "b.yaml:14:31: discharge_current is 1.2 A; over this shunt the BQ76920 protects from 1.28 A on"
      ]
    ),
    ("discharge_current: 3 A", "discharge_current: 1.28 A", []),
  ])
  func findsWhatTheFrontEndCannotProtect(
    _ old: String, _ new: String, _ expected: [String]
  ) throws {
    let file = try BoardFile.parse(text: Self.pack((old, new)), file: "b.yaml").get()
    #expect(file.contradictions(with: .hu2024NFMPB1HardCarbon).map(\.description) == expected)
  }

  /// A gauge that lives from the cell cannot guard the lower part of its window.
  @Test(arguments: [
    ("MAX17048", "assumed_current: -1 A", 2.5), ("BQ27441", "range: 3.5 A", 2.45),
  ])
  func findsAGaugeThatCannotGuard(_ kind: String, _ line: String, _ lowest: Double) throws {
    func contradictions(_ volts: Double) throws -> [String] {
      let text = """
        schema: 1
        name: test
        source: assumed
        cell: nfm-pb-1-hc
        bus: emulated
        chips:
          - {kind: \(kind), role: monitor, \(line)}
        limits: {lower_voltage: \(volts) V, charge_current: 1 A, discharge_current: 1 A}
        """
      return try BoardFile.parse(text: text, file: "b.yaml").get()
        .contradictions(with: .hu2024NFMPB1HardCarbon).map(\.description)
    }
    #expect(try contradictions(lowest) == [])
    #expect(
      try contradictions(2)
        == [
          "b.yaml:7:6: the \(kind) measures from \(lowest) V; discharging goes on to 2.0 V: "
            + "a lower_voltage in limits of \(lowest) V would be right"
        ])
  }
}

// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// A board as data: the chips on its bus, the lines that switch and wake, and the limits to keep.
///
/// It names the devices of a real board and is all that an emulated one is built from.
public struct BoardDescription: Equatable, Sendable {
  /// The name, for messages.
  public var name: String
  /// Where its facts are from.
  public var source: String
  /// The cell: a built-in name, or the path of a description.
  public var cell: String
  /// How many cells are in series; each is taken to have the same share of the voltage.
  public var seriesCells: Int
  /// The bus.
  public var bus: BoardBus
  /// The chips.
  public var chips: [BoardChip]
  /// The line that lets charge in; nil where the board cannot stop it.
  public var chargeSwitch: BoardLine?
  /// The line that lets charge out; nil where the board cannot stop it.
  public var dischargeSwitch: BoardLine?
  /// The line on which the charge switch says whether it is on; nil where it says nothing.
  public var chargeFeedback: BoardLine?
  /// The line on which the discharge switch says whether it is on.
  public var dischargeFeedback: BoardLine?
  /// The path beside the discharge switch that fills the load's capacitors first; nil for none.
  public var precharge: BoardPrecharge?
  /// The line that is active while the board has a supply besides the cell.
  public var supply: BoardLine?
  /// When to stop.
  public var limits: BoardLimits

  /// Makes a description.
  public init(
    name: String, source: String, cell: String, seriesCells: Int = 1, bus: BoardBus,
    chips: [BoardChip], chargeSwitch: BoardLine? = nil, dischargeSwitch: BoardLine? = nil,
    chargeFeedback: BoardLine? = nil, dischargeFeedback: BoardLine? = nil,
    precharge: BoardPrecharge? = nil, supply: BoardLine? = nil, limits: BoardLimits
  ) {
    self.name = name
    self.source = source
    self.cell = cell
    self.seriesCells = seriesCells
    self.bus = bus
    self.chips = chips
    self.chargeSwitch = chargeSwitch
    self.dischargeSwitch = dischargeSwitch
    self.chargeFeedback = chargeFeedback
    self.dischargeFeedback = dischargeFeedback
    self.precharge = precharge
    self.supply = supply
    self.limits = limits
  }

  /// Whether the board can stop what charges the cell, by a line or by a chip that carries the switch.
  public var stopsCharge: Bool { chargeSwitch != nil || carriesSwitches }

  /// Whether it can stop what discharges the cell.
  public var stopsDischarge: Bool { dischargeSwitch != nil || carriesSwitches }

  private var carriesSwitches: Bool { chip(.monitor)?.kind.hasSwitches ?? false }

  /// The first chip with a role.
  public func chip(_ role: ChipRoles) -> BoardChip? { chips.first { $0.roles.contains(role) } }
}

/// The I2C bus of a board.
public struct BoardBus: Equatable, Sendable {
  /// The device, such as `/dev/i2c-1`; nil for a board that exists only emulated.
  public var device: String?
  /// Whether its controller gets a stretched clock wrong, as a Raspberry Pi's 0 to 4 does.
  public var breaksStretching: Bool

  /// Describes a bus.
  public init(device: String?, breaksStretching: Bool = false) {
    self.device = device
    self.breaksStretching = breaksStretching
  }
}

/// A chip on a board, how it is wired and what it is for.
public struct BoardChip: Equatable, Sendable {
  /// Which chip.
  public var kind: ChipKind
  /// Its 7-bit address.
  public var address: UInt8
  /// What it is for.
  public var roles: ChipRoles
  /// The shunt it measures over. Unit: Ω.
  public var shuntOhms: Double?
  /// The largest current it shall measure, either way. Unit: A.
  public var rangeAmperes: Double?
  /// Whether a discharging current makes its shunt voltage positive.
  public var isDischargePositive: Bool
  /// The divider before the input that sees the cell.
  public var divider: BoardDivider?
  /// The thermistor at its inputs.
  public var thermistor: BoardThermistor?
  /// The current that is taken to flow where the chip measures none; positive charges. Unit: A.
  public var assumedAmperes: Double?
  /// The line of its alert pin.
  public var alert: BoardLine?

  /// Describes a chip.
  public init(
    kind: ChipKind, address: UInt8, roles: ChipRoles, shuntOhms: Double? = nil,
    rangeAmperes: Double? = nil, isDischargePositive: Bool = false, divider: BoardDivider? = nil,
    thermistor: BoardThermistor? = nil, assumedAmperes: Double? = nil, alert: BoardLine? = nil
  ) {
    self.kind = kind
    self.address = address
    self.roles = roles
    self.shuntOhms = shuntOhms
    self.rangeAmperes = rangeAmperes
    self.isDischargePositive = isDischargePositive
    self.divider = divider
    self.thermistor = thermistor
    self.assumedAmperes = assumedAmperes
    self.alert = alert
  }
}

/// Two resistors that make a voltage smaller.
public struct BoardDivider: Equatable, Sendable {
  /// From the voltage to the input. Unit: Ω.
  public var upperOhms: Double
  /// From the input to ground. Unit: Ω.
  public var lowerOhms: Double

  /// Describes a divider.
  public init(upperOhms: Double, lowerOhms: Double) {
    self.upperOhms = upperOhms
    self.lowerOhms = lowerOhms
  }

  /// What is left of the voltage.
  public var ratio: Double { lowerOhms / (upperOhms + lowerOhms) }
}

/// A thermistor with a resistor to its supply.
public struct BoardThermistor: Equatable, Sendable {
  /// Its resistance at 25 °C. Unit: Ω.
  public var nominalOhms: Double
  /// Its B value. Unit: K.
  public var betaKelvin: Double
  /// The resistor between it and the supply. Unit: Ω.
  public var pullUpOhms: Double

  /// Describes a thermistor.
  public init(nominalOhms: Double, betaKelvin: Double, pullUpOhms: Double) {
    self.nominalOhms = nominalOhms
    self.betaKelvin = betaKelvin
    self.pullUpOhms = pullUpOhms
  }
}

/// A line of the processor, found by names that survive a kernel's renumbering.
public struct BoardLine: Equatable, Sendable {
  /// What holds the line when nobody drives it.
  public enum Pull: String, CaseIterable, Sendable {
    /// The board's own resistor, or nothing.
    case none
    /// The processor's resistor to its supply.
    case up
    /// The processor's resistor to ground.
    case down
  }

  /// The labels of the chips that may have it, such as `pinctrl-rp1`; empty for any.
  public var chips: [String]
  /// Its name, such as `GPIO17`.
  public var name: String?
  /// Its number on the chip, where it has no name.
  public var offset: UInt32?
  /// Whether it is active at the low level.
  public var isActiveLow: Bool
  /// What holds it.
  public var pull: Pull

  /// Describes a line; it has a name or an offset.
  public init(
    chips: [String] = [], name: String? = nil, offset: UInt32? = nil, isActiveLow: Bool = false,
    pull: Pull = .none
  ) {
    self.chips = chips
    self.name = name
    self.offset = offset
    self.isActiveLow = isActiveLow
    self.pull = pull
  }

  /// Such as "GPIO17" or "line 17 of pinctrl-rp1", for messages.
  public var text: String {
    let line = name ?? "line \(offset ?? 0)"
    return chips.isEmpty ? line : "\(line) of \(chips.joined(separator: " or "))"
  }

  /// Whether two descriptions can mean one line.
  public func mayBe(_ other: BoardLine) -> Bool {
    let shareChip =
      chips.isEmpty || other.chips.isEmpty || chips.contains { other.chips.contains($0) }
    return shareChip
      && ((name != nil && name == other.name) || (offset != nil && offset == other.offset))
  }
}

/// A path through a resistor beside the discharge switch, and the load that it fills.
public struct BoardPrecharge: Equatable, Sendable {
  /// The line that lets current through the resistor.
  public var line: BoardLine
  /// The resistor. Unit: Ω.
  public var ohms: Double
  /// The capacitors of the load. Unit: F.
  public var loadFarads: Double
  /// How long filling them may take. Unit: s.
  public var limitSeconds: Double
  /// How far below the cells' the load's voltage may be when the switch closes; a fraction of theirs.
  public var margin: Double

  /// Describes a path; 2 s and 5 % are usual.
  public init(
    line: BoardLine, ohms: Double, loadFarads: Double, limitSeconds: Double = 2,
    margin: Double = 0.05
  ) {
    self.line = line
    self.ohms = ohms
    self.loadFarads = loadFarads
    self.limitSeconds = limitSeconds
    self.margin = margin
  }

  /// How long an empty load takes to come within the margin. Unit: s.
  public var fillingSeconds: Double {
    -DeterministicMath.log(margin) * ohms * loadFarads
  }
}

/// What the firmware keeps a cell within.
public struct BoardLimits: Equatable, Sendable {
  /// Discharging stops here; nil for the cell's lower cut-off. Unit: V.
  public var lowerVolts: Double?
  /// Charging stops here; nil for the cell's upper cut-off. Unit: V.
  public var upperVolts: Double?
  /// The largest charging current. Unit: A.
  public var chargeAmperes: Double
  /// The largest discharging current, as a magnitude. Unit: A.
  public var dischargeAmperes: Double

  /// Makes limits.
  public init(
    lowerVolts: Double? = nil, upperVolts: Double? = nil, chargeAmperes: Double,
    dischargeAmperes: Double
  ) {
    self.lowerVolts = lowerVolts
    self.upperVolts = upperVolts
    self.chargeAmperes = chargeAmperes
    self.dischargeAmperes = dischargeAmperes
  }
}

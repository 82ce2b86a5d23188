// SPDX-License-Identifier: Apache-2.0

/// A chip that a board may carry, and what its datasheet allows of a board.
public enum ChipKind: String, CaseIterable, Sendable {
  /// Current, voltage and charge.
  case ina228 = "INA228"
  /// Current and voltage.
  case ina226 = "INA226"
  /// Current and voltage in coarse steps.
  case ina219 = "INA219"
  /// Four analogue inputs.
  case ads1115 = "ADS1115"
  /// Temperature, ±0.1 °C.
  case tmp117 = "TMP117"
  /// Temperature, ±2 °C.
  case tmp102 = "TMP102"
  /// A gauge by voltage; it has no shunt.
  case max17048 = "MAX17048"
  /// A gauge by charge.
  case max17055 = "MAX17055"
  /// A gauge by charge.
  case bq27441 = "BQ27441"
  /// A gauge by charge.
  case bq27427 = "BQ27427"
  /// A gauge by charge, for packs.
  case bq34z100 = "BQ34Z100"
  /// Current, voltage and charge of a pack of 3.6 V and more.
  case ltc2943 = "LTC2943"
  /// The same up to 60 V.
  case ltc2944 = "LTC2944"
  /// Current, voltage and charge of a battery of 1.8 V and more.
  case ltc2959 = "LTC2959"
  /// The front end of a pack of three to five cells in series.
  case bq76920 = "BQ76920"
  /// A battery that measures itself.
  case smartBattery = "SBS battery"
  /// 32 KiB of memory that does not wear.
  case mb85rc256v = "MB85RC256V"
  /// 4 KiB of memory that wears.
  case at24c32 = "AT24C32"
  /// A clock with a cell of its own.
  case ds3231 = "DS3231"

  /// The addresses that its pins, or its maker, can give it.
  public var addresses: [UInt8] {
    switch self {
    case .ina228, .ina226, .ina219: Array(0x40...0x4F)
    case .ads1115, .tmp117, .tmp102: Array(0x48...0x4B)
    case .max17048, .max17055: [0x36]
    case .bq27441, .bq27427, .bq34z100: [0x55]
    case .ltc2943, .ltc2944: [0x64]
    case .ltc2959: [0x63]
    // 0x18 is a variant's without checksum, which is not driven.
    case .bq76920: [0x08]
    case .smartBattery: [0x0B]
    case .mb85rc256v, .at24c32: Array(0x50...0x57)
    case .ds3231: [0x68]
    }
  }

  /// What it can do for the firmware.
  public var roles: ChipRoles {
    switch self {
    case .ina228, .ina226, .ina219: [.monitor, .loadVoltage]
    case .bq76920, .ltc2943, .ltc2944, .ltc2959: [.monitor, .thermometer]
    case .ads1115: [.thermometer, .secondVoltage]
    case .tmp117, .tmp102: .thermometer
    case .max17048: [.monitor, .gauge]
    case .max17055: .gauge
    case .bq27441, .bq27427, .bq34z100, .smartBattery: [.monitor, .thermometer, .gauge]
    case .mb85rc256v, .at24c32: .memory
    case .ds3231: .clock
    }
  }

  /// The largest voltage over its shunt, either way; nil for a chip without one, or with its own.
  /// Unit: V.
  public var shuntFullScaleVolts: Double? {
    switch self {
    case .ina228: 0.16384
    case .ina226: 0.08192
    case .ina219: 0.320
    case .max17055: 0.0512
    case .ltc2943, .ltc2944: 0.050
    case .ltc2959: 0.0975
    case .bq76920: 0.200
    default: nil
    }
  }

  /// What it can measure of the voltage of all cells; nil for a chip that measures none or behind a
  /// divider. Unit: V.
  ///
  /// - Parameter cells: how many are in series.
  public func volts(cells: Int) -> ClosedRange<Double>? {
    switch self {
    case .ina228: 0...85
    case .ina226: 0...36
    case .ina219: 0...26
    case .max17048: 2.5...4.5
    case .max17055: 2.3...4.9
    case .bq27441, .bq27427: 2.45...4.5
    case .ltc2943: 3.6...20
    case .ltc2944: 3.6...60
    case .ltc2959: 1.8...60
    case .bq76920: 6...25
    // Where the emulated one's electronics end; a real one's maker says.
    case .smartBattery: 2.5 * Double(cells)...65.535
    default: nil
    }
  }

  /// Whether a pin of it can tell the processor that something happened.
  public var hasAlert: Bool {
    switch self {
    case .ina219, .bq34z100, .smartBattery, .mb85rc256v, .at24c32: false
    default: true
    }
  }

  /// Whether it holds the clock back, which the controller of a Raspberry Pi 0 to 4 gets wrong.
  public var stretchesClock: Bool {
    switch self {
    case .bq27441, .bq27427, .bq34z100, .smartBattery: true
    default: false
    }
  }

  /// Whether it sees the cells through a divider, which the board must have.
  public var needsDivider: Bool { self == .ads1115 || self == .bq34z100 }

  /// The voltage at the end of that divider that it can take. Unit: V.
  public var dividedVolts: Double { self == .bq34z100 ? 1 : 3.3 }

  /// Whether it carries the switches of charge and discharge itself.
  public var hasSwitches: Bool { self == .bq76920 }

  /// Whether it measures no current, so that one must be assumed.
  public var lacksCurrent: Bool { self == .max17048 }
}

/// What a chip does for the firmware; several can hold at once.
public struct ChipRoles: OptionSet, Sendable, Equatable {
  /// The bits.
  public let rawValue: UInt8
  /// Makes a set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// It reads the cell's current and voltage.
  public static let monitor = ChipRoles(rawValue: 1)
  /// It reads the cell's temperature.
  public static let thermometer = ChipRoles(rawValue: 2)
  /// It reads the cell's voltage a second time.
  public static let secondVoltage = ChipRoles(rawValue: 4)
  /// It judges the state of charge itself; for comparison.
  public static let gauge = ChipRoles(rawValue: 8)
  /// It keeps what must survive.
  public static let memory = ChipRoles(rawValue: 16)
  /// It knows the date.
  public static let clock = ChipRoles(rawValue: 32)
  /// It reads the voltage behind the discharge switch.
  public static let loadVoltage = ChipRoles(rawValue: 64)

  /// Each role with the word that descriptions use.
  public static let words: [(word: String, role: ChipRoles)] = [
    ("monitor", .monitor), ("thermometer", .thermometer), ("second voltage", .secondVoltage),
    ("gauge", .gauge), ("memory", .memory), ("clock", .clock), ("load voltage", .loadVoltage),
  ]

  /// The words of the roles in the set.
  public var names: [String] { Self.words.filter { contains($0.role) }.map(\.word) }
}

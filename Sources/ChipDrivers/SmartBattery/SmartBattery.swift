// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// A smart battery by the Smart Battery Data Specification 1.1, with the packet error code of SMBus.
///
/// Its gauge is tuned to the cells that its maker had in mind, mostly lithium: its state of charge is
/// shown beside ours and never used. The driver takes the battery's broadcasts to a charger away, for
/// a second controller on the bus is none that `I2CBus` knows; the battery forgets that with its
/// supply, and that is how a reset is noticed.
public struct SmartBattery: Equatable, Sendable {
  /// What the battery asks for or warns of (BatteryStatus).
  public struct Alarms: OptionSet, Equatable, Sendable {
    /// As in BatteryStatus.
    public let rawValue: UInt16
    /// Takes the bits as they are.
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// It must not be charged any more.
    public static let overcharged = Alarms(rawValue: 1 << 15)
    /// End the charge.
    public static let terminateCharge = Alarms(rawValue: 1 << 14)
    /// Too hot.
    public static let overTemperature = Alarms(rawValue: 1 << 12)
    /// End the discharge.
    public static let terminateDischarge = Alarms(rawValue: 1 << 11)
    /// Less charge than the alarm is set to.
    public static let remainingCapacity = Alarms(rawValue: 1 << 9)
    /// Less time than the alarm is set to.
    public static let remainingTime = Alarms(rawValue: 1 << 8)
    /// All of them.
    public static let all = Alarms(rawValue: 0xDB00)
  }

  /// What the battery shows.
  public struct Reading: Equatable, Sendable {
    /// Of all cells in series.
    public let voltage: Voltage
    /// Positive charges the cells.
    public let current: Current
    /// Of the pack.
    public let temperature: Temperature
    /// By the battery's own model.
    public let stateOfCharge: StateOfCharge
    /// By the battery's own model.
    public let remainingCapacity: Charge
    /// By the battery's own model.
    public let fullChargeCapacity: Charge
    /// What it warns of.
    public let alarms: Alarms
  }

  /// How a battery scales its words, powers of ten (SpecificationInfo).
  public struct Scale: Equatable, Sendable {
    let voltage: Int32
    let current: Int32

    /// Reads the scale.
    ///
    /// - Returns: nil unless the version is 1.1 with a packet error code, and both scales are 1 or 10:
    ///   more would be above 2 kV or 2 kA.
    public init?(word: UInt16) {
      guard word >> 4 & 15 == 3, word >> 8 & 15 <= 1, word >> 12 <= 1 else { return nil }
      voltage = word >> 8 & 15 == 1 ? 10 : 1
      current = word >> 12 == 1 ? 10 : 1
    }
  }

  /// Where a battery answers: 0x0B, fixed.
  public static let address = I2CAddress(0x0B)

  /// Of this battery; nil until it is configured.
  public private(set) var scale: Scale?

  /// Makes a driver; nothing is sent.
  public init() {}

  /// Checks that it is a smart battery, sets it to mAh, and takes its broadcasts away.
  ///
  /// - Throws: `.unexpectedIdentity` with SpecificationInfo; `.configurationNotHeld`; `.checksum`;
  ///   `.bus`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    scale = nil
    let specification = try word(Command.specification, on: &bus)
    guard let found = Scale(word: specification) else {
      throw .unexpectedIdentity(expected: SmartBattery.specification, found: specification)
    }
    let mode = try word(Command.mode, on: &bus)
    let wanted = mode & ~SmartBattery.capacityInPower | SmartBattery.noBroadcasts
    try write(wanted, to: Command.mode, on: &bus)
    let held = try word(Command.mode, on: &bus)
    guard held & SmartBattery.modeMask == SmartBattery.noBroadcasts else {
      throw .configurationNotHeld(register: Command.mode, wrote: wanted, read: held)
    }
    scale = found
  }

  /// Whether the battery was not reset since it was configured.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard scale != nil else { return false }
    return try word(Command.mode, on: &bus) & SmartBattery.modeMask == SmartBattery.noBroadcasts
  }

  /// Reads all that is shown.
  ///
  /// The mode is read last: it then vouches for all that was read before it.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset; `.dataNotValid` while the battery
  ///   is not initialised or reports an error; `.rawValueOutOfRange`; `.checksum`; `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Reading {
    guard let scale else { throw .notConfigured }
    let temperature = try word(Command.temperature, on: &bus)
    let voltage = try word(Command.voltage, on: &bus)
    let current = try word(Command.current, on: &bus)
    let charge = try word(Command.stateOfCharge, on: &bus)
    let remaining = try word(Command.remainingCapacity, on: &bus)
    let full = try word(Command.fullChargeCapacity, on: &bus)
    let status = try word(Command.status, on: &bus)
    let mode = try word(Command.mode, on: &bus)
    guard mode & SmartBattery.modeMask == SmartBattery.noBroadcasts else {
      throw .configurationLost(
        register: Command.mode, expected: SmartBattery.noBroadcasts,
        found: mode & SmartBattery.modeMask)
    }
    guard status & SmartBattery.initialised != 0, status & SmartBattery.errorMask == 0 else {
      throw .dataNotValid
    }
    return Reading(
      voltage: SmartBattery.voltage(word: voltage, scale: scale),
      current: SmartBattery.current(word: current, scale: scale),
      temperature: try SmartBattery.temperature(word: temperature),
      stateOfCharge: try SmartBattery.stateOfCharge(word: charge),
      remainingCapacity: SmartBattery.capacity(word: remaining, scale: scale),
      fullChargeCapacity: SmartBattery.capacity(word: full, scale: scale),
      alarms: Alarms(rawValue: status).intersection(.all))
  }
}

/// Words to quantities, all exact.
extension SmartBattery {
  /// mV, times the scale.
  public static func voltage(word: UInt16, scale: Scale) -> Voltage {
    .millivolts(Int32(word) * scale.voltage)
  }

  /// mA, signed, times the scale.
  public static func current(word: UInt16, scale: Scale) -> Current {
    .milliamperes(Int32(Int16(bitPattern: word)) * scale.current)
  }

  /// 0.1 K; −100…200 °C is more than a battery survives.
  public static func temperature(word: UInt16) throws(ChipError) -> Temperature {
    guard 1_732...4_731 ~= word else {
      throw .rawValueOutOfRange(register: Command.temperature, found: UInt32(word))
    }
    return .millidegreesCelsius(Int32(word) * 100 - 273_150)
  }

  /// Percent.
  public static func stateOfCharge(word: UInt16) throws(ChipError) -> StateOfCharge {
    guard word <= 100 else {
      throw .rawValueOutOfRange(register: Command.stateOfCharge, found: UInt32(word))
    }
    return .partsPerMillion(Int32(word) * 10_000)
  }

  /// mAh, times the scale.
  public static func capacity(word: UInt16, scale: Scale) -> Charge {
    .milliampereHours(Int64(word) * Int64(scale.current))
  }
}

/// Commands and bits; Smart Battery Data Specification 1.1, section 5.
extension SmartBattery {
  enum Command {
    static let mode: UInt8 = 0x03
    static let temperature: UInt8 = 0x08
    static let voltage: UInt8 = 0x09
    static let current: UInt8 = 0x0A
    static let stateOfCharge: UInt8 = 0x0D
    static let remainingCapacity: UInt8 = 0x0F
    static let fullChargeCapacity: UInt8 = 0x10
    static let status: UInt8 = 0x16
    static let specification: UInt8 = 0x1A
  }

  /// Version 1.1 with a packet error code, revision 1, no scales.
  static let specification: UInt16 = 0x0031
  /// BatteryMode: capacities in 10 mWh.
  static let capacityInPower: UInt16 = 1 << 15
  /// BatteryMode: no broadcasts to a charger.
  static let noBroadcasts: UInt16 = 1 << 14
  static let modeMask: UInt16 = 0xC000
  /// BatteryStatus.
  static let initialised: UInt16 = 1 << 7
  static let errorMask: UInt16 = 0x000F

  /// A little-endian word, with its packet error code over the whole transaction.
  private func word<Bus: I2CBus & ~Copyable>(
    _ command: UInt8, on bus: inout Bus
  ) throws(ChipError) -> UInt16 {
    var bytes: InlineArray<3, UInt8> = [0, 0, 0]
    try bus.readBytes(of: command, at: SmartBattery.address, into: &bytes)
    let address = SmartBattery.address.rawValue << 1
    var code = PacketChecksum.extend(0, with: address)
    code = PacketChecksum.extend(code, with: command)
    code = PacketChecksum.extend(code, with: address | 1)
    code = PacketChecksum.extend(code, with: bytes[0])
    code = PacketChecksum.extend(code, with: bytes[1])
    guard code == bytes[2] else { throw .checksum(expected: code, found: bytes[2]) }
    return UInt16(bytes[1]) << 8 | UInt16(bytes[0])
  }

  private func write<Bus: I2CBus & ~Copyable>(
    _ word: UInt16, to command: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    let low = UInt8(truncatingIfNeeded: word)
    let high = UInt8(truncatingIfNeeded: word >> 8)
    var code = PacketChecksum.extend(0, with: SmartBattery.address.rawValue << 1)
    code = PacketChecksum.extend(code, with: command)
    code = PacketChecksum.extend(code, with: low)
    let bytes: InlineArray<4, UInt8> = [
      command, low, high, PacketChecksum.extend(code, with: high),
    ]
    do {
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: SmartBattery.address, writing: bytes.span, reading: &nothing)
    } catch {
      throw .bus(error)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Texas Instruments BQ76920: measures and protects three to five cells in series; variants with a
/// checksum, BQ7692001 and BQ7692003.
///
/// Its own protection opens the switches without the firmware, and closes them only when told to:
/// `clear(_:on:)`, then `setSwitches(charge:discharge:on:)`. After its supply was away, and after
/// `ship(on:)`, it is silent until a pulse on its pin TS1 wakes it; then it must be configured.
///
/// The chip has no identity; another chip is noticed by its wrong checksums. Its ALERT is active high,
/// and an input, too: the line needs a pull-down, and a rising edge or a high level to wake the host.
public struct BQ76920: Equatable, Sendable {
  /// What the chip has noticed since it was last cleared (SYS_STAT).
  public struct Faults: OptionSet, Equatable, Sendable {
    /// As in SYS_STAT.
    public let rawValue: UInt8
    /// Takes the bits as they are.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// A discharge beyond the threshold; discharging is off.
    public static let overcurrent = Faults(rawValue: 1 << 0)
    /// A short circuit; discharging is off.
    public static let shortCircuit = Faults(rawValue: 1 << 1)
    /// A cell is too high; charging is off.
    public static let overvoltage = Faults(rawValue: 1 << 2)
    /// A cell is too low; discharging is off.
    public static let undervoltage = Faults(rawValue: 1 << 3)
    /// Somebody else drives the alert line; both are off.
    public static let alertOverridden = Faults(rawValue: 1 << 4)
    /// The chip had an internal fault; both are off. Wait 3 s before clearing it.
    public static let deviceNotReady = Faults(rawValue: 1 << 5)
    /// All of them.
    public static let all = Faults(rawValue: 0x3F)
  }

  /// What the converter shows; the current comes by itself.
  public struct Reading: Sendable {
    /// Of each cell, from the negative end on; those beyond the cell count are 0. They are renewed
    /// each 250 ms, and less often while cells are balanced.
    public let cellVoltages: InlineArray<5, Voltage>
    /// Of all cells together, measured on its own; renewed each 2 s.
    public let stackVoltage: Voltage
    /// Over the thermistor, which has 10 kΩ to `thermistorReference` in the chip; renewed each 2 s.
    public let thermistorVoltage: Voltage
    /// What the chip has noticed.
    public let faults: Faults
  }

  /// Where the chip answers: 0x08, fixed in the variants with a checksum.
  public static let address = I2CAddress(0x08)
  /// What the thermistor is pulled up to.
  public static let thermistorReference = Voltage.millivolts(3_300)

  /// How it is wired.
  public let configuration: Configuration
  /// Of this part; nil until it is configured.
  public private(set) var trim: Trim?

  /// Makes a driver; nothing is sent.
  public init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// Configures the chip: both switches off, no cell balanced; what it has noticed stays noticed.
  ///
  /// Every register is read back. A failure leaves the driver unconfigured.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    trim = nil
    let found = try readTrim(on: &bus)
    // The marker comes first: a reset after it erases it, and one before it can erase nothing that is
    // not written afterwards.
    try BQ76920.writeAndVerify(
      BQ76920.chargeCounterSetting, to: Register.chargeCounter, on: &bus)
    try BQ76920.writeAndVerify(BQ76920.countingCharge, to: Register.control2, on: &bus)
    try BQ76920.writeAndVerify(0, to: Register.balancing, on: &bus)
    try BQ76920.writeAndVerify(
      BQ76920.measuring, to: Register.control1, mask: BQ76920.control1Mask, on: &bus)
    try BQ76920.writeAndVerify(configuration.protection1, to: Register.protection1, on: &bus)
    try BQ76920.writeAndVerify(configuration.protection2, to: Register.protection2, on: &bus)
    try BQ76920.writeAndVerify(configuration.protection3, to: Register.protection3, on: &bus)
    try BQ76920.writeAndVerify(
      found.overvoltageTrip(configuration.overvoltage), to: Register.overvoltageTrip, on: &bus)
    try BQ76920.writeAndVerify(
      found.undervoltageTrip(configuration.undervoltage), to: Register.undervoltageTrip, on: &bus)
    trim = found
  }

  /// Whether the chip still holds its configuration; false after a reset.
  ///
  /// `read` notices a reset by itself; this checks every register, for a periodic test.
  public func isConfigured<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Bool {
    guard let trim else { return false }
    // From SYS_CTRL1 to CC_CFG, the data at the even places.
    var frame = InlineArray<16, UInt8>(repeating: 0)
    try bus.readChecked(Register.control1, at: BQ76920.address, into: &frame)
    return frame[0] & BQ76920.control1Mask == BQ76920.measuring
      && frame[2] & ~(BQ76920.chargeOn | BQ76920.dischargeOn) == BQ76920.countingCharge
      && frame[4] == configuration.protection1 && frame[6] == configuration.protection2
      && frame[8] == configuration.protection3
      && frame[10] == trim.overvoltageTrip(configuration.overvoltage)
      && frame[12] == trim.undervoltageTrip(configuration.undervoltage)
      && frame[14] == BQ76920.chargeCounterSetting
  }

  /// Reads cells, stack, thermistor and faults.
  ///
  /// The marker of the configuration is read last: it then vouches for all that was read before it.
  ///
  /// - Throws: `.notConfigured`; `.configurationLost` after a reset; `.checksum`;
  ///   `.rawValueOutOfRange`; `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Reading {
    guard let trim else { throw .notConfigured }
    var cells = InlineArray<20, UInt8>(repeating: 0)
    try bus.readChecked(Register.cellVoltages, at: BQ76920.address, into: &cells)
    var stack = InlineArray<8, UInt8>(repeating: 0)
    try bus.readChecked(Register.stack, at: BQ76920.address, into: &stack)
    let faults = try readFaults(on: &bus)
    try checkMarker(on: &bus)
    var voltages = InlineArray<5, Voltage>(repeating: .microvolts(0))
    for cell in 0..<configuration.cellCount {
      let place = 4 * input(of: cell)
      voltages[cell] = try trim.cellVoltage(
        word: UInt16(cells[place]) << 8 | UInt16(cells[place + 2]))
    }
    return Reading(
      cellVoltages: voltages,
      stackVoltage: trim.stackVoltage(
        word: UInt16(stack[0]) << 8 | UInt16(stack[2]), cellCount: configuration.cellCount),
      thermistorVoltage: try BQ76920.thermistorVoltage(
        word: UInt16(stack[4]) << 8 | UInt16(stack[6])),
      faults: faults)
  }

  /// Reads the mean current of the last 250 ms, and marks it as read.
  ///
  /// The chip keeps only the last one: call this four times a second, or integrate with
  /// `HostIntegrator`.
  ///
  /// - Throws: `.conversionNotReady` if there is none since the last call; `.notConfigured`;
  ///   `.configurationLost`; `.checksum`; `.overflow` beyond ±200 mV; `.bus`.
  public func readCurrent<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Current {
    guard trim != nil else { throw .notConfigured }
    let status = try BQ76920.register(Register.status, on: &bus)
    guard status & BQ76920.currentReady != 0 else {
      // A chip that was reset never has one.
      try checkMarker(on: &bus)
      throw .conversionNotReady
    }
    var frame = InlineArray<4, UInt8>(repeating: 0)
    try bus.readChecked(Register.current, at: BQ76920.address, into: &frame)
    try checkMarker(on: &bus)
    try BQ76920.write(BQ76920.currentReady, to: Register.status, on: &bus)
    return try BQ76920.current(
      word: UInt16(frame[0]) << 8 | UInt16(frame[2]), configuration: configuration)
  }
}

/// What the chip is told to do.
extension BQ76920 {
  /// What the chip has noticed.
  public func readFaults<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Faults {
    Faults(rawValue: try BQ76920.register(Register.status, on: &bus)).intersection(.all)
  }

  /// Clears what it has noticed, whose cause may bring it back. The switches stay off.
  public func clear<Bus: I2CBus & ~Copyable>(
    _ faults: Faults, on bus: inout Bus
  ) throws(ChipError) {
    try BQ76920.write(faults.intersection(.all).rawValue, to: Register.status, on: &bus)
  }

  /// Turns the switches on or off.
  ///
  /// - Throws: `.configurationNotHeld` if the chip's protection does not allow it;
  ///   `.notConfigured`, `.configurationLost`, `.checksum`, `.bus`.
  public func setSwitches<Bus: I2CBus & ~Copyable>(
    charge: Bool, discharge: Bool, on bus: inout Bus
  ) throws(ChipError) {
    // Off is always allowed; on only with the protection that was configured.
    if charge || discharge {
      guard trim != nil else { throw .notConfigured }
      try checkMarker(on: &bus)
    }
    let word =
      BQ76920.countingCharge | (charge ? BQ76920.chargeOn : 0)
      | (discharge ? BQ76920.dischargeOn : 0)
    try BQ76920.writeAndVerify(word, to: Register.control2, on: &bus)
  }

  /// Turns both switches off, whatever else is known of the chip: for a program that finds it on.
  ///
  /// - Throws: `.configurationNotHeld`, `.checksum`, `.bus`.
  public static func turnOff<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    try writeAndVerify(countingCharge, to: Register.control2, on: &bus)
  }

  /// Discharges some of the cells over the chip's resistors until told otherwise.
  ///
  /// The chip does not stop by itself, not even at an empty cell: call it again and again.
  ///
  /// - Parameter cells: bit n is cell n. Two neighbours, or a cell beyond the count, are a
  ///   programmer's error and trap: neighbours would share the current of one resistor.
  public func balance<Bus: I2CBus & ~Copyable>(
    _ cells: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    precondition(cells & cells << 1 == 0, "neighbouring cells are not balanced together")
    precondition(Int(cells) < 1 << configuration.cellCount, "no such cell")
    guard trim != nil else { throw .notConfigured }
    var word: UInt8 = 0
    for cell in 0..<configuration.cellCount where cells & 1 << UInt8(cell) != 0 {
      word |= 1 << UInt8(input(of: cell))
    }
    try BQ76920.writeAndVerify(word, to: Register.balancing, on: &bus)
  }

  /// Sends the chip to sleep, with both switches off, until a pulse on TS1.
  public mutating func ship<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    trim = nil
    // SHUT_A and SHUT_B in exactly this order (datasheet, "SHIP mode").
    try BQ76920.write(0, to: Register.control1, on: &bus)
    try BQ76920.write(1, to: Register.control1, on: &bus)
    try BQ76920.write(2, to: Register.control1, on: &bus)
  }
}

/// Registers.
extension BQ76920 {
  /// The topmost cell is on input 5, whatever their number.
  private func input(of cell: Int) -> Int { cell == configuration.cellCount - 1 ? 4 : cell }

  private func readTrim<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Trim {
    var first = InlineArray<4, UInt8>(repeating: 0)
    try bus.readChecked(Register.gain1, at: BQ76920.address, into: &first)
    let second = try BQ76920.register(Register.gain2, on: &bus)
    return Trim(gain1: first[0], gain2: second, offset: first[2])
  }

  private func checkMarker<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let found = try BQ76920.register(Register.chargeCounter, on: &bus)
    guard found == BQ76920.chargeCounterSetting else {
      throw .configurationLost(
        register: Register.chargeCounter, expected: UInt16(BQ76920.chargeCounterSetting),
        found: UInt16(found))
    }
  }

  private static func register<Bus: I2CBus & ~Copyable>(
    _ register: UInt8, on bus: inout Bus
  ) throws(ChipError) -> UInt8 {
    var frame: InlineArray<2, UInt8> = [0, 0]
    try bus.readChecked(register, at: BQ76920.address, into: &frame)
    return frame[0]
  }

  private static func write<Bus: I2CBus & ~Copyable>(
    _ byte: UInt8, to register: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    try bus.writeChecked(byte, to: register, at: BQ76920.address)
  }

  private static func writeAndVerify<Bus: I2CBus & ~Copyable>(
    _ byte: UInt8, to register: UInt8, mask: UInt8 = 0xFF, on bus: inout Bus
  ) throws(ChipError) {
    try write(byte, to: register, on: &bus)
    let held = try BQ76920.register(register, on: &bus)
    guard held & mask == byte & mask else {
      throw .configurationNotHeld(register: register, wrote: UInt16(byte), read: UInt16(held))
    }
  }
}

/// Byte registers with a checksum behind each byte (datasheet, "I2C with CRC").
extension I2CBus where Self: ~Copyable {
  /// Reads registers into the even places of `frame`, with their checksums in the odd ones.
  mutating func readChecked<let width: Int>(
    _ register: UInt8, at address: I2CAddress, into frame: inout InlineArray<width, UInt8>
  ) throws(ChipError) {
    try readBytes(of: register, at: address, into: &frame)
    // Only the first checksum covers the address.
    var seed = PacketChecksum.extend(0, with: address.rawValue << 1 | 1)
    var place = 0
    while place + 1 < width {
      let expected = PacketChecksum.extend(seed, with: frame[place])
      guard frame[place + 1] == expected else {
        throw .checksum(expected: expected, found: frame[place + 1])
      }
      seed = 0
      place += 2
    }
  }

  /// Writes a register.
  mutating func writeChecked(
    _ byte: UInt8, to register: UInt8, at address: I2CAddress
  ) throws(ChipError) {
    var checksum = PacketChecksum.extend(0, with: address.rawValue << 1)
    checksum = PacketChecksum.extend(checksum, with: register)
    let bytes: InlineArray<3, UInt8> = [
      register, byte, PacketChecksum.extend(checksum, with: byte),
    ]
    do {
      var nothing = MutableSpan<UInt8>()
      try transfer(with: address, writing: bytes.span, reading: &nothing)
    } catch {
      throw .bus(error)
    }
  }
}

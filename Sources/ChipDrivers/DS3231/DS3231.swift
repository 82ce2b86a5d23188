// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Maxim DS3231: a clock with its own cell, ±2 ppm, to tell how long the power was away.
///
/// Bring-up is one call, `configure(on:)`. Until `setTime(_:on:)` was called, and after its cell ran
/// out, the chip itself says that its time is not valid. Times are Universal Time by agreement.
public struct DS3231: Equatable, Sendable {
  /// Where the chip answers: 0x68, fixed.
  public static let address = I2CAddress(0x68)

  private var isConfigured = false

  /// Makes a driver; nothing is sent.
  public init() {}

  /// Lets the oscillator run on the cell, alarms and square wave off, and reads it back.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    isConfigured = false
    try write(Register.control, DS3231.controlWord, on: &bus)
    let held = try read(Register.control, on: &bus)
    guard held & DS3231.controlMask == DS3231.controlWord else {
      throw .configurationNotHeld(
        register: Register.control, wrote: UInt16(DS3231.controlWord), read: UInt16(held))
    }
    isConfigured = true
  }

  /// Reads the time.
  ///
  /// - Throws: `.notConfigured`; `.dataNotValid` if the oscillator stopped since the time was set;
  ///   `.rawValueOutOfRange` with the register of the first digit that cannot be; `.bus`.
  public func readTime<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> CalendarTime
  {
    guard isConfigured else { throw .notConfigured }
    var registers = InlineArray<7, UInt8>(repeating: 0)
    try readBytes(from: Register.seconds, into: &registers, on: &bus)
    // The flag is read last: it then vouches for the time that was read before it.
    guard try read(Register.status, on: &bus) & DS3231.oscillatorStopped == 0 else {
      throw .dataNotValid
    }
    return try CalendarTime(registers: registers)
  }

  /// Sets the time, reads it back, and then clears the mark of a stopped oscillator.
  ///
  /// - Throws: `.configurationNotHeld` if the clock does not show the time it was given, or the
  ///   second after it; `.bus`. After a failure the time is not to be trusted, and is marked so unless
  ///   it was valid before.
  public func setTime<Bus: I2CBus & ~Copyable>(
    _ time: CalendarTime, on bus: inout Bus
  ) throws(ChipError) {
    guard isConfigured else { throw .notConfigured }
    let registers = time.registers
    var frame = InlineArray<8, UInt8>(repeating: Register.seconds)
    for index in 0..<7 { frame[index + 1] = registers[index] }
    do {
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: DS3231.address, writing: frame.span, reading: &nothing)
    } catch {
      throw .bus(error)
    }
    var held = InlineArray<7, UInt8>(repeating: 0)
    try readBytes(from: Register.seconds, into: &held, on: &bus)
    let shown = try CalendarTime(registers: held)
    guard 0...1 ~= shown.secondsSince2000 - time.secondsSince2000 else {
      throw .configurationNotHeld(
        register: Register.seconds, wrote: UInt16(registers[0]), read: UInt16(held[0]))
    }
    try write(Register.status, 0, on: &bus)
    let status = try read(Register.status, on: &bus)
    guard status & DS3231.oscillatorStopped == 0 else { throw .dataNotValid }
  }

  /// Reads the chip's temperature, ±3 °C, renewed every 64 s.
  ///
  /// - Throws: `.notConfigured`, `.rawValueOutOfRange` for bits that are never set, `.bus`.
  public func readTemperature<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus
  ) throws(ChipError) -> Temperature {
    guard isConfigured else { throw .notConfigured }
    var bytes = InlineArray<2, UInt8>(repeating: 0)
    try readBytes(from: Register.temperature, into: &bytes, on: &bus)
    return try DS3231.temperature(word: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))
  }

  /// The temperature of a word: 0.25 °C per step in bits 15…6, exact in m°C.
  ///
  /// - Throws: `.rawValueOutOfRange` if a lower bit is set.
  public static func temperature(word: UInt16) throws(ChipError) -> Temperature {
    guard word & 0x3F == 0 else {
      throw .rawValueOutOfRange(register: Register.temperature, found: UInt32(word))
    }
    return .millidegreesCelsius(Int32(Int16(bitPattern: word) >> 6) * 250)
  }

  private func readBytes<let count: Int, Bus: I2CBus & ~Copyable>(
    from register: UInt8, into bytes: inout InlineArray<count, UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    try bus.readBytes(of: register, at: DS3231.address, into: &bytes)
  }

  private func read<Bus: I2CBus & ~Copyable>(
    _ register: UInt8, on bus: inout Bus
  ) throws(ChipError) -> UInt8 {
    var byte: InlineArray<1, UInt8> = [0]
    try readBytes(from: register, into: &byte, on: &bus)
    return byte[0]
  }

  private func write<Bus: I2CBus & ~Copyable>(
    _ register: UInt8, _ value: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    let bytes: InlineArray<2, UInt8> = [register, value]
    do {
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: DS3231.address, writing: bytes.span, reading: &nothing)
    } catch {
      throw .bus(error)
    }
  }
}

/// Register addresses and fields; DS3231 datasheet figure 1.
extension DS3231 {
  enum Register {
    static let seconds: UInt8 = 0x00
    static let control: UInt8 = 0x0E
    static let status: UInt8 = 0x0F
    static let temperature: UInt8 = 0x11
  }

  /// EOSC 0: the oscillator runs on the cell. INTCN 1 and no alarm: the pin INT/SQW stays released.
  private static let controlWord: UInt8 = 0x04
  /// All but CONV, which the chip sets by itself, and the frequency of the square wave.
  private static let controlMask: UInt8 = 0xC7
  /// OSF.
  private static let oscillatorStopped: UInt8 = 1 << 7
}

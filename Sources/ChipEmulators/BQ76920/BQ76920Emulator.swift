// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
internal import DeterministicMath

/// An emulated BQ7692003: measures and protects three to five cells, with a checksum behind each byte.
///
/// The supply is the stack. Below 3.6 V (recalled, unverified; the datasheet states 6 V as the end of
/// the range) the chip is off, both switches with it, and it stays in its SHIP mode until `boot()`.
/// Also recalled and unverified: that a byte with a wrong checksum is not acknowledged, that a switch
/// cannot be closed while its fault is noted, and that an input below 1304 steps, half a volt, is taken
/// for unused and trips no undervoltage.
public final class BQ76920Emulator: I2CTarget {
  /// 0x08, fixed.
  public let address = I2CAddress(0x08)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: BQ76920State

  private let errors: BQ76920Errors

  /// Makes a chip in its SHIP mode at time 0; `boot()` wakes it.
  public init(errors: BQ76920Errors = .none) {
    self.errors = errors
    state = BQ76920State(errors: errors)
  }

  /// Whether the chip is wired and awake.
  public var isPresent: Bool { isWired && state.isAwake }

  /// A pulse on TS1 that wakes the chip, if the last `advance` left it a supply.
  public func boot() { state.boot() }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - inputs: what the pins see.
  public func advance(toMicroseconds microseconds: Int64, _ inputs: BQ76920Inputs) {
    var seen = inputs
    for cell in 0..<5 {
      seen.cellVolts[cell] = errors.cells.apply(
        to: inputs.cellVolts[cell], celsius: inputs.dieCelsius)
    }
    seen.shuntVolts = errors.shunt.apply(to: inputs.shuntVolts, celsius: inputs.dieCelsius)
    state.advance(to: microseconds, seen)
  }

  /// Takes the stack away and puts it back: into SHIP mode, as from the factory.
  public func powerCycle() { state.turnOff() }

  /// Raises DEVICE_XREADY, as an internal fault does.
  public func failInside() { state.notice(0x20) }

  /// The electrical level of ALERT, active high: true is high.
  public var alertLine: Bool { isPresent && state.registers[0x00] & 0xAF != 0 }

  /// Whether the chip lets the cells be charged.
  public var isChargeOn: Bool { isPresent && state.registers[0x05] & 0x01 != 0 }

  /// Whether the chip lets the cells be discharged.
  public var isDischargeOn: Bool { isPresent && state.registers[0x05] & 0x02 != 0 }

  /// Which inputs the chip discharges over a resistor: bit n is input n + 1.
  public var balancedInputs: UInt8 { isPresent ? state.registers[0x01] : 0 }

  // MARK: - Bus side

  /// Begins a checksum with the address.
  public func start(_ direction: I2CDirection) -> Bool {
    state.start(direction)
    return true
  }

  /// Takes the register's address, then bytes and their checksums in turn.
  public func receive(_ byte: UInt8) -> Bool { state.receive(byte) }

  /// The next register or its checksum.
  public func transmit() -> UInt8 { state.transmit() }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

/// What the pins of a BQ76920 see.
public struct BQ76920Inputs: Sendable {
  /// From VC1 − VC0 to VC5 − VC4; 0 for inputs tied together. Unit: V.
  public var cellVolts: InlineArray<5, Double>
  /// From SRN to SRP; positive while charging. Unit: V.
  public var shuntVolts: Double
  /// The thermistor at TS1. Unit: Ω.
  public var thermistorOhms: Double
  /// Of the chip. Unit: °C.
  public var dieCelsius: Double
  /// Whether somebody else drives ALERT high.
  public var isAlertForced: Bool
  /// Whether a load is seen at CHG while charging is off.
  public var hasLoad: Bool

  /// Makes a set of inputs.
  public init(
    cellVolts: InlineArray<5, Double>, shuntVolts: Double = 0, thermistorOhms: Double = 10_000,
    dieCelsius: Double = 25, isAlertForced: Bool = false, hasLoad: Bool = false
  ) {
    self.cellVolts = cellVolts
    self.shuntVolts = shuntVolts
    self.thermistorOhms = thermistorOhms
    self.dieCelsius = dieCelsius
    self.isAlertForced = isAlertForced
    self.hasLoad = hasLoad
  }
}

/// What distinguishes one BQ76920 from another.
public struct BQ76920Errors: Equatable, Sendable {
  /// No error, and the trim of the datasheet forum's example: 377 µV and 48 mV.
  public static let none = BQ76920Errors()

  /// Of a cell's voltage after the trim; ±10 mV typical. Unit: V.
  public var cells: ChannelErrors
  /// Of the shunt's; offset ±30 µV at most (unverified). Unit: V.
  public var shunt: ChannelErrors
  /// How much the oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64
  /// The converter's gain is 365 µV and this; 0…31. Unit: µV.
  public var gainCode: UInt8
  /// The converter's offset. Unit: mV.
  public var offset: Int8

  /// Makes a set of errors.
  public init(
    cells: ChannelErrors = .none, shunt: ChannelErrors = .none, clockPartsPerMillion: Int64 = 0,
    gainCode: UInt8 = 12, offset: Int8 = 48
  ) {
    precondition(gainCode <= 31, "the gain has five bits")
    self.cells = cells
    self.shunt = shunt
    self.clockPartsPerMillion = clockPartsPerMillion
    self.gainCode = gainCode
    self.offset = offset
  }
  /// Draws one part: any trim, and after it ±10 mV of a cell at most (3 mV typical assumed), ±30 µV of
  /// the shunt at most (10 µV typical assumed), and an oscillator of ±2 % (0.5 % typical assumed).
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> BQ76920Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return BQ76920Errors(
      cells: ChannelErrors(offset: random.error(typical: 3e-3, limit: 10e-3)),
      shunt: ChannelErrors(offset: random.error(typical: 10e-6, limit: 30e-6)),
      clockPartsPerMillion: Int64(random.error(typical: 5_000, limit: 20_000).rounded()),
      gainCode: UInt8(min(random.uniform() * 32, 31)),
      offset: Int8((random.uniform() * 100).rounded() - 50))
  }
}

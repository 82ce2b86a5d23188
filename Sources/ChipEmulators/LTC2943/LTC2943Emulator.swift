// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
internal import DeterministicMath

/// An emulated LTC2943 or LTC2944: a coulomb counter for packs.
///
/// Registers and scales as in the datasheets' table 1. The supply is the pack: below 3.6 V, where the
/// stated range ends, the chip is silent and comes back reset (where a real part stops, and whether it
/// keeps its count, is unverified). Also unverified: how long a conversion takes, that a write of the
/// count is dropped while the counter runs, and that a read of the status releases the pin; the alert
/// response address, which does that in a real one, is not modelled.
public final class LTC2943Emulator: I2CTarget {
  /// The variant of the chip.
  public enum Variant: Equatable, Sendable {
    /// Up to 20 V.
    case ltc2943
    /// Up to 60 V.
    case ltc2944
  }

  /// 0x64, fixed.
  public let address = I2CAddress(0x64)
  /// Whether the chip is wired.
  public var isWired = true
  /// Everything the chip remembers: read it for a snapshot, set it to go back.
  public var state: LTC2943State

  private let errors: LTC2943Errors

  /// Makes a chip on a pack, at power-on and time 0.
  public init(variant: Variant, packVolts: Double, errors: LTC2943Errors = .none) {
    self.errors = errors
    state = LTC2943State(
      variant: variant, clock: ConversionClock(partsPerMillion: errors.clockPartsPerMillion),
      isSupplied: packVolts >= LTC2943State.leastVolts)
  }

  /// Whether the chip is wired and its pack has enough voltage for it to answer.
  public var isPresent: Bool { isWired && state.isSupplied }

  /// Lets time pass with constant inputs.
  ///
  /// - Parameters:
  ///   - microseconds: the host time to reach, not before the last one.
  ///   - packVolts: the voltage of the pack, which is also the supply.
  ///   - shuntVolts: over the shunt; positive makes the count grow.
  ///   - celsius: of the chip.
  ///   - isChargeComplete: whether a charger pulls the pin low, where it is an input.
  public func advance(
    toMicroseconds microseconds: Int64, packVolts: Double, shuntVolts: Double, celsius: Double,
    isChargeComplete: Bool = false
  ) {
    state.advance(
      to: microseconds, supply: packVolts,
      LTC2943State.Inputs(
        volts: errors.voltage.apply(to: packVolts, celsius: celsius),
        shuntVolts: errors.current.apply(to: shuntVolts, celsius: celsius),
        countedVolts: errors.counter.apply(to: shuntVolts, celsius: celsius), celsius: celsius,
        isChargeComplete: isChargeComplete))
  }

  /// Takes the pack away and puts it back.
  public func powerCycle() { state.reset() }

  /// The electrical level of AL/CC, open drain with a pull-up: true is high.
  public var alertLine: Bool { !isPresent || !state.isAlerting }

  // MARK: - Bus side

  /// A write begins with the pointer.
  public func start(_ direction: I2CDirection) -> Bool {
    if direction == .write { state.port.startWrite() }
    return true
  }

  /// Takes the pointer, then bytes for the registers from there on.
  public func receive(_ byte: UInt8) -> Bool {
    if let register = state.port.place(of: byte) { state.write(byte, to: register) }
    return true
  }

  /// The next register.
  public func transmit() -> UInt8 { state.read(state.port.take()) }

  /// Nothing ends with the stop condition.
  public func stop() {}
}

/// What distinguishes one LTC2943, LTC2944 or LTC2959 from an ideal one.
public struct LTC2943Errors: Equatable, Sendable {
  /// An ideal chip.
  public static let none = LTC2943Errors()

  /// The voltage's. Unit: V.
  public var voltage: ChannelErrors
  /// The shunt's, as the converter sees it. Unit: V.
  public var current: ChannelErrors
  /// The shunt's, as the counter sees it. Unit: V.
  public var counter: ChannelErrors
  /// How much the converter's oscillator is fast. Unit: ppm.
  public var clockPartsPerMillion: Int64

  /// Makes a set of errors.
  public init(
    voltage: ChannelErrors = .none, current: ChannelErrors = .none, counter: ChannelErrors = .none,
    clockPartsPerMillion: Int64 = 0
  ) {
    self.voltage = voltage
    self.current = current
    self.counter = counter
    self.clockPartsPerMillion = clockPartsPerMillion
  }

  /// Draws one part: the total charge error is 1 % at most; the rest is assumed, as no source here gives
  /// it: 0.3 % of the voltage and 1 % of the current at most, 10 µV of the counter.
  public static func typical(seed: UInt64, stream: UInt64 = 0) -> LTC2943Errors {
    var random = SeededRandom(seed: seed, stream: stream)
    return LTC2943Errors(
      voltage: ChannelErrors(gain: random.error(typical: 0.001, limit: 0.003)),
      current: ChannelErrors(gain: random.error(typical: 0.003, limit: 0.01)),
      counter: ChannelErrors(
        offset: random.error(typical: 2e-6, limit: 10e-6),
        gain: random.error(typical: 0.003, limit: 0.01)),
      clockPartsPerMillion: Int64(random.error(typical: 5_000, limit: 20_000).rounded()))
  }
}

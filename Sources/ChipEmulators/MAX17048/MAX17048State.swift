// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// Everything an emulated MAX17048 remembers; a copy is a snapshot.
public struct MAX17048State: Sendable {
  // Registers, at their power-on values.
  var voltageCode: UInt16 = 0
  var chargeCode: UInt16 = 0
  var rateCode: Int16 = 0
  var hibernation: UInt16 = 0x8030
  var config: UInt16 = 0x971C
  var voltageAlert: UInt16 = 0x00FF
  /// The reset threshold and Dis; the lower byte is the part's identity.
  var resetVoltage: UInt16 = 0x9600
  /// RI: the chip was reset.
  var status: UInt16 = 0x0100
  /// EnSleep of MODE.
  var mayEnableSleep = false

  // The model. It follows the voltage slowly, as a gauge without a current measurement must.
  /// 0…1; nil until the first measurement.
  var modelCharge: Double?
  /// Measurements since the reset.
  var measurements: Int64 = 0
  var rate = 0.0

  // The supply.
  /// Above the voltage at which the chip answers.
  var isSupplied: Bool
  /// The cell was below the reset voltage and is not yet back.
  var isBelowReset = false

  // The bus.
  var pointer: UInt8 = 0
  var received = 0
  var high: UInt8 = 0
  /// The word of the register that is being sent.
  var latched: UInt16 = 0
  var clock: ConversionClock

  /// The least voltage at which the chip answers; unverified, see `MAX17048Emulator`. Unit: V.
  static let leastVolts = 2.2
  /// Between two measurements: 250 ms. Unit: ps.
  static let period: Int64 = 250_000_000_000
  /// How fast the model follows the voltage: a time constant of 10 min, assumed, because the chip's
  /// is not published.
  static let timeConstant = 600.0

  init(clock: ConversionClock, cellVolts: Double) {
    self.clock = clock
    self.clock.restart()
    isSupplied = cellVolts >= Self.leastVolts
  }

  /// Everything but time back to power-on.
  mutating func reset() {
    var fresh = MAX17048State(clock: clock, cellVolts: isSupplied ? Self.leastVolts : 0)
    // In the middle of a write the rest of its bytes must not find another register.
    fresh.pointer = pointer
    fresh.received = received
    fresh.isBelowReset = isBelowReset
    self = fresh
  }

  // MARK: - Time

  mutating func advance(to end: Int64, supply volts: Double, measured: Double) {
    clock.requireNotPast(end)
    watchSupply(volts)
    guard isSupplied, !isAsleep else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let count = clock.cycles(to: stop, period: Self.period)
      if count > 0 { measure(measured, count: count) }
    }
  }

  /// A cell that comes back from below the reset voltage counts as a new one: the chip starts anew.
  private mutating func watchSupply(_ volts: Double) {
    let wasSupplied = isSupplied
    isSupplied = volts >= Self.leastVolts
    guard isSupplied else { return }
    if !wasSupplied {
      reset()
      isBelowReset = false
      return
    }
    let threshold = Double(resetVoltage >> 9) * 0.04
    if volts < threshold {
      isBelowReset = true
    } else if isBelowReset {
      isBelowReset = false
      reset()
      // VR: by the voltage, and not for want of a supply.
      status |= 0x0800
    }
  }

  var isAsleep: Bool { mayEnableSleep && config & 0x0080 != 0 }

  /// `count` measurements of an equal voltage, in steps of 1.25 mV, 16 codes.
  private mutating func measure(_ volts: Double, count: Int64) {
    measurements += count
    let steps = min(max((volts / 0.00125).rounded(), 0), 4_095)
    voltageCode = UInt16(steps) << 4
    follow(LithiumModel.stateOfCharge(restVolts: volts), seconds: Double(count) * 0.25)
    // The first estimate comes after four measurements, 1 s.
    guard measurements >= 4 else { return }
    let before = chargeCode
    chargeCode = UInt16(((modelCharge ?? 0) * 25_600).rounded())
    rateCode = Int16(min(max((rate * 3_600 / 0.002_08).rounded(), -32_768), 32_767))
    checkAlerts(chargeBefore: before, volts: volts)
  }

  private mutating func follow(_ target: Double, seconds: Double) {
    guard let charge = modelCharge else {
      modelCharge = target
      return
    }
    let share = 1 - DeterministicMath.exp(-seconds / Self.timeConstant)
    modelCharge = charge + (target - charge) * share
    rate = (target - charge) * share / seconds
  }

  private mutating func checkAlerts(chargeBefore: UInt16, volts: Double) {
    let voltageStep = volts / 0.02
    if voltageStep > Double(voltageAlert & 0xFF) { raise(0x0200) }
    if voltageStep < Double(voltageAlert >> 8) { raise(0x0400) }
    let threshold = 32 - (config & 0x1F)
    if chargeCode >> 8 < threshold, chargeBefore >> 8 >= threshold || measurements == 4 {
      raise(0x1000)
    }
    if config & 0x0040 != 0, chargeCode >> 8 != chargeBefore >> 8 { raise(0x2000) }
  }

  private mutating func raise(_ cause: UInt16) {
    status |= cause
    config |= 0x0020
  }

  var isAlerting: Bool { config & 0x0020 != 0 }
}

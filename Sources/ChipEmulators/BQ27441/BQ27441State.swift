// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated BQ27441 remembers; a copy is a snapshot.
public struct BQ27441State: Sendable {
  let variant: BQ27441Emulator.Variant
  var memory: BQ27441Memory
  var gauge = BQ27441Gauge()
  var isSupplied: Bool

  // Control.
  var isSealed = true
  /// The last subcommand was the key, and nothing came after it.
  var awaitsSecondKey = false
  var controlAnswer: UInt16 = 0
  /// ITPOR: reset since it was last configured.
  var wasReset = true
  var isInConfigUpdate = false
  /// When a mode change that was asked for takes place; nil if none was. Host time, µs.
  var modeChangeAt: Int64?
  /// When configuration ends by itself. Host time, µs.
  var configEndsAt: Int64 = 0

  // The block of the data memory that is in the window.
  var isBlockAccess = false
  var dataClass: UInt8 = 0
  var blockNumber: UInt8 = 0
  var block = [UInt8](repeating: 0, count: 32)
  /// From when the window shows the block. Host time, µs.
  var blockReadyAt: Int64?

  // The pin and the bus.
  var outputPulses: Int64 = 0
  var lastPulsePercent = 0
  var command: UInt8 = 0
  var awaitsCommand = false
  var controlLow: UInt8 = 0
  var clock: ConversionClock

  /// Unverified, see `BQ27441Emulator`. Unit: V.
  static let leastVolts = 2.2
  /// How long the chip takes to enter and to leave configuration; unverified. Unit: µs.
  static let modeChangeTime: Int64 = 1_000_000
  /// After that time without a write the chip leaves configuration by itself. Unit: µs.
  static let configTimeout: Int64 = 240_000_000
  private static let second: Int64 = 1_000_000_000_000

  init(variant: BQ27441Emulator.Variant, clock: ConversionClock, isSupplied: Bool) {
    self.variant = variant
    self.clock = clock
    self.isSupplied = isSupplied
    memory = BQ27441Memory(variant: variant)
    self.clock.restart()
  }

  /// Everything but time back to power-on.
  mutating func reset() {
    var fresh = BQ27441State(variant: variant, clock: clock, isSupplied: isSupplied)
    fresh.outputPulses = outputPulses
    fresh.command = command
    self = fresh
  }

  mutating func advance(to end: Int64, _ inputs: BQ27441Gauge.Inputs) {
    clock.requireNotPast(end)
    let isNowSupplied = inputs.volts >= Self.leastVolts
    if isSupplied != isNowSupplied {
      isSupplied = isNowSupplied
      reset()
    }
    guard isSupplied else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let seconds = clock.cycles(to: stop, period: Self.second)
      // Gauging stands still during configuration.
      if seconds > 0, !isInConfigUpdate { measure(inputs, seconds: seconds) }
    }
    changeMode()
  }

  private mutating func measure(_ inputs: BQ27441Gauge.Inputs, seconds: Int64) {
    gauge.measure(inputs, memory: memory, seconds: seconds)
    if abs(gauge.percent - lastPulsePercent) >= max(memory.interruptDelta, 1) {
      lastPulsePercent = gauge.percent
      if !showsLowCharge { outputPulses += 1 }
    }
  }

  private mutating func changeMode() {
    if isInConfigUpdate, clock.now >= configEndsAt { modeChangeAt = clock.now }
    guard let moment = modeChangeAt, clock.now >= moment else { return }
    modeChangeAt = nil
    isInConfigUpdate.toggle()
    if isInConfigUpdate {
      configEndsAt = clock.now + Self.configTimeout
    } else {
      // Gauging begins anew, from the voltage.
      gauge = BQ27441Gauge()
      wasReset = false
    }
  }

  /// BATLOWEN.
  private var showsLowCharge: Bool { memory.operationConfig & 0x0004 != 0 }

  /// GPOUT as BAT_LOW, active low unless GPIOPOL; as SOC_INT it rests at its inactive level.
  var outputLevel: Bool {
    let isActiveHigh = memory.operationConfig & 0x0800 != 0
    let isActive = showsLowCharge && gauge.isLow
    return isActive == isActiveHigh
  }
}

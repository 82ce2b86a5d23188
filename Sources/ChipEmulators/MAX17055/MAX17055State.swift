// SPDX-License-Identifier: Apache-2.0

/// Everything an emulated MAX17055 remembers; a copy is a snapshot.
///
/// In place of ModelGauge m5: the charge starts from the lithium model at the first voltage, counts
/// the current, and is drawn towards the lithium model's charge at the present voltage with a time
/// constant of 10 h (assumed). Below VE it is 0 until the voltage passes VR. So on a sodium cell it
/// drifts to the charge that a lithium cell would have.
public struct MAX17055State: Sendable {
  /// What the pins see.
  struct Inputs: Sendable {
    var volts: Double
    var shuntVolts: Double
    var celsius: Double
  }

  /// Registers 00h…FFh.
  var registers: [UInt16]
  var isSupplied: Bool
  /// 0…1; nil until the first measurement.
  var charge: Double?
  /// Counted since the power-on. Unit: steps of 5 µVh.
  var counted = 0.0
  var isEmpty = false
  /// Measurements since the power-on.
  var measurements: Int64 = 0
  /// Measurements until a new model is loaded; 0 if none is.
  var refreshLeft: Int64 = 0

  var pointer: UInt8 = 0
  var received = 0
  var low: UInt8 = 0
  var latched: UInt16 = 0
  var isHighByte = false
  var clock: ConversionClock

  /// See `MAX17055Emulator`. Unit: V.
  static let leastVolts = 2.3
  /// Between two measurements: 175.8 ms. Unit: ps.
  static let period: Int64 = 175_800_000_000
  static let periodSeconds = 0.1758
  /// The first results are there after 710 ms: four measurements (unverified).
  static let firstResults: Int64 = 4
  /// A model is loaded in two (unverified).
  static let refreshTime: Int64 = 2

  init(clock: ConversionClock, isSupplied: Bool) {
    self.clock = clock
    self.isSupplied = isSupplied
    registers = Self.atReset()
    self.clock.restart()
  }

  /// The capacity of 1500 mAh over 10 mΩ is assumed: no source gives its value.
  private static func atReset() -> [UInt16] {
    var registers = [UInt16](repeating: 0, count: 256)
    let values: [(Int, UInt16)] = [
      (0x00, 0x0002), (0x01, 0xFF00), (0x02, 0x7F80), (0x03, 0xFF00), (0x10, 0x0BB8),
      (0x18, 0x0BB8), (0x1B, 0x00FF), (0x1C, 0x807F), (0x1D, 0x2210), (0x1E, 0x0640),
      (0x21, 0x4010), (0x23, 0x0BB8), (0x29, 0x0EA4), (0x2B, 0x3870), (0x2E, 0x0400),
      (0x35, 0x0BB8), (0x3A, 0xA561), (0x3D, 0x0001), (0xBA, 0x870C), (0xBB, 0x3658),
    ]
    for (address, value) in values { registers[address] = value }
    return registers
  }

  /// Everything but time back to power-on.
  mutating func reset() {
    var fresh = MAX17055State(clock: clock, isSupplied: isSupplied)
    fresh.pointer = pointer
    fresh.received = received
    self = fresh
  }

  mutating func advance(to end: Int64, supply volts: Double, _ inputs: Inputs) {
    clock.requireNotPast(end)
    let isNowSupplied = volts >= Self.leastVolts
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
      let count = clock.cycles(to: stop, period: Self.period)
      if count > 0 { measure(inputs, count: count) }
    }
  }
}

/// Measuring and gauging.
extension MAX17055State {
  private mutating func measure(_ inputs: Inputs, count: Int64) {
    measurements += count
    registers[0x09] = Self.unsigned(inputs.volts / 78.125e-6)
    registers[0x19] = registers[0x09]
    registers[0x0A] = Self.signed(inputs.shuntVolts / 1.5625e-6)
    registers[0x0B] = registers[0x0A]
    registers[0x08] = Self.signed(inputs.celsius * 256)
    registers[0x34] = registers[0x08]
    noteExtremes()
    accumulate(inputs, seconds: Double(count) * Self.periodSeconds)
    guard measurements >= Self.firstResults else { return }
    registers[0x3D] &= ~0x0001
    finishRefresh(count)
    showCharge()
    checkAlerts()
  }

  static func unsigned(_ value: Double) -> UInt16 {
    UInt16(min(max(value.rounded(), 0), 65_535))
  }

  static func signed(_ value: Double) -> UInt16 {
    UInt16(bitPattern: Int16(min(max(value.rounded(), -32_768), 32_767)))
  }

  /// MaxMinVolt: the greatest and least voltage, in steps of 20 mV.
  private mutating func noteExtremes() {
    let step = UInt16(min(Double(registers[0x09]) * 78.125e-6 / 0.02, 255))
    registers[0x1B] = max(registers[0x1B] >> 8, step) << 8 | min(registers[0x1B] & 0xFF, step)
  }

  private mutating func accumulate(_ inputs: Inputs, seconds: Double) {
    let lithium = LithiumModel.stateOfCharge(restVolts: inputs.volts)
    // Steps of 1.5625 µV over seconds, into steps of 5 µVh.
    let steps = Double(Int16(bitPattern: registers[0x0A])) * 1.5625 / 5 * seconds / 3_600
    counted += steps
    registers[0x4D] = UInt16(truncatingIfNeeded: Int64(counted.rounded()))
    guard let before = charge else {
      charge = lithium
      return
    }
    let share = min(seconds / 36_000, 1)
    let moved = before + steps / max(Double(registers[0x18]), 1)
    charge = min(max(moved + (lithium - moved) * share, 0), 1)
  }

  private mutating func finishRefresh(_ count: Int64) {
    guard refreshLeft > 0 else { return }
    refreshLeft = max(refreshLeft - count, 0)
    guard refreshLeft == 0 else { return }
    registers[0xDB] &= ~0x8000
    for address in [0x10, 0x23, 0x35] { registers[address] = registers[0x18] }
    charge = LithiumModel.stateOfCharge(restVolts: Double(registers[0x09]) * 78.125e-6)
  }

  private mutating func showCharge() {
    let millivolts = Double(registers[0x09]) * 0.078_125
    if millivolts < Double(registers[0x3A] >> 7) * 10 { isEmpty = true }
    if millivolts > Double(registers[0x3A] & 0x7F) * 40 { isEmpty = false }
    let shown = isEmpty ? 0 : charge ?? 0
    let before = registers[0x06] >> 8
    registers[0x06] = Self.unsigned(shown * 25_600)
    registers[0x05] = Self.unsigned(shown * Double(registers[0x10]))
    // dSOCi: another whole percent.
    if registers[0x06] >> 8 != before { registers[0x00] |= 0x0080 }
  }

  /// Voltage, temperature and charge against their thresholds; a flag that is not sticky goes with its
  /// cause.
  private mutating func checkAlerts() {
    let voltage = Double(registers[0x09]) * 78.125e-6 / 0.02
    let thresholds = registers[0x01]
    flag(0x1000, voltage > Double(thresholds >> 8), sticky: 0x0800)
    flag(0x0100, voltage < Double(thresholds & 0xFF), sticky: 0x0800)
    let celsius = Double(Int16(bitPattern: registers[0x08])) / 256
    flag(0x2000, celsius > Double(Int8(truncatingIfNeeded: registers[0x02] >> 8)), sticky: 0x1000)
    flag(0x0200, celsius < Double(Int8(truncatingIfNeeded: registers[0x02])), sticky: 0x1000)
    let percent = Double(registers[0x06]) / 256
    flag(0x4000, percent > Double(registers[0x03] >> 8), sticky: 0x2000)
    flag(0x0400, percent < Double(registers[0x03] & 0xFF), sticky: 0x2000)
  }

  private mutating func flag(_ bit: UInt16, _ isRaised: Bool, sticky: UInt16) {
    if isRaised {
      registers[0x00] |= bit
    } else if registers[0x1D] & sticky == 0 {
      registers[0x00] &= ~bit
    }
  }

  /// Aen lets voltage, temperature and charge onto the pin.
  var isAlerting: Bool { registers[0x1D] & 0x0004 != 0 && registers[0x00] & 0x7700 != 0 }
}

/// Reading and writing registers over the bus.
extension MAX17055State {
  mutating func start(_ direction: I2CDirection) {
    switch direction {
    case .write: received = 0
    case .read:
      latched = registers[Int(pointer)]
      isHighByte = false
    }
  }

  mutating func transmit() -> UInt8 {
    defer { isHighByte.toggle() }
    guard isHighByte else { return UInt8(truncatingIfNeeded: latched) }
    let byte = UInt8(truncatingIfNeeded: latched >> 8)
    pointer &+= 1
    latched = registers[Int(pointer)]
    return byte
  }

  mutating func receive(_ byte: UInt8) {
    defer { received = received == 0 ? 1 : 3 - received }
    switch received {
    case 0: pointer = byte
    case 1: low = byte
    default:
      write(UInt16(byte) << 8 | UInt16(low))
      pointer &+= 1
    }
  }

  /// What the chip measures or computes, and its name, cannot be written.
  private static let readOnly: Set<UInt8> = [
    0x08, 0x09, 0x0A, 0x0B, 0x19, 0x21, 0x34, 0x3D, 0x3E, 0x4D,
  ]

  private mutating func write(_ word: UInt16) {
    guard !Self.readOnly.contains(pointer) else { return }
    switch pointer {
    // Flags can only be cleared.
    case 0x00: registers[0x00] &= word
    case 0xDB:
      registers[0xDB] = word
      if word & 0x8000 != 0 { refreshLeft = Self.refreshTime }
    default: registers[Int(pointer)] = word
    }
  }
}

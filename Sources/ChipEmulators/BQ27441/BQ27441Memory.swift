// SPDX-License-Identifier: Apache-2.0

/// The data memory: RAM in classes, with fields in big-endian order.
///
/// Only the classes that are known are there; others read zeros (unverified). Values that no source
/// gives are zero.
struct BQ27441Memory: Sendable {
  private var safety = [UInt8](repeating: 0, count: 32)
  private var discharge = [UInt8](repeating: 0, count: 32)
  private var registers = [UInt8](repeating: 0, count: 32)
  private var thresholds = [UInt8](repeating: 0, count: 32)
  private var gaugeState = [UInt8](repeating: 0, count: 64)
  private var calibration = [UInt8](repeating: 0, count: 32)
  private let variant: BQ27441Emulator.Variant

  init(variant: BQ27441Emulator.Variant) {
    self.variant = variant
    Self.set(&safety, [(0, 550), (2, 0), (4, 50)])
    for (offset, value) in [10, 15, 2, 5].enumerated() { discharge[offset] = UInt8(value) }
    Self.set(&registers, [(0, variant == .bq27441 ? 0x25F8 : 0x6478)])
    Self.set(&thresholds, [(0, 167), (2, 100), (4, 250)])
    switch variant {
    case .bq27441:
      Self.set(&gaugeState, [(0, 16_384), (10, 1_340), (12, 4_960), (16, 3_200)])
      gaugeState[5] = 0x81
      gaugeState[26] = 1
      Self.set(&gaugeState, [(27, 100), (29, 4_100), (31, 10), (33, 4_190)])
      // +0.4768, for a shunt of 10 mΩ.
      for (index, byte) in [0x7F, 0x74, 0x20, 0x5C].enumerated() {
        calibration[4 + index] = UInt8(byte)
      }
    case .bq27427:
      Self.set(&gaugeState, [(6, 1_340), (8, 4_960), (10, 3_200)])
      // −0.3523: the erratum.
      for (index, byte) in [0x7F, 0xB4, 0x65, 0x4E].enumerated() {
        calibration[4 + index] = UInt8(byte)
      }
    }
  }

  private static func set(_ bytes: inout [UInt8], _ fields: [(Int, Int)]) {
    for (offset, value) in fields {
      bytes[offset] = UInt8(truncatingIfNeeded: value >> 8)
      bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
    }
  }

  private static func field(_ bytes: [UInt8], _ offset: Int) -> Int16 {
    Int16(bitPattern: UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]))
  }

  /// A byte of a class; nil if there is none.
  subscript(dataClass: UInt8, offset: Int) -> UInt8? {
    get {
      let bytes =
        switch dataClass {
        case 2: safety
        case 49: discharge
        case 64: registers
        case 81: thresholds
        case 82: gaugeState
        case 105: calibration
        default: [] as [UInt8]
        }
      return bytes.indices.contains(offset) ? bytes[offset] : nil
    }
    set {
      guard let newValue, self[dataClass, offset] != nil else { return }
      switch dataClass {
      case 2: safety[offset] = newValue
      case 49: discharge[offset] = newValue
      case 64: registers[offset] = newValue
      case 81: thresholds[offset] = newValue
      case 82: gaugeState[offset] = newValue
      case 105: calibration[offset] = newValue
      default: break
      }
    }
  }

  // MARK: - What the gauge uses

  /// Unit: mAh.
  var designCapacity: Double {
    max(Double(Self.field(gaugeState, variant == .bq27441 ? 10 : 6)), 1)
  }
  /// Unit: V. The chip keeps to 2.5…3.7 V whatever is written (unverified).
  var terminateVolts: Double {
    let millivolts = Self.field(gaugeState, variant == .bq27441 ? 16 : 10)
    return Double(min(max(millivolts, 2_500), 3_700)) / 1_000
  }
  /// Unit: V.
  var taperVolts: Double { variant == .bq27441 ? Double(Self.field(gaugeState, 29)) / 1_000 : 4.1 }
  /// The current below which a charge ends: Taper Rate, 10 h by default. Unit: mA.
  var taperCurrent: Double {
    let tenthHours = variant == .bq27441 ? max(Double(Self.field(gaugeState, 27)), 1) : 100
    return designCapacity * 10 / tenthHours
  }
  /// Unit: mA.
  var dischargeThreshold: Double { designCapacity * 10 / max(Double(Self.field(thresholds, 0)), 1) }
  /// Unit: mA.
  var quitThreshold: Double { designCapacity * 10 / max(Double(Self.field(thresholds, 4)), 1) }
  var isGainNegative: Bool { calibration[5] & 0x80 != 0 }
  var operationConfig: UInt16 { UInt16(bitPattern: Self.field(registers, 0)) }
  /// Unit: %.
  var interruptDelta: Int { variant == .bq27441 ? Int(gaugeState[26]) : 1 }
  /// SOC1 set and clear, SOCF set and clear. Unit: %.
  var lowCharge: (set: Int, clear: Int, finalSet: Int, finalClear: Int) {
    (Int(discharge[0]), Int(discharge[1]), Int(discharge[2]), Int(discharge[3]))
  }
  /// Unit: 0.1 °C.
  var temperatureLimits: (over: Double, under: Double, hysteresis: Double) {
    (
      Double(Self.field(safety, 0)), Double(Self.field(safety, 2)), Double(Self.field(safety, 4))
    )
  }
}

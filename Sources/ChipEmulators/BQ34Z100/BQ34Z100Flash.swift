// SPDX-License-Identifier: Apache-2.0

/// The data flash: classes of bytes, with fields in big-endian order.
///
/// Only the classes that are known are there; others read zeros (unverified). Values that no source
/// gives are zero.
struct BQ34Z100Flash: Sendable {
  private static let classes: [UInt8] = [2, 48, 64, 80, 104]
  /// 64 bytes for each class.
  private var bytes = [UInt8](repeating: 0, count: 64 * classes.count)

  /// As from the factory; capacity and energy are assumed.
  init() {
    let fields: [(UInt8, Int, UInt16)] = [
      (2, 0, 550), (2, 5, 600), (48, 11, 1_000), (48, 13, 5_400), (48, 17, 4_200), (64, 0, 0x0941),
      (80, 53, 3_000), (104, 14, 5_000),
    ]
    for (dataClass, offset, value) in fields {
      self[dataClass, offset] = UInt8(value >> 8)
      self[dataClass, offset + 1] = UInt8(value & 0xFF)
    }
    self[64, 7] = 1
    // CC Gain: +0.4768, for a shunt of 10 mΩ.
    for (index, byte) in [0x7F, 0x74, 0x20, 0x5C].enumerated() { self[104, index] = UInt8(byte) }
  }

  /// A byte of a class; 0 if there is none.
  subscript(dataClass: UInt8, offset: Int) -> UInt8 {
    get {
      guard let place = place(dataClass, offset) else { return 0 }
      return bytes[place]
    }
    set {
      guard let place = place(dataClass, offset) else { return }
      bytes[place] = newValue
    }
  }

  private func place(_ dataClass: UInt8, _ offset: Int) -> Int? {
    guard let index = Self.classes.firstIndex(of: dataClass), 0..<64 ~= offset else { return nil }
    return 64 * index + offset
  }

  private func word(_ dataClass: UInt8, _ offset: Int) -> Double {
    Double(UInt16(self[dataClass, offset]) << 8 | UInt16(self[dataClass, offset + 1]))
  }

  // MARK: - What the gauge uses

  /// Unit: mAh.
  var designCapacity: Double { max(word(48, 11), 1) }
  var seriesCells: Double { max(Double(self[64, 7]), 1) }
  /// Unit: V.
  var terminateVolts: Double { word(80, 53) / 1_000 }
  /// What the pack has at 1 V at the pin. Unit: V.
  var voltageDivider: Double { word(104, 14) / 1_000 }
  var packConfiguration: UInt16 { UInt16(word(64, 0)) }
  /// Unit: 0.1 °C.
  var chargeLimit: Double { word(2, 0) }
  /// Unit: 0.1 °C.
  var dischargeLimit: Double { word(2, 5) }
}

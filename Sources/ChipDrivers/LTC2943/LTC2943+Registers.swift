// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; LTC2943 and LTC2944 datasheets, table 1.
extension LTC2943 {
  enum Register {
    static let status: UInt8 = 0x00
    static let control: UInt8 = 0x01
    static let count: UInt8 = 0x02
    static let voltage: UInt8 = 0x08
    static let current: UInt8 = 0x0E
    static let temperature: UInt8 = 0x14
  }

  /// Status (00h); cleared by being read.
  enum Status {
    /// The count reached an end.
    static let countEnded: UInt8 = 1 << 5
    /// The supply was too low.
    static let undervoltage: UInt8 = 1 << 0
  }

  /// Control (01h); 3Ch after a reset.
  enum Control {
    /// Converts without end.
    static let automatic: UInt8 = 3 << 6
    static let shutdown: UInt8 = 1 << 0
  }

  /// Where the count is after a reset, and zero of the current.
  static let middle: UInt16 = 0x7FFF

  /// A count is 0.340 mAh · (50 mΩ / R) · (M / 4096): with R in µΩ that is this times M over R, in nC.
  static let unitNanocoulombMicroohms: Int64 = 14_941_406_250
}

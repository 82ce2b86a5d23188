// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; BQ769x0 datasheet SLUSBK2, "register maps".
extension BQ76920 {
  enum Register {
    static let status: UInt8 = 0x00
    static let balancing: UInt8 = 0x01
    static let control1: UInt8 = 0x04
    static let control2: UInt8 = 0x05
    static let protection1: UInt8 = 0x06
    static let protection2: UInt8 = 0x07
    static let protection3: UInt8 = 0x08
    static let overvoltageTrip: UInt8 = 0x09
    static let undervoltageTrip: UInt8 = 0x0A
    static let chargeCounter: UInt8 = 0x0B
    static let cellVoltages: UInt8 = 0x0C
    /// BAT and, after it, TS1.
    static let stack: UInt8 = 0x2A
    static let thermistor: UInt8 = 0x2C
    static let current: UInt8 = 0x32
    /// ADCGAIN1 and, after it, ADCOFFSET.
    static let gain1: UInt8 = 0x50
    static let gain2: UInt8 = 0x59
  }

  /// SYS_STAT (00h): a new current.
  static let currentReady: UInt8 = 1 << 7
  /// SYS_CTRL1 (04h): converter on, thermistor instead of the die.
  static let measuring: UInt8 = 1 << 4 | 1 << 3
  /// SYS_CTRL1: all but LOAD_PRESENT, which the chip sets.
  static let control1Mask: UInt8 = 0x7F
  /// SYS_CTRL2 (05h).
  static let countingCharge: UInt8 = 1 << 6
  static let dischargeOn: UInt8 = 1 << 1
  static let chargeOn: UInt8 = 1 << 0
  /// CC_CFG (0Bh): the datasheet asks for this value. The chip starts with 0, so it also tells
  /// whether the chip was reset.
  static let chargeCounterSetting: UInt8 = 0x19
}

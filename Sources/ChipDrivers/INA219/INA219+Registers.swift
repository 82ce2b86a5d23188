// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; INA219 datasheet table 2 and section 8.6.
extension INA219 {
  enum Register {
    static let configuration: UInt8 = 0x00
    static let shuntVoltage: UInt8 = 0x01
    static let busVoltage: UInt8 = 0x02
    static let power: UInt8 = 0x03
    static let calibration: UInt8 = 0x05
  }

  /// Configuration (00h).
  enum ConfigurationBits {
    static let reset: UInt16 = 1 << 15
    /// BRNG is left at 0, a full scale of 16 V. A reset sets it to 32 V; the register is read with
    /// every measurement, so a brown-out shows.
    static let gainShift: UInt16 = 11
    static let busAveragingShift: UInt16 = 7
    static let shuntAveragingShift: UInt16 = 3
    static let shuntAndBusContinuous: UInt16 = 7
    static let atReset: UInt16 = 0x399F
  }

  /// Bus voltage (02h).
  enum BusBits {
    static let conversionReady: UInt16 = 1 << 1
    static let mathOverflow: UInt16 = 1 << 0
    static let reserved: UInt16 = 1 << 2
  }

  /// CURRENT = SHUNT · CAL / 4096: with 4096 CURRENT equals SHUNT, and neither CURRENT nor POWER can
  /// overflow. The driver takes the current from SHUNT; CAL serves other readers of the bus.
  static let unityCalibration: UInt16 = 4_096
  static let calibrationAtReset: UInt16 = 0
}

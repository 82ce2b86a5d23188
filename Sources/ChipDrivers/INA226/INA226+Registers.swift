// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; INA226 datasheet table 7-1 and section 7.6.
extension INA226 {
  enum Register {
    static let configuration: UInt8 = 0x00
    static let shuntVoltage: UInt8 = 0x01
    static let busVoltage: UInt8 = 0x02
    static let calibration: UInt8 = 0x05
    static let maskAndEnable: UInt8 = 0x06
    static let manufacturerIdentity: UInt8 = 0xFE
    static let dieIdentity: UInt8 = 0xFF
  }

  /// "TI".
  static let manufacturerIdentity: UInt16 = 0x5449
  /// The upper twelve bits; the lower four are the revision (compatible parts show 0x2261).
  static let dieIdentity: UInt16 = 0x2260
  static let dieIdentityMask: UInt16 = 0xFFF0

  /// Configuration (00h).
  enum ConfigurationBits {
    static let reset: UInt16 = 1 << 15
    /// Bits 14…12 read 100b.
    static let reserved: UInt16 = 0x4000
    static let shuntAndBusContinuous: UInt16 = 7
    static let atReset: UInt16 = 0x4127
  }

  /// CURRENT = SHUNT · CAL / 2048: with 2048 CURRENT equals SHUNT, and neither CURRENT nor POWER
  /// can overflow. The driver takes the current from SHUNT; CAL serves other readers of the bus.
  static let unityCalibration: UInt16 = 2_048
  static let calibrationAtReset: UInt16 = 0

  /// Mask/Enable (06h).
  enum MaskBits {
    /// LEN. No alert function is selected, so there is nothing to latch; but a reset clears it, and
    /// the register is read with every measurement: a brown-out shows without an extra transfer.
    static let marker: UInt16 = 1 << 0
    /// SOL, SUL, BOL, BUL, POL, CNVR, APOL, LEN: what a write sets.
    static let controls: UInt16 = 0xFC03
    static let mathOverflow: UInt16 = 1 << 2
    static let conversionReady: UInt16 = 1 << 3
  }
}

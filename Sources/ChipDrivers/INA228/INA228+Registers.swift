// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; INA228 datasheet SLYS021A, section 7.6.
extension INA228 {
  enum Register {
    static let configuration: UInt8 = 0x00
    static let converterConfiguration: UInt8 = 0x01
    static let shuntCalibration: UInt8 = 0x02
    static let shuntVoltage: UInt8 = 0x04
    static let busVoltage: UInt8 = 0x05
    static let dieTemperature: UInt8 = 0x06
    static let charge: UInt8 = 0x0A
    static let diagnosticsAndAlert: UInt8 = 0x0B
    static let manufacturerIdentity: UInt8 = 0x3E
    static let deviceIdentity: UInt8 = 0x3F
  }

  /// "TI".
  static let manufacturerIdentity: UInt16 = 0x5449
  /// The upper twelve bits; the lower four are the revision (0x2281 is seen on silicon).
  static let deviceIdentity: UInt16 = 0x2280
  static let deviceIdentityMask: UInt16 = 0xFFF0

  /// CONFIG (00h).
  enum ConfigurationBits {
    static let reset: UInt16 = 1 << 15
    static let resetAccumulators: UInt16 = 1 << 14
    static let narrowRange: UInt16 = 1 << 4
    static let atReset: UInt16 = 0x0000
  }

  /// ADC_CONFIG (01h).
  enum ConverterBits {
    /// Bus, shunt and temperature, continuously: the accumulators run only in continuous modes.
    static let continuousAll: UInt16 = 0xF << 12
    static let atReset: UInt16 = 0xFB68
  }

  /// DIAG_ALRT (0Bh).
  enum DiagnosticBits {
    /// SLOWALERT. No limit is set here, so it changes nothing; but a reset clears it, and the
    /// register is read with every measurement: a brown-out shows without an extra transfer.
    static let marker: UInt16 = 1 << 13
    /// ALATCH, CNVR, SLOWALERT, APOL: what a write sets.
    static let controls: UInt16 = 0xF000
    static let mathOverflow: UInt16 = 1 << 9
    static let conversionReady: UInt16 = 1 << 1
    static let memoryIntact: UInt16 = 1 << 0
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; TMP117 datasheet section 7.6.
extension TMP117 {
  enum Register {
    static let temperature: UInt8 = 0x00
    static let configuration: UInt8 = 0x01
    static let deviceIdentity: UInt8 = 0x0F
  }

  /// The lower twelve bits; the upper four are the revision.
  static let deviceIdentity: UInt16 = 0x0117
  static let deviceIdentityMask: UInt16 = 0x0FFF

  /// The temperature register before the first conversion; it would read −256 °C.
  static let beforeFirstConversion: UInt16 = 0x8000

  /// Configuration (01h). Continuous conversion is 0 in bits 11…10.
  enum ConfigurationBits {
    static let dataReady: UInt16 = 1 << 13
    static let memoryBusy: UInt16 = 1 << 12
    static let average8: UInt16 = 1 << 5
    /// T/nA, therm mode. The limits stay where they are, so it changes nothing that is read; but a
    /// reset clears it, and the register is read with every measurement: a brown-out shows without
    /// an extra transfer.
    static let marker: UInt16 = 1 << 4
    static let reset: UInt16 = 1 << 1
    /// MOD, CONV, AVG, T/nA, POL, DR/Alert: what a write sets.
    static let controls: UInt16 = 0x0FFC
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; ADS1115 datasheet section 9.6.
extension ADS1115 {
  enum Register {
    static let conversion: UInt8 = 0x00
    static let configuration: UInt8 = 0x01
    static let lowThreshold: UInt8 = 0x02
    static let highThreshold: UInt8 = 0x03
  }

  /// Config (01h).
  enum ConfigurationBits {
    /// Written: start a single conversion. Read: no conversion is running.
    static let operationalStatus: UInt16 = 1 << 15
    static let singleShot: UInt16 = 1 << 8
    /// COMP_QUE = 3: the comparator is off.
    static let comparatorOff: UInt16 = 3
    /// COMP_LAT. The comparator is off, so it changes nothing; but a reset clears it, and the
    /// register is read with every conversion: a brown-out shows without an extra transfer.
    static let marker: UInt16 = 1 << 2
    /// All but OS: what a write sets.
    static let controls: UInt16 = 0x7FFF
    /// Power-down, everything else 0, no conversion started.
    static let idle: UInt16 = singleShot | marker | comparatorOff
  }

  static let lowThresholdAtReset: UInt16 = 0x8000
  static let highThresholdAtReset: UInt16 = 0x7FFF
  static let conversionAtReset: UInt16 = 0x0000
}

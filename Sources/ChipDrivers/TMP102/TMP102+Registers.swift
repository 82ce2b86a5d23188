// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; TMP102 datasheet section 7.5.
extension TMP102 {
  enum Register {
    static let temperature: UInt8 = 0x00
    static let configuration: UInt8 = 0x01
  }

  /// Configuration (01h). Continuous conversion, comparator mode and active low are 0.
  enum ConfigurationBits {
    /// R1 and R0 read 11.
    static let resolution: UInt16 = 3 << 13
    /// What no write changes: R1, R0, and the lower four bits, which are 0.
    static let constants: UInt16 = resolution | 0x000F
    /// EM, the 13-bit format.
    static let extended: UInt16 = 1 << 4
    /// All but OS and AL, which the chip sets by itself.
    static let controls: UInt16 = 0x7FDF
  }

  /// Temperature (00h).
  enum TemperatureBits {
    /// The word is of the 13-bit format.
    static let extended: UInt16 = 1 << 0
    static let unused: UInt16 = 3 << 1
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; MAX17048 datasheet table 2.
extension MAX17048 {
  enum Register {
    static let cellVoltage: UInt8 = 0x02
    static let stateOfCharge: UInt8 = 0x04
    static let version: UInt8 = 0x08
    static let configuration: UInt8 = 0x0C
    static let rate: UInt8 = 0x16
    static let resetVoltage: UInt8 = 0x18
    static let status: UInt8 = 0x1A
    static let command: UInt8 = 0xFE
  }

  /// The upper twelve bits; the lower four are the revision.
  static let version: UInt16 = 0x0010
  static let versionMask: UInt16 = 0xFFF0

  /// RCOMP at its starting value, no sleep, no alert at each percent, empty alert at 4 %.
  static let configurationAtReset: UInt16 = 0x971C
  /// CONFIG: an alert; the lithium model finds a sodium cell empty before it is configured.
  static let alert: UInt16 = 1 << 5
  static let powerOnReset: UInt16 = 0x5400

  /// VRESET (18h), bits 15…9; 40 mV per step. 2.28 V is the lowest the datasheet allows.
  static let resetVoltageWord: UInt16 = 57 << 9
  /// The threshold and Dis, below it the part's identity.
  static let resetVoltageMask: UInt16 = 0xFF00

  /// STATUS (1Ah): the chip was reset and its model is the one it was made with.
  static let resetIndicator: UInt16 = 1 << 8
  /// STATUS: all causes of an alert and the reset.
  static let statusFlags: UInt16 = 0x3F00
}

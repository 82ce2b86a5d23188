// SPDX-License-Identifier: Apache-2.0

/// Register addresses and fields; MAX17055 user guide, "register description".
extension MAX17055 {
  enum Register {
    static let status: UInt8 = 0x00
    static let reportedCapacity: UInt8 = 0x05
    static let reportedStateOfCharge: UInt8 = 0x06
    static let temperature: UInt8 = 0x08
    static let cellVoltage: UInt8 = 0x09
    static let current: UInt8 = 0x0A
    static let designCapacity: UInt8 = 0x18
    static let chargeTermination: UInt8 = 0x1E
    static let deviceName: UInt8 = 0x21
    static let emptyVoltage: UInt8 = 0x3A
    static let modelStatus: UInt8 = 0x3D
    static let capacityChange: UInt8 = 0x45
    static let percentChange: UInt8 = 0x46
    static let command: UInt8 = 0x60
    static let hibernation: UInt8 = 0xBA
    static let modelConfiguration: UInt8 = 0xDB
  }

  static let deviceName: UInt16 = 0x4010
  /// Status (00h): the chip was reset.
  static let powerOnReset: UInt16 = 1 << 1
  /// FStat (3Dh): the first measurements are not done.
  static let dataNotReady: UInt16 = 1 << 0
  /// Command (60h): leave hibernation at once, and end of that.
  static let softWakeUp: UInt16 = 0x0090
  static let clearCommand: UInt16 = 0x0000
  /// HibCfg (BAh). It is put back to this and not to what was found, which is 0 if an earlier
  /// configuration broke off.
  static let hibernationAtReset: UInt16 = 0x870C
  /// ModelCfg (DBh): load the model. It clears itself when that is done. VChg stays 0, for a charge to
  /// at most 4.275 V.
  static let refresh: UInt16 = 1 << 15
}

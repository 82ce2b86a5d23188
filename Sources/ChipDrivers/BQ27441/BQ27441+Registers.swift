// SPDX-License-Identifier: Apache-2.0

/// Commands, subcommands and data memory; technical reference manuals SLUUBD4A (BQ27441-G1) and
/// SLUUCD5 (BQ27427).
extension BQ27441 {
  enum Command {
    static let control: UInt8 = 0x00
    static let temperature: UInt8 = 0x02
    static let voltage: UInt8 = 0x04
    static let flags: UInt8 = 0x06
    static let remainingCapacity: UInt8 = 0x0C
    static let averageCurrent: UInt8 = 0x10
    static let stateOfCharge: UInt8 = 0x1C
    /// DataClass and DataBlock, in one write.
    static let dataClass: UInt8 = 0x3E
    static let blockData: UInt8 = 0x40
    static let blockDataChecksum: UInt8 = 0x60
    static let blockDataControl: UInt8 = 0x61
  }

  enum Subcommand {
    static let deviceType: UInt16 = 0x0001
    static let setConfigUpdate: UInt16 = 0x0013
    static let sealed: UInt16 = 0x0020
    static let softReset: UInt16 = 0x0042
    /// Written twice, with nothing in between.
    static let unseal: UInt16 = 0x8000
  }

  enum Flag {
    static let discharging: UInt16 = 1 << 0
    static let batteryDetected: UInt16 = 1 << 3
    static let configUpdate: UInt16 = 1 << 4
    /// The chip was reset: what was configured is lost.
    static let powerOnReset: UInt16 = 1 << 5
  }

  /// Class 82, State.
  static let stateClass: UInt8 = 82
  /// Class 105, CC Cal; the gain is four bytes from offset 4 on, its sign is bit 7 of the second.
  static let calibrationClass: UInt8 = 105
  static let gainSignOffset = 5
  static let gainSign: UInt8 = 0x80
}

extension BQ27441.Model {
  var deviceType: UInt16 {
    switch self {
    case .bq27441: 0x0421
    case .bq27427: 0x0427
    }
  }

  /// Where class 82 has Design Capacity, followed by Design Energy.
  var designCapacityOffset: Int {
    switch self {
    case .bq27441: 10
    case .bq27427: 6
    }
  }

  /// Where class 82 has Terminate Voltage.
  var terminateVoltageOffset: Int {
    switch self {
    case .bq27441: 16
    case .bq27427: 10
    }
  }
}

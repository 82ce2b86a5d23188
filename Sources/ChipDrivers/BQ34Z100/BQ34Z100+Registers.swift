// SPDX-License-Identifier: Apache-2.0

/// Commands, subcommands and data flash; technical reference manual SLUUBW5A.
extension BQ34Z100 {
  enum Command {
    static let control: UInt8 = 0x00
    /// One byte; the next one is MaxError.
    static let stateOfCharge: UInt8 = 0x02
    static let remainingCapacity: UInt8 = 0x04
    static let voltage: UInt8 = 0x08
    static let temperature: UInt8 = 0x0C
    static let current: UInt8 = 0x10
    static let designCapacity: UInt8 = 0x3C
    /// DataFlashClass and Block, in one write.
    static let dataClass: UInt8 = 0x3E
    static let blockData: UInt8 = 0x40
    static let blockDataChecksum: UInt8 = 0x60
    static let blockDataControl: UInt8 = 0x61
  }

  enum Subcommand {
    static let controlStatus: UInt16 = 0x0000
    static let deviceType: UInt16 = 0x0001
    static let sealed: UInt16 = 0x0020
    static let enableGauging: UInt16 = 0x0021
    /// Written one after the other, with nothing in between.
    static let firstKey: UInt16 = 0x0414
    static let secondKey: UInt16 = 0x3672
  }

  static let deviceType: UInt16 = 0x0100
  /// CONTROL_STATUS: the gauge counts and learns.
  static let isGauging: UInt16 = 1 << 0

  /// A number in a block of the data flash, most significant byte first.
  struct Field {
    let offset: Int
    let isWord: Bool
    let value: UInt16
  }

  /// The blocks that are told of the pack.
  enum Block: UInt8, Equatable, Sendable {
    case design
    case cells
    case gauging
    case calibration

    /// Class, then the number of its block of 32 bytes: the two bytes of one write.
    var place: UInt16 {
      switch self {
      case .design: 48 << 8
      case .cells: 64 << 8
      // Offset 53 is in the second block.
      case .gauging: 80 << 8 | 1
      case .calibration: 104 << 8
      }
    }

    var next: Block? { Block(rawValue: rawValue + 1) }
  }

  /// What a block is told: Design Capacity and Design Energy, # of Series Cells, Cell Terminate Voltage,
  /// Voltage Divider.
  func fields(of block: Block) -> InlineArray<2, Field?> {
    switch block {
    case .design:
      [
        Field(
          offset: 11, isWord: true, value: UInt16(bitPattern: configuration.designCapacity)),
        Field(offset: 13, isWord: true, value: UInt16(bitPattern: configuration.designEnergy)),
      ]
    case .cells:
      [Field(offset: 7, isWord: false, value: UInt16(configuration.seriesCells)), nil]
    case .gauging:
      [
        Field(
          offset: 53 - 32, isWord: true,
          value: UInt16(bitPattern: configuration.terminateVoltage)), nil,
      ]
    case .calibration:
      [Field(offset: 14, isWord: true, value: configuration.voltageDivider), nil]
    }
  }
}

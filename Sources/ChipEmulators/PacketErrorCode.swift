// SPDX-License-Identifier: Apache-2.0

/// The running CRC-8 of SMBus, polynomial 07h, which the BQ769x0 uses, too.
struct PacketErrorCode: Sendable {
  private static let table: [UInt8] = (0...255).map { (index: Int) -> UInt8 in
    (0..<8).reduce(UInt8(index)) { rest, _ in rest >= 0x80 ? (rest << 1) ^ 0x07 : rest << 1 }
  }

  private(set) var value: UInt8 = 0

  /// Takes one more byte of the frame.
  mutating func add(_ byte: UInt8) { value = Self.table[Int(value ^ byte)] }

  /// Begins a new frame.
  mutating func restart() { value = 0 }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// Fujitsu MB85RC256V: 32 KiB of ferroelectric memory, written as fast as the bus, 10^12 times.
///
/// Nothing has to be waited for and there are no pages. A write that fails may have stored a leading
/// part of its bytes: what is kept here needs a checksum and two copies.
public struct MB85RC256V: Equatable, Sendable {
  /// The size of the memory. Unit: bytes.
  public static let capacity: Int32 = 32_768
  /// How often a byte can be written or read (datasheet, "read/write endurance").
  public static let writeCycles: Int64 = 1_000_000_000_000
  /// The most that one `write` takes; the buffer is on the stack. Unit: bytes.
  public static let longestWrite = 32

  /// Where the chip answers.
  public let address: I2CAddress

  /// Makes a driver; nothing is sent.
  ///
  /// - Parameter address: 0x50…0x57 by the pins A0…A2.
  public init(address: I2CAddress) {
    self.address = address
  }

  /// Checks the three bytes of the device's identity, at a reserved address of the bus.
  ///
  /// - Throws: `.unexpectedIdentity` with the last two bytes, product and density, or, if those are
  ///   right, with the first two; `.bus`.
  public func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    // The reserved address 0xF8 (7 bits: 0x7C) takes the chip's own address byte, then answers.
    let target: InlineArray<1, UInt8> = [address.rawValue << 1]
    var identity: InlineArray<3, UInt8> = [0, 0, 0]
    do {
      var buffer = identity.mutableSpan
      try bus.transfer(with: I2CAddress(0x7C), writing: target.span, reading: &buffer)
    } catch {
      throw .bus(error)
    }
    try expect(MB85RC256V.productIdentity, UInt16(identity[1]) << 8 | UInt16(identity[2]))
    try expect(MB85RC256V.makerIdentity, UInt16(identity[0]) << 8 | UInt16(identity[1]))
  }

  /// Fills `buffer` from `position` on.
  ///
  /// `position` and `buffer.count` must lie inside the memory; anything else traps.
  public func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    MemoryPosition.require(position, count: buffer.count, capacity: MB85RC256V.capacity)
    try bus.readMemory(at: address, from: position, into: &buffer)
  }

  /// Stores `bytes` from `position` on, in one transfer.
  ///
  /// `position` and 1…`longestWrite` bytes must lie inside the memory; anything else traps. A failure
  /// may have stored some of the bytes; the call may be repeated.
  public func write<Bus: I2CBus & ~Copyable>(
    _ bytes: Span<UInt8>, to position: Int32, on bus: inout Bus
  ) throws(ChipError) {
    MemoryPosition.require(position, count: bytes.count, capacity: MB85RC256V.capacity)
    precondition(1...MB85RC256V.longestWrite ~= bytes.count, "a write has 1…32 bytes")
    try bus.writeMemory(at: address, bytes, to: position)
  }

  /// Manufacturer 00Ah, product 510h (density 5): bytes 00 A5 10.
  private static let makerIdentity: UInt16 = 0x00A5
  private static let productIdentity: UInt16 = 0xA510

  private func expect(_ expected: UInt16, _ found: UInt16) throws(ChipError) {
    guard found == expected else { throw .unexpectedIdentity(expected: expected, found: found) }
  }
}

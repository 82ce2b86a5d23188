// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Microchip AT24C32: 4 KiB of EEPROM in pages of 32 bytes, 10^6 writes a page.
///
/// After a write the chip is busy for up to 20 ms and acknowledges nothing. The driver never waits:
/// `write` refuses while the chip is busy, and `isReady(on:at:)` asks it in a later tick. A write that
/// is cut off by a power failure leaves its page undefined: what is kept here needs a checksum and two
/// copies in different pages.
public struct AT24C32: Equatable, Sendable {
  /// The size of the memory. Unit: bytes.
  public static let capacity: Int32 = 4_096
  /// A write that reaches the end of a page would go on at its beginning. Unit: bytes.
  public static let pageSize: Int32 = 32
  /// How often a page can be written, at 25 °C (datasheet, "endurance").
  public static let writeCycles: Int64 = 1_000_000
  /// The longest write cycle of any maker (tWR). Unit: µs.
  public static let longestWriteMicroseconds: Int64 = 20_000

  /// Where the chip answers.
  public let address: I2CAddress

  /// When the last write was sent, while its end is not known.
  private var busySince: MonotonicTime?

  /// Makes a driver; nothing is sent.
  ///
  /// - Parameter address: 0x50…0x57 by the pins A0…A2.
  public init(address: I2CAddress) {
    self.address = address
  }

  /// Whether the chip has finished its last write: asks it to acknowledge.
  ///
  /// - Throws: `.bus` if it still refuses after the longest write cycle, or for any other failure.
  public mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    guard let busySince else { return true }
    // The position is set to 0; a read always sends its own.
    let pointer: InlineArray<2, UInt8> = [0, 0]
    do {
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: address, writing: pointer.span, reading: &nothing)
    } catch .noAcknowledge where !isOverdue(since: busySince, at: time) {
      return false
    } catch {
      throw .bus(error)
    }
    self.busySince = nil
    return true
  }

  /// Fills `buffer` from `position` on.
  ///
  /// `position` and `buffer.count` must lie inside the memory; anything else traps.
  ///
  /// - Throws: `.busy` while a write may still run, `.bus`.
  public func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    MemoryPosition.require(position, count: buffer.count, capacity: AT24C32.capacity)
    guard busySince == nil else { throw .busy }
    try bus.readMemory(at: address, from: position, into: &buffer)
  }

  /// Sends `bytes` to `position`; the chip then stores them.
  ///
  /// 1…32 bytes must lie inside one page; anything else traps. After a failure some of the bytes may
  /// be stored, and the chip may be busy; the call may be repeated once `isReady(on:at:)`.
  ///
  /// - Throws: `.busy` while an earlier write may still run, `.bus`.
  public mutating func write<Bus: I2CBus & ~Copyable>(
    _ bytes: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    MemoryPosition.require(position, count: bytes.count, capacity: AT24C32.capacity)
    let inPage = position % AT24C32.pageSize
    precondition(
      bytes.count >= 1 && Int64(inPage) + Int64(bytes.count) <= Int64(AT24C32.pageSize),
      "a write has at least one byte and stays inside its page")
    guard busySince == nil else { throw .busy }
    busySince = time
    try bus.writeMemory(at: address, bytes, to: position)
  }

  private func isOverdue(since start: MonotonicTime, at time: MonotonicTime) -> Bool {
    time.microseconds(since: start) > AT24C32.longestWriteMicroseconds
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import BusProtocols

/// Byte access with a two-byte position, most significant first, as serial memories have it
/// (MB85RC256V and AT24C32 datasheets, "byte write", "page write", "random read").
extension I2CBus where Self: ~Copyable {
  /// Fills `buffer` from `position` on, in one transaction with a repeated start.
  mutating func readMemory(
    at address: I2CAddress, from position: Int32, into buffer: inout MutableSpan<UInt8>
  ) throws(ChipError) {
    let pointer: InlineArray<2, UInt8> = [
      UInt8(truncatingIfNeeded: position >> 8), UInt8(truncatingIfNeeded: position),
    ]
    do {
      try transfer(with: address, writing: pointer.span, reading: &buffer)
    } catch {
      throw .bus(error)
    }
  }

  /// Sends up to 32 bytes to `position`.
  mutating func writeMemory(
    at address: I2CAddress, _ bytes: Span<UInt8>, to position: Int32
  ) throws(ChipError) {
    var frame = InlineArray<34, UInt8>(repeating: 0)
    frame[0] = UInt8(truncatingIfNeeded: position >> 8)
    frame[1] = UInt8(truncatingIfNeeded: position)
    for index in 0..<bytes.count { frame[2 + index] = bytes[index] }
    do {
      var nothing = MutableSpan<UInt8>()
      try transfer(
        with: address, writing: frame.span.extracting(0..<2 + bytes.count), reading: &nothing)
    } catch {
      throw .bus(error)
    }
  }
}

/// Where a memory may be accessed.
enum MemoryPosition {
  /// Traps unless `count` bytes from `position` on are inside: a programmer's error.
  static func require(_ position: Int32, count: Int, capacity: Int32) {
    precondition(
      position >= 0 && Int64(position) + Int64(count) <= Int64(capacity), "outside the memory")
  }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import Quantities

/// Memory that keeps its bytes without power, written slice by slice.
///
/// Contract for implementations: nothing waits; a write that fails, or that a power cut breaks off,
/// may leave anything in its own slice and changes nothing outside it. Memories that are not on the
/// bus ignore it; their failures are `.bus(.system)` with the error's number.
public protocol NonvolatileMemory: ~Copyable {
  /// How many bytes there are.
  static var capacity: Int32 { get }
  /// A write lies within a multiple of this many bytes and the next one.
  static var sliceSize: Int32 { get }

  /// Whether what was written before is stored, so that the memory can be read and written.
  mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool

  /// Fills `buffer` from `position` on; outside the memory it traps.
  mutating func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError)

  /// Begins to store `bytes` at `position`, at least one and within one slice; else it traps.
  mutating func write<Bus: I2CBus & ~Copyable>(
    _ bytes: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError)

  /// Says that the slices written so far belong together; a memory that stores all at once does so now.
  mutating func commit() throws(ChipError)
}

extension NonvolatileMemory where Self: ~Copyable {
  /// Most memories have stored every slice by then.
  public mutating func commit() throws(ChipError) {}
}

/// No memory at all: the firmware begins anew at every start.
public struct NoMemory: NonvolatileMemory, Sendable {
  /// Nothing.
  public static var capacity: Int32 { 0 }
  /// Of no meaning.
  public static var sliceSize: Int32 { 32 }

  /// Makes none.
  public init() {}

  /// Always.
  public mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool { true }

  /// Not called: there is nothing to read.
  public mutating func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) { throw .notConfigured }

  /// Not called: there is nowhere to write.
  public mutating func write<Bus: I2CBus & ~Copyable>(
    _ bytes: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) { throw .notConfigured }
}

extension AT24C32: NonvolatileMemory {
  /// A page: within it a write cannot wrap.
  public static var sliceSize: Int32 { pageSize }
}

extension MB85RC256V: NonvolatileMemory {
  /// What one transfer takes.
  public static var sliceSize: Int32 { Int32(longestWrite) }

  /// Always: a byte is stored when it is acknowledged.
  public mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool { true }

  /// Stores `bytes` at `position`; see `write(_:to:on:)`.
  public mutating func write<Bus: I2CBus & ~Copyable>(
    _ bytes: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    try write(bytes, to: position, on: &bus)
  }
}

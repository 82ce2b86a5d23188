// SPDX-License-Identifier: Apache-2.0

/// The 7-bit address of a target on an I2C bus.
public struct I2CAddress: Equatable, Hashable, Sendable {
  /// The address without the read/write bit, 0x00…0x7F.
  public let rawValue: UInt8

  /// Makes an address; `rawValue` above 0x7F is a programmer's error and traps.
  @inlinable public init(_ rawValue: UInt8) {
    precondition(rawValue <= 0x7F, "an I2C address has 7 bits")
    self.rawValue = rawValue
  }
}

/// Why a transfer failed.
///
/// A failed transfer never yields data.
public enum I2CError: Error, Equatable, Sendable {
  /// No target acknowledged the address, or it refused a written byte.
  case noAcknowledge
  /// Another controller won the bus.
  case arbitrationLost
  /// The transfer took too long: clock stretched past the limit.
  case timedOut
  /// A line is held low; no transfer can start.
  case busStuck
  /// Fewer bytes moved than asked for.
  case shortTransfer
  /// The adapter cannot do this kind of transfer.
  case unsupported
  /// Any other system error, by its errno.
  case system(Int32)
}

/// A bus on which the holder is the controller.
///
/// One `transfer` is one bus transaction, in the order of the wire:
///
///     write only:   S address+W A  byte A … byte A  P
///     read only:    S address+R A  byte A … byte N  P
///     write, read:  S address+W A  byte A … Sr address+R A  byte A … byte N  P
///
/// Contract for implementations: all bytes move or an error is thrown; on an error the read buffer's
/// content is meaningless and callers must not use it. Nothing is retried here: policy lives above.
/// At most one write and one read, as the Raspberry Pi's controller demands.
public protocol I2CBus: ~Copyable {
  /// Performs one transaction with the target at `address`.
  ///
  /// - Parameters:
  ///   - address: the target.
  ///   - bytes: what to write first; empty for a read-only transaction.
  ///   - buffer: filled completely by the read phase; empty for a write-only transaction.
  /// - Throws: `I2CError`; the target may have taken part of the written bytes.
  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError)
}

/// An output line, such as the enable pin of a charge or discharge switch.
public protocol DigitalOutput: ~Copyable {
  /// Drives the line; `true` is the active state, whatever its electrical level.
  mutating func set(_ active: Bool)
  /// Drives a path through a resistor beside a switch, which fills a load's capacitors before the switch
  /// itself closes; does nothing where there is none.
  mutating func setPrecharge(_ active: Bool)
}

extension DigitalOutput where Self: ~Copyable {
  /// Does nothing: most switches have no such path.
  @inlinable public mutating func setPrecharge(_ active: Bool) {}
}

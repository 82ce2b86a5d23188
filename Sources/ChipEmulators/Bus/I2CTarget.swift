// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// Which way bytes move after an address byte, as the controller sees it.
public enum I2CDirection: Equatable, Sendable {
  /// The controller sends.
  case write
  /// The target sends.
  case read
}

/// An emulated chip, seen as byte events on the wire.
///
/// Nothing here depends on how the bytes arrive: the same chip sits on an `EmulatedI2CBus` or behind
/// a back end that serves a virtual machine.
public protocol I2CTarget: AnyObject {
  /// The address the chip answers to.
  var address: I2CAddress { get }
  /// Whether the chip is wired and powered; an absent chip acknowledges nothing.
  var isPresent: Bool { get }
  /// A start or repeated start with this chip's address.
  ///
  /// A multi-byte register is latched here, so that one read phase never mixes two results.
  ///
  /// - Returns: whether the chip acknowledges.
  func start(_ direction: I2CDirection) -> Bool
  /// A byte from the controller.
  ///
  /// - Returns: whether the chip acknowledges.
  func receive(_ byte: UInt8) -> Bool
  /// The next byte to the controller.
  func transmit() -> UInt8
  /// The stop condition that ends the transaction.
  func stop()
  /// The second byte of a general call (address 0x00), such as 0x06, reset.
  ///
  /// - Returns: whether the chip acknowledges.
  func generalCall(_ command: UInt8) -> Bool
}

extension I2CTarget {
  /// Most chips ignore the general call.
  public func generalCall(_ command: UInt8) -> Bool { false }
}

// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated MB85RC256V: 32 KiB of ferroelectric memory.
///
/// A byte is stored as soon as it is acknowledged, so a transfer or a supply that breaks off leaves
/// what came before it. Datasheet, pages 5 to 10; what it leaves open is marked "unverified".
public final class MB85RC256VEmulator: I2CTarget {
  /// The address the chip answers to, 0x50…0x57.
  public let address: I2CAddress
  /// Whether the chip is wired and powered; the memory keeps its content without supply.
  public var isPresent = true
  /// The pin WP: bytes are acknowledged and dropped (unverified).
  public var isWriteProtected = false
  /// The memory, 32,768 bytes; a new part holds zeros (unverified).
  public var memory = [UInt8](repeating: 0, count: 32_768)
  /// How many bytes were stored, for what wears it: 10^12 are allowed on each.
  public private(set) var bytesWritten: Int64 = 0

  private var position = 0
  private var received = 0

  /// Makes a chip.
  public init(address: I2CAddress) { self.address = address }

  /// Takes the supply away and gives it back: only the position is lost (unverified: to zero).
  public func powerCycle() {
    position = 0
    received = 0
  }

  /// A write begins with the position; a read goes on from it.
  public func start(_ direction: I2CDirection) -> Bool {
    if direction == .write { received = 0 }
    return true
  }

  /// Takes the two bytes of the position, bit 15 of which is ignored, then the content.
  public func receive(_ byte: UInt8) -> Bool {
    switch received {
    case 0: position = Int(byte & 0x7F) << 8 | position & 0xFF
    case 1: position = position & 0x7F00 | Int(byte)
    default:
      if !isWriteProtected {
        memory[position] = byte
        bytesWritten += 1
      }
      advance()
    }
    received = min(received + 1, 2)
    return true
  }

  /// The byte at the position, which then moves on.
  public func transmit() -> UInt8 {
    let byte = memory[position]
    advance()
    return byte
  }

  /// Nothing ends with the stop condition.
  public func stop() {}

  /// From the last byte to the first.
  private func advance() { position = (position + 1) & 0x7FFF }
}

/// The identity of an `MB85RC256VEmulator`, which has a reserved address of the bus: attach it beside
/// the chip. With several such chips on a bus only one can be attached.
public final class MB85RC256VIdentity: I2CTarget {
  /// 0xF8 with the read/write bit.
  public let address = I2CAddress(0x7C)
  /// Manufacturer 00Ah, product 510h.
  public var identity: [UInt8] = [0x00, 0xA5, 0x10]

  private let chip: MB85RC256VEmulator
  private var isSelected = false
  private var next = 0

  /// Makes the identity of `chip`.
  public init(of chip: MB85RC256VEmulator) { self.chip = chip }

  /// As present as its chip.
  public var isPresent: Bool { chip.isPresent }

  /// A read is answered after a write that named the chip.
  public func start(_ direction: I2CDirection) -> Bool {
    if direction == .write { isSelected = false }
    next = 0
    return direction == .write || isSelected
  }

  /// Takes the chip's address; its read/write bit is ignored.
  public func receive(_ byte: UInt8) -> Bool {
    isSelected = byte >> 1 == chip.address.rawValue
    return isSelected
  }

  /// The three bytes, again and again.
  public func transmit() -> UInt8 {
    defer { next = (next + 1) % identity.count }
    return identity[next]
  }

  /// Ends the selection.
  public func stop() { isSelected = false }
}

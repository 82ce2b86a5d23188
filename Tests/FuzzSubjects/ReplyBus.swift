// SPDX-License-Identifier: Apache-2.0

import BusProtocols

/// A bus whose chips reply with the bytes it is given.
///
/// Before each transfer a byte decides: a low one makes it fail, a high one takes the reply from the
/// bytes too, and one between gives back what was last written to the register, so that a driver also
/// gets past its own checks. Where the bytes end, nothing answers.
struct ReplyBus: I2CBus, ~Copyable {
  private let bytes: [UInt8]
  private var next = 0
  private var pointer: UInt8 = 0
  private var registers: [UInt8: [UInt8]]

  /// A bus with the identity of one of the chips of `readDrivers`.
  init(_ bytes: [UInt8], identityOf chip: UInt8) {
    self.bytes = bytes
    registers =
      switch chip {
      case 0: [0x3E: [0x54, 0x49], 0x3F: [0x22, 0x81]]
      case 1: [0xFE: [0x54, 0x49], 0xFF: [0x22, 0x60]]
      case 3: [0x0F: [0x01, 0x17]]
      case 6: [0x08: [0x00, 0x12]]
      case 7: [0x21: [0x10, 0x40]]
      default: [:]
      }
  }

  var isAtEnd: Bool { next >= bytes.count }

  private mutating func take() -> UInt8 {
    defer { next += 1 }
    return next < bytes.count ? bytes[next] : 0
  }

  mutating func transfer(
    with address: I2CAddress, writing written: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    if isAtEnd { throw .noAcknowledge }
    let way = take()
    switch way {
    case 0: throw .noAcknowledge
    case 1: throw .arbitrationLost
    case 2: throw .timedOut
    case 3: throw .busStuck
    case 4: throw .shortTransfer
    case 5: throw .unsupported
    case 6: throw .system(Int32(take()))
    default: break
    }
    if written.count > 0 {
      pointer = written[0]
      if written.count > 1 {
        registers[pointer] = (1..<written.count).map { written[$0] }
      }
    }
    for index in 0..<buffer.count {
      let held = registers[pointer].flatMap { index < $0.count ? $0[index] : nil }
      if way < 128, let held { buffer[index] = held } else { buffer[index] = take() }
    }
  }
}

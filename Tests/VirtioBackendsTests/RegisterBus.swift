// SPDX-License-Identifier: Apache-2.0

import BusProtocols

/// A chip at 0x40 with 256 bytes behind a pointer; it writes down what happens on the wire.
final class RegisterBus: I2CBus {
  var registers = [UInt8](repeating: 0, count: 256)
  var log: [String] = []
  private var pointer: UInt8 = 0

  func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    log.append("\(address.rawValue): \(bytes.count) \(buffer.count)")
    guard address.rawValue == 0x40 else { throw .noAcknowledge }
    if !bytes.isEmpty { pointer = bytes[0] }
    for index in 0..<bytes.count where index > 0 {
      registers[Int(pointer)] = bytes[index]
      pointer &+= 1
    }
    for index in 0..<buffer.count {
      buffer[index] = registers[Int(pointer)]
      pointer &+= 1
    }
  }
}

/// A message's header, as Linux writes it.
func header(_ address: UInt8, followed: Bool = false, reads: Bool = false) -> [UInt8] {
  [address << 1, 0, 0, 0, (followed ? 1 : 0) | (reads ? 2 : 0), 0, 0, 0]
}

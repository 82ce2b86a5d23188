// SPDX-License-Identifier: Apache-2.0

/// Reading and writing registers over the bus: words at even addresses, most significant byte first;
/// the pointer moves on by bytes.
extension MAX17048State {
  mutating func start(_ direction: I2CDirection) {
    switch direction {
    case .write: received = 0
    case .read: latched = word(at: pointer)
    }
  }

  mutating func transmit() -> UInt8 {
    let byte = UInt8(truncatingIfNeeded: pointer & 1 == 0 ? latched >> 8 : latched)
    pointer &+= 1
    if pointer & 1 == 0 { latched = word(at: pointer) }
    return byte
  }

  private func word(at address: UInt8) -> UInt16 {
    switch address & 0xFE {
    case 0x02: voltageCode
    case 0x04: chargeCode
    case 0x08: 0x0012
    case 0x0A: hibernation
    case 0x0C: config
    case 0x14: voltageAlert
    case 0x16: UInt16(bitPattern: rateCode)
    case 0x18: resetVoltage
    case 0x1A: status
    default: 0xFFFF  // unverified: MODE, CMD, TABLE and what is reserved
    }
  }

  mutating func receive(_ byte: UInt8) -> Bool {
    defer { received += 1 }
    if received == 0 {
      pointer = byte
      return true
    }
    if pointer & 1 == 0 {
      high = byte
      pointer &+= 1
      return true
    }
    let address = pointer & 0xFE
    pointer &+= 1
    return write(UInt16(high) << 8 | UInt16(byte), to: address)
  }

  /// Takes a word; false if the chip reset itself over it.
  private mutating func write(_ word: UInt16, to address: UInt8) -> Bool {
    switch address {
    case 0x06: writeMode(word)
    case 0x0A: hibernation = word
    // ALRT can only be cleared.
    case 0x0C: config = word & 0xFFDF | word & config & 0x0020
    case 0x14: voltageAlert = word
    case 0x18: resetVoltage = word & 0xFF00
    // Causes can only be cleared; EnVR can be set.
    case 0x1A: status = status & word & 0x3F00 | word & 0x4000
    case 0xFE where word == 0x5400:
      reset()
      return false
    default: break
    }
    return true
  }

  /// QuickStart: the next measurement is taken for a rest voltage.
  private mutating func writeMode(_ word: UInt16) {
    mayEnableSleep = word & 0x2000 != 0
    if word & 0x4000 != 0 { modelCharge = nil }
  }
}

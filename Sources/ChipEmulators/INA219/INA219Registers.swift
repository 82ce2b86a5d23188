// SPDX-License-Identifier: Apache-2.0

/// Reading and writing registers over the bus.
extension INA219State {
  /// Latches the register under the pointer and applies what reading it does.
  mutating func latchRegister() {
    switch port.pointer {
    case 0x00: latch(Int64(config))
    case 0x01: latch(shuntCode)
    case 0x02: latch(busCode << 3 | (conversionReady ? 2 : 0) | (mathOverflow ? 1 : 0))
    case 0x03:
      latch(powerCode)
      conversionReady = false
    case 0x04: latch(currentCode)
    case 0x05: latch(Int64(calibration))
    default: latch(0)  // unverified: reserved addresses read zero
    }
  }

  private mutating func latch(_ value: Int64) {
    port.latch(UInt64(UInt16(truncatingIfNeeded: value)), bytes: 2)
  }

  /// Takes a completed register write; read-only registers ignore it.
  mutating func write(_ word: RegisterPort.Word) {
    switch word.address {
    case 0x00: writeConfig(word.value)
    // Bit 0 cannot be set. The new factor counts from the next conversion on (unverified).
    case 0x05: calibration = word.value & 0xFFFE
    default: break
    }
  }

  /// Any write restarts the converter; one that does not power it down clears CNVR.
  private mutating func writeConfig(_ value: UInt16) {
    if value & 0x8000 != 0 {
      let pointer = port
      reset()
      port = pointer
      return
    }
    // Bit 14 is unused and reads zero (unverified).
    config = value & 0x3FFF
    if !isPoweredDown { conversionReady = false }
    isConverting = !isPoweredDown
    clock.restart()
  }
}

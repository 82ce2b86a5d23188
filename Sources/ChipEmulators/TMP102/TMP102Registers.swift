// SPDX-License-Identifier: Apache-2.0

/// Reading and writing registers over the bus.
extension TMP102State {
  /// Latches the register under the pointer; in interrupt mode any read ends the alert.
  mutating func latchRegister() {
    switch port.pointer & 0x03 {
    case 0x0: latch(isExtended ? UInt16(truncatingIfNeeded: code) << 3 | 1 : shortWord)
    case 0x1: latch(configWord)
    case 0x2: latch(lowLimit)
    default: latch(highLimit)
    }
    if isInterrupt { alertIsActive = false }
  }

  /// Changing the format keeps the old result's value until the next one (unverified).
  private var shortWord: UInt16 { UInt16(truncatingIfNeeded: min(code, 2_047)) << 4 }

  /// AL shows the pin: with POL = 0 it is 1 while nothing alerts. OS reads 1 while no single
  /// conversion runs, and in continuous mode 0 (unverified).
  private var configWord: UInt16 {
    config | (alertLevel ? 0x0020 : 0) | (isShutDown && !isConverting ? 0x8000 : 0)
  }

  private mutating func latch(_ value: UInt16) { port.latch(UInt64(value), bytes: 2) }

  /// Takes a completed register write; the temperature is read-only.
  mutating func write(_ word: RegisterPort.Word) {
    switch word.address & 0x03 {
    case 0x1: writeConfig(word.value)
    case 0x2: lowLimit = word.value
    case 0x3: highLimit = word.value
    default: break
    }
  }

  /// A new rate, a wake-up or a single conversion restarts the converter; other writes do not
  /// (unverified).
  private mutating func writeConfig(_ value: UInt16) {
    let before = config
    config = value & 0x1FD0 | 0x6000
    let starts = isShutDown ? value & 0x8000 != 0 : (before ^ config) & 0x01C0 != 0
    if isShutDown, before & 0x0100 == 0 { isConverting = false }
    if starts { beginConversion() }
    if (before ^ config) & 0x0200 != 0 {
      alertIsActive = false
      awaitsLow = false
      faults = 0
    }
  }
}

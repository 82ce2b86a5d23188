// SPDX-License-Identifier: Apache-2.0

/// Reading and writing registers over the bus.
extension INA226State {
  private static let limitFunctions: UInt16 = 0xF800
  private static let readyOnPin: UInt16 = 0x0400
  private static let activeHigh: UInt16 = 0x0002
  private static let latches: UInt16 = 0x0001

  var alertIsActiveHigh: Bool { maskEnable & Self.activeHigh != 0 }
  private var alertLatches: Bool { maskEnable & Self.latches != 0 }

  /// Latches the register under the pointer and applies what reading it does.
  mutating func latchRegister(dieID: UInt16) {
    switch port.pointer {
    case 0x00: latch(config)
    case 0x01: latch(UInt16(truncatingIfNeeded: shuntCode))
    case 0x02: latch(UInt16(truncatingIfNeeded: busCode))
    case 0x03: latch(UInt16(truncatingIfNeeded: powerCode))
    case 0x04: latch(UInt16(truncatingIfNeeded: currentCode))
    case 0x05: latch(calibration)
    case 0x06: latchMaskEnable()
    case 0x07: latch(alertLimit)
    case 0xFE: latch(0x5449)
    case 0xFF: latch(dieID)
    default: latch(0)  // unverified: reserved addresses read zero
    }
  }

  private mutating func latch(_ value: UInt16) { port.latch(UInt64(value), bytes: 2) }

  private mutating func latchMaskEnable() {
    latch(
      maskEnable | (alertFunctionFlag ? 0x10 : 0) | (conversionReady ? 0x08 : 0)
        | (mathOverflow ? 0x04 : 0))
    conversionReady = false
    if alertLatches { alertFunctionFlag = false }
    updateAlert()
  }

  /// Takes a completed register write; read-only registers ignore it.
  mutating func write(_ word: RegisterPort.Word) {
    switch word.address {
    case 0x00: writeConfig(word.value)
    case 0x05: calibration = word.value & 0x7FFF
    case 0x06:
      maskEnable = word.value & 0xFC03
      updateAlert()
    case 0x07: alertLimit = word.value
    default: break
    }
  }

  /// Any write restarts the converter; one that does not power it down clears CVRF (unverified).
  private mutating func writeConfig(_ value: UInt16) {
    if value & 0x8000 != 0 {
      let pointer = port
      reset()
      port = pointer
      return
    }
    config = value & 0x0FFF | 0x4000
    if !isPoweredDown { conversionReady = false }
    isConverting = !isPoweredDown
    windowFill = 0
    shuntSum = 0
    busSum = 0
    clock.restart()
    updateAlert()
  }

  /// Compares the averaged result with the limit. Of several functions the highest bit counts.
  mutating func compare() {
    let signed = Int64(Int16(bitPattern: alertLimit))
    let unsigned = Int64(alertLimit)
    let exceeds: Bool
    switch (maskEnable & Self.limitFunctions).leadingZeroBitCount {
    case 0: exceeds = shuntCode > signed
    case 1: exceeds = shuntCode < signed
    case 2: exceeds = busCode > unsigned
    case 3: exceeds = busCode < unsigned
    case 4: exceeds = powerCode > unsigned
    default: exceeds = false
    }
    alertFunctionFlag = exceeds || (alertLatches && alertFunctionFlag)
  }

  /// Drives the pin from the flags.
  mutating func updateAlert() {
    let showsReady = maskEnable & Self.readyOnPin != 0
    let asserts = alertFunctionFlag || (showsReady && conversionReady)
    if asserts, !alertIsAsserted { alertActivations += 1 }
    alertIsAsserted = asserts
  }
}

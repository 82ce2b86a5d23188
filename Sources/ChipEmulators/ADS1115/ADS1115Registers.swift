// SPDX-License-Identifier: Apache-2.0

/// Reading and writing registers over the bus. The pointer has two bits.
extension ADS1115State {
  /// Latches the register under the pointer and applies what reading it does.
  mutating func latchRegister() {
    switch port.pointer & 3 {
    case 0:
      latch(UInt16(bitPattern: conversion))
      // A latched comparator is released by reading the result.
      if comparatorLatches { release() }
    case 1: latch(config | (isConverting ? 0 : 0x8000))
    case 2: latch(lowThreshold)
    default: latch(highThreshold)
    }
  }

  private mutating func latch(_ value: UInt16) { port.latch(UInt64(value), bytes: 2) }

  /// Takes a completed register write; the conversion register ignores it.
  mutating func write(_ word: RegisterPort.Word) {
    switch word.address & 3 {
    case 1: writeConfig(word.value)
    case 2: lowThreshold = word.value
    case 3: highThreshold = word.value
    default: break
    }
    updateAlert()
  }

  /// A running conversion ends under its old settings; OS starts one only at rest (unverified).
  private mutating func writeConfig(_ value: UInt16) {
    config = value & 0x7FFF
    if comparatorIsOff { release() }
    guard !isConverting, !isSingleShot || value & 0x8000 != 0 else { return }
    isConverting = true
    activeConfig = config
    readyIsAsserted = false
    clock.restart(delay: Self.wakeTime)
  }

  private mutating func release() {
    comparatorIsAsserted = false
    exceeding = 0
    updateAlert()
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Reading and writing registers over the bus.
extension TMP117State {
  private var memoryIsBusy: Bool { clock.now < memoryBusyUntil }

  /// Latches the register under the pointer and applies what reading it does.
  mutating func latchRegister() {
    switch port.pointer & 0x0F {
    case 0x0:
      latch(temperature)
      dataReady = false
      updateAlert()
    case 0x1: latchConfig()
    case 0x2: latch(highLimit)
    case 0x3: latch(lowLimit)
    case 0x4: latch((memoryIsUnlocked ? 0x8000 : 0) | (memoryIsBusy ? 0x4000 : 0))
    case 0x5: latch(memory.scratch.0)
    case 0x6: latch(memory.scratch.1)
    case 0x7: latch(offset)
    case 0x8: latch(memory.scratch.2)
    case 0xF: latch(0x0117)
    default: latch(0)  // unverified: reserved addresses read zero
    }
  }

  private mutating func latch(_ value: UInt16) { port.latch(UInt64(value), bytes: 2) }

  /// Reading CONFIG clears Data_Ready, and the alert flags unless they belong to a thermostat.
  private mutating func latchConfig() {
    latch(
      config | (highAlert ? 0x8000 : 0) | (lowAlert ? 0x4000 : 0) | (dataReady ? 0x2000 : 0)
        | (memoryIsBusy ? 0x1000 : 0))
    dataReady = false
    if !isThermostat {
      highAlert = false
      lowAlert = false
    }
    updateAlert()
  }

  /// Takes a completed register write; read-only registers ignore it.
  mutating func write(_ word: RegisterPort.Word) {
    switch word.address & 0x0F {
    case 0x1: writeConfig(word.value)
    case 0x2:
      highLimit = word.value
      program { $0.highLimit = word.value }
    case 0x3:
      lowLimit = word.value
      program { $0.lowLimit = word.value }
    case 0x4: memoryIsUnlocked = word.value & 0x8000 != 0
    case 0x5: program { $0.scratch.0 = word.value }
    case 0x6: program { $0.scratch.1 = word.value }
    case 0x7:
      offset = word.value
      program { $0.offset = word.value }
    case 0x8: program { $0.scratch.2 = word.value }
    default: break
    }
  }

  private mutating func writeConfig(_ value: UInt16) {
    if value & 0x0002 != 0 {
      let pointer = port
      reset(delay: Self.resetTime)
      port = pointer
      return
    }
    let before = config
    config = value & 0x0FFC
    // Unverified: a new mode, cycle or average restarts the converter, other writes do not.
    let restarts = (before ^ config) & 0x0FE0 != 0 || mode == .oneShot
    if restarts { beginConversion() }
    let stored = config
    program { $0.config = stored }
    updateAlert()
  }

  /// Writes through to the memory while it is unlocked; that takes 7 ms (unverified).
  private mutating func program(_ change: (inout Memory) -> Void) {
    guard memoryIsUnlocked, !memoryIsBusy else { return }
    change(&memory)
    memoryBusyUntil = clock.now + 7_000
  }

  /// Drives the pin from the flags.
  mutating func updateAlert() {
    let asserts = alertShowsReady ? dataReady : highAlert || lowAlert
    if asserts, !alertIsAsserted { alertActivations += 1 }
    alertIsAsserted = asserts
  }
}

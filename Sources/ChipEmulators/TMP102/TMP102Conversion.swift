// SPDX-License-Identifier: Apache-2.0

/// The converter's results and the alert.
extension TMP102State {
  /// Lets time pass at a constant temperature; see `TMP102Emulator`.
  mutating func advance(
    to end: Int64, isPowered: Bool, errors: TMP102Errors, _ celsius: Double
  ) {
    clock.requireNotPast(end)
    guard isPowered, isConverting else {
      clock.idle(to: end)
      return
    }
    let period = period
    let measured = (errors.temperature.apply(to: celsius, celsius: celsius) * 16).rounded()
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let count = clock.cycles(to: stop, period: period)
      if count > 0, isConverting { finish(Int64(measured), count: count) }
    }
  }

  /// Stores `count` equal results; the shorter format ends at 127.9375 °C.
  private mutating func finish(_ measured: Int64, count: Int64) {
    let limit: Int64 = isExtended ? 4_096 : 2_048
    code = min(max(measured, -limit), limit - 1)
    if isShutDown { isConverting = false }
    // More equal results than the longest queue, once for either edge, change nothing more.
    for _ in 0..<min(isShutDown ? 1 : count, 12) { compare() }
  }

  private func code(ofLimit word: UInt16) -> Int64 {
    Int64(Int16(bitPattern: word) >> (isExtended ? 3 : 4))
  }

  /// The comparator holds from the high to the low limit; in interrupt mode every crossing alerts
  /// until a register is read.
  private mutating func compare() {
    let isHigh = code >= code(ofLimit: highLimit)
    let isLow = code < code(ofLimit: lowLimit)
    let changes =
      isInterrupt ? (awaitsLow ? isLow : isHigh) : (alertIsActive ? isLow : isHigh)
    faults = changes ? faults + 1 : 0
    guard faults >= queueLength else { return }
    faults = 0
    if isInterrupt {
      alertIsActive = true
      awaitsLow.toggle()
    } else {
      alertIsActive.toggle()
    }
  }
}

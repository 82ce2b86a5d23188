// SPDX-License-Identifier: Apache-2.0

/// The converter's results and the alert flags.
extension TMP117State {
  /// Lets time pass at a constant temperature; see `TMP117Emulator`.
  mutating func advance(
    to end: Int64, isPowered: Bool, errors: TMP117Errors, _ celsius: Double
  ) {
    clock.requireNotPast(end)
    guard isPowered, isConverting else {
      clock.idle(to: end)
      return
    }
    let period = period
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let count = clock.cycles(to: stop, period: period)
      if count > 0, isConverting { finish(measure(celsius, errors)) }
    }
  }

  private mutating func measure(_ celsius: Double, _ errors: TMP117Errors) -> Int64 {
    let input = AnalogInput(
      level: errors.temperature.apply(to: celsius, celsius: celsius) * 128,
      noise: errors.noiseScale * TMP117Errors.noise / Double(average).squareRoot(),
      low: -32768, high: 32767)
    return input.code(of: input.sample(&random))
  }

  /// Stores a result, then sets the flags.
  private mutating func finish(_ measured: Int64) {
    let sum = measured + Int64(Int16(bitPattern: offset))
    let code = Int16(clamping: sum)
    temperature = UInt16(bitPattern: code)
    dataReady = true
    if mode == .oneShot {
      isConverting = false
      config = config & ~0x0C00 | Mode.shutdown.rawValue << 10
    }
    let high = Int16(bitPattern: highLimit)
    let low = Int16(bitPattern: lowLimit)
    if isThermostat {
      // On above the high limit, off below the low one; LOW_Alert is not used.
      if code > high { highAlert = true }
      if code < low { highAlert = false }
      lowAlert = false
    } else {
      if code > high { highAlert = true }
      if code < low { lowAlert = true }
    }
    updateAlert()
  }
}

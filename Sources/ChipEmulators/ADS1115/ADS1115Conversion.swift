// SPDX-License-Identifier: Apache-2.0

/// The converter's results and the comparator.
extension ADS1115State {
  /// Conversions of one interval that are done one by one for the comparator: they fill its queue.
  private static let individualConversions: Int64 = 5

  /// Lets time pass with constant voltages at the pins; see `ADS1115Emulator`.
  mutating func advance(
    to end: Int64, isPowered: Bool, errors: ADS1115Errors, pins: SIMD4<Double>
  ) {
    clock.requireNotPast(end)
    guard isPowered else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      guard isConverting else {
        clock.idle(to: end)
        return
      }
      advance(toward: clock.stretch(toward: end), errors, pins)
    }
  }

  /// Lets time pass to `stop`; settings written during a conversion hold from the next one on.
  private mutating func advance(
    toward stop: Int64, _ errors: ADS1115Errors, _ pins: SIMD4<Double>
  ) {
    if isSingleShot || activeConfig != config {
      guard clock.endsCycle(by: stop, period: period) else { return }
      finish(measure(pins, errors))
      guard isConverting else { return }
    }
    let count = clock.cycles(to: stop, period: period)
    let individual = min(count, comparatorIsOff ? 1 : Self.individualConversions)
    skip(count - individual)
    for _ in 0..<individual { finish(measure(pins, errors)) }
  }

  private mutating func measure(_ pins: SIMD4<Double>, _ errors: ADS1115Errors) -> Int64 {
    let volts = selected(pins) * (1 + errors.gain)
    let input = AnalogInput(
      level: volts / fullScale * 32768 + errors.offsetCodes,
      noise: errors.noiseScale * ADS1115Errors.noise[dataRate], low: -32768, high: 32767)
    return input.code(of: input.sample(&random))
  }

  /// Stores a result, moves the comparator, and takes up a configuration written meanwhile.
  private mutating func finish(_ code: Int64) {
    conversion = Int16(code)
    if alertShowsReady, !comparatorIsOff {
      showReady(conversions: 1)
    } else if !comparatorIsOff {
      moveComparator()
    }
    activeConfig = config
    if isSingleShot { isConverting = false }
    updateAlert()
  }

  /// Counts the pulses of conversions whose results nobody can read.
  private mutating func skip(_ count: Int64) {
    if alertShowsReady, !comparatorIsOff { showReady(conversions: count) }
  }

  /// A pulse of about 8 µs for each continuous conversion; a standing level after a single shot.
  private mutating func showReady(conversions: Int64) {
    if isSingleShot {
      readyIsAsserted = true
    } else {
      alertActivations += conversions
    }
  }

  /// Traditional: on above the high threshold, off below the low one. Window: on outside of both.
  private mutating func moveComparator() {
    let high = Int16(bitPattern: highThreshold)
    let low = Int16(bitPattern: lowThreshold)
    let exceeds = conversion > high || (comparatorIsWindow && conversion < low)
    exceeding = exceeds ? exceeding + 1 : 0
    // COMP_QUE: after one, two or four conversions in a row.
    if exceeding >= 1 << queueCode {
      comparatorIsAsserted = true
      return
    }
    let isInside = comparatorIsWindow ? !exceeds : conversion < low
    if isInside, !comparatorLatches { comparatorIsAsserted = false }
  }

  /// Whether ALERT is active; with the comparator off the pin is released.
  var alertIsAsserted: Bool {
    if comparatorIsOff { return false }
    return alertShowsReady ? readyIsAsserted : comparatorIsAsserted
  }

  /// Counts a new activation of the pin.
  mutating func updateAlert() {
    let asserts = alertIsAsserted
    if asserts, !alertWasAsserted { alertActivations += 1 }
    alertWasAsserted = asserts
  }
}

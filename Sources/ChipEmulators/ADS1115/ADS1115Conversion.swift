// SPDX-License-Identifier: Apache-2.0

/// The converter's results and the comparator.
extension ADS1115State {
  /// Stores a result, moves the comparator, and takes up a configuration written meanwhile.
  mutating func finish(_ code: Int64) {
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
  mutating func skip(_ count: Int64) {
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

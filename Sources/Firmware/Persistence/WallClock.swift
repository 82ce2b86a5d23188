// SPDX-License-Identifier: Apache-2.0

import BusProtocols
public import ChipDrivers
import Quantities

/// What tells the firmware the calendar's time, for reckoning how long it was away.
public enum WallClock: Sendable {
  /// Nothing on the bus; the host may tell it with `setWallClock(_:at:)`.
  case none
  /// A clock with its own cell.
  case ds3231(DS3231)
}

/// The calendar's time by the monotonic clock: read once an hour and reckoned in between.
struct Calendar: Sendable {
  private var source: WallClock
  private var anchor: (calendar: CalendarTime, monotonic: MonotonicTime)?
  private var readAt: MonotonicTime?
  private var isConfigured = false
  /// Tries in a row that told no time.
  private(set) var failures: UInt8 = 0

  /// A time is read anew after this. Unit: µs; an hour.
  private static let freshness: Int64 = 3_600_000_000

  init(_ source: WallClock) { self.source = source }

  /// Whether a time may still come soon: nothing is known yet, and few tries have failed.
  var isWaiting: Bool {
    switch source {
    case .none: false
    case .ds3231: anchor == nil && failures < 5
    }
  }

  /// The time at a moment; nil if it was never told, or the clocks do not fit together.
  func time(at moment: MonotonicTime) -> CalendarTime? {
    guard let anchor, moment >= anchor.monotonic else { return nil }
    let seconds = moment.microseconds(since: anchor.monotonic) / 1_000_000
    return CalendarTime(secondsSince2000: anchor.calendar.secondsSince2000 + seconds)
  }

  mutating func set(_ calendar: CalendarTime, at moment: MonotonicTime) {
    anchor = (calendar, moment)
  }

  /// Reads the clock on the bus if it is time to.
  mutating func service<Bus: I2CBus & ~Copyable>(on bus: inout Bus, at moment: MonotonicTime) {
    guard case .ds3231(var chip) = source else { return }
    if let readAt, moment >= readAt, moment.microseconds(since: readAt) < Self.freshness {
      guard isWaiting else { return }
    }
    readAt = moment
    do throws(ChipError) {
      if !isConfigured {
        try chip.configure(on: &bus)
        source = .ds3231(chip)
        isConfigured = true
      }
      // A bit that flips on the wire can be worth forty years; two readings hardly flip alike.
      let first = try chip.readTime(on: &bus)
      let second = try chip.readTime(on: &bus)
      guard 0...2 ~= second.secondsSince2000 - first.secondsSince2000 else {
        throw .dataNotValid
      }
      anchor = (second, moment)
      failures = 0
    } catch {
      isConfigured = false
      if failures < .max { failures += 1 }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation

/// What protection has seen over the whole life of the board; it outlives power cuts.
public struct FaultHistory: Sendable {
  /// One trip.
  public struct Event: Equatable, Sendable {
    /// When: seconds of operation since the board's first start.
    public var operatingSeconds: UInt32
    /// Which protection, by its raw value.
    public var protection: UInt8
  }

  /// How many protections have a place, now and in later versions.
  static let places = 32
  /// How many events are kept.
  public static let length = 8

  /// How long the firmware has run. Unit: s; stops at its maximum.
  public internal(set) var operatingSeconds: UInt32 = 0
  /// How often each protection tripped, by its raw value; each count stops at its maximum.
  public internal(set) var trips: InlineArray<32, UInt16> = InlineArray(repeating: 0)
  /// How many events were ever noted; the newest is at `(noted − 1) % 8`. Stops at its maximum.
  public internal(set) var noted: UInt32 = 0
  /// The newest events, as a ring.
  public internal(set) var events: InlineArray<8, Event> = InlineArray(
    repeating: Event(operatingSeconds: 0, protection: 0))
  /// Protections that hold until they are cleared, even over a restart; one bit each.
  public internal(set) var latched: UInt32 = 0

  /// Time below a second that is not in `operatingSeconds` yet. Unit: µs; it is not kept.
  private var microseconds: Int64 = 0

  /// Makes the history of a board that never ran.
  public init() {}

  /// Lets the firmware's time pass.
  mutating func run(microseconds elapsed: Int64) {
    microseconds += min(max(elapsed, 0), 86_400_000_000)
    let seconds = UInt32(truncatingIfNeeded: microseconds / 1_000_000)
    microseconds %= 1_000_000
    operatingSeconds = seconds > .max - operatingSeconds ? .max : operatingSeconds + seconds
  }

  /// Notes that a protection tripped.
  mutating func note(_ protection: Protection) {
    let raw = protection.rawValue
    let place = Int(raw)
    if trips[place] < .max { trips[place] += 1 }
    events[Int(noted % UInt32(FaultHistory.length))] = Event(
      operatingSeconds: operatingSeconds, protection: raw)
    if noted < .max { noted += 1 }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// How often each kind of bus fault was met since the start; the counts stop at their maximum.
public struct BusFaultCounts: Equatable, Sendable {
  /// Transfers that nobody acknowledged.
  public var noAcknowledge: UInt32 = 0
  /// Transfers that took too long.
  public var timedOut: UInt32 = 0
  /// Transfers that moved too few bytes.
  public var shortTransfer: UInt32 = 0
  /// Transfers that found the bus held low, or lost it to another controller.
  public var busStuck: UInt32 = 0
  /// Transfers that failed in another way.
  public var other: UInt32 = 0
  /// Answers of a chip that could not be right: identity, memory, overflow, charge.
  public var chip: UInt32 = 0
  /// Times a chip was found to have lost its configuration: its supply dropped out.
  public var lostConfiguration: UInt32 = 0
  /// Reads that failed once and succeeded when repeated at once.
  public var recovered: UInt32 = 0

  /// Makes counts of zero.
  public init() {}

  mutating func note(_ error: ChipError) {
    switch error {
    case .bus(.noAcknowledge): Self.raise(&noAcknowledge)
    case .bus(.timedOut): Self.raise(&timedOut)
    case .bus(.shortTransfer): Self.raise(&shortTransfer)
    case .bus(.busStuck), .bus(.arbitrationLost): Self.raise(&busStuck)
    case .bus: Self.raise(&other)
    case .configurationLost: Self.raise(&lostConfiguration)
    // Neither is an answer: the failed transfer that led to the second was counted itself.
    case .conversionNotReady, .notConfigured: break
    default: Self.raise(&chip)
    }
  }

  static func raise(_ count: inout UInt32) { if count < .max { count += 1 } }
}

/// Where the firmware stands with one chip.
enum LinkPhase: Equatable, Sendable {
  /// Not spoken to yet, or given up after too many failures.
  case down
  /// Begun at one moment, and last spoken to at another; it may be configured a little later.
  case resetting(since: MonotonicTime, begun: MonotonicTime)
  /// Configured and converting.
  case running
}

/// Brings one chip up, keeps it up, and reads it once a tick.
///
/// A failed read is repeated once at once. Three ticks in a row without an answer, more time without
/// a new result than the chip ever takes, or a chip that lost its configuration start it anew from its
/// reset. Nothing here waits.
struct SensorLink: Sendable {
  private(set) var phase = LinkPhase.down
  /// Whether the chip answered this tick that its next result is not finished yet.
  private(set) var isWaiting = false
  /// Whether this tick's value is the first since the chip was started.
  private(set) var isFirstValue = false
  private var failures: UInt8 = 0
  /// Steps of the configuration since it began.
  private var steps: UInt8 = 0
  private var hasValue = false
  /// When the chip was configured or last gave a value.
  private var lastValue = MonotonicTime.microseconds(0)

  /// How long a chip that is configured step by step may take, in µs and in steps: both must be over. A
  /// BQ27441 needs up to 2 s and a BQ34Z100 twenty steps, which are twenty ticks.
  private static let longestStart: Int64 = 5_000_000
  private static let mostSteps: UInt8 = 30

  /// Works on a chip for one tick.
  ///
  /// - Returns: what was read; nil while the chip comes up or when it failed.
  mutating func service<Chip: LinkedChip, Bus: I2CBus & ~Copyable>(
    _ chip: inout Chip, on bus: inout Bus, at time: MonotonicTime, _ faults: inout BusFaultCounts
  ) -> Chip.Value? {
    isWaiting = false
    isFirstValue = false
    switch phase {
    case .down:
      do throws(ChipError) {
        try chip.begin(on: &bus)
        phase = .resetting(since: time, begun: time)
        steps = 0
      } catch {
        faults.note(error)
      }
      return nil
    case .resetting(let since, let begun):
      guard time >= since else {
        // The clock stepped back: the pause begins anew.
        phase = .resetting(since: time, begun: time)
        return nil
      }
      if time.microseconds(since: since) >= chip.settlingMicroseconds {
        bringUp(&chip, on: &bus, at: time, begun: begun, &faults)
      }
      return nil
    case .running:
      return readTwice(&chip, on: &bus, at: time, &faults)
    }
  }

  private mutating func bringUp<Chip: LinkedChip, Bus: I2CBus & ~Copyable>(
    _ chip: inout Chip, on bus: inout Bus, at time: MonotonicTime, begun: MonotonicTime,
    _ faults: inout BusFaultCounts
  ) {
    do throws(ChipError) {
      guard try chip.bringUp(on: &bus, at: time) else {
        if steps < .max { steps += 1 }
        let isOverdue =
          time.microseconds(since: begun) > Self.longestStart && steps > Self.mostSteps
        phase = isOverdue ? .down : .resetting(since: time, begun: begun)
        return
      }
      phase = .running
      failures = 0
      hasValue = false
      lastValue = time
    } catch {
      faults.note(error)
      phase = .down
    }
  }

  private mutating func readTwice<Chip: LinkedChip, Bus: I2CBus & ~Copyable>(
    _ chip: inout Chip, on bus: inout Bus, at time: MonotonicTime, _ faults: inout BusFaultCounts
  ) -> Chip.Value? {
    for attempt in 0..<2 {
      do throws(ChipError) {
        let value = try chip.next(on: &bus, at: time)
        failures = 0
        isFirstValue = !hasValue
        hasValue = true
        lastValue = time
        if attempt > 0 { BusFaultCounts.raise(&faults.recovered) }
        return value
      } catch {
        faults.note(error)
        switch error {
        case .conversionNotReady:
          return wait(at: time, patience: chip.patienceMicroseconds)
        case .configurationLost, .notConfigured, .memoryFault, .unexpectedIdentity:
          phase = .down
          return nil
        default:
          continue
        }
      }
    }
    return fail()
  }

  /// A chip between two results is healthy; one that has given none for too long hangs.
  private mutating func wait<Value>(at time: MonotonicTime, patience: Int64) -> Value? {
    failures = 0
    lastValue = min(lastValue, time)  // the clock may have stepped back
    if time.microseconds(since: lastValue) < patience {
      // A chip that was started anew proves itself with a value, or it could wait from start to start.
      isWaiting = hasValue
    } else {
      phase = .down
    }
    return nil
  }

  /// Counts a tick without an answer; the third starts the chip anew.
  private mutating func fail<Value>() -> Value? {
    failures += 1
    if failures >= 3 {
      failures = 0
      phase = .down
    }
    return nil
  }
}

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
  /// Reset; it may be configured a few milliseconds later.
  case resetting(since: MonotonicTime)
  /// Configured and converting.
  case running
}

/// Brings one chip up, keeps it up, and reads it once a tick.
///
/// A failed read is repeated once at once. Three ticks in a row without an answer, 1.5 seconds
/// without a new result, or a chip that lost its configuration start it anew from its reset. Nothing
/// here waits.
struct SensorLink: Sendable {
  private(set) var phase = LinkPhase.down
  /// Whether the chip answered this tick that its next result is not finished yet.
  private(set) var isWaiting = false
  /// Whether this tick's value is the first since the chip was started.
  private(set) var isFirstValue = false
  private var failures: UInt8 = 0
  private var hasValue = false
  /// When the chip was configured or last gave a value.
  private var lastValue = MonotonicTime.microseconds(0)

  /// The pause between reset and configuration. Unit: µs; every chip here needs at most 2 ms.
  private static let pause: Int64 = 5_000
  /// How long a chip may be without a new result before it is taken to hang. Unit: µs; half
  /// again the slowest cycle of a TMP117.
  private static let patience: Int64 = 1_500_000

  /// Works on a chip for one tick.
  ///
  /// - Parameters:
  ///   - reset: starts the chip anew.
  ///   - configure: sets it up.
  ///   - read: reads it.
  /// - Returns: what was read; nil while the chip comes up or when it failed.
  mutating func service<Chip, Bus: I2CBus & ~Copyable, Value>(
    _ chip: inout Chip, on bus: inout Bus, at time: MonotonicTime, _ faults: inout BusFaultCounts,
    reset: (inout Chip, inout Bus) throws(ChipError) -> Void,
    configure: (inout Chip, inout Bus) throws(ChipError) -> Void,
    read: (inout Chip, inout Bus) throws(ChipError) -> Value
  ) -> Value? {
    isWaiting = false
    isFirstValue = false
    switch phase {
    case .down:
      do throws(ChipError) {
        try reset(&chip, &bus)
        phase = .resetting(since: time)
      } catch {
        faults.note(error)
      }
      return nil
    case .resetting(let since):
      guard time >= since else {
        // The clock stepped back: the pause begins anew.
        phase = .resetting(since: time)
        return nil
      }
      guard time.microseconds(since: since) >= Self.pause else { return nil }
      do throws(ChipError) {
        try configure(&chip, &bus)
        phase = .running
        failures = 0
        hasValue = false
        lastValue = time
      } catch {
        faults.note(error)
        phase = .down
      }
      return nil
    case .running:
      return readTwice(&chip, on: &bus, at: time, &faults, read: read)
    }
  }

  private mutating func readTwice<Chip, Bus: I2CBus & ~Copyable, Value>(
    _ chip: inout Chip, on bus: inout Bus, at time: MonotonicTime, _ faults: inout BusFaultCounts,
    read: (inout Chip, inout Bus) throws(ChipError) -> Value
  ) -> Value? {
    for attempt in 0..<2 {
      do throws(ChipError) {
        let value = try read(&chip, &bus)
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
          return wait(at: time)
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
  private mutating func wait<Value>(at time: MonotonicTime) -> Value? {
    failures = 0
    lastValue = min(lastValue, time)  // the clock may have stepped back
    if time.microseconds(since: lastValue) < Self.patience {
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

// SPDX-License-Identifier: Apache-2.0

/// How often and how long a bus tries.
///
/// The kernel's own retries are of no use: it repeats only what lost the arbitration, which the
/// controller of a Raspberry Pi never reports, and its time-out belongs to all users of the adapter.
public struct BusPolicy: Equatable, Sendable {
  /// How often a read is tried; a write is tried once, because the chip may have taken it.
  public var attempts = 3
  /// The pause before each further attempt. Unit: µs.
  public var pauses: [Int64] = [2_000, 5_000, 20_000]
  /// How much of every `budgetWindow` may go into pauses and further attempts. Unit: µs.
  public var budget: Int64 = 30_000
  /// Unit: µs.
  public var budgetWindow: Int64 = 100_000
  /// How long one call may take before its caller goes on without it. Unit: µs; the kernel itself
  /// gives up after a second.
  public var patience: Int64 = 50_000
  /// After so many transfers in a row that failed, with whatever chip, the device is opened anew.
  public var failuresBeforeReopen = 12
  /// After so many openings in a row that helped nothing, the recovery hook is called.
  public var reopensBeforeRecovery = 2
  /// How many calls may be left hanging; then the device is not opened anew before one comes back.
  public var mostHangingCalls = 3
  /// The chips whose answers are read twice, and a third time when the two differ: those that stretch
  /// the clock on a controller that gets it wrong, as the corrupted bit is not reported.
  public var confirmed: [UInt8] = []

  /// The policy for a board without special chips.
  public init() {}
}

/// What a bus has met since it was opened; each count stops at its maximum.
public struct BusCounts: Equatable, Sendable {
  /// Transfers asked for.
  public var transfers: UInt64 = 0
  /// Attempts that nobody acknowledged.
  public var noAcknowledge: UInt64 = 0
  /// Attempts that another controller won.
  public var arbitrationLost: UInt64 = 0
  /// Attempts that took too long.
  public var timedOut: UInt64 = 0
  /// Attempts that found the bus stuck.
  public var busStuck: UInt64 = 0
  /// Attempts that moved too little.
  public var shortTransfer: UInt64 = 0
  /// Attempts that the adapter cannot do.
  public var unsupported: UInt64 = 0
  /// Attempts that the kernel's own driver of the chip forbids.
  public var owned: UInt64 = 0
  /// Attempts that failed in another way.
  public var system: UInt64 = 0
  /// Transfers that succeeded after a failed attempt.
  public var recovered: UInt64 = 0
  /// Answers read twice that differed.
  public var disagreements: UInt64 = 0
  /// Answers of which no two of three were equal.
  public var unresolved: UInt64 = 0
  /// Times the device was opened anew.
  public var reopened: UInt64 = 0
  /// Times the recovery hook was called.
  public var recoveries: UInt64 = 0

  /// Each count with its name, for reports.
  public var named: [(name: String, count: UInt64)] {
    [
      ("transfers", transfers), ("noAcknowledge", noAcknowledge),
      ("arbitrationLost", arbitrationLost), ("timedOut", timedOut), ("busStuck", busStuck),
      ("shortTransfer", shortTransfer), ("unsupported", unsupported), ("owned", owned),
      ("system", system), ("recovered", recovered), ("disagreements", disagreements),
      ("unresolved", unresolved), ("reopened", reopened), ("recoveries", recoveries),
    ]
  }
}

/// What is known of a bus from outside while the firmware owns it.
public final class BusHealth {
  /// What it has met.
  public internal(set) var counts = BusCounts()
  /// The last failure and whom it was with; nil while nothing has failed.
  public internal(set) var lastFailure: (address: UInt8, reason: String)?

  /// Nothing was met yet.
  public init() {}
}

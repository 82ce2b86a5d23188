// SPDX-License-Identifier: Apache-2.0

public import ChipEmulators

/// What faults on the bus cost the estimate of the state of charge: the same runs with and without them.
public struct BusFaultCost: Equatable, Sendable {
  /// One transfer in a hundred fails, and in one of a thousand a bit of the answer is wrong.
  public static let rates = FaultRates.failed(0.01, corrupted: 0.001)
  /// What that may add to the root mean square error, as a fraction of the state of charge.
  public static let allowed = 0.002

  /// Errors of the runs on a bus without faults.
  public private(set) var clean = AccuracyScore()
  /// Errors of the same runs with faults.
  public private(set) var faulty = AccuracyScore()
  /// What was done to the bus.
  public private(set) var injected = InjectedFaults()

  /// Begins with no run.
  public init() {}

  /// Adds a run of a seed without faults, and the one with them.
  public mutating func add(clean: AccuracyScore, faulty: AccuracyScore, _ injected: InjectedFaults)
  {
    self.clean.add(clean)
    self.faulty.add(faulty)
    self.injected.add(injected)
  }

  /// What the faults add to the root mean square error; nil before the first run.
  public var added: Double? {
    guard let with = faulty.rmse, let without = clean.rmse else { return nil }
    return with - without
  }

  /// Whether that is within what is allowed.
  public var isMet: Bool { added.map { $0 <= Self.allowed } ?? false }
}

/// How many transfers there were, and how many of them were struck.
public struct InjectedFaults: Equatable, Sendable {
  /// All transfers.
  public var transfers: Int64 = 0
  /// Those that failed.
  public var failed: Int64 = 0
  /// Those whose answer was wrong without a word about it.
  public var corrupted: Int64 = 0

  /// Makes counts of zero.
  public init() {}

  /// Takes the counts of a bus.
  public init(_ faults: TransferFaults) {
    let counts = faults.counts
    transfers = faults.transfers
    corrupted = counts.corrupt + counts.stale
    failed = counts.total - corrupted
  }

  mutating func add(_ other: InjectedFaults) {
    transfers += other.transfers
    failed += other.failed
    corrupted += other.corrupted
  }
}

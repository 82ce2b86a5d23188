// SPDX-License-Identifier: Apache-2.0

public import ChipEmulators

/// Ready-made mixes of transfer faults.
public enum FaultRates {
  /// Each kind of fault with the same probability in a transfer; a stuck bus lasts 3 transfers.
  public static func all(_ probability: Double) -> FaultProbabilities {
    FaultProbabilities(
      noAcknowledge: probability, corrupt: probability, timedOut: probability,
      shortTransfer: probability, busStuck: probability, stuckTransfers: 3, stale: probability)
  }

  /// A share of the transfers fails, in all ways that a controller reports, and of another the answer is
  /// wrong without a word about it.
  ///
  /// A bus gets stuck for one transfer at a time here: how long one stays stuck is another matter.
  public static func failed(_ failed: Double, corrupted: Double) -> FaultProbabilities {
    FaultProbabilities(
      noAcknowledge: failed / 4, corrupt: corrupted, timedOut: failed / 4,
      shortTransfer: failed / 4, busStuck: failed / 4)
  }
}

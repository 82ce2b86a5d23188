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
}

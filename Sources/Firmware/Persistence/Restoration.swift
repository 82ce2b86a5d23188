// SPDX-License-Identifier: Apache-2.0

/// What became of the state that an earlier run had kept.
public enum Restoration: UInt8, Equatable, Sendable {
  /// There is no memory; the estimator began as it was configured.
  case none = 0
  /// The memory is still being read; both switches are off.
  case searching
  /// A kept state was found; it waits for a voltage at rest that speaks for or against it, with both
  /// switches off.
  case checking
  /// The newest state was whole, and the cell's voltage fits it.
  case restored
  /// An older state was used, because a newer one was damaged or could not be read; the estimate was
  /// widened for what the newer one knew.
  case restoredOlder
  /// Nothing whole was kept: the state of charge was taken from the voltage.
  case nothingKept
  /// What was kept belongs to another cell profile or board; the state of charge was taken from the
  /// voltage.
  case otherConfiguration
  /// What was kept has a layout that this firmware does not know; the state of charge was taken from
  /// the voltage.
  case otherVersion
  /// The cell's voltage speaks against what was kept, such as after another cell was put in; the state
  /// of charge was taken from the voltage.
  case refuted
  /// The memory has no room for two states; the estimator began as it was configured.
  case noRoom

  /// Whether the start is over and the switches may be used.
  public var isSettled: Bool { self != .searching && self != .checking }
}

/// How the memory fared since the start; each count stops at its maximum.
public struct MemoryCounts: Equatable, Sendable {
  /// States that were stored, read back and found equal.
  public internal(set) var saves: UInt32 = 0
  /// States that could not be stored.
  public internal(set) var failedSaves: UInt32 = 0
  /// Slices that were written again.
  public internal(set) var repeatedSlices: UInt32 = 0

  static func raise(_ count: inout UInt32) { if count < .max { count += 1 } }
}

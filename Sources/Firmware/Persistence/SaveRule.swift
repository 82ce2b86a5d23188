// SPDX-License-Identifier: Apache-2.0

/// When the firmware saves its state, and what it makes of what moved since.
///
/// The rate is bounded by `spacing` whatever the cell does, so that wear is: at the defaults, at most
/// one save a minute and, with an idle cell, one every five minutes.
public struct SaveRule: Equatable, Sendable {
  /// Saves at least this often. Unit: µs.
  public var interval: Int64
  /// Saves when the state of charge has moved by this since the last save. Unit: ppm.
  public var change: Int32
  /// Never saves again sooner than this, but for a clean stop. Unit: µs.
  public var spacing: Int64
  /// The deviation of the charge that moved between the last save and a power cut. Unit: ppm.
  ///
  /// The rule bounds what moves by `change` and by what flows in `spacing`: 1 %, and 60 s at 2C.
  public var unseen: Int32

  /// Makes a rule.
  public init(
    interval: Int64 = 300_000_000, change: Int32 = 10_000, spacing: Int64 = 60_000_000,
    unseen: Int32 = 45_000
  ) {
    self.interval = interval
    self.change = change
    self.spacing = spacing
    self.unseen = unseen
  }

  /// The most saves in a year of 365 days.
  public var mostSavesPerYear: Int64 { 31_536_000_000_000 / max(spacing, 1) }
}

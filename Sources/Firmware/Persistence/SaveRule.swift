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

  /// The rule that a memory outlives: as the defaults, but never faster than wears it out in so many years.
  ///
  /// A save writes each page of one state once, and the states take turns. What moves unseen grows with the
  /// time between two saves, by what flows at 2C.
  ///
  /// - Parameters:
  ///   - years: that it is to last at least, 1 to 100.
  ///   - writeCycles: how often one place of the memory can be written, at least 1.
  ///   - generations: how many states take turns, 1 to 4.
  public static func lasting(
    years: Int64, writeCycles: Int64, generations: Int32
  ) -> SaveRule {
    var rule = SaveRule()
    let saves = max(min(writeCycles, 1_000_000_000_000_000), 1) * Int64(min(max(generations, 1), 4))
    let all = max(min(years, 100), 1) * yearMicroseconds
    let least = all / saves + (all % saves == 0 ? 0 : 1)
    guard least > rule.spacing else { return rule }
    // 2C moves two millionths of the capacity in 3,600 µs.
    rule.unseen = Int32(clamping: Int64(rule.unseen) + (least - rule.spacing) / 1_800)
    rule.spacing = least
    rule.interval = max(rule.interval, least)
    return rule
  }

  /// After how many years of the fastest saving that the rule allows a memory is worn out.
  public func yearsUntilWorn(writeCycles: Int64, generations: Int32) -> Int64 {
    let saves = min(max(writeCycles, 0), 1_000_000_000_000_000) * Int64(min(max(generations, 0), 4))
    return saves / max(mostSavesPerYear, 1)
  }

  /// 365 days.
  private static let yearMicroseconds: Int64 = 31_536_000_000_000

  /// The most saves in a year of 365 days.
  public var mostSavesPerYear: Int64 { Self.yearMicroseconds / max(spacing, 1) }
}

// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// The charge that passed since the last reading.
///
/// Only `.counted` is a charge to book. After every other case the counter goes on from this
/// reading, so the interval must be bridged by another source, such as the host's own integral.
public enum ChargeReading: Equatable, Sendable {
  /// There is no earlier reading to count from.
  case first
  /// The charge since the last reading; positive into the cell.
  case counted(Charge)
  /// The current left the converter's range in this interval, so the count is too small.
  case overflow
  /// The count cannot be right: the current's full scale could not move so much in the elapsed
  /// time, the time ran backwards, or the counter may have wrapped more than once.
  case implausible(Charge)
  /// The interval is longer than the integrator may bridge. Unit: µs.
  case gap(microseconds: Int64)
}

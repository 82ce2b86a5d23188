// SPDX-License-Identifier: Apache-2.0

import CProcess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Time that only goes forward, also while the machine sleeps: the chips' counters do not sleep.
public enum LinuxClock {
  /// Since the machine started. Unit: µs.
  public static var microseconds: Int64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  /// The calendar's time in UTC, where a time server or another reference keeps it right; nil
  /// elsewhere, such as on a Raspberry Pi that has not reached one since it started. Unit: s since 2000.
  public static var secondsSince2000: Int64? {
    guard process_clock_is_synchronized() != 0 else { return nil }
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) - 946_684_800
  }
}

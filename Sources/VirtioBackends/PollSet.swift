// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Descriptors to wait for; used again and again without asking for memory.
public struct PollSet {
  private var entries: [pollfd] = []

  /// An empty set.
  public init() {}

  /// Begins anew.
  public mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// Adds a descriptor to wait for.
  public mutating func add(_ descriptor: Int32) {
    entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
  }

  /// Waits until one is ready or the time is over; a signal ends it, too.
  ///
  /// - Parameter milliseconds: how long at most; 0 does not wait, below 0 has no end.
  /// - Returns: whether any is ready.
  public mutating func wait(milliseconds: Int32) -> Bool {
    unsafe poll(&entries, nfds_t(entries.count), milliseconds) > 0
  }

  /// Whether a descriptor can be read, or has ended.
  public borrowing func isReady(_ descriptor: Int32) -> Bool {
    entries.contains { $0.fd == descriptor && $0.revents != 0 }
  }
}

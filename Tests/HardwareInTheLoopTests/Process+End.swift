// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Process {
  /// Ends it, and comes back: after a signal that it may ignore, one that it cannot.
  ///
  /// A process that hangs in the kernel is left behind and named, since a test that waits for it for
  /// good would say nothing at all.
  ///
  /// - Parameters:
  ///   - signal: what it is sent first.
  ///   - seconds: how long it may take to end, for each signal.
  func end(_ signal: Int32, seconds: Double = 10) {
    for each in [signal, SIGKILL] {
      guard isRunning else { return }
      kill(processIdentifier, each)
      let deadline = Date().addingTimeInterval(seconds)
      while isRunning, Date() < deadline { usleep(5_000) }
    }
    if isRunning { print("hil: process \(processIdentifier) did not end") }
  }
}

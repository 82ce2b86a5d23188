// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

/// Ends a process that does not end by itself: a test that waits for it then fails, instead of waiting
/// for ever.
///
/// The limit is far beyond what any of these runs takes, also on a busy machine, so that no test
/// depends on the clock.
final class TimeLimit: Sendable {
  private let hasEnded = Mutex(false)
  private let isOver = Mutex(false)

  /// Gives a process that was started so long.
  init(_ process: Process, seconds: Double = 600) {
    let number = process.processIdentifier
    Thread.detachNewThread { [weak self] in
      let end = Date().addingTimeInterval(seconds)
      while Date() < end {
        Thread.sleep(forTimeInterval: 0.2)
        guard let self, !self.hasEnded.withLock({ $0 }) else { return }
      }
      // Not `process.terminate()`: what hangs may not heed it.
      self?.kill(number)
    }
  }

  private func kill(_ number: Int32) {
    hasEnded.withLock { hasEnded in
      guard !hasEnded else { return }
      isOver.withLock { $0 = true }
      _ = Glibc.kill(number, SIGKILL)
    }
  }

  /// The process has ended, and its number may be another's; whether by itself.
  func end(_ location: SourceLocation = #_sourceLocation) {
    hasEnded.withLock { $0 = true }
    #expect(!isOver.withLock { $0 }, "it had to be ended", sourceLocation: location)
  }
}

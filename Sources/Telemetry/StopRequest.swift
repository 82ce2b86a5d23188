// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The number of the signal that came; 0 for none. A plain number, constant at first, because that is
/// what a signal handler may write.
private nonisolated(unsafe) var signalNumber: Int32 = 0

/// What a user or the system asks of a run that takes long: to come to an end.
///
/// The first SIGINT or SIGTERM is only remembered, and the run asks for it where it can stop well; a
/// second one ends the process at once, as if nobody watched.
public enum StopRequest: Sendable, Equatable {
  /// Ctrl-C.
  case interrupt
  /// As from `kill`, or from a system that shuts down.
  case terminate

  /// Begins to remember.
  public static func watch() {
    // Who starts this process from a thread that blocks signals would have them blocked here, too.
    var signals = sigset_t()
    _ = unsafe sigemptyset(&signals)
    defer { _ = unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      #if os(Linux)
        unsafe action.__sigaction_handler.sa_handler = { unsafe signalNumber = $0 }
      #else
        unsafe action.__sigaction_u.__sa_handler = { unsafe signalNumber = $0 }
      #endif
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
      _ = unsafe sigaction(number, &action, nil)
      _ = unsafe sigaddset(&signals, number)
    }
  }

  /// What was asked for; nil as long as nothing was.
  public static var received: StopRequest? {
    let number = unsafe signalNumber
    return number == 0 ? nil : number == SIGINT ? .interrupt : .terminate
  }

  /// The signal's name.
  public var name: String { self == .interrupt ? "SIGINT" : "SIGTERM" }

  /// The exit code of a process that a shell saw end by it.
  public var exitCode: Int32 { self == .interrupt ? 130 : 143 }
}

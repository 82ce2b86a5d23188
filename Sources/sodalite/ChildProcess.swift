// SPDX-License-Identifier: Apache-2.0

import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// This program once more, as a process of its own, to be timed and weighed.
enum ChildProcess {
  struct Outcome {
    var seconds: Double
    /// The largest resident memory.
    var peakMebibytes: Double
  }

  struct Problem: Error, CustomStringConvertible {
    var description: String
  }

  /// Runs this program with its output thrown away.
  ///
  /// - Returns: what the kernel says about it, if its exit code was 0.
  static func run(_ arguments: [String]) throws(Problem) -> Outcome {
    guard let path = Bundle.main.executablePath else {
      throw Problem(description: "this program does not know where it is")
    }
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var process = pid_t()
    let begin = wallSeconds()
    let code = unsafe withCStrings([path] + arguments) { words in
      unsafe withCStrings(environment) { variables in
        unsafe posix_spawn(&process, path, &actions, nil, words, variables)
      }
    }
    guard code == 0 else { throw Problem(description: "\(path) cannot be started (\(code))") }
    var status: Int32 = 0
    var usage = rusage()
    while unsafe wait4(process, &status, 0, &usage) < 0 {
      guard errno == EINTR else { throw Problem(description: "\(path) got lost (\(errno))") }
    }
    let seconds = wallSeconds() - begin
    guard status == 0 else { throw Problem(description: "\(path) failed (status \(status))") }
    return Outcome(seconds: seconds, peakMebibytes: Double(usage.ru_maxrss) / 1024)
  }

  /// Lends texts as C's array of strings, nil at its end.
  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe body(&pointers)
  }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file descriptor that is closed when nobody holds it any more.
public final class OwnedDescriptor {
  /// The descriptor's number.
  public let number: Int32

  /// Takes over an open descriptor.
  public init(_ number: Int32) { self.number = number }

  deinit { _ = close(number) }
}

/// What the operating system refused, and why.
public struct SystemProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was asked of it.
  public let action: String
  /// The error number, positive.
  public let code: Int32

  /// One line for people.
  public var description: String {
    guard let text = unsafe strerror(code) else { return "\(action): error \(code)" }
    return unsafe "\(action): \(String(cString: text))"
  }
}

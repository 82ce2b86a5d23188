// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Symbolic links, by which the kernel tells what belongs to what.
public enum FileLink {
  /// What a link names; nil if there is none.
  public static func target(of path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      let count = unsafe readlink(path, start, buffer.count)
      guard count > 0, count < buffer.count else { return nil }
      let bytes = unsafe buffer.prefix(count).map { UInt8(bitPattern: $0) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The path of the program that runs; nil if /proc is not there.
  public static var executable: String? { target(of: "/proc/self/exe") }
}

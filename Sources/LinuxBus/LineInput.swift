// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Lines of text from standard input, taken as they come.
public struct LineInput: Sendable {
  /// What `ProcessEvents` waits on.
  public let file: Int32 = 0
  /// Whether nothing more will come.
  public private(set) var isAtEnd = false
  private var rest: [UInt8] = []

  /// The most bytes of a line; a longer one is taken to end there.
  private static let longest = 4_096

  /// Nothing was read yet.
  public init() {}

  /// Takes what is there, without waiting if `ProcessEvents` announced it; the whole lines of it.
  public mutating func read() -> [String] {
    var block = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe block.withUnsafeMutableBytes { bytes in
      unsafe systemRead(file, bytes.baseAddress, bytes.count)
    }
    if count <= 0 {
      isAtEnd = count == 0 || errno != EINTR
      defer { rest = [] }
      return isAtEnd && !rest.isEmpty ? [String(decoding: rest, as: UTF8.self)] : []
    }
    var lines: [String] = []
    for byte in block[..<count] {
      if byte == 0x0A || rest.count == Self.longest {
        lines.append(String(decoding: rest, as: UTF8.self))
        rest = []
      }
      if byte != 0x0A { rest.append(byte) }
    }
    return lines
  }
}

// The method's name hides the C function's.
private func systemRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  unsafe read(file, bytes, count)
}

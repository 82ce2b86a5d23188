// SPDX-License-Identifier: Apache-2.0

/// A file small enough to be read at once, such as a description.
public enum WholeFile {
  /// Reads a file of text.
  ///
  /// - Parameters:
  ///   - path: where the file is.
  ///   - atMost: the largest size that is read. Unit: bytes.
  /// - Returns: the text; the problem is `noInput` when the file cannot be read, `badData` when it is
  ///   larger or is not UTF-8.
  public static func text(of path: String, atMost limit: Int) throws(DataProblem) -> String {
    let file = try SystemFile.reading(path)
    // One byte more than allowed tells a file that is too large from one that just fits.
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var count = 0
    while count < bytes.count {
      let read = try file.read(into: &bytes, from: count)
      if read == 0 { break }
      count += read
    }
    guard count <= limit else {
      throw DataProblem(.badData, file: path, message: "larger than \(limit) bytes")
    }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
      throw DataProblem(.badData, file: path, message: "not UTF-8 text")
    }
    return text
  }
}

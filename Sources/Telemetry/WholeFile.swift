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
    guard let text = String(validating: try bytes(of: path, atMost: limit), as: UTF8.self) else {
      throw DataProblem(.badData, file: path, message: "not UTF-8 text")
    }
    return text
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: where the file is.
  ///   - atMost: the largest size that is read. Unit: bytes.
  /// - Returns: what it holds; the problem is `noInput` when the file cannot be read, `badData` when it
  ///   is larger.
  public static func bytes(of path: String, atMost limit: Int) throws(DataProblem) -> [UInt8] {
    let file = try SystemFile.reading(path)
    // One byte more than allowed tells a file that is too large from one that just fits.
    let room = min(limit, Int(clamping: file.size() ?? Int64(limit))) + 1
    var bytes = [UInt8](repeating: 0, count: room)
    var count = 0
    while count < bytes.count {
      let read = try file.read(into: &bytes, from: count)
      if read == 0 { break }
      count += read
      // The size was no limit: a file that grows, or one of /proc, which has none.
      if count == bytes.count, count <= limit {
        bytes += [UInt8](repeating: 0, count: min(count, limit + 1 - count))
      }
    }
    guard count <= limit else {
      throw DataProblem(.badData, file: path, message: "larger than \(limit) bytes")
    }
    return Array(bytes[..<count])
  }

  /// Whether there is a file, or anything else, at a path.
  public static func exists(_ path: String) -> Bool { SystemFile.exists(path) }

  /// Writes a file in one step: whatever happens, the name stands for all of the old file or all of
  /// the new one.
  ///
  /// - Parameters:
  ///   - bytes: what it shall hold.
  ///   - path: where it shall be; a device is written as it is.
  public static func write(_ bytes: [UInt8], to path: String) throws(DataProblem) {
    guard !SystemFile.isDevice(path) else { return try SystemFile.writing(path).write(bytes) }
    let draft = "\(path).\(SystemFile.processNumber).partial"
    let file = try SystemFile.writing(new: path, draft: draft)
    do throws(DataProblem) {
      try file.write(bytes)
      try file.publish(draft: draft)
    } catch {
      SystemFile.remove(draft)
      throw error
    }
  }
}

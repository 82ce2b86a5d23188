// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An open file descriptor; with `StopRequest` the only place of this module that calls the operating
/// system.
struct SystemFile: ~Copyable {
  private let descriptor: Int32
  let path: String
  /// True for a file that has no name yet: it goes away with this process, however that ends.
  private let isUnnamed: Bool

  private init(descriptor: Int32, path: String, isUnnamed: Bool = false) {
    self.descriptor = descriptor
    self.path = path
    self.isUnnamed = isUnnamed
  }

  deinit { _ = close(descriptor) }

  /// Opens an existing file.
  static func reading(_ path: String) throws(DataProblem) -> SystemFile {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw DataProblem(.noInput, file: path, message: "cannot open: \(reason())")
    }
    return SystemFile(descriptor: descriptor, path: path)
  }

  /// Opens an existing file or device for writing.
  static func writing(_ path: String) throws(DataProblem) -> SystemFile {
    // Opened by its name, a file that standard output goes to would have a second place to write at.
    let descriptor =
      path == standardOutput ? dup(1) : unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw DataProblem(.cannotWrite, file: path, message: "cannot write: \(reason())")
    }
    return SystemFile(descriptor: descriptor, path: path)
  }

  /// Opens a file for writing at its end, and makes it if there is none.
  static func appending(_ path: String) throws(DataProblem) -> SystemFile {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw DataProblem(.cannotWrite, file: path, message: "cannot write: \(reason())")
    }
    return SystemFile(descriptor: descriptor, path: path)
  }

  /// Gives a file another name; nothing happens when there is none.
  static func move(_ path: String, to target: String) { _ = systemRename(path, target) }

  /// Opens a new file for `path`, which is not touched before `publish`.
  ///
  /// Where the file system can, the file has no name until then; elsewhere it is `draft`.
  static func writing(new path: String, draft: String) throws(DataProblem) -> SystemFile {
    #if os(Linux)
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
      let descriptor = unsafe open(
        folder, O_WRONLY | O_CLOEXEC | O_DIRECTORY | withoutName, 0o644)
      if descriptor >= 0 {
        // Without /proc the file could never get a name.
        if unsafe access(processPath(descriptor), F_OK) == 0 {
          return SystemFile(descriptor: descriptor, path: path, isUnnamed: true)
        }
        _ = close(descriptor)
      }
    #endif
    let named = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard named >= 0 else {
      throw DataProblem(.cannotWrite, file: path, message: "cannot write: \(reason())")
    }
    return SystemFile(descriptor: named, path: path)
  }

  /// Opens a file that has its name from the start, empty; a device as it is.
  static func writing(growing path: String) throws(DataProblem) -> SystemFile {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor >= 0 { return SystemFile(descriptor: descriptor, path: path) }
    // A pipe's or printer's end may be there for writing only.
    return try writing(path)
  }

  /// Opens an existing file to read it and then to go on writing it.
  static func updating(_ path: String) throws(DataProblem) -> SystemFile {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw DataProblem(.noInput, file: path, message: "cannot open: \(reason())")
    }
    return SystemFile(descriptor: descriptor, path: path)
  }

  /// Cuts the file off at a length; what is written next comes there.
  borrowing func cut(to bytes: Int64) throws(DataProblem) {
    guard ftruncate(descriptor, off_t(bytes)) == 0, lseek(descriptor, off_t(bytes), SEEK_SET) >= 0
    else { throw problem() }
  }

  /// Puts the written bytes on the disk; a device has none.
  borrowing func synchronize() throws(DataProblem) {
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else { throw problem() }
  }

  #if os(Linux)
    /// What makes O_TMPFILE of O_DIRECTORY; the macro itself is too complex for the importer.
    private static let withoutName: Int32 = 0o20_000_000

    private static func processPath(_ descriptor: Int32) -> String {
      "/proc/self/fd/\(descriptor)"
    }
  #endif

  /// Puts the written bytes on the disk and gives the file its name in one step, by way of `draft`:
  /// so the name never stands for an empty file, and an earlier file stays until then.
  borrowing func publish(draft: String) throws(DataProblem) {
    try synchronize()
    #if os(Linux)
      if isUnnamed {
        Self.remove(draft)
        guard
          unsafe linkat(
            AT_FDCWD, Self.processPath(descriptor), AT_FDCWD, draft, AT_SYMLINK_FOLLOW) == 0
        else { throw problem() }
      }
    #endif
    guard systemRename(draft, path) == 0 else { throw problem() }
  }

  /// Puts the names in a file's folder on the disk, so that a rename outlives a power cut.
  static func synchronizeFolder(of path: String) throws(DataProblem) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let file = try reading(folder)
    guard fsync(file.descriptor) == 0 || errno == EINVAL else {
      throw DataProblem(.cannotWrite, file: folder, message: "cannot write: \(reason())")
    }
  }

  private borrowing func problem() -> DataProblem {
    DataProblem(.cannotWrite, file: path, message: "cannot write: \(Self.reason())")
  }

  /// How many bytes the file has; nil for what is no ordinary file.
  borrowing func size() -> Int64? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    return Int64(status.st_size)
  }

  /// Reads up to `bytes.count - start` bytes into `bytes` from `start`; 0 at the end of the file.
  borrowing func read(into bytes: inout [UInt8], from start: Int) throws(DataProblem) -> Int {
    while true {
      let count = unsafe bytes.withUnsafeMutableBytes { raw in
        let base = unsafe UnsafeMutableRawBufferPointer(rebasing: raw[start...])
        return unsafe systemRead(descriptor, base.baseAddress, base.count)
      }
      if count >= 0 { return count }
      guard errno == EINTR else {
        throw DataProblem(.noInput, file: path, message: "cannot read: \(Self.reason())")
      }
    }
  }

  /// Writes all of `bytes`.
  borrowing func write(_ bytes: [UInt8]) throws(DataProblem) {
    try Self.write(bytes, to: descriptor, path)
  }

  private static func write(
    _ bytes: [UInt8], to descriptor: Int32, _ path: String
  ) throws(DataProblem) {
    var start = 0
    while start < bytes.count {
      let from = start
      let count = unsafe bytes.withUnsafeBytes { raw in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: raw[from...])
        return unsafe systemWrite(descriptor, rest.baseAddress, rest.count)
      }
      if count >= 0 {
        start += count
      } else if errno != EINTR {
        throw DataProblem(.cannotWrite, file: path, message: "cannot write: \(Self.reason())")
      }
    }
  }

  /// Removes a file; nothing happens when there is none.
  static func remove(_ path: String) { _ = unsafe unlink(path) }

  /// True when there is something at `path`.
  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// True when `path` exists and is no ordinary file: a device or a pipe, which must not be replaced.
  static func isDevice(_ path: String) -> Bool {
    if path == standardOutput { return true }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return false }
    return status.st_mode & S_IFMT != S_IFREG
  }

  private static let standardOutput = "/dev/stdout"

  /// The number of this process, which makes a temporary name its own.
  static var processNumber: Int32 { getpid() }

  /// True when standard output is a terminal.
  static var standardOutputIsTerminal: Bool { isatty(1) == 1 }

  /// True when standard error is a terminal.
  static var standardErrorIsTerminal: Bool { isatty(2) == 1 }

  /// Writes to standard output.
  static func writeStandardOutput(_ text: String) throws(DataProblem) {
    try write(Array(text.utf8), to: 1, "standard output")
  }

  /// Writes to standard error; a closed standard error is no reason to stop.
  static func writeStandardError(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { raw in
      unsafe systemWrite(2, raw.baseAddress, raw.count)
    }
  }

  private static func reason() -> String {
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }
}

// The method names above hide the C functions of the same name.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int
{
  unsafe read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(descriptor, bytes, count)
}

private func systemRename(_ source: String, _ target: String) -> Int32 {
  unsafe rename(source, target)
}

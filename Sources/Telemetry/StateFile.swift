// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import ChipDrivers
import Dispatch
public import Quantities
import Synchronization

/// A file as the firmware's memory: written by a thread of its own, replaced as a whole.
///
/// Slices collect in memory; `commit` hands them to the thread, which writes a new file, puts it on the
/// disk, gives it the old one's name in one step and puts that on the disk, too. A power cut leaves the
/// old file or the new one, and each holds several generations. A tick never waits for the disk: until
/// it has written, `isReady` is false.
///
/// One save writes 16 KiB, the directory and the file system's journal. On an SD card that erases at
/// most 4 MiB for it, 8 GB with 1,000 cycles take two million saves: three years at one save a minute,
/// nineteen at one every five (assumed, because cards do not state either figure).
public struct StateFile: NonvolatileMemory, ~Copyable {
  /// Room for four states, with what a later version may add.
  public static var capacity: Int32 { 16_384 }
  /// Any piece of a state can be written at once.
  public static var sliceSize: Int32 { 1_024 }

  private var image: [UInt8]
  private let writer: Writer

  /// Opens the memory; the file need not exist yet, and its folder must.
  ///
  /// A file of another size is taken as far as it goes: what is missing is empty.
  public init(path: String) throws(DataProblem) {
    image = [UInt8](repeating: 0, count: Int(Self.capacity))
    writer = Writer(path: path)
    guard SystemFile.exists(path) else { return }
    let file = try SystemFile.reading(path)
    var count = 0
    while count < image.count {
      let read = try file.read(into: &image, from: count)
      if read == 0 { break }
      count += read
    }
  }

  /// Why the last writing failed; nil if it did not.
  public var problem: DataProblem? { writer.state.withLock { $0.problem } }

  /// Whether the disk has all that was committed.
  ///
  /// - Throws: `.bus(.system(5))` (EIO) once after a writing that failed; `problem` tells why.
  public mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool {
    let (isBusy, hasFailed) = writer.state.withLock { state in
      defer { state.hasFailed = false }
      return (state.isBusy, state.hasFailed)
    }
    if hasFailed { throw .bus(.system(5)) }
    return !isBusy
  }

  /// Fills `buffer` from `position` on.
  public mutating func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    for i in 0..<buffer.count { buffer[i] = image[Int(position) + i] }
  }

  /// Takes a slice; the file is not touched before `commit`.
  public mutating func write<Bus: I2CBus & ~Copyable>(
    _ bytes: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    for i in 0..<bytes.count { image[Int(position) + i] = bytes[i] }
  }

  /// Hands all slices to the thread that writes.
  public mutating func commit() throws(ChipError) { writer.write(image) }

  /// Writes whole files, one after the other.
  private final class Writer: Sendable {
    struct State {
      var isBusy = false
      var hasFailed = false
      var problem: DataProblem?
    }

    let state = Mutex(State())
    private let path: String
    private let queue = DispatchQueue(label: "state file")

    init(path: String) { self.path = path }

    func write(_ bytes: [UInt8]) {
      state.withLock { $0.isBusy = true }
      queue.async { [self] in
        var problem: DataProblem?
        do throws(DataProblem) {
          try replace(with: bytes)
        } catch {
          problem = error
        }
        state.withLock {
          $0.isBusy = false
          $0.problem = problem
          $0.hasFailed = problem != nil
        }
      }
    }

    private func replace(with bytes: [UInt8]) throws(DataProblem) {
      let draft = "\(path).new"
      let file = try SystemFile.writing(new: path, draft: draft)
      try file.write(bytes)
      try file.publish(draft: draft)
      try SystemFile.synchronizeFolder(of: path)
    }
  }
}

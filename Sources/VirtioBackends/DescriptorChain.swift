// SPDX-License-Identifier: Apache-2.0

/// One request of a guest: bytes to read, then room to write, scattered over its memory.
///
/// A chain is filled anew for each request and keeps its room, so that serving asks for no memory.
/// Every byte it gives out was checked to lie in shared memory. The guest may change them at any time,
/// so each is read once.
public struct DescriptorChain {
  /// The number by which the guest knows the request.
  public internal(set) var head: UInt16 = 0
  /// How many bytes there are to read.
  public private(set) var readableCount = 0
  /// How many bytes there is room for.
  public private(set) var writableCount = 0

  private var readable: [Segment] = []
  private var writable: [Segment] = []

  @safe private struct Segment {
    let base: UnsafeMutableRawPointer
    let count: Int
  }

  /// More pieces than any driver makes of a request for a bus or for lines.
  static let mostSegments = 64
  /// More bytes than any such request has.
  static let mostBytes = 1 << 20

  init() {
    readable.reserveCapacity(Self.mostSegments)
    writable.reserveCapacity(Self.mostSegments)
  }

  mutating func begin(head: UInt16) {
    self.head = head
    readableCount = 0
    writableCount = 0
    readable.removeAll(keepingCapacity: true)
    writable.removeAll(keepingCapacity: true)
  }

  /// Adds a piece of the guest's memory.
  mutating func append(
    address: UInt64, count: UInt32, isWritable: Bool, _ memory: borrowing GuestMemory
  ) throws(RingFault) {
    guard isWritable || writable.isEmpty else { throw .readableAfterWritable }
    var next = address
    var left = UInt64(count)
    while left > 0 {
      guard let piece = unsafe memory.bytes(atGuest: next, count: left) else {
        throw .addressOutside
      }
      guard readable.count + writable.count < Self.mostSegments else { throw .tooManySegments }
      let length = unsafe piece.count
      let segment = unsafe Segment(base: piece.base, count: Int(length))
      if isWritable {
        writable.append(segment)
        writableCount += segment.count
      } else {
        readable.append(segment)
        readableCount += segment.count
      }
      guard readableCount <= Self.mostBytes, writableCount <= Self.mostBytes else {
        throw .tooManyBytes
      }
      left -= length
      let (sum, overflow) = next.addingReportingOverflow(length)
      guard !overflow || left == 0 else { throw .addressOutside }
      next = sum
    }
  }

  /// Copies readable bytes from `offset` on; `bytes` must not ask for more than there are.
  public func read(into bytes: inout MutableSpan<UInt8>, from offset: Int) {
    precondition(
      offset >= 0 && bytes.count <= readableCount - offset, "a request is read within its bytes")
    var position = -offset
    for segment in readable {
      let first = max(position, 0)
      let last = min(position + segment.count, bytes.count)
      if first < last {
        unsafe bytes.withUnsafeMutableBytes { target in
          unsafe target.baseAddress?.advanced(by: first).copyMemory(
            from: segment.base + (first - position), byteCount: last - first)
        }
      }
      position += segment.count
    }
  }

  /// A readable byte.
  public func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < readableCount, "a request is read within its bytes")
    var position = offset
    for segment in readable {
      if position < segment.count {
        return unsafe segment.base.load(fromByteOffset: position, as: UInt8.self)
      }
      position -= segment.count
    }
    return 0
  }

  /// A readable number of 16 bits, the lower byte first.
  public func word(at offset: Int) -> UInt16 {
    UInt16(byte(at: offset)) | UInt16(byte(at: offset + 1)) << 8
  }

  /// A readable number of 32 bits, the lowest byte first.
  public func longWord(at offset: Int) -> UInt32 {
    UInt32(word(at: offset)) | UInt32(word(at: offset + 2)) << 16
  }

  /// Copies bytes to the room from `offset` on; there must be enough of it.
  public func write(_ bytes: Span<UInt8>, at offset: Int) {
    precondition(
      offset >= 0 && bytes.count <= writableCount - offset, "an answer fits its room")
    var position = -offset
    for segment in writable {
      let first = max(position, 0)
      let last = min(position + segment.count, bytes.count)
      if first < last {
        unsafe bytes.withUnsafeBytes { source in
          guard let from = source.baseAddress else { return }
          unsafe (segment.base + (first - position)).copyMemory(
            from: from + first, byteCount: last - first)
        }
      }
      position += segment.count
    }
  }

  /// Writes one byte of the answer.
  public func write(byte: UInt8, at offset: Int) { place(at: offset).write(byte) }

  /// Where a byte of the answer belongs.
  public func place(at offset: Int) -> AnswerPlace {
    precondition(offset >= 0 && offset < writableCount, "an answer fits its room")
    var position = offset
    for segment in writable {
      if position < segment.count { return unsafe AnswerPlace(pointer: segment.base + position) }
      position -= segment.count
    }
    preconditionFailure("the segments have as many bytes as were counted")
  }
}

/// A checked byte of a guest's memory, for an answer that comes later.
///
/// It is gone when the peer shares other memory; `VirtioDevice.forget` says so.
@safe public struct AnswerPlace {
  fileprivate let pointer: UnsafeMutableRawPointer

  /// Writes the byte.
  public func write(_ byte: UInt8) { unsafe pointer.storeBytes(of: byte, as: UInt8.self) }
}

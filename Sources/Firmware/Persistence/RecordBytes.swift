// SPDX-License-Identifier: Apache-2.0

import Quantities

/// Writes the numbers of a record one after the other, least significant byte first.
struct RecordWriter {
  private var count = 0
  private var sectionStart = 0

  mutating func put<Record: RecordBuffer>(_ value: UInt16, in bytes: inout Record) {
    for shift in UInt16(0)..<2 { put(UInt8(truncatingIfNeeded: value &>> (8 &* shift)), &bytes) }
  }

  mutating func put<Record: RecordBuffer>(_ value: UInt32, in bytes: inout Record) {
    for shift in UInt32(0)..<4 { put(UInt8(truncatingIfNeeded: value &>> (8 &* shift)), &bytes) }
  }

  mutating func put<Record: RecordBuffer>(_ value: Int64, in bytes: inout Record) {
    put(value, bytes: 8, in: &bytes)
  }

  /// The lowest bytes of a number.
  mutating func put<Record: RecordBuffer>(_ value: Int64, bytes: Int, in record: inout Record) {
    for i in 0..<bytes {
      put(UInt8(truncatingIfNeeded: value &>> (8 &* Int64(truncatingIfNeeded: i))), &record)
    }
  }

  private mutating func put<Record: RecordBuffer>(_ byte: UInt8, _ bytes: inout Record) {
    bytes.put(byte, at: count)
    count += 1
  }

  /// Opens a section; its length is filled in by `end`.
  mutating func begin<Record: RecordBuffer>(_ tag: UInt16, in bytes: inout Record) {
    put(tag, in: &bytes)
    put(UInt16(0), in: &bytes)
    sectionStart = count
  }

  func end<Record: RecordBuffer>(in bytes: inout Record) {
    let length = UInt16(truncatingIfNeeded: count - sectionStart)
    bytes.put(UInt8(truncatingIfNeeded: length), at: sectionStart - 2)
    bytes.put(UInt8(truncatingIfNeeded: length >> 8), at: sectionStart - 1)
  }

  /// Fills in the length of the whole and closes it with the checksum; gives that length.
  mutating func seal<Record: RecordBuffer>(_ bytes: inout Record) -> Int {
    let length = UInt16(truncatingIfNeeded: count + 4)
    bytes.put(UInt8(truncatingIfNeeded: length), at: 6)
    bytes.put(UInt8(truncatingIfNeeded: length >> 8), at: 7)
    var crc = CRC32C()
    for i in 0..<count { crc.combine(bytes.byte(at: i)) }
    put(crc.value, in: &bytes)
    return count
  }
}

/// Reads the numbers of a piece of a record; past its end everything is damage.
struct RecordReader {
  private var place: Int
  private let end: Int

  init(from start: Int, to end: Int) {
    place = start
    self.end = end
  }

  var isAtEnd: Bool { place >= end }

  mutating func half(_ bytes: Span<UInt8>) throws(RecordProblem) -> UInt16 {
    UInt16(truncatingIfNeeded: try number(bytes, count: 2))
  }

  mutating func word(_ bytes: Span<UInt8>) throws(RecordProblem) -> UInt32 {
    UInt32(truncatingIfNeeded: try number(bytes, count: 4))
  }

  /// A signed number of 1 to 8 bytes.
  mutating func word(_ bytes: Span<UInt8>, count: Int) throws(RecordProblem) -> Int64 {
    let unused = 64 &- 8 &* Int64(truncatingIfNeeded: count)
    return (Int64(bitPattern: try number(bytes, count: count)) &<< unused) &>> unused
  }

  mutating func long(_ bytes: Span<UInt8>) throws(RecordProblem) -> Int64 {
    Int64(bitPattern: try number(bytes, count: 8))
  }

  /// The piece that the length at this place announces; this reader moves past it.
  mutating func section(_ bytes: Span<UInt8>) throws(RecordProblem) -> RecordReader {
    let length = Int(try half(bytes))
    guard length <= end - place else { throw .damaged }
    defer { place += length }
    return RecordReader(from: place, to: place + length)
  }

  private mutating func number(
    _ bytes: Span<UInt8>, count: Int
  ) throws(RecordProblem) -> UInt64 {
    guard count <= end - place, end <= bytes.count else { throw .damaged }
    var value: UInt64 = 0
    var i = place + count
    while i > place {
      i -= 1
      value = value &<< 8 | UInt64(bytes[i])
    }
    place += count
    return value
  }
}

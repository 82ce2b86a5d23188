// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import CellEstimation
public import ChipDrivers
public import Quantities

/// What an estimator keeps over a power cut: sections of 64-bit words in a record.
public protocol KeptEstimator: Sendable {
  /// Room for a record with it.
  associatedtype Record: RecordBuffer
  /// Makes one that holds nothing.
  init()
  /// How many words a section has; 0 for a section that is not of this estimator.
  static func count(ofSection tag: UInt16) -> Int
  /// Whether there is anything to write of a section.
  func has(section tag: UInt16) -> Bool
  /// A word of a section.
  func word(_ index: Int, ofSection tag: UInt16) -> Int64
  /// Puts a word that was read in its place.
  mutating func put(_ word: Int64, at index: Int, ofSection tag: UInt16)
  /// Whether the words can be an estimator's.
  var isSane: Bool { get }
  /// Whether a section has a layout that this firmware does not know.
  var isOfOtherLayout: Bool { get }
}

/// The tags of the estimators' sections.
public enum EstimatorSection {
  /// The state filter.
  public static let filter: UInt16 = 2
  /// The degradation modes.
  public static let modes: UInt16 = 4
}

extension EstimatorSnapshot: KeptEstimator {
  /// As long as version 1 ever wrote.
  public typealias Record = RecordBytes<640>

  /// Makes one that holds nothing.
  public init() { self.init(words: InlineArray(repeating: 0)) }

  /// 54 words for the filter.
  public static func count(ofSection tag: UInt16) -> Int {
    tag == EstimatorSection.filter ? EstimatorSnapshot.count : 0
  }

  /// There always is a filter.
  public func has(section tag: UInt16) -> Bool { tag == EstimatorSection.filter }

  /// A word of the filter.
  public func word(_ index: Int, ofSection tag: UInt16) -> Int64 { words[index] }

  /// Puts a word of the filter in its place.
  public mutating func put(_ word: Int64, at index: Int, ofSection tag: UInt16) {
    words[index] = word
  }

  /// There is one layout.
  public var isOfOtherLayout: Bool { false }
}

extension LifelongSnapshot: KeptEstimator {
  /// The filter's record and the modes' section.
  public typealias Record = RecordBytes<3_008>

  /// Makes one that holds nothing.
  public init() { self.init(filter: EstimatorSnapshot()) }

  /// 54 words for the filter, and the modes'.
  public static func count(ofSection tag: UInt16) -> Int {
    switch tag {
    case EstimatorSection.filter: EstimatorSnapshot.count
    case EstimatorSection.modes: LifelongSnapshot.count
    default: 0
    }
  }

  /// There always is a filter, and modes unless the record is an older one.
  public func has(section tag: UInt16) -> Bool {
    tag == EstimatorSection.filter || tag == EstimatorSection.modes && hasModes
  }

  /// A word of the filter or the modes.
  public func word(_ index: Int, ofSection tag: UInt16) -> Int64 {
    tag == EstimatorSection.filter ? filter.words[index] : modes[index]
  }

  /// Puts a word of the filter or the modes in its place.
  public mutating func put(_ word: Int64, at index: Int, ofSection tag: UInt16) {
    if tag == EstimatorSection.filter {
      filter.words[index] = word
    } else {
      modes[index] = word
      hasModes = true
    }
  }
}

/// Room for a record's bytes, of the size that an estimator needs.
public protocol RecordBuffer: Sendable {
  /// How many bytes there are.
  static var size: Int { get }
  /// Makes a buffer of zeros.
  init()
  /// The byte at a place.
  func byte(at place: Int) -> UInt8
  /// Sets the byte at a place.
  mutating func put(_ byte: UInt8, at place: Int)
  /// Fills all of it from a memory.
  mutating func load<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    from position: Int32, of memory: inout Memory, on bus: inout Bus
  ) throws(ChipError)
  /// Begins to store a piece of it.
  func store<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    _ piece: Range<Int>, at position: Int32, of memory: inout Memory, on bus: inout Bus,
    at time: MonotonicTime
  ) throws(ChipError)
  /// The state that the bytes are.
  func decoded<Kept: KeptEstimator>() throws(RecordProblem) -> KeptState<Kept>
  /// How long the record is that begins here, if there is no room for it, and its sequence.
  var longerRecord: (length: Int, sequence: UInt32)? { get }
}

/// A record's bytes.
public struct RecordBytes<let count: Int>: RecordBuffer {
  /// The bytes.
  public var bytes: InlineArray<count, UInt8>

  /// Makes a buffer of zeros.
  public init() { bytes = InlineArray(repeating: 0) }

  /// How many bytes there are.
  public static var size: Int { count }

  /// The byte at a place.
  public func byte(at place: Int) -> UInt8 { bytes[place] }

  /// Sets the byte at a place.
  public mutating func put(_ byte: UInt8, at place: Int) { bytes[place] = byte }

  /// Fills all of it from a memory.
  public mutating func load<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    from position: Int32, of memory: inout Memory, on bus: inout Bus
  ) throws(ChipError) {
    var span = bytes.mutableSpan
    try memory.read(from: position, into: &span, on: &bus)
  }

  /// Begins to store a piece of it.
  public func store<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    _ piece: Range<Int>, at position: Int32, of memory: inout Memory, on bus: inout Bus,
    at time: MonotonicTime
  ) throws(ChipError) {
    try memory.write(bytes.span.extracting(piece), to: position, on: &bus, at: time)
  }

  /// The state that the bytes are.
  public func decoded<Kept: KeptEstimator>() throws(RecordProblem) -> KeptState<Kept> {
    try StateRecord.decode(bytes.span)
  }

  /// How long the record is that begins here, if there is no room for it, and its sequence.
  public var longerRecord: (length: Int, sequence: UInt32)? {
    StateRecord.longer(than: bytes.span)
  }
}

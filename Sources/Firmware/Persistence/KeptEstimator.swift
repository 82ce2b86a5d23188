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
  /// How long a record is at most when it is kept in short; no longer than `Record`. Unit: bytes.
  static var compactSize: Int { get }
  /// How many words a section has; 0 for a section that is not of this estimator.
  static func count(ofSection tag: UInt16) -> Int
  /// How many bytes a word of a section takes in a record, 1 to 8.
  static func width(_ index: Int, ofSection tag: UInt16) -> Int
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

extension KeptEstimator {
  /// It has no shorter form.
  public static var compactSize: Int { Record.size }

  /// A word is a word.
  public static func width(_ index: Int, ofSection tag: UInt16) -> Int { 8 }
}

/// The tags of the estimators' sections.
public enum EstimatorSection {
  /// The state filter.
  public static let filter: UInt16 = 2
  /// The degradation modes.
  public static let modes: UInt16 = 4
  /// The degradation modes in short, instead of the other.
  public static let compactModes: UInt16 = 5
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

  /// Half of the smallest memory, without the mark's slice.
  public static var compactSize: Int { 2_016 }

  /// 54 words for the filter, and the modes'.
  public static func count(ofSection tag: UInt16) -> Int {
    switch tag {
    case EstimatorSection.filter: EstimatorSnapshot.count
    case EstimatorSection.modes: LifelongSnapshot.count
    case EstimatorSection.compactModes: CompactModes.count
    default: 0
    }
  }

  /// Eight bytes, but for the modes in short.
  public static func width(_ index: Int, ofSection tag: UInt16) -> Int {
    tag == EstimatorSection.compactModes ? CompactModes.width(index) : 8
  }

  /// There always is a filter, and modes unless the record is an older one.
  public func has(section tag: UInt16) -> Bool {
    switch tag {
    case EstimatorSection.filter: true
    case EstimatorSection.modes, EstimatorSection.compactModes: hasModes
    default: false
    }
  }

  /// A word of the filter or the modes.
  public func word(_ index: Int, ofSection tag: UInt16) -> Int64 {
    switch tag {
    case EstimatorSection.filter: filter.words[index]
    case EstimatorSection.compactModes: CompactModes.word(index, of: self)
    default: modes[index]
    }
  }

  /// Puts a word of the filter or the modes in its place.
  public mutating func put(_ word: Int64, at index: Int, ofSection tag: UInt16) {
    switch tag {
    case EstimatorSection.filter: filter.words[index] = word
    case EstimatorSection.compactModes: CompactModes.put(word, at: index, of: &self)
    default:
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
  /// Fills the first bytes of it from a memory.
  mutating func load<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    _ count: Int, from position: Int32, of memory: inout Memory, on bus: inout Bus
  ) throws(ChipError)
  /// Begins to store a piece of it.
  func store<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    _ piece: Range<Int>, at position: Int32, of memory: inout Memory, on bus: inout Bus,
    at time: MonotonicTime
  ) throws(ChipError)
  /// The state that the first bytes are.
  func decoded<Kept: KeptEstimator>(_ count: Int) throws(RecordProblem) -> KeptState<Kept>
  /// How long the record is that begins here, if it is longer than so many bytes, and its sequence.
  func longerRecord(than count: Int) -> (length: Int, sequence: UInt32)?
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

  /// Fills the first bytes of it from a memory.
  public mutating func load<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    _ count: Int, from position: Int32, of memory: inout Memory, on bus: inout Bus
  ) throws(ChipError) {
    var all = bytes.mutableSpan
    var span = all._mutatingExtracting(0..<count)
    try memory.read(from: position, into: &span, on: &bus)
  }

  /// Begins to store a piece of it.
  public func store<Memory: NonvolatileMemory & ~Copyable, Bus: I2CBus & ~Copyable>(
    _ piece: Range<Int>, at position: Int32, of memory: inout Memory, on bus: inout Bus,
    at time: MonotonicTime
  ) throws(ChipError) {
    try memory.write(bytes.span.extracting(piece), to: position, on: &bus, at: time)
  }

  /// The state that the first bytes are.
  public func decoded<Kept: KeptEstimator>(_ count: Int) throws(RecordProblem) -> KeptState<Kept> {
    try StateRecord.decode(bytes.span.extracting(0..<count))
  }

  /// How long the record is that begins here, if it is longer than so many bytes, and its sequence.
  public func longerRecord(than count: Int) -> (length: Int, sequence: UInt32)? {
    StateRecord.longer(than: bytes.span.extracting(0..<count))
  }
}

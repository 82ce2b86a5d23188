// SPDX-License-Identifier: Apache-2.0

import CellEstimation
public import ChipDrivers
import Quantities

/// What outlives a power cut.
public struct KeptState<Estimator: KeptEstimator>: Sendable {
  /// Counts up with every save; the greatest is the newest.
  public var sequence: UInt32
  /// The identity of the configuration that it was made under.
  public var configuration: UInt32
  /// Whether the firmware stopped in an orderly way when it saved this.
  public var isCleanStop: Bool
  /// The calendar's time when it was saved; nil if it was not known.
  public var wallClock: CalendarTime?
  /// What was known of the cell.
  public var estimator: Estimator
  /// What protection had seen.
  public var history: FaultHistory

  /// Makes a state to keep.
  public init(
    sequence: UInt32, configuration: UInt32, isCleanStop: Bool, wallClock: CalendarTime?,
    estimator: Estimator, history: FaultHistory
  ) {
    self.sequence = sequence
    self.configuration = configuration
    self.isCleanStop = isCleanStop
    self.wallClock = wallClock
    self.estimator = estimator
    self.history = history
  }
}

/// Why bytes are no state.
public enum RecordProblem: Error, Equatable, Sendable {
  /// They were never written, or not to the end, or something changed them.
  case damaged
  /// They are whole, but of a layout that this firmware does not know.
  case unknownVersion(UInt16, sequence: UInt32)
}

/// A kept state as bytes, all numbers least significant byte first.
///
/// Every version begins with the same twelve bytes and ends with the checksum:
///
///     0   magic 53 4F 44 41 ("SODA")
///     4   version, 16 bits: 1
///     6   length of the whole record with its checksum, 16 bits
///     8   sequence, 32 bits
///     12  identity of the configuration, 32 bits
///     16  flags, 32 bits: bit 0 clean stop
///     20  sections: tag and length of the content, 16 bits each, then the content
///     …   CRC-32C of all before it
///
///     tag 1  wall clock: seconds since 2000, 64 bits; left out if it is not known
///     tag 2  estimator: the 54 words of `EstimatorSnapshot`, 64 bits each
///     tag 3  faults: operating seconds, latched, events ever noted, 32 bits each; number of trip
///            counts, then number of events, 16 bits each; the trip counts, 16 bits each; the ring of
///            events, each 32 bits of operating seconds and 32 bits of protection
///
///     tag 4  modes: the words of `LifelongSnapshot`, 64 bits each; left out by `StateEstimator`
///     tag 5  modes in short, instead of tag 4 where the memory is small: those words in 14 of 56
///            bits, 21 of 48, 21 of 40, 21 of 48, 210 of 32, 9 of 56; those of 40 and 32 bits are a
///            signed mantissa above 6 bits that say how far it is shifted
///
/// A section with an unknown tag is skipped; a known one that is too short is damage. A firmware without
/// modes has no room for a record with them: to it that is one of a later version. The other way round,
/// what lacks modes is read. Where the state of charge is one of another curve than the make's, the
/// identity says so.
public enum StateRecord {
  /// The layout that is written.
  public static let version: UInt16 = 1
  static let magic: UInt32 = 0x4144_4F53

  private enum Tag {
    static let wallClock: UInt16 = 1
    static let faults: UInt16 = 3
  }

  /// Writes a state.
  ///
  /// - Parameters:
  ///   - state: what to keep.
  ///   - bytes: where it goes.
  ///   - isCompact: whether the modes are kept in short; the record is then no longer than `compactSize`.
  /// - Returns: how many bytes of `bytes` it takes.
  public static func encode<Kept: KeptEstimator>(
    _ state: borrowing KeptState<Kept>, into bytes: inout Kept.Record, isCompact: Bool = false
  ) -> Int {
    var writer = RecordWriter()
    writer.put(magic, in: &bytes)
    writer.put(version, in: &bytes)
    writer.put(UInt16(0), in: &bytes)
    writer.put(state.sequence, in: &bytes)
    writer.put(state.configuration, in: &bytes)
    writer.put(UInt32(state.isCleanStop ? 1 : 0), in: &bytes)
    if let wallClock = state.wallClock {
      writer.begin(Tag.wallClock, in: &bytes)
      writer.put(wallClock.secondsSince2000, in: &bytes)
      writer.end(in: &bytes)
    }
    put(EstimatorSection.filter, of: state.estimator, &writer, &bytes)
    put(state.history, &writer, &bytes)
    let modes = isCompact ? EstimatorSection.compactModes : EstimatorSection.modes
    put(modes, of: state.estimator, &writer, &bytes)
    return writer.seal(&bytes)
  }

  private static func put<Kept: KeptEstimator>(
    _ tag: UInt16, of kept: borrowing Kept, _ writer: inout RecordWriter,
    _ bytes: inout Kept.Record
  ) {
    guard kept.has(section: tag) else { return }
    writer.begin(tag, in: &bytes)
    for i in 0..<Kept.count(ofSection: tag) {
      let width = Kept.width(i, ofSection: tag)
      writer.put(kept.word(i, ofSection: tag), bytes: width, in: &bytes)
    }
    writer.end(in: &bytes)
  }

  private static func put<Record: RecordBuffer>(
    _ history: borrowing FaultHistory, _ writer: inout RecordWriter, _ bytes: inout Record
  ) {
    writer.begin(Tag.faults, in: &bytes)
    writer.put(history.operatingSeconds, in: &bytes)
    writer.put(history.latched, in: &bytes)
    writer.put(history.noted, in: &bytes)
    writer.put(UInt16(FaultHistory.places), in: &bytes)
    writer.put(UInt16(FaultHistory.length), in: &bytes)
    for i in 0..<FaultHistory.places { writer.put(history.trips[i], in: &bytes) }
    for i in 0..<FaultHistory.length {
      writer.put(history.events[i].operatingSeconds, in: &bytes)
      writer.put(UInt32(history.events[i].protection), in: &bytes)
    }
    writer.end(in: &bytes)
  }

  /// Reads a state from the beginning of `bytes`; what follows the record is of no matter.
  public static func decode<Kept: KeptEstimator>(
    _ bytes: Span<UInt8>
  ) throws(RecordProblem) -> KeptState<Kept> {
    var head = RecordReader(from: 0, to: bytes.count)
    guard try head.word(bytes) == magic else { throw .damaged }
    let version = try head.half(bytes)
    let length = Int(try head.half(bytes))
    guard length >= 24, length <= bytes.count else { throw .damaged }
    var crc = CRC32C()
    for i in 0..<(length - 4) { crc.combine(bytes[i]) }
    var tail = RecordReader(from: length - 4, to: length)
    guard try tail.word(bytes) == crc.value else { throw .damaged }
    guard version == Self.version else {
      throw .unknownVersion(version, sequence: try head.word(bytes))
    }
    var reader = RecordReader(from: 8, to: length - 4)
    let state: KeptState<Kept> = try body(&reader, bytes)
    if state.estimator.isOfOtherLayout {
      throw .unknownVersion(version, sequence: state.sequence)
    }
    guard state.estimator.isSane else { throw .damaged }
    return state
  }

  /// How long the record is that begins here, if it is longer than these bytes, and its sequence.
  static func longer(than bytes: Span<UInt8>) -> (length: Int, sequence: UInt32)? {
    var head = RecordReader(from: 0, to: bytes.count)
    do throws(RecordProblem) {
      guard try head.word(bytes) == magic else { return nil }
      _ = try head.half(bytes)
      let length = Int(try head.half(bytes))
      return length > bytes.count ? (length, try head.word(bytes)) : nil
    } catch {
      return nil
    }
  }

  private static func body<Kept: KeptEstimator>(
    _ reader: inout RecordReader, _ bytes: Span<UInt8>
  ) throws(RecordProblem) -> KeptState<Kept> {
    var state = KeptState(
      sequence: try reader.word(bytes), configuration: try reader.word(bytes),
      isCleanStop: try reader.word(bytes) & 1 == 1, wallClock: nil,
      estimator: Kept(), history: FaultHistory())
    var hasEstimator = false
    while !reader.isAtEnd {
      let tag = try reader.half(bytes)
      var section = try reader.section(bytes)
      switch tag {
      case Tag.wallClock:
        state.wallClock = CalendarTime(secondsSince2000: try section.long(bytes))
      case Tag.faults: state.history = try history(&section, bytes)
      default:
        for i in 0..<Kept.count(ofSection: tag) {
          let word = try section.word(bytes, count: Kept.width(i, ofSection: tag))
          state.estimator.put(word, at: i, ofSection: tag)
        }
        if tag == EstimatorSection.filter { hasEstimator = true }
      }
    }
    guard hasEstimator else { throw .damaged }
    return state
  }

  private static func history(
    _ section: inout RecordReader, _ bytes: Span<UInt8>
  ) throws(RecordProblem) -> FaultHistory {
    var history = FaultHistory()
    history.operatingSeconds = try section.word(bytes)
    history.latched = try section.word(bytes)
    history.noted = try section.word(bytes)
    let trips = try section.half(bytes)
    let events = try section.half(bytes)
    guard trips <= FaultHistory.places, events == FaultHistory.length else { throw .damaged }
    for i in 0..<Int(trips) { history.trips[i] = try section.half(bytes) }
    for i in 0..<Int(events) {
      history.events[i].operatingSeconds = try section.word(bytes)
      history.events[i].protection = UInt8(truncatingIfNeeded: try section.word(bytes))
    }
    return history
  }
}

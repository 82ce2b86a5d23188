// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// Keeps states in a memory as generations in turn, a slice a tick.
///
/// The memory is cut into slots, each for one state. A save goes to the slot after the newest whole
/// state, so a power cut at any byte of it leaves that one whole. Every slice is read back before the
/// next is written. Nothing here waits, and one tick moves one slice, so no tick is late by more than
/// a slice; only the search at the start reads a whole state in a tick.
///
/// After a clean stop nothing moves, so the state is believed as it is. That must hold for one start
/// only: before the switches are used again, a mark beside the state says that it was opened.
struct StateKeeper<Memory: NonvolatileMemory & ~Copyable, Kept: KeptEstimator>: ~Copyable {
  private var memory: Memory
  private var phase: Phase
  /// The state that is being written, or the one just read.
  private var bytes = Kept.Record()
  private var length = 0
  /// How much of the state being written was read back.
  private var verified = 0
  private var attempts: UInt8 = 0
  /// The slot of the newest whole state, and the state's sequence.
  private var newestSlot: Int32 = -1
  private(set) var sequence: UInt32 = 0
  private var newest: KeptState<Kept>?
  private var unreadable: Int32 = 0
  private var otherVersion: UInt32?
  /// Whether a slot was never reached. A state must not be stored before it is known what is newest: with
  /// a lower sequence than an older one it would never be found.
  private(set) var needsSurvey = false
  private(set) var counts = MemoryCounts()

  private enum Phase {
    case reading(slot: Int32)
    case idle
    case surveying(slot: Int32)
    case marking(isWritten: Bool)
    case writing(done: Int)
    case committing
  }

  static var layout: StateLayout { StateLayout(in: Memory.self, of: Kept.self) }
  private static var slots: Int32 { layout.generations }
  private static var slotSize: Int32 { layout.slotSize }
  /// How many bytes a record has at most.
  private static var size: Int { Int(layout.recordSize) }

  /// A memory without room for two states keeps none.
  init(_ memory: consuming Memory) {
    self.memory = memory
    phase = Self.slots == 0 ? .idle : .reading(slot: 0)
  }

  var isThere: Bool { Self.slots > 0 }

  var isSearching: Bool {
    if case .reading = phase { true } else { false }
  }

  var isIdle: Bool {
    if case .idle = phase { true } else { false }
  }

  var isMarking: Bool {
    if case .marking = phase { true } else { false }
  }

  // MARK: The start

  /// What the search found.
  struct Finding {
    /// The newest whole state.
    var state: KeptState<Kept>?
    /// How many slots may have held a newer one.
    var unreadable: Int32
    /// Whether a later layout is newer than any state.
    var isOtherVersion: Bool
  }

  /// Reads one slot; gives what was found after the last.
  mutating func search<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) -> Finding? {
    guard case .reading(let slot) = phase else { return nil }
    guard read(slot, on: &bus, at: time) else { return nil }
    attempts = 0
    guard slot + 1 == Self.slots else {
      phase = .reading(slot: slot + 1)
      return nil
    }
    phase = .idle
    defer { newest = nil }
    return Finding(
      state: newest, unreadable: unreadable,
      isOtherVersion: otherVersion.map { newest == nil || $0 > sequence } ?? false)
  }

  /// Reads a slot; false if it is to be tried again in the next tick.
  private mutating func read<Bus: I2CBus & ~Copyable>(
    _ slot: Int32, on bus: inout Bus, at time: MonotonicTime
  ) -> Bool {
    do throws(ChipError) {
      guard try memory.isReady(on: &bus, at: time) else { return false }
      try bytes.load(Self.size, from: slot * Self.slotSize, of: &memory, on: &bus)
    } catch {
      let isGivenUp = giveUp(after: 5)
      if isGivenUp { needsSurvey = true }
      return isGivenUp
    }
    return take(slot, on: &bus)
  }

  /// Makes of the bytes that were read what they are; false if they are to be read again.
  private mutating func take<Bus: I2CBus & ~Copyable>(_ slot: Int32, on bus: inout Bus) -> Bool {
    do throws(RecordProblem) {
      var state: KeptState<Kept> = try bytes.decoded(Self.size)
      if newestSlot < 0 || state.sequence > sequence {
        if state.isCleanStop, wasOpened(slot, state.sequence, on: &bus) {
          state.isCleanStop = false
        }
        newestSlot = slot
        sequence = state.sequence
        newest = state
      }
      return true
    } catch {
      switch error {
      case .unknownVersion(_, let sequence):
        otherVersion = max(otherVersion ?? 0, sequence)
        return true
      case .damaged:
        if let longer = bytes.longerRecord(than: Self.size),
          isWhole(slot, length: longer.length, on: &bus)
        {
          otherVersion = max(otherVersion ?? 0, longer.sequence)
          return true
        }
        // The bits may have flipped on the wire.
        guard isBlank else { return giveUp(after: 2) }
        attempts += 1
        return attempts >= 2
      }
    }
  }

  /// Whether a record that is longer than there is room for is whole.
  private mutating func isWhole<Bus: I2CBus & ~Copyable>(
    _ slot: Int32, length: Int, on bus: inout Bus
  ) -> Bool {
    // Another firmware's slots may be longer than ours.
    guard length <= Int(Memory.capacity - slot * Self.slotSize) else { return false }
    var crc = CRC32C()
    var sealed: UInt32 = 0
    var place = 0
    do throws(ChipError) {
      while place < length {
        var piece = InlineArray<4, UInt8>(repeating: 0)
        var span = piece.mutableSpan
        // The last piece may reach beyond the record, and at the end of a slot it must not.
        let start = min(place, length - 4)
        try memory.read(from: slot * Self.slotSize + Int32(start), into: &span, on: &bus)
        for i in (place - start)..<4 {
          if start + i < length - 4 {
            crc.combine(piece[i])
          } else {
            sealed |= UInt32(piece[i]) &<< UInt32(8 * (start + i - (length - 4)))
          }
        }
        place = start + 4
      }
    } catch {
      return false
    }
    return sealed == crc.value
  }

  /// Counts a try; true after the last, when the slot counts as unreadable.
  private mutating func giveUp(after tries: UInt8) -> Bool {
    attempts += 1
    guard attempts >= tries else { return false }
    unreadable += 1
    return true
  }

  /// Whether nothing was ever written here: all bytes zero, or all ones.
  private var isBlank: Bool {
    let first = bytes.byte(at: 0)
    guard first == 0 || first == 0xFF else { return false }
    for i in 1..<Self.size where bytes.byte(at: i) != first { return false }
    return true
  }

  /// Whether a start has already used a clean stop's state; what cannot be read counts as used.
  private mutating func wasOpened<Bus: I2CBus & ~Copyable>(
    _ slot: Int32, _ sequence: UInt32, on bus: inout Bus
  ) -> Bool {
    do throws(ChipError) {
      return try hasMark(slot, sequence, on: &bus)
    } catch {
      return true
    }
  }

  private mutating func hasMark<Bus: I2CBus & ~Copyable>(
    _ slot: Int32, _ sequence: UInt32, on bus: inout Bus
  ) throws(ChipError) -> Bool {
    var mark = InlineArray<4, UInt8>(repeating: 0)
    var span = mark.mutableSpan
    try memory.read(from: slot * Self.slotSize + Self.layout.recordSize, into: &span, on: &bus)
    for i in 0..<4 where mark[i] != Self.byte(i, of: sequence) { return false }
    return true
  }

  private static func byte(_ index: Int, of word: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: word &>> (8 &* UInt32(truncatingIfNeeded: index)))
  }

  /// Begins to look at the slots that could not be reached at the start; then `needsSurvey` is false.
  mutating func survey() {
    attempts = 0
    phase = .surveying(slot: 0)
  }

  private mutating func survey<Bus: I2CBus & ~Copyable>(
    _ slot: Int32, on bus: inout Bus
  ) throws(ChipError) -> Progress {
    try bytes.load(Self.size, from: slot * Self.slotSize, of: &memory, on: &bus)
    guard take(slot, on: &bus) else { return .busy }
    attempts = 0
    newest = nil
    let isLast = slot + 1 == Self.slots
    phase = isLast ? .idle : .surveying(slot: slot + 1)
    if isLast { needsSurvey = false }
    return isLast ? .idle : .busy
  }

  /// Begins to mark the state of a clean stop as opened.
  mutating func markOpened() {
    attempts = 0
    phase = .marking(isWritten: false)
  }

  // MARK: Saving

  /// Begins to store a state; one that is being stored is given up for it.
  mutating func save(_ state: borrowing KeptState<Kept>) {
    length = StateRecord.encode(state, into: &bytes, isCompact: Self.layout.isCompact)
    attempts = 0
    verified = 0
    phase = .writing(done: 0)
  }

  /// The sequence that the next state must have.
  var nextSequence: UInt32 { max(sequence, otherVersion ?? 0) &+ 1 }

  /// What a tick's work came to.
  enum Progress { case idle, busy, saved, failed }

  /// Writes or checks one slice.
  mutating func advance<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) -> Progress {
    if isIdle { return .idle }
    do throws(ChipError) {
      guard try memory.isReady(on: &bus, at: time) else { return .busy }
      switch phase {
      case .idle, .reading: return .idle
      case .surveying(let slot): return try survey(slot, on: &bus)
      case .marking(let isWritten): return try mark(isWritten, on: &bus, at: time)
      case .writing(let done): return try write(from: done, on: &bus, at: time)
      case .committing:
        newestSlot = target
        sequence = nextSequence
        phase = .idle
        MemoryCounts.raise(&counts.saves)
        return .saved
      }
    } catch {
      return tryAgain()
    }
  }

  private var target: Int32 { newestSlot < 0 ? 0 : (newestSlot + 1) % Self.slots }

  private mutating func write<Bus: I2CBus & ~Copyable>(
    from done: Int, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Progress {
    let base = target * Self.slotSize
    let slice = Int(Memory.sliceSize)
    if done > verified {
      let start = (done - 1) / slice * slice
      guard try holds(from: start, to: done, at: base, on: &bus) else {
        phase = .writing(done: start)
        return tryAgain()
      }
      verified = done
      attempts = 0
    }
    if done == length {
      try memory.commit()
      phase = .committing
      return .busy
    }
    let end = min(done + slice, length)
    // Noted first: after a failure the slice is read back before it is written again.
    phase = .writing(done: end)
    try bytes.store(done..<end, at: base + Int32(done), of: &memory, on: &bus, at: time)
    return .busy
  }

  /// Whether the memory holds a piece of the state.
  private mutating func holds<Bus: I2CBus & ~Copyable>(
    from start: Int, to end: Int, at base: Int32, on bus: inout Bus
  ) throws(ChipError) -> Bool {
    var place = start
    var piece = InlineArray<32, UInt8>(repeating: 0)
    while place < end {
      var span = piece.mutableSpan
      try memory.read(from: base + Int32(place), into: &span, on: &bus)
      for i in 0..<min(32, end - place) where piece[i] != bytes.byte(at: place + i) { return false }
      place += 32
    }
    return true
  }

  private mutating func mark<Bus: I2CBus & ~Copyable>(
    _ isWritten: Bool, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Progress {
    if isWritten {
      let isStored = try hasMark(newestSlot, sequence, on: &bus)
      phase = isStored ? .idle : .marking(isWritten: false)
      return isStored ? .idle : tryAgain()
    }
    var word = InlineArray<4, UInt8>(repeating: 0)
    for i in 0..<4 { word[i] = Self.byte(i, of: sequence) }
    phase = .marking(isWritten: true)
    try memory.write(
      word.span, to: newestSlot * Self.slotSize + Self.layout.recordSize, on: &bus, at: time)
    try memory.commit()
    return .busy
  }

  /// After the fourth failure in a row a save is given up; what was stored before stays as it is.
  private mutating func tryAgain() -> Progress {
    attempts += 1
    MemoryCounts.raise(&counts.repeatedSlices)
    guard attempts >= 4 else { return .busy }
    attempts = 0
    phase = .idle
    MemoryCounts.raise(&counts.failedSaves)
    return .failed
  }
}

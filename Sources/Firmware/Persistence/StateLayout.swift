// SPDX-License-Identifier: Apache-2.0

public import ChipDrivers

/// How kept states lie in a memory: how many, how long each may be, and in which form.
///
/// Two whole states are the least that outlives a power cut. A memory without room for two in full keeps
/// them compactly, and one without room for that keeps none.
public struct StateLayout: Equatable, Sendable {
  /// How many states there is room for, four at most: more would not make it any safer. 0 if there is not
  /// room for two.
  public let generations: Int32
  /// The longest record. Unit: bytes.
  public let recordSize: Int32
  /// From one state to the next. Unit: bytes, a multiple of the memory's slices.
  public let slotSize: Int32
  /// Whether the modes are kept in short; see `StateRecord`.
  public let isCompact: Bool

  /// The layout in a memory of what an estimator keeps.
  public init<Memory: NonvolatileMemory & ~Copyable, Kept: KeptEstimator>(
    in memory: Memory.Type, of kept: Kept.Type
  ) {
    self.init(
      capacity: Memory.capacity, slice: Memory.sliceSize, whole: Int32(Kept.Record.size),
      compact: Int32(Kept.compactSize))
  }

  /// The layout of records of these sizes; beside each is a slice for the mark that it was opened.
  ///
  /// - Parameters:
  ///   - capacity: of the memory, 0 or more. Unit: bytes.
  ///   - slice: what is written at once, at least 1. Unit: bytes.
  ///   - whole: the longest record in full. Unit: bytes.
  ///   - compact: the longest compact one, at most as long. Unit: bytes.
  init(capacity: Int32, slice: Int32, whole: Int32, compact: Int32) {
    let inFull = Self.fitting(whole, capacity, slice)
    isCompact = inFull == 0 && compact < whole
    recordSize = isCompact ? compact : whole
    generations = isCompact ? Self.fitting(compact, capacity, slice) : inFull
    slotSize = generations == 0 ? 0 : Self.slot(generations, capacity, slice)
  }

  /// The share of one of so many, in whole slices.
  private static func slot(_ count: Int32, _ capacity: Int32, _ slice: Int32) -> Int32 {
    let even = capacity / count
    return even - even % slice
  }

  /// How many records with their marks there is room for: four, three, two or none.
  private static func fitting(_ record: Int32, _ capacity: Int32, _ slice: Int32) -> Int32 {
    var count: Int32 = 4
    while count >= 2 {
      if slot(count, capacity, slice) >= record + slice { return count }
      count -= 1
    }
    return 0
  }
}

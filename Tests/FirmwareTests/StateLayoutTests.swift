// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import DeterministicMath
import Quantities
import TestSupport
import Testing

@testable import Firmware

/// How states lie in a memory.
@Suite struct StateLayoutTests {
  @Test func everyMemoryHasRoomForTwoStates() {
    let fram = StateLayout(in: MB85RC256V.self, of: LifelongSnapshot.self)
    #expect(fram.generations == 4 && !fram.isCompact && fram.slotSize == 8_192)
    let plain = StateLayout(in: AT24C32.self, of: EstimatorSnapshot.self)
    #expect(plain.generations == 4 && !plain.isCompact && plain.slotSize == 1_024)
    let small = StateLayout(in: AT24C32.self, of: LifelongSnapshot.self)
    #expect(small.generations == 2 && small.isCompact && small.slotSize == 2_048)
    #expect(StateLayout(in: NoMemory.self, of: LifelongSnapshot.self).generations == 0)
  }

  /// Slots and marks lie beside each other, inside the memory, from slice to slice.
  @Test(arguments: [Int32(32), 64, 1_024]) func slotsFit(slice: Int32) {
    for capacity in stride(from: Int32(0), through: 20_000, by: 32) {
      let layout = StateLayout(capacity: capacity, slice: slice, whole: 3_008, compact: 2_016)
      guard layout.generations > 0 else {
        #expect(capacity / 2 / slice * slice < 2_016 + slice, "\(capacity)")
        continue
      }
      #expect(2...4 ~= layout.generations)
      #expect(layout.slotSize % slice == 0)
      #expect(layout.generations * layout.slotSize <= capacity)
      #expect(layout.recordSize + slice <= layout.slotSize, "\(capacity)")
      #expect(layout.isCompact == (capacity / 2 / slice * slice < 3_008 + slice))
    }
  }

  /// A memory that is too small is no reason to trap: nothing is kept, and the firmware says so.
  @Test func aMemoryThatIsTooSmallKeepsNothing() throws {
    let board = TestBoard(.ina228TMP117)
    board.dithers = true
    let memory = TinyMemory()
    var firmware = Firmware(
      try .sample(.ina228TMP117), estimator: StateEstimator.sample(stateOfCharge: 500_000),
      bus: board,
      chargeSwitch: TestSwitch(), dischargeSwitch: TestSwitch(), memory: memory)
    var report = firmware.tick(at: .microseconds(0))
    for second in Int64(1)...20 {
      board.advance(seconds: 1)
      report = firmware.tick(at: .microseconds(second * 1_000_000))
    }
    #expect(report.restoration == .noRoom)
    #expect(report.allowsDischarge)
    firmware.stop()
    let isStopped = firmware.isStopped
    #expect(isStopped)
    #expect(memory.accesses == 0)
  }

  private final class TinyMemory: NonvolatileMemory {
    static let capacity: Int32 = 1_024
    static let sliceSize: Int32 = 32
    private(set) var accesses = 0

    func isReady<Bus: I2CBus & ~Copyable>(
      on bus: inout Bus, at time: MonotonicTime
    ) throws(ChipError) -> Bool { true }

    func read<Bus: I2CBus & ~Copyable>(
      from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
    ) throws(ChipError) { accesses += 1 }

    func write<Bus: I2CBus & ~Copyable>(
      _ data: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
    ) throws(ChipError) { accesses += 1 }
  }
}

/// States with modes in a memory that has no room for two of them in full.
@Suite struct CompactModesTests {
  @Test(arguments: [UInt64(16), 32, 40, 63], UInt64(71)...73)
  func numbersAreRoundedAsStated(bits: UInt64, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var values: [Int64] = [0, 1, -1, .max, -.max, .min, .max - 1]
    for shift in Int64(0)..<63 { values += [1 << shift, (1 << shift) - 1, -(1 << shift) - 1] }
    for _ in 0..<2_000 {
      values.append(Int64(bitPattern: random.next()) >> Int64(random.next() % 64))
    }
    for value in values {
      let packed = PackedNumber.pack(value, bits: bits)
      #expect(packed >> Int64(bits - 1) == (packed < 0 ? -1 : 0), "\(value) in \(bits) bits")
      let back = PackedNumber.unpack(packed)
      #expect(PackedNumber.unpack(PackedNumber.pack(back, bits: bits)) == back, "\(value)")
      let error = (Int128(back) - Int128(value)).magnitude
      let most = (Int128(value).magnitude >> UInt128(bits - 7)) + (value == .min ? 1 : 0)
      #expect(error <= most, "\(value) became \(back) in \(bits) bits, seed \(seed)")
      if value.magnitude >> (bits - 7) == 0 { #expect(back == value) }
    }
  }

  /// Any bytes are a number, none of which an estimator would refuse to look at.
  @Test func anyBitsAreANumber() {
    for exponent in Int64(0)..<64 {
      for mantissa in [Int64(0), 1, -1, 33_554_431, -33_554_432, 12_345] {
        let value = PackedNumber.unpack(mantissa << 6 | exponent)
        #expect(value != .min)
        #expect(value.signum() == mantissa.signum())
      }
    }
  }

  private func sample() -> LifelongEstimator {
    LifelongEstimator(
      profile: .sample(), composition: .sample(), stateOfCharge: .partsPerMillion(600_000),
      deviation: 100_000, isFresh: true)
  }

  private func state(_ kept: LifelongSnapshot) -> KeptState<LifelongSnapshot> {
    KeptState(
      sequence: .max, configuration: .max, isCleanStop: true,
      wallClock: CalendarTime(secondsSince2000: 1_000_000_000), estimator: kept,
      history: FaultHistory())
  }

  @Test func theLongestRecordFits() throws {
    var bytes = LifelongSnapshot.Record()
    let length = StateRecord.encode(state(sample().kept), into: &bytes, isCompact: true)
    #expect(length == 1_982)
    #expect(length <= LifelongSnapshot.compactSize)
    let whole = StateRecord.encode(state(sample().kept), into: &bytes)
    #expect(whole <= LifelongSnapshot.Record.size)
  }

  /// What is known outlives it bit by bit; how well it is known, to the bits that are stated.
  @Test func whatIsKnownIsKept() throws {
    var kept = sample().kept
    // The ends of what is sane, and what no rounding may touch.
    kept.modes[3] = 3_153_600_000_000_000
    kept.modes[1] = Int64(UInt32.max)
    kept.modes[10] = -(1 << 40)
    kept.modes[12] = 32 << 40
    kept.modes[13] = -(32 << 40)
    var bytes = LifelongSnapshot.Record()
    let length = StateRecord.encode(state(kept), into: &bytes, isCompact: true)
    let read: KeptState<LifelongSnapshot> = try bytes.decoded(length)
    #expect(read.estimator.hasModes)
    for i in 0..<EstimatorSnapshot.count {
      #expect(read.estimator.filter.words[i] == kept.filter.words[i], "word \(i) of the filter")
    }
    for i in 0..<LifelongSnapshot.count {
      let (before, after) = (kept.modes[i], read.estimator.modes[i])
      let error = (Int128(after) - Int128(before)).magnitude
      let shift: UInt128 = 35..<56 ~= i ? 33 : (77..<287 ~= i ? 25 : 127)
      #expect(error <= Int128(before).magnitude >> shift, "word \(i) of the modes")
    }
    var next = sample()
    let isResumed = next.resume(from: read.estimator, after: Pause(microseconds: 0, unseen: 0))
    #expect(isResumed)
  }
}

/// How fast a state is saved, by what the memory stands.
@Suite struct SaveRuleTests {
  @Test func anEEPROMLastsTenYears() {
    for generations in Int32(1)...4 {
      let rule = SaveRule.lasting(
        years: 10, writeCycles: AT24C32.writeCycles, generations: generations)
      #expect(
        rule.yearsUntilWorn(writeCycles: AT24C32.writeCycles, generations: generations) >= 10)
      #expect(rule.spacing >= SaveRule().spacing && rule.interval >= rule.spacing)
      // The charge that 2C moves between two saves, and 1 %.
      #expect(Int64(rule.unseen) >= 10_000 + rule.spacing / 1_800)
    }
  }

  @Test func whatDoesNotWearIsSavedAsEver() {
    #expect(
      SaveRule.lasting(years: 10, writeCycles: MB85RC256V.writeCycles, generations: 4)
        == SaveRule())
  }

  /// The ends of the arguments, and beyond.
  @Test func nothingOverflows() {
    let ends: [Int64] = [.min, -1, 0, 1, 2, 100, 1_000_000, .max - 1, .max]
    for years in ends {
      for cycles in ends {
        for generations in [Int32.min, -1, 0, 1, 4, .max] {
          let rule = SaveRule.lasting(
            years: years, writeCycles: cycles, generations: generations)
          #expect(rule.spacing >= 60_000_000)
          #expect(rule.unseen >= 45_000)
          #expect(rule.yearsUntilWorn(writeCycles: cycles, generations: generations) >= 0)
        }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import ChipDrivers
import DeterministicMath
import Firmware
import Quantities
import TestSupport
import Testing

/// The bytes of a kept state.
@Suite struct StateRecordTests {
  /// Words that an estimator could have.
  private func state(_ random: inout SeededRandom) -> KeptState<EstimatorSnapshot> {
    var words = InlineArray<54, Int64>(repeating: 0)
    for i in 8..<36 { words[i] = Int64(bitPattern: random.next()) >> 20 }
    for i in 36..<44 { words[i] = 1 + Int64(random.next() >> 20) }
    words[0] = Int64(random.next() >> 24)
    words[5] = 1 << 40
    words[6] = 1 << 40
    words[49] = Int64(bitPattern: random.next()) >> 4
    words[51] = 25_000
    return KeptState(
      sequence: UInt32(truncatingIfNeeded: random.next()),
      configuration: UInt32(truncatingIfNeeded: random.next()), isCleanStop: random.chance(0.5),
      wallClock: random.chance(0.5)
        ? CalendarTime(secondsSince2000: Int64(random.next() >> 36)) : nil,
      estimator: EstimatorSnapshot(words: words), history: FaultHistory())
  }

  private func encoded(_ state: KeptState<EstimatorSnapshot>) -> [UInt8] {
    var bytes = EstimatorSnapshot.Record()
    let count = StateRecord.encode(state, into: &bytes)
    return (0..<count).map { bytes.bytes[$0] }
  }

  private func decoded(_ bytes: [UInt8]) throws(RecordProblem) -> KeptState<EstimatorSnapshot> {
    try StateRecord.decode(bytes.span)
  }

  private func expectEqual(
    _ a: KeptState<EstimatorSnapshot>, _ b: KeptState<EstimatorSnapshot>, _ comment: Comment
  ) {
    #expect(a.sequence == b.sequence, comment)
    #expect(a.configuration == b.configuration, comment)
    #expect(a.isCleanStop == b.isCleanStop, comment)
    #expect(a.wallClock == b.wallClock, comment)
    for i in 0..<EstimatorSnapshot.count {
      #expect(a.estimator.words[i] == b.estimator.words[i], comment)
    }
  }

  @Test(arguments: UInt64(61)...64) func whatIsWrittenIsRead(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<50 {
      let state = state(&random)
      let bytes = encoded(state)
      #expect(bytes.count <= EstimatorSnapshot.Record.size)
      expectEqual(try decoded(bytes), state, "seed \(seed)")
      expectEqual(try decoded(bytes + [1, 2, 3]), state, "seed \(seed), bytes behind it")
    }
  }

  /// No record that lacks bytes, or has one that is different, is believed.
  @Test func damageIsNoticed() throws {
    var random = SeededRandom(seed: 65)
    let bytes = encoded(state(&random))
    for count in bytes.indices {
      let short = Array(bytes[..<count])
      #expect(thrown { () throws(RecordProblem) in try self.decoded(short) } == .damaged)
    }
    for place in bytes.indices {
      for _ in 0..<4 {
        var other = bytes
        other[place] ^= UInt8(1 + random.next() % 255)
        #expect(
          thrown { () throws(RecordProblem) in try self.decoded(other) } == .damaged,
          "byte \(place)")
      }
    }
    let blanks = [[UInt8](repeating: 0, count: 640), [UInt8](repeating: 0xFF, count: 640)]
    for blank in blanks {
      #expect(thrown { () throws(RecordProblem) in try self.decoded(blank) } == .damaged)
    }
  }

  private func sealed(_ body: [UInt8]) -> [UInt8] {
    var bytes = body
    let length = bytes.count + 4
    bytes[6] = UInt8(length & 0xFF)
    bytes[7] = UInt8(length >> 8)
    var crc = CRC32C()
    for byte in bytes { crc.combine(byte) }
    return bytes + (UInt32(0)..<4).map { UInt8(truncatingIfNeeded: crc.value >> (8 * $0)) }
  }

  /// A later firmware may add sections; a later version is refused and its sequence told.
  @Test func whatComesLater() throws {
    var random = SeededRandom(seed: 66)
    let state = state(&random)
    let body = Array(encoded(state).dropLast(4))
    expectEqual(try decoded(sealed(body + [99, 0, 3, 0, 1, 2, 3])), state, "an unknown section")
    var later = body
    later[4] = 2
    let image = sealed(later)
    #expect(
      thrown { () throws(RecordProblem) in try self.decoded(image) }
        == .unknownVersion(2, sequence: state.sequence))
  }

  /// Whole, and yet not an estimator's: sections cut short and words out of range.
  @Test func nonsenseIsRefused() throws {
    var random = SeededRandom(seed: 67)
    for _ in 0..<2_000 {
      var body = Array(encoded(state(&random)).dropLast(4))
      let place = 20 + Int(random.next() % 60)
      body[place] ^= UInt8(1 + random.next() % 255)
      let image = sealed(body)
      do {
        let state = try decoded(image)
        #expect(state.estimator.isSane)
        let resumed = StateEstimator(
          profile: .sample(), from: state.estimator,
          after: Pause(microseconds: 3_600_000_000, unseen: 10_000))
        var estimator = try #require(resumed)
        for second in 1..<5 {
          estimator.step(
            at: .microseconds(Int64(second) * 1_000_000),
            Measurement(current: .milliamperes(500), voltage: .millivolts(3_100)))
        }
        let estimate = estimator.estimate
        #expect(estimate.lowestStateOfCharge <= estimate.stateOfCharge)
        #expect(estimate.stateOfCharge <= estimate.highestStateOfCharge)
      } catch is RecordProblem {
        continue
      }
    }
  }

  /// A record that version 1 wrote on 24 November 2026 is read for good.
  @Test func versionOneIsRead() throws {
    var random = SeededRandom(seed: 68)
    let state = try decoded(versionOneImage)

    let expected = self.state(&random)
    expectEqual(state, expected, "seed 68")
    #expect(encoded(expected) == versionOneImage)
  }
}

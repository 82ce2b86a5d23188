// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import ChipDrivers
import Firmware
import Quantities
import TestSupport
import Testing

/// What the firmware knows outlives a power cut, or the report says that it did not.
@Suite struct PersistenceTests {
  private func words(_ bench: MemoryBench) -> [Int64] { EstimatorSnapshotWords.of(bench.firmware) }

  /// A cell that has been discharged for ten minutes at 3 A, a third of its capacity.
  private func used(saving: SaveRule = SaveRule()) throws -> MemoryBench {
    let bench = try MemoryBench(saving: saving)
    bench.board.dithers = true
    bench.bringUp()
    bench.board.microamperes = -3_000_000
    bench.board.microvolts = 2_950_000
    bench.run(seconds: 600)
    bench.board.microamperes = 0
    bench.board.microvolts = 3_050_000
    bench.run(seconds: 60)
    return bench
  }

  @Test func aCleanStopLosesNothing() throws {
    let bench = try used()
    let ticks = bench.stop()
    #expect(ticks < 60)
    let before = words(bench)
    let ledger = bench.firmware.ledger
    bench.restart()
    var report = bench.tick()
    while report.restoration == .searching {
      #expect(!report.allowsCharge && !report.allowsDischarge)
      report = bench.tick()
    }
    // No clock, so the time away is not known: the relaxation is opened, and nothing else moves.
    let after = words(bench)
    let kept = [0, 1, 4, 5, 6, 7, 49]
    for i in kept { #expect(before[i] == after[i], "word \(i)") }
    report = bench.bringUp()
    #expect(report.restoration == .restored)
    #expect(report.allowsCharge && report.allowsDischarge)
    #expect(bench.firmware.ledger == ledger)
  }

  /// With both times known and equal, the state is the same bit for bit.
  @Test func withoutTimeAwayEveryBitIsTheSame() throws {
    let bench = try used()
    let calendar = try #require(CalendarTime(year: 2_026, month: 11, day: 24))
    bench.setWallClock(calendar)
    _ = bench.stop()
    let before = words(bench)
    bench.restart(wallClock: calendar)
    while bench.tick().restoration == .searching {}
    #expect(words(bench) == before)
  }

  @Test func aPowerCutLosesAtMostWhatTheRuleAllows() throws {
    let bench = try used()
    let saves = bench.firmware.memoryCounts.saves
    #expect(saves >= 2)
    let before = bench.tick().estimate
    bench.restart()
    let report = bench.bringUp()
    // The cut may have come in the middle of a save.
    #expect(report.restoration == .restored || report.restoration == .restoredOlder)
    #expect(report.estimate.lowestStateOfCharge <= before.stateOfCharge)
    #expect(before.stateOfCharge <= report.estimate.highestStateOfCharge)
    let was =
      before.highestStateOfCharge.partsPerMillion - before.lowestStateOfCharge.partsPerMillion
    let now =
      report.estimate.highestStateOfCharge.partsPerMillion
      - report.estimate.lowestStateOfCharge.partsPerMillion
    #expect(now >= was, "what moved unseen widens the interval")
  }

  /// A clean stop is believed once: a second start without a save in between is not a clean one.
  @Test func aCleanStopIsBelievedOnce() throws {
    let bench = try used()
    _ = bench.stop()
    bench.restart()
    let first = bench.bringUp().estimate
    bench.restart()
    let second = bench.bringUp()
    #expect(second.restoration == .restored)
    let narrow =
      first.highestStateOfCharge.partsPerMillion - first.lowestStateOfCharge.partsPerMillion
    let wide =
      second.estimate.highestStateOfCharge.partsPerMillion
      - second.estimate.lowestStateOfCharge.partsPerMillion
    #expect(wide > narrow)
  }

  @Test func anotherCellIsNoticed() throws {
    let bench = try used()
    _ = bench.stop()
    bench.board.microvolts = 4_150_000
    bench.restart()
    let report = bench.bringUp()
    #expect(report.restoration == .refuted)
    #expect(report.estimate.stateOfCharge.partsPerMillion > 900_000)
    #expect(bench.firmware.history.operatingSeconds >= 660, "the board is the same")
  }

  /// At the knee of a full cell the curve is so steep that its slope would allow every voltage.
  @Test(arguments: [2_900_000, 3_000_000, 3_100_000] as [Int32])
  func aFullCellIsNotTakenForAnother(microvolts: Int32) throws {
    let bench = try MemoryBench(stateOfCharge: 990_000)
    bench.board.dithers = true
    bench.board.microvolts = 3_800_000
    bench.bringUp()
    bench.run(seconds: 700)
    #expect(bench.firmware.memoryCounts.saves >= 2)
    #expect(bench.tick().estimate.stateOfCharge.partsPerMillion > 900_000)
    bench.board.microvolts = microvolts
    bench.restart()
    #expect(bench.bringUp().restoration == .refuted)
  }

  @Test func anEmptyMemoryMeansTheVoltage() throws {
    let bench = try MemoryBench(stateOfCharge: 100_000)
    bench.board.dithers = true
    bench.board.microvolts = 4_150_000
    let report = bench.bringUp()
    #expect(report.restoration == .nothingKept)
    #expect(report.estimate.stateOfCharge.partsPerMillion > 900_000)
  }

  @Test func anotherProfileMeansTheVoltage() throws {
    let bench = try used()
    _ = bench.stop()
    var tuning = FilterTuning()
    tuning.voltageNoise += 1
    bench.restart(estimator: .sample(profile: .sample(tuning: tuning)))
    #expect(bench.bringUp().restoration == .otherConfiguration)
  }

  @Test func aDamagedNewestMeansTheOneBefore() throws {
    let bench = try used()
    let saves = bench.firmware.memoryCounts.saves
    _ = bench.stop()
    // Sequences begin at 1 and slots at 0.
    let slot = Int(saves) % 4
    bench.memory.bytes[slot * 1_024 + 300] ^= 1
    bench.restart()
    let report = bench.bringUp()
    #expect(report.restoration == .restoredOlder)
    let width =
      report.estimate.highestStateOfCharge.partsPerMillion
      - report.estimate.lowestStateOfCharge.partsPerMillion
    #expect(width > 50_000)
  }

  @Test func selfDischargeOverAKnownTime() throws {
    let bench = try used()
    let calendar = try #require(CalendarTime(year: 2_026, month: 1, day: 1))
    bench.setWallClock(calendar)
    _ = bench.stop()
    let before = words(bench)[0]
    let inverseCapacity = Double(words(bench)[6]) / 0x1p40
    let later = try #require(CalendarTime(secondsSince2000: calendar.secondsSince2000 + 2_592_000))
    bench.restart(wallClock: later)
    while bench.tick().restoration == .searching {}
    // 42 ppm of the rated capacity an hour, 720 hours: 3 %.
    let lost = Double(before - words(bench)[0]) / 0x1p40
    #expect(abs(lost - 0.03 * inverseCapacity) < 0.000_5)
    bench.restart(wallClock: calendar)
    #expect(bench.bringUp().restoration == .restored)
  }

  /// A clock that ran backwards, or was never set, tells nothing: the interval widens, no charge is lost.
  @Test(arguments: [nil, -86_400] as [Int64?]) func anUnknownTimeAwayWidens(by: Int64?) throws {
    let bench = try used()
    let calendar = try #require(CalendarTime(year: 2_026, month: 1, day: 1))
    bench.setWallClock(calendar)
    _ = bench.stop()
    let before = words(bench)
    bench.restart(
      wallClock: by.flatMap { CalendarTime(secondsSince2000: calendar.secondsSince2000 + $0) })
    while bench.tick().restoration == .searching {}
    let after = words(bench)
    #expect(before[0] == after[0])
    #expect(after[36] > before[36])
  }

  // MARK: Rate

  /// Whatever the cell does, there is at most one save a minute.
  @Test(arguments: [UInt64(51), 52]) func theRateIsBounded(seed: UInt64) throws {
    let bench = try MemoryBench()
    bench.board.dithers = true
    bench.bringUp()
    for second in 0..<7_200 {
      let charges = second / 400 % 2 == 0
      bench.board.microamperes = charges ? 2_900_000 : -2_900_000
      bench.board.microvolts = charges ? 3_300_000 : 2_900_000
      bench.tick(after: 1_000_000)
    }
    let saves = bench.firmware.memoryCounts.saves
    #expect(saves <= 120, "seed \(seed)")
    #expect(saves >= 60)
    #expect(bench.memory.writes <= Int(saves + 1) * 20)
  }

  @Test func anIdleCellIsSavedEveryFiveMinutes() throws {
    let bench = try MemoryBench()
    bench.board.dithers = true
    bench.bringUp()
    bench.run(seconds: 3_600)
    #expect(10...12 ~= bench.firmware.memoryCounts.saves)
  }

  // MARK: Memories that fail

  @Test func aMemoryThatRefusesIsCountedAndStopsNothing() throws {
    let bench = try used()
    bench.memory.refuses = true
    bench.run(seconds: 900)
    let counts = bench.firmware.memoryCounts
    #expect(2...15 ~= counts.failedSaves)
    #expect(bench.tick().allowsDischarge)
    #expect(bench.stop() < 60, "a stop ends although nothing can be saved")
    bench.memory.refuses = false
    bench.restart()
    let report = bench.bringUp()
    #expect(report.restoration == .restored || report.restoration == .restoredOlder)
  }

  /// What is not stored although it was acknowledged is noticed by reading it back.
  @Test func aWriteProtectedMemoryIsNoticed() throws {
    let bench = try MemoryBench()
    bench.board.dithers = true
    bench.memory.isWriteProtected = true
    bench.bringUp()
    bench.run(seconds: 700)
    #expect(bench.firmware.memoryCounts.saves == 0)
    #expect(bench.firmware.memoryCounts.failedSaves >= 1)
  }

  /// One slice a tick: no tick waits for the memory.
  @Test func aTickMovesOneSlice() throws {
    let bench = try used()
    for _ in 0..<400 {
      let writes = bench.memory.writes
      let reads = bench.memory.reads
      bench.tick(after: 1_000_000)
      #expect(bench.memory.writes - writes <= 1)
      #expect(bench.memory.reads - reads <= 1)
    }
  }

  @Test func tripsAreRemembered() throws {
    let bench = try used()
    bench.board.millidegrees = 70_000
    bench.run(seconds: 200)
    let trips = bench.firmware.history.trips
    #expect(trips[Int(Protection.overTemperatureCharge.rawValue)] == 1)
    bench.board.millidegrees = 25_000
    _ = bench.stop()
    bench.restart()
    bench.bringUp()
    let history = bench.firmware.history
    #expect(history.trips[Int(Protection.overTemperatureCharge.rawValue)] == 1)
    #expect(history.noted == 2)
    #expect(860...870 ~= history.operatingSeconds)
  }
}

// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities
import Simulation
import TestSupport
import Testing

@Suite struct ReplayTests {
  private func replay(settle: Double = 0) -> Replay {
    Replay(profile: .sample(), stateOfCharge: 0.5, deviation: 0.1, settleSeconds: settle)
  }

  private func sample(
    _ seconds: Double, _ amperes: Double = 0, _ volts: Double = 3.2, celsius: Double? = nil,
    truth: Double? = nil
  ) -> Replay.Sample {
    Replay.Sample(
      seconds: seconds, amperes: amperes, volts: volts, celsius: celsius, stateOfCharge: truth)
  }

  @Test func samplesAreCountedAndHashed() throws {
    var first = replay()
    var second = replay()
    #expect(first.estimate == nil && first.duration == 0)
    var hash = StableHash()
    for k in 0..<50 {
      let row = sample(1_000 + 2 * Double(k), -0.3, 3.2 - 0.001 * Double(k), celsius: 20)
      let estimate = try first.feed(row)
      #expect(first.estimate == estimate)
      estimate.combine(into: &hash)
      _ = try second.feed(row)
    }
    #expect(first.samples == 50)
    #expect(first.duration == 98, "from the first sample, whatever the log's zero")
    #expect(first.hash == hash && first.hash == second.hash)
    _ = try second.feed(sample(1_100, -0.3))
    #expect(first.hash != second.hash)
    #expect(first.estimate?.conditions.contains(.temperatureStale) == false)
    #expect(first.saturations == 0 && first.implausible == 0)
  }

  /// A discharge is counted: 1.5 A for 360 s is a tenth of 1.5 Ah.
  @Test func currentIsCounted() throws {
    var replay = Replay(
      profile: .sample(), stateOfCharge: 0.5, deviation: 0.0001, settleSeconds: 0)
    for k in 0...360 { _ = try replay.feed(sample(Double(k), -1.5, 9)) }
    // 9 V is no cell's voltage; the offset's and the capacity's beliefs do not move without one.
    #expect(replay.implausible == 361)
    let parts = try #require(replay.estimate).stateOfCharge.partsPerMillion
    #expect(abs(parts - 400_000) < 20, "\(parts)")
  }

  @Test func aGapIsSaid() throws {
    // Without a believable voltage, so that only time acts on the interval.
    var replay = replay()
    _ = try replay.feed(sample(0, -1, 9))
    let before = try replay.feed(sample(1, -1, 9))
    let after = try replay.feed(sample(3_601, 0, 9))
    #expect(!before.conditions.contains(.gapCoasted) && after.conditions.contains(.gapCoasted))
    #expect(
      after.highestStateOfCharge.partsPerMillion - after.lowestStateOfCharge.partsPerMillion
        > before.highestStateOfCharge.partsPerMillion - before.lowestStateOfCharge.partsPerMillion)
    let back = try replay.feed(sample(3_000, 0))
    #expect(back.conditions.contains(.timeRanBackwards))
  }

  /// The truth of the log is scored, from the start and after the settling time.
  @Test func theTruthIsScored() throws {
    var replay = replay(settle: 10)
    for k in 0..<20 { _ = try replay.feed(sample(100 + Double(k), 0, 3.2, truth: 0.5)) }
    _ = try replay.feed(sample(120, 0, 3.2))
    #expect(replay.scoreFromStart.count == 20)
    #expect(replay.score.count == 10)
    #expect(replay.score.coverage == 1)
    _ = try replay.feed(sample(121, 0, 3.2, truth: 2))
    #expect(replay.score.count == 11)
    #expect(try #require(replay.score.coverage) < 1)
    #expect(replay.score.maxError > 1)
  }

  @Test func numbersBeyondTheIntegersAreRefused() throws {
    let rows: [(Replay.Sample, String)] = [
      (sample(0, 2_148), "current 2148.0 is beyond ±2147 A"),
      (sample(0, -2_148), "current -2148.0 is beyond ±2147 A"),
      (sample(0, 0, 1e6), "voltage 1000000.0 is beyond ±2147 V"),
      (sample(0, .nan), "current nan is beyond ±2147 A"),
      (sample(0, 0, .infinity), "voltage inf is beyond ±2147 V"),
      (sample(0, 0, 3.2, celsius: 3e6), "temperature 3000000.0 is beyond ±2147483 °C"),
      (sample(1e13), "time 10000000000000.0 s is beyond the clock's range"),
      (sample(.nan), "time nan s is beyond the clock's range"),
    ]
    for (row, message) in rows {
      var replay = replay()
      do throws(Replay.OutOfRange) {
        _ = try replay.feed(row)
        Issue.record("taken: \(message)")
      } catch {
        #expect(error.message == message)
      }
      // A refused sample leaves nothing behind.
      #expect(replay.samples == 0 && replay.estimate == nil && replay.hash == StableHash())
    }
  }

  /// A discharge that stops at the lower cut-off is a known end; one that stops above it is not.
  @Test(arguments: [(2.02, 1), (2.03, 0)])
  func endsOfDischargeAreFound(volts: Double, count: Int) throws {
    var replay = replay()
    for k in 0..<5 { _ = try replay.feed(sample(Double(k), -0.5, 2.1)) }
    let last = try replay.feed(sample(5, -0.5, volts))
    #expect(replay.landmarks.isEmpty, "not before the current stops")
    _ = try replay.feed(sample(6, 0, 2.4))
    #expect(replay.landmarks.count == count)
    if count == 1 {
      #expect(replay.landmarks[0].kind == .endOfDischarge)
      #expect(replay.landmarks[0].seconds == 5)
      #expect(replay.landmarks[0].estimate == last)
    }
    replay.finish()
    #expect(replay.landmarks.count == count, "a rest at the end is no landmark")
  }

  /// A charge that tapered below C/8 (0.1875 A) at the upper cut-off is a known end.
  @Test(arguments: [(4.18, 0.18, 1), (4.17, 0.18, 0), (4.2, 0.19, 0)])
  func endsOfChargeAreFound(volts: Double, amperes: Double, count: Int) throws {
    var replay = replay()
    for k in 0..<5 { _ = try replay.feed(sample(Double(k), 0.5, 4.1)) }
    _ = try replay.feed(sample(5, amperes, volts))
    #expect(replay.landmarks.isEmpty)
    replay.finish()
    #expect(replay.landmarks.map(\.kind) == (count == 1 ? [.endOfCharge] : []))
  }
}

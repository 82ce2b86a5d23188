// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import CellEstimation
import DeterministicMath
import Firmware
import Quantities
import Testing

/// A failed read never becomes a number.
@Suite struct FailedReadTests {
  /// The true values or nothing: what a report may say of a board that shows these.
  private func expectTruth(
    _ report: Report, _ board: TestBoard, _ comment: @autoclosure () -> Comment
  ) {
    let seen = report.measurement
    if let current = seen.current {
      #expect(current.microamperes == board.microamperes, comment())
    }
    if let voltage = seen.voltage { #expect(voltage.microvolts == board.microvolts, comment()) }
    if let temperature = seen.temperature {
      #expect(temperature.millidegreesCelsius == board.millidegrees, comment())
    }
    let estimate = report.estimate
    #expect(estimate.lowestStateOfCharge <= estimate.stateOfCharge, comment())
    #expect(estimate.stateOfCharge <= estimate.highestStateOfCharge, comment())
  }

  /// The n-th transfer fails, for every n from the first to well into the running state.
  @Test(
    arguments: SensorSet.allCases, [FailingBus<TestBoard>.Moment.beforeDelivery, .afterDelivery])
  func everyTransferMayFailOnce(set: SensorSet, moment: FailingBus<TestBoard>.Moment) throws {
    for nth in 1...72 {
      let board = TestBoard(set)
      let charge = TestSwitch()
      let discharge = TestSwitch()
      var firmware = Firmware(
        try .sample(set), estimator: StateEstimator.sample(),
        bus: FailingBus(wrapping: board, failing: nth, with: .timedOut, moment),
        chargeSwitch: charge, dischargeSwitch: discharge)
      board.microvolts = 3_200_000
      board.microamperes = -400_000
      var reports: [Report] = []
      var isComplete = false
      for tick in 1...24 {
        board.advance(seconds: 0.1)
        let report = firmware.tick(at: .microseconds(Int64(tick) * 100_000))
        expectTruth(report, board, "\(set), transfer \(nth), tick \(tick)")
        let seen = report.measurement
        let hasThermometer = set != .ina228Alone && set != .ina226Alone
        if seen.current != nil, seen.temperature != nil || !hasThermometer { isComplete = true }
        if charge.isOn || discharge.isOn { #expect(isComplete, "\(set), transfer \(nth)") }
        reports.append(report)
      }
      let last = try #require(reports.last)
      #expect(last.measurement.current != nil, "\(set), transfer \(nth): it recovers")
      #expect(last.allowsCharge && last.allowsDischarge, "\(set), transfer \(nth)")
      #expect(last.protections == [], "\(set), transfer \(nth)")
      let faults = firmware.busFaults
      #expect(faults.timedOut == 1, "\(set), transfer \(nth)")
      // Once all sensors run, a single failure costs no tick: the read is repeated at once.
      let firstOn = charge.orders.firstIndex(of: true) ?? 0
      if faults.recovered == 1 {
        for report in reports[(firstOn - 1)...] {
          #expect(report.measurement.voltage != nil, "\(set), transfer \(nth)")
        }
      }
    }
  }

  /// Any pattern of failures, at five in a hundred and at forty.
  @Test(arguments: [UInt64(11), 12, 13], [0.05, 0.4])
  func anyPatternOfFailures(seed: UInt64, probability: Double) throws {
    for set in SensorSet.allCases {
      var random = SeededRandom(seed: seed)
      let bench = try Bench(set)
      for transfer in 1...2_000 where random.chance(probability) {
        bench.board.failing.insert(transfer)
      }
      for tick in 0..<150 {
        bench.board.microamperes = Int32(random.uniform(-7, 7)) * 200_000
        bench.board.microvolts = 3_200_000 + Int32(random.uniform(-20, 20)) * 12_500
        let report = bench.tick()
        expectTruth(report, bench.board, "\(set), seed \(seed), tick \(tick)")
        #expect(report.implausibility == [], "\(set), seed \(seed), tick \(tick)")
      }
      let failed = bench.board.failing.filter { $0 <= bench.board.transfers }.count
      let faults = bench.firmware.busFaults
      #expect(Int(faults.noAcknowledge) == failed, "\(set), seed \(seed)")
      #expect(faults.timedOut + faults.shortTransfer + faults.busStuck + faults.other == 0)
      // A sensor that was lost for five seconds is lost until it has answered for one.
      bench.board.failing = []
      for _ in 0..<20 { bench.tick() }
      #expect(bench.bringUp().allowsDischarge, "\(set), seed \(seed)")
    }
  }

  /// Without readings the estimate coasts, its interval and age grow, and readings mend both.
  @Test(arguments: SensorSet.allCases)
  func anOutageCoastsAndHeals(set: SensorSet) throws {
    let bench = try Bench(set, deviation: 10_000)
    _ = bench.bringUp(after: 1_000_000)
    bench.board.microamperes = -1_500_000
    bench.board.microvolts = 3_050_000
    for _ in 0..<5 { bench.tick(after: 1_000_000) }
    bench.board.silent = [0x40]
    func width(_ estimate: Estimate) -> Int32 {
      estimate.highestStateOfCharge.partsPerMillion - estimate.lowestStateOfCharge.partsPerMillion
    }
    var before = bench.tick(after: 1_000_000).estimate
    var growth: Int32 = 0
    for _ in 0..<40 {
      let report = bench.tick(after: 1_000_000)
      let now = report.estimate
      #expect(report.measurement.voltage == nil && report.measurement.current == nil)
      #expect(now.conditions.contains([.currentMissing, .voltageMissing]))
      #expect(now.age == before.age + 1_000_000)
      #expect(now.stateOfCharge < before.stateOfCharge, "the last current goes on")
      #expect(width(now) > width(before))
      growth = width(now) - width(before)
      before = now
    }
    bench.board.silent = []
    var report = bench.tick(after: 1_000_000)
    for _ in 0..<6 { report = bench.tick(after: 1_000_000) }
    #expect(report.estimate.age == 0)
    #expect(!report.estimate.conditions.contains(.currentMissing))
    // The voltage teaches little on the plateau in seconds; but nothing more is lost.
    before = report.estimate
    report = bench.tick(after: 1_000_000)
    #expect(width(report.estimate) - width(before) < growth / 20)
  }

  /// Failed reads lose no charge: the INA228 counts on, the INA226's integral bridges them.
  @Test(arguments: SensorSet.allCases, [UInt64(21), 22])
  func theLedgerSurvivesFailedReads(set: SensorSet, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let bench = try Bench(set)
    _ = bench.bringUp(after: 1_000_000)
    for transfer in bench.board.transfers...4_000 where random.chance(0.1) {
      bench.board.failing.insert(transfer)
    }
    bench.board.microamperes = -1_500_000
    bench.board.microvolts = 3_050_000
    bench.tick(after: 1_000)
    let start = bench.firmware.ledger
    for _ in 0..<300 { bench.tick(after: 1_000_000) }
    bench.board.failing = []
    bench.tick(after: 1_000_000)
    let moved = bench.firmware.ledger.nanocoulombs - start.nanocoulombs
    let seconds = Double(moved) / -1.5e9
    // A tick's charge may wait for the last reading before, and the current before the first one
    // was another; the clock's correction may learn 200 ppm.
    #expect(abs(seconds - 301) < 1, "seed \(seed): \(seconds) s at 1.5 A")
  }

  /// A brown-out is noticed at the next read, mended within three ticks, and costs no charge.
  @Test(arguments: SensorSet.allCases, [I2CAddress(0x40), I2CAddress(0x48)])
  func aBrownOutIsNoticedAndMended(set: SensorSet, address: I2CAddress) throws {
    let hasThermometer = set != .ina228Alone && set != .ina226Alone
    guard address.rawValue == 0x40 || hasThermometer else { return }
    let bench = try Bench(set)
    _ = bench.bringUp(after: 1_000_000)
    bench.board.microamperes = -1_500_000
    bench.board.microvolts = 3_050_000
    for _ in 0..<3 { bench.tick(after: 1_000_000) }
    let start = bench.firmware.ledger
    for round in 1...10 {
      bench.board.reset(address)
      let report = bench.tick(after: 1_000_000)
      expectTruth(report, bench.board, "\(set), round \(round)")
      #expect(bench.firmware.busFaults.lostConfiguration == UInt32(round), "\(set)")
      if address.rawValue == 0x40 {
        #expect(report.measurement.voltage == nil, "\(set): zeros after a reset are no reading")
      } else {
        #expect(report.measurement.temperature == nil, "\(set)")
      }
      for _ in 0..<9 { bench.tick(after: 1_000_000) }
      #expect(bench.firmware.busFaults.lostConfiguration == UInt32(round), "\(set)")
    }
    let report = bench.tick(after: 1_000_000)
    #expect(report.measurement.voltage != nil && report.protections == [], "\(set)")
    #expect((report.measurement.temperature != nil) == hasThermometer, "\(set)")
    let moved = bench.firmware.ledger.nanocoulombs - start.nanocoulombs
    #expect(abs(Double(moved) / -1.5e9 - 101) < 0.2, "\(set): \(Double(moved) / -1.5e9) s")
  }
}

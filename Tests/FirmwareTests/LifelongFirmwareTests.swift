// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import Firmware
import Quantities
import TestSupport
import Testing

/// Room for four states with modes.
private final class RoomyMemory: NonvolatileMemory {
  static let capacity: Int32 = 16_384
  static let sliceSize: Int32 = 1_024
  var bytes = [UInt8](repeating: 0xFF, count: 16_384)

  func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool { true }

  func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    for i in buffer.indices { buffer[i] = bytes[Int(position) + i] }
  }

  func write<Bus: I2CBus & ~Copyable>(
    _ data: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    for i in data.indices { bytes[Int(position) + i] = data[i] }
  }
}

/// Firmware with either estimator, over power cuts, on one board and one memory.
private final class Board {
  let board = TestBoard(.ina228TMP117)
  let memory = RoomyMemory()
  private(set) var now: Int64 = 0

  init() {
    board.dithers = true
    board.microvolts = 3_050_000
  }

  func start<Estimator: FirmwareEstimator>(
    _ estimator: Estimator
  ) throws -> Firmware<TestBoard, TestSwitch, TestSwitch, RoomyMemory, Estimator> {
    now = 0
    return Firmware(
      try .sample(.ina228TMP117), estimator: estimator, bus: board, chargeSwitch: TestSwitch(),
      dischargeSwitch: TestSwitch(), memory: memory)
  }

  func run<Estimator: FirmwareEstimator>(
    _ firmware: inout Firmware<TestBoard, TestSwitch, TestSwitch, RoomyMemory, Estimator>,
    ticks: Int, period: Int64 = 1_000_000
  ) -> Report {
    var report = firmware.tick(at: .microseconds(now))
    for _ in 0..<ticks {
      now += period
      board.advance(seconds: Double(period) * 1e-6)
      report = firmware.tick(at: .microseconds(now))
    }
    return report
  }

  func stop<Estimator: FirmwareEstimator>(
    _ firmware: inout Firmware<TestBoard, TestSwitch, TestSwitch, RoomyMemory, Estimator>
  ) {
    firmware.stop()
    for _ in 0..<300 where !firmware.isStopped { _ = run(&firmware, ticks: 1, period: 20_000) }
    let isStopped = firmware.isStopped
    #expect(isStopped)
  }
}

/// The firmware with an estimator whose curve follows the cell.
@Suite struct LifelongFirmwareTests {
  private func new(isFresh: Bool = true) -> LifelongEstimator {
    LifelongEstimator(
      profile: .sample(), composition: .sample(), stateOfCharge: .partsPerMillion(600_000),
      deviation: 100_000, isFresh: isFresh)
  }

  /// One that has lost a tenth of its plateau and says so with a curve of its own.
  private func worn() throws -> LifelongEstimator {
    var estimator = new()
    var kept = estimator.kept
    kept.modes[7] = 1
    kept.modes[8] = 12_000
    kept.modes[9] = 15_000
    for place in [14, 56] { kept.modes[place] = kept.modes[place] / 10 * 9 }
    let isResumed = estimator.resume(from: kept, after: Pause(microseconds: 0, unseen: 0))
    try #require(isResumed)
    return estimator
  }

  private func modes(_ kept: LifelongSnapshot) -> [Int64] {
    // Without lead, place and currents, which move with every step.
    (0..<LifelongSnapshot.count).filter { !(10...13).contains($0) }.map { kept.modes[$0] }
  }

  @Test func modesOutliveAPowerCut() throws {
    let board = Board()
    var firmware = try board.start(try worn())
    _ = board.run(&firmware, ticks: 400)
    let before = firmware.kept
    var next = try board.start(new())
    let report = board.run(&next, ticks: 30)
    #expect(report.restoration == .restored)
    #expect(report.allowsDischarge)
    #expect(modes(next.kept) == modes(before))
    let prognosis = next.prognosis()
    let electrodes = try #require(prognosis.electrodes)
    let made = try #require(prognosis.newElectrodes)
    #expect(abs(electrodes.coupling.value - made.coupling / 10 * 9) <= 1)
    #expect(electrodes.learningChargeAdvice == .nothingLearned)
  }

  /// In a memory without room for two whole states, such as an EEPROM, the modes are kept in short; what is
  /// known is the same, bit by bit, and the covariance nearly so.
  @Test func modesOutliveAPowerCutInASmallMemory() throws {
    let board = TestBoard(.ina228TMP117)
    board.dithers = true
    board.microvolts = 3_050_000
    let memory = TestMemory()
    var now: Int64 = 0
    func start(
      _ estimator: LifelongEstimator
    ) throws -> Firmware<TestBoard, TestSwitch, TestSwitch, TestMemory, LifelongEstimator> {
      now = 0
      return Firmware(
        try .sample(.ina228TMP117), estimator: estimator, bus: board, chargeSwitch: TestSwitch(),
        dischargeSwitch: TestSwitch(), memory: memory)
    }
    func run(
      _ firmware: inout Firmware<TestBoard, TestSwitch, TestSwitch, TestMemory, LifelongEstimator>,
      ticks: Int, period: Int64 = 1_000_000
    ) -> Report {
      var report = firmware.tick(at: .microseconds(now))
      for _ in 0..<ticks {
        now += period
        board.advance(seconds: Double(period) * 1e-6)
        report = firmware.tick(at: .microseconds(now))
      }
      return report
    }
    var firmware = try start(try worn())
    _ = run(&firmware, ticks: 30)
    firmware.stop()
    for _ in 0..<400 where !firmware.isStopped { _ = run(&firmware, ticks: 1, period: 20_000) }
    let before = firmware.kept
    #expect(firmware.memoryCounts.saves == 1)
    var next = try start(new())
    let report = run(&next, ticks: 30)
    #expect(report.restoration == .restored)
    #expect(report.allowsDischarge)
    let after = next.kept
    for i in 0..<LifelongSnapshot.count where !(10...13).contains(i) && !(3...4).contains(i) {
      let error = (Int128(after.modes[i]) - Int128(before.modes[i])).magnitude
      let shift: UInt128 = 35..<56 ~= i ? 33 : (77..<287 ~= i ? 25 : 127)
      #expect(error <= Int128(before.modes[i]).magnitude >> shift, "word \(i)")
    }
  }

  /// A state that a firmware without modes has kept is read; the modes are those of a new cell.
  @Test func aStateWithoutModesIsRead() throws {
    let board = Board()
    var firmware = try board.start(
      StateEstimator.sample(stateOfCharge: 600_000, deviation: 100_000))
    _ = board.run(&firmware, ticks: 400)
    board.stop(&firmware)
    let before = firmware.kept
    var next = try board.start(new())
    let report = board.run(&next, ticks: 30)
    #expect(report.restoration == .restored || report.restoration == .restoredOlder)
    #expect(modes(next.kept) == modes(new().kept))
    #expect(next.kept.filter.words[6] == before.words[6])
  }

  /// A firmware without modes has no room for a state with them: it is one of another version, what comes
  /// later is newer than it, and the way back finds that.
  @Test func whoKnowsNoModesStartsAnew() throws {
    let board = Board()
    var firmware = try board.start(try worn())
    _ = board.run(&firmware, ticks: 400)
    board.stop(&firmware)
    var plain = try board.start(StateEstimator.sample())
    #expect(board.run(&plain, ticks: 30).restoration == .otherVersion)
    _ = board.run(&plain, ticks: 400)
    board.stop(&plain)
    let ledger = plain.ledger
    var next = try board.start(new())
    #expect(board.run(&next, ticks: 30).restoration == .restored)
    #expect(next.ledger == ledger, "not the state from before")
    #expect(modes(next.kept) == modes(new().kept))
  }

  /// What the estimator was made with holds where nothing was kept.
  @Test func anEmptyMemoryTakesNoModesAway() throws {
    let board = Board()
    var firmware = try board.start(try worn())
    let report = board.run(&firmware, ticks: 30)
    #expect(report.restoration == .nothingKept)
    #expect(modes(firmware.kept) == modes(try worn().kept))
  }

  /// Another cell under the same firmware: its modes are not those of the one before.
  @Test func anotherCellHasNoModes() throws {
    let board = Board()
    var firmware = try board.start(try worn())
    _ = board.run(&firmware, ticks: 400)
    board.board.microvolts = 4_150_000
    var next = try board.start(new())
    let report = board.run(&next, ticks: 30)
    #expect(report.restoration == .refuted)
    #expect(modes(next.kept) == modes(new(isFresh: false).kept))
    #expect(report.allowsDischarge)
  }

  /// What a charge that was going on had taught nothing yet; the cut costs that charge and no more.
  @Test func aCutInMidCharge() throws {
    let board = Board()
    var firmware = try board.start(try worn())
    board.board.microamperes = 400_000
    _ = board.run(&firmware, ticks: 900)
    let before = firmware.kept
    #expect(firmware.memoryCounts.saves >= 2)
    board.board.microamperes = 0
    var next = try board.start(new())
    let report = board.run(&next, ticks: 30)
    #expect(report.restoration == .restored || report.restoration == .restoredOlder)
    let (kept, cut) = (modes(next.kept), modes(before))
    // Unknowns and curve as they were; what the charge since the record made less certain is lost.
    #expect(kept[..<31] == cut[..<31])
    #expect(kept[52..<73] == cut[52..<73])
    #expect(zip(kept[31..<52], cut[31..<52]).allSatisfy { $0 <= $1 })
  }

  /// Times and limits are there, and go by the mean load.
  @Test func prognosis() throws {
    let board = Board()
    var firmware = try board.start(StateEstimator.sample(stateOfCharge: 600_000))
    _ = board.run(&firmware, ticks: 20)
    #expect(firmware.prognosis().timeToEmpty == nil)
    board.board.microamperes = -500_000
    board.board.microvolts = 3_000_000
    _ = board.run(&firmware, ticks: 1_200)
    let prognosis = firmware.prognosis()
    #expect(abs(Int64(try #require(prognosis.meanCurrent).microamperes) + 500_000) < 20_000)
    let empty = try #require(prognosis.timeToEmpty)
    #expect(empty.soonest <= empty.likely && empty.likely <= empty.latest)
    #expect(empty.likely > 600)
    #expect(prognosis.timeToFull == nil)
    #expect(prognosis.discharge.current.microamperes < 0)
    #expect(prognosis.charge.current.microamperes > 0)
    #expect(prognosis.charge.current.microamperes <= 2_250_000, "three quarters of 3 A last")
    #expect(prognosis.electrodes == nil)
    #expect(prognosis.stateOfHealth.capacity.lowest < prognosis.stateOfHealth.capacity.highest)
  }
}

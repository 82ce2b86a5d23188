// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import Firmware
import Quantities

/// Bytes that outlive the firmware; a class, so that the next run finds what the last one left.
final class TestMemory: NonvolatileMemory {
  static let capacity: Int32 = 4_096
  static let sliceSize: Int32 = 32
  var bytes = [UInt8](repeating: 0xFF, count: 4_096)
  /// Whether every write fails.
  var refuses = false
  /// Whether writes seem to succeed and change nothing.
  var isWriteProtected = false
  private(set) var writes = 0
  private(set) var commits = 0
  private(set) var reads = 0

  func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool { true }

  func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    reads += 1
    for i in buffer.indices { buffer[i] = bytes[Int(position) + i] }
  }

  func write<Bus: I2CBus & ~Copyable>(
    _ data: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    precondition(Int(position) / 32 == (Int(position) + data.count - 1) / 32, "crosses a slice")
    writes += 1
    if refuses { throw .bus(.noAcknowledge) }
    if isWriteProtected { return }
    for i in data.indices { bytes[Int(position) + i] = data[i] }
  }

  func commit() throws(ChipError) { commits += 1 }
}

/// Firmware with a memory on a test board; it can lose its power and start again.
final class MemoryBench {
  let board = TestBoard(.ina228TMP117)
  let memory = TestMemory()
  let configuration: FirmwareConfiguration
  private(set) var chargeSwitch = TestSwitch()
  private(set) var dischargeSwitch = TestSwitch()
  /// Unit: µs; begins anew at every start, as a board's clock does.
  private(set) var now: Int64 = 0
  let estimator: StateEstimator
  var firmware: Firmware<TestBoard, TestSwitch, TestSwitch, TestMemory, StateEstimator>

  init(
    stateOfCharge: Int32 = 500_000, saving: SaveRule = SaveRule(), table: ProtectionTable = .sample
  ) throws {
    var configuration = try FirmwareConfiguration.sample(.ina228TMP117, table: table)
    configuration.saving = saving
    self.configuration = configuration
    estimator = .sample(stateOfCharge: stateOfCharge)
    firmware = Firmware(
      configuration, estimator: estimator, bus: board, chargeSwitch: chargeSwitch,
      dischargeSwitch: dischargeSwitch,
      memory: memory)
  }

  /// A power cut and a new start; what the firmware knew is gone.
  func restart(wallClock: CalendarTime? = nil, estimator other: StateEstimator? = nil) {
    now = 0
    chargeSwitch = TestSwitch()
    dischargeSwitch = TestSwitch()
    firmware = Firmware(
      configuration, estimator: other ?? estimator, bus: board, chargeSwitch: chargeSwitch,
      dischargeSwitch: dischargeSwitch, memory: memory)
    if let wallClock { firmware.setWallClock(wallClock, at: .microseconds(0)) }
  }

  func setWallClock(_ time: CalendarTime) {
    firmware.setWallClock(time, at: .microseconds(now))
  }

  @discardableResult
  func tick(after microseconds: Int64 = 100_000) -> Report {
    now += microseconds
    board.advance(seconds: Double(microseconds) * 1e-6)
    return firmware.tick(at: .microseconds(now))
  }

  /// Ticks until the start is settled and the switches are on, at most 60 times.
  @discardableResult
  func bringUp() -> Report {
    var report = tick()
    for _ in 0..<60 where !(report.restoration.isSettled && report.allowsDischarge) {
      report = tick()
    }
    return report
  }

  func run(seconds: Int) {
    for _ in 0..<seconds { tick(after: 1_000_000) }
  }

  /// An orderly stop; returns how many ticks it took.
  func stop() -> Int {
    firmware.stop()
    var ticks = 0
    while !firmware.isStopped, ticks < 1_000 {
      tick(after: 20_000)
      ticks += 1
    }
    return ticks
  }
}

extension EstimatorSnapshotWords {
  /// For comparing.
  static func of<Memory: NonvolatileMemory>(
    _ firmware: borrowing Firmware<TestBoard, TestSwitch, TestSwitch, Memory, StateEstimator>
  ) -> [Int64] {
    let words = firmware.kept.words
    return words.indices.map { words[$0] }
  }
}

enum EstimatorSnapshotWords {}

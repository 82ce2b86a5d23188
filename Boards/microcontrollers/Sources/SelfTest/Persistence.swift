// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import Firmware
import Quantities

/// A memory of 2 KiB, enough for two states.
struct RegisterMemory: NonvolatileMemory {
  static var capacity: Int32 { 2_048 }
  static var sliceSize: Int32 { 32 }
  var bytes = InlineArray<2_048, UInt8>(repeating: 0xFF)

  mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool { time.microseconds % 300_000 != 0 }

  mutating func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    for i in 0..<buffer.count { buffer[i] = bytes[Int(position) + i] }
  }

  mutating func write<Bus: I2CBus & ~Copyable>(
    _ data: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    for i in 0..<data.count { bytes[Int(position) + i] = data[i] }
  }
}

/// A switch that counts what it is told.
struct CountingSwitch: DigitalOutput {
  var orders: UInt32 = 0
  mutating func set(_ active: Bool) { orders &+= active ? 1_000 : 1 }
}

/// Firmware: a state as bytes and back, and the start from a memory whose sensors do not answer.
func hashPersistence(into hash: inout StableHash) {
  let record = keptRecord(into: &hash)
  hashStart(record.bytes, into: &hash)
}

/// Not inlined, so that the estimator leaves the stack before the firmware comes.
@inline(never) func keptRecord(into hash: inout StableHash) -> EstimatorSnapshot.Record {
  var trace = SyntheticTrace(seed: 17)
  var estimator = straightEstimator()
  for _ in 0..<600 {
    let sample = trace.next()
    estimator.step(
      at: sample.time, Measurement(current: sample.current, voltage: sample.voltage))
  }
  var record = EstimatorSnapshot.Record()
  let state = KeptState(
    sequence: 3, configuration: 5, isCleanStop: false,
    wallClock: CalendarTime(secondsSince2000: 850_000_000), estimator: estimator.kept,
    history: FaultHistory())
  let count = StateRecord.encode(state, into: &record)
  for i in 0..<count { hash.combine(Int64(record.bytes[i])) }
  do throws(RecordProblem) {
    let found: KeptState<EstimatorSnapshot> = try record.decoded(count)
    for i in 0..<EstimatorSnapshot.count { hash.combine(found.estimator.words[i]) }
  } catch {
    hash.combine(-1)
  }
  return record
}

/// Not inlined, so that what goes into the firmware leaves the stack again.
@inline(never) func hashStart(
  _ kept: borrowing InlineArray<640, UInt8>, into hash: inout StableHash
) {
  let board: INA226.Configuration
  do throws(ShuntProblem) {
    board = try INA226.Configuration(
      shunt: Shunt(resistance: .microohms(15_000), maximumCurrent: .milliamperes(4_000)))
  } catch {
    return hash.combine(-2)
  }
  var memory = RegisterMemory()
  for i in 0..<640 { memory.bytes[i] = kept[i] }
  var firmware = Firmware(
    FirmwareConfiguration(
      monitor: .ina226(INA226(address: I2CAddress(0x40), configuration: board)),
      thermometer: .none,
      currentRange: .milliamperes(4_000),
      protection: ProtectionTable(
        lowerCutoff: .millivolts(2_000), upperCutoff: .millivolts(4_000),
        chargeLimit: .milliamperes(3_000), dischargeLimit: .milliamperes(3_000))),
    estimator: straightEstimator(),
    bus: RegisterBus(address: I2CAddress(0x41), failurePeriod: 2), chargeSwitch: CountingSwitch(),
    dischargeSwitch: CountingSwitch(), memory: memory)
  for tick in 1..<60 {
    let report = firmware.tick(at: .microseconds(Int64(tick) * 100_000))
    report.estimate.combine(into: &hash)
    hash.combine(Int64(report.restoration.rawValue))
    hash.combine(Int64(report.protections.rawValue))
  }
  firmware.stop()
  hash.combine(firmware.isStopped ? 1 : 0)
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import Firmware
import Quantities
import TestSupport

private let profile = CellProfile.sample()
private let composition = CompositionProfile.sample()

private func plain() -> StateEstimator {
  StateEstimator(profile: profile, stateOfCharge: .partsPerMillion(500_000))
}

private func lifelong() -> LifelongEstimator {
  LifelongEstimator(
    profile: profile, composition: composition, stateOfCharge: .partsPerMillion(500_000),
    isFresh: true)
}

/// Reads a record of a kept state, and goes on from what it says.
///
/// The first byte says for which estimator, and whether the record is sealed, because no fuzzer finds a
/// checksum: bit 0 with modes, bit 1 seal, bit 2 mend the magic and the version, too.
func readRecord(_ bytes: [UInt8]) {
  guard let flags = bytes.first else { return }
  let record = Array(bytes.dropFirst())
  if flags & 1 == 0 {
    readRecord(record, flags, plain())
  } else {
    readRecord(record, flags, lifelong())
  }
}

private func readRecord<Estimator: FirmwareEstimator>(
  _ bytes: [UInt8], _ flags: UInt8, _ estimator: Estimator
) {
  var bytes = bytes
  if flags & 2 != 0 { seal(&bytes, at: 0, room: bytes.count, mendsHead: flags & 4 != 0) }
  let state: KeptState<Estimator.Kept>
  do throws(RecordProblem) {
    state = try StateRecord.decode(bytes.span)
  } catch {
    return
  }
  // What was read can be written, and is then read as the same.
  var buffer = Estimator.Kept.Record()
  let length = StateRecord.encode(state, into: &buffer)
  precondition(length <= Estimator.Kept.Record.size, "a record of \(length) bytes")
  do throws(RecordProblem) {
    let again: KeptState<Estimator.Kept> = try buffer.decoded(length)
    precondition(again.sequence == state.sequence && again.wallClock == state.wallClock)
    for tag in [EstimatorSection.filter, EstimatorSection.modes] {
      for i in 0..<Estimator.Kept.count(ofSection: tag) {
        precondition(
          again.estimator.word(i, ofSection: tag) == state.estimator.word(i, ofSection: tag),
          "word \(i) of section \(tag) is another one")
      }
    }
  } catch {
    preconditionFailure("what was decoded is encoded as \(error)")
  }
  var estimator = estimator
  guard estimator.resume(from: state.estimator, after: Pause(microseconds: nil, unseen: 45_000))
  else { return }
  for second in 0..<20 {
    var measurement = Measurement()
    measurement.voltage = .millivolts(2_900 + Int32(second))
    measurement.current = .milliamperes(second % 2 == 0 ? 1_500 : -1_500)
    measurement.temperature = .degreesCelsius(25)
    estimator.step(at: .microseconds(Int64(second) * 1_000_000), measurement)
    require(estimator.estimate)
  }
  _ = estimator.timeToEmpty(at: .milliamperes(-500))
  _ = estimator.timeToFull(at: .milliamperes(500), until: nil)
}

private func require(_ estimate: Estimate) {
  precondition(
    (0...1_000_000).contains(estimate.stateOfCharge.partsPerMillion),
    "\(estimate.stateOfCharge)")
  precondition(estimate.lowestStateOfCharge <= estimate.highestStateOfCharge)
}

/// Gives a record the checksum that its length asks for.
private func seal(_ bytes: inout [UInt8], at start: Int, room: Int, mendsHead: Bool) {
  guard room >= 28 else { return }
  if mendsHead {
    for (i, byte) in ([0x53, 0x4F, 0x44, 0x41, 1, 0] as [UInt8]).enumerated() {
      bytes[start + i] = byte
    }
  }
  var length = Int(bytes[start + 6]) | Int(bytes[start + 7]) << 8
  if !(24...room).contains(length) {
    length = min(room, 0xFFFF)
    bytes[start + 6] = UInt8(truncatingIfNeeded: length)
    bytes[start + 7] = UInt8(truncatingIfNeeded: length >> 8)
  }
  var crc = CRC32C()
  for i in 0..<length - 4 { crc.combine(bytes[start + i]) }
  for i in 0..<4 {
    bytes[start + length - 4 + i] = UInt8(truncatingIfNeeded: crc.value >> (8 * UInt32(i)))
  }
}

/// Starts the firmware on a memory that holds anything at all, as a chip or a file does.
///
/// The first byte: bit 0 with modes, bit 1 a file of 16 KiB instead of a chip of 4 KiB, bit 2 seal what
/// stands where the states begin, bit 3 mend their heads, too.
func readImage(_ bytes: [UInt8]) {
  guard let flags = bytes.first else { return }
  let image = Array(bytes.dropFirst())
  switch flags & 3 {
  case 0: start(plain(), ImageMemory<SmallImage>(image, flags))
  case 1: start(lifelong(), ImageMemory<SmallImage>(image, flags))
  case 2: start(plain(), ImageMemory<LargeImage>(image, flags))
  default: start(lifelong(), ImageMemory<LargeImage>(image, flags))
  }
}

private func start<Estimator: FirmwareEstimator, Size: ImageSize>(
  _ estimator: Estimator, _ memory: ImageMemory<Size>
) {
  var firmware = Firmware(
    FirmwareConfiguration(
      monitor: .max17048(MAX17048(), assumedCurrent: .milliamperes(0)), thermometer: .none,
      currentRange: .milliamperes(6_000),
      protection: ProtectionTable(
        lowerCutoff: profile.lowerCutoff, upperCutoff: profile.upperCutoff,
        chargeLimit: .milliamperes(3_000), dischargeLimit: .milliamperes(6_000)),
      saving: SaveRule(interval: 1_000_000, spacing: 1_000_000)),
    estimator: estimator, bus: GaugeBus(), chargeSwitch: NoSwitch(), dischargeSwitch: NoSwitch(),
    memory: memory)
  var time: Int64 = 0
  var wasSettled = 0
  while time < 40_000_000, wasSettled < 20 {
    let report = firmware.tick(at: .microseconds(time))
    require(report.estimate)
    if report.restoration.isSettled { wasSettled += 1 }
    time += 500_000
  }
  precondition(wasSettled > 0, "the start does not end")
  _ = firmware.prognosis()
  firmware.stop()
  for _ in 0..<300 where !firmware.isStopped {
    time += 20_000
    _ = firmware.tick(at: .microseconds(time))
  }
  precondition(firmware.isStopped, "the stop does not end")
}

private protocol ImageSize {
  static var capacity: Int32 { get }
  static var sliceSize: Int32 { get }
}

private enum SmallImage: ImageSize {
  static var capacity: Int32 { 4_096 }
  static var sliceSize: Int32 { 32 }
}

private enum LargeImage: ImageSize {
  static var capacity: Int32 { 16_384 }
  static var sliceSize: Int32 { 1_024 }
}

/// Memory with given bytes; where they end, it was never written.
private struct ImageMemory<Size: ImageSize>: NonvolatileMemory {
  static var capacity: Int32 { Size.capacity }
  static var sliceSize: Int32 { Size.sliceSize }
  private var bytes: [UInt8]

  init(_ image: [UInt8], _ flags: UInt8) {
    let size = Int(Size.capacity)
    bytes = Array(
      (image + [UInt8](repeating: 0xFF, count: max(size - image.count, 0))).prefix(size))
    guard flags & 4 != 0 else { return }
    // A memory holds four states, or two.
    for slot in 0..<4 {
      let start = slot * size / 4
      let room = (slot % 2 == 0 ? size / 2 : size / 4) - Int(Size.sliceSize)
      seal(&bytes, at: start, room: room, mendsHead: flags & 8 != 0)
    }
  }

  mutating func isReady<Bus: I2CBus & ~Copyable>(
    on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) -> Bool { true }

  mutating func read<Bus: I2CBus & ~Copyable>(
    from position: Int32, into buffer: inout MutableSpan<UInt8>, on bus: inout Bus
  ) throws(ChipError) {
    for i in buffer.indices { buffer[i] = bytes[Int(position) + i] }
  }

  mutating func write<Bus: I2CBus & ~Copyable>(
    _ data: Span<UInt8>, to position: Int32, on bus: inout Bus, at time: MonotonicTime
  ) throws(ChipError) {
    for i in data.indices { bytes[Int(position) + i] = data[i] }
  }
}

private struct NoSwitch: DigitalOutput {
  mutating func set(_ isActive: Bool) {}
}

/// A MAX17048 that sees 2.9 V, and nothing else.
private struct GaugeBus: I2CBus {
  private var registers: [UInt8: UInt16] = [
    0x02: 37_120, 0x04: 0x4000, 0x08: 0x0012, 0x0C: 0x971C, 0x16: 0, 0x18: 0x9600, 0x1A: 0x0100,
  ]

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    guard address.rawValue == 0x36, bytes.count > 0 else { throw .noAcknowledge }
    if bytes.count == 3 { registers[bytes[0]] = UInt16(bytes[1]) << 8 | UInt16(bytes[2]) }
    guard buffer.count == 2 else { return }
    let word = registers[bytes[0]] ?? 0
    // A live converter is never still.
    if bytes[0] == 0x02 { registers[0x02] = word ^ 1 }
    buffer[0] = UInt8(word >> 8)
    buffer[1] = UInt8(word & 0xFF)
  }
}

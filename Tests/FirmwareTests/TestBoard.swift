// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import Firmware
import Quantities
import TestSupport

/// The sensor sets the firmware knows.
enum SensorSet: String, CaseIterable, Sendable {
  case ina228Alone, ina228TMP117, ina226Alone, ina226TMP117, ina226ADS1115

  var isINA228: Bool { self == .ina228Alone || self == .ina228TMP117 }
}

/// Chips as registers behind pointers, with values that the tests set; not emulators.
///
/// Every conversion is always finished unless the tests say otherwise. A class, so that a test can
/// change what a chip shows while the firmware holds the bus.
final class TestBoard: I2CBus {
  static let monitor = I2CAddress(0x40)
  static let thermometer = I2CAddress(0x48)
  /// 12.5 mΩ: 25 µA per step of the INA228, 200 µA per step of the INA226.
  static let shuntMicroohms: Int32 = 12_500
  /// The largest current; 6.25 A over the shunt is 78 mV, inside both chips' range.
  static let range = Current.milliamperes(6_250)

  let set: SensorSet
  var microvolts: Int32 = 3_200_000
  var microamperes: Int32 = 0
  var millidegrees: Int32 = 25_000
  /// What the ADS1115 sees of the cell; nil for the same voltage.
  var secondMicrovolts: Int32?
  /// The thermistor's wire is broken: its pin shows the supply.
  var thermistorIsOpen = false
  /// Whether the next voltage is a step higher, then lower again: a live converter is never still.
  var dithers = false
  /// Addresses that acknowledge nothing.
  var silent: Set<UInt8> = []
  /// Addresses whose chips have no new conversion.
  var unready: Set<UInt8> = []
  /// Transfers that fail, counted from 1, whoever they are for.
  var failing: Set<Int> = []
  private(set) var transfers = 0
  private var accumulator = 0.0
  private var isHigh = false
  private var registers: [UInt8: [UInt8: [UInt8]]] = [:]

  init(_ set: SensorSet) {
    self.set = set
    reset(TestBoard.monitor)
    reset(TestBoard.thermometer)
  }

  /// Lets the INA228's accumulator count.
  func advance(seconds: Double) {
    // c = ⌈6.25 A · 12.5 mΩ / 40 µV⌉ = 1954; a count is c · 312.5 nV / (4096 · R) coulombs.
    accumulator += Double(microamperes) * 1e-6 * seconds / (1_954 * 312.5e-9 / (4_096 * 0.0125))
    isHigh.toggle()
  }

  /// Loses a chip's registers, as a brown-out does.
  func reset(_ address: I2CAddress) {
    switch (address.rawValue, set) {
    case (0x40, .ina228Alone), (0x40, .ina228TMP117):
      accumulator = 0
      registers[0x40] = [
        0x00: [0, 0], 0x01: [0xFB, 0x68], 0x02: [0x10, 0], 0x0B: [0, 3], 0x3E: [0x54, 0x49],
        0x3F: [0x22, 0x81],
      ]
    case (0x40, _):
      registers[0x40] = [
        0x00: [0x41, 0x27], 0x05: [0, 0], 0x06: [0, 8], 0xFE: [0x54, 0x49], 0xFF: [0x22, 0x60],
      ]
    case (_, .ina228TMP117), (_, .ina226TMP117):
      registers[0x48] = [0x01: [0x22, 0x20], 0x0F: [0x01, 0x17]]
    case (_, .ina226ADS1115):
      registers[0x48] = [0x01: [0x85, 0x83], 0x02: [0x80, 0], 0x03: [0x7F, 0xFF]]
    default: registers[0x48] = nil
    }
  }

  func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    transfers += 1
    let chip = address.rawValue
    guard !failing.contains(transfers), !silent.contains(chip), registers[chip] != nil,
      !bytes.isEmpty
    else { throw .noAcknowledge }
    let register = bytes[0]
    if bytes.count > 1 { write([bytes[1], bytes[2]], to: register, of: address) }
    guard !buffer.isEmpty else { return }
    guard let held = content(register, of: chip), held.count == buffer.count else {
      throw .shortTransfer
    }
    for index in buffer.indices { buffer[index] = held[index] }
  }

  private func write(_ word: [UInt8], to register: UInt8, of address: I2CAddress) {
    let chip = address.rawValue
    let isINA = chip == 0x40
    if isINA, register == 0, word[0] & 0x80 != 0 { return reset(address) }
    if isINA, set.isINA228, register == 0, word[0] & 0x40 != 0 {
      accumulator = 0
      registers[chip]?[0] = [word[0] & 0x3F, word[1]]
      return
    }
    if !isINA, set != .ina226ADS1115, register == 1, word[1] & 2 != 0 { return reset(address) }
    registers[chip]?[register] = word
  }

  private func content(_ register: UInt8, of chip: UInt8) -> [UInt8]? {
    let isReady = !unready.contains(chip)
    guard var held = measured(register, of: chip) ?? registers[chip]?[register] else { return nil }
    switch (chip, set.isINA228, register) {
    case (0x40, true, 0x0B): held[1] = isReady ? 3 : 1
    case (0x40, false, 0x06): held[1] = held[1] & 1 | (isReady ? 8 : 0)
    case (0x48, _, 0x01):
      if set == .ina226ADS1115 {
        held[0] = held[0] & 0x7F | (isReady ? 0x80 : 0)
      } else {
        held[0] = held[0] & 0x0F | (isReady ? 0x20 : 0)
      }
    default: break
    }
    return held
  }

  /// What a result register shows; nil for other registers.
  private func measured(_ register: UInt8, of chip: UInt8) -> [UInt8]? {
    func bytes(_ value: Int64, _ count: Int64) -> [UInt8] {
      (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    let step: Int64 = dithers && isHigh ? 1 : 0
    switch (chip, set.isINA228, register) {
    case (0x40, true, 0x04): return bytes((Int64(microamperes) / 25) << 4, 3)
    case (0x40, true, 0x05): return bytes((Int64(microvolts) * 16 / 3_125 + step) << 4, 3)
    case (0x40, true, 0x06): return bytes(3_200, 2)
    case (0x40, true, 0x0A): return bytes(Int64(accumulator.rounded()), 5)
    case (0x40, false, 0x01): return bytes(Int64(microamperes) / 200, 2)
    case (0x40, false, 0x02): return bytes(Int64(microvolts) / 1_250 + step, 2)
    case (0x48, _, 0x00):
      if set == .ina226ADS1115 { return bytes(converted() / 125, 2) }
      return bytes(Int64(millidegrees) * 16 / 125, 2)
    default: return nil
    }
  }

  /// What the ADS1115's selected input shows. Unit: µV.
  private func converted() -> Int64 {
    switch (registers[0x48]?[1]?[0] ?? 0) >> 4 & 7 {
    case 4: Int64(secondMicrovolts ?? microvolts) * 2 / 3
    // 10 kΩ at 25 °C under a pull-up of 10 kΩ: half the supply.
    case 5: thermistorIsOpen ? 3_300_000 : 1_650_000
    default: 3_300_000
    }
  }
}

/// A switch that remembers what it was told.
final class TestSwitch: DigitalOutput {
  private(set) var orders: [Bool] = []
  var isOn: Bool { orders.last ?? false }
  func set(_ active: Bool) { orders.append(active) }
}

/// Firmware on a test board, with a clock.
final class Bench {
  let board: TestBoard
  let chargeSwitch = TestSwitch()
  let dischargeSwitch = TestSwitch()
  /// Unit: µs.
  var now: Int64 = 1_000_000
  var firmware: Firmware<TestBoard, TestSwitch, TestSwitch, NoMemory, StateEstimator>

  init(
    _ set: SensorSet = .ina228TMP117, table: ProtectionTable = .sample,
    stateOfCharge: Int32 = 500_000, deviation: Int32 = 50_000
  ) throws {
    let board = TestBoard(set)
    self.board = board
    firmware = Firmware(
      try .sample(set, table: table),
      estimator: .sample(stateOfCharge: stateOfCharge, deviation: deviation), bus: board,
      chargeSwitch: chargeSwitch, dischargeSwitch: dischargeSwitch)
  }

  /// Lets time pass, then ticks.
  @discardableResult
  func tick(after microseconds: Int64 = 100_000) -> Report {
    now += microseconds
    board.advance(seconds: Double(microseconds) * 1e-6)
    return firmware.tick(at: .microseconds(now))
  }

  /// Ticks until both switches are on; a board comes up within seven ticks or not at all.
  func bringUp(after microseconds: Int64 = 100_000) -> Report {
    var report = tick(after: microseconds)
    for _ in 0..<10 where !(report.allowsCharge && report.allowsDischarge) {
      report = tick(after: microseconds)
    }
    return report
  }
}

extension ProtectionTable {
  /// For the sample cell, 2.0 to 4.2 V: 3 A in, 6 A out. The test board's current does not care for the
  /// switches, so no current through one that is off is minded.
  static var sample: ProtectionTable {
    var table = switching
    table[.switchDisagrees].threshold = .max
    return table
  }

  /// The same, with current through a switch that is off.
  static var switching: ProtectionTable {
    ProtectionTable(
      lowerCutoff: .millivolts(2_000), upperCutoff: .millivolts(4_200),
      chargeLimit: .milliamperes(3_000), dischargeLimit: .milliamperes(6_000))
  }
}

extension StateEstimator {
  static func sample(
    stateOfCharge: Int32 = 500_000, deviation: Int32 = 50_000, profile: CellProfile = .sample()
  ) -> StateEstimator {
    StateEstimator(
      profile: profile, stateOfCharge: .partsPerMillion(stateOfCharge), deviation: deviation)
  }
}

extension FirmwareConfiguration {
  static func sample(
    _ set: SensorSet, table: ProtectionTable = .sample
  ) throws -> FirmwareConfiguration {
    let shunt = Shunt(
      resistance: .microohms(TestBoard.shuntMicroohms), maximumCurrent: TestBoard.range)
    let monitor: CurrentMonitor =
      set.isINA228
      ? .ina228(INA228(address: TestBoard.monitor, configuration: try .init(shunt: shunt)))
      : .ina226(INA226(address: TestBoard.monitor, configuration: try .init(shunt: shunt)))
    return FirmwareConfiguration(
      monitor: monitor, thermometer: try thermometer(of: set), currentRange: TestBoard.range,
      protection: table)
  }

  private struct ImpossibleBoard: Error {}

  private static func thermometer(of set: SensorSet) throws -> TemperatureSensor {
    switch set {
    case .ina228Alone, .ina226Alone: return .none
    case .ina228TMP117, .ina226TMP117:
      return .tmp117(TMP117(address: TestBoard.thermometer))
    case .ina226ADS1115:
      guard let divider = ADS1115.Divider(upperOhms: 10_000, lowerOhms: 20_000),
        let thermistor = Thermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000)
      else { throw ImpossibleBoard() }
      return .ads1115(
        ThermistorBoard(
          address: TestBoard.thermometer, divider: divider, thermistor: thermistor))
    }
  }
}

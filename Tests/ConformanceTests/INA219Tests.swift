// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// An INA219 and its driver on a bus of their own.
struct INA219Bench {
  let chip: INA219Emulator
  var bus = EmulatedI2CBus()
  var driver: INA219
  var now: Int64 = 0
  var shuntVolts = 0.0
  var busVolts = 0.0

  init(
    _ configuration: INA219.Configuration, errors: INA219Errors = .none, seed: UInt64 = 1
  ) throws {
    let address = I2CAddress(0x43)
    chip = INA219Emulator(address: address, errors: errors, seed: seed)
    driver = INA219(address: address, configuration: configuration)
    try bus.attach(chip)
  }

  /// Lets time pass at the present inputs.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(
      toMicroseconds: now, shuntVolts: shuntVolts, busVolts: busVolts, dieCelsius: 25)
  }

  mutating func bringUp() throws(ChipError) {
    try driver.reset(on: &bus)
    pass(1_000)
    try driver.configure(on: &bus)
  }

  mutating func read() throws(ChipError) -> INA219.Measurement {
    try driver.readMeasurement(on: &bus)
  }
}

/// INA219: from the pin to the quantity. The oracle uses the datasheet's steps, 10 µV and 4 mV.
@Suite struct INA219Tests {
  static func configuration(
    microohms: Int32 = 10_000, milliamperes: Int32 = 32_000,
    polarity: Shunt.Polarity = .chargePositive, averaging: INA219.Averaging = .none
  ) throws -> INA219.Configuration {
    try INA219.Configuration(
      shunt: Shunt(
        resistance: .microohms(microohms), maximumCurrent: .milliamperes(milliamperes),
        polarity: polarity), averaging: averaging)
  }

  /// Every code that the chip can show, and both ends of every range.
  @Test(
    arguments: [5_000, 10_000, 20_000, 40_000] as [Int32],
    [.chargePositive, .dischargePositive] as [Shunt.Polarity])
  func everyCode(milliamperes: Int32, polarity: Shunt.Polarity) throws {
    let microohms: Int32 = 7_919
    let configuration = try Self.configuration(
      microohms: microohms, milliamperes: milliamperes, polarity: polarity)
    var bench = try INA219Bench(configuration)
    try bench.bringUp()
    let sign: Int32 = polarity == .chargePositive ? 1 : -1
    let end = Int32(4_000) << Int32(configuration.shuntRange.rawValue)
    for code in -end - 1...end + 1 {
      // An odd factor visits every bus code.
      let busCode = (code &* 1_237 & 0x7FFF_FFFF) % 4_002
      bench.shuntVolts = Double(code) * 10e-6
      bench.busVolts = Double(busCode) * 4e-3
      bench.pass(1_064)
      do throws(ChipError) {
        let measurement = try bench.read()
        let current = nearestQuotient(Int128(sign * code) * 10_000_000, Int128(microohms))
        guard abs(code) < end, busCode < 4_000, Int128(measurement.current.microamperes) == current,
          measurement.busVoltage.microvolts == busCode * 4_000
        else {
          Issue.record("codes \(code) and \(busCode): \(measurement)")
          return
        }
      } catch {
        let isShunt = error == .overflow(register: 0x01, positive: code * sign > 0)
        let isBus = error == .overflow(register: 0x02, positive: true)
        guard abs(code) >= end && isShunt || busCode >= 4_000 && isBus else {
          Issue.record("codes \(code) and \(busCode): \(error)")
          return
        }
      }
    }
  }

  @Test(
    arguments: [
      (.none, 532), (.of2, 1_060), (.of4, 2_130), (.of8, 4_260), (.of16, 8_510), (.of32, 17_020),
      (.of64, 34_050), (.of128, 68_100),
    ] as [(INA219.Averaging, Int64)], [0, 100_000, -100_000] as [Int64])
  func resultsComeWhenTheDatasheetSays(
    averaging: (code: INA219.Averaging, microseconds: Int64), partsPerMillion: Int64
  ) throws {
    let configuration = try Self.configuration(averaging: averaging.code)
    let nominal = 2 * averaging.microseconds
    #expect(Int64(configuration.resultMicroseconds) == nominal)
    var bench = try INA219Bench(
      configuration, errors: INA219Errors(clockPartsPerMillion: partsPerMillion))
    try bench.bringUp()
    let first = hostTime(of: nominal, partsPerMillion)
    let second = hostTime(of: 2 * nominal, partsPerMillion)
    for wait in [first, second - first] {
      bench.pass(wait - 1)
      #expect(thrown { () throws(ChipError) in try bench.read() } == .conversionNotReady)
      bench.pass(1)
      #expect(thrown { () throws(ChipError) in try bench.read() } == nil)
    }
  }

  /// A supply dip before any transfer of any operation never becomes a measurement.
  @Test func brownOutAnywhere() throws {
    for nth in 1...15 {
      var bench = try INA219Bench(Self.configuration())
      bench.shuntVolts = 0.02
      bench.busVolts = 8.4
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      let failure = thrown { () throws(ChipError) in
        try bench.driver.reset(on: &bus)
        bench.pass(1_000)
        try bench.driver.configure(on: &bus)
        bench.pass(10_000)
        let isHeld = try bench.driver.isConfigured(on: &bus)
        let measurement = try bench.driver.readMeasurement(on: &bus)
        #expect(measurement.current == .milliamperes(2_000), "transfer \(nth)")
        #expect(measurement.busVoltage == .millivolts(8_400), "transfer \(nth)")
        #expect(isHeld, "transfer \(nth)")
      }
      // 1 transfer resets, 7 configure, 2 check, 4 read. Up to the first write there is nothing to
      // lose, and after the last transfer it comes too late.
      let isHarmless = nth <= 4 || nth == 15
      #expect((failure == nil) == isHarmless, "transfer \(nth): \(String(describing: failure))")
      try bench.bringUp()
      bench.pass(1_064)
      #expect(try bench.read().current == .milliamperes(2_000), "transfer \(nth)")
    }
  }

  /// Within the limits that the emulator's parts are drawn from: 100 µV and 0.5 % of the shunt, 0.5 %
  /// of the bus, six deviations of the noise and the rounding.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func partsKeepTheirLimits(seed: UInt64) throws {
    var bench = try INA219Bench(
      Self.configuration(averaging: .of16), errors: .typical(seed: seed), seed: seed)
    try bench.bringUp()
    bench.shuntVolts = -0.03
    bench.busVolts = 8
    bench.pass(30_000)
    let measurement = try bench.read()
    // (100 µV + 150 µV + (6 · 0.125 + 0.5) · 10 µV) / 10 mΩ
    #expect(abs(Double(measurement.current.microamperes) / 1e6 + 3) <= 0.02625)
    // 40 mV + (6 · 0.125 + 0.5) · 4 mV
    #expect(abs(Double(measurement.busVoltage.microvolts) / 1e6 - 8) <= 0.045)
  }
}

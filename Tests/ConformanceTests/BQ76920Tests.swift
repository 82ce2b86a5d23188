// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// A BQ76920 on a stack of cells, over 5 mΩ, and its driver.
struct BQ76920Bench {
  let chip: BQ76920Emulator
  var bus = EmulatedI2CBus()
  var driver: BQ76920
  var now: Int64 = 0
  var inputs: BQ76920Inputs

  init(cells: Int = 4, volts: Double = 3.1, errors: BQ76920Errors = .none) throws {
    chip = BQ76920Emulator(errors: errors)
    let configuration = try #require(
      try BQ76920.Configuration(
        cellCount: cells,
        shunt: Shunt(resistance: .microohms(5_000), maximumCurrent: .milliamperes(10_000)),
        overvoltage: .millivolts(4_200), undervoltage: .millivolts(2_000),
        overcurrent: .milliamperes(8_000), shortCircuit: .milliamperes(15_000)))
    driver = BQ76920(configuration: configuration)
    // As the datasheet wires three, four and five cells.
    let isUsed = [3: [0, 1, 4], 4: [0, 1, 2, 4]][cells, default: [0, 1, 2, 3, 4]]
    inputs = BQ76920Inputs(cellVolts: [0, 0, 0, 0, 0])
    for input in isUsed { inputs.cellVolts[input] = volts }
    try bus.attach(chip)
    chip.boot()
  }

  /// Lets time pass at the present inputs.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, inputs)
  }

  mutating func configure() throws(ChipError) { try driver.configure(on: &bus) }
  mutating func read() throws(ChipError) -> BQ76920.Reading { try driver.read(on: &bus) }
  mutating func current() throws(ChipError) -> Current { try driver.readCurrent(on: &bus) }
  mutating func setSwitches(_ isOn: Bool) throws(ChipError) {
    try driver.setSwitches(charge: isOn, discharge: isOn, on: &bus)
  }
}

@Suite struct BQ76920Tests {
  @Test(arguments: 3...5) func configureAndRead(cells: Int) throws {
    var bench = try BQ76920Bench(cells: cells)
    try bench.configure()
    #expect(try bench.driver.isConfigured(on: &bench.bus))
    // Cells of their own, the topmost on input 5.
    let inputs = cells == 3 ? [0, 1, 4] : cells == 4 ? [0, 1, 2, 4] : [0, 1, 2, 3, 4]
    for (cell, input) in inputs.enumerated() {
      bench.inputs.cellVolts[input] = 2.5 + 0.25 * Double(cell)
    }
    bench.inputs.shuntVolts = -0.0025
    bench.pass(2_000_000)
    let reading = try bench.read()
    var total: Int32 = 0
    for cell in 0..<cells {
      let expected = Int32(2_500_000 + 250_000 * cell)
      total += expected
      // Half a step of 377 µV.
      #expect(abs(reading.cellVoltages[cell].microvolts - expected) <= 189)
    }
    for cell in cells..<5 { #expect(reading.cellVoltages[cell] == .microvolts(0)) }
    // Half a step of 1508 µV.
    #expect(abs(reading.stackVoltage.microvolts - total) <= 754)
    #expect(reading.faults == [])
    // Half a step of 8.44 µV over 5 mΩ.
    #expect(abs(try bench.current().microamperes + 500_000) <= 844)
    #expect(
      thrown { () throws(ChipError) in try bench.current() } == .conversionNotReady)
  }

  /// A 10 kΩ thermistor at three temperatures and broken, through the chip's own pull-up.
  @Test func thermistor() throws {
    let thermistor = try #require(
      Thermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000))
    var bench = try BQ76920Bench()
    try bench.configure()
    // R = 10 kΩ · exp(3435 K · (1/T − 1/298.15 K)), at 0 °C, 25 °C and 60 °C.
    for (ohms, celsius) in [(28_704.0, 0.0), (10_000.0, 25.0), (2_980.85, 60.0)] {
      bench.inputs.thermistorOhms = ohms
      bench.pass(2_000_000)
      let found = try thermistor.temperature(
        thermistor: try bench.read().thermistorVoltage, reference: BQ76920.thermistorReference)
      // Half a step of 382 µV is 0.015 °C at 60 °C.
      #expect(abs(Double(found.millidegreesCelsius) / 1_000 - celsius) < 0.05)
    }
    bench.inputs.thermistorOhms = .infinity
    bench.pass(2_000_000)
    let voltage = try bench.read().thermistorVoltage
    let error = thrown { () throws(ChipError) in
      try thermistor.temperature(thermistor: voltage, reference: BQ76920.thermistorReference)
    }
    #expect(error == .thermistorOpen)
  }

  /// Every code of the cells and every code of the current.
  @Test func everyCode() throws {
    var bench = try BQ76920Bench()
    try bench.configure()
    for code in Int128(-32_768)...32_767 {
      let cellCode = (code + 32_768) % 16_384
      bench.inputs.cellVolts[1] = Double(cellCode) * 377e-6 + 0.048
      bench.inputs.shuntVolts = Double(code) * 8.44e-6
      bench.pass(250_000)
      let cell = Int128(try bench.read().cellVoltages[1].microvolts)
      guard cell == cellCode * 377 + 48_000 else {
        Issue.record("code \(cellCode): \(cell)")
        return
      }
      do throws(ChipError) {
        let current = Int128(try bench.current().microamperes)
        guard current == nearestQuotient(code * 8_440_000, 5_000), abs(code) <= 23_696 else {
          Issue.record("code \(code): \(current)")
          return
        }
      } catch {
        guard error == .overflow(register: 0x32, positive: code > 0), abs(code) > 23_696 else {
          Issue.record("code \(code): \(error)")
          return
        }
      }
    }
  }

  /// Whatever the part's trim, the chip itself opens the switches at the limits asked for.
  @Test(arguments: [0, 12, 31] as [UInt8], [-128, 0, 127] as [Int8])
  func protection(gainCode: UInt8, offset: Int8) throws {
    let errors = BQ76920Errors(gainCode: gainCode, offset: offset)
    for (inside, outside, fault): (Double, Double, BQ76920.Faults) in [
      (4.195, 4.205, .overvoltage), (2.001, 1.992, .undervoltage),
    ] {
      var bench = try BQ76920Bench(errors: errors)
      try bench.configure()
      try bench.setSwitches(true)
      bench.inputs.cellVolts[4] = inside
      bench.pass(20_000_000)
      #expect(try bench.read().faults == [])
      #expect(bench.chip.isChargeOn && bench.chip.isDischargeOn)
      bench.inputs.cellVolts[4] = outside
      bench.pass(1_000_000)
      #expect(try bench.read().faults == fault)
      #expect(bench.chip.isChargeOn == (fault != .overvoltage))
      #expect(bench.chip.isDischargeOn == (fault != .undervoltage))
      #expect(bench.chip.alertLine)
      let refused = thrown { () throws(ChipError) in try bench.setSwitches(true) }
      let held: UInt16 = fault == .overvoltage ? 0x42 : 0x41
      #expect(refused == .configurationNotHeld(register: 0x05, wrote: 0x43, read: held))
      bench.inputs.cellVolts[4] = 3.1
      bench.pass(1_000_000)
      try bench.driver.clear(fault, on: &bench.bus)
      try bench.setSwitches(true)
      #expect(bench.chip.isChargeOn && bench.chip.isDischargeOn)
    }
  }

  /// 8 A become 39 mV, 7.8 A, for 320 ms; 15 A become 67 mV, 13.4 A, for 100 µs.
  @Test func overcurrent() throws {
    for (amperes, time, fault): (Double, Int64, BQ76920.Faults) in [
      (-7.9, 320_000, .overcurrent), (-13.5, 100, .shortCircuit),
    ] {
      var bench = try BQ76920Bench()
      try bench.configure()
      try bench.setSwitches(true)
      bench.inputs.shuntVolts = -7.7 * 0.005
      bench.pass(10_000_000)
      bench.inputs.shuntVolts = amperes * 0.005
      bench.pass(time - 1)
      #expect(bench.chip.isDischargeOn)
      bench.pass(1)
      #expect(!bench.chip.isDischargeOn && bench.chip.isChargeOn)
      #expect(try bench.driver.readFaults(on: &bench.bus) == fault)
    }
  }

  @Test(arguments: [(0b0101, 0b00101), (0b1010, 0b10010), (0b1000, 0b10000), (0, 0)])
  func balancing(cells: UInt8, inputs: UInt8) throws {
    var bench = try BQ76920Bench()
    try bench.configure()
    try bench.driver.balance(cells, on: &bench.bus)
    #expect(bench.chip.balancedInputs == inputs)
  }

  /// The stack falls away and comes back: silence, then a wake-up that the driver takes for a reset.
  @Test func brownOut() throws {
    var bench = try BQ76920Bench()
    try bench.configure()
    try bench.setSwitches(true)
    bench.inputs.cellVolts = [0.8, 0.8, 0.8, 0, 0.8]
    bench.pass(1_000)
    bench.inputs.cellVolts = [3.1, 3.1, 3.1, 0, 3.1]
    bench.pass(1_000_000)
    #expect(
      thrown { () throws(ChipError) in try bench.read().faults } == .bus(.noAcknowledge))
    bench.chip.boot()
    let lost = ChipError.configurationLost(register: 0x0B, expected: 0x19, found: 0)
    #expect(thrown { () throws(ChipError) in try bench.read().faults } == lost)
    #expect(thrown { () throws(ChipError) in try bench.setSwitches(true) } == lost)
    #expect(thrown { () throws(ChipError) in try bench.current() } == lost)
    #expect(try bench.driver.isConfigured(on: &bench.bus) == false)
    #expect(!bench.chip.isChargeOn && !bench.chip.isDischargeOn)
    try bench.configure()
    bench.pass(250_000)
    #expect(abs(try bench.read().cellVoltages[3].microvolts - 3_100_000) <= 189)
  }

  @Test func resetAnywhere() throws {
    try expectResetsAreNoticed(transfers: 20) { try BQ76920Bench() }
  }

  @Test func shipAndWake() throws {
    var bench = try BQ76920Bench()
    try bench.configure()
    try bench.setSwitches(true)
    try bench.driver.ship(on: &bench.bus)
    #expect(!bench.chip.isPresent && !bench.chip.isDischargeOn)
    #expect(thrown { () throws(ChipError) in try bench.read().faults } == .notConfigured)
    bench.chip.boot()
    try bench.configure()
    bench.pass(250_000)
    #expect(try bench.read().faults == [])
  }
}

extension BQ76920Bench: ChipBench {
  var dip: () -> Void {
    { [chip] in
      chip.powerCycle()
      chip.boot()
    }
  }
  mutating func configure<Bus: I2CBus>(on bus: inout Bus) throws(ChipError) {
    try driver.configure(on: &bus)
  }
  mutating func settle() { pass(250_000) }
  mutating func readOnce() throws(ChipError) { _ = try read() }
  func isConfigured() throws(ChipError) -> Bool {
    var bus = bus
    return try driver.isConfigured(on: &bus)
  }
}

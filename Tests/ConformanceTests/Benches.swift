// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// An INA228 and its driver on a bus of their own.
struct INA228Bench {
  let chip: INA228Emulator
  var bus = EmulatedI2CBus()
  var driver: INA228
  var now: Int64 = 0
  var shuntVolts = 0.0
  var busVolts = 0.0
  var dieCelsius = 25.0

  init(
    _ configuration: INA228.Configuration, errors: INA228Errors = .none, seed: UInt64 = 1,
    correction: ClockCorrection = ClockCorrection()
  ) throws {
    let address = I2CAddress(0x41)
    chip = INA228Emulator(address: address, errors: errors, seed: seed)
    driver = INA228(address: address, configuration: configuration, clockCorrection: correction)
    try bus.attach(chip)
  }

  /// Lets time pass at the present inputs.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(
      toMicroseconds: now, shuntVolts: shuntVolts, busVolts: busVolts, dieCelsius: dieCelsius)
  }

  mutating func bringUp() throws(ChipError) {
    try driver.reset(on: &bus)
    pass(1_000)
    try driver.configure(on: &bus, at: .microseconds(now))
  }

  mutating func isConfigured() throws(ChipError) -> Bool {
    try driver.isConfigured(on: &bus)
  }

  mutating func read() throws(ChipError) -> INA228.Measurement {
    try driver.readMeasurement(on: &bus, at: .microseconds(now))
  }
}

/// An INA226 and its driver on a bus of their own.
struct INA226Bench {
  let chip: INA226Emulator
  var bus = EmulatedI2CBus()
  var driver: INA226
  var now: Int64 = 0
  var shuntVolts = 0.0
  var busVolts = 0.0

  init(
    _ configuration: INA226.Configuration, errors: INA226Errors = .none, seed: UInt64 = 1
  ) throws {
    let address = I2CAddress(0x45)
    chip = INA226Emulator(address: address, errors: errors, seed: seed)
    driver = INA226(address: address, configuration: configuration)
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

  mutating func isConfigured() throws(ChipError) -> Bool {
    try driver.isConfigured(on: &bus)
  }

  mutating func read() throws(ChipError) -> INA226.Measurement {
    try driver.readMeasurement(on: &bus)
  }
}

/// An ADS1115 and its driver on a bus of their own.
struct ADS1115Bench {
  let chip: ADS1115Emulator
  var bus = EmulatedI2CBus()
  var driver: ADS1115
  var now: Int64 = 0
  var pins = SIMD4<Double>(repeating: 0)

  init(errors: ADS1115Errors = .none, seed: UInt64 = 1) throws {
    let address = I2CAddress(0x48)
    chip = ADS1115Emulator(address: address, errors: errors, seed: seed)
    driver = ADS1115(address: address)
    try bus.attach(chip)
  }

  /// Lets time pass at the present inputs.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, inputs: pins)
  }

  mutating func bringUp() throws(ChipError) {
    try driver.reset(on: &bus)
    pass(1_000)
    try driver.configure(on: &bus)
  }

  mutating func start(
    _ input: ADS1115.Input, mode: ADS1115.Mode = .singleShot
  ) throws(ChipError) {
    try driver.start(input, mode: mode, on: &bus, at: .microseconds(now))
  }

  mutating func read() throws(ChipError) -> Voltage {
    try driver.readVoltage(on: &bus, at: .microseconds(now))
  }
}

/// A TMP117 and its driver on a bus of their own.
struct TMP117Bench {
  let chip: TMP117Emulator
  var bus = EmulatedI2CBus()
  var driver: TMP117
  var now: Int64 = 0
  var celsius = 25.0

  init(_ cycle: TMP117.Cycle, errors: TMP117Errors = .none, seed: UInt64 = 1) throws {
    let address = I2CAddress(0x4A)
    chip = TMP117Emulator(address: address, errors: errors, seed: seed)
    driver = TMP117(address: address, cycle: cycle)
    try bus.attach(chip)
  }

  /// Lets time pass at the present temperature.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, celsius: celsius)
  }

  mutating func bringUp() throws(ChipError) {
    try driver.reset(on: &bus)
    pass(2_000)
    try driver.configure(on: &bus)
  }

  mutating func isConfigured() throws(ChipError) -> Bool {
    try driver.isConfigured(on: &bus)
  }

  mutating func read() throws(ChipError) -> Temperature {
    try driver.readTemperature(on: &bus)
  }
}

/// A bus on which something happens just before the n-th transfer, such as a dip of the supply.
struct InterruptedBus: I2CBus {
  let wrapped: EmulatedI2CBus
  let nth: Int
  let interruption: () -> Void
  private(set) var transferCount = 0

  init(_ wrapped: EmulatedI2CBus, before nth: Int, _ interruption: @escaping () -> Void) {
    self.wrapped = wrapped
    self.nth = nth
    self.interruption = interruption
  }

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    transferCount += 1
    if transferCount == nth { interruption() }
    try wrapped.transfer(with: address, writing: bytes, reading: &buffer)
  }
}

/// A bench whose chip is configured in one call.
protocol ChipBench {
  var bus: EmulatedI2CBus { get }
  /// Takes the chip's supply away for a moment.
  var dip: () -> Void { get }
  mutating func configure<Bus: I2CBus>(on bus: inout Bus) throws(ChipError)
  /// Lets the chip measure once.
  mutating func settle()
  mutating func readOnce() throws(ChipError)
  func isConfigured() throws(ChipError) -> Bool
}

/// A reset before any transfer of the configuration: it is noticed, then or when read, or undid nothing.
func expectResetsAreNoticed<Bench: ChipBench>(
  transfers expected: Int, _ make: () throws -> Bench
) throws {
  var nth = 0
  var transfers = 0
  repeat {
    nth += 1
    var bench = try make()
    var bus = InterruptedBus(bench.bus, before: nth, bench.dip)
    let failure = thrown { () throws(ChipError) in try bench.configure(on: &bus) }
    transfers = bus.transferCount
    if failure == nil {
      bench.settle()
      let reading = thrown { () throws(ChipError) in try bench.readOnce() }
      let isHeld = try bench.isConfigured()
      #expect((reading == nil) == isHeld, "transfer \(nth)")
    }
    var whole = bench.bus
    try bench.configure(on: &whole)
    #expect(try bench.isConfigured(), "transfer \(nth)")
  } while nth <= transfers
  #expect(transfers == expected)
}

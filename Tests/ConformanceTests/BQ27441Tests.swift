// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// A BQ27441 or BQ27427 on a cell, and its driver.
struct BQ27441Bench {
  let chip: BQ27441Emulator
  var bus = EmulatedI2CBus()
  var driver: BQ27441
  var now: Int64 = 0
  var volts = 3.8
  var amperes = 0.0

  init(_ variant: BQ27441Emulator.Variant) throws {
    chip = BQ27441Emulator(variant: variant, cellVolts: volts)
    let configuration = try #require(
      BQ27441.Configuration(designCapacity: 1_500, designEnergy: 4_650))
    driver = BQ27441(
      model: variant == .bq27441 ? .bq27441 : .bq27427, configuration: configuration)
    try bus.attach(chip)
  }

  /// Lets time pass at the present inputs.
  mutating func pass(_ microseconds: Int64) {
    now += microseconds
    chip.advance(toMicroseconds: now, cellVolts: volts, amperes: amperes, celsius: 25)
  }

  /// As the firmware does: a step each 10 ms, for at most 5 s.
  mutating func configure<Bus: I2CBus>(on bus: inout Bus) throws(ChipError) -> Bool {
    for _ in 0..<500 {
      let isDone = try driver.configure(on: &bus)
      if isDone { return true }
      pass(10_000)
    }
    return false
  }

  mutating func bringUp() throws(ChipError) {
    var wire = bus
    let isDone = try configure(on: &wire)
    #expect(isDone)
    pass(1_000_000)
  }

  mutating func read() throws(ChipError) -> BQ27441.Reading { try driver.read(on: &bus) }
}

@Suite struct BQ27441Tests {
  static let variants: [BQ27441Emulator.Variant] = [.bq27441, .bq27427]

  @Test(arguments: variants) func configureAndRead(variant: BQ27441Emulator.Variant) throws {
    var bench = try BQ27441Bench(variant)
    bench.amperes = -0.75
    try bench.bringUp()
    bench.pass(1_000_000)
    let reading = try bench.read()
    #expect(reading.cellVoltage == .millivolts(3_800))
    // With the BQ27427 too a discharge is negative: its gain was turned.
    #expect(reading.averageCurrent == .milliamperes(-750))
    // 25 °C is 298.15 K, shown as 298.2 K.
    #expect(reading.temperature == .millidegreesCelsius(25_050))
    #expect(reading.stateOfCharge == .partsPerMillion(500_000))
    #expect(reading.remainingCapacity == .milliampereHours(750))
    bench.pass(720_000_000)
    // 150 mAh of 1500.
    #expect(try bench.read().stateOfCharge == .partsPerMillion(400_000))
    #expect(try bench.driver.isConfigured(on: &bench.bus))
  }

  /// Each whole mA that the shunt of 10 mΩ allows.
  @Test func everyCurrent() throws {
    var bench = try BQ27441Bench(.bq27441)
    try bench.bringUp()
    for milliamperes in Int32(-8_000)...8_000 {
      bench.amperes = Double(milliamperes) / 1_000
      bench.pass(1_000_000)
      guard try bench.read().averageCurrent == .milliamperes(milliamperes) else {
        Issue.record("\(milliamperes) mA")
        return
      }
    }
  }

  /// A sodium cell at 3.1 V is half full, and empty for the gauge; below 2.2 V it forgets all.
  @Test func sodiumCell() throws {
    var bench = try BQ27441Bench(.bq27441)
    bench.volts = 3.1
    try bench.bringUp()
    #expect(try bench.read().stateOfCharge == .partsPerMillion(0))
    bench.volts = 2.0
    bench.pass(1_000_000)
    #expect(thrown { () throws(ChipError) in try bench.read() } == .bus(.noAcknowledge))
    bench.volts = 3.1
    bench.pass(1_000_000)
    let lost = thrown { () throws(ChipError) in try bench.read() }
    #expect(lost == .configurationLost(register: 0x06, expected: 0, found: 0x20))
    bench.driver.restart()
    try bench.bringUp()
    #expect(try bench.read().cellVoltage == .millivolts(3_100))
  }

  /// A supply dip before any transfer of the configuration: it is noticed, then or when read, and the
  /// configuration, begun again, succeeds. None leaves the BQ27427 counting backwards unnoticed.
  @Test(arguments: variants) func brownOutAnywhere(variant: BQ27441Emulator.Variant) throws {
    var nth = 0
    var transfers = 0
    repeat {
      nth += 1
      var bench = try BQ27441Bench(variant)
      bench.amperes = 0.5
      let chip = bench.chip
      var bus = InterruptedBus(bench.bus, before: nth) { chip.powerCycle() }
      var isDone = false
      let failure = thrown { () throws(ChipError) in
        isDone = try bench.configure(on: &bus)
      }
      transfers = bus.transferCount
      if isDone, failure == nil {
        bench.pass(2_000_000)
        let reading = Result { () throws(ChipError) in try bench.read().averageCurrent }
        switch reading {
        case .success(let current): #expect(current == .milliamperes(500), "transfer \(nth)")
        case .failure(let error):
          #expect(
            error == .configurationLost(register: 0x06, expected: 0, found: 0x20),
            "transfer \(nth)")
        }
      }
      bench.driver.restart()
      try bench.bringUp()
      bench.pass(1_000_000)
      #expect(try bench.read().averageCurrent == .milliamperes(500), "transfer \(nth)")
    } while nth <= transfers
    #expect(nth > 100, "the chip is asked for its mode again and again")
  }

  /// A bit that flips in any block that is read is found by the checksum, or by the block itself.
  @Test func corruptedBlocks() throws {
    for byte in 0..<32 {
      var bench = try BQ27441Bench(.bq27427)
      var bus = FlippingBus(bench.bus, command: 0x40, byte: byte)
      let failure = thrown { () throws(ChipError) in try bench.configure(on: &bus) }
      guard case .checksum = failure else {
        Issue.record("byte \(byte): \(String(describing: failure))")
        return
      }
    }
  }
}

/// A bus on which a bit of one byte flips whenever `command` is read.
struct FlippingBus: I2CBus {
  let wrapped: EmulatedI2CBus
  let command: UInt8
  let byte: Int

  init(_ wrapped: EmulatedI2CBus, command: UInt8, byte: Int) {
    self.wrapped = wrapped
    self.command = command
    self.byte = byte
  }

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    try wrapped.transfer(with: address, writing: bytes, reading: &buffer)
    if !bytes.isEmpty, bytes[0] == command, buffer.count > byte { buffer[byte] ^= 0x10 }
  }
}

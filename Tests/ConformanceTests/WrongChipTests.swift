// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

/// Each driver on each of the other chips, at an address that both can have.
@Suite struct WrongChipTests {
  static let address = I2CAddress(0x48)

  enum Chip: CaseIterable, Sendable {
    case ina228
    case ina226
    case ads1115
    case tmp117

    /// The chip after ten milliseconds, its inputs at awkward values.
    func bus() throws -> EmulatedI2CBus {
      let bus = EmulatedI2CBus()
      switch self {
      case .ina228:
        let chip = INA228Emulator(address: WrongChipTests.address)
        chip.advance(toMicroseconds: 10_000, shuntVolts: 0, busVolts: 3, dieCelsius: 25)
        try bus.attach(chip)
      case .ina226:
        let chip = INA226Emulator(address: WrongChipTests.address)
        // 263 steps: the shunt register, which is read-only, holds the word that ADS1115 writes.
        chip.advance(toMicroseconds: 10_000, shuntVolts: 263 * 2.5e-6, busVolts: 3, dieCelsius: 25)
        try bus.attach(chip)
      case .ads1115:
        try bus.attach(ADS1115Emulator(address: WrongChipTests.address))
      case .tmp117:
        let chip = TMP117Emulator(address: WrongChipTests.address)
        chip.advance(toMicroseconds: 200_000, celsius: 25)
        try bus.attach(chip)
      }
      return bus
    }
  }

  @Test(
    arguments: [
      (.ina226, 0x0000), (.ads1115, 0x8000), (.tmp117, 0x0000),
    ] as [(Chip, UInt16)])
  func ina228(chip: Chip, found: UInt16) throws {
    var bus = try chip.bus()
    var driver = INA228(address: Self.address, configuration: try INA228Tests.configuration())
    let expected = ChipError.unexpectedIdentity(expected: 0x5449, found: found)
    #expect(thrown { () throws(ChipError) in try driver.reset(on: &bus) } == expected)
    let error = thrown { () throws(ChipError) in
      try driver.configure(on: &bus, at: .microseconds(0))
    }
    #expect(error == expected)
  }

  @Test(
    arguments: [
      (.ina228, 0x0000), (.ads1115, 0x8000), (.tmp117, 0x0000),
    ] as [(Chip, UInt16)])
  func ina226(chip: Chip, found: UInt16) throws {
    var bus = try chip.bus()
    var driver = INA226(address: Self.address, configuration: try INA226Tests.configuration())
    let expected = ChipError.unexpectedIdentity(expected: 0x5449, found: found)
    #expect(thrown { () throws(ChipError) in try driver.reset(on: &bus) } == expected)
    #expect(thrown { () throws(ChipError) in try driver.configure(on: &bus) } == expected)
  }

  @Test(
    arguments: [
      (.ina228, 0x0000), (.ina226, 0x0000), (.ads1115, 0x7FFF),
    ] as [(Chip, UInt16)])
  func tmp117(chip: Chip, found: UInt16) throws {
    var bus = try chip.bus()
    var driver = TMP117(address: Self.address)
    let expected = ChipError.unexpectedIdentity(expected: 0x0117, found: found)
    #expect(thrown { () throws(ChipError) in try driver.reset(on: &bus) } == expected)
    #expect(thrown { () throws(ChipError) in try driver.configure(on: &bus) } == expected)
  }

  /// The ADS1115 has no identity: what another chip's registers do not hold gives it away.
  @Test(arguments: [.ina228, .ina226, .tmp117] as [Chip]) func ads1115(chip: Chip) throws {
    var bus = try chip.bus()
    var driver = ADS1115(address: Self.address)
    let error = thrown { () throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus)
    }
    switch error {
    case .configurationNotHeld, .resetIncomplete: break
    default: Issue.record("\(String(describing: error))")
    }
  }

  /// Revisions and compatible parts that are seen in the field are accepted.
  @Test func revisions() throws {
    for revision in 0...15 as ClosedRange<UInt16> {
      var ina228 = try INA228Bench(INA228Tests.configuration())
      ina228.chip.deviceID = 0x2280 + revision
      try ina228.bringUp()
      var ina226 = try INA226Bench(INA226Tests.configuration())
      ina226.chip.dieID = 0x2260 + revision
      try ina226.bringUp()
    }
    var ina238 = try INA228Bench(INA228Tests.configuration())
    ina238.chip.deviceID = 0x2381
    let error = thrown { () throws(ChipError) in try ina238.bringUp() }
    #expect(error == .unexpectedIdentity(expected: 0x2280, found: 0x2381))
    var other = try INA226Bench(INA226Tests.configuration())
    other.chip.dieID = 0x2370
    let otherError = thrown { () throws(ChipError) in try other.bringUp() }
    #expect(otherError == .unexpectedIdentity(expected: 0x2260, found: 0x2370))
  }

  /// No chip at all, and one that disappears: every operation says so.
  @Test func absent() throws {
    var ina228 = try INA228Bench(INA228Tests.configuration())
    var ina226 = try INA226Bench(INA226Tests.configuration())
    var ads1115 = try ADS1115Bench()
    var tmp117 = try TMP117Bench(.milliseconds125)
    let gone = ChipError.bus(.noAcknowledge)
    for isFirst in [true, false] {
      (ina228.chip.isPresent, ina226.chip.isPresent) = (false, false)
      (ads1115.chip.isPresent, tmp117.chip.isPresent) = (false, false)
      if !isFirst {
        #expect(thrown { () throws(ChipError) in try ina228.read() } == gone)
        #expect(thrown { () throws(ChipError) in try ina226.read() } == gone)
        #expect(thrown { () throws(ChipError) in try ads1115.read() } == gone)
        #expect(thrown { () throws(ChipError) in try tmp117.read() } == gone)
      }
      #expect(thrown { () throws(ChipError) in try ina228.bringUp() } == gone)
      #expect(thrown { () throws(ChipError) in try ina226.bringUp() } == gone)
      #expect(thrown { () throws(ChipError) in try ads1115.bringUp() } == gone)
      #expect(thrown { () throws(ChipError) in try tmp117.bringUp() } == gone)
      (ina228.chip.isPresent, ina226.chip.isPresent) = (true, true)
      (ads1115.chip.isPresent, tmp117.chip.isPresent) = (true, true)
      try ina228.bringUp()
      try ina226.bringUp()
      try ads1115.bringUp()
      try ads1115.start(ADS1115.Input(multiplexer: .input0, range: .millivolts4096))
      ads1115.pass(10_000)
      try tmp117.bringUp()
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// The INA238: the INA228's engine with fewer bits.
@Suite struct INA238Tests {
  private func read(_ chip: INA228Emulator, _ register: UInt8, bytes: Int) -> Int {
    _ = chip.start(.write)
    _ = chip.receive(register)
    _ = chip.start(.read)
    return (0..<bytes).reduce(0) { value, _ in value << 8 | Int(chip.transmit()) }
  }

  @Test(arguments: [(0.05, 3.1, 25.0), (-0.1234567, 4.2, -17.3), (0.163, 60, 99.99)])
  func upperBitsOfTheINA228(shunt: Double, bus: Double, celsius: Double) {
    let coarse = INA228Emulator(address: I2CAddress(0x45), variant: .ina238)
    let fine = INA228Emulator(address: I2CAddress(0x44))
    for chip in [coarse, fine] {
      chip.advance(
        toMicroseconds: 1_000_000, shuntVolts: shunt, busVolts: bus, dieCelsius: celsius)
    }
    // Shunt, bus and current: 20 bits in the upper part of three bytes against 16.
    for register: UInt8 in [0x04, 0x05, 0x07] {
      #expect(read(coarse, register, bytes: 2) == read(fine, register, bytes: 3) >> 8)
    }
    #expect(read(coarse, 0x06, bytes: 2) == read(fine, 0x06, bytes: 2) & 0xFFF0)
    #expect(read(coarse, 0x08, bytes: 3) == read(fine, 0x08, bytes: 3))
    #expect(read(coarse, 0x3F, bytes: 2) == 0x2381)
    // No temperature coefficient, energy or charge.
    for register: UInt8 in [0x03, 0x09, 0x0A] { #expect(read(coarse, register, bytes: 2) == 0) }
  }

  /// Full scale ±163.84 mV in steps of 5 µV, 3.125 mV and 125 m°C.
  @Test func steps() {
    let chip = INA228Emulator(address: I2CAddress(0x45), variant: .ina238)
    chip.advance(
      toMicroseconds: 1_000_000, shuntVolts: 0.005, busVolts: 3.125, dieCelsius: 25)
    #expect(read(chip, 0x04, bytes: 2) == 1_000)
    #expect(read(chip, 0x05, bytes: 2) == 1_000)
    #expect(read(chip, 0x06, bytes: 2) == 200 << 4)
  }
}

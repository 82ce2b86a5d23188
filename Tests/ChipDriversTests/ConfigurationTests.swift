// SPDX-License-Identifier: Apache-2.0

import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct ConfigurationTests {
  /// SHUNT_CAL of the datasheet: 13107.2e6 · CURRENT_LSB · R (· 4), rounded up.
  @Test(arguments: [
    (16_200, 10_000_000, 4_050, INA228.ShuntRange.wide),
    (15_000, 10_000_000, 3_750, .wide),
    (10_000, 16_384_000, 4_096, .wide),
    (15_000, 2_730_666, 4_096, .narrow),
    (15_000, 2_730_667, 1_025, .wide),
    (2_000, 20_480_000, 4_096, .narrow),
    (2_000, 1, 1, .narrow),
    (100, 1_638_400_000, 4_096, .wide),
  ])
  func shuntCalibration(
    microohms: Int32, microamperes: Int32, calibration: UInt16, range: INA228.ShuntRange
  ) throws {
    let configuration = try INA228.Configuration(
      shunt: Shunt(
        resistance: .microohms(microohms), maximumCurrent: .microamperes(microamperes)))
    #expect(configuration.shuntCalibration == calibration)
    #expect(configuration.shuntRange == range)
  }

  @Test func calibrationNeverCutsTheLargestCurrent() throws {
    for microohms: Int32 in stride(from: 137, to: 60_000, by: 1_409) {
      let largest = Int32(163_840_000_000 / Int64(microohms))
      for microamperes in stride(from: largest / 97 + 1, through: largest, by: Int(largest / 50)) {
        let configuration = try INA228.Configuration(
          shunt: Shunt(
            resistance: .microohms(microohms), maximumCurrent: .microamperes(microamperes)))
        let step = configuration.shuntRange == .wide ? 312.5e-9 : 78.125e-9
        let code = Double(microamperes) * Double(microohms) * 1e-12 / step
        let current = code * 4_096 / Double(configuration.shuntCalibration)
        #expect(current <= 524_288.001)
        // And not a step coarser than needed.
        let finer = code * 4_096 / (Double(configuration.shuntCalibration) - 1)
        #expect(configuration.shuntCalibration == 1 || finer > 524_287.999)
      }
    }
  }

  @Test func impossibleShuntsAreNamed() {
    func problem(_ microohms: Int32, _ microamperes: Int32) -> ShuntProblem? {
      let shunt = Shunt(
        resistance: .microohms(microohms), maximumCurrent: .microamperes(microamperes))
      return thrown { () throws(ShuntProblem) in try INA228.Configuration(shunt: shunt) }
    }
    let resistances = { (found: Int32) in
      ShuntProblem.resistanceOutOfRange(
        found: .microohms(found), minimum: .microohms(100), maximum: .microohms(10_000_000))
    }
    for microohms: Int32 in [.min, -1, 0, 99, 10_000_001, .max] {
      #expect(problem(microohms, 1_000) == resistances(microohms))
    }
    for microamperes: Int32 in [.min, 0, 16_384_001, .max] {
      #expect(
        problem(10_000, microamperes)
          == .maximumCurrentOutOfRange(
            found: .microamperes(microamperes), maximum: .microamperes(16_384_000)))
    }
    #expect(problem(10_000, 16_384_000) == nil)
    let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .microamperes(8_192_001))
    #expect(
      thrown { () throws(ShuntProblem) in try INA226.Configuration(shunt: shunt) }
        == .maximumCurrentOutOfRange(
          found: .microamperes(8_192_001), maximum: .microamperes(8_192_000)))
  }

  @Test func dividersOutsideTheirRangeAreRefused() {
    #expect(ADS1115.Divider(upperOhms: 0, lowerOhms: 1) == ADS1115.Divider.none)
    #expect(ADS1115.Divider(upperOhms: -1, lowerOhms: 1) == nil)
    #expect(ADS1115.Divider(upperOhms: 1, lowerOhms: 0) == nil)
    #expect(ADS1115.Divider(upperOhms: 100, lowerOhms: 1) == nil)
    #expect(ADS1115.Divider(upperOhms: 99, lowerOhms: 1) != nil)
    #expect(ADS1115.Divider(upperOhms: 100_000_001, lowerOhms: 100_000_000) == nil)
  }

  @Test func timesAreTheDatasheets() throws {
    let shunt = Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(1_000))
    // At reset all three inputs take 1052 µs, without averaging.
    let precise = try INA228.Configuration(
      shunt: shunt, temperatureConversionTime: .microseconds1052, averaging: .none)
    #expect(precise.resultMicroseconds == 3_156)
    // At reset 1.1 ms each.
    #expect(try INA226.Configuration(shunt: shunt, averaging: .none).resultMicroseconds == 2_200)
    #expect(
      try INA226.Configuration(shunt: shunt, averaging: .of1024).resultMicroseconds == 2_252_800)
  }
}

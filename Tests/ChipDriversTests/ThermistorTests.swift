// SPDX-License-Identifier: Apache-2.0

import ChipDrivers
import Foundation
import Quantities
import TestSupport
import Testing

@Suite struct ThermistorTests {
  /// The exact Beta formula in Double, over the voltage that the integers were given.
  @Test(arguments: [
    (10_000, 3_435, 10_000), (10_000, 3_950, 10_000), (100_000, 4_250, 47_000),
    (1_000, 3_000, 2_200), (1_000_000, 6_000, 1_000_000),
  ])
  func followsTheBetaFormula(nominal: Int32, beta: Int32, pullUp: Int32) throws {
    let thermistor = try #require(
      Thermistor(nominalOhms: nominal, betaKelvin: beta, pullUpOhms: pullUp))
    let reference = 3_300_000.0
    var largestError = 0.0
    for celsius in stride(from: -20.0, through: 60, by: 0.01) {
      let inverse = 1 / (celsius + 273.15) - 1 / 298.15
      let resistance = Double(nominal) * exp(Double(beta) * inverse)
      let microvolts = Int32((reference * resistance / (resistance + Double(pullUp))).rounded())
      let found = try thermistor.temperature(
        thermistor: .microvolts(microvolts), reference: .microvolts(3_300_000))
      let given = Double(pullUp) * Double(microvolts) / (reference - Double(microvolts))
      let exact = 1 / (1 / 298.15 + log(given / Double(nominal)) / Double(beta)) - 273.15
      largestError = max(largestError, abs(Double(found.millidegreesCelsius) / 1_000 - exact))
    }
    #expect(largestError < 0.01, "largest error \(largestError) °C")
  }

  @Test func isMonotonic() throws {
    let thermistor = try #require(
      Thermistor(nominalOhms: 10_000, betaKelvin: 3_950, pullUpOhms: 10_000))
    var last: Temperature?
    for microvolts in stride(from: Int32(300_000), to: 3_000_000, by: 125) {
      let next = try thermistor.temperature(
        thermistor: .microvolts(microvolts), reference: .microvolts(3_300_000))
      if let last, next > last {
        Issue.record("at \(microvolts) µV")
        return
      }
      last = next
    }
  }

  @Test func brokenWiresAreNotTemperatures() throws {
    let thermistor = try #require(
      Thermistor(nominalOhms: 10_000, betaKelvin: 3_950, pullUpOhms: 10_000))
    func problem(_ microvolts: Int32, _ reference: Int32 = 3_300_000) -> ChipError? {
      thrown { () throws(ChipError) in
        try thermistor.temperature(
          thermistor: .microvolts(microvolts), reference: .microvolts(reference))
      }
    }
    #expect(problem(3_300_000) == .thermistorOpen)
    #expect(problem(3_299_999) == .thermistorOpen)
    #expect(problem(3_400_000) == .thermistorOpen)
    #expect(problem(.max, .min) == .thermistorOpen)
    #expect(problem(1_000, 0) == .thermistorOpen)
    #expect(problem(0) == .thermistorShorted)
    #expect(problem(1) == .thermistorShorted)
    #expect(problem(-100) == .thermistorShorted)
    #expect(problem(.min, .max) == .thermistorShorted)
    #expect(problem(1_650_000) == nil)
    #expect(Thermistor(nominalOhms: 99, betaKelvin: 3_950, pullUpOhms: 10_000) == nil)
    #expect(Thermistor(nominalOhms: 10_000, betaKelvin: 999, pullUpOhms: 10_000) == nil)
    #expect(Thermistor(nominalOhms: 10_000, betaKelvin: 3_950, pullUpOhms: 0) == nil)
  }
}

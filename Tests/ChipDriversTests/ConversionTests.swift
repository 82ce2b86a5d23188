// SPDX-License-Identifier: Apache-2.0

import ChipDrivers
import Quantities
import TestSupport
import Testing

@Suite struct ConversionTests {
  @Test(arguments: [100, 1_000, 2_000, 10_000, 15_000, 100_000, 9_999_991] as [Int32])
  func ina226CurrentIsExactForEveryWord(microohms: Int32) throws {
    let largest = Int32(81_920_000_000 / Int64(microohms))
    let configuration = try INA226.Configuration(
      shunt: Shunt(
        resistance: .microohms(microohms), maximumCurrent: .microamperes(largest)))
    for word in UInt16.min...UInt16.max {
      let code = Int16(bitPattern: word)
      if word == 0x7FFF || word == 0x8000 {
        #expect(
          thrown { () throws(ChipError) in
            try INA226.current(word: word, configuration: configuration)
          } == .overflow(register: 0x01, positive: word == 0x7FFF))
        continue
      }
      let current = try INA226.current(word: word, configuration: configuration)
      // 2.5 µV per step: 2,500,000 pV; pV / µΩ = µA.
      let expected = nearestQuotient(Int128(code) * 2_500_000, Int128(microohms))
      guard Int128(current.microamperes) == expected else {
        Issue.record("word \(word): \(current.microamperes), expected \(expected)")
        return
      }
    }
  }

  @Test func ina226BusVoltageIsExactForEveryWord() throws {
    for word in UInt16.min...UInt16.max {
      switch Result(catching: { () throws(ChipError) in try INA226.busVoltage(word: word) }) {
      case .success(let voltage):
        #expect(voltage.microvolts == Int32(word) * 1_250 && word < 0x7FFF)
      case .failure(.overflow(register: 0x02, positive: true)): #expect(word == 0x7FFF)
      case .failure(let error):
        #expect(word >= 0x8000)
        #expect(error == .rawValueOutOfRange(register: 0x02, found: UInt32(word)))
      }
    }
  }

  @Test func ina226DatasheetVectors() throws {
    // 2446 steps of 1.25 mV are 3.0575 V; −4000 steps of 2.5 µV are −10 mV: −1 A over 10 mΩ.
    let configuration = try INA226.Configuration(
      shunt: Shunt(resistance: .microohms(10_000), maximumCurrent: .milliamperes(8_000)))
    #expect(try INA226.busVoltage(word: 2_446) == .microvolts(3_057_500))
    #expect(
      try INA226.current(word: 0xF060, configuration: configuration) == .milliamperes(-1_000))
  }

  @Test func ina228DieTemperatureIsExactForEveryWord() {
    for word in UInt16.min...UInt16.max {
      let expected = nearestQuotient(Int128(Int16(bitPattern: word)) * 78_125, 10_000)
      guard Int128(INA228.dieTemperature(word: word).millidegreesCelsius) == expected else {
        Issue.record("word \(word)")
        return
      }
    }
    #expect(INA228.dieTemperature(word: 3_200) == .degreesCelsius(25))
  }

  /// Every code of the 20, over both ranges and a shunt that divides badly.
  @Test(arguments: [(15_000, 10_000_000), (15_000, 2_700_000), (7_919, 20_000_000)])
  func ina228CurrentIsExactForEveryCode(microohms: Int32, microamperes: Int32) throws {
    let configuration = try INA228.Configuration(
      shunt: Shunt(
        resistance: .microohms(microohms), maximumCurrent: .microamperes(microamperes)))
    let isNarrow = Int64(microohms) * Int64(microamperes) <= 40_960_000_000
    #expect(configuration.shuntRange == (isNarrow ? .narrow : .wide))
    // The step in pV · 1000 (fV): 312.5 nV or 78.125 nV.
    let step: Int128 = isNarrow ? 78_125_000 : 312_500_000
    for code in Int32(-0x7FFFF)...0x7FFFE {
      let word = (UInt32(bitPattern: code) & 0xFFFFF) << 4
      let current = try INA228.current(word: word, configuration: configuration)
      let expected = nearestQuotient(Int128(code) * step, Int128(microohms) * 1_000)
      guard Int128(current.microamperes) == expected else {
        Issue.record("code \(code): \(current.microamperes), expected \(expected)")
        return
      }
    }
  }

  @Test func ina228CurrentEdges() throws {
    let shunt = Shunt(
      resistance: .microohms(15_000), maximumCurrent: .milliamperes(10_000),
      polarity: .dischargePositive)
    let configuration = try INA228.Configuration(shunt: shunt)
    func current(_ word: UInt32) throws(ChipError) -> Current {
      try INA228.current(word: word, configuration: configuration)
    }
    // The datasheet's negative example: B4100h is −97.2 mV. Over 15 mΩ −6.48 A, here reversed.
    #expect(try current(0xB41000) == .milliamperes(6_480))
    // Full scale is an overflow, told in the sign of the current, not of the pins.
    #expect(
      thrown { () throws(ChipError) in try current(0x7FFFF0) }
        == .overflow(register: 0x04, positive: false))
    #expect(
      thrown { () throws(ChipError) in try current(0x800000) }
        == .overflow(register: 0x04, positive: true))
    for corrupt: UInt32 in [0x000001, 0x000008, 0x0100_0000] {
      #expect(
        thrown { () throws(ChipError) in try current(corrupt) }
          == .rawValueOutOfRange(register: 0x04, found: corrupt))
    }
  }

  @Test func ina228BusVoltageIsExactForEveryCode() throws {
    for code in UInt32(0)..<0x7FFFF {
      let expected = nearestQuotient(Int128(code) * 1_953_125, 10_000)
      guard Int128(try INA228.busVoltage(word: code << 4).microvolts) == expected else {
        Issue.record("code \(code)")
        return
      }
    }
    // Datasheet table 8-4: 245760 is 48 V.
    #expect(try INA228.busVoltage(word: 245_760 << 4) == .millivolts(48_000))
    #expect(
      thrown { () throws(ChipError) in try INA228.busVoltage(word: 0x7FFFF0) }
        == .overflow(register: 0x05, positive: true))
    for corrupt: UInt32 in [0x800000, 0xFFFFF0, 0x000004] {
      #expect(
        thrown { () throws(ChipError) in try INA228.busVoltage(word: corrupt) }
          == .rawValueOutOfRange(register: 0x05, found: corrupt))
    }
  }

  @Test func tmp117TemperatureIsExactForEveryWord() {
    for word in UInt16.min...UInt16.max {
      let code = Int16(bitPattern: word)
      let degrees = Double(code) / 128
      switch Result(catching: { () throws(ChipError) in try TMP117.temperature(word: word) }) {
      case .success(let temperature):
        // A multiple of 1/128 is exact in Double, and so is its product with 1000.
        let expected = (degrees * 1_000).rounded(.toNearestOrAwayFromZero)
        #expect(Double(temperature.millidegreesCelsius) == expected && -55...150 ~= degrees)
      case .failure(.conversionNotReady): #expect(word == 0x8000)
      case .failure(let error):
        #expect(error == .rawValueOutOfRange(register: 0x00, found: UInt32(word)))
        #expect(word != 0x8000 && !(-55...150 ~= degrees))
      }
    }
  }

  /// Every word, every range, without and with a divider.
  @Test(
    arguments: [
      (.millivolts6144, 187_500_000), (.millivolts4096, 125_000_000),
      (.millivolts2048, 62_500_000), (.millivolts1024, 31_250_000),
      (.millivolts512, 15_625_000), (.millivolts256, 7_812_500),
    ] as [(ADS1115.Range, Int128)], [(0, 1), (10_000, 22_000), (99_999_991, 1_010_203)])
  func ads1115VoltageIsExactForEveryWord(
    step: (range: ADS1115.Range, picovolts: Int128), divider: (upper: Int32, lower: Int32)
  ) throws {
    let input = ADS1115.Input(
      multiplexer: .input0, range: step.range,
      divider: try #require(
        ADS1115.Divider(upperOhms: divider.upper, lowerOhms: divider.lower)))
    let scale = Int128(divider.upper) + Int128(divider.lower)
    for word in UInt16.min...UInt16.max where word != 0x7FFF && word != 0x8000 {
      let voltage = try ADS1115.voltage(word: word, input: input)
      let exact = Int128(Int16(bitPattern: word)) * step.picovolts * scale
      guard Int128(voltage.microvolts) == nearestQuotient(exact, 1_000_000 * Int128(divider.lower))
      else {
        Issue.record("word \(word)")
        return
      }
    }
    for word: UInt16 in [0x7FFF, 0x8000] {
      #expect(
        thrown { () throws(ChipError) in try ADS1115.voltage(word: word, input: input) }
          == .overflow(register: 0x00, positive: word == 0x7FFF))
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import Quantities
import TestSupport
import Testing

@testable import ChipDrivers

private let signed16: ClosedRange<Int128> = -32_768...32_767
private let word16: ClosedRange<Int128> = 0...65_535
private let shunts: ClosedRange<Int128> = 100...10_000_000
private let current: ClosedRange<Int128> = -2_147_483_648...2_147_483_647

private let widths = [
  Width("INA228 bus voltage", [[0...0x7_FFFE, just(3_125)]], over: just(16)),
  // Range 1 is ±40.96 mV in 4 times finer steps.
  Width("INA228 current, ±163.84 mV", [[-0x7_FFFF...0x7_FFFE, just(312_500)]], over: shunts),
  Width(
    "INA228 current, ±40.96 mV", [[-0x7_FFFF...0x7_FFFE, just(312_500)]], over: 400...40_000_000),
  Width("INA228 die temperature", [[signed16, just(125)]], over: just(16)),
  Width(
    "INA228 charge, upper 20 bits", [[-0x8_0000...0x7_FFFF, 0...32_767, just(9_765_625)]],
    over: 12_800...5_120_000_000, bits: 64),
  Width(
    "INA228 charge, lower 20 bits",
    [
      [0...5_120_000_000, just(1 << 20)], [0...0xF_FFFF, 0...32_767, just(9_765_625)],
      [0...5_120_000_000],
    ], over: 12_800...5_120_000_000, bits: 64),
  Width("INA226 bus voltage", [[0...32_767, just(1_250)]]),
  Width("INA226 current", [[signed16, just(2_500_000)]], over: shunts),
  Width("INA219 bus voltage", [[0...8_191, just(4_000)]]),
  Width("TMP117", [[-7_040...19_200, just(125)]], over: just(16)),
  Width("MAX17048 voltage", [[28_160...65_280, just(625)]], over: just(8)),
  Width("MAX17048 state of charge", [[word16, just(625)]], over: just(16)),
  Width("MAX17048 rate", [[signed16, just(2_080)]]),
  Width("MAX17055 voltage", [[word16, just(625)]], over: just(8)),
  Width("MAX17055 current", [[signed16, just(1_562_500)]], over: shunts),
  Width("MAX17055 charge", [[word16, just(18_000_000_000_000)]], over: shunts, bits: 64),
  Width("LTC2943 voltage", [[word16, just(70_800_000)]], over: just(65_535)),
  Width("LTC2943 temperature", [[word16, just(510_000)]], over: just(65_535)),
  Width("LTC2959 voltage", [[word16, just(62_600_000)]], over: just(65_536)),
  Width("LTC2959 temperature", [[word16, just(825_000)]], over: just(65_536)),
  Width("BQ76920 cell", [[0...16_383, 365...396], [-128...127, just(1_000)]]),
  Width(
    "BQ76920 stack", [[word16, just(4), 365...396], [3...5, -128...127, just(1_000)]]),
  Width("smart battery temperature", [[word16, just(100)], [just(273_150)]]),
  Width("smart battery state of charge", [[word16, just(10_000)]]),
  Width("thermistor, a product", [[100...1_000_000, 1...2_147_483_647]], bits: 64),
  Width("thermistor, ln", [[-(1 << 30)...(1 << 30), just(2_977_044_472)]], bits: 64),
  Width(
    "thermistor, T", [[just(298_150), 1_000...6_000, just(1_000), just(1 << 20)]],
    over: 1...(1 << 62), bits: 64),
  Width(
    "host integrator", [[just(2), current, 0...1_000_000_000], [0...1_999]], over: just(2_000),
    bits: 64),
  Width(
    "counted charge, the most believed",
    // The product is divided by 20 before it is multiplied by 21.
    [[0...107_374_182_400_000_000, just(21)], [just(2), 0...(1 << 61)]], bits: 64),
  Width("counted charge, a product", [[0...2_147_483_648, 0...1_000_000_000]], bits: 64),
  Width(
    "counted charge, the counts believed", [[0...(1 << 62)], [0...(1 << 32)]], over: 1...(1 << 32),
    bits: 64),
  Width(
    "clock correction", [[0...999_999, -15_000...15_000], [0...999_999]], over: just(1_000_000),
    bits: 64),
  Width(
    "clock correction, a window",
    [[just(2), current, 0...65_000_000]], over: just(2_000), bits: 64),
]

@Suite struct WidthTests {
  @Test(arguments: widths) func fits(_ width: Width) {
    #expect(width.sumFits, "\(width.largestSum)")
    #expect(width.quotientFits, "\(width.largestQuotient)")
  }

  /// A formula that does not fit is found: the check can fail.
  @Test func aPlantedFormulaIsTooWide() {
    let planted = Width("planted", [[current, current, just(4)]], bits: 64)
    #expect(!planted.sumFits)
  }
}

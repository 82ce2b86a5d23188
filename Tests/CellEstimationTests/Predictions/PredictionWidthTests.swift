// SPDX-License-Identifier: Apache-2.0

import Quantities
import TestSupport
import Testing

@testable import CellEstimation

private let one: Int128 = 1 << 40
private let int32: ClosedRange<Int128> = -(1 << 31)...(1 << 31) - 1
/// Of the tables over state of charge, −0.05 to 1.05, 40 fractional bits.
private let place: ClosedRange<Int128> = -54_975_581_389...1_154_487_209_165
/// The net current that `netCurrent` gives. Unit: C, 40 fractional bits.
private let net: ClosedRange<Int128> = -65_536 * one...65_536 * one
/// A table value of any 32 bits in millionths, as `TablePlace.between` gives it.
private let tabled: ClosedRange<Int128> = -2_148 * one...2_148 * one
/// The factors of temperature that these rows take a profile to have: at most 1,024.
private let factor: ClosedRange<Int128> = 0...(1 << 26)
/// The lag that these rows take a profile to have: up to 16 units of state of charge per C.
private let reach: ClosedRange<Int128> = -16...16

/// The plain sums and products of the predictions. Those over a voltage are not here: they saturate.
private let widths = [
  Width("a current in C, its product", [[int32, just(3_600_000)]], bits: 64),
  Width("the share that a temperature allows", [[just(1 << 32), just(1_000)]], bits: 64),
  Width(
    "the current that a temperature allows", [[int32, 0...1_000]], over: just(1_000), bits: 64),
  Width("two currents of a bisection", [[int32], [int32]], over: just(2), bits: 64),
  Width("a time in µs", [[1...60, just(1_000_000)]], bits: 64),
  Width("a time constant in µs", [[int32, just(1_000)]], bits: 64),
  Width("the rest of a relaxation", [[just(2), just(one)]], bits: 64),
  Width(
    "between two table values", [[int32, just(1 << 24)], [just(1 << 32), 0...(1 << 24)]], bits: 64),
  Width(
    "a temperature factor", [[int32, just(1 << 24)], [factor, 0...4_999, just(1 << 24)]], bits: 64),
  Width("a current factor", [[int32, just(1 << 24)], [just(1 << 32), 0...0xFF_FFFF]], bits: 64),
  Width("the place in the current factors", [[net], [just(8 << 24)]], bits: 64),
  // ±65 K of the curve's own temperature.
  Width("an open-circuit voltage", [[tabled], [tabled, just(65)]], bits: 64),
  Width("a rise of the curve", [[just(2), tabled], [just(2), tabled, just(65)]], bits: 64),
  // The way of a minute at the largest inverse capacity, 4, rounded up to 2^13 C · h.
  Width(
    "a secant about the place", [[place], [just(1 << 13), just(one)], [just(one >> 6)]], bits: 64),
  Width("a lag between two places", [[just(2), place], [just(2), reach, net]], bits: 64),
  Width("a way between two places", [[place], [place]], bits: 64),
  Width("two places of a bisection", [[place], [place]], over: just(2), bits: 64),
  Width(
    "the middle of a sixteenth of the tail", [[place], [just(2), place, 0...15], [place]],
    over: just(1), bits: 64),
  Width("sixteen times", [[just(16), int32]], bits: 64),
  Width("two times", [[int32], [int32]], bits: 64),
  Width("1.645 deviations, the factor", [[just(1_645), int32]], bits: 64),
  // The root of the largest variance, moved by 14 bits.
  Width("a deviation", [[0...3_037_000_499, just(1 << 14)]], bits: 64),
  Width(
    "1.96 deviations, either side", [[-1...1, 0...3_037_000_500, just(1 << 14), just(2)]], bits: 64),
]

@Suite struct PredictionWidthTests {
  @Test(arguments: widths) func fits(_ width: Width) {
    #expect(width.sumFits, "\(width.largestSum)")
    #expect(width.quotientFits, "\(width.largestQuotient)")
  }

  /// The rows' own bounds are the code's.
  @Test func theIntervalsAreTheCodes() {
    #expect(place == Int128(TablePlace.lowest)...Int128(TablePlace.highest))
    #expect(one == Int128(Format.one))
    var arithmetic = SaturatingArithmetic()
    for nanocoulombs: Int64 in [.min, 0, 1, 3_600_000, .max] {
      var profile = CellProfile.sample()
      profile.ratedCapacity = .nanocoulombs(nanocoulombs)
      let cell = StateEstimator(profile: profile, stateOfCharge: .partsPerMillion(500_000))
      for microamperes: Int32 in [.min, -1, 0, 1, .max] {
        let found = Int128(cell.netCurrent(.microamperes(microamperes), &arithmetic))
        #expect(net.contains(found), "\(microamperes) µA from \(nanocoulombs) nC")
      }
    }
    for value: Int32 in [.min, .max] {
      for fraction: Int64 in [0, 1 << 23, 1 << 24] {
        let found = Int128(TablePlace.between(value, value, fraction, &arithmetic))
        #expect(tabled.contains(found), "\(value)")
      }
    }
    #expect(IntegerMath.squareRoot(UInt64(Int64.max)) == 3_037_000_499)
  }

  /// Tables at the ends of what the rows take them to be, capacities of a nanocoulomb and of half a
  /// million ampere-hours, every corner of the arguments: an answer in order, and no trap.
  @Test(arguments: [Int32.min, -1, 0, 1, .max], [Int64(1), 3_600_000, 5_400_000_000_000, .max])
  func everyCornerIsAnswered(table: Int32, nanocoulombs: Int64) {
    var profile = CellProfile.sample()
    profile.ratedCapacity = .nanocoulombs(nanocoulombs)
    for index in profile.series.indices {
      profile.series[index] = table
      profile.fast[index] = table
      profile.slow[index] = table
      profile.hysteresis[index] = table
      profile.displacement[index] = min(max(table, -1_000_000), 1_000_000)
    }
    for index in profile.seriesTemperatureFactor.indices {
      profile.seriesTemperatureFactor[index] = index % 2 == 0 ? 0 : 1 << 26
      profile.relaxationTemperatureFactor[index] = index % 2 == 0 ? 1 << 26 : 0
    }
    profile.tuning.chargeInterval = .max
    let currents: [Int32] = [.min, -1_000_000, -1, 0, 1, 1_000_000, .max]
    for place: Int32 in [-50_000, 0, 500_000, 1_050_000] {
      let cell = StateEstimator(
        profile: profile, stateOfCharge: .partsPerMillion(place), deviation: .max)
      for current in currents {
        let empty = cell.timeToEmpty(at: .microamperes(current))
        for range in [empty]
          + currents.map({
            cell.timeToFull(at: .microamperes(current), until: .microamperes($0))
          })
        {
          guard let range else { continue }
          #expect(0 <= range.soonest && range.soonest <= range.likely, "\(current) µA")
          #expect(range.likely <= range.latest, "\(current) µA")
        }
        for seconds: Int32 in [1, 60] {
          for charging in [false, true] {
            let limit = cell.limit(charging: charging, over: seconds, Self.bounds(current))
            let most = max(current, 0)
            let found = limit.current.microamperes
            #expect(charging ? 0...most ~= found : -most...0 ~= found, "\(found) µA")
          }
        }
      }
    }
  }

  private static func bounds(_ most: Int32) -> LoadBounds {
    LoadBounds(
      lowestVoltage: .millivolts(2_000), highestVoltage: .millivolts(4_200),
      greatestCharge: .microamperes(most), greatestDischarge: .microamperes(most),
      coldestCharge: .degreesCelsius(-20), hottestCharge: .degreesCelsius(60),
      coldestDischarge: .degreesCelsius(-20), hottestDischarge: .degreesCelsius(60))
  }
}

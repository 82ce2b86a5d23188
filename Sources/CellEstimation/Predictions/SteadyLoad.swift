// SPDX-License-Identifier: Apache-2.0

import Quantities

/// The circuit's terminal voltage under loads that have not happened yet.
extension StateEstimator {
  /// A current in C as its net value, without what the reading is too high by; 40 fractional bits.
  ///
  /// Within ±65,536 C, which is 2 kA from 33 mAh: no cell has more, and every sum over it then fits.
  @_addressableSelf
  func netCurrent(_ current: Current, _ arithmetic: inout SaturatingArithmetic) -> Int64 {
    let c = arithmetic.multiply(
      Int64(current.microamperes) * 3_600_000, Format.one,
      dividedBy: max(profile.ratedCapacity.nanocoulombs, 1))
    let net = arithmetic.subtract(c, filter.x[State.currentOffset])
    return min(max(net, -65_536 * Format.one), 65_536 * Format.one)
  }

  /// What the circuit's elements are at a place of the curve and a current; 40 fractional bits.
  struct Elements {
    /// The series overpotential per C times the present resistance ratio. Unit: V per C.
    var series: Int64
    /// The relaxations' overpotentials. Unit: V per C.
    var fast: Int64
    var slow: Int64
    /// Half the hysteresis gap. Unit: V.
    var hysteresis: Int64
    /// The shift of the curve by the slow current. Unit: share per C.
    var reach: Int64
  }

  /// The elements at a state of charge and a net current in C, at the last temperature.
  @_addressableSelf
  func elements(
    _ place: Int64, _ current: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Elements {
    let at = TablePlace(place, &arithmetic)
    let relaxation = CellProfile.temperatureFactor(
      profile.relaxationTemperatureFactor, lastTemperature)
    let series = arithmetic.times(
      arithmetic.times(
        profile.coarse(profile.series, at, &arithmetic),
        CellProfile.temperatureFactor(profile.seriesTemperatureFactor, lastTemperature)),
      profile.currentFactor(current))
    return Elements(
      series: arithmetic.times(series, filter.x[State.resistance]),
      fast: arithmetic.times(profile.coarse(profile.fast, at, &arithmetic), relaxation),
      slow: arithmetic.times(profile.coarse(profile.slow, at, &arithmetic), relaxation),
      hysteresis: profile.coarse(profile.hysteresis, at, &arithmetic),
      reach: profile.lagReach(place, lastTemperature, &arithmetic))
  }

  /// The terminal voltage at a state of charge once everything has relaxed to a net current in C.
  @_addressableSelf
  func steadyVoltage(
    _ place: Int64, _ current: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let part = elements(place, current, &arithmetic)
    let displaced = arithmetic.add(place, arithmetic.times(part.reach, current))
    var voltage = profile.openCircuitVoltage(displaced, lastTemperature, &arithmetic)
    let relaxed = arithmetic.add(part.series, arithmetic.add(part.fast, part.slow))
    voltage = arithmetic.add(voltage, arithmetic.times(relaxed, current))
    let half = current > 0 ? part.hysteresis : (current < 0 ? 0 - part.hysteresis : 0)
    return arithmetic.add(voltage, half)
  }

  /// The state of charge at which the steady terminal voltage is `voltage`; an end of the tables where
  /// it never is. 30 bisections.
  @_addressableSelf
  func place(
    ofSteadyVoltage voltage: Int64, _ current: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    var low = TablePlace.lowest
    var high = TablePlace.highest
    for _ in 0..<30 {
      let middle = (low + high) >> 1
      if steadyVoltage(middle, current, &arithmetic) < voltage {
        low = middle
      } else {
        high = middle
      }
    }
    return (low + high) >> 1
  }
}

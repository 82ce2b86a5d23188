// SPDX-License-Identifier: Apache-2.0

import Quantities

/// A place in the tables over state of charge: −5 % to 105 % in 256 steps.
struct TablePlace {
  let index: Int
  /// How far into the step. Unit: 2^-24.
  let fraction: Int64

  static let lowest: Int64 = -54_975_581_389  // −0.05, 40 fractional bits
  static let highest: Int64 = 1_154_487_209_165  // 1.05

  /// The place of a state of charge with 40 fractional bits; outside the tables it is their end.
  init(_ stateOfCharge: Int64, _ arithmetic: inout SaturatingArithmetic) {
    let inside = min(max(stateOfCharge, TablePlace.lowest), TablePlace.highest)
    // 256 / 1.1 steps per unit, so 40 fractional bits become 24.
    let position = arithmetic.multiply(
      inside - TablePlace.lowest, 256 << 24, dividedBy: 1_209_462_790_554)
    let whole = position >> 24
    index = whole >= 256 ? 255 : Int(truncatingIfNeeded: whole)
    fraction = whole >= 256 ? 1 << 24 : position & 0xFF_FFFF
  }

  /// Linear between two table values in millionths; the result has 40 fractional bits.
  @inline(__always)
  static func between(
    _ low: Int32, _ high: Int32, _ fraction: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let fine = (Int64(low) << 24) + (Int64(high) - Int64(low)) * fraction
    return arithmetic.multiply(fine, 1_152_921_504_607, shift: 44)
  }
}

extension CellProfile {
  /// The open-circuit voltage at 25 °C; state of charge and result with 40 fractional bits.
  @_addressableSelf
  func openCircuitVoltage(
    _ stateOfCharge: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    openCircuitVoltage(TablePlace(stateOfCharge, &arithmetic), &arithmetic)
  }

  @inline(__always)
  @_addressableSelf
  private func openCircuitVoltage(
    _ place: TablePlace, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    // A span, because indexing the array itself copies the whole table.
    let table = openCircuit.span
    return TablePlace.between(
      table[place.index], table[place.index + 1], place.fraction, &arithmetic)
  }

  /// The open-circuit voltage at a temperature; state of charge and result with 40 fractional bits.
  @_addressableSelf
  func openCircuitVoltage(
    _ stateOfCharge: Int64, _ temperature: Temperature, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let place = TablePlace(stateOfCharge, &arithmetic)
    let warmer =
      Int64(min(max(temperature.millidegreesCelsius, -40_000), 80_000)) - 25_000
    let shift = arithmetic.multiply(
      coarse(openCircuitPerKelvin, place, &arithmetic), warmer, dividedBy: 1_000)
    return openCircuitVoltage(place, &arithmetic) + shift
  }

  /// The slope of the open-circuit voltage as the secant over ±1/64, at most 20 V per unit.
  ///
  /// The raw table's slope would be noise; beyond 20 V a variance could leave its format.
  @_addressableSelf
  func openCircuitSlope(
    _ stateOfCharge: Int64, _ temperature: Temperature, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    openCircuit(stateOfCharge, slow: 0, temperature, &arithmetic).slope
  }

  /// The open-circuit curve under the slow relaxation's lag; 40 fractional bits.
  struct OpenCircuit {
    /// Unit: V.
    var voltage: Int64
    /// What the state of charge adds. Unit: V per unit, 0 to 20.
    var slope: Int64
    /// What the slow current adds. Unit: V per C.
    var perSlowC: Int64
    /// The state of charge of the material that follows at once.
    var displaced: Int64
  }

  /// The curve at a state of charge, with the slow relaxation at a current in C.
  ///
  /// Slopes are secants over ±1/64 of the state of charge, in which the lag's own change along the
  /// curve has its part.
  @_addressableSelf
  func openCircuit(
    _ stateOfCharge: Int64, slow: Int64, _ temperature: Temperature,
    _ arithmetic: inout SaturatingArithmetic
  ) -> OpenCircuit {
    let factor = CellProfile.temperatureFactor(displacementTemperatureFactor, temperature)
    let reach = lagReach(stateOfCharge, factor, &arithmetic)
    let displaced = arithmetic.add(stateOfCharge, arithmetic.times(reach, slow))
    let step = Format.one >> 6
    let low = max(stateOfCharge - step, TablePlace.lowest)
    let high = min(stateOfCharge + step, TablePlace.highest)
    let below = arithmetic.add(
      low, arithmetic.times(lagReach(low, factor, &arithmetic), slow))
    let above = arithmetic.add(
      high, arithmetic.times(lagReach(high, factor, &arithmetic), slow))
    let rise = max(
      openCircuitVoltage(above, temperature, &arithmetic)
        - openCircuitVoltage(below, temperature, &arithmetic), 0)
    // Where lags fold the curve together its slope would have no end.
    let least = step >> 2
    let slope = min(arithmetic.ratio(rise, max(high - low, least)), 20 * Format.one)
    let local = min(arithmetic.ratio(rise, max(above - below, least)), 20 * Format.one)
    return OpenCircuit(
      voltage: openCircuitVoltage(displaced, temperature, &arithmetic), slope: slope,
      perSlowC: arithmetic.times(reach, local), displaced: displaced)
  }

  /// How far the slow relaxation puts the electrodes ahead, per C; 40 fractional bits.
  @_addressableSelf
  func lagReach(
    _ stateOfCharge: Int64, _ temperature: Temperature, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    lagReach(
      stateOfCharge,
      CellProfile.temperatureFactor(displacementTemperatureFactor, temperature), &arithmetic)
  }

  @inline(__always)
  @_addressableSelf
  private func lagReach(
    _ stateOfCharge: Int64, _ factor: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    arithmetic.times(
      coarse(displacement, TablePlace(stateOfCharge, &arithmetic), &arithmetic), factor)
  }

  /// The value of one of the coarse tables at a place, with 40 fractional bits.
  @inline(__always)
  func coarse(
    _ table: borrowing @_addressable InlineArray<65, Int32>, _ place: TablePlace,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let index = place.index >> 2
    let fraction = (Int64(place.index & 3) << 22) + (place.fraction >> 2)
    return TablePlace.between(table[index], table[index + 1], fraction, &arithmetic)
  }

  /// The state of charge whose open-circuit voltage is `voltage`, by bisection; 40 fractional bits.
  ///
  /// The curve must not fall; where it is flat, the middle of the bisection's last step is returned.
  @_addressableSelf
  func stateOfCharge(
    atOpenCircuit voltage: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    var low = TablePlace.lowest
    var high = TablePlace.highest
    for _ in 0..<30 {
      let middle = (low + high) >> 1
      if openCircuitVoltage(middle, &arithmetic) < voltage { low = middle } else { high = middle }
    }
    return (low + high) >> 1
  }

  /// A temperature factor between its points, with 40 fractional bits; constant outside −40…80 °C.
  static func temperatureFactor(
    _ table: borrowing @_addressable InlineArray<25, Int32>, _ temperature: Temperature
  ) -> Int64 {
    let above = Int64(min(max(temperature.millidegreesCelsius, -40_000), 79_999)) + 40_000
    let index = Int(truncatingIfNeeded: above / 5_000)
    let low = Int64(table[index])
    let high = Int64(table[index + 1])
    return ((low << 24) + ((high - low) * (above % 5_000) << 24) / 5_000)
  }

  /// The factor of the series overpotential at a current in C with 40 fractional bits.
  @_addressableSelf
  func currentFactor(_ current: Int64) -> Int64 {
    let magnitude = Int64(current.magnitude)
    // Eighths of 1C up to 1C, then whole ones; 24 fractional bits.
    let place =
      magnitude < Format.one
      ? magnitude >> 13 : min((8 << 24) + (magnitude - Format.one) >> 16, (16 << 24) - 1)
    let index = Int(truncatingIfNeeded: place >> 24)
    let low = Int64(seriesCurrentFactor[index])
    let high = Int64(seriesCurrentFactor[index + 1])
    return (low << 24) + (high - low) * (place & 0xFF_FFFF)
  }
}

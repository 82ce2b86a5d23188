// SPDX-License-Identifier: Apache-2.0

/// What the chip computes from its codes.
///
/// The chip divides by SHUNT_CAL: CURRENT = VSHUNT · 4096 / SHUNT_CAL. Power and the accumulators
/// follow from the unrounded quotient, which reproduces the worked example of the INA229 datasheet
/// (table 8-4: CHARGE 1 132 462 080, not 3600 times the printed CURRENT); rounding is toward zero.
/// Unverified on silicon.
extension INA228State {
  /// How far a 20-bit code and the 24-bit power reach.
  private static let highestCurrent: Int64 = 524_287
  private static let highestPower: Int128 = 0xFF_FFFF

  /// Temperature compensation scales the shunt by `numerator / unit`:
  /// R · (1 + (T − 25 °C) · SHUNT_TEMPCO · 1e-6), with DIETEMP in 1/128 °C. Unverified: from memory.
  private var shuntScale: (numerator: Int64, unit: Int64) {
    guard compensatesTemperature else { return (1, 1) }
    let scale = 128_000_000 + (dieCode - 3200) * Int64(temperatureCoefficient)
    // A coefficient that would turn the shunt negative is held at a hundredth of it.
    return (max(scale, 1_280_000), 128_000_000)
  }

  /// Computes CURRENT and POWER from the averaged codes.
  mutating func computeCurrentAndPower() {
    flags &= ~INA228Flag.mathOverflow
    guard shuntCalibration != 0 else {
      currentCode = 0
      powerCode = 0
      return
    }
    let scale = shuntScale
    let divisor = Int64(shuntCalibration) * scale.numerator
    let current = shuntCode * 4096 * scale.unit / divisor
    // 195.3125 µV / 3.2 = 2^-14, and 4096 / 2^14 = 1/4.
    let power = WideArithmetic.divide(
      Int128(abs(shuntCode) * busCode) * Int128(scale.unit), by: 4 * Int128(divisor)
    ).quotient
    currentCode = min(max(current, -Self.highestCurrent - 1), Self.highestCurrent)
    powerCode = Int64(min(power, Self.highestPower))
    if current != currentCode || power > Self.highestPower { flags |= INA228Flag.mathOverflow }
  }

  /// Adds conversion cycles to ENERGY and CHARGE in continuous modes; averaging plays no part in it.
  ///
  /// The chip takes its own cycle time for true, so the oscillator's error is in the counts.
  mutating func accumulate(_ sums: INA228Sums) {
    guard isContinuous, convertsShunt, shuntCalibration != 0 else { return }
    let time = Int128(cycleTime)
    let calibration = Int128(shuntCalibration)
    let charge: Int64
    let energy: Int64
    // In counts per code and µs, CHARGE takes 4096 / 1e6 and ENERGY 1 / (4 · 16 · 1e6), both over
    // SHUNT_CAL; the fractions are reduced to keep the products small.
    if compensatesTemperature {
      let divisor = calibration * Int128(shuntScale.numerator)
      charge = chargeFraction.add(Int128(sums.shuntCodes) * time * 524_288, over: divisor)
      energy = energyFraction.add(sums.products * time * 2, over: divisor)
    } else {
      charge = chargeFraction.add(
        Int128(sums.shuntCodes) * time * 64, over: calibration * 15625)
      energy = energyFraction.add(sums.products * time, over: calibration * 64_000_000)
    }
    addCharge(charge)
    addEnergy(energy)
  }

  /// CHARGE is a signed 40-bit number and wraps.
  private mutating func addCharge(_ counts: Int64) {
    let sum = charge + counts
    let wrapped = (sum << 24) >> 24
    if wrapped != sum { flags |= INA228Flag.chargeOverflow }
    charge = wrapped
  }

  /// ENERGY is an unsigned 40-bit number and wraps.
  private mutating func addEnergy(_ counts: Int64) {
    let sum = energy + UInt64(counts)
    if sum >> 40 != 0 { flags |= INA228Flag.energyOverflow }
    energy = sum & 0xFF_FFFF_FFFF
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The converter: averaging windows, results, computed registers.
extension INA226State {
  /// Lets time pass with constant inputs; see `INA226Emulator`.
  mutating func advance(
    to end: Int64, isPowered: Bool, errors: INA226Errors, _ shuntVolts: Double,
    _ busVolts: Double, _ dieCelsius: Double
  ) {
    clock.requireNotPast(end)
    guard isPowered, isConverting else {
      clock.idle(to: end)
      return
    }
    let shunt = AnalogInput(
      level: errors.shunt.apply(to: shuntVolts, celsius: dieCelsius) * 400_000,
      noise: errors.noiseScale * INA226Errors.noise[shuntTime], low: -32768, high: 32767)
    let bus = AnalogInput(
      level: errors.bus.apply(to: busVolts, celsius: dieCelsius) * 800,
      noise: errors.noiseScale * INA226Errors.noise[busTime], low: 0, high: 32767)
    let period = period
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let cycles = clock.cycles(to: stop, period: period)
      if cycles > 0, isConverting { complete(cycles, shunt: shunt, bus: bus) }
    }
  }

  /// Completes `count` conversion cycles with the inputs held constant.
  ///
  /// Windows before the last full one are overwritten before anyone can read them, and are skipped.
  private mutating func complete(_ count: Int64, shunt: AnalogInput, bus: AnalogInput) {
    let average = average
    let toWindowEnd = average - windowFill
    var left = isContinuous ? count : min(count, toWindowEnd)
    if left < toWindowEnd {
      convert(left, shunt, bus)
      return
    }
    let laterWindows = (left - toWindowEnd) / average
    if laterWindows > 0 {
      left -= toWindowEnd + (laterWindows - 1) * average
      windowFill = 0
      shuntSum = 0
      busSum = 0
    }
    let toEnd = average - windowFill
    convert(toEnd, shunt, bus)
    finishWindow(shunt, bus)
    if !isContinuous { isConverting = false }
    if left > toEnd { convert(left - toEnd, shunt, bus) }
  }

  /// The sum of many noisy conversions is one normal draw: exact in distribution.
  private mutating func convert(_ count: Int64, _ shunt: AnalogInput, _ bus: AnalogInput) {
    windowFill += count
    shuntSum += shunt.sum(count, &random)
    busSum += bus.sum(count, &random)
  }

  private mutating func finishWindow(_ shunt: AnalogInput, _ bus: AnalogInput) {
    let n = Double(windowFill)
    if convertsShunt { shuntCode = shunt.code(of: shuntSum / n) }
    if convertsBus { busCode = bus.code(of: busSum / n) }
    windowFill = 0
    shuntSum = 0
    busSum = 0
    computeCurrentAndPower()
    conversionReady = true
    compare()
    updateAlert()
  }

  /// CURRENT = SHUNT · CAL / 2048 and POWER = |CURRENT| · BUS / 20000, rounded toward zero and held
  /// at full scale on overflow (both unverified: the datasheet leaves them open).
  private mutating func computeCurrentAndPower() {
    let current = shuntCode * Int64(calibration) / 2048
    currentCode = min(max(current, -32768), 32767)
    let power = abs(currentCode) * busCode / 20000
    powerCode = min(power, 65535)
    mathOverflow = current != currentCode || power != powerCode
  }
}

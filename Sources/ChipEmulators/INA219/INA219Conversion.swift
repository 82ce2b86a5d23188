// SPDX-License-Identifier: Apache-2.0

/// The converter: results and computed registers.
extension INA219State {
  /// Lets time pass with constant inputs; see `INA219Emulator`.
  mutating func advance(
    to end: Int64, isPowered: Bool, errors: INA219Errors, _ shuntVolts: Double,
    _ busVolts: Double, _ dieCelsius: Double
  ) {
    clock.requireNotPast(end)
    guard isPowered, isConverting else {
      clock.idle(to: end)
      return
    }
    let shunt = AnalogInput(
      level: errors.shunt.apply(to: shuntVolts, celsius: dieCelsius) * 100_000,
      noise: errors.noiseScale * INA219Errors.noise(samples: Self.samples(setting: shuntSetting)),
      low: -shuntFullScale, high: shuntFullScale)
    let bus = AnalogInput(
      level: errors.bus.apply(to: busVolts, celsius: dieCelsius) * 250,
      noise: errors.noiseScale * INA219Errors.noise(samples: Self.samples(setting: busSetting)),
      low: 0, high: busFullScale)
    let period = period
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let cycles = clock.cycles(to: stop, period: period)
      if cycles > 0, isConverting { finish(shunt: shunt, bus: bus) }
    }
  }

  private mutating func finish(shunt: AnalogInput, bus: AnalogInput) {
    if convertsShunt { shuntCode = convert(shunt, step: Self.step(setting: shuntSetting)) }
    if convertsBus { busCode = convert(bus, step: Self.step(setting: busSetting)) }
    if !isContinuous { isConverting = false }
    computeCurrentAndPower()
    conversionReady = true
  }

  private mutating func convert(_ input: AnalogInput, step: Int64) -> Int64 {
    // Toward zero in steps of the resolution, so that a clipped input stays in its range.
    input.code(of: input.sample(&random)) / step * step
  }

  /// CURRENT = SHUNT · CAL / 4096 and POWER = |CURRENT| · BUS / 5000, rounded toward zero and held at
  /// full scale on overflow (unverified: the datasheet leaves both open).
  mutating func computeCurrentAndPower() {
    let current = shuntCode * Int64(calibration) / 4_096
    currentCode = min(max(current, -32_768), 32_767)
    let power = abs(currentCode) * busCode / 5_000
    powerCode = min(power, 65_535)
    mathOverflow = current != currentCode || power != powerCode
  }
}

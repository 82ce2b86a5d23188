// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// The three inputs of an interval.
struct INA228Inputs {
  let shunt: AnalogInput
  let bus: AnalogInput
  let die: AnalogInput
}

/// The converter: cycles, averaging windows, results.
extension INA228State {
  /// Full scale: 19 bits and a sign; the bus never reads below zero.
  private static let highestCode = 524_287.0

  /// Lets time pass with constant inputs; see `INA228Emulator`.
  mutating func advance(
    to end: Int64, isPowered: Bool, errors: INA228Errors, individually: Int64,
    _ shuntVolts: Double, _ busVolts: Double, _ dieCelsius: Double
  ) {
    clock.requireNotPast(end)
    guard isPowered, isConverting else {
      clock.idle(to: end)
      return
    }
    let inputs = inputs(errors, shuntVolts, busVolts, dieCelsius)
    let period = cycleTime * 1_000_000
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let cycles = clock.cycles(to: stop, period: period)
      if cycles > 0, isConverting { complete(cycles, inputs, individually: individually) }
    }
  }

  private func inputs(
    _ errors: INA228Errors, _ shunt: Double, _ bus: Double, _ die: Double
  ) -> INA228Inputs {
    let scale = errors.noiseScale
    // The narrow range has the same noise in volts (unverified), so four times the codes.
    let steps = hasNarrowRange ? 4.0 : 1.0
    let shuntLevel = errors.shunt.apply(to: shunt, celsius: die) * (steps * 3_200_000)
    let busLevel = errors.bus.apply(to: bus, celsius: die) * 5120
    // An input that is not converted keeps its last code, for POWER and ENERGY.
    return INA228Inputs(
      shunt: AnalogInput(
        level: convertsShunt ? shuntLevel : Double(shuntCode),
        noise: convertsShunt ? scale * steps * INA228Errors.noise[shuntTime] : 0,
        low: -Self.highestCode - 1, high: Self.highestCode),
      bus: AnalogInput(
        level: convertsBus ? busLevel : Double(busCode),
        noise: convertsBus ? scale * INA228Errors.noise[busTime] : 0,
        low: 0, high: Self.highestCode),
      // One code of noise in a conversion is assumed; the datasheet gives none.
      die: AnalogInput(
        level: errors.die.apply(to: die, celsius: die) * 128,
        noise: convertsDie ? scale : 0, low: -32768, high: 32767))
  }

  /// Completes `count` conversion cycles with the inputs held constant.
  private mutating func complete(
    _ count: Int64, _ inputs: INA228Inputs, individually: Int64
  ) {
    let toWindowEnd = average - windowFill
    guard compensatesTemperature, isContinuous, count > toWindowEnd else {
      completeWindows(count, inputs, individually: individually)
      return
    }
    // The first result moves the compensation of all that follows.
    completeWindows(toWindowEnd, inputs, individually: individually)
    completeWindows(count - toWindowEnd, inputs, individually: individually)
  }

  private mutating func completeWindows(
    _ count: Int64, _ inputs: INA228Inputs, individually: Int64
  ) {
    let average = average
    let toWindowEnd = average - windowFill
    var left = isContinuous ? count : min(count, toWindowEnd)
    if left < toWindowEnd {
      accumulate(convert(left, inputs, individually))
      return
    }
    var sums = INA228Sums()
    let laterWindows = (left - toWindowEnd) / average
    if laterWindows > 0 {
      // The averages before the last one are overwritten before anyone can read them.
      let unseen = toWindowEnd + (laterWindows - 1) * average
      sums.add(convert(unseen, inputs, individually, isSeen: false))
      clearWindow()
      windowFill = 0
      left -= unseen
    }
    let toEnd = average - windowFill
    sums.add(convert(toEnd, inputs, individually))
    accumulate(sums)
    finishWindow(inputs, windows: laterWindows + 1)
    if !isContinuous { isConverting = false }
    if left > toEnd { accumulate(convert(left - toEnd, inputs, individually)) }
  }

  /// Converts `count` cycles inside one window, or windows nobody sees.
  private mutating func convert(
    _ count: Int64, _ inputs: INA228Inputs, _ individually: Int64, isSeen: Bool = true
  ) -> INA228Sums {
    let sums: INA228Sums
    if count <= individually || !inputs.shunt.canBeSummed || !inputs.bus.canBeSummed {
      sums = eachCycle(count, inputs)
    } else {
      sums = allCycles(count, inputs)
    }
    if isSeen { dieSum += inputs.die.sum(count, &random) }
    windowFill += count
    if !alertIsSlow {
      // Of many cycles at constant input only their mean is compared.
      compare(
        shunt: sums.shuntCodes / count,
        bus: sums.busCodes / count,
        die: convertsDie ? inputs.die.code(of: inputs.die.level) : dieCode)
    }
    return sums
  }

  private mutating func eachCycle(_ count: Int64, _ inputs: INA228Inputs) -> INA228Sums {
    var sums = INA228Sums()
    for _ in 0..<count {
      let shunt = inputs.shunt.sample(&random)
      let bus = inputs.bus.sample(&random)
      let shuntCode = inputs.shunt.code(of: shunt)
      let busCode = inputs.bus.code(of: bus)
      sums.shuntCodes += shuntCode
      sums.busCodes += busCode
      sums.products += Int128(abs(shuntCode) * busCode)
      shuntSum += shunt
      busSum += bus
    }
    return sums
  }

  private mutating func allCycles(_ count: Int64, _ inputs: INA228Inputs) -> INA228Sums {
    var sums = INA228Sums()
    let shunt = inputs.shunt.sum(count, &random)
    let bus = inputs.bus.sum(count, &random)
    sums.shuntCodes = inputs.shunt.codes(ofSum: shunt, count: count, &random)
    sums.busCodes = inputs.bus.codes(ofSum: bus, count: count, &random)
    shuntSum += shunt
    busSum += bus
    sums.products = products(sums, count, inputs)
    return sums
  }

  /// The sum of |shunt|·bus over `count` cycles.
  ///
  /// Exact without noise; else the product of the sums, since the noises are independent and their
  /// product is far below one of them. Near zero current the magnitude folds the noise, as in the
  /// chip, so the folded mean takes the place of the mean.
  private mutating func products(
    _ sums: INA228Sums, _ count: Int64, _ inputs: INA228Inputs
  ) -> Int128 {
    let n = Double(count)
    let busMean = Double(sums.busCodes) / n
    let noise = (inputs.shunt.noise * inputs.shunt.noise + 1.0 / 12).squareRoot()
    if inputs.shunt.noise > 0, inputs.shunt.level.magnitude < 6 * noise {
      let mean = Self.foldedMean(inputs.shunt.level, noise: noise)
      let variance = inputs.shunt.level * inputs.shunt.level + noise * noise - mean * mean
      let sum = n * mean + (n * max(variance, 0)).squareRoot() * random.gaussian()
      return WideArithmetic.whole(max(sum, 0) * busMean)
    }
    if inputs.shunt.noise == 0, inputs.bus.noise == 0 {
      let code = inputs.shunt.code(of: inputs.shunt.level)
      return Int128(abs(code)) * Int128(sums.busCodes)
    }
    return WideArithmetic.whole(Double(abs(sums.shuntCodes)) * busMean)
  }

  /// The mean magnitude of a normal number; the tanh form of its distribution is good to 3e-4.
  private static func foldedMean(_ mean: Double, noise: Double) -> Double {
    let x = mean / noise
    let spread = 0.7978845608028654 * DeterministicMath.exp(-0.5 * x * x)
    let sign = DeterministicMath.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))
    return noise * (spread + x * sign)
  }

  /// Moves the averages to the result registers.
  private mutating func finishWindow(_ inputs: INA228Inputs, windows: Int64) {
    let n = Double(windowFill)
    if convertsShunt { shuntCode = inputs.shunt.code(of: shuntSum / n) }
    if convertsBus { busCode = inputs.bus.code(of: busSum / n) }
    if convertsDie { dieCode = inputs.die.code(of: dieSum / n) }
    windowFill = 0
    clearWindow()
    if convertsShunt || convertsBus { computeCurrentAndPower() }
    comparePower()
    if alertIsSlow { compare(shunt: shuntCode, bus: busCode, die: dieCode) }
    markReady(windows: windows)
  }
}

/// Sums of codes over some cycles.
struct INA228Sums {
  var shuntCodes: Int64 = 0
  var busCodes: Int64 = 0
  /// Of magnitude of shunt times bus.
  var products: Int128 = 0

  mutating func add(_ other: INA228Sums) {
    shuntCodes += other.shuntCodes
    busCodes += other.busCodes
    products += other.products
  }
}

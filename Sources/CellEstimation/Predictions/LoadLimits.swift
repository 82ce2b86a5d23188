// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// What a cell may be asked for: voltages, currents and temperatures that a load must keep.
public struct LoadBounds: Equatable, Sendable {
  /// The terminal voltage that a discharge must not fall below.
  public var lowestVoltage: Voltage
  /// The terminal voltage that a charge must not rise above.
  public var highestVoltage: Voltage
  /// The most that board and cell can take on charge; positive.
  public var greatestCharge: Current
  /// The most that they can give; positive, too.
  public var greatestDischarge: Current
  /// Charging is not allowed below this temperature.
  public var coldestCharge: Temperature
  /// Charging is not allowed above this temperature.
  public var hottestCharge: Temperature
  /// Discharging is not allowed below this temperature.
  public var coldestDischarge: Temperature
  /// Discharging is not allowed above this temperature.
  public var hottestDischarge: Temperature
  /// Over how many m°C inside each temperature the current falls to 0; at least 1.
  public var derating: Int32 = 5_000

  /// Makes bounds.
  public init(
    lowestVoltage: Voltage, highestVoltage: Voltage, greatestCharge: Current,
    greatestDischarge: Current, coldestCharge: Temperature, hottestCharge: Temperature,
    coldestDischarge: Temperature, hottestDischarge: Temperature
  ) {
    self.lowestVoltage = lowestVoltage
    self.highestVoltage = highestVoltage
    self.greatestCharge = greatestCharge
    self.greatestDischarge = greatestDischarge
    self.coldestCharge = coldestCharge
    self.hottestCharge = hottestCharge
    self.coldestDischarge = coldestDischarge
    self.hottestDischarge = hottestDischarge
  }
}

/// The most that a cell can give or take for a time.
public struct LoadLimit: Equatable, Sendable {
  /// The current; positive for a charge, negative for a discharge.
  public var current: Current
  /// What it amounts to at the end of the time, at the voltage that is least in favour of the user.
  /// Unit: µW, with the current's sign.
  public var microwatts: Int64
  /// What limits it.
  public var reason: Reason

  /// What limits a load.
  public enum Reason: Equatable, Sendable {
    /// The terminal voltage at the end of the time.
    case voltage
    /// Board and cell.
    case current
    /// The temperature.
    case temperature
  }
}

extension StateEstimator {
  /// The largest current that can flow for `seconds` and keeps the bounds.
  ///
  /// The voltage bound is kept by 1.96 deviations of the predicted voltage, so an uncertain estimate
  /// gives a lower limit. Some twenty evaluations of the circuit, no heap; to be asked
  /// once a second at most.
  /// - Parameters:
  ///   - charging: the direction.
  ///   - seconds: 1 to 60; others are clamped. 2, 10 and 30 s are usual.
  @_addressableSelf
  public func limit(
    charging: Bool, over seconds: Int32, _ bounds: borrowing LoadBounds
  ) -> LoadLimit {
    var arithmetic = SaturatingArithmetic()
    let time = Int64(min(max(seconds, 1), 60))
    let most = Int64(
      max(charging ? bounds.greatestCharge.microamperes : bounds.greatestDischarge.microamperes, 0))
    let share = Self.share(
      of: lastTemperature, coldest: charging ? bounds.coldestCharge : bounds.coldestDischarge,
      hottest: charging ? bounds.hottestCharge : bounds.hottestDischarge, bounds.derating)
    let allowed = most * share / 1_000
    let bound = Format.millionths(
      charging ? bounds.highestVoltage.microvolts : bounds.lowestVoltage.microvolts, &arithmetic)
    let sign: Int64 = charging ? 1 : -1
    func keeps(_ voltage: Int64) -> Bool { charging ? voltage <= bound : voltage >= bound }
    var low: Int64 = 0
    var reason: LoadLimit.Reason = share < 1_000 ? .temperature : .current
    if keeps(worst(sign * allowed, seconds: time, side: sign, &arithmetic)) {
      low = allowed
    } else {
      reason = .voltage
      var high = allowed
      if keeps(worst(0, seconds: time, side: sign, &arithmetic)) {
        for _ in 0..<20 where high - low > 1 {
          let middle = (low + high) / 2
          let end = worst(sign * middle, seconds: time, side: sign, &arithmetic)
          if keeps(end) { low = middle } else { high = middle }
        }
      }
    }
    // The user of a discharge gets the lowest voltage, the giver of a charge meets the lowest, too.
    let net = netCurrent(.microamperes(Int32(clamping: sign * low)), &arithmetic)
    let end = loaded(net, seconds: time, &arithmetic)
    let volts = Format.toMillionths(
      arithmetic.subtract(end.voltage, end.reach), &arithmetic)
    return LoadLimit(
      current: .microamperes(Int32(clamping: sign * low)),
      microwatts: arithmetic.multiply(sign * low, max(volts, 0), dividedBy: 1_000_000),
      reason: reason)
  }

  /// The voltage after a time under a current (µA), further towards the bound by what it may be off.
  @_addressableSelf
  private func worst(
    _ microamperes: Int64, seconds: Int64, side: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let net = netCurrent(.microamperes(Int32(clamping: microamperes)), &arithmetic)
    let end = loaded(net, seconds: seconds, &arithmetic)
    return arithmetic.add(end.voltage, side * end.reach)
  }

  /// How much of the current a temperature allows. Unit: 1/1000.
  private static func share(
    of temperature: Temperature, coldest: Temperature, hottest: Temperature, _ span: Int32
  ) -> Int64 {
    let above = Int64(temperature.millidegreesCelsius) - Int64(coldest.millidegreesCelsius)
    let below = Int64(hottest.millidegreesCelsius) - Int64(temperature.millidegreesCelsius)
    return min(max(min(above, below), 0) * 1_000 / Int64(max(span, 1)), 1_000)
  }

  /// The terminal voltage after a time under a net current in C, and 1.96 deviations of it.
  @_addressableSelf
  func loaded(
    _ net: Int64, seconds: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> (voltage: Int64, reach: Int64) {
    let hours = arithmetic.multiply(seconds, Format.one, dividedBy: 3_600)
    let kappa = filter.x[State.inverseCapacity]
    let way = arithmetic.times(kappa, arithmetic.times(net, hours))
    let place = arithmetic.add(filter.x[State.charge], way)
    let part = elements(place, net, &arithmetic)
    let times = CellProfile.temperatureFactor(profile.timeTemperatureFactor, lastTemperature)
    let fastKept = kept(seconds, profile.fastMilliseconds, times, &arithmetic)
    let slowKept = kept(seconds, profile.slowMilliseconds, times, &arithmetic)
    let swing = IntegerMath.exponentialOfNegative(
      arithmetic.multiply(
        Int64(clamping: way.magnitude), Int64(profile.hysteresisRateThousandths),
        dividedBy: 1_000))
    func relaxed(_ state: Int64, _ kept: Int64) -> Int64 {
      arithmetic.add(arithmetic.times(kept, state), arithmetic.times(Format.one - kept, net))
    }
    let fast = relaxed(filter.x[State.fast], fastKept)
    let slow = relaxed(filter.x[State.slow], slowKept)
    let direction = net > 0 ? Format.one : (net < 0 ? -Format.one : 0)
    let hysteresis =
      arithmetic.times(swing, filter.x[State.hysteresis])
      + arithmetic.times(Format.one - swing, direction)
    let open = profile.openCircuit(place, slow: slow, lastTemperature, &arithmetic)
    let drop = arithmetic.times(part.series, net)
    var voltage = arithmetic.add(open.voltage, drop)
    voltage = arithmetic.add(voltage, arithmetic.times(part.fast, fast))
    voltage = arithmetic.add(voltage, arithmetic.times(part.slow, slow))
    voltage = arithmetic.add(voltage, arithmetic.times(part.hysteresis, hysteresis))
    voltage = arithmetic.add(voltage, filter.x[State.modelError])

    var h = InlineArray<8, Int64>(repeating: 0)
    h[State.charge] = open.slope
    h[State.hysteresis] = arithmetic.times(part.hysteresis, swing)
    h[State.fast] = arithmetic.times(part.fast, fastKept)
    h[State.slow] = arithmetic.times(
      arithmetic.add(part.slow, open.perSlowC), slowKept)
    h[State.modelError] = Format.one
    h[State.resistance] = arithmetic.ratio(drop, filter.x[State.resistance])
    h[State.inverseCapacity] = arithmetic.times(open.slope, arithmetic.times(net, hours))
    h[State.currentOffset] = 0 - part.series
    let own = Format.variance(ofMillionths: profile.tuning.voltageNoiseFloor, &arithmetic)
    let byCurrent = arithmetic.times(
      Format.millionths(profile.tuning.voltageNoisePerC, &arithmetic), net)
    let noise = arithmetic.add(own, arithmetic.multiply(byCurrent, byCurrent, shift: 28))
    let variance = filter.covariance.projected(on: h, noise: noise, &arithmetic)
      .innovationVariance
    return (
      voltage, arithmetic.multiply(IntegerMath.deviation(of: variance), 196, dividedBy: 100)
    )
  }

  private func kept(
    _ seconds: Int64, _ milliseconds: Int32, _ factor: Int64,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let constant = max(arithmetic.times(Int64(milliseconds) * 1_000, factor), 1_000)
    let time = seconds * 1_000_000
    if time / constant >= 28 { return 0 }
    return IntegerMath.exponentialOfNegative(arithmetic.ratio(time, constant))
  }
}

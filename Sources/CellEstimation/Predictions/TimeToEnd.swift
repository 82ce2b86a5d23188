// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// When something will have happened, with the bounds that nine of ten cases keep. Unit: s.
public struct TimeRange: Equatable, Sendable {
  /// Sooner in one of twenty cases.
  public var soonest: Int32
  /// The most likely value.
  public var likely: Int32
  /// Later in one of twenty cases.
  public var latest: Int32

  /// Makes a range.
  public init(soonest: Int32, likely: Int32, latest: Int32) {
    self.soonest = soonest
    self.likely = likely
    self.latest = latest
  }
}

/// How long a cell lasts under a load, and how long a charge takes.
///
/// To be asked now and then, not in every step: some hundred table look-ups each, no state, no heap.
/// Errors of the mean current that is given are not in the bounds.
extension StateEstimator {
  /// The time until the terminal voltage falls to the profile's lower cut-off under a mean load.
  ///
  /// - Parameter current: the mean current; negative.
  /// - Returns: nil for a current that does not discharge, or one below C/1000.
  @_addressableSelf
  public func timeToEmpty(at current: Current) -> TimeRange? {
    var arithmetic = SaturatingArithmetic()
    let net = netCurrent(current, &arithmetic)
    guard net < -Format.one / 1_000 else { return nil }
    let cut = place(
      ofSteadyVoltage: Format.millionths(profile.lowerCutoff.microvolts, &arithmetic), net,
      &arithmetic)
    let way = filter.x[State.charge] - cut
    let reach = wayReach(way, end: cut, net, &arithmetic)
    let speed = arithmetic.times(filter.x[State.inverseCapacity], 0 - net)
    func seconds(_ way: Int64) -> Int32 { Self.seconds(max(way, 0), speed) }
    return TimeRange(
      soonest: seconds(arithmetic.subtract(way, reach)), likely: seconds(way),
      latest: seconds(arithmetic.add(way, reach)))
  }

  /// The time until a charger has filled the cell: a constant current up to the profile's upper
  /// cut-off, which is then held until the current has fallen.
  ///
  /// - Parameters:
  ///   - current: the charger's current; positive.
  ///   - end: the current at which the charger stops; nil means C/20.
  /// - Returns: nil for a current that does not charge, or one not above the end's.
  @_addressableSelf
  public func timeToFull(at current: Current, until end: Current? = nil) -> TimeRange? {
    var arithmetic = SaturatingArithmetic()
    let net = netCurrent(current, &arithmetic)
    var last = Format.one / 20
    if let end { last = netCurrent(end, &arithmetic) }
    guard last > Format.one / 1_000, net > last else { return nil }
    let upper = Format.millionths(profile.upperCutoff.microvolts, &arithmetic)
    let held = place(ofSteadyVoltage: upper, net, &arithmetic)
    let full = place(ofSteadyVoltage: upper, last, &arithmetic)
    let now = filter.x[State.charge]
    let reach = wayReach(full - now, end: full, net, &arithmetic)
    let speed = arithmetic.times(filter.x[State.inverseCapacity], net)
    // Not a function in this one: what it knows of the estimator would be a copy of it.
    var times: InlineArray<3, Int64> = [
      arithmetic.add(now, reach), now, arithmetic.subtract(now, reach),
    ]
    for i in 0..<3 {
      let place = times[i]
      let steady = Self.seconds(max(arithmetic.subtract(held, place), 0), speed)
      let tail = tailSeconds(from: max(place, held), to: full, upper, net, last)
      times[i] = Int64(steady) + Int64(tail)
    }
    return TimeRange(
      soonest: Int32(clamping: times[0]), likely: Int32(clamping: times[1]),
      latest: Int32(clamping: times[2]))
  }

  /// The time at constant voltage between two states of charge: 16 pieces, each at the current that
  /// its middle takes.
  @_addressableSelf
  private func tailSeconds(
    from: Int64, to full: Int64, _ voltage: Int64, _ most: Int64, _ least: Int64
  ) -> Int32 {
    guard from < full else { return 0 }
    var arithmetic = SaturatingArithmetic()
    let piece = (full - from) / 16
    var total: Int64 = 0
    for k in 0..<16 {
      let middle = from + piece * Int64(k) + piece / 2
      var low = least
      var high = most
      for _ in 0..<16 {
        let tried = low + (high - low) >> 1
        if steadyVoltage(middle, tried, &arithmetic) < voltage { low = tried } else { high = tried }
      }
      let speed = arithmetic.times(
        filter.x[State.inverseCapacity], low + (high - low) >> 1)
      total += Int64(Self.seconds(piece, speed))
    }
    return Int32(clamping: total)
  }

  /// 1.645 deviations of the way to an end: of the state of charge, the capacity and the offset with
  /// all that ties them, and of where the end lies.
  @_addressableSelf
  private func wayReach(
    _ way: Int64, end: Int64, _ net: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let slope = max(profile.openCircuitSlope(end, lastTemperature, &arithmetic), Format.one / 20)
    let part = elements(end, net, &arithmetic)
    var h = InlineArray<8, Int64>(repeating: 0)
    let sign: Int64 = net < 0 ? 1 : -1
    h[State.charge] = sign * Format.one
    h[State.inverseCapacity] = 0 - arithmetic.ratio(way, filter.x[State.inverseCapacity])
    h[State.currentOffset] = arithmetic.ratio(way, net)
    h[State.resistance] =
      sign * arithmetic.ratio(arithmetic.times(part.series, net), slope)
    var variance = filter.covariance.projected(on: h, noise: 0, &arithmetic).innovationVariance
    let byVoltage = arithmetic.ratio(
      Format.millionths(profile.tuning.modelError, &arithmetic), slope)
    variance = arithmetic.add(variance, arithmetic.multiply(byVoltage, byVoltage, shift: 28))
    variance = arithmetic.add(
      variance, Format.variance(ofMillionths: profile.tuning.modelErrorOfCharge, &arithmetic))
    return arithmetic.multiply(
      IntegerMath.deviation(of: variance), 1_645 * Int64(profile.tuning.chargeInterval),
      dividedBy: 1_000_000)
  }

  /// A way over a speed in shares per hour, in whole seconds; at most 68 years.
  private static func seconds(_ way: Int64, _ speed: Int64) -> Int32 {
    var arithmetic = SaturatingArithmetic()
    return Int32(
      clamping: arithmetic.multiply(way, 3_600, dividedBy: max(speed, 1)))
  }
}

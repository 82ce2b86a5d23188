// SPDX-License-Identifier: Apache-2.0

import Quantities

/// The states of the filter, in the order that keeps its transition matrix upper triangular.
enum State {
  /// State of charge.
  static let charge = 0
  /// Hysteresis, −1 after a long discharge to +1 after a long charge.
  static let hysteresis = 1
  /// The current as the fast relaxation sees it, low-passed by its time constant. Unit: C.
  static let fast = 2
  /// The current as the slow relaxation sees it. Unit: C.
  static let slow = 3
  /// What the open-circuit curve is wrong by here. Unit: V.
  static let modelError = 4
  /// Series resistance over the profile's.
  static let resistance = 5
  /// Rated capacity over the true one.
  static let inverseCapacity = 6
  /// What the current reading is too high by. Unit: C.
  static let currentOffset = 7
}

/// The joint extended Kalman filter of eight states on factors U and D, all in integers.
///
/// Time and measurement are separate: `advance` moves the state by a charge over a time, `correct`
/// weighs a voltage reading against the model. Both are total: whatever comes in, the state stays in
/// its bounds, and a lost covariance is replaced by the prior and reported.
/// Sources: Bierman 1977 (factorised update); Plett, J. Power Sources 134 (2004) 252,
/// doi:10.1016/j.jpowsour.2004.02.031 (equivalent circuit with hysteresis).
struct StateFilter: Sendable {
  /// The states, 40 fractional bits.
  var x: InlineArray<8, Int64>
  var covariance: CovarianceFactors
  var arithmetic = SaturatingArithmetic()

  /// Time over which the slow random walks have not been added yet. Unit: µs.
  var slowMicroseconds: Int64 = 0
  /// Readings in a row that did not fit.
  var rejected: Int32 = 0
  /// Time since the state of charge was last freed because readings kept not fitting. Unit: µs.
  var sinceFreed: Int64 = 300_000_000
  /// Steps in a row without a current reading.
  var missing: Int64 = 0
  /// The state of charge moved through since a reading was last judged, 40 fractional bits.
  var travelled: Int64 = 0
  /// The displacement's temperature factor at the last step; 0 before the first.
  var displacementFactor: Int64 = 0

  init(_ profile: borrowing @_addressable CellProfile, stateOfCharge: Int64, variance: Int64) {
    x = InlineArray(repeating: 0)
    covariance = CovarianceFactors(diagonal: InlineArray(repeating: 1))
    x[State.charge] = stateOfCharge
    forget(profile.tuning, chargeVariance: variance)
  }

  /// Goes back to the prior in all but the state of charge's value: what the prior calls certain must
  /// not be left at what nonsense has made of it.
  mutating func forget(_ tuning: FilterTuning, chargeVariance: Int64) {
    for state in 1..<8 { x[state] = 0 }
    x[State.resistance] = Format.one
    x[State.inverseCapacity] = Format.one
    covariance = priorCovariance(tuning, chargeVariance: chargeVariance)
  }

  /// The covariance of a state about which only the charge's variance is known.
  private mutating func priorCovariance(
    _ tuning: FilterTuning, chargeVariance: Int64
  ) -> CovarianceFactors {
    var d = InlineArray<8, Int64>(repeating: 0)
    d[State.charge] = chargeVariance
    d[State.hysteresis] = Format.varianceOne / 3  // even over [−1, 1]
    d[State.fast] = Format.variance(ofMillionths: tuning.fastPrior, &arithmetic)
    d[State.slow] = Format.variance(ofMillionths: tuning.slowPrior, &arithmetic)
    d[State.modelError] = Format.variance(ofMillionths: tuning.modelError, &arithmetic)
    d[State.resistance] = Format.variance(ofMillionths: tuning.resistancePrior, &arithmetic)
    d[State.inverseCapacity] = Format.variance(ofMillionths: tuning.capacityPrior, &arithmetic)
    d[State.currentOffset] = Format.variance(ofMillionths: tuning.offsetPrior, &arithmetic)
    return CovarianceFactors(diagonal: d)
  }

  // MARK: Time

  /// What moved through the cell in a step, as far as it is known.
  struct Movement {
    /// The time. Unit: µs; at least 1.
    var microseconds: Int64
    /// The charge over the rated capacity, 40 fractional bits.
    var charge: Int64
    /// The mean current in C, 40 fractional bits.
    var meanCurrent: Int64
    /// The deviation of that current in C, in millionths; 0 when it was read.
    var currentDeviation: Int32
    /// Whether a sensor measured it, so that the sensor's offset is in it.
    var isMeasured = true
  }

  /// Moves the state over a step.
  mutating func advance(
    _ profile: borrowing @_addressable CellProfile, _ movement: Movement, temperature: Temperature
  ) {
    let hours = arithmetic.multiply(movement.microseconds, Format.one, dividedBy: 3_600_000_000)
    let offset = movement.isMeasured ? x[State.currentOffset] : 0
    let kappa = x[State.inverseCapacity]
    let net = arithmetic.subtract(movement.charge, arithmetic.times(offset, hours))
    let change = arithmetic.times(kappa, net)
    let way = Int64(clamping: change.magnitude)
    travelled = arithmetic.add(travelled, way)
    let current = arithmetic.subtract(movement.meanCurrent, offset)

    let timeFactor = CellProfile.temperatureFactor(profile.timeTemperatureFactor, temperature)
    let fastDecay = decay(movement.microseconds, profile.fastMilliseconds, timeFactor)
    let slowDecay = decay(movement.microseconds, profile.slowMilliseconds, timeFactor)
    let swing = IntegerMath.exponentialOfNegative(
      arithmetic.multiply(way, Int64(profile.hysteresisRateThousandths), dividedBy: 1_000))
    let memory = errorMemory(profile.tuning, movement.microseconds, way)

    carryLag(profile, temperature)
    let slope = profile.openCircuit(
      x[State.charge], slow: x[State.slow], temperature, &arithmetic
    ).slope

    transition(
      swing: swing, fastDecay: fastDecay, slowDecay: slowDecay, memory: memory, net: net,
      chargeByOffset: movement.isMeasured ? 0 - arithmetic.times(kappa, hours) : nil)
    addNoise(
      profile.tuning, movement, hours: hours, swing: swing, fastDecay: fastDecay,
      slowDecay: slowDecay, memory: memory, slope: slope)

    let direction: Int64 = change > 0 ? Format.one : (change < 0 ? -Format.one : 0)
    x[State.charge] = arithmetic.add(x[State.charge], change)
    x[State.hysteresis] = arithmetic.add(
      arithmetic.times(swing, x[State.hysteresis]),
      arithmetic.times(Format.one - swing, direction))
    x[State.fast] = arithmetic.add(
      arithmetic.times(fastDecay, x[State.fast]),
      arithmetic.times(Format.one - fastDecay, current))
    x[State.slow] = arithmetic.add(
      arithmetic.times(slowDecay, x[State.slow]),
      arithmetic.times(Format.one - slowDecay, current))
    x[State.modelError] = arithmetic.times(memory, x[State.modelError])
    bound()
    sinceFreed = min(sinceFreed &+ movement.microseconds, 300_000_000)
  }

  /// Keeps the lag in charge when the temperature changes: what lies unevenly in the particles does so
  /// before and after, only the current that would hold it there is another one.
  private mutating func carryLag(
    _ profile: borrowing @_addressable CellProfile, _ temperature: Temperature
  ) {
    let factor = CellProfile.temperatureFactor(
      profile.displacementTemperatureFactor, temperature)
    defer { displacementFactor = factor }
    guard displacementFactor != 0, factor > 0, displacementFactor != factor else { return }
    let carried = arithmetic.ratio(displacementFactor, factor)
    x[State.slow] = arithmetic.times(x[State.slow], carried)
    scale(State.slow, by: carried)
  }

  /// `exp(−time / (constant · factor))`, 40 fractional bits.
  private mutating func decay(
    _ microseconds: Int64, _ milliseconds: Int32, _ factor: Int64
  ) -> Int64 {
    // Past 28 time constants nothing is left; the cap keeps the quotient in its format.
    let constant = max(arithmetic.times(Int64(milliseconds) * 1_000, factor), 1_000)
    if microseconds / constant >= 28 { return 0 }
    return IntegerMath.exponentialOfNegative(arithmetic.ratio(microseconds, constant))
  }

  /// What is left of the model error after a time and a way along the state of charge.
  private mutating func errorMemory(
    _ tuning: FilterTuning, _ microseconds: Int64, _ travelled: Int64
  ) -> Int64 {
    let seconds = Int64(tuning.modelErrorSeconds) * 1_000_000
    let byTime =
      microseconds / seconds >= 28 ? 28 * Format.one : arithmetic.ratio(microseconds, seconds)
    let byWay = arithmetic.multiply(travelled, 1_000_000, dividedBy: Int64(tuning.modelErrorLength))
    return IntegerMath.exponentialOfNegative(arithmetic.add(byTime, byWay))
  }

  /// Carries the factors through the transition: U ← F·U·diag(F)⁻¹, D ← D·diag(F)².
  ///
  /// - Parameter chargeByOffset: nil where the current's offset has no part in it.
  private mutating func transition(
    swing: Int64, fastDecay: Int64, slowDecay: Int64, memory: Int64, net: Int64,
    chargeByOffset: Int64?
  ) {
    // A state that forgot all but 1/64 of itself is as good as renewed; the floor keeps its
    // reciprocal in range.
    let floor = Format.one >> 6
    let diagonal: InlineArray<4, Int64> = [
      max(swing, floor), max(fastDecay, floor), max(slowDecay, floor), max(memory, floor),
    ]
    for k in 0..<4 {
      scale(k &+ 1, by: diagonal[k])
    }
    let kappaOffset = covariance.u[CovarianceFactors.at(State.inverseCapacity, State.currentOffset)]
    shift(State.charge, State.inverseCapacity, by: net)
    shift(
      State.charge, State.currentOffset,
      by: arithmetic.add(chargeByOffset ?? 0, arithmetic.times(net, kappaOffset)))
    guard chargeByOffset != nil else { return }
    shift(State.fast, State.currentOffset, by: fastDecay - Format.one)
    shift(State.slow, State.currentOffset, by: slowDecay - Format.one)
  }

  /// Multiplies one state's share of the factors.
  private mutating func scale(_ row: Int, by factor: Int64) {
    let reciprocal = arithmetic.ratio(Format.one, factor)
    for j in (row &+ 1)..<8 {
      let element = CovarianceFactors.at(row, j)
      covariance.u[element] = arithmetic.times(covariance.u[element], factor)
    }
    for i in 0..<row {
      let element = CovarianceFactors.at(i, row)
      covariance.u[element] = arithmetic.times(covariance.u[element], reciprocal)
    }
    covariance.d[row] = max(
      arithmetic.times(arithmetic.times(covariance.d[row], factor), factor), 1)
  }

  private mutating func shift(_ row: Int, _ column: Int, by amount: Int64) {
    let element = CovarianceFactors.at(row, column)
    covariance.u[element] = arithmetic.add(covariance.u[element], amount)
  }

  /// Adds what the step could have changed unseen.
  private mutating func addNoise(
    _ tuning: FilterTuning, _ movement: Movement, hours: Int64, swing: Int64, fastDecay: Int64,
    slowDecay: Int64, memory: Int64, slope: Int64
  ) {
    let perHour = Format.fineVariance(ofBillionths: tuning.chargeWalk * 1_000, &arithmetic)
    var charge = arithmetic.multiply(perHour, hours, shift: 60)
    if movement.currentDeviation > 0 {
      // The k-th missing sample adds (2k+1)·(σ·dt)², so that the error grows with time, not with
      // its root.
      let way = arithmetic.times(
        Format.millionths(movement.currentDeviation, &arithmetic), hours)
      let once = arithmetic.multiply(way, way, shift: 28)
      charge = arithmetic.add(charge, arithmetic.multiply(once, 2 * missing + 1, dividedBy: 1))
      missing = min(missing + 1, 1_000_000)
    } else {
      missing = 0
    }
    covariance.d[State.charge] = max(arithmetic.add(covariance.d[State.charge], charge), 1)

    let hysteresis = Format.variance(ofMillionths: tuning.hysteresisNoise, &arithmetic)
    renew(State.hysteresis, hysteresis, left: swing)
    renew(State.fast, Format.variance(ofMillionths: tuning.fastNoise, &arithmetic), left: fastDecay)
    renew(State.slow, Format.variance(ofMillionths: tuning.slowNoise, &arithmetic), left: slowDecay)
    let flat = Format.variance(ofMillionths: tuning.modelError, &arithmetic)
    // Where the curve is steeper the reading's own variance covers it; a model error that could grow
    // with the slope there would be carried on to where the curve is flat.
    let along = arithmetic.times(
      min(slope, 2 * Format.one), Format.millionths(tuning.modelErrorOfCharge, &arithmetic))
    let error = arithmetic.add(flat, arithmetic.multiply(along, along, shift: 28))
    renew(State.modelError, error, left: memory)

    slowMicroseconds = arithmetic.add(slowMicroseconds, movement.microseconds)
    if slowMicroseconds >= 60_000_000 {
      let seconds = min(slowMicroseconds / 1_000_000, 36_000_000)
      slowMicroseconds = 0
      walk(State.resistance, billionthsPerRootSecond: Int64(tuning.resistanceWalk) * 1_000, seconds)
      walk(State.inverseCapacity, billionthsPerRootSecond: Int64(tuning.capacityWalk), seconds)
      walk(State.currentOffset, billionthsPerRootSecond: Int64(tuning.offsetWalk), seconds)
    }
  }

  /// Renews a state that keeps `left` of itself towards its standing variance.
  private mutating func renew(_ state: Int, _ standing: Int64, left: Int64) {
    let kept = arithmetic.times(left, left)
    covariance.add(
      variance: arithmetic.times(standing, Format.one - kept), to: state, &arithmetic)
  }

  /// Adds a random walk over `seconds` to a state.
  private mutating func walk(_ state: Int, billionthsPerRootSecond: Int64, _ seconds: Int64) {
    let deviation = Int32(clamping: billionthsPerRootSecond)
    let perSecond = Format.fineVariance(ofBillionths: deviation, &arithmetic)
    covariance.add(
      variance: arithmetic.multiply(perSecond, seconds, shift: 20), to: state, &arithmetic)
  }

  // MARK: Measurement

  /// How a voltage reading was taken.
  enum Verdict: Equatable, Sendable {
    /// It fitted and was weighed in.
    case accepted
    /// It did not fit and was left out.
    case rejected
    /// Too many in a row did not fit; this one was weighed in, cut to four deviations.
    case forced
  }

  /// Weighs a voltage reading against the model.
  ///
  /// - Parameters:
  ///   - voltage: the reading in V, 40 fractional bits.
  ///   - current: the current at that moment in C, 40 fractional bits.
  ///   - microseconds: the time since the last reading, over which its errors are correlated.
  mutating func correct(
    _ profile: borrowing @_addressable CellProfile, voltage: Int64, current: Int64,
    temperature: Temperature,
    microseconds: Int64
  ) -> Verdict {
    let look = look(
      profile, voltage: voltage, current: current, temperature: temperature,
      microseconds: microseconds)
    travelled = 0
    return weigh(look.innovation, look.h, noise: look.noise)
  }

  /// Whether a voltage reading is one that the belief allows; changes nothing.
  ///
  /// What the charge and the slow lag may be wrong by is a way along the curve, and read from it at three
  /// deviations on either side, not by its slope: at the knee of a full cell a slope of volts would allow
  /// every voltage. The parameters are those of `correct`.
  mutating func fits(
    _ profile: borrowing @_addressable CellProfile, voltage: Int64, current: Int64,
    temperature: Temperature,
    microseconds: Int64
  ) -> Bool {
    let look = look(
      profile, voltage: voltage, current: current, temperature: temperature,
      microseconds: microseconds, steepest: 2 * Format.one)
    var others = look.h
    others[State.charge] = 0
    others[State.slow] = look.perSlowC
    let projection = covariance.projected(on: others, noise: look.noise, &arithmetic)
    let margin = 3 * deviation(projection.innovationVariance)
    var along = InlineArray<8, Int64>(repeating: 0)
    along[State.charge] = Format.one
    along[State.slow] = profile.lagReach(x[State.charge], temperature, &arithmetic)
    let way = covariance.projected(on: along, noise: 1, &arithmetic)
    let spread = 3 * deviation(way.innovationVariance)
    let place = look.displaced
    let open = arithmetic.add(
      profile.openCircuitVoltage(place, temperature, &arithmetic), look.innovation)
    let low = profile.openCircuitVoltage(place - spread, temperature, &arithmetic)
    let high = profile.openCircuitVoltage(place + spread, temperature, &arithmetic)
    return low - margin <= open && open <= high + margin
  }

  /// The root of a variance, at most 8; 40 fractional bits.
  private func deviation(_ variance: Int64) -> Int64 {
    let root = Int64(bitPattern: IntegerMath.squareRoot(UInt64(max(variance, 0))) << 14)
    return min(root, 8 * Format.one)
  }

  /// A reading beside the model.
  private struct Look {
    /// The reading less the model. Unit: V, 40 fractional bits.
    var innovation: Int64
    /// What each state adds to the model.
    var h: InlineArray<8, Int64>
    /// The reading's variance.
    var noise: Int64
    /// The state of charge of the material that follows at once, 40 fractional bits.
    var displaced: Int64
    /// What the slow current adds beside its lag along the curve. Unit: V per C, 40 fractional bits.
    var perSlowC: Int64
  }

  private mutating func look(
    _ profile: borrowing @_addressable CellProfile, voltage: Int64, current: Int64,
    temperature: Temperature,
    microseconds: Int64, steepest: Int64 = 20 * Format.one
  ) -> Look {
    let net = arithmetic.subtract(current, x[State.currentOffset])
    let place = TablePlace(x[State.charge], &arithmetic)
    let relaxation = CellProfile.temperatureFactor(
      profile.relaxationTemperatureFactor, temperature)
    let open = profile.openCircuit(
      x[State.charge], slow: x[State.slow], temperature, &arithmetic)
    let slope = min(open.slope, steepest)
    let half = profile.coarse(profile.hysteresis, place, &arithmetic)
    let fast = arithmetic.times(profile.coarse(profile.fast, place, &arithmetic), relaxation)
    let slow = arithmetic.times(profile.coarse(profile.slow, place, &arithmetic), relaxation)
    let series = arithmetic.times(
      arithmetic.times(
        profile.coarse(profile.series, place, &arithmetic),
        CellProfile.temperatureFactor(profile.seriesTemperatureFactor, temperature)),
      profile.currentFactor(net))
    let drop = arithmetic.times(series, net)

    var h = InlineArray<8, Int64>(repeating: 0)
    h[State.charge] = slope
    h[State.hysteresis] = half
    h[State.fast] = fast
    h[State.slow] = arithmetic.add(slow, open.perSlowC)
    h[State.modelError] = Format.one
    h[State.resistance] = drop
    h[State.currentOffset] = 0 - arithmetic.times(series, x[State.resistance])

    var model = open.voltage
    model = arithmetic.add(model, arithmetic.times(fast, x[State.fast]))
    model = arithmetic.add(model, arithmetic.times(slow, x[State.slow]))
    model = arithmetic.add(model, arithmetic.times(half, x[State.hysteresis]))
    model = arithmetic.add(model, x[State.modelError])
    model = arithmetic.add(model, arithmetic.times(drop, x[State.resistance]))

    let noise = readingVariance(profile.tuning, current: net, slope: slope, microseconds)
    return Look(
      innovation: arithmetic.subtract(voltage, model), h: h, noise: noise,
      displaced: open.displaced, perSlowC: slow)
  }

  /// The variance of one reading: the sensor's, the current's share and the curve's.
  private mutating func readingVariance(
    _ tuning: FilterTuning, current: Int64, slope: Int64, _ microseconds: Int64
  ) -> Int64 {
    // Errors of readings closer than a second are the same error; further apart they average.
    let step = min(max(microseconds, 1_000), 3_600_000_000)
    let voltage = max(
      arithmetic.multiply(
        Format.variance(ofMillionths: tuning.voltageNoise, &arithmetic), 1_000_000,
        dividedBy: step),
      Format.variance(ofMillionths: tuning.voltageNoiseFloor, &arithmetic))
    let byCurrent = arithmetic.times(
      Format.millionths(tuning.voltageNoisePerC, &arithmetic), current)
    // The curve's error is another one after a time, and after a piece of the curve: what a reading
    // adds to one independent look is the share of either that has passed since the last.
    let byTime = arithmetic.multiply(
      step, Format.one, dividedBy: Int64(max(tuning.slopeSeconds, 1)) * 1_000_000)
    let byWay = arithmetic.multiply(
      travelled, 1_000_000, dividedBy: Int64(max(tuning.modelErrorLength, 1)))
    let look = min(max(arithmetic.add(byTime, byWay), 1 << 10), Format.one)
    let perSlope = arithmetic.multiply(
      Int64(tuning.slopeVariance) << 20, Format.one, dividedBy: look)
    let squaredSlope = arithmetic.multiply(slope, slope, shift: 28)
    let bySlope = arithmetic.multiply(squaredSlope, perSlope, dividedBy: 1_000_000 << 20)
    return arithmetic.add(
      arithmetic.add(voltage, bySlope), arithmetic.multiply(byCurrent, byCurrent, shift: 28))
  }

  /// Gates an innovation by four deviations and applies it.
  private mutating func weigh(
    _ innovation: Int64, _ h: borrowing InlineArray<8, Int64>, noise: Int64
  ) -> Verdict {
    var projection = covariance.projected(on: h, noise: noise, &arithmetic)
    var cut = innovation
    var verdict = Verdict.accepted
    // |innovation| beyond 64 V cannot come from a plausible reading; cut before squaring.
    let bounded = min(max(innovation, -32 * Format.one), 32 * Format.one)
    let squared = arithmetic.multiply(bounded, bounded, shift: 28)
    if squared / 16 > projection.innovationVariance {
      guard rejected >= 10 else {
        rejected += 1
        return .rejected
      }
      verdict = .forced
      if sinceFreed >= 300_000_000 {
        sinceFreed = 0
        free()
        projection = covariance.projected(on: h, noise: noise, &arithmetic)
      }
      let deviation = Int64(
        bitPattern: IntegerMath.squareRoot(UInt64(max(projection.innovationVariance, 0))) << 14)
      cut = min(max(bounded, -4 * deviation), 4 * deviation)
    }
    let wasRejecting = rejected > 0
    rejected = 0
    let gain = covariance.update(projection, noise: noise, &arithmetic)
    let before = x[State.charge]
    for i in 0..<8 {
      let share = arithmetic.ratio(gain[i], projection.innovationVariance)
      x[i] = arithmetic.add(x[i], arithmetic.times(share, cut))
    }
    bound()
    if wasRejecting { doubt(arithmetic.subtract(x[State.charge], before)) }
    return verdict
  }

  /// Gives up a covariance after readings that did not fit have made the charge leap along the curve.
  ///
  /// No slope holds over three eighths of the curve, so where a longer leap ends is a guess; and the other
  /// states have learned from what did not fit. A variance without meaning lets the estimator begin anew
  /// from its prior, and say so. Assumed, because shorter leaps, such as from a start that is 30 % wrong
  /// where the curve is flat, were seen to end where they should.
  private mutating func doubt(_ leap: Int64) {
    guard leap.magnitude > UInt64(3 * Format.one / 8) else { return }
    covariance.add(variance: Format.varianceOne / 2, to: State.charge, &arithmetic)
  }

  /// Weighs what is known of a state from elsewhere.
  ///
  /// A value more than three deviations away replaces the state and all that was tied to it. What the
  /// filter knows of capacity counts with twice its deviation, because it is optimistic by that.
  mutating func fuse(_ value: Int64, variance: Int64, into state: Int) {
    let innovation = arithmetic.subtract(value, x[state])
    let bounded = min(max(innovation, -8 * Format.one), 8 * Format.one)
    let held = covariance.variance(of: state, &arithmetic)
    let squared = arithmetic.multiply(bounded, bounded, shift: 28)
    let expected = arithmetic.add(arithmetic.multiply(held, 4, dividedBy: 1), variance)
    if squared / 9 > expected {
      x[state] = value
      covariance.decorrelate(row: state, variance: variance)
      bound()
      return
    }
    if state == State.inverseCapacity {
      covariance.add(
        variance: arithmetic.multiply(held, 3, dividedBy: 1), to: state, &arithmetic)
    }
    var h = InlineArray<8, Int64>(repeating: 0)
    h[state] = Format.one
    let projection = covariance.projected(on: h, noise: variance, &arithmetic)
    let gain = covariance.update(projection, noise: variance, &arithmetic)
    for i in 0..<8 {
      let share = arithmetic.ratio(gain[i], projection.innovationVariance)
      x[i] = arithmetic.add(x[i], arithmetic.times(share, bounded))
    }
    bound()
  }

  /// Widens a state of charge that is believed too much: its deviation becomes at least 20 %.
  private mutating func free() {
    let wide = Format.variance(ofMillionths: 200_000, &arithmetic)
    let held = covariance.variance(of: State.charge, &arithmetic)
    if held < wide { covariance.d[State.charge] += wide - held }
  }

  // MARK: Bounds

  /// Keeps every state where it can mean something.
  private mutating func bound() {
    clamp(State.charge, TablePlace.lowest, TablePlace.highest)
    clamp(State.hysteresis, -Format.one, Format.one)
    clamp(State.fast, -32 * Format.one, 32 * Format.one)
    clamp(State.slow, -32 * Format.one, 32 * Format.one)
    clamp(State.modelError, -Format.half, Format.half)
    clamp(State.resistance, Format.one / 10, 10 * Format.one)
    clamp(State.inverseCapacity, Format.half, 4 * Format.one)
    clamp(State.currentOffset, -Format.one / 4, Format.one / 4)
  }

  @inline(__always)
  private mutating func clamp(_ state: Int, _ low: Int64, _ high: Int64) {
    x[state] = min(max(x[state], low), high)
  }
}
